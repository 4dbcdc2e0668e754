//! Conversion from JSON to values and back.

use super::exact::Exact;
use super::fault::Fault;
use super::meter::Meter;
use super::operators::held;
use super::value::{Key, List, Map, Text, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io;
use tidings_config::limits::MAX_FACT_BYTES;

/// Whole numbers become `int`, as `data.total / 100` needs. CEL's own conversion would make `uint`, which doesn't mix
/// with literals.
pub(super) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(uint)) => Value::Uint(uint),
            (None, None) => Exact::of(n).map_or_else(|| Value::Double(n.as_f64().unwrap_or(f64::NAN)), Value::Exact),
        },
        serde_json::Value::String(s) => Value::Text(Text::given(s)),
        serde_json::Value::Array(list) => Value::List(List::given(list.iter().map(from_json).collect())),
        serde_json::Value::Object(map) => {
            Value::Map(Map::given(map.iter().map(|(key, value)| (Key::Text(Text::given(key)), from_json(value))).collect()))
        }
    }
}

/// Converts a value to JSON, if it fits into a fact. Its size is computed before it is made.
pub(super) fn to_json(value: &Value, meter: &mut Meter<'_>) -> Result<serde_json::Value, Fault> {
    match size(value, meter)? {
        size if size > MAX_FACT_BYTES => Err(Fault::LargeResult(size)),
        _ => Ok(json(value)),
    }
}

/// The size as JSON in bytes.
fn size(value: &Value, meter: &mut Meter<'_>) -> Result<usize, Fault> {
    meter.step()?;
    Ok(match value {
        Value::Null => 4,
        Value::Bool(truth) => 5 - usize::from(*truth),
        Value::Int(n) => written(n),
        Value::Uint(n) => written(n),
        Value::Double(n) if n.is_finite() => written(n),
        Value::Double(_) => return Err(Fault::NotFinite),
        Value::Exact(n) => {
            meter.spend(n.digits().len())?;
            written(&n.json())
        }
        Value::Text(text) => {
            meter.spend(text.as_str().len())?;
            written(text.as_str())
        }
        // Base64 in quotes.
        Value::Bytes(bytes) => bytes.as_slice().len().div_ceil(3).saturating_mul(4).saturating_add(2),
        Value::Optional(optional) => size(held(optional), meter)?,
        Value::Type(kind) => kind.name().len() + 2,
        Value::List(list) => {
            let mut bytes = 2 + list.as_slice().len().saturating_sub(1);
            for element in list.as_slice() {
                bytes = bytes.saturating_add(size(element, meter)?);
            }
            bytes
        }
        Value::Map(map) => {
            // One colon each, and commas in between.
            let mut bytes = 2 + (2 * map.entries().len()).saturating_sub(1);
            for (key, value) in map.entries() {
                let name = name(key);
                meter.spend(name.len())?;
                bytes = bytes.saturating_add(written(&*name)).saturating_add(size(value, meter)?);
            }
            bytes
        }
    })
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(n) => (*n).into(),
        Value::Uint(n) => (*n).into(),
        Value::Double(n) => (*n).into(),
        Value::Exact(n) => n.json(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes.as_slice()).into(),
        Value::Optional(optional) => json(held(optional)),
        Value::Type(kind) => kind.name().into(),
        Value::List(list) => list.as_slice().iter().map(json).collect(),
        Value::Map(map) => map
            .entries()
            .iter()
            .map(|(key, value)| (name(key).into_owned(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn name(key: &Key) -> std::borrow::Cow<'_, str> {
    match key {
        Key::Text(text) => text.as_str().into(),
        Key::Bool(truth) => truth.to_string().into(),
        Key::Int(n) => n.to_string().into(),
        Key::Uint(n) => n.to_string().into(),
    }
}

/// The size as JSON in bytes, without making it.
fn written(what: &(impl serde::Serialize + ?Sized)) -> usize {
    let mut counted = Counted(0);
    // Counting can't fail, and texts and numbers are valid JSON.
    serde_json::to_writer(&mut counted, what).map_or(usize::MAX, |()| counted.0)
}

struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
