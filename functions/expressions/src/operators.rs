//! The operators. Each counts its cost before it computes.

use super::fault::{Fault, Kind};
use super::meter::Meter;
use super::numbers::{self, ADD, DIVIDE, MULTIPLY, REMAINDER, SUBTRACT, arithmetic};
use super::optional;
use super::value::{Bytes, ELEMENT_BYTES, Held, Key, List, Map, Text, Value};
use std::cmp::Ordering;
use tidings_config::limits::STEP_WORK;

/// An operator with two operands that are both evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    pub(super) const ALL: &[(&'static str, Self)] = &[
        ("_+_", Self::Add),
        ("_-_", Self::Subtract),
        ("_*_", Self::Multiply),
        ("_/_", Self::Divide),
        ("_%_", Self::Remainder),
        ("_==_", Self::Equal),
        ("_!=_", Self::Different),
        ("_<_", Self::Less),
        ("_<=_", Self::LessOrEqual),
        ("_>_", Self::Greater),
        ("_>=_", Self::GreaterOrEqual),
        ("@in", Self::In),
    ];

    /// Whether it computes a number from two.
    pub(super) const fn is_arithmetic(self) -> bool {
        match self {
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder => true,
            Self::Equal | Self::Different | Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual | Self::In => {
                false
            }
        }
    }

    pub(super) fn apply(self, left: &Value, right: &Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
        let truth = match self {
            Self::Add => return add(left, right, meter),
            Self::Subtract => return arithmetic(&SUBTRACT, left, right),
            Self::Multiply => return arithmetic(&MULTIPLY, left, right),
            Self::Divide => return arithmetic(&DIVIDE, left, right),
            Self::Remainder => return arithmetic(&REMAINDER, left, right),
            Self::Equal => equal(left, right, meter)?,
            Self::Different => !equal(left, right, meter)?,
            Self::Less => compare(left, right, meter)? == Ordering::Less,
            Self::LessOrEqual => compare(left, right, meter)? != Ordering::Greater,
            Self::Greater => compare(left, right, meter)? == Ordering::Greater,
            Self::GreaterOrEqual => compare(left, right, meter)? != Ordering::Less,
            Self::In => contains(right, left, meter)?,
        };
        Ok(Value::Bool(truth))
    }
}

fn operands(operator: &'static str, left: &Value, right: &Value) -> Fault {
    Fault::Operands { operator, left: left.kind(), right: right.kind() }
}

fn add(left: &Value, right: &Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            let (left, right) = (left.as_str(), right.as_str());
            let room = meter.room_for(left.len(), 1, right.len())?;
            Ok(Value::Text(Text::new(room, &[left, right].concat())))
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            let (left, right) = (left.as_slice(), right.as_slice());
            let room = meter.room_for(left.len(), 1, right.len())?;
            Ok(Value::Bytes(Bytes::new(room, &[left, right].concat())))
        }
        (Value::List(left), Value::List(right)) => {
            let (left, right) = (left.as_slice(), right.as_slice());
            let room = meter.room_for(left.len().saturating_add(right.len()), ELEMENT_BYTES, 0)?;
            Ok(Value::List(List::new(room, [left, right].concat())))
        }
        _ => arithmetic(&ADD, left, right),
    }
}

pub(super) fn negate(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Int(n) => n.checked_neg().map(Value::Int).ok_or(Fault::Overflow("negate")),
        Value::Double(n) => Ok(Value::Double(-n)),
        Value::Exact(n) => Ok(Value::Double(-n.double())),
        Value::Null
        | Value::Bool(_)
        | Value::Uint(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Optional(_)
        | Value::Type(_) => Err(Fault::Negation(value.kind())),
    }
}

/// Values of different types differ. Numbers are compared by value, and an optional beside a value by its content.
fn equal(left: &Value, right: &Value, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    meter.step()?;
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => {
            let (left, right) = (left.as_str(), right.as_str());
            meter.spend(left.len().min(right.len()))?;
            left == right
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            let (left, right) = (left.as_slice(), right.as_slice());
            meter.spend(left.len().min(right.len()))?;
            left == right
        }
        (Value::List(left), Value::List(right)) => {
            let (left, right) = (left.as_slice(), right.as_slice());
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right) {
                if !equal(left, right, meter)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(left), Value::Map(right)) => {
            if left.entries().len() != right.entries().len() {
                return Ok(false);
            }
            for (key, left) in left.entries() {
                match entry(right, key, meter)? {
                    Some(right) if equal(left, right, meter)? => {}
                    Some(_) | None => return Ok(false),
                }
            }
            true
        }
        (Value::Optional(left), Value::Optional(right)) => match (left, right) {
            (Some(left), Some(right)) => equal(left.value(), right.value(), meter)?,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        },
        (Value::Optional(optional), value) | (value, Value::Optional(optional)) => equal(held(optional), value, meter)?,
        _ => numbers::compare(left, right, meter)? == Some(Ordering::Equal),
    })
}

/// The value of an optional where a value is needed: `null` if it has none.
pub(super) fn held(optional: &Option<Held>) -> &Value {
    optional.as_ref().map_or(&Value::Null, Held::value)
}

fn compare(left: &Value, right: &Value, meter: &mut Meter<'_>) -> Result<Ordering, Fault> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => {
            let (left, right) = (left.as_str(), right.as_str());
            meter.spend(left.len().min(right.len()))?;
            Ok(left.cmp(right))
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            let (left, right) = (left.as_slice(), right.as_slice());
            meter.spend(left.len().min(right.len()))?;
            Ok(left.cmp(right))
        }
        _ => numbers::compare(left, right, meter)?.ok_or(Fault::Incomparable { left: left.kind(), right: right.kind() }),
    }
}

/// `value in container`.
fn contains(container: &Value, value: &Value, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    match (container, value) {
        (Value::List(list), _) => {
            for element in list.as_slice() {
                if equal(element, value, meter)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Map(_), Value::Optional(None)) => Ok(false),
        (Value::Map(_), Value::Optional(Some(held))) => contains(container, held.value(), meter),
        (Value::Map(map), _) => match lookup_key(value, meter)? {
            Some(key) => Ok(entry(map, &key, meter)?.is_some()),
            // A double with a fraction is a key that no map has.
            None if value.kind() == Kind::Double => Ok(false),
            None => Err(Fault::KeyKind(value.kind())),
        },
        _ => Err(operands("look for", value, container)),
    }
}

/// `value[at]`.
pub(super) fn index(value: &Value, at: &Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    if let Value::Optional(optional) = value {
        return optional::found_in(optional, |value, meter| index(value, at, meter), meter);
    }
    let key = lookup_key(at, meter)?;
    match (value, key) {
        (Value::List(list), Some(key @ (Key::Int(_) | Key::Uint(_)))) => {
            let position = match key {
                Key::Int(n) => usize::try_from(n).ok(),
                Key::Uint(n) => usize::try_from(n).ok(),
                Key::Bool(_) | Key::Text(_) => None,
            };
            position.and_then(|position| list.as_slice().get(position)).cloned().ok_or(Fault::Index)
        }
        (Value::Map(map), Some(key)) => entry(map, &key, meter)?.cloned().ok_or(Fault::NoEntry),
        (Value::Map(_), None) if at.kind() == Kind::Double => Err(Fault::NoEntry),
        _ => Err(Fault::Lookup(value.kind(), at.kind())),
    }
}

/// `value.field`.
pub(super) fn select(value: &Value, field: &Key, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    let Key::Text(name) = field else { return Err(Fault::NoEntry) };
    match value {
        Value::Map(map) => entry(map, field, meter)?.cloned().ok_or_else(|| Fault::NoField(name.as_str().to_owned())),
        Value::Optional(optional) => optional::found_in(optional, |value, meter| select(value, field, meter), meter),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Exact(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Type(_) => Err(Fault::NoFields { kind: value.kind(), field: name.as_str().to_owned() }),
    }
}

/// Whether `value` has the field. A value without fields has none.
pub(super) fn has(value: &Value, field: &Key, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    match value {
        Value::Map(map) => Ok(entry(map, field, meter)?.is_some()),
        Value::Optional(Some(held)) => has(held.value(), field, meter),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Exact(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Optional(None)
        | Value::Type(_) => Ok(false),
    }
}

fn lookup_key(value: &Value, meter: &mut Meter<'_>) -> Result<Option<Key>, Fault> {
    match value {
        Value::Double(_) | Value::Exact(_) => numbers::key(value, meter),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Optional(_)
        | Value::Type(_) => Ok(Key::of(value)),
    }
}

/// Finds an entry. A look-up compares the key with one key for each level of the tree.
pub(super) fn entry<'m>(map: &'m Map, key: &Key, meter: &mut Meter<'_>) -> Result<Option<&'m Value>, Fault> {
    look_up(key, map.entries().len(), meter)?;
    Ok(map.entries().get(key))
}

/// Counts the cost of finding a key among `among` keys.
pub(super) fn look_up(key: &Key, among: usize, meter: &mut Meter<'_>) -> Result<(), Fault> {
    let bytes = match key {
        Key::Text(text) => text.as_str().len(),
        Key::Bool(_) | Key::Int(_) | Key::Uint(_) => 0,
    };
    let levels = 1 + among.checked_ilog2().unwrap_or(0) as usize;
    meter.spend(levels.saturating_mul(STEP_WORK.saturating_add(bytes)))
}
