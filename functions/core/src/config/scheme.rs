//! How requests are signed, as data.

use super::{Reference, Template};
use crate::limits::{DEFAULT_TOLERANCE, MAX_TOLERANCE};
use serde::{Deserialize, Serialize};

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
    /// Where the SHA-256 of the body is, in hexadecimal, for schemes that sign that instead of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<Reference>,
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

impl Scheme {
    /// Whether a change of this value would break the signature.
    ///
    /// What is in a form isn't covered by `{form}`: `ab=c` and `a=bc` run together are the same, so with a captured request
    /// a field could be given another value. The signed bytes as a whole are the same for all of these.
    pub fn covers(&self, reference: &Reference) -> bool {
        let signed = |wanted: &Reference| self.message.iter().flat_map(Template::references).any(|r| r == wanted);
        match reference {
            Reference::Body | Reference::Json(_) => {
                signed(&Reference::Body) || self.body_sha256.as_ref().is_some_and(|place| self.covers(place))
            }
            Reference::Query(_) => signed(&Reference::Url),
            Reference::Url
            | Reference::Method
            | Reference::Header(_)
            | Reference::Signature(_)
            | Reference::Form
            | Reference::Secret => signed(reference),
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
                | Reference::Form
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
        if !token && !self.covers(&Reference::Body) && !self.covers(&Reference::Form) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(message: &str, timestamp: Option<&str>) -> Scheme {
        Scheme {
            algorithm: Algorithm::HmacSha256,
            signature: Signature { header: "x-signature".into(), encoding: Encoding::Hex, written: Written::Plain },
            key: KeyPreparation::default(),
            message: Some(message.parse().unwrap()),
            body_sha256: None,
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
    fn a_form_covers_no_field_and_a_hash_covers_the_body() {
        let form = scheme("{url}{form}", None);
        assert_eq!(form.problems(true), Vec::<String>::new());
        assert!(!form.covers(&"json:MessageSid".parse().unwrap()), "ab=c and a=bc are signed alike");
        let mut hash = scheme("{url}", None);
        assert!(hash.problems(true).join("").contains("doesn't hold {body}"));
        hash.body_sha256 = Some("query:bodySHA256".parse().unwrap());
        assert_eq!(hash.problems(true), Vec::<String>::new());
        assert!(hash.covers(&"json:id".parse().unwrap()));
        hash.body_sha256 = Some("header:x-hash".parse().unwrap());
        assert!(!hash.covers(&Reference::Body), "a hash that isn't signed covers nothing");
    }

    #[test]
    fn a_token_covers_nothing() {
        let mut scheme = scheme("{body}", None);
        (scheme.algorithm, scheme.message) = (Algorithm::Token, None);
        assert!(!scheme.covers(&"json:id".parse().unwrap()) && !scheme.covers(&"header:x-id".parse().unwrap()));
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
