//! Handshakes: requests by which a provider asks whether an endpoint is ours, answered without any AWS call.
//!
//! What is echoed is bounded, printable ASCII, `text/plain` or JSON, and never HTML: whoever calls us chooses it.

use super::Reference;
use super::scheme::Encoding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One kind of handshake of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    #[serde(default)]
    pub reply: HandshakeReply,
}

/// The method of a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// A value of a reply: fixed (`is`), or from the request (`from`), as it is or as its MAC with the source's newest secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Reference>,
    /// HMAC-SHA256 of the value, written so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Encoding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl Handshake {
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
        }
        problems
    }
}

/// An echo of the secret or of a whole body is no handshake.
fn allowed(reference: &Reference, problems: &mut Vec<String>) {
    if matches!(reference, Reference::Secret | Reference::Body | Reference::Form | Reference::Url | Reference::Signature(_)) {
        problems.push(format!("a handshake can't use {reference}; allowed: method, header:NAME, query:NAME, json:PATH"));
    }
}

/// What a provider wants to hear when its events are durable, where that isn't our own JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// 200 to 299.
    pub status: u16,
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default)]
    pub body: String,
}
