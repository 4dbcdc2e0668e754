//! Optionals: the results of `.?` and `[?…]`. JSON can omit a value in two ways, by a missing place or by `null`:
//! both give an empty optional.

use super::fault::Fault;
use super::meter::Meter;
use super::value::{Held, OPTIONAL_BYTES, Value};

/// `optional.of(value)`.
pub(super) fn of(value: Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    let room = meter.room(OPTIONAL_BYTES)?;
    Ok(Value::Optional(Some(Held::new(room, value))))
}

/// The result of a look-up. A missing place isn't an error.
pub(super) fn found(found: Result<Value, Fault>, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    match found {
        Ok(Value::Null) => Ok(Value::Optional(None)),
        // The look-up in an optional gave an optional.
        Ok(optional @ Value::Optional(_)) => Ok(optional),
        Ok(value) => of(value, meter),
        Err(fault) if fault.is_absent() => Ok(Value::Optional(None)),
        Err(fault) => Err(fault),
    }
}

/// Looks up in the value of an optional.
pub(super) fn found_in<'e>(
    optional: &Option<Held>,
    look: impl FnOnce(&Value, &mut Meter<'e>) -> Result<Value, Fault>,
    meter: &mut Meter<'e>,
) -> Result<Value, Fault> {
    let Some(held) = optional else { return Ok(Value::Optional(None)) };
    let place = look(held.value(), meter);
    found(place, meter)
}

/// Whether it is the zero value of its type: `optional.ofNonZeroValue(x)` is empty then.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Int(n) => *n == 0,
        Value::Uint(n) => *n == 0,
        Value::Double(n) => *n == 0.0,
        // As a double it could become zero: 1e-400.
        Value::Exact(n) => n.digits().bytes().all(|byte| !byte.is_ascii_digit() || byte == b'0'),
        Value::Text(text) => text.as_str().is_empty(),
        Value::Bytes(bytes) => bytes.as_slice().is_empty(),
        Value::List(list) => list.as_slice().is_empty(),
        Value::Map(map) => map.entries().is_empty(),
        Value::Optional(_) | Value::Type(_) => false,
    }
}
