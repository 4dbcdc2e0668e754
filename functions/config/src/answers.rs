//! What a provider is answered, where it wants another answer than ours: when its events are durable ([`Success`]), and when a
//! request of it is refused ([`Refusal`]).
//!
//! Promises: an answer is chosen by the request and by the configuration alone, never by a secret or a table. A refusal has one
//! form for all reasons, so it tells nobody why.

use super::{OneOrMany, Reference};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the text of a source's `reply` goes in a [`Success::body`].
pub const REPLY: &str = "{reply}";

/// An answer to a delivery whose events are durable. Of several, the first that fits the request is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// It is given if all of these are so: a value by its reference, `*` for any value, a list for one of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<Reference, OneOrMany<String>>,
    /// 200 to 299.
    pub status: u16,
    #[serde(default)]
    pub content_type: Option<String>,
    /// Our own JSON if it is left out; none where it is empty. `{reply}` is the source's `reply`, escaped for JSON or XML as the
    /// content type says; without a `reply` an answer that holds it isn't given.
    #[serde(default)]
    pub body: Option<String>,
    /// The text for `{reply}` where the source has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

/// How a provider hears that a request was refused. Our own JSON, with the status of the reason, if nothing is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// 400 to 499, instead of 401 for what can't be verified.
    #[serde(default)]
    pub unauthentic: Option<u16>,
    /// No refusal of the source has a body.
    #[serde(default)]
    pub empty: bool,
}

impl Success {
    /// Whether its body holds the source's own text.
    pub fn holds_reply(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.contains(REPLY))
    }

    /// The text that goes into its body, of a source that says this. `None`: it has no place for one, or there is none.
    pub fn reply<'a>(&'a self, of_source: Option<&'a str>) -> Option<&'a str> {
        of_source.or(self.reply.as_deref()).filter(|_| self.holds_reply())
    }

    /// What can't work, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(200..300).contains(&self.status) {
            problems.push("`success.status` is no 2xx: the provider would send it again".to_owned());
        }
        if self.status == 204 && self.body.as_deref() != Some("") {
            problems.push("`success.status` is 204, which has no body: `body` must be empty".to_owned());
        }
        if self.reply.is_some() && !self.holds_reply() {
            problems.push(format!("`success.reply`, and no {REPLY} in `success.body`: it would be told to nobody"));
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
    /// What can't work, in words.
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

/// Statuses that end a subscription or the retries at some providers: a secret that was mistyped must not cost the events.
const ENDING: [u16; 2] = [406, 410];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_would_be_wrong_is_refused() {
        let problems = |text: &str| toml::from_str::<Success>(text).unwrap().problems().join("; ");
        assert_eq!(problems("status = 204\nbody = \"\""), "");
        assert_eq!(problems("status = 200\nbody = '{\"text\":\"{reply}\"}'\nreply = \"Noted.\""), "");
        assert!(problems("status = 302").contains("no 2xx"));
        assert!(problems("status = 204").contains("has no body"));
        assert!(problems("status = 200\nbody = \"\"\nreply = \"Noted.\"").contains("told to nobody"));
        assert!(problems("status = 200\nwhen = { \"secret\" = \"*\" }").contains("can't use secret"));
    }

    #[test]
    fn a_refusal_ends_no_subscription() {
        for (status, fine) in [(399, false), (400, true), (406, false), (410, false), (498, true), (499, true), (500, false)] {
            assert_eq!(Refusal { unauthentic: Some(status), empty: true }.problems().is_empty(), fine, "{status}");
        }
    }
}
