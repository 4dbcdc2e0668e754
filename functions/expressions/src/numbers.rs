//! Arithmetic and comparison of numbers of any types: a price is a number, whether it was sent as `10`, `10.0` or `9.99`.
//!
//! Two numbers of one type are computed as in CEL. CEL doesn't define mixed types: here, whole numbers give a whole
//! number, and everything else a double. Numbers are compared as decimals, without a double's rounding.

use super::decimal::Decimal;
use super::exact::Exact;
use super::fault::Fault;
use super::meter::Meter;
use super::value::{Key, Value};
use std::cmp::Ordering;

/// The most digits of a 64-bit whole number.
const MAX_DIGITS: usize = 20;

/// The most digits of a double that is written out.
const MAX_DOUBLE_DIGITS: usize = 310;

/// An operation on numbers. Operations on whole numbers check for overflow.
pub(super) struct Arithmetic {
    pub(super) name: &'static str,
    int: fn(i64, i64) -> Option<i64>,
    uint: fn(u64, u64) -> Option<u64>,
    /// For an `int` and a `uint`: neither comes near its bounds.
    wide: fn(i128, i128) -> Option<i128>,
    /// `None`: the operation is for whole numbers only, including whole doubles.
    double: Option<fn(f64, f64) -> f64>,
    divides: bool,
}

pub(super) const ADD: Arithmetic = Arithmetic {
    name: "add",
    int: i64::checked_add,
    uint: u64::checked_add,
    wide: i128::checked_add,
    double: Some(|left, right| left + right),
    divides: false,
};
pub(super) const SUBTRACT: Arithmetic = Arithmetic {
    name: "sub",
    int: i64::checked_sub,
    uint: u64::checked_sub,
    wide: i128::checked_sub,
    double: Some(|left, right| left - right),
    divides: false,
};
pub(super) const MULTIPLY: Arithmetic = Arithmetic {
    name: "mul",
    int: i64::checked_mul,
    uint: u64::checked_mul,
    wide: i128::checked_mul,
    double: Some(|left, right| left * right),
    divides: false,
};
pub(super) const DIVIDE: Arithmetic = Arithmetic {
    name: "div",
    int: i64::checked_div,
    uint: u64::checked_div,
    wide: i128::checked_div,
    double: Some(|left, right| left / right),
    divides: true,
};
pub(super) const REMAINDER: Arithmetic = Arithmetic {
    name: "rem",
    int: i64::checked_rem,
    uint: u64::checked_rem,
    wide: i128::checked_rem,
    double: None,
    divides: true,
};

pub(super) fn arithmetic(what: &Arithmetic, left: &Value, right: &Value) -> Result<Value, Fault> {
    let overflow = || Fault::Overflow(what.name);
    match (left, right) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) if what.divides => Err(Fault::Zero),
        (Value::Int(left), Value::Int(right)) => (what.int)(*left, *right).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(left), Value::Uint(right)) => (what.uint)(*left, *right).map(Value::Uint).ok_or_else(overflow),
        _ => mixed(what, left, right),
    }
}

/// Two types, or a double.
fn mixed(what: &Arithmetic, left: &Value, right: &Value) -> Result<Value, Fault> {
    let operands = || Fault::Operands { operator: what.name, left: left.kind(), right: right.kind() };
    let (l, r) = double(left).zip(double(right)).ok_or_else(operands)?;
    if what.divides && r == 0.0 && (left.kind() != right.kind() || what.double.is_none()) {
        return Err(Fault::Zero);
    }
    // If the operation is defined for doubles, one double operand makes the result a double.
    let is_double = |value: &Value| matches!(value, Value::Double(_) | Value::Exact(_));
    let integer = |value: &Value| if what.double.is_some() && is_double(value) { None } else { integer(value) };
    match (integer(left).zip(integer(right)), what.double) {
        (Some((left, right)), _) => {
            let whole = (what.wide)(left, right).and_then(Key::whole).ok_or(Fault::Overflow(what.name))?;
            Ok(whole.value())
        }
        (None, Some(double)) => Ok(Value::Double(double(l, r))),
        (None, None) => Err(operands()),
    }
}

/// A numeric value.
enum Number<'v> {
    Int(i64),
    Uint(u64),
    Double(f64),
    Exact(&'v Exact),
}

impl<'v> Number<'v> {
    fn of(value: &'v Value) -> Option<Self> {
        match value {
            Value::Int(n) => Some(Self::Int(*n)),
            Value::Uint(n) => Some(Self::Uint(*n)),
            Value::Double(n) => Some(Self::Double(*n)),
            Value::Exact(n) => Some(Self::Exact(n)),
            Value::Null
            | Value::Bool(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Optional(_)
            | Value::Type(_) => None,
        }
    }
}

/// The nearest double. `None`: it isn't a number.
fn double(value: &Value) -> Option<f64> {
    Some(match Number::of(value)? {
        Number::Int(n) => n as f64,
        Number::Uint(n) => n as f64,
        Number::Double(n) => n,
        Number::Exact(n) => n.double(),
    })
}

/// The 64-bit whole number with this value, of any type. `None`: there is none.
fn integer(value: &Value) -> Option<i128> {
    match Number::of(value)? {
        Number::Int(n) => Some(n.into()),
        Number::Uint(n) => Some(n.into()),
        // The largest 64-bit number isn't a double; the next one, 2^64, is.
        Number::Double(n) if n.fract() == 0.0 && n >= i64::MIN as f64 && n < u64::MAX as f64 => Some(n as i128),
        Number::Double(_) => None,
        Number::Exact(n) => n.decimal()?.whole(MAX_DIGITS)?.parse().ok(),
    }
}

/// A number as a key or an index. `None`: it has a fraction or doesn't fit an integer.
pub(super) fn key(value: &Value, meter: &mut Meter<'_>) -> Result<Option<Key>, Fault> {
    if let Value::Exact(n) = value {
        meter.spend(n.digits().len())?;
    }
    Ok(integer(value).and_then(Key::whole))
}

/// Compares all digits. `None`: one of them isn't a number, or is NaN.
pub(super) fn compare(left: &Value, right: &Value, meter: &mut Meter<'_>) -> Result<Option<Ordering>, Fault> {
    Ok(match (left, right) {
        (Value::Exact(_), _) | (_, Value::Exact(_)) => match (decimal(left, meter)?, decimal(right, meter)?) {
            (Some(left), Some(right)) => Some(left.compare(&right)),
            // An infinite number has no digits, and is beyond all others; NaN isn't comparable.
            (None, Some(_)) => double(left).and_then(|left| left.partial_cmp(&0.0)),
            (Some(_), None) => double(right).and_then(|right| 0.0.partial_cmp(&right)),
            (None, None) => None,
        },
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), _) => integer(right).and_then(|right| against(right, *left)).map(Ordering::reverse),
        (_, Value::Double(right)) => integer(left).and_then(|left| against(left, *right)),
        _ => integer(left).zip(integer(right)).map(|(left, right)| left.cmp(&right)),
    })
}

/// Compares a 64-bit whole number with a double, without rounding it to one.
fn against(whole: i128, double: f64) -> Option<Ordering> {
    // Beyond 128 bits `as` saturates, which is still beyond 64 bits.
    let fraction = 0.0.partial_cmp(&double.fract());
    if double.is_infinite() { 0.0.partial_cmp(&double) } else { Some(whole.cmp(&(double.trunc() as i128)).then(fraction?)) }
}

/// `None`: it isn't a number, or isn't finite.
fn decimal(value: &Value, meter: &mut Meter<'_>) -> Result<Option<Decimal>, Fault> {
    let Some(number) = Number::of(value) else { return Ok(None) };
    Ok(match number {
        Number::Int(n) => Decimal::read(&n.to_string()),
        Number::Uint(n) => Decimal::read(&n.to_string()),
        Number::Double(n) => {
            meter.spend(MAX_DOUBLE_DIGITS)?;
            Decimal::of(n)
        }
        Number::Exact(n) => {
            meter.spend(n.digits().len())?;
            n.decimal()
        }
    })
}
