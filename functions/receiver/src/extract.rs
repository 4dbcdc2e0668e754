//! Extracts events from a verified request. The preset defines the places of id, type, time, entity and sequence.

mod arrival;
mod body;
mod event;
mod form;
mod identity;
mod number;
mod origin;
mod places;
mod when;
mod xml;

pub use crate::json::as_text;
pub use event::VerifiedEvent;
pub use origin::{Origin, Spot, origins};

use crate::json::scalar;
use crate::raw_body::RawBody;
use crate::reply::Reply;
use crate::verify::VerifiedRequest;
use arrival::Arrival;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use body::Document;
use places::Place;
use serde_json::Value;
use serde_json::value::RawValue;
use tidings_config::event::EventSpec;
use tidings_config::limits::{
    MAX_CONVERSATION_BYTES, MAX_DATASCHEMA_BYTES, MAX_DELIVERY_BYTES, MAX_EVENT_TYPE_BYTES, MAX_EVENTS_PER_DELIVERY,
    MAX_MESSAGE_BYTES, MAX_SUBJECT_BYTES,
};
use tidings_config::rules::TypePattern;
use tidings_config::source::JSON;
use tidings_config::time::Timestamp;
use tidings_config::{OneOrMany, Part, Reference, Template};
use tidings_core::claim::EventField;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::unreadable::{Unreadable, Why};

/// The events of a delivery, in its order. Each fits into a message. An unreadable part becomes an event of its own
/// type, with its bytes and the reason. `Err`: a part fits into no message in any form; then no event of the delivery
/// is claimed.
pub fn events(request: &VerifiedRequest<'_>, received: Timestamp) -> Result<Vec<VerifiedEvent>, Reply> {
    read(request).events(received)
}

/// Reads a request's body, once for its events and for its answer.
pub(crate) fn read<'a>(request: &'a VerifiedRequest<'a>) -> Reading<'a> {
    Reading { request, document: body::read(request) }
}

/// A request whose body was read, as far as it can be.
pub(crate) struct Reading<'a> {
    request: &'a VerifiedRequest<'a>,
    document: Result<Document<'a>, Unreadable>,
}

impl<'a> Reading<'a> {
    pub(crate) fn request(&self) -> &'a VerifiedRequest<'a> {
        self.request
    }

    /// What the body holds. `None` where it can't be read.
    pub(crate) fn value(&self) -> Option<&Value> {
        self.document.as_ref().ok().map(|document| &*document.value)
    }

    /// As [`events`].
    pub(crate) fn events(&self, received: Timestamp) -> Result<Vec<VerifiedEvent>, Reply> {
        let (request, arrival) = (self.request, Arrival::of(self.request, received));
        match &self.document {
            Ok(document) => Found { arrival, document }.events(),
            Err(unreadable) => {
                let bytes = request.content().map_or(request.body(), RawBody::as_slice);
                Ok(vec![arrival.unreadable(bytes, request.content_type(), unreadable.clone(), arrival.key_of_whole(None))?])
            }
        }
    }
}

/// A request and the values found in it.
struct Found<'a> {
    arrival: Arrival<'a>,
    document: &'a Document<'a>,
}

impl Found<'_> {
    fn events(&self) -> Result<Vec<VerifiedEvent>, Reply> {
        let (specs, body) = (&self.arrival.request.source().events, &self.document.value);
        let mut places = places::of_many(specs, body, &|spec, indices| self.holds(spec, indices));
        if places.len() > MAX_EVENTS_PER_DELIVERY {
            return Ok(vec![self.whole(Why::TooLargeToSplit, None)?]);
        }
        // An element that no list matched becomes an event as well: the delivery as a whole.
        let left_out = places::left_out(specs, &places, body);
        let whole = self.whole_spec();
        if places.is_empty() || left_out {
            places.extend(whole.map(|spec| (spec, Vec::new())));
        }
        let no_event = whole.is_none() && (left_out || (places.is_empty() && !places::has_lists(specs, body)));
        let many = places.len() + usize::from(no_event) > 1;
        let (mut events, mut bytes) = (Vec::new(), 0);
        for (n, place) in places.iter().enumerate() {
            let event = self.event(place, many.then_some(n))?;
            bytes += event.message.len();
            if many && bytes > MAX_DELIVERY_BYTES {
                return Ok(vec![self.whole(Why::TooLargeToSplit, None)?]);
            }
            events.push(event);
        }
        if no_event {
            events.push(self.whole(Why::NoEvent, many.then_some(places.len()))?);
        }
        Ok(events)
    }

    /// The places of its events.
    fn places(&self) -> Vec<Place<'_>> {
        let (specs, body) = (&self.arrival.request.source().events, &self.document.value);
        let mut places = places::of_many(specs, body, &|spec, indices| self.holds(spec, indices));
        if places.is_empty() || places::left_out(specs, &places, body) {
            places.extend(self.whole_spec().map(|spec| (spec, Vec::new())));
        }
        places
    }

    fn holds(&self, spec: &EventSpec, indices: &[usize]) -> bool {
        when::holds(spec, |reference| self.value(reference, indices))
    }

    /// The spec for the delivery as a whole.
    fn whole_spec(&self) -> Option<&EventSpec> {
        self.arrival.request.source().events.iter().find(|spec| spec.each.is_none() && self.holds(spec, &[]))
    }

    /// One event; or one element that can't be an event, which doesn't affect the others.
    fn event(&self, place @ (spec, indices): &Place<'_>, part: Option<usize>) -> Result<VerifiedEvent, Reply> {
        let why = match self.fit(spec, indices, part) {
            Ok(event) if event.message.len() <= MAX_MESSAGE_BYTES => return Ok(event),
            // It is the whole delivery, and as large as the body.
            Ok(_) if spec.each.is_none() && part.is_none() => return Err(Reply::TooLarge),
            Ok(_) => Why::TooLarge,
            Err(why) => why,
        };
        let Some(each) = &place.0.each else { return self.whole(why, part) };
        let element = each.find(&self.document.value, indices).map(ToString::to_string).unwrap_or_default();
        let unreadable = Unreadable { why, at: Some(places::named(each, indices)) };
        let key = self.arrival.key_of_element(indices, part);
        self.arrival.unreadable(element.as_bytes(), JSON.to_owned(), unreadable, key)
    }

    /// The delivery as sent, without a secret in its body.
    fn whole(&self, why: Why, part: Option<usize>) -> Result<VerifiedEvent, Reply> {
        let request = self.arrival.request;
        let is_as_sent =
            self.document.is_binary || (request.payload().is_none() && request.source().scheme.token_in_body().is_none());
        let bytes = match request.content() {
            Some(content) if is_as_sent => content,
            Some(_) | None => self.document.text.as_bytes(),
        };
        self.arrival.unreadable(bytes, request.content_type(), Unreadable { why, at: None }, self.arrival.key_of_whole(part))
    }

    fn fit(&self, spec: &EventSpec, indices: &[usize], part: Option<usize>) -> Result<VerifiedEvent, Why> {
        let source = self.arrival.request.source();
        let event_type = self.first(&spec.event_type, indices).ok_or(Why::NoType)?;
        let event_type = TypePattern::nameable(&event_type);
        if event_type.len() > MAX_EVENT_TYPE_BYTES {
            return Err(Why::LongType);
        }
        let payload = self.payload(spec, indices);
        let identity = self.identity(spec, indices, part, &payload);
        let rank = spec.rank_of(&event_type);
        // Signed or not, people look the event up by it at the provider.
        let id = self.first(&spec.id, indices).or_else(|| self.first(&spec.delivery_id, indices));
        let id = id.unwrap_or_else(|| identity.key.as_str().to_owned());
        let mut unread = Vec::new();
        let time = noted(EventField::Time, self.time(spec, indices), &mut unread);
        let fitting = |field, templates, most| match self.first(templates, indices) {
            Some(text) if text.len() > most => (field, Field::Unread),
            Some(text) => (field, Field::Read(text)),
            None => (field, Field::Absent),
        };
        let [subject, conversation, dataschema] = [
            fitting(EventField::Subject, &spec.subject, MAX_SUBJECT_BYTES),
            fitting(EventField::Conversation, &spec.conversation, MAX_CONVERSATION_BYTES),
            fitting(EventField::Dataschema, &spec.dataschema, MAX_DATASCHEMA_BYTES),
        ]
        .map(|(field, text)| noted(field, text, &mut unread));
        let sequence = noted(EventField::Sequence, self.sequence(spec, indices), &mut unread);
        let body = self.body_digest(spec, &payload);
        let mut envelope = Envelope::new(NewEnvelope {
            id,
            source: source.name.clone(),
            event_type,
            subject,
            time,
            conversation,
            sequence,
            received: self.arrival.received,
            claim_key: identity.key,
            traceparent: self.arrival.traceparent.clone(),
            payload,
        })
        .of_tenant(self.arrival.request.tenant());
        (envelope.rank, envelope.contentkey, envelope.dataschema) = (rank, identity.content, dataschema);
        let event = VerifiedEvent::new(envelope, body);
        Ok(VerifiedEvent { unread, ..event })
    }

    /// The event's own time. A time that can't be written again isn't accepted: years of five digits come from
    /// milliseconds that are read as seconds.
    fn time(&self, spec: &EventSpec, indices: &[usize]) -> Field<Timestamp> {
        let mut seen = Field::Absent;
        for time in &spec.time.0 {
            for text in time.from.0.iter().filter_map(|from| self.value(from, indices)).filter(|text| !text.trim().is_empty()) {
                seen = Field::Unread;
                if let Some(time) = number::time(time.unit, &text).filter(|time| time.is_rfc3339()) {
                    return Field::Read(time);
                }
            }
        }
        seen
    }

    fn sequence(&self, spec: &EventSpec, indices: &[usize]) -> Field<u64> {
        let sent = spec.sequence.as_ref().and_then(|reference| self.value(reference, indices));
        match sent.filter(|text| !text.trim().is_empty()) {
            None => Field::Absent,
            Some(text) => number::whole(&text).map_or(Field::Unread, Field::Read),
        }
    }

    /// The whole body, byte for byte; or the current event of many, with the parts that the preset stores with it.
    fn payload(&self, spec: &EventSpec, indices: &[usize]) -> Payload {
        if self.document.is_binary {
            let base64 = STANDARD.encode(self.arrival.request.content().map_or(&[][..], RawBody::as_slice));
            return Payload::Binary { base64, content_type: self.arrival.request.content_type() };
        }
        let raw = match &spec.each {
            None => RawValue::from_string(self.document.text.trim().to_owned()),
            Some(each) => {
                let mut one = each.find(&self.document.value, indices).cloned().unwrap_or_default();
                for (name, path) in &spec.with {
                    if let (Some(object), Some(value)) = (one.as_object_mut(), path.find(&self.document.value, indices)) {
                        object.insert(name.clone(), value.clone());
                    }
                }
                RawValue::from_string(one.to_string())
            }
        };
        Payload::Json(raw.expect("it was parsed as JSON before"))
    }

    /// The first template whose values all exist.
    fn first(&self, templates: &OneOrMany<Template>, indices: &[usize]) -> Option<String> {
        templates.0.iter().find_map(|template| self.fill(template, indices, |value| value))
    }

    /// Fills a template. `None`: one of its values is missing, null or blank, since an incomplete name isn't a name.
    fn fill(&self, template: &Template, indices: &[usize], write: impl Fn(String) -> String) -> Option<String> {
        template.0.iter().try_fold(String::new(), |mut text, part| {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Value(reference) => {
                    let value = self.value(reference, indices).filter(|value| !value.trim().is_empty())?;
                    text.push_str(&write(value));
                }
            }
            Some(text)
        })
    }

    fn value(&self, reference: &Reference, indices: &[usize]) -> Option<String> {
        match reference.json() {
            Some(path) => scalar(path, &self.document.value, indices),
            None => self.arrival.request.value(reference),
        }
    }
}

/// The value of a configured place.
enum Field<T> {
    Absent,
    Read(T),
    /// A value that isn't valid for the field, or is too long.
    Unread,
}

/// The field's value. An unreadable value is recorded, so it is never dropped silently.
fn noted<T>(name: EventField, field: Field<T>, unread: &mut Vec<EventField>) -> Option<T> {
    match field {
        Field::Absent => None,
        Field::Read(value) => Some(value),
        Field::Unread => {
            unread.push(name);
            None
        }
    }
}
