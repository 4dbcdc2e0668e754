//! The proof of a data file: an action or an event, the request that it becomes, and answers with what they mean.

use crate::answer::{Blame, Outcome, Reply, Verdict, classify, entry_of};
use crate::api::Api;
use crate::channel::{Channel, ChannelFile};
use crate::render::render;
use crate::request::Request;
use crate::sigv4::AwsIdentity;
use crate::sink::{SinkEvent, SinkFile};
use crate::values::Values;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

/// An action or an event with what it becomes, and answers of the provider.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub request: Option<String>,
    #[serde(default)]
    pub conversation: String,
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Made up. Several values: an object.
    #[serde(default)]
    pub secret: Option<Value>,
    #[serde(default)]
    pub token: Option<String>,
    #[serde(default)]
    pub action: Map<String, Value>,
    /// Of a sink's file: the event as JSON.
    #[serde(default)]
    pub event: String,
    /// What is sent. Absent: only the answers are shown.
    #[serde(default)]
    pub sends: Option<ExpectedRequest>,
    #[serde(default, rename = "reply")]
    pub replies: Vec<Expected>,
    #[serde(default)]
    pub source: Option<String>,
}

/// A request that a vector expects. Headers that it doesn't list may be there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRequest {
    #[serde(default)]
    pub method: Option<String>,
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub json: Option<Value>,
    #[serde(default)]
    pub form: Option<BTreeMap<String, String>>,
}

/// An answer, and what it means.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    #[serde(default)]
    pub name: Option<String>,
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    pub is: Verdict,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub after: Option<u64>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub hint: Option<String>,
    #[serde(default)]
    pub blame: Option<Blame>,
    #[serde(default)]
    pub source: Option<String>,
}

/// The action's id in vectors.
pub const VECTOR_ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The time in vectors: 2026-11-30T12:00:00Z.
pub const VECTOR_TIME: Timestamp = Timestamp::from_unix_ms(1_796_040_000_000);

impl Vector {
    /// The action with its conversation and an id.
    pub fn whole_action(&self) -> Value {
        let mut action = self.action.clone();
        for (name, value) in [("conversation", self.conversation.as_str()), ("id", VECTOR_ID), ("type", "tidings.notify")] {
            action.entry(name).or_insert_with(|| Value::String(value.to_owned()));
        }
        Value::Object(action)
    }

    /// The differences between the file and this vector, one sentence each.
    pub fn problems(&self, file: &ChannelFile) -> Vec<String> {
        let channel = file.channel();
        self.differences(channel.api(), || self.rendered(file, &channel))
    }

    /// The differences between a sink's file and this vector, one sentence each.
    pub fn problems_of_sink(&self, file: &SinkFile) -> Vec<String> {
        let sink = file.sink();
        self.differences(sink.api(), || self.rendered_for(file, sink.api()))
    }

    fn differences(&self, api: Api<'_>, rendered: impl FnOnce() -> Result<crate::Rendered, String>) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(expected) = &self.sends {
            match rendered() {
                Ok(rendered) => problems.extend(expected.differences(&rendered)),
                Err(problem) => problems.push(problem),
            }
        }
        problems.extend(self.replies.iter().filter_map(|reply| reply.difference(api)));
        problems
    }

    fn rendered_for(&self, file: &SinkFile, api: Api<'_>) -> Result<crate::Rendered, String> {
        let event: Value = serde_json::from_str(&self.event).map_err(|error| format!("`event`: {error}"))?;
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let given = self.settings.values().next().map(String::as_str).unwrap_or_default();
        let settings = file.settings_of(given).ok_or_else(|| format!("{given:?} doesn't match the setting's pattern"))?;
        let event = SinkEvent {
            json: &self.event,
            event_type: text("type").unwrap_or_default(),
            source: text("source").unwrap_or_default(),
            conversation: text("conversation"),
            key: VECTOR_ID,
            sink: "example",
        };
        let event = event.values();
        let none = Value::Null;
        let values = Values {
            action: &none,
            id: VECTOR_ID,
            to: None,
            secret: None,
            settings: &settings,
            token: None,
            jwt: None,
            event: Some(&event),
        };
        self.of_request(render(api, &values, Some(&made_up()), VECTOR_TIME).map_err(|error| error.to_string())?)
    }

    fn rendered(&self, file: &ChannelFile, channel: &Channel) -> Result<crate::Rendered, String> {
        let action = self.whole_action();
        let mut settings = file.defaults();
        settings.extend(self.settings.clone());
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = action.get("data").and_then(|data| text(data, "to")).unwrap_or_else(|| self.conversation.clone());
        let to = channel.recipient(&name).ok_or_else(|| format!("{name:?} has none of the forms of `conversation`"))?;
        let secret = self.secret.clone().map(|secret| match &secret {
            Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or(secret),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => secret,
        });
        let id = text(&action, "id").unwrap_or_default();
        let values = Values {
            action: &action,
            id: &id,
            to: Some(&to),
            secret: secret.as_ref(),
            settings: &settings,
            token: self.token.as_deref(),
            jwt: None,
            event: None,
        };
        self.of_request(render(channel.api(), &values, Some(&made_up()), VECTOR_TIME).map_err(|error| error.to_string())?)
    }

    fn of_request(&self, (request, rendered): (&Request, crate::Rendered)) -> Result<crate::Rendered, String> {
        match &self.request {
            Some(expected) if *expected != request.name => {
                Err(format!("it is sent as {:?}, and not as {expected:?}", request.name))
            }
            Some(_) | None => Ok(rendered),
        }
    }
}

/// A role that signs requests which nobody checks.
fn made_up() -> AwsIdentity {
    AwsIdentity {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Zeroizing::new("made-up".to_owned()),
        session_token: None,
        region: "eu-central-1".to_owned(),
    }
}

impl ExpectedRequest {
    fn differences(&self, rendered: &crate::Rendered) -> Vec<String> {
        let mut problems = Vec::new();
        let method = self.method.as_deref().unwrap_or("POST");
        if (method, self.url.as_str()) != (rendered.method, rendered.url.as_str()) {
            problems.push(format!("sends {} {}, expected {method} {}", rendered.method, rendered.url, self.url));
        }
        for (name, value) in &self.headers {
            let found =
                rendered.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
            if found != Some(value.as_str()) {
                problems.push(format!("the header {name} is {found:?}, expected {value:?}"));
            }
        }
        if let Some(json) = &self.json {
            let sent: Value = serde_json::from_slice(&rendered.body).unwrap_or_default();
            if sent != *json {
                problems.push(format!("sends {sent}, expected {json}"));
            }
        }
        if let Some(form) = &self.form {
            let sent: BTreeMap<String, String> = form_urlencoded::parse(&rendered.body).into_owned().collect();
            if sent != *form {
                problems.push(format!("sends the form {sent:?}, expected {form:?}"));
            }
        }
        problems
    }
}

impl Expected {
    /// Its headers as a request's answer has them.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.headers.clone().into_iter().collect()
    }

    /// The index of the entry of the file that says what it means. `None`: what holds for every channel.
    pub fn answered_by(&self, api: Api<'_>) -> Option<usize> {
        let headers = self.headers();
        entry_of(api, Reply { status: self.status, headers: &headers, body: self.body.as_bytes() })
    }

    fn difference(&self, api: Api<'_>) -> Option<String> {
        let headers = self.headers();
        let outcome = classify(api, Reply { status: self.status, headers: &headers, body: self.body.as_bytes() }, VECTOR_TIME);
        let is_as_given = |given: Option<&String>, found: Option<&str>| given.is_none_or(|given| found == Some(given.as_str()));
        let is_expected = match &outcome {
            Outcome::Sent { message } => self.is == Verdict::Sent && *message == self.message,
            Outcome::Retry { after, reason, hint, blame } => {
                let is_it = self.is == Verdict::Retry || (self.is == Verdict::Refused && blame.is_some());
                is_it
                    && self.after.is_none_or(|seconds| *after == Some(Duration::from_secs(seconds)))
                    && is_as_given(self.reason.as_ref(), Some(reason))
                    && is_as_given(self.hint.as_ref(), hint.as_deref())
                    && (self.blame.is_none() || self.blame == *blame)
            }
            Outcome::Refused { reason, hint, blame } => {
                self.is == Verdict::Refused
                    && is_as_given(self.reason.as_ref(), Some(reason))
                    && is_as_given(self.hint.as_ref(), hint.as_deref())
                    && self.blame.is_none_or(|given| given == *blame)
            }
            Outcome::Unsure { reason } => self.is == Verdict::Unsure && is_as_given(self.reason.as_ref(), Some(reason)),
        };
        (!is_expected).then(|| format!("the answer {} {} is {outcome:?}, expected {self:?}", self.status, self.body))
    }
}
