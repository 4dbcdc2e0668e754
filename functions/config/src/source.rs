//! A source: one configured endpoint, `/webhooks/{source}`.

use super::OneOrMany;
use super::answers::{Refusal, Success};
use super::event::EventSpec;
use super::handshake::Handshake;
use super::scheme::Scheme;
use serde::{Deserialize, Serialize};

/// A source as the receiver runs it: everything resolved and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `[a-z0-9][a-z0-9-]*`, at most 64 characters: it is in URLs, claim keys and metrics.
    pub name: String,
    /// The preset's name, or `own`.
    pub provider: String,
    pub scheme: Scheme,
    /// Other ways in which the provider signs, with a key that is made in the same way. A request that verifies by one of them is
    /// authentic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Scheme>,
    pub events: Vec<EventSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handshakes: Vec<Handshake>,
    /// Instead of our own JSON, when a delivery is durable: the first that fits the request.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub success: OneOrMany<Success>,
    /// The text that people see at once, where the provider shows its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Instead of our own JSON, when a request is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Without parameters, in lower case.
    pub content_types: OneOrMany<String>,
    /// What a body is read as, where its content type doesn't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyFormat>,
    /// The field of a form that holds the event as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_json: Option<String>,
    /// The field of a form that holds the event as XML, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_xml: Option<String>,
    /// The URL that the provider was given, for schemes that sign it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// What of a compressed body was signed.
    #[serde(default, skip_serializing_if = "SignedBody::is_either")]
    pub signed_body: SignedBody,
    /// What of two deliveries with the same signed bytes is one event.
    #[serde(default, skip_serializing_if = "Duplicates::is_by_delivery")]
    pub duplicates: Duplicates,
}

impl Source {
    /// Whether an answer to its provider has a place for a text of its own.
    pub fn takes_reply(&self) -> bool {
        self.success.0.iter().any(Success::holds_reply)
    }

    /// Whether the provider tells its secret by a handshake. It is stored in a secret of its own.
    pub fn captures(&self) -> bool {
        self.handshakes.iter().any(|handshake| handshake.capture.is_some())
    }

    /// Every way in which its provider signs, the usual one first.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        std::iter::once(&self.scheme).chain(&self.also)
    }

    /// What a body of this content type is read as.
    pub fn format_of(&self, content_type: &str) -> BodyFormat {
        self.body.unwrap_or_else(|| BodyFormat::of(content_type))
    }
}

/// Whether the same signed bytes under another delivery id are another event. It is for events whose `id` isn't signed: see
/// [`EventSpec::delivery_id`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// They are: what happens twice counts twice.
    #[default]
    ByDelivery,
    /// They aren't: whoever has captured a request can't repeat it, and what happens twice counts once.
    ByContent,
}

impl Duplicates {
    /// For `skip_serializing_if`.
    pub fn is_by_delivery(&self) -> bool {
        *self == Self::ByDelivery
    }
}

/// What of a body with a `Content-Encoding` was signed. It says nothing of a body without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignedBody {
    /// What is inside, or else the compressed bytes: whichever the signature is of.
    #[default]
    Either,
    /// The compressed bytes, as they were sent.
    Compressed,
    /// What is inside.
    Plain,
}

impl SignedBody {
    /// For `skip_serializing_if`.
    pub fn is_either(&self) -> bool {
        *self == Self::Either
    }
}

/// JSON.
pub const JSON: &str = "application/json";

/// A form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// What a body is read as. Whatever it is, its raw bytes are what is verified and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    Json,
    /// Its fields become an object.
    Form,
    /// Its elements become objects.
    Xml,
    /// It travels as base64, as `data_base64`; its event's fields are in headers and the query.
    Binary,
}

impl BodyFormat {
    /// What a content type says: without parameters, in lower case.
    pub fn of(content_type: &str) -> Self {
        match content_type {
            FORM => Self::Form,
            "text/xml" | "application/xml" => Self::Xml,
            "text/json" | JSON => Self::Json,
            other if other.ends_with("+json") => Self::Json,
            other if other.ends_with("+xml") => Self::Xml,
            _ => Self::Binary,
        }
    }
}

/// Whether it is a content type as `content_types` lists them: `type/subtype` in lower case, without parameters.
pub fn is_content_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&^_.+-".contains(&b))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// The provider of a source that has a scheme of its own.
pub const OWN: &str = "own";

/// The longest name of a source.
pub const MAX_NAME_BYTES: usize = 64;

/// Whether a source may have this name.
pub fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut bytes = name.bytes();
    name.len() <= MAX_NAME_BYTES && bytes.next().is_some_and(allowed) && bytes.all(|b| allowed(b) || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_says_what_the_body_is() {
        for (content_type, format) in [
            ("application/json", BodyFormat::Json),
            ("application/vnd.contentful.management.v1+json", BodyFormat::Json),
            (FORM, BodyFormat::Form),
            ("text/xml", BodyFormat::Xml),
            ("application/soap+xml", BodyFormat::Xml),
            ("application/octet-stream", BodyFormat::Binary),
            ("text/plain", BodyFormat::Binary),
        ] {
            assert!(is_content_type(content_type), "{content_type}");
            assert_eq!(BodyFormat::of(content_type), format, "{content_type}");
        }
        for bad in ["", "json", "text/", "/json", "Text/Plain", "text/plain; charset=utf-8", "text/*"] {
            assert!(!is_content_type(bad), "{bad}");
        }
    }

    #[test]
    fn names_are_safe_in_urls_and_keys() {
        let longest = "a".repeat(MAX_NAME_BYTES);
        for good in ["stripe", "stripe-eu", "3cx", &longest] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "Stripe", "a_b", "a#b", "a/b", "é", &format!("{longest}a")] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
