//! Responses to a provider that needs another response than our default: [`Success`] when its events are durable, and
//! [`Refusal`] when its request is refused.
//!
//! Promises: a response depends on the request and the configuration alone, never on a secret or a table. All
//! refusals have one form, so a refusal doesn't reveal its reason.

use super::{OneOrMany, Reference};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The placeholder for a source's `reply` in a [`Success::body`].
pub const REPLY: &str = "{reply}";

/// The response to a delivery whose events are durable. The first entry that matches the request is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// The request must match all of these: a value by its reference, `*` for any value, a list for one of several values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<Reference, OneOrMany<String>>,
    /// HTTP status, 200 to 299.
    pub status: u16,
    #[serde(default)]
    pub content_type: Option<String>,
    /// The body. Default: our own JSON. An empty text: no body. `{reply}` stands for the source's `reply`, escaped
    /// for JSON or XML as the content type requires. An entry with `{reply}` is skipped if the source has no `reply`.
    #[serde(default)]
    pub body: Option<String>,
    /// The text for `{reply}` if the source has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

/// The response to a refused request. Default: our own JSON, with the status of the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// HTTP status if verification fails, 400 to 499. Default: 401.
    #[serde(default)]
    pub unauthentic: Option<u16>,
    /// If true, refusals of the source have no body.
    #[serde(default)]
    pub empty: bool,
}

impl Success {
    /// Whether the body contains `{reply}`.
    pub fn holds_reply(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.contains(REPLY))
    }

    /// The text for `{reply}`: the source's own, or the entry's default. `None`: the body has no `{reply}`, or no
    /// text is configured.
    pub fn reply<'a>(&'a self, of_source: Option<&'a str>) -> Option<&'a str> {
        of_source.or(self.reply.as_deref()).filter(|_| self.holds_reply())
    }

    /// Every problem with this configuration, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(200..300).contains(&self.status) {
            problems.push("`success.status` isn't 2xx: the provider would send it again".to_owned());
        }
        if self.status == 204 && self.body.as_deref() != Some("") {
            problems.push("`success.status` is 204, which has no body: `body` must be empty".to_owned());
        }
        if self.reply.is_some() && !self.holds_reply() {
            problems.push(format!("`success.reply` is set, but `success.body` doesn't contain {REPLY}: nobody would see it"));
        }
        for reference in self.when.keys().filter(|reference| !reference.is_of_request()) {
            problems.push(format!(
                "`success.when` can't use {reference}; allowed: method, header:NAME, query:NAME, json:PATH, form:FIELD"
            ));
        }
        problems
    }
}

impl Refusal {
    /// Every problem with this configuration, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let wrong = self.unauthentic.filter(|status| !(400..500).contains(status) || ENDING.contains(status));
        wrong
            .map(|status| {
                format!(
                    "`refusal.unauthentic` is {status}, allowed: 400 to 499 without {ENDING:?}, by which providers unsubscribe"
                )
            })
            .into_iter()
            .collect()
    }
}

/// Statuses that end a subscription or the retries at some providers. With them, a mistyped secret would lose events.
const ENDING: [u16; 2] = [406, 410];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_answer_is_refused() {
        let problems = |text: &str| toml::from_str::<Success>(text).unwrap().problems().join("; ");
        assert_eq!(problems("status = 204\nbody = \"\""), "");
        assert_eq!(problems("status = 200\nbody = '{\"text\":\"{reply}\"}'\nreply = \"Noted.\""), "");
        assert!(problems("status = 302").contains("isn't 2xx"));
        assert!(problems("status = 204").contains("has no body"));
        assert!(problems("status = 200\nbody = \"\"\nreply = \"Noted.\"").contains("nobody would see it"));
        assert!(problems("status = 200\nwhen = { \"secret\" = \"*\" }").contains("can't use secret"));
    }

    #[test]
    fn a_refusal_cannot_end_a_subscription() {
        for (status, fine) in [(399, false), (400, true), (406, false), (410, false), (498, true), (499, true), (500, false)] {
            assert_eq!(Refusal { unauthentic: Some(status), empty: true }.problems().is_empty(), fine, "{status}");
        }
    }
}
