//! Endpoints: servers of others that get committed events and sent actions as webhooks (`endpoints.yaml`, or registered at
//! run time).

use crate::limits::{
    MAX_ENDPOINT_DESCRIPTION_BYTES, MAX_ENDPOINT_HEADER_BYTES, MAX_ENDPOINT_HEADERS, MAX_ENDPOINT_ID_BYTES,
    MAX_ENDPOINT_PATTERNS, MAX_EXPRESSION_BYTES,
};
use crate::reach::Reach;
use crate::rules::{Priority, TypePattern};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// An endpoint's id: `ep_` and 1 to 61 of a-z, 0-9 and -; a sink's: `sink_` and 1 to 59 of the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointId(String);

impl EndpointId {
    /// The id of an endpoint of the project's file, by its name there.
    pub fn of_name(name: &str) -> Result<Self, String> {
        format!("ep_{name}").parse()
    }

    /// The id of a sink of the project's file, by its name there.
    pub fn of_sink(name: &str) -> Result<Self, String> {
        format!("{SINK}{name}").parse()
    }

    /// The name in `sinks.yaml`. `None`: it is an endpoint.
    pub fn sink(&self) -> Option<&str> {
        self.0.strip_prefix(SINK)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const ENDPOINT: &str = "ep_";
const SINK: &str = "sink_";

impl FromStr for EndpointId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let name = text.strip_prefix(ENDPOINT).or_else(|| text.strip_prefix(SINK));
        if text.len() <= MAX_ENDPOINT_ID_BYTES && name.is_some_and(is_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} isn't an endpoint's id; allowed: ep_ or sink_, and a name of a-z, 0-9 and - up to 64 bytes in all"
            ))
        }
    }
}

impl TryFrom<String> for EndpointId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<EndpointId> for String {
    fn from(id: EndpointId) -> Self {
        id.0
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an endpoint subscribes to: event types (`order.*`, `*`), or types of actions (`action:tidings.notify`, `action:*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^(action:)?[^ {}]+$"))]
#[serde(try_from = "String", into = "String")]
pub enum Subscription {
    Events(TypePattern),
    Actions(TypePattern),
}

const ACTION: &str = "action:";

impl FromStr for Subscription {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(ACTION) {
            Some(pattern) => pattern.parse().map(Self::Actions),
            None => text.parse().map(Self::Events),
        }
    }
}

impl TryFrom<String> for Subscription {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Subscription> for String {
    fn from(subscription: Subscription) -> Self {
        subscription.to_string()
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events(pattern) => write!(f, "{pattern}"),
            Self::Actions(pattern) => write!(f, "{ACTION}{pattern}"),
        }
    }
}

/// The form of a webhook's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyForm {
    /// CloudEvents 1.0 JSON, structured mode: `application/cloudevents+json`.
    #[default]
    Cloudevents,
    /// `type`, `timestamp` and `data`, as Standard Webhooks suggests: `application/json`.
    Standard,
}

/// A server that gets webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: EndpointId,
    pub url: String,
    /// At least one.
    pub events: Vec<Subscription>,
    /// A condition over `event` and `data`, in the language of rules. None: every event that a pattern matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Deliveries of one event are queued in this order, the most urgent first.
    #[serde(default, skip_serializing_if = "is_normal")]
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of its secrets in the document of secrets. None: a secret that follows from the stack's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: BodyForm,
    /// Whether webhooks are signed with Ed25519 (`v1a`) as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ed25519: bool,
    /// Headers of its own. Not for secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_normal(priority: &Priority) -> bool {
    *priority == Priority::Normal
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_default(format: &BodyForm) -> bool {
    *format == BodyForm::default()
}

impl Endpoint {
    /// What is wrong with it, except its condition, which the reader of expressions checks: a field's name, and why.
    pub fn problems(&self, reach: Reach) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        problems.extend(reach.target(&self.url).err().map(|why| ("url", why)));
        problems.extend(self.subscription_problems());
        if let Some(name) = self.secret.as_ref().filter(|name| !crate::source::is_name(name)) {
            problems.push(("secret", format!("{name:?} isn't a name; allowed: 1 to 64 of a-z, 0-9 and -")));
        }
        if self.headers.len() > MAX_ENDPOINT_HEADERS {
            problems.push(("headers", format!("there are {} headers, allowed: {MAX_ENDPOINT_HEADERS}", self.headers.len())));
        }
        problems.extend(self.headers.iter().filter_map(|(name, value)| Some(("headers", header_problem(name, value)?))));
        problems
    }

    /// What is wrong with what a sink has as well.
    pub fn subscription_problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.events.is_empty() || self.events.len() > MAX_ENDPOINT_PATTERNS {
            problems.push(("events", format!("there are {} patterns, allowed: 1 to {MAX_ENDPOINT_PATTERNS}", self.events.len())));
        }
        if let Some(bytes) = self.when.as_ref().map(String::len).filter(|bytes| *bytes > MAX_EXPRESSION_BYTES) {
            problems.push(("when", format!("the condition has {bytes} bytes, allowed: {MAX_EXPRESSION_BYTES}")));
        }
        if let Some(bytes) = self.description.as_ref().map(String::len).filter(|bytes| *bytes > MAX_ENDPOINT_DESCRIPTION_BYTES) {
            problems.push(("description", format!("it has {bytes} bytes, allowed: {MAX_ENDPOINT_DESCRIPTION_BYTES}")));
        }
        problems
    }
}

/// Why an endpoint can't have this header. The value isn't repeated.
fn header_problem(name: &str, value: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let is_token = !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_token {
        return Some(format!("{name:?} isn't the name of a header; allowed: up to 64 letters, digits and -"));
    }
    if CREDENTIALS.contains(&lower.as_str()) {
        return Some(format!("{name} would hold a secret, which doesn't belong here; the signature tells who sends"));
    }
    if RESERVED.contains(&lower.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        return Some(format!("{name} is set by Tidings or by the connection; choose another name"));
    }
    if value.len() > MAX_ENDPOINT_HEADER_BYTES {
        return Some(format!("{name} has {} bytes, allowed: {MAX_ENDPOINT_HEADER_BYTES}", value.len()));
    }
    let is_text = value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    (!is_text).then(|| format!("the value of {name} contains characters other than printable ASCII"))
}

const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

const RESERVED: [&str; 18] = [
    "accept-encoding",
    "connection",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "location",
    "origin",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "traceparent",
    "tracestate",
    "upgrade",
    "user-agent",
    "via",
];

/// Of webhooks, of contents, of proxies, and of clouds whose metadata services ask for such a header.
const RESERVED_PREFIXES: [&str; 10] =
    ["webhook-", "svix-", "ce-", "content-", "proxy-", "sec-", "x-forwarded-", "x-real-", "x-amz", "x-aws-"];

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            id: "ep_crm".parse().unwrap(),
            url: "https://crm.example.com/hooks".to_owned(),
            events: vec!["order.*".parse().unwrap()],
            when: None,
            priority: Priority::Normal,
            description: None,
            secret: None,
            format: BodyForm::Cloudevents,
            ed25519: false,
            headers: BTreeMap::new(),
        }
    }

    #[test]
    fn an_id_has_its_prefix_and_few_characters() {
        for good in ["ep_a", "ep_crm-eu2", &format!("ep_{}", "a".repeat(61))] {
            assert_eq!(good.parse::<EndpointId>().unwrap().to_string(), good);
        }
        let sink = EndpointId::of_sink("bus").unwrap();
        assert_eq!((sink.as_str(), sink.sink()), ("sink_bus", Some("bus")));
        assert_eq!("ep_bus".parse::<EndpointId>().unwrap().sink(), None);
        for bad in
            ["", "ep_", "sink_", "sink_BUS", "crm", "ep_CRM", "ep_a b", "ep_a#b", "EP_a", &format!("ep_{}", "a".repeat(62))]
        {
            assert!(bad.parse::<EndpointId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_subscription_is_to_events_or_to_actions() {
        for text in ["order.*", "*", "action:tidings.notify", "action:*"] {
            let subscription: Subscription = text.parse().unwrap();
            assert_eq!(
                (subscription.to_string().as_str(), matches!(subscription, Subscription::Actions(_))),
                (text, text.contains(':'))
            );
        }
        for bad in ["", "action:", "order.ship*", "action:a b"] {
            assert!(bad.parse::<Subscription>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_bounded_and_reaches_no_private_address() {
        assert_eq!(endpoint().problems(Reach::Public), []);
        let wrong = |change: fn(&mut Endpoint)| {
            let mut endpoint = endpoint();
            change(&mut endpoint);
            endpoint.problems(Reach::Public).into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(wrong(|e| e.url = "https://169.254.169.254/".to_owned()), ["url"]);
        assert_eq!(wrong(|e| e.events.clear()), ["events"]);
        assert_eq!(wrong(|e| e.events = vec!["*".parse().unwrap(); MAX_ENDPOINT_PATTERNS + 1]), ["events"]);
        assert_eq!(wrong(|e| e.events = vec!["*".parse().unwrap(); MAX_ENDPOINT_PATTERNS]), [""; 0]);
        assert_eq!(wrong(|e| e.when = Some("x".repeat(MAX_EXPRESSION_BYTES + 1))), ["when"]);
        assert_eq!(wrong(|e| e.description = Some("x".repeat(MAX_ENDPOINT_DESCRIPTION_BYTES + 1))), ["description"]);
        assert_eq!(wrong(|e| e.secret = Some("@master".to_owned())), ["secret"]);
        let headers = |count: usize| (0..count).map(|n| (format!("X-{n}"), String::new())).collect();
        let many = Endpoint { headers: headers(MAX_ENDPOINT_HEADERS), ..endpoint() };
        assert_eq!(many.problems(Reach::Public), []);
        assert_eq!(Endpoint { headers: headers(MAX_ENDPOINT_HEADERS + 1), ..endpoint() }.problems(Reach::Public).len(), 1);
    }

    #[test]
    fn reserved_headers_and_secrets_are_refused() {
        for name in [
            "Host",
            "webhook-id",
            "Webhook-Signature",
            "svix-id",
            "Content-Type",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "X-Forwarded-For",
            "X-aws-ec2-metadata-token",
            "X-Amz-Date",
            "Authorization",
            "Cookie",
            "Proxy-Authorization",
            "TE",
            "Upgrade",
            "User-Agent",
            "ce-id",
            "",
            "a b",
            "a:b",
            "x\r\ny",
            "\u{fc}",
        ] {
            assert!(header_problem(name, "hunter2").is_some_and(|said| !said.contains("hunter2")), "{name}");
        }
        for (name, value) in [("X-Team", "crm"), ("Accept", "application/json"), ("X-Key-Id", "")] {
            assert_eq!(header_problem(name, value), None, "{name}");
        }
        for value in ["a\r\nX-Other: b", "a\0", "\u{fc}", &"x".repeat(MAX_ENDPOINT_HEADER_BYTES + 1)] {
            assert!(header_problem("X-Team", value).is_some());
        }
    }
}
