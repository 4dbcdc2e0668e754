//! A source: one configured endpoint, `/webhooks/{source}`.

use super::OneOrMany;
use super::answers::{Refusal, Success};
use super::edge::Edge;
use super::event::EventSpec;
use super::handshake::Handshake;
use super::rules::Span;
use super::scheme::Scheme;
use serde::{Deserialize, Serialize};

/// A source as the receiver runs it: everything resolved and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `[a-z0-9][a-z0-9-]*`, at most 64 characters: it is part of URLs, claim keys and metrics.
    pub name: String,
    /// The preset's name, or `own`.
    pub provider: String,
    pub scheme: Scheme,
    /// Other ways in which the provider signs. They make the key in the same way. A request is authentic if one of
    /// them verifies it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Scheme>,
    pub events: Vec<EventSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handshakes: Vec<Handshake>,
    /// Responses to a durable delivery, instead of our own JSON. The first that matches the request is sent.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub success: OneOrMany<Success>,
    /// The text for people, if the provider shows our response to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Whether a delivery is answered with the URL of its status: `reply: async`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub status_url: bool,
    /// The response to a refused request, instead of our own JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Accepted content types, in lower case and without parameters.
    pub content_types: OneOrMany<String>,
    /// The format of a body, if its content type doesn't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyFormat>,
    /// The field of a form that holds the event as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_json: Option<String>,
    /// The field of a form that holds the event as XML, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_xml: Option<String>,
    /// The URL that is registered with the provider, for schemes that sign it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Which bytes of a compressed body were signed.
    #[serde(default, skip_serializing_if = "SignedBody::is_either")]
    pub signed_body: SignedBody,
    /// Whether two deliveries with the same signed bytes are one event.
    #[serde(default, skip_serializing_if = "Duplicates::is_by_delivery")]
    pub duplicates: Duplicates,
    /// What makes an event durable before the reply.
    #[serde(default, skip_serializing_if = "DurableBy::is_queue")]
    pub durability: DurableBy,
    /// The longest normal pause between two authentic requests. `None`: silence is normal, and isn't measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_every: Option<Span>,
    /// Whether each request is one of a tenant, with secrets of its own: `/webhooks/{source}/{tenant}`. The source itself has
    /// no secret then, and no address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tenants: bool,
    /// What is checked before a request is verified. `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<Box<Edge>>,
}

impl Source {
    /// Whether a response to its provider can contain `reply`.
    pub fn takes_reply(&self) -> bool {
        self.success.0.iter().any(Success::holds_reply)
    }

    /// Whether the provider sends a handshake secret. It is stored in a secret of its own.
    pub fn captures(&self) -> bool {
        self.handshakes.iter().any(|handshake| handshake.capture.is_some())
    }

    /// Every way in which its provider signs, the default first.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        std::iter::once(&self.scheme).chain(&self.also)
    }

    /// The format of a body with this content type.
    pub fn format_of(&self, content_type: &str) -> BodyFormat {
        self.body.unwrap_or_else(|| BodyFormat::of(content_type))
    }
}

/// Whether the same signed bytes with another delivery id are another event. For events whose `id` isn't signed: see
/// [`EventSpec::delivery_id`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// They are another event: an event that happens twice counts twice.
    #[default]
    ByDelivery,
    /// They are one event: a captured request can't be repeated, and an event that happens twice counts once.
    ByContent,
}

impl Duplicates {
    /// For `skip_serializing_if`.
    pub fn is_by_delivery(&self) -> bool {
        *self == Self::ByDelivery
    }
}

/// What makes an event durable before its delivery is answered 202.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DurableBy {
    /// SQS's acknowledgement. Without it the delivery is answered 503, and the provider sends it again.
    #[default]
    Queue,
    /// The claim: it keeps the event until it is processed, and a sweep queues what wasn't. For providers that don't
    /// send a delivery again.
    Outbox,
}

impl DurableBy {
    /// For `skip_serializing_if`.
    pub fn is_queue(&self) -> bool {
        *self == Self::Queue
    }
}

/// Which bytes of a body with a `Content-Encoding` were signed. It doesn't apply to other bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignedBody {
    /// The decoded bytes or the compressed bytes: whichever the signature fits.
    #[default]
    Either,
    /// The compressed bytes, as sent.
    Compressed,
    /// The decoded bytes.
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

/// The format of a body. In every format, the raw bytes are verified and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    Json,
    /// Its fields become an object.
    Form,
    /// Its elements become objects.
    Xml,
    /// Stored as base64 in `data_base64`. The event's fields are in headers and the query.
    Binary,
}

impl BodyFormat {
    /// The format that a content type names. The type is in lower case and without parameters.
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

/// Whether the text is a content type as `content_types` lists them: `type/subtype` in lower case, without parameters.
pub fn is_content_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&^_.+-".contains(&b))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// The provider of a source with its own scheme.
pub const OWN: &str = "own";

/// The longest name of a source, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Whether the text is a valid name of a source.
pub fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut bytes = name.bytes();
    name.len() <= MAX_NAME_BYTES && bytes.next().is_some_and(allowed) && bytes.all(|b| allowed(b) || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_determines_the_format() {
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
