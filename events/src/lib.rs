//! The corpus: what providers send, how it is signed, and what must become of it.
//!
//! One corpus for everything that needs a request: tests, `tidings send`, `tidings dev --demo`, local invokes. Signing is
//! the receiver's own interpreter run the other way, so there is no second implementation of a scheme. The secrets here
//! are public: they are for machines that nobody else can reach.

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
pub use sign::{RequestError, SignedRequest, Tamper};

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
    /// In the order in which they are sent.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
    /// What the chatbot knows in the end.
    #[serde(rename = "context")]
    pub contexts: Vec<ExpectedContext>,
    /// What it was asked to do. The conversations that are named here have no other actions.
    #[serde(rename = "action")]
    pub actions: Vec<ExpectedAction>,
}

/// One delivery.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// In a few words.
    pub about: String,
    /// What the demo says when it arrives. Without it the demo says nothing of the case, unless it is asked for everything.
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
    /// An event that an earlier case has sent.
    #[serde(default)]
    pub repeats: bool,
    /// A case whose events must have come to their end before this one is sent.
    #[serde(default)]
    pub after: Option<String>,
    pub expect: Expectation,
}

/// What must become of a delivery.
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
    /// Whether it brings what wasn't known, whatever status its provider wants to hear.
    pub fn is_accepted(&self) -> bool {
        self.reply == "accepted"
    }
}

/// What must become of one event of a delivery.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedEvent {
    /// The claim key; what it begins with, where it is a hash.
    pub key: String,
    #[serde(rename = "type")]
    pub event_type: String,
    #[serde(default)]
    pub conversation: Option<String>,
    /// Of an event that gets processed.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// What the reason of a dead event begins with.
    #[serde(default)]
    pub dead: Option<String>,
}

/// What must be known of a conversation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedContext {
    pub conversation: String,
    #[serde(default)]
    pub node: Option<String>,
    /// By entity and name. There may be more.
    pub facts: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
}

/// What the chatbot must have been asked to do, once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAction {
    pub conversation: String,
    pub rule: String,
    /// Of a notification.
    #[serde(default)]
    pub text: Option<String>,
    /// The CloudEvents type of anything else.
    #[serde(default, rename = "type")]
    pub action_type: Option<String>,
}

static CORPUS: LazyLock<Corpus> =
    LazyLock::new(|| toml::from_str(include_str!("../corpus.toml")).expect("a test reads the corpus"));

/// The corpus, as `corpus.toml` has it.
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
    /// The bytes that are signed.
    pub fn body(&self) -> Vec<u8> {
        let file = BODIES.get_file(&self.body).unwrap_or_else(|| panic!("events/bodies/{} is missing", self.body));
        let mut body = file.contents().to_vec();
        if let Some(bytes) = self.pad_to_bytes {
            body.resize(bytes.max(body.len()), b' ');
        }
        body
    }
}

/// The secrets of a source, newest first; none where the document has none.
pub fn secrets_of(document: &str, source: &str) -> Result<Vec<String>, DocumentError> {
    Ok(parse(document)?.remove(source).unwrap_or_default().0)
}

/// The document of public demo secrets for these sources: those of [`SECRETS`], and for a source that has none there its
/// preset's own, which is the secret of the first vector. A source with a scheme of its own and no secret stays without.
pub fn demo_secrets(sources: &[Source]) -> String {
    let mut document = parse(SECRETS).expect("a test reads it");
    let missing: Vec<&Source> = sources.iter().filter(|source| !document.contains_key(&source.name)).collect();
    if missing.is_empty() {
        return SECRETS.to_owned();
    }
    for source in missing {
        if let Some(vector) = preset(&source.provider).and_then(|provider| provider.vectors.first()) {
            document.insert(source.name.clone(), OneOrMany(vec![vector.secret.clone()]));
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
    fn whatever_comes_after_a_case_comes_after_it() {
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
