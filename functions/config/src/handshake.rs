//! Handshakes: requests by which a provider checks that an endpoint is ours. They are answered without any AWS call.
//!
//! An echoed value is bounded, printable ASCII, `text/plain` or JSON, and never HTML, because any caller can choose it.

use super::address::AddressPattern;
use super::scheme::Encoding;
use super::{OneOrMany, Reference};
use crate::limits::MAX_CHALLENGE_BYTES;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One kind of handshake of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    #[serde(default)]
    pub method: Method,
    /// The provider signs this handshake like any other request. It is verified first.
    #[serde(default)]
    pub signed: bool,
    /// The request must match all of these: a value by its reference, `*` for any value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<Reference, String>,
    /// The place of the token that the operator agreed on with the provider. It must equal the secret `{source}.verify_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_token: Option<Reference>,
    /// An address to fetch before the handshake is answered. The fetch confirms the subscription to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// The place of the handshake secret, which the provider sends in this handshake and will sign with. It is stored
    /// only while an operator has opened a capture window: see [`Source::captures`](super::source::Source::captures).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Reference>,
    #[serde(default)]
    pub reply: HandshakeReply,
}

/// An address in a verified request. It is fetched once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    pub from: Reference,
    /// The address must match one of these exactly.
    pub addresses: OneOrMany<AddressPattern>,
}

/// The method of a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Head,
    Options,
    #[default]
    Post,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The response to a handshake. Without `text` and `json` it has no body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandshakeReply {
    /// HTTP status. Default: 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Answer>,
    /// The body as a JSON object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub json: BTreeMap<String, Answer>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Answer>,
}

/// A value of a reply: fixed (`is`) or from the request (`from`), unchanged or as its HMAC with the source's newest secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Reference>,
    /// Send the HMAC of the value in this encoding, with the scheme's digest. Default digest: SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Encoding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Put the key's name before it: see [`KeyPreparation::named_by`](super::scheme::KeyPreparation::named_by).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key_name: bool,
    /// The characters that are allowed in the request's value.
    #[serde(default)]
    pub only: Characters,
    /// The longest allowed value in bytes.
    #[serde(default = "most")]
    pub max_bytes: usize,
}

impl Default for Answer {
    fn default() -> Self {
        let (is, from, mac, prefix) = (None, None, None, None);
        Self { is, from, mac, prefix, key_name: false, only: Characters::default(), max_bytes: most() }
    }
}

const fn most() -> usize {
    MAX_CHALLENGE_BYTES
}

/// The characters that a value may contain. An endpoint that gives anyone a MAC would sign anything, so a value must
/// consist of characters that no signed event consists of alone: see `oracle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Characters {
    /// Printable ASCII. For a MAC: letters, digits and `+/=_-`, which can be neither JSON nor a form.
    #[default]
    Any,
    /// `0-9a-f`.
    LowerHex,
}

impl Handshake {
    /// Whether the response needs a secret. Other handshakes never cause an AWS call.
    pub fn needs_secrets(&self) -> bool {
        self.needs_keys() || self.verify_token.is_some() || self.capture.is_some()
    }

    /// Whether the response needs the keys that sign events.
    pub fn needs_keys(&self) -> bool {
        let answers = || self.reply.text.iter().chain(self.reply.json.values()).chain(self.reply.headers.values());
        self.signed || self.confirm.is_some() || answers().any(|answer| answer.mac.is_some())
    }

    /// Every problem with this configuration, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.when.keys().for_each(|reference| allowed(reference, &mut problems));
        if self.when.is_empty() && self.method == Method::Post {
            problems.push("a handshake by POST without `when` would answer every event".to_owned());
        }
        if self.signed && self.method != Method::Post {
            problems.push(format!("a signed handshake by {}: only POST is verified", self.method));
        }
        if self.reply.text.is_some() && !self.reply.json.is_empty() {
            problems.push("a handshake's reply is `text` or `json`, not both".to_owned());
        }
        for answer in self.reply.text.iter().chain(self.reply.json.values()).chain(self.reply.headers.values()) {
            if answer.is.is_some() == answer.from.is_some() {
                problems.push("a handshake's answer needs exactly one of `is` and `from`".to_owned());
            }
            answer.from.iter().for_each(|from| allowed(from, &mut problems));
            if !(1..=MAX_CHALLENGE_BYTES).contains(&answer.max_bytes) {
                problems.push(format!("`max_bytes` is {}, allowed: 1 to {MAX_CHALLENGE_BYTES}", answer.max_bytes));
            }
        }
        if let Some(Confirm { from, addresses }) = &self.confirm {
            allowed(from, &mut problems);
            if !self.signed {
                problems.push("`confirm` needs a signed handshake: otherwise anyone could make us fetch".to_owned());
            }
            if addresses.is_empty() {
                problems.push("`confirm.addresses` is an empty list: no address could be confirmed".to_owned());
            }
        }
        self.capture.iter().for_each(|from| allowed(from, &mut problems));
        if self.capture.is_some() && self.signed {
            problems.push("`capture` is for unsigned handshakes: a signed one uses a known secret".to_owned());
        }
        problems
    }
}

/// Refuses to echo the secret or a whole body.
fn allowed(reference: &Reference, problems: &mut Vec<String>) {
    if !reference.is_of_request() {
        problems
            .push(format!("a handshake can't use {reference}; allowed: method, header:NAME, query:NAME, json:PATH, form:FIELD"));
    }
}
