//! A source: one configured endpoint, `/webhooks/{source}`.

use super::OneOrMany;
use super::event::EventSpec;
use super::handshake::{Handshake, Success};
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
    pub events: Vec<EventSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handshakes: Vec<Handshake>,
    /// Instead of our own JSON, when a delivery is durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// Without parameters, in lower case; of [`CONTENT_TYPES`].
    pub content_types: OneOrMany<String>,
    /// The field of a form that holds the event as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_json: Option<String>,
    /// The URL that the provider was given, for schemes that sign it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
}

/// What a body is read as: JSON, or a form whose fields become an object.
pub const CONTENT_TYPES: &[&str] = &[JSON, FORM];

/// JSON.
pub const JSON: &str = "application/json";

/// A form.
pub const FORM: &str = "application/x-www-form-urlencoded";

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
