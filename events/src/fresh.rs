//! Makes a new event from an old sample: the same request with another id and the current time, as its provider would
//! send the next one.
//!
//! Promises: an id is replaced by another one of the same form (prefix, letters for letters, digits for digits), each
//! time a different one, and wherever it occurs in the request. A time is written in its old format. Everything else
//! stays. If neither makes another event, a field [`MARK`] is added to the body, and the result says so.

mod ids;
mod times;

use crate::{RequestError, Sample};
use http::HeaderValue;
use receiver::delivery::Delivery;
use receiver::extract::{Origin, Spot, as_text, origins};
use receiver::verify::{Key, verify};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::limits::MAX_SIGNED_EVENTS;
use tidings_config::source::{FORM, Source};
use tidings_config::time::Timestamp;
use tidings_config::{JsonPath, Reference, Step};

/// The field of the body that distinguishes the event, if nothing else does.
pub const MARK: &str = "tidings_send";

/// Shorter values may occur elsewhere by chance: they are only changed at their own place.
const LONG_ENOUGH: usize = 6;

/// The shortest length of a random value.
const MIN_NONCE: usize = 16;

/// What distinguishes the new event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// Its id, or the id of its delivery.
    ById,
    /// A field [`MARK`], which the provider wouldn't send.
    ByMark,
    /// Nothing: it is the same event.
    Unchanged,
}

impl Sample {
    /// Makes a new event. `random` gives another byte each time.
    pub fn renew(
        &mut self,
        source: &Source,
        secret: &str,
        now: Timestamp,
        random: &mut dyn FnMut() -> u8,
    ) -> Result<Renewed, RequestError> {
        let before = self.sign(source, secret, now, None)?;
        let (known, origins) = (before.claim_keys(source, secret, now), origins_of(&before.delivery(), source, secret, now));
        let mut changes = BTreeMap::new();
        let has_id = !origins.is_empty() && origins.iter().all(|origin| id_of(origin).is_some());
        for spot in origins.iter().filter_map(id_of) {
            let new = changes.entry(spot.text.clone()).or_insert_with(|| ids::like(&spot.text, random)).clone();
            self.change(spot, &new);
        }
        for (spot, unit) in origins.iter().flat_map(|origin| &origin.times) {
            if let Some(new) = times::like(&spot.text, *unit, now) {
                self.change(spot, &new);
            }
        }
        let keys_of =
            |sample: &Self| sample.sign(source, secret, now, None).map(|request| request.claim_keys(source, secret, now));
        let is_new = |sample: &Self| -> Result<bool, RequestError> {
            let keys = keys_of(sample)?;
            Ok(!keys.is_empty() && keys.iter().all(|key| !known.contains(key)))
        };
        if has_id && is_new(self)? {
            return Ok(Renewed::ById);
        }
        let is_by_time = is_new(self)?;
        // If the body isn't signed, its sender makes each message different by a random value.
        let nonces = if is_by_time { Vec::new() } else { nonces(&before.delivery(), source, secret, now) };
        for spot in &nonces {
            self.change(spot, &ids::like(&spot.text, random));
        }
        if !nonces.is_empty() && is_new(self)? {
            return Ok(Renewed::ById);
        }
        // An event that is identified by its bytes and a time in whole seconds would be the same if sent twice in one second.
        let by_time = keys_of(self)?;
        let counts = |marked: &Self| keys_of(marked).is_ok_and(|keys| keys != by_time) && is_new(marked).unwrap_or(false);
        if let Some(marked) = self.marked(&ids::like("00000000", random)).filter(counts) {
            *self = marked;
            return Ok(Renewed::ByMark);
        }
        // The same holds for an id that contains such a time: another part of the id changes, too.
        if is_by_time && origins.iter().all(|origin| is_in_seconds(origin, now)) {
            for spot in origins.iter().filter_map(beside_its_time) {
                let new = changes.entry(spot.text.clone()).or_insert_with(|| ids::like(&spot.text, random)).clone();
                self.change(spot, &new);
            }
        }
        Ok(if is_new(self)? { Renewed::ById } else { Renewed::Unchanged })
    }

    /// Sets a field of the body, JSON or a form: as JSON if the value is JSON, else as a text. Errors: why the body
    /// has no such place.
    pub fn set(&mut self, path: &JsonPath, value: &str) -> Result<(), RequestError> {
        let no_place = |why: &str| RequestError::NoPlace(path.to_string(), why.to_owned());
        if self.is_form() {
            let fields = form(&self.body);
            let name = path.to_string();
            let place = fields.iter().position(|(field, _)| *field == name);
            let mut fields = fields;
            match place {
                Some(place) => value.clone_into(&mut fields[place].1),
                None => fields.push((name, value.to_owned())),
            }
            self.body = written_form(&fields);
            return Ok(());
        }
        let mut body: Value = serde_json::from_slice(&self.body).map_err(|_| no_place("the body is neither JSON nor a form"))?;
        let new = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        *place_of(path, &mut body).map_err(|why| no_place(&why))? = new;
        self.body = body.to_string().into_bytes();
        Ok(())
    }

    /// Changes a value wherever it occurs; a short one only at its own place.
    fn change(&mut self, spot: &Spot, new: &str) {
        let old = spot.text.trim();
        if old.len() >= LONG_ENOUGH {
            let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            for (name, value) in headers {
                let changed = value.to_str().ok().and_then(|text| replaced(text, old, new));
                if let Some(value) = changed.and_then(|text| HeaderValue::from_str(&text).ok()) {
                    self.headers.insert(name, value);
                }
            }
            self.query = replaced(&self.query, old, new).unwrap_or_else(|| self.query.clone());
            if let Some(body) = std::str::from_utf8(&self.body).ok().and_then(|body| replaced(body, old, new)) {
                self.body = body.into_bytes();
                return;
            }
        }
        match &spot.place {
            Reference::Header(name) => drop(self.set_header(name, new)),
            Reference::Json(path) | Reference::JsonOrEmpty(path) => self.change_at(&at(path, &spot.indices), new),
            Reference::FormField(name) => drop(self.set(&JsonPath(vec![Step::Key(name.clone())]), new)),
            Reference::Body
            | Reference::Url
            | Reference::Method
            | Reference::Query(_)
            | Reference::Signature(_)
            | Reference::Jwt(_)
            | Reference::Form
            | Reference::Crc32
            | Reference::Canonical(_)
            | Reference::Secret => {}
        }
    }

    /// Changes a scalar of a JSON body, keeping its type. Does nothing if it doesn't exist or was changed before.
    fn change_at(&mut self, path: &JsonPath, new: &str) {
        let Ok(mut body) = serde_json::from_slice::<Value>(&self.body) else { return };
        let Ok(place) = place_of(path, &mut body) else { return };
        *place = match place {
            Value::Number(_) => serde_json::from_str(new).unwrap_or_else(|_| Value::from(new)),
            Value::String(_) => Value::from(new),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return,
        };
        self.body = body.to_string().into_bytes();
    }

    fn marked(&self, mark: &str) -> Option<Self> {
        let mut marked = self.clone();
        if self.is_form() {
            marked.set(&JsonPath(vec![Step::Key(MARK.to_owned())]), mark).ok()?;
            return Some(marked);
        }
        let mut body: Value = serde_json::from_slice(&self.body).ok()?;
        body.as_object_mut()?.insert(MARK.to_owned(), Value::from(mark));
        marked.body = body.to_string().into_bytes();
        Some(marked)
    }

    fn is_form(&self) -> bool {
        let content_type = self.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|text| text.split(';').next().is_some_and(|text| text.trim().eq_ignore_ascii_case(FORM)))
    }
}

fn origins_of(delivery: &Delivery, source: &Source, secret: &str, now: Timestamp) -> Vec<Origin> {
    let Ok(key) = Key::prepare(&source.scheme, secret) else { return Vec::new() };
    verify(source, &[key], delivery, now).map_or_else(|_| Vec::new(), |verified| origins(&verified, now))
}

/// For each signed part, the first value beside its time that is as long as a random value.
fn nonces(delivery: &Delivery, source: &Source, secret: &str, now: Timestamp) -> Vec<Spot> {
    let scheme = &source.scheme;
    let (Ok(key), Some(message)) = (Key::prepare(scheme, secret), &scheme.message) else { return Vec::new() };
    let keys = [key];
    let Ok(verified) = verify(source, &keys, delivery, now) else { return Vec::new() };
    let body = serde_json::from_slice::<Value>(&delivery.body).unwrap_or_default();
    let is_time = |place: &Reference| scheme.timestamp.as_ref().is_some_and(|timestamp| timestamp.from == *place);
    let spot = |place: &Reference, indices: &[usize]| {
        let text = match place {
            Reference::Header(_) | Reference::FormField(_) => verified.value(place),
            Reference::Json(path) | Reference::JsonOrEmpty(path) => path.find(&body, indices).and_then(as_text),
            Reference::Body
            | Reference::Url
            | Reference::Method
            | Reference::Query(_)
            | Reference::Signature(_)
            | Reference::Jwt(_)
            | Reference::Form
            | Reference::Crc32
            | Reference::Canonical(_)
            | Reference::Secret => None,
        };
        let text = text.filter(|text| text.len() >= MIN_NONCE && ids::is_like_one(text))?;
        Some(Spot { place: place.clone(), indices: indices.to_vec(), text })
    };
    let each = scheme.each.as_ref().map_or_else(|| vec![Vec::new()], |each| each.places(&body, MAX_SIGNED_EVENTS));
    let first =
        |indices: &Vec<usize>| message.references().filter(|place| !is_time(place)).find_map(|place| spot(place, indices));
    each.iter().filter_map(first).collect()
}

/// The part of an id that differs in each event: of several, the last that looks like an id, unless the time is among them.
fn id_of(origin: &Origin) -> Option<&Spot> {
    let times = || origin.times.iter().map(|(spot, _)| spot);
    if origin.id.iter().any(|part| times().any(|time| time.place == part.place)) {
        return None;
    }
    last_like_one(origin.id.iter())
}

/// The part of an id that differs in each event, of an id that contains the time.
fn beside_its_time(origin: &Origin) -> Option<&Spot> {
    let is_time = |part: &&Spot| origin.times.iter().any(|(time, _)| time.place == part.place);
    last_like_one(origin.id.iter().filter(|part| !is_time(part)))
}

/// The last part that looks like an id; a long one, if there is one.
fn last_like_one<'o>(parts: impl Iterator<Item = &'o Spot>) -> Option<&'o Spot> {
    let mut parts: Vec<&Spot> = parts.filter(|part| ids::is_like_one(&part.text)).collect();
    if parts.len() > 1 {
        parts.sort_by_key(|part| part.text.len() >= LONG_ENOUGH);
    }
    parts.pop()
}

/// Whether its times have no fraction of a second.
fn is_in_seconds(origin: &Origin, now: Timestamp) -> bool {
    let other = if now.unix_ms() % 1_000 < 500 { now.plus(HALF_A_SECOND) } else { now.minus(HALF_A_SECOND) };
    origin.times.iter().all(|(spot, unit)| times::like(&spot.text, *unit, now) == times::like(&spot.text, *unit, other))
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// The text with each separate occurrence of the old value replaced. `None`: it doesn't occur.
fn replaced(text: &str, old: &str, new: &str) -> Option<String> {
    let (mut changed, mut rest, mut any) = (String::with_capacity(text.len()), text, false);
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let stands_alone = is_apart(before.chars().next_back().or(changed.chars().next_back())) && is_apart(after.chars().next());
        changed.push_str(before);
        changed.push_str(if stands_alone { new } else { old });
        any |= stands_alone;
        rest = after;
    }
    changed.push_str(rest);
    any.then_some(changed)
}

/// A path with indices for its `[*]`.
fn at(path: &JsonPath, indices: &[usize]) -> JsonPath {
    let mut indices = indices.iter();
    let step = |step: &Step| match step {
        Step::Each => Step::Index(indices.next().copied().unwrap_or_default()),
        Step::Key(_) | Step::Index(_) => step.clone(),
    };
    JsonPath(path.0.iter().map(step).collect())
}

/// The place of a path. Missing objects are created.
fn place_of<'v>(path: &JsonPath, body: &'v mut Value) -> Result<&'v mut Value, String> {
    let mut place = body;
    for step in &path.0 {
        place = match step {
            Step::Key(key) => {
                if place.is_null() {
                    *place = Value::Object(serde_json::Map::new());
                }
                let Value::Object(object) = place else { return Err(format!("the parent of {key:?} isn't an object")) };
                object.entry(key.clone()).or_insert(Value::Null)
            }
            Step::Index(index) => {
                let Value::Array(list) = place else { return Err(format!("the parent of [{index}] isn't a list")) };
                let length = list.len();
                list.get_mut(*index)
                    .ok_or_else(|| format!("[{index}] is beyond the end of the list, which has {length} elements"))?
            }
            Step::Each => return Err("[*] isn't one place: use an index such as [0]".to_owned()),
        };
    }
    Ok(place)
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn written_form(fields: &[(String, String)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
}
