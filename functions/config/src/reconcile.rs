//! How a provider lists its own events: `[reconcile]` of its data file, for `tidings reconcile`. No function reads it.

use super::JsonPath;
use super::scheme::TimeUnit;
use crate::limits::{MAX_LIST_REQUESTS_PER_SECOND, MAX_TOLERANCE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The list of a provider's events, and how a delivery is made of an entry.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// The provider's own page on the list.
    pub docs: String,
    /// What the token is, and where the provider shows it.
    pub token: String,
    /// The environment variable with the token.
    pub token_env: String,
    /// The header with the token, and the text before it.
    pub auth: Auth,
    /// `https://` and a host. `{NAME}` is a value that the operator gives.
    pub host: String,
    /// The values that the operator gives, and what each is.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Headers of each request for the list.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Path and query of the first page: `{since}` is a time in RFC 3339, `{since_s}` in seconds, `{NAME}` a value.
    pub list: String,
    /// The place of the entries in a page. Left out: the page is the list.
    #[serde(default)]
    pub items: Option<JsonPath>,
    pub next: Next,
    /// The place of an entry's time.
    pub time: JsonPath,
    pub time_unit: TimeUnit,
    /// Whether the newest entry is first and the list can't be cut by time: it is read up to the first that is too old.
    #[serde(default)]
    pub newest_first: bool,
    /// How far back the provider lists.
    pub listed_for_seconds: u64,
    /// Requests a second that are surely within the provider's limit.
    pub per_second: u32,
    /// The place that several tries of one delivery have in common.
    #[serde(default)]
    pub once: Option<JsonPath>,
    /// Path of an entry's details, if the list doesn't have the body: `{json:PATH}` is a value of the entry.
    #[serde(default)]
    pub details: Option<String>,
    /// The place of the body, in the details or in the entry. Left out: the entry is the body.
    #[serde(default)]
    pub body: Option<JsonPath>,
    /// Headers of the delivery: `{json:PATH}` is a value of the entry.
    #[serde(default)]
    pub sent: BTreeMap<String, String>,
    /// The place of the headers that the provider sent, with its signature. It proves that a body is byte for byte the
    /// one that was sent, which a key of the body's hash needs.
    #[serde(default)]
    pub proof: Option<JsonPath>,
    /// How an event is found among the claims.
    #[serde(default)]
    pub known_by: KnownBy,
    /// The age from which the provider doesn't send an entry any more. A younger one isn't sent by us: its key is another
    /// one, and it would be two events. 0: the key is the same.
    #[serde(default)]
    pub settled_after_seconds: u64,
}

/// How a request proves who asks.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub header: String,
    #[serde(default)]
    pub prefix: String,
}

/// Where the next page is.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Next {
    /// The `Link` header with `rel="next"` (RFC 8288).
    Link,
    /// A value of the last entry as a query parameter, while the page says that there are more.
    Cursor { from: JsonPath, query: String, more: JsonPath },
}

/// How an event is found among the claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// By the key that the receiver makes of it.
    #[default]
    Key,
    /// By a claim of the same subject that was received at its time or later: the list has states instead of events.
    Subject,
}

impl Reconcile {
    /// What is wrong with it, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.host.starts_with("https://") || self.host["https://".len()..].contains('/') {
            problems.push(format!("reconcile.host is {:?}, allowed: https:// and a host, without a path", self.host));
        }
        if !(1..=MAX_LIST_REQUESTS_PER_SECOND).contains(&self.per_second) {
            problems.push(format!("reconcile.per_second is {}, allowed: 1 to {MAX_LIST_REQUESTS_PER_SECOND}", self.per_second));
        }
        if self.time_unit == TimeUnit::Utc {
            problems.push("reconcile.time_unit is utc, allowed: s, ms, rfc3339".to_owned());
        }
        if self.known_by == KnownBy::Subject && self.settled_after_seconds == 0 {
            problems.push("reconcile.known_by is subject: set settled_after_seconds, the time until the last retry".to_owned());
        }
        if self.settled_after_seconds > MAX_TOLERANCE.as_secs() {
            let most = MAX_TOLERANCE.as_secs();
            problems.push(format!("reconcile.settled_after_seconds is {}, allowed: up to {most}", self.settled_after_seconds));
        }
        let own = |name: &str| self.params.contains_key(name) || name == "since" || name == "since_s";
        for (field, text) in [("host", &self.host), ("list", &self.list)] {
            let unknown = placeholders(text).into_iter().filter(|name| !own(name));
            problems.extend(
                unknown.map(|name| format!("reconcile.{field} has {{{name}}}, allowed: a name of `params`, since, since_s")),
            );
        }
        let of_entry = |name: &&str| name.strip_prefix("json:").is_some_and(|path| path.parse::<JsonPath>().is_ok());
        for text in self.details.iter().chain(self.sent.values()) {
            let unknown = placeholders(text).into_iter().filter(|name| !of_entry(name) && !self.params.contains_key(*name));
            problems
                .extend(unknown.map(|name| format!("reconcile has {{{name}}}, allowed: {{json:PATH}} or a name of `params`")));
        }
        problems
    }
}

/// The names between braces.
pub fn placeholders(text: &str) -> Vec<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_in_order() {
        assert_eq!(placeholders("/repos/{hook}/x/{json:id}?a={since}"), ["hook", "json:id", "since"]);
        assert!(placeholders("/v1/events").is_empty());
    }
}
