//! Handshakes that give a MAC to any caller (a signing oracle), and why such a MAC is never the signature of an event.
//!
//! One predicate, [`Answer::takes`], separates the two: a handshake makes a MAC only of texts that it takes, and a
//! request is refused if its signed text is one that it takes (`receiver::verify`). This holds for every scheme and
//! every format of a body. This module checks the other side when a source is built: no genuine event has such a
//! text.

use super::field::Canonical;
use super::handshake::{Answer, Characters};
use super::scheme::{Algorithm, Scheme, TimeUnit};
use super::source::{BodyFormat, Source};
use super::{Part, Reference, Template};

impl Answer {
    /// Whether a value from the request may contain this byte.
    pub fn takes(&self, byte: u8) -> bool {
        match (self.only, self.mac) {
            (Characters::LowerHex, _) => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            (Characters::Any, Some(_)) => byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte),
            (Characters::Any, None) => (b' '..=b'~').contains(&byte),
        }
    }

    /// Whether a value of this length is answered, if all its bytes are taken.
    pub fn takes_length(&self, bytes: usize) -> bool {
        (1..=self.max_bytes).contains(&bytes)
    }

    fn takes_any_of(&self, text: &str) -> bool {
        text.bytes().any(|byte| self.takes(byte))
    }

    fn takes_all_of(&self, text: &str) -> bool {
        text.bytes().all(|byte| self.takes(byte))
    }
}

impl Scheme {
    /// Whether the signature is a plain digest of a message that begins with the secret.
    pub fn begins_with_secret(&self) -> bool {
        let is_first = |message: &Template| matches!(message.0.first(), Some(Part::Value(Reference::Secret)));
        self.algorithm == Algorithm::Sha256 && self.message.as_ref().is_some_and(is_first)
    }
}

impl Source {
    /// The answers of its handshakes that contain a MAC. Signed handshakes are included, since anyone who saw one may
    /// send it again.
    pub fn macs(&self) -> impl Iterator<Item = &Answer> {
        let replies = self.handshakes.iter().map(|handshake| &handshake.reply);
        let answers = replies.flat_map(|reply| reply.text.iter().chain(reply.json.values()).chain(reply.headers.values()));
        answers.filter(|answer| answer.mac.is_some())
    }

    /// Everything that makes its handshakes useless or its events impossible, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let has_mac_key = self.scheme.has_secret_key() && self.scheme.algorithm != Algorithm::Sha256;
        if self.macs().next().is_some() && !has_mac_key {
            problems.push(format!(
                "a handshake gives a MAC, and {} makes it without a secret: anyone could make it",
                self.scheme.algorithm.as_str()
            ));
        }
        let open = self.macs().find(|answer| !self.never_signs_what_it_takes(answer));
        if let (Some(answer), Some(message)) = (open, &self.scheme.message) {
            let from = answer.from.as_ref().map_or_else(String::new, |from| format!(" of {from}"));
            problems.push(format!(
                "a handshake gives a MAC{from} to any caller, and an event whose `message`, {message}, is such a text would be refused: \
                 the MAC is its signature. Its events must be JSON or XML, or its `message` must contain a character that the handshake \
                 doesn't take (all but letters, digits and +/=_-; with `only: lower-hex` all but 0-9 and a-f)"
            ));
        }
        if !self.binds_the_body() && self.events.iter().any(|event| !event.delivery_id.is_empty()) {
            problems.push(
                "`delivery_id` needs a signature that covers the body: otherwise anyone could make other events from one captured request"
                    .to_owned(),
            );
        }
        for also in &self.also {
            problems.extend(self.key_differs(also).map(str::to_owned));
        }
        if self.can_be_lengthened() {
            problems.push(
                "anyone who sees one request can extend a plain digest that begins with {secret}, and a binary body takes any \
                 bytes at its end: its events must be JSON, XML or a form"
                    .to_owned(),
            );
        }
        problems
    }

    /// Whether one signature fits only one body. A token fits every body: anyone who has it can make any event.
    fn binds_the_body(&self) -> bool {
        self.scheme.covers(&Reference::Body) || matches!(self.scheme.algorithm, Algorithm::Token | Algorithm::Jwt)
    }

    /// Why another way of signing can't be used beside the first: a secret makes one key, and a handshake's MAC is
    /// judged by one message.
    fn key_differs(&self, also: &Scheme) -> Option<&'static str> {
        let one_kind = |scheme: &Scheme| scheme.has_secret_key() && scheme.algorithm != Algorithm::Jwt;
        if self.macs().next().is_some() {
            Some("`also` can't be used with a handshake that gives a MAC: the MAC is checked against one scheme only")
        } else if also.key != self.scheme.key {
            Some("`also` must make its key as `scheme` does: one secret makes one key")
        } else if also.algorithm != self.scheme.algorithm && !(one_kind(also) && one_kind(&self.scheme)) {
            Some("`also` must use the same kind of key as `scheme`: one secret makes one key")
        } else {
            None
        }
    }

    /// Length extension of SHA-256: from the digest of `secret + body` anyone can compute that of
    /// `secret + body + padding + more`. The padding begins with a byte that isn't valid UTF-8 there, so a body that
    /// is read as text is refused.
    fn can_be_lengthened(&self) -> bool {
        let is_binary = |content_type: &String| self.format_of(content_type) == BodyFormat::Binary;
        self.schemes().any(Scheme::begins_with_secret) && self.content_types.0.iter().any(is_binary)
    }

    /// Whether every genuine event's signed text contains a byte that the answer doesn't take. A token signs nothing;
    /// a JSON Web Token contains dots.
    fn never_signs_what_it_takes(&self, answer: &Answer) -> bool {
        let Some(message) = &self.scheme.message else { return !answer.takes(b'.') };
        message.0.iter().any(|part| match part {
            Part::Text(text) => !answer.takes_all_of(text),
            Part::Value(reference) => self.is_never_taken(reference, answer),
        })
    }

    fn is_never_taken(&self, reference: &Reference, answer: &Answer) -> bool {
        match reference {
            Reference::Body => self.content_types.0.iter().all(|content_type| match self.format_of(content_type) {
                BodyFormat::Json => !answer.takes_any_of("{["),
                BodyFormat::Xml => !answer.takes(b'<'),
                BodyFormat::Form => self.form_json.is_some() && !answer.takes_any_of("{%"),
                BodyFormat::Binary => false,
            }),
            Reference::FormField(name) if self.form_json.as_ref() == Some(name) => !answer.takes_any_of("{["),
            // The base64 of a text that begins with ASCII below `h`, as XML does, begins with a capital.
            Reference::FormField(name) if self.form_xml.as_ref() == Some(name) => {
                !answer.takes_any_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            }
            Reference::Url => !answer.takes(b':'),
            Reference::Canonical(Canonical::AwsSns | Canonical::Contentful) => !answer.takes(b'\n'),
            Reference::Canonical(Canonical::VonageForm) => !answer.takes(b'&'),
            // The signature base names its components in quotes.
            Reference::Canonical(Canonical::HttpMessage) => !answer.takes(b'"'),
            Reference::Header(_)
            | Reference::Query(_)
            | Reference::Json(_)
            | Reference::JsonOrEmpty(_)
            | Reference::Signature(_)
            | Reference::FormField(_) => self.is_rfc3339(reference) && !answer.takes(b':'),
            Reference::Method | Reference::Jwt(_) | Reference::Form | Reference::Crc32 | Reference::Secret => false,
        }
    }

    fn is_rfc3339(&self, reference: &Reference) -> bool {
        let timestamp = self.scheme.timestamp.as_ref();
        timestamp.is_some_and(|timestamp| timestamp.from == *reference && timestamp.unit == TimeUnit::Rfc3339)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn source(change: Value) -> Source {
        let mut source = json!({
            "name": "x",
            "provider": "own",
            "scheme": {
                "algorithm": "hmac-sha256", "message": "{body}",
                "signature": { "from": "header:x-signature", "encoding": "hex" },
            },
            "events": [{ "type": "a" }],
            "handshakes": [{ "method": "GET", "reply": { "text": { "from": "query:c", "mac": "hex" } } }],
            "content_types": "application/json",
        });
        for (path, value) in change.as_object().unwrap() {
            *source.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value.clone();
        }
        serde_json::from_value(source).unwrap()
    }

    #[test]
    fn a_mac_and_an_event_never_share_a_text() {
        let binary = json!("application/octet-stream");
        for (change, fine) in [
            (json!({}), true),
            (json!({ "/content_types": ["application/json", "text/xml"] }), true),
            (json!({ "/content_types": binary }), false),
            (json!({ "/content_types": ["application/json", "text/plain"] }), false),
            (json!({ "/content_types": "application/x-www-form-urlencoded" }), false),
            (json!({ "/content_types": binary, "/scheme/message": "v0:{body}" }), true),
            (json!({ "/content_types": binary, "/scheme/message": "v0-{body}" }), false),
            (json!({ "/content_types": binary, "/scheme/message": "{url}{body}" }), true),
            (json!({ "/content_types": binary, "/scheme/message": "{method}{header:x-time}{body}" }), false),
            (json!({ "/content_types": binary, "/scheme/message": "{canonical:contentful}" }), true),
            (json!({ "/scheme/message": "{header:x-hash}" }), false),
            (json!({ "/content_types": binary, "/handshakes": [] }), true),
        ] {
            assert_eq!(source(change.clone()).problems().is_empty(), fine, "{change}");
        }
    }

    #[test]
    fn a_mac_needs_a_secret_key() {
        for (algorithm, fine) in [("hmac-sha1", true), ("sha256", false), ("ed25519", false)] {
            let problems = source(json!({ "/scheme/algorithm": algorithm })).problems();
            assert_eq!(problems.is_empty(), fine, "{algorithm}: {problems:?}");
        }
    }

    #[test]
    fn an_extensible_digest_needs_a_text_body() {
        for (message, content_type, fine) in [
            ("{secret}{body}", "application/json", true),
            ("{secret}{body}", "application/octet-stream", false),
            ("{body}{secret}", "application/octet-stream", true),
        ] {
            let change = json!({
                "/scheme/algorithm": "sha256", "/scheme/message": message, "/content_types": content_type, "/handshakes": [],
            });
            assert_eq!(source(change).problems().is_empty(), fine, "{message} {content_type}");
        }
    }

    #[test]
    fn an_answer_takes_only_its_allowed_values() {
        let answer = |only: &str, mac: Value| -> Answer {
            serde_json::from_value(json!({ "from": "query:c", "only": only, "mac": mac, "max_bytes": 4 })).unwrap()
        };
        let taken = |answer: &Answer| (0..=255_u8).filter(|byte| answer.takes(*byte)).count();
        assert_eq!(taken(&answer("lower-hex", json!("hex"))), 16);
        assert_eq!(taken(&answer("any", json!("hex"))), 26 + 26 + 10 + 5);
        assert_eq!(taken(&answer("any", Value::Null)), 95);
        let lengths = (0..6).filter(|bytes| answer("any", Value::Null).takes_length(*bytes));
        assert_eq!(lengths.collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
