//! What an answer means.

use crate::api::Api;
use crate::limits::{MAX_ANSWER_REASON_BYTES, MAX_MESSAGE_ID_BYTES, MAX_RETRY_AFTER};
use crate::place::Selector;
use crate::request::{ANY, one_or_many, shortest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_config::{excerpt, words};

/// An entry of a channel's file: the first that matches decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// A status, several, or a class as `4xx`. Absent: any.
    #[serde(default, skip_serializing_if = "Statuses::is_any")]
    pub status: Statuses,
    #[serde(default, skip_serializing_if = "Matching::is_empty")]
    pub when: Matching,
    pub is: Verdict,
    /// Where the provider's id of the message is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Selector>,
    /// Where the time until a retry is: seconds, or an HTTP date in a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Selector>,
    /// Where a short reason is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Selector>,
    /// Whether a messaging window is closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub window: bool,
    /// What to do, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<Blame>,
}

words! {
    /// What an answer means for the message.
    Verdict {
        Sent = "sent",
        /// It wasn't sent, and may be later.
        Retry = "retry",
        /// It wasn't sent, and won't be.
        Refused = "refused",
        /// It may have been sent.
        Unsure = "unsure",
    }
}

words! {
    /// What a refusal is about.
    Blame {
        /// The message: too long, malformed.
        Message = "message",
        /// Whom it is for: blocked, unknown.
        Recipient = "recipient",
        /// Our secret: revoked, expired. Every message of the channel would be refused.
        Secret = "secret",
        /// Our account: an unpaid bill, a locked number. Every message of the channel would be refused.
        Account = "account",
    }
}

/// Statuses of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Statuses(Vec<StatusRange>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StatusRange {
    One(u16),
    /// `4xx`: its first digit.
    Class(u16),
}

impl Statuses {
    fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    fn takes(&self, status: u16) -> bool {
        self.is_any()
            || self.0.iter().any(|range| match range {
                StatusRange::One(one) => *one == status,
                StatusRange::Class(class) => status / 100 == *class,
            })
    }
}

impl TryFrom<Value> for Statuses {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let status = |value: Value| {
            let class = value.as_str().and_then(|text| text.strip_suffix("xx")?.parse().ok()).map(StatusRange::Class);
            let one = value.as_u64().and_then(|number| u16::try_from(number).ok()).map(StatusRange::One);
            let known = |range: &StatusRange| match range {
                StatusRange::One(status) => (100..=599).contains(status),
                StatusRange::Class(class) => (1..=5).contains(class),
            };
            class.or(one).filter(known).ok_or_else(|| format!("status {value}, allowed: 100 to 599, or a class as \"4xx\""))
        };
        one_or_many(value).into_iter().map(status).collect::<Result<_, _>>().map(Self)
    }
}

impl From<Statuses> for Value {
    fn from(statuses: Statuses) -> Self {
        let status = |range| match range {
            StatusRange::One(status) => Value::from(status),
            StatusRange::Class(class) => Value::String(format!("{class}xx")),
        };
        shortest(statuses.0.into_iter().map(status).collect())
    }
}

/// Conditions on an answer's parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<Selector, Value>", into = "BTreeMap<Selector, Value>")]
pub struct Matching(BTreeMap<Selector, Vec<Value>>);

impl Matching {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn matches(&self, reply: &Parsed<'_>) -> bool {
        self.0.iter().all(|(selector, one_of)| {
            let Some(found) = reply.find(selector) else { return false };
            one_of.iter().any(|wanted| *wanted == ANY || is_equal(wanted, &found))
        })
    }
}

/// A header is a text: a number that a file gives is compared with its digits.
fn is_equal(wanted: &Value, found: &Value) -> bool {
    wanted == found || (found.is_string() && wanted.is_number() && found.as_str() == Some(&wanted.to_string()))
}

impl TryFrom<BTreeMap<Selector, Value>> for Matching {
    type Error = String;

    fn try_from(fields: BTreeMap<Selector, Value>) -> Result<Self, String> {
        Ok(Self(fields.into_iter().map(|(selector, value)| (selector, one_or_many(value))).collect()))
    }
}

impl From<Matching> for BTreeMap<Selector, Value> {
    fn from(matching: Matching) -> Self {
        matching.0.into_iter().map(|(selector, values)| (selector, shortest(values))).collect()
    }
}

/// An answer, of whatever status.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    pub status: u16,
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// An answer with its body as JSON, if it is.
struct Parsed<'a> {
    reply: Reply<'a>,
    json: Value,
}

impl<'a> Parsed<'a> {
    fn of(reply: Reply<'a>) -> Self {
        Self { reply, json: serde_json::from_slice(reply.body).unwrap_or_default() }
    }

    fn find(&self, selector: &Selector) -> Option<Value> {
        match selector {
            Selector::Json(place) => place.of(&self.json).cloned(),
            Selector::Header(name) => {
                let mut headers = self.reply.headers.iter();
                let header = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
                header.map(|(_, value)| Value::String(value.clone()))
            }
            Selector::Body => Some(Value::String(String::from_utf8_lossy(self.reply.body).trim().to_owned())),
            Selector::AwsCode => {
                let of_json = || self.json.get("__type").and_then(Value::as_str).map(str::to_owned);
                let of_header = || self.find(&Selector::Header("x-amzn-errortype".to_owned()))?.as_str().map(str::to_owned);
                let code = of_json().or_else(of_header).or_else(|| self.element("Code"))?;
                let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
                Some(Value::String(code.to_owned()))
            }
            Selector::AwsMessage => {
                let of_json = ["message", "Message"].iter().find_map(|name| Some(self.json.get(name)?.as_str()?.to_owned()));
                of_json.or_else(|| self.element("Message")).map(Value::String)
            }
        }
    }

    /// The text of the first XML element of this name, as AWS writes it: without attributes, and with entities left as they are.
    fn element(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(self.reply.body);
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(inside, _)| inside.to_owned())
    }

    /// A text or a number, of at most this many bytes.
    fn short(&self, selector: &Selector, at_most: usize) -> Option<String> {
        let text = match self.find(selector)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(excerpt(&text, at_most)).filter(|text| !text.is_empty())
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent {
        message: Option<String>,
    },
    /// It wasn't sent. `after`: the provider says when to send it again. `blame`: of the channel as a whole, if it is at fault.
    Retry {
        after: Option<Duration>,
        reason: String,
        hint: Option<String>,
        blame: Option<Blame>,
    },
    Refused {
        reason: String,
        hint: Option<String>,
        blame: Blame,
    },
    /// It may have been sent.
    Unsure {
        reason: String,
    },
}

/// What an answer means: the first entry of the file that matches; else what the file says of a repeated key; else a
/// 2xx is sent, 408, 425, 429 and 503 are a retry, so is 401, which is our secret, other 4xx are refused, and the rest is unsure.
pub fn classify(api: Api<'_>, reply: Reply<'_>, now: Timestamp) -> Outcome {
    let parsed = Parsed::of(reply);
    if let Some(entry) = matching(api, &parsed) {
        return of_entry(&api.answers[entry], &parsed, now);
    }
    match api.idempotency.and_then(|idempotency| idempotency.repeated.as_ref()) {
        Some(repeated) if repeated.status.takes(reply.status) && repeated.when.matches(&parsed) => {
            Outcome::Sent { message: repeated.message.as_ref().and_then(|at| parsed.short(at, MAX_MESSAGE_ID_BYTES)) }
        }
        Some(_) | None => by_default(&parsed, now),
    }
}

/// The index of the first entry that matches.
pub(crate) fn entry_of(api: Api<'_>, reply: Reply<'_>) -> Option<usize> {
    matching(api, &Parsed::of(reply))
}

fn matching(api: Api<'_>, parsed: &Parsed<'_>) -> Option<usize> {
    api.answers.iter().position(|answer| answer.status.takes(parsed.reply.status) && answer.when.matches(parsed))
}

fn of_entry(answer: &Answer, parsed: &Parsed<'_>, now: Timestamp) -> Outcome {
    let reason = || {
        let found = answer.reason.as_ref().and_then(|at| parsed.short(at, MAX_ANSWER_REASON_BYTES));
        found.unwrap_or_else(|| status_text(parsed.reply.status))
    };
    let retry = |blame| {
        let after = answer.after.as_ref().and_then(|at| after(&parsed.find(at)?, now)).or_else(|| retry_after(parsed, now));
        Outcome::Retry { after, reason: reason(), hint: answer.hint.clone(), blame }
    };
    match (answer.is, answer.blame) {
        (Verdict::Sent, _) => {
            Outcome::Sent { message: answer.message.as_ref().and_then(|at| parsed.short(at, MAX_MESSAGE_ID_BYTES)) }
        }
        (Verdict::Retry, blame) => retry(blame),
        // It can be sent once the channel works again.
        (Verdict::Refused, blame @ Some(Blame::Secret | Blame::Account)) => retry(blame),
        (Verdict::Refused, blame @ (Some(Blame::Message | Blame::Recipient) | None)) => {
            Outcome::Refused { reason: reason(), hint: answer.hint.clone(), blame: blame.unwrap_or(Blame::Message) }
        }
        (Verdict::Unsure, _) => Outcome::Unsure { reason: reason() },
    }
}

fn by_default(parsed: &Parsed<'_>, now: Timestamp) -> Outcome {
    let status = parsed.reply.status;
    let reason = status_text(status);
    let retry = |blame| Outcome::Retry { after: retry_after(parsed, now), reason: status_text(status), hint: None, blame };
    match status {
        200..=299 => Outcome::Sent { message: None },
        408 | 425 | 429 | 503 => retry(None),
        401 => retry(Some(Blame::Secret)),
        400..=499 => Outcome::Refused { reason, hint: None, blame: Blame::Message },
        // Also a redirect, which isn't followed.
        _ => Outcome::Unsure { reason },
    }
}

fn status_text(status: u16) -> String {
    format!("answered {status}")
}

fn retry_after(parsed: &Parsed<'_>, now: Timestamp) -> Option<Duration> {
    after(&parsed.find(&Selector::Header("retry-after".to_owned()))?, now)
}

/// Seconds (rounded up) or an HTTP date, bounded.
fn after(value: &Value, now: Timestamp) -> Option<Duration> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let after = match seconds {
        Some(seconds) => Duration::from_secs_f64(seconds.min(MAX_RETRY_AFTER.as_secs_f64()).ceil()),
        None => Timestamp::parse_http_date(&text)?.since(now),
    };
    Some(after.min(MAX_RETRY_AFTER))
}
