//! HTTP message signatures (RFC 9421) as data: which components of a request a signature must cover, and what that
//! proves about the request's values.

use super::scheme::Algorithm;
use super::{Reference, WordError};
use std::fmt;
use std::str::FromStr;

/// Which HTTP message signatures (RFC 9421) are accepted. What the signature itself says (`created`, `expires`, `alg`)
/// is always checked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpMessage {
    /// The components that every signature must cover: `@method`, `@authority`, `@path`, `@query`, `@target-uri`,
    /// `@request-target`, `@scheme`, and names of headers. A signature may cover more. `content-digest` stands for the
    /// body: its digests (RFC 9530) are compared with the bytes as sent.
    pub components: Vec<Component>,
    /// The only label that is tried. Left out: each signature of the request is tried, at most 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A component of a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = super::schema::COMPONENT))]
pub enum Component {
    Method,
    /// The URL that is registered with the provider, with the query as sent.
    TargetUri,
    Authority,
    Scheme,
    /// The path with the query.
    RequestTarget,
    Path,
    Query,
    /// A header, in lower case.
    Field(String),
}

/// The header with the body's digests (RFC 9530).
pub const CONTENT_DIGEST: &str = "content-digest";

/// The parameters of a signature that can be read as `sig:NAME`. A signature covers all its parameters.
pub const PARAMETERS: [&str; 6] = ["created", "expires", "keyid", "nonce", "alg", "tag"];

/// The derived components by their names.
const DERIVED: [(&str, Component); 7] = [
    ("@method", Component::Method),
    ("@target-uri", Component::TargetUri),
    ("@authority", Component::Authority),
    ("@scheme", Component::Scheme),
    ("@request-target", Component::RequestTarget),
    ("@path", Component::Path),
    ("@query", Component::Query),
];

impl Component {
    /// The components that another one contains: the target URI contains the path, so a signature of the one is a
    /// signature of the other.
    pub fn contains(&self, other: &Self) -> bool {
        self == other
            || match self {
                Self::TargetUri => {
                    matches!(other, Self::Scheme | Self::Authority | Self::Path | Self::Query | Self::RequestTarget)
                }
                Self::RequestTarget => matches!(other, Self::Path | Self::Query),
                Self::Method | Self::Authority | Self::Scheme | Self::Path | Self::Query | Self::Field(_) => false,
            }
    }
}

impl HttpMessage {
    /// Whether every accepted signature covers this component.
    pub fn requires(&self, component: &Component) -> bool {
        self.components.iter().any(|required| required.contains(component))
    }

    /// Whether every accepted signature covers the body.
    pub fn requires_body(&self) -> bool {
        self.requires(&Component::Field(CONTENT_DIGEST.to_owned()))
    }

    /// Whether the method, the address and the body are covered: another request needs another signature.
    pub fn is_whole(&self) -> bool {
        let needed = [Component::Method, Component::Authority, Component::Path];
        self.requires_body() && needed.iter().all(|component| self.requires(component))
    }

    /// Whether another value would need another signature. A parameter of the query is covered only with the whole
    /// query: `@query-param` signs a decoded value, which has several spellings.
    pub(super) fn covers(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Body
            | Reference::Json(_)
            | Reference::JsonOrEmpty(_)
            | Reference::FormField(_)
            | Reference::Form
            | Reference::Crc32 => self.requires_body(),
            Reference::Query(_) => self.requires(&Component::Query),
            Reference::Url => self.requires(&Component::TargetUri),
            Reference::Method => self.requires(&Component::Method),
            Reference::Header(name) => self.requires(&Component::Field(name.clone())),
            Reference::Signature(name) => PARAMETERS.contains(&name.as_str()),
            Reference::Canonical(_) | Reference::Jwt(_) | Reference::Secret => false,
        }
    }

    /// The required components, as readable text.
    pub(super) fn named(&self) -> String {
        self.components.iter().map(|component| format!("`{component}`")).collect::<Vec<_>>().join(", ")
    }
}

impl Algorithm {
    /// The name in the registry of RFC 9421. `None`: it signs no HTTP message.
    pub const fn http_name(self) -> Option<&'static str> {
        match self {
            Self::HmacSha256 => Some("hmac-sha256"),
            Self::Ed25519 => Some("ed25519"),
            Self::EcdsaP256Sha256 => Some("ecdsa-p256-sha256"),
            Self::RsaPssSha512 => Some("rsa-pss-sha512"),
            Self::RsaSha256 => Some("rsa-v1_5-sha256"),
            Self::HmacSha512
            | Self::HmacSha1
            | Self::HmacMd5
            | Self::EcdsaP256
            | Self::RsaSha256OrSha1
            | Self::Jwt
            | Self::Sha256
            | Self::Token => None,
        }
    }
}

impl FromStr for Component {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        if let Some((_, derived)) = DERIVED.iter().find(|(name, _)| *name == text) {
            return Ok(derived.clone());
        }
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
        if text.is_empty() || !text.bytes().all(is_name) {
            let derived: Vec<&str> = DERIVED.iter().map(|(name, _)| *name).collect();
            return Err(WordError(format!(
                "{text:?} isn't a component; allowed: {}, and a header's name in lower case",
                derived.join(", ")
            )));
        }
        Ok(Self::Field(text.to_owned()))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Method | Self::TargetUri | Self::Authority | Self::Scheme | Self::RequestTarget | Self::Path | Self::Query => {
                f.write_str(DERIVED.iter().find(|(_, one)| one == self).map_or("", |(name, _)| name))
            }
        }
    }
}

super::field::as_text!(Component);

#[cfg(test)]
mod tests {
    use super::*;

    fn requiring(components: &[&str]) -> HttpMessage {
        HttpMessage { components: components.iter().map(|name| name.parse().unwrap()).collect(), label: None }
    }

    #[test]
    fn components_are_written_as_they_are_parsed() {
        for text in ["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "content-digest"] {
            assert_eq!(text.parse::<Component>().unwrap().to_string(), text);
        }
        for text in ["", "@status", "@query-param", "@signature-params", "Content-Digest", "a b", "x:y"] {
            let error = text.parse::<Component>().unwrap_err().to_string();
            assert!(error.contains("allowed: @method"), "{text}: {error}");
        }
    }

    #[test]
    fn only_required_components_are_covered() {
        let message = requiring(&["@method", "@authority", "@path", "content-digest", "x-event-id"]);
        let covers = |reference: &str| message.covers(&reference.parse().unwrap());
        assert!(covers("body") && covers("json:id") && covers("method") && covers("header:x-event-id") && covers("sig:created"));
        assert!(!covers("header:x-other") && !covers("query:a") && !covers("url") && !covers("sig:label") && !covers("secret"));
    }

    #[test]
    fn the_target_uri_contains_its_parts_and_no_part_contains_it() {
        let message = requiring(&["@target-uri", "@method", "content-digest"]);
        assert!(message.is_whole() && message.covers(&Reference::Url) && message.covers(&"query:a".parse().unwrap()));
        assert!(!requiring(&["@scheme", "@authority", "@path", "@query"]).covers(&Reference::Url));
        assert!(requiring(&["@request-target"]).requires(&Component::Query));
    }

    #[test]
    fn a_whole_request_is_its_method_its_address_and_its_body() {
        let all = ["@method", "@authority", "@path", "content-digest"];
        assert!(requiring(&all).is_whole());
        for left_out in all {
            let rest: Vec<&str> = all.into_iter().filter(|name| *name != left_out).collect();
            assert!(!requiring(&rest).is_whole(), "without {left_out}");
        }
    }
}
