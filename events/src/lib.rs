//! The corpus: what providers send, how it is signed, and the expected results.
//!
//! All users of requests share one corpus: tests, `tidings send`, `tidings dev --demo`, local invokes. The receiver's
//! own scheme interpreter signs, so each scheme has one implementation. The secrets here are public: use them only on
//! machines that nobody else can reach.

pub mod attack;
mod fresh;
mod identity;
mod lambda;
pub mod project;
mod sample;
pub mod samples;
mod sign;
pub mod signable;

pub use fresh::{MARK, Renewed};
pub use identity::Identity;
pub use lambda::api_gateway_event;
pub use sample::Sample;
pub use sign::{RequestError, SignedRequest, Tamper, tenant_of};

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use tidings_config::OneOrMany;
use tidings_config::source::Source;
use tidings_core::claim::Outcome;
use tidings_core::secrets::{DocumentError, parse};
use tidings_project::preset;

static BODIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/bodies");

/// The sources' public demo secrets: the document that Secrets Manager would hold.
pub const SECRETS: &str = include_str!("../secrets.json");

/// The whole corpus.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// The cases, in the order in which they are sent.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
    /// The expected contexts at the end.
    #[serde(rename = "context")]
    pub contexts: Vec<ExpectedContext>,
    /// The expected actions. Conversations that occur here must have no other actions.
    #[serde(rename = "action")]
    pub actions: Vec<ExpectedAction>,
}

/// One delivery.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// A short description.
    pub about: String,
    /// What the demo prints when it arrives. Without it, the demo prints the case only with `-v`.
    #[serde(default)]
    pub story: Option<String>,
    pub source: String,
    /// A file of `bodies/`.
    pub body: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub tamper: Option<Tamper>,
    /// Spaces after the body, up to this size.
    #[serde(default)]
    pub pad_to_bytes: Option<usize>,
    /// An earlier case whose event this one sends again.
    #[serde(default)]
    pub repeats: bool,
    /// A case whose events must be finished before this one is sent.
    #[serde(default)]
    pub after: Option<String>,
    pub expect: Expectation,
}

/// The expected result of a delivery.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    pub status: u16,
    /// `status` or `error` of the reply.
    pub reply: String,
    #[serde(default, rename = "event")]
    pub events: Vec<ExpectedEvent>,
}

impl Expectation {
    /// Whether it contains a new event, with any status that its provider expects.
    pub fn is_accepted(&self) -> bool {
        self.reply == "accepted"
    }
}

/// The expected result of one event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedEvent {
    /// The claim key, or its beginning if it contains a hash.
    pub key: String,
    #[serde(rename = "type")]
    pub event_type: String,
    #[serde(default)]
    pub conversation: Option<String>,
    /// For an event that is processed.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// The beginning of a dead-lettered event's reason.
    #[serde(default)]
    pub dead: Option<String>,
}

/// The expected context of a conversation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedContext {
    pub conversation: String,
    #[serde(default)]
    pub node: Option<String>,
    /// By entity and name. There may be more.
    pub facts: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

/// An expected action, once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAction {
    pub conversation: String,
    pub rule: String,
    /// For a notification.
    #[serde(default)]
    pub text: Option<String>,
    /// The CloudEvents type of any other action.
    #[serde(default, rename = "type")]
    pub action_type: Option<String>,
}

static CORPUS: LazyLock<Corpus> =
    LazyLock::new(|| toml::from_str(include_str!("../corpus.toml")).expect("a test reads the corpus"));

/// The corpus of `corpus.toml`.
pub fn corpus() -> &'static Corpus {
    &CORPUS
}

impl Corpus {
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// The first authentic delivery of a source.
    pub fn typical(&self, source: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.source == source && case.tamper.is_none())
    }
}

impl Case {
    /// The signed bytes.
    pub fn body(&self) -> Vec<u8> {
        let file = BODIES.get_file(&self.body).unwrap_or_else(|| panic!("events/bodies/{} is missing", self.body));
        let mut body = file.contents().to_vec();
        if let Some(bytes) = self.pad_to_bytes {
            body.resize(bytes.max(body.len()), b' ');
        }
        body
    }
}

/// The secrets of a source, newest first. Empty: the document has none.
pub fn secrets_of(document: &str, source: &str) -> Result<Vec<String>, DocumentError> {
    Ok(parse(document)?.remove(source).unwrap_or_default().0)
}

/// A document of public demo secrets for these sources: those of [`SECRETS`], and otherwise the secret of the
/// preset's first vector. A source with its own scheme and no entry gets none.
pub fn demo_secrets(sources: &[Source]) -> String {
    let mut document = parse(SECRETS).expect("a test reads it");
    // A source with tenants has one for demonstrations, and no secret of its own.
    let named = |source: &Source| if source.tenants { format!("{}/demo", source.name) } else { source.name.clone() };
    let missing: Vec<&Source> = sources.iter().filter(|source| !document.contains_key(&named(source))).collect();
    if missing.is_empty() {
        return SECRETS.to_owned();
    }
    for source in missing {
        if let Some(vector) = preset(&source.provider).and_then(|provider| provider.vectors.first()) {
            document.insert(named(source), OneOrMany(vec![vector.secret.clone()]));
        }
    }
    serde_json::to_string(&document).expect("texts are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_its_body_and_its_secret() {
        for case in &corpus().cases {
            assert!(!case.body().is_empty(), "{}", case.name);
            assert!(!secrets_of(SECRETS, &case.source).unwrap().is_empty(), "{}", case.name);
        }
    }

    #[test]
    fn a_case_after_another_comes_after_it() {
        for (n, case) in corpus().cases.iter().enumerate() {
            let before = &corpus().cases[..n];
            assert!(case.after.iter().all(|name| before.iter().any(|c| c.name == *name)), "{}", case.name);
        }
    }

    #[test]
    fn every_body_is_in_a_case() {
        for file in BODIES.files() {
            let name = file.path().to_str().unwrap();
            assert!(corpus().cases.iter().any(|case| case.body == name), "events/bodies/{name} is in no case");
        }
    }
}
