//! What operators do to values. Each says what it costs before it does it.

use super::exact::Exact;
use super::fault::{Fault, Kind};
use super::meter::Meter;
use super::value::{Bytes, ELEMENT_BYTES, Key, List, Map, Text, Value, whole};
use crate::limits::STEP_WORK;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Display;

/// An operator of two values that are both there.
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

/// One of the four that only numbers have. All of them check.
struct Arithmetic {
    name: &'static str,
    int: fn(i64, i64) -> Option<i64>,
    uint: fn(u64, u64) -> Option<u64>,
    double: Option<fn(f64, f64) -> f64>,
    divides: bool,
}

const SUBTRACT: Arithmetic = Arithmetic {
    name: "sub",
    int: i64::checked_sub,
    uint: u64::checked_sub,
    double: Some(|left, right| left - right),
    divides: false,
};
const MULTIPLY: Arithmetic = Arithmetic {
    name: "mul",
    int: i64::checked_mul,
    uint: u64::checked_mul,
    double: Some(|left, right| left * right),
    divides: false,
};
const DIVIDE: Arithmetic = Arithmetic {
    name: "div",
    int: i64::checked_div,
    uint: u64::checked_div,
    double: Some(|left, right| left / right),
    divides: true,
};
const REMAINDER: Arithmetic =
    Arithmetic { name: "rem", int: i64::checked_rem, uint: u64::checked_rem, double: None, divides: true };

fn arithmetic(what: &Arithmetic, left: &Value, right: &Value) -> Result<Value, Fault> {
    let overflow = || Fault::Overflow(what.name);
    match (&*nearest(left), &*nearest(right)) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) if what.divides => Err(Fault::Zero),
        (Value::Int(left), Value::Int(right)) => (what.int)(*left, *right).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(left), Value::Uint(right)) => (what.uint)(*left, *right).map(Value::Uint).ok_or_else(overflow),
        (Value::Double(l), Value::Double(r)) if what.double.is_some() => {
            what.double.map(|double| Value::Double(double(*l, *r))).ok_or_else(overflow)
        }
        _ => Err(operands(what.name, left, right)),
    }
}

/// What arithmetic takes of a number whose digits no double holds.
fn nearest(value: &Value) -> Cow<'_, Value> {
    if let Value::Exact(n) = value { Cow::Owned(Value::Double(n.double())) } else { Cow::Borrowed(value) }
}

fn operands(operator: &'static str, left: &Value, right: &Value) -> Fault {
    Fault::Operands { operator, left: left.kind(), right: right.kind() }
}

fn add(left: &Value, right: &Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    let overflow = || Fault::Overflow("add");
    match (&*nearest(left), &*nearest(right)) {
        (Value::Int(left), Value::Int(right)) => left.checked_add(*right).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(left), Value::Uint(right)) => left.checked_add(*right).map(Value::Uint).ok_or_else(overflow),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left + right)),
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
        _ => Err(operands("add", left, right)),
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
        | Value::Type(_) => Err(Fault::Negation(value.kind())),
    }
}

/// Values of different kinds are different; numbers are compared as numbers.
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
        _ => numbers(left, right, meter)? == Some(Ordering::Equal),
    })
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
        _ => numbers(left, right, meter)?.ok_or(Fault::Incomparable { left: left.kind(), right: right.kind() }),
    }
}

/// `None`: one of them is no number, or not a number.
fn numbers(left: &Value, right: &Value, meter: &mut Meter<'_>) -> Result<Option<Ordering>, Fault> {
    Ok(match (left, right) {
        (Value::Exact(left), right) => exact(left, right, meter)?,
        (left, Value::Exact(right)) => exact(right, left, meter)?.map(Ordering::reverse),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Uint(left), Value::Uint(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Uint(right)) => Some(i128::from(*left).cmp(&i128::from(*right))),
        (Value::Uint(left), Value::Int(right)) => Some(i128::from(*left).cmp(&i128::from(*right))),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), Value::Int(right)) => left.partial_cmp(&(*right as f64)),
        (Value::Double(left), Value::Uint(right)) => left.partial_cmp(&(*right as f64)),
        (Value::Int(left), Value::Double(right)) => (*left as f64).partial_cmp(right),
        (Value::Uint(left), Value::Double(right)) => (*left as f64).partial_cmp(right),
        _ => None,
    })
}

/// By all their digits.
fn exact(left: &Exact, right: &Value, meter: &mut Meter<'_>) -> Result<Option<Ordering>, Fault> {
    let of = |n: &dyn Display| left.compare(&n.to_string());
    meter.spend(left.digits().len())?;
    Ok(match right {
        Value::Int(n) => of(n),
        Value::Uint(n) => of(n),
        Value::Double(n) if n.is_infinite() => 0.0.partial_cmp(n),
        Value::Double(n) => left.compare(&format!("{n:e}")),
        Value::Exact(n) => {
            meter.spend(n.digits().len())?;
            left.compare(n.digits())
        }
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Type(_) => None,
    })
}

/// `value in container`.
fn contains(container: &Value, value: &Value, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    match (container, lookup_key(value)) {
        (Value::List(list), _) => {
            for element in list.as_slice() {
                if equal(element, value, meter)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Map(map), Some(key)) => Ok(entry(map, &key, meter)?.is_some()),
        // A double between two whole numbers is a key that no map has.
        (Value::Map(_), None) if value.kind() == Kind::Double => Ok(false),
        (Value::Map(_), None) => Err(Fault::KeyKind(value.kind())),
        _ => Err(operands("look for", value, container)),
    }
}

/// `value[at]`.
pub(super) fn index(value: &Value, at: &Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    let key = lookup_key(at);
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

fn lookup_key(value: &Value) -> Option<Key> {
    match value {
        Value::Double(double) => whole(*double),
        Value::Exact(_) => None,
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Type(_) => Key::of(value),
    }
}

/// A look-up compares the key with one of each level of the tree.
pub(super) fn entry<'m>(map: &'m Map, key: &Key, meter: &mut Meter<'_>) -> Result<Option<&'m Value>, Fault> {
    look_up(key, map.entries().len(), meter)?;
    Ok(map.entries().get(key))
}

/// What finding a key's place among so many costs.
pub(super) fn look_up(key: &Key, among: usize, meter: &mut Meter<'_>) -> Result<(), Fault> {
    let bytes = match key {
        Key::Text(text) => text.as_str().len(),
        Key::Bool(_) | Key::Int(_) | Key::Uint(_) => 0,
    };
    let levels = 1 + among.checked_ilog2().unwrap_or(0) as usize;
    meter.spend(levels.saturating_mul(STEP_WORK.saturating_add(bytes)))
}
