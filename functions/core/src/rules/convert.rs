//! JSON to CEL and back.

use super::EvaluationError;
use cel::Value;
use cel::objects::Key;
use std::collections::HashMap;
use std::sync::Arc;

/// Whole numbers become `int`, as people expect of `data.total / 100`; CEL's own conversion makes `uint` of them, which
/// doesn't mix with literals.
pub(super) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(uint)) => Value::UInt(uint),
            (None, None) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(s) => Value::String(Arc::new(s.clone())),
        serde_json::Value::Array(list) => Value::List(Arc::new(list.iter().map(from_json).collect())),
        serde_json::Value::Object(map) => {
            let map: HashMap<Key, Value> = map.iter().map(|(k, v)| (Key::from(k.clone()), from_json(v))).collect();
            Value::Map(map.into())
        }
    }
}

pub(super) fn to_json(value: &Value) -> Result<serde_json::Value, EvaluationError> {
    if let Value::Float(f) = value
        && !f.is_finite()
    {
        return Err(EvaluationError::NoValue("a number that is not finite".to_owned()));
    }
    value.json().map_err(|_| EvaluationError::NoValue(format!("a value of type {}, which no fact can hold", value.type_of())))
}

/// The elements of the longest list or object in it.
pub(super) fn longest(json: &serde_json::Value) -> usize {
    match json {
        serde_json::Value::Array(list) => list.iter().map(longest).max().unwrap_or(0).max(list.len()),
        serde_json::Value::Object(map) => map.values().map(longest).max().unwrap_or(0).max(map.len()),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) | serde_json::Value::String(_) => 0,
    }
}

/// Bytes as JSON.
pub(super) fn size(json: &serde_json::Value) -> usize {
    serde_json::to_vec(json).map_or(usize::MAX, |bytes| bytes.len())
}
