//! A verified request becomes events: where id, type, time, entity and sequence are is the preset's to say.

mod body;
mod depth;
mod form;
mod places;
mod xml;

pub(crate) use body::json;
pub(crate) use depth::of as depth;

use crate::reply::{Malformed, Reply};
use crate::verify::VerifiedRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use body::Document;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::OnceCell;
use tidings_core::claim::{ClaimKey, Sha256Hex};
use tidings_core::config::event::EventSpec;
use tidings_core::config::{JsonPath, OneOrMany, Part, Reference, Template};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::limits::{
    MAX_CONVERSATION_BYTES, MAX_DATASCHEMA_BYTES, MAX_EVENT_TYPE_BYTES, MAX_EVENTS_PER_DELIVERY, MAX_MESSAGE_BYTES,
    MAX_SUBJECT_BYTES,
};
use tidings_core::time::Timestamp;

/// A verified event. Only [`events`] makes it, and only it can be claimed.
#[derive(Debug)]
pub struct VerifiedEvent {
    envelope: Envelope,
    body_sha256: Sha256Hex,
}

impl VerifiedEvent {
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    pub fn body_sha256(&self) -> &Sha256Hex {
        &self.body_sha256
    }

    /// The same event, received when its first delivery was.
    #[must_use]
    pub fn first_received(mut self, received: Timestamp) -> Self {
        self.envelope.receivedtime = received;
        self
    }
}

/// The events of a delivery, in its order. Each fits into a message.
pub fn events(request: &VerifiedRequest<'_>, received: Timestamp) -> Result<Vec<VerifiedEvent>, Reply> {
    let Document { text, value, is_binary } = body::read(request).map_err(Reply::Malformed)?;
    let found = Found {
        request,
        text,
        body: value,
        is_binary,
        received,
        traceparent: traceparent(request),
        body_sha256: Sha256Hex::of(request.body()),
        signed_sha256: OnceCell::new(),
    };

    let specs = &request.source().events;
    let mut places = places::of_many(specs, &found.body);
    if places.len() > MAX_EVENTS_PER_DELIVERY {
        return Err(Reply::Malformed(Malformed::TooManyEvents));
    }
    // What no list has is an event all the same: the delivery as a whole.
    if places.is_empty() || places::left_out(specs, &places, &found.body) {
        places.extend(specs.iter().find(|spec| spec.each.is_none()).map(|spec| (spec, Vec::new())));
    }
    if places.is_empty() && !places::has_lists(specs, &found.body) {
        return Err(Reply::Malformed(Malformed::NoType));
    }
    let many = places.len() > 1;
    places.into_iter().enumerate().map(|(n, (spec, indices))| found.event(spec, &indices, many.then_some(n))).collect()
}

/// W3C Trace Context, if the provider sent one that looks right: `00-{32 hex}-{16 hex}-{2 hex}`.
fn traceparent(request: &VerifiedRequest<'_>) -> Option<String> {
    let value = request.headers().get("traceparent")?.to_str().ok()?;
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    let hex = value.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (lengths == [2, 32, 16, 2] && hex).then(|| value.to_owned())
}

/// A request and what was found in it.
struct Found<'a> {
    request: &'a VerifiedRequest<'a>,
    /// As JSON text.
    text: Cow<'a, str>,
    body: Value,
    is_binary: bool,
    received: Timestamp,
    traceparent: Option<String>,
    body_sha256: Sha256Hex,
    /// Made when an event first needs it, once for all.
    signed_sha256: OnceCell<Sha256Hex>,
}

impl Found<'_> {
    fn event(&self, spec: &EventSpec, indices: &[usize], part: Option<usize>) -> Result<VerifiedEvent, Reply> {
        let source = self.request.source();
        let event_type = self.first(&spec.event_type, indices).map(|t| t.replace('/', "."));
        let event_type = event_type.filter(|t| !t.is_empty() && t.len() <= MAX_EVENT_TYPE_BYTES);
        let claim_key = self.claim_key(spec, indices, part);
        let mut envelope = Envelope::new(NewEnvelope {
            id: self.first(&spec.id, indices).unwrap_or_else(|| claim_key.as_str().to_owned()),
            source: source.name.clone(),
            event_type: event_type.ok_or(Reply::Malformed(Malformed::NoType))?,
            subject: self.first(&spec.subject, indices).filter(|s| s.len() <= MAX_SUBJECT_BYTES),
            time: self.time(spec, indices),
            conversation: self.first(&spec.conversation, indices).filter(|c| c.len() <= MAX_CONVERSATION_BYTES),
            sequence: spec.sequence.as_ref().and_then(|r| self.value(r, indices)?.parse().ok()),
            received: self.received,
            claim_key,
            traceparent: self.traceparent.clone(),
            payload: self.payload(spec, indices),
        });
        envelope.dataschema = self.first(&spec.dataschema, indices).filter(|d| d.len() <= MAX_DATASCHEMA_BYTES);
        if envelope.encode().len() > MAX_MESSAGE_BYTES {
            return Err(Reply::TooLarge);
        }
        Ok(VerifiedEvent { envelope, body_sha256: self.body_sha256.clone() })
    }

    /// The security rule of [`tidings_core::claim`]: an id counts only if the signature covers it.
    fn claim_key(&self, spec: &EventSpec, indices: &[usize], part: Option<usize>) -> ClaimKey {
        let source = &self.request.source().name;
        let signed = spec.id.0.iter().filter(|id| self.request.covers(id)).find_map(|id| self.fill(id, indices));
        let key = match signed {
            Some(id) => return ClaimKey::from_signed_id(source, &id),
            // What is signed by itself is an event wherever it stands.
            None if self.request.signs_each() => ClaimKey::from_signed_bytes(source, &self.request.signed_digest(indices), None),
            None => {
                let digest = self.signed_sha256.get_or_init(|| self.request.signed_digest(&[]));
                ClaimKey::from_signed_bytes(source, digest, part)
            }
        };
        match spec.coalesce_seconds {
            Some(seconds) => key.in_window(self.received.unix_s() / i64::try_from(seconds).unwrap_or(i64::MAX)),
            None => key,
        }
    }

    fn time(&self, spec: &EventSpec, indices: &[usize]) -> Option<Timestamp> {
        let time = spec.time.as_ref()?;
        time.from.0.iter().find_map(|from| crate::verify::parse_time(time.unit, &self.value(from, indices)?))
    }

    /// The whole body, byte for byte; of a delivery of many events the one at hand, with what the preset keeps beside it.
    fn payload(&self, spec: &EventSpec, indices: &[usize]) -> Payload {
        if self.is_binary {
            let base64 = STANDARD.encode(self.request.body());
            return Payload::Binary { base64, content_type: self.request.content_type() };
        }
        let raw = match &spec.each {
            None => RawValue::from_string(self.text.trim().to_owned()),
            Some(each) => {
                let mut one = each.find(&self.body, indices).cloned().unwrap_or_default();
                for (name, path) in &spec.with {
                    if let (Some(object), Some(value)) = (one.as_object_mut(), path.find(&self.body, indices)) {
                        object.insert(name.clone(), value.clone());
                    }
                }
                RawValue::from_string(one.to_string())
            }
        };
        Payload::Json(raw.expect("it was parsed as JSON before"))
    }

    /// The first template whose values are all there.
    fn first(&self, templates: &OneOrMany<Template>, indices: &[usize]) -> Option<String> {
        templates.0.iter().find_map(|template| self.fill(template, indices))
    }

    fn fill(&self, template: &Template, indices: &[usize]) -> Option<String> {
        template.0.iter().try_fold(String::new(), |mut text, part| {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Value(reference) => text.push_str(&self.value(reference, indices)?),
            }
            Some(text)
        })
    }

    fn value(&self, reference: &Reference, indices: &[usize]) -> Option<String> {
        match reference.json() {
            Some(path) => scalar(path, &self.body, indices),
            None => self.request.value(reference),
        }
    }
}

/// What is there, as text.
pub(crate) fn scalar(path: &JsonPath, body: &Value, indices: &[usize]) -> Option<String> {
    as_text(path.find(body, indices)?)
}

/// A text, a number or a truth value, as text; anything else isn't there.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
