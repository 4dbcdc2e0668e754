//! What we know of a provider: how it signs ([`Scheme`]), where an event's fields are ([`EventSpec`]), what proves it
//! ([`Evidence`], [`Vector`]). One data file each, in `functions/receiver/providers/`; a user's own scheme in
//! `sources.yaml` is made of the same words.

use super::handshake::{Handshake, Success};
use super::source::{JSON, Source};
use super::{JsonPath, OneOrMany, Reference, Template};
use crate::limits::{DEFAULT_TOLERANCE, MAX_TOLERANCE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A provider's data file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// As `sources.yaml` names it.
    pub name: String,
    /// As people name it.
    pub title: String,
    /// Its own page on verifying.
    pub docs: String,
    pub evidence: Evidence,
    pub delivery: Delivery,
    pub scheme: Scheme,
    /// What a durable delivery is answered, where the provider wants more than a 2xx.
    #[serde(default)]
    pub success: Option<Success>,
    #[serde(default, rename = "handshake")]
    pub handshakes: Vec<Handshake>,
    #[serde(rename = "event")]
    pub events: Vec<EventSpec>,
    #[serde(rename = "vector")]
    pub vectors: Vec<Vector>,
}

impl Provider {
    /// A source of this provider, with nothing of its own.
    pub fn source(&self, name: &str) -> Source {
        Source {
            name: name.to_owned(),
            provider: self.name.clone(),
            scheme: self.scheme.clone(),
            events: self.events.clone(),
            handshakes: self.handshakes.clone(),
            success: self.success.clone(),
            content_types: OneOrMany(self.delivery.content_types.clone()),
            form_json: self.delivery.form_json.clone(),
            public_url: None,
        }
    }
}

impl Provider {
    /// The templates of its events' ids, each with whether the signature covers it. One that isn't covered is for people.
    pub fn ids(&self) -> impl Iterator<Item = (&Template, bool)> {
        let ids = self.events.iter().flat_map(|event| &event.id.0);
        ids.map(|id| (id, self.scheme.covers_all(id)))
    }

    /// What the scheme doesn't bind: what follows from it, and what its file adds.
    pub fn weaknesses(&self) -> Vec<String> {
        let mut weaknesses = self.delivery.weaknesses.clone();
        let unsigned: Vec<String> = self.ids().filter(|(_, signed)| !signed).map(|(id, _)| id.to_string()).collect();
        if !unsigned.is_empty() {
            weaknesses.push(format!("the signature doesn't cover {}: the event key is a hash instead", unsigned.join(", ")));
        }
        weaknesses
    }
}

/// What our knowledge of a provider rests on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub level: EvidenceLevel,
    pub sources: Vec<String>,
    #[serde(default)]
    pub unverified: Vec<String>,
}

/// From an official source (A) down to memory (D).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvidenceLevel {
    A,
    B,
    C,
    D,
}

/// How the provider delivers. For people and documents; only `content_types` decides anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    #[serde(default = "json_only")]
    pub content_types: Vec<String>,
    /// The field of a form that holds the event as JSON.
    #[serde(default)]
    pub form_json: Option<String>,
    /// Within which an answer must be there.
    #[serde(default)]
    pub ack_deadline_seconds: Option<u32>,
    pub retries: String,
    /// What an operator should know.
    #[serde(default)]
    pub pitfalls: Vec<String>,
    /// What the scheme doesn't bind, and what that lets somebody do.
    #[serde(default)]
    pub weaknesses: Vec<String>,
}

/// `application/json`, for whoever says nothing.
pub fn json_only() -> Vec<String> {
    vec![JSON.to_owned()]
}

/// How requests are signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    pub algorithm: Algorithm,
    pub signature: Signature,
    #[serde(default)]
    pub key: KeyPreparation,
    /// What is signed, as `{sig:t}.{body}`. A token signs nothing and has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Template>,
    /// Where the time of signing is; absent where the provider signs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SignedTimestamp>,
}

/// How a signature is made and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
    /// Of old providers. HMAC doesn't need what SHA-1 has lost.
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    /// The secret is the provider's public key.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// With SHA-256; the secret is the provider's public key as SPKI, the signature ASN.1.
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// A plain digest of a message that holds `{secret}`.
    #[serde(rename = "sha256")]
    Sha256,
    /// The header holds the secret itself: it proves who sends, and binds nothing that is sent.
    #[serde(rename = "token")]
    Token,
}

impl Algorithm {
    /// As the files name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
            Self::HmacSha1 => "hmac-sha1",
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::Sha256 => "sha256",
            Self::Token => "token",
        }
    }
}

/// Where the signature is and how it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub header: String,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default)]
    pub written: Written,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// A token, as it is.
    #[default]
    Text,
    Hex,
    /// With or without padding.
    Base64,
    /// URL-safe, with or without padding.
    Base64url,
}

/// How the header holds the signature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Written {
    /// Nothing but the signature.
    #[default]
    Plain,
    /// After a fixed text: `sha256=` in `sha256=5f…`.
    Prefix(String),
    /// In a list of `key=value`: `t=1,v1=5f…,v1=a0…`. All fields of that key are tried; the others can be referred to as
    /// `sig:t`.
    Fields {
        key: String,
        #[serde(default = "comma")]
        separator: String,
    },
    /// In a list of `tag,signature`: `v1,5f… v1a,a0…`. All of that tag are tried; other tags are skipped.
    Tagged {
        tag: String,
        #[serde(default = "space")]
        separator: String,
        #[serde(default = "comma")]
        tag_separator: String,
    },
}

fn comma() -> String {
    ",".to_owned()
}

fn space() -> String {
    " ".to_owned()
}

/// What makes the key of the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPreparation {
    #[serde(default)]
    pub encoding: KeyEncoding,
    /// Taken off first, where the secret has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_prefix: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// The text's own bytes.
    #[default]
    Utf8,
    Hex,
    Base64,
}

/// The time of signing. It is checked both ways: too old and too far ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTimestamp {
    pub from: Reference,
    #[serde(default)]
    pub unit: TimeUnit,
    #[serde(default = "default_tolerance")]
    pub tolerance_seconds: u64,
}

fn default_tolerance() -> u64 {
    DEFAULT_TOLERANCE.as_secs()
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Seconds since 1970, as a number or digits.
    #[default]
    S,
    /// Milliseconds since 1970, as a number or digits.
    Ms,
    /// `2026-11-20T10:00:00Z`, with any offset.
    Rfc3339,
}

/// Where the fields of an event are. Of several templates the first whose values are all there is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    /// Where a delivery carries many events: the list of them. `[*]` in the other paths is then the one at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<JsonPath>,
    /// The provider's id of the event. It is the event key only if the signature covers it.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub id: OneOrMany<Template>,
    #[serde(rename = "type")]
    pub event_type: OneOrMany<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<EventTime>,
    /// The entity that the event is about.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub subject: OneOrMany<Template>,
    /// Whose context it belongs to; `rules.yaml` has the last word.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub conversation: OneOrMany<Template>,
    /// A number that grows with every event of the entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Reference>,
    /// Other parts of the body to keep beside an event of many, by the names they get in `data`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, JsonPath>,
}

/// The event's own time: the first of the places that has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTime {
    pub from: OneOrMany<Reference>,
    #[serde(default)]
    pub unit: TimeUnit,
}

/// A request with its proof: published, or made by the named tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    pub name: String,
    /// Where it is published, or the command that made it.
    pub source: String,
    pub secret: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// `POST` if it is left out.
    #[serde(default)]
    pub method: Option<String>,
    /// The URL that the provider was given, with the query, where the scheme signs it.
    #[serde(default)]
    pub url: Option<String>,
    /// Our clock when it was fresh, where the scheme has a timestamp. RFC 3339.
    #[serde(default)]
    pub at: Option<String>,
}

impl Scheme {
    /// Whether a change of this value would break the signature.
    pub fn covers(&self, reference: &Reference) -> bool {
        let signed = |wanted: &Reference| self.message.iter().flat_map(Template::references).any(|r| r == wanted);
        match reference {
            Reference::Body | Reference::Json(_) => signed(&Reference::Body),
            Reference::Query(_) => signed(&Reference::Url),
            Reference::Url | Reference::Method | Reference::Header(_) | Reference::Signature(_) | Reference::Secret => {
                signed(reference)
            }
        }
    }

    /// Whether the signature covers all values of the template.
    pub fn covers_all(&self, template: &Template) -> bool {
        template.references().all(|r| self.covers(r))
    }

    /// What makes the scheme unsafe or impossible, in words.
    pub fn problems(&self, has_public_url: bool) -> Vec<String> {
        let mut problems = self.form();
        let messages = self.message.iter().flat_map(Template::references);
        for reference in messages {
            match reference {
                Reference::Json(_) => problems.push(format!(
                    "`message` holds {{{reference}}}: a signature covers raw bytes, not parsed fields; use {{body}}"
                )),
                Reference::Url if !has_public_url => {
                    problems.push("`message` holds {url}: set `public_url` to the URL that the provider was given".to_owned());
                }
                Reference::Signature(name) if !matches!(self.signature.written, Written::Fields { .. }) => {
                    problems.push(format!("`message` holds {{sig:{name}}}, but `signature` isn't written as fields"));
                }
                Reference::Secret if self.algorithm != Algorithm::Sha256 => {
                    problems.push("`message` holds {secret}: only a plain digest (sha256) is made of it".to_owned());
                }
                Reference::Body
                | Reference::Url
                | Reference::Method
                | Reference::Header(_)
                | Reference::Query(_)
                | Reference::Signature(_)
                | Reference::Secret => {}
            }
        }
        if let Some(timestamp) = &self.timestamp {
            if !self.covers(&timestamp.from) {
                problems.push(format!(
                    "`timestamp` is {}, which `message` doesn't hold: an attacker could choose it",
                    timestamp.from
                ));
            }
            let (seconds, most) = (timestamp.tolerance_seconds, MAX_TOLERANCE.as_secs());
            if !(1..=most).contains(&seconds) {
                problems.push(format!("`tolerance_seconds` is {seconds}, allowed: 1 to {most}"));
            }
        }
        problems
    }

    /// Whether algorithm, message and encoding belong together.
    fn form(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let token = self.algorithm == Algorithm::Token;
        if token && (self.message.is_some() || self.timestamp.is_some()) {
            problems.push("a token signs nothing: leave out `message` and `timestamp`".to_owned());
        }
        if !token && !self.covers(&Reference::Body) {
            problems.push("`message` doesn't hold {body}: anyone could change the body of a signed request".to_owned());
        }
        if token != (self.signature.encoding == Encoding::Text) {
            problems.push("`encoding` is text for a token, and hex, base64 or base64url for a signature".to_owned());
        }
        if self.algorithm == Algorithm::Sha256 && !self.covers(&Reference::Secret) {
            problems.push("a plain digest whose `message` doesn't hold {secret} can be made by anyone".to_owned());
        }
        problems
    }
}

impl EventSpec {
    /// What can't work, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.event_type.is_empty() {
            problems.push("`type` is an empty list: an event needs a type".to_owned());
        }
        if self.each.as_ref().is_some_and(|each| each.each_count() == 0) {
            problems.push("`each` has no [*]: it is for deliveries of many events".to_owned());
        }
        if self.references().any(|reference| *reference == Reference::Secret) {
            problems.push("an event's field holds {secret}: it would be stored and logged".to_owned());
        }
        for path in self.paths() {
            let follows = match &self.each {
                Some(each) => path.follows(each),
                None => path.each_count() == 0,
            };
            if !follows {
                problems.push(format!("path {path} has a [*] that isn't one of `each`'s"));
            }
        }
        problems
    }

    fn references(&self) -> impl Iterator<Item = &Reference> {
        let templates = [&self.id, &self.event_type, &self.subject, &self.conversation];
        let in_templates = templates.into_iter().flat_map(|list| list.0.iter().flat_map(Template::references));
        let in_time = self.time.iter().flat_map(|time| time.from.0.iter());
        in_templates.chain(in_time).chain(&self.sequence)
    }

    fn paths(&self) -> impl Iterator<Item = &JsonPath> {
        self.references().filter_map(Reference::json).chain(self.with.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(message: &str, timestamp: Option<&str>) -> Scheme {
        Scheme {
            algorithm: Algorithm::HmacSha256,
            signature: Signature { header: "x-signature".into(), encoding: Encoding::Hex, written: Written::Plain },
            key: KeyPreparation::default(),
            message: Some(message.parse().unwrap()),
            timestamp: timestamp.map(|from| SignedTimestamp {
                from: from.parse().unwrap(),
                unit: TimeUnit::S,
                tolerance_seconds: 300,
            }),
        }
    }

    #[test]
    fn what_a_signature_covers_follows_from_its_message() {
        let scheme = scheme("{header:X-Time}.{body}", None);
        let covers = |reference: &str| scheme.covers(&reference.parse().unwrap());
        assert!(covers("body") && covers("json:id") && covers("header:x-time"));
        assert!(!covers("header:x-id") && !covers("url") && !covers("query:a") && !covers("method") && !covers("sig:t"));
        assert!(!scheme.covers_all(&"{json:id}{header:x-id}".parse().unwrap()));
    }

    #[test]
    fn unsafe_schemes_are_refused() {
        for (message, timestamp, said) in [
            ("{header:x-time}", None, "doesn't hold {body}"),
            ("{body}{json:id}", None, "raw bytes"),
            ("{url}{body}", None, "public_url"),
            ("{sig:t}.{body}", None, "isn't written as fields"),
            ("{body}", Some("header:x-time"), "an attacker could choose it"),
        ] {
            let problems = scheme(message, timestamp).problems(false);
            assert!(problems.iter().any(|p| p.contains(said)), "{message}: {problems:?}");
        }
        assert_eq!(scheme("{header:x-time}.{body}", Some("header:X-Time")).problems(false), Vec::<String>::new());
        assert_eq!(scheme("{url}{body}", None).problems(true), Vec::<String>::new());
    }

    #[test]
    fn algorithm_message_and_encoding_belong_together() {
        let with = |algorithm, message: Option<&str>, encoding| {
            let mut scheme = scheme("{body}", None);
            scheme.algorithm = algorithm;
            scheme.message = message.map(|m| m.parse().unwrap());
            scheme.signature.encoding = encoding;
            scheme.problems(false).join("; ")
        };
        assert_eq!(with(Algorithm::Token, None, Encoding::Text), "");
        assert_eq!(with(Algorithm::Sha256, Some("{secret}{body}"), Encoding::Hex), "");
        assert!(with(Algorithm::Token, Some("{body}"), Encoding::Text).contains("signs nothing"));
        assert!(with(Algorithm::Token, None, Encoding::Hex).contains("text for a token"));
        assert!(with(Algorithm::HmacSha256, Some("{body}"), Encoding::Text).contains("base64url for a signature"));
        assert!(with(Algorithm::HmacSha256, None, Encoding::Hex).contains("doesn't hold {body}"));
        assert!(with(Algorithm::HmacSha256, Some("{secret}{body}"), Encoding::Hex).contains("only a plain digest"));
        assert!(with(Algorithm::Sha256, Some("{body}"), Encoding::Hex).contains("made by anyone"));
    }

    #[test]
    fn a_token_covers_nothing() {
        let mut scheme = scheme("{body}", None);
        (scheme.algorithm, scheme.message) = (Algorithm::Token, None);
        assert!(!scheme.covers(&"json:id".parse().unwrap()) && !scheme.covers(&"header:x-id".parse().unwrap()));
    }

    #[test]
    fn no_field_of_an_event_can_hold_the_secret() {
        let spec: EventSpec = toml::from_str("type = \"t\"\nid = \"{secret}\"").unwrap();
        assert!(spec.problems().join("").contains("stored and logged"));
    }

    #[test]
    fn tolerance_is_bounded_on_both_sides() {
        for (seconds, allowed) in [(0, false), (1, true), (MAX_TOLERANCE.as_secs(), true), (MAX_TOLERANCE.as_secs() + 1, false)] {
            let mut scheme = scheme("{header:x-time}.{body}", Some("header:x-time"));
            scheme.timestamp.as_mut().unwrap().tolerance_seconds = seconds;
            assert_eq!(scheme.problems(false).is_empty(), allowed, "{seconds}");
        }
    }
}
