//! Handshakes: requests by which a provider asks whether an endpoint is ours, answered without any AWS call.
//!
//! What is echoed is bounded, printable ASCII, `text/plain` or JSON, and never HTML: whoever calls us chooses it.

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
    /// The provider signs it like any other request: it is verified first.
    #[serde(default)]
    pub signed: bool,
    /// It is this handshake if all of these are so: a value by its reference, `*` for any value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<Reference, String>,
    /// Where the token is that the operator agreed on with the provider: it must equal the secret `{source}.verify_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_token: Option<Reference>,
    /// Fetched before it is answered: so does a provider learn that we are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// Where the provider tells the secret that it will sign with. It is stored only while the operator has opened a window for
    /// it: see [`Source::captures`](super::source::Source::captures).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Reference>,
    #[serde(default)]
    pub reply: HandshakeReply,
}

/// An address in a verified request that is fetched once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    pub from: Reference,
    /// It must be exactly one of these.
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

/// What a handshake is answered; nothing but a status, if neither `text` nor `json` says more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandshakeReply {
    /// 200 if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Answer>,
    /// The body, as an object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub json: BTreeMap<String, Answer>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Answer>,
}

/// A value of a reply: fixed (`is`), or from the request (`from`), as it is or as its HMAC with the source's newest secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Reference>,
    /// HMAC of the value, written so: with the scheme's digest, SHA-256 if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Encoding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// After the name of the key: see [`KeyPreparation::named_by`](super::scheme::KeyPreparation::named_by).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub key_name: bool,
    /// What the value from the request may be made of.
    #[serde(default)]
    pub only: Characters,
    /// How long it may be.
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

/// What a value may be made of. A MAC for whoever asks would sign anything, so it must be of characters that what an event signs
/// isn't made of alone: see `oracle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Characters {
    /// Printable ASCII; of a MAC, letters, digits and `+/=_-`: neither JSON nor a form.
    #[default]
    Any,
    /// `0-9a-f`.
    LowerHex,
}

impl Handshake {
    /// Whether it is answered with the help of a secret. Others cost no AWS call, whoever sends them.
    pub fn needs_secrets(&self) -> bool {
        let answers = || self.reply.text.iter().chain(self.reply.json.values()).chain(self.reply.headers.values());
        self.signed
            || self.verify_token.is_some()
            || self.confirm.is_some()
            || self.capture.is_some()
            || answers().any(|answer| answer.mac.is_some())
    }

    /// What can't work, in words.
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
                problems.push("a handshake's answer has one of `is` and `from`".to_owned());
            }
            answer.from.iter().for_each(|from| allowed(from, &mut problems));
            if !(1..=MAX_CHALLENGE_BYTES).contains(&answer.max_bytes) {
                problems.push(format!("`max_bytes` is {}, allowed: 1 to {MAX_CHALLENGE_BYTES}", answer.max_bytes));
            }
        }
        if let Some(Confirm { from, addresses }) = &self.confirm {
            allowed(from, &mut problems);
            if !self.signed {
                problems.push("`confirm` in a handshake that isn't signed: anyone could have us fetch".to_owned());
            }
            if addresses.is_empty() {
                problems.push("`confirm.addresses` is an empty list: nothing could be confirmed".to_owned());
            }
        }
        self.capture.iter().for_each(|from| allowed(from, &mut problems));
        if self.capture.is_some() && self.signed {
            problems.push("`capture` in a handshake that is signed: its secret is known already".to_owned());
        }
        problems
    }
}

/// An echo of the secret or of a whole body is no handshake.
fn allowed(reference: &Reference, problems: &mut Vec<String>) {
    if !reference.is_of_request() {
        problems
            .push(format!("a handshake can't use {reference}; allowed: method, header:NAME, query:NAME, json:PATH, form:FIELD"));
    }
}
