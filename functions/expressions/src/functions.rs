//! The functions that a rule may call. Each counts the bytes that it reads, and reserves room before it makes a value.

use super::fault::Fault;
use super::meter::Meter;
use super::optional;
use super::pattern::Pattern;
use super::texts;
use super::value::{Bytes, Text, Value};
use cel::common::ast::{CallExpr, Expr, IdedExpr};
use std::borrow::Cow;

/// The namespace of the functions that make optionals.
const NAMESPACE: &str = "optional";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Bool,
    Bytes,
    CharAt,
    Contains,
    Double,
    Dyn,
    EndsWith,
    HasValue,
    IndexOf,
    Int,
    Join,
    LastIndexOf,
    LowerAscii,
    Matches,
    /// `optional.none()`.
    None,
    /// `optional.of(x)`.
    Of,
    /// `optional.ofNonZeroValue(x)`.
    OfNonZeroValue,
    Or,
    OrValue,
    Replace,
    Size,
    Split,
    StartsWith,
    String,
    Substring,
    Trim,
    Type,
    Uint,
    UpperAscii,
    Value,
}

/// How a function may be called: `f(x)`, `x.f()`, or both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Called {
    Alone,
    OnAValue,
    Either,
}

/// By name: the form of its calls, the number of arguments (including the receiver), and the function.
const ALL: &[(&str, Called, [usize; 2], Function)] = &[
    ("bool", Called::Alone, [1, 1], Function::Bool),
    ("bytes", Called::Alone, [1, 1], Function::Bytes),
    ("charAt", Called::OnAValue, [2, 2], Function::CharAt),
    ("contains", Called::OnAValue, [2, 2], Function::Contains),
    ("double", Called::Alone, [1, 1], Function::Double),
    ("dyn", Called::Alone, [1, 1], Function::Dyn),
    ("endsWith", Called::OnAValue, [2, 2], Function::EndsWith),
    ("hasValue", Called::OnAValue, [1, 1], Function::HasValue),
    ("indexOf", Called::OnAValue, [2, 3], Function::IndexOf),
    ("int", Called::Alone, [1, 1], Function::Int),
    ("join", Called::OnAValue, [1, 2], Function::Join),
    ("lastIndexOf", Called::OnAValue, [2, 3], Function::LastIndexOf),
    ("lowerAscii", Called::OnAValue, [1, 1], Function::LowerAscii),
    ("matches", Called::Either, [2, 2], Function::Matches),
    ("optional.none", Called::Alone, [0, 0], Function::None),
    ("optional.of", Called::Alone, [1, 1], Function::Of),
    ("optional.ofNonZeroValue", Called::Alone, [1, 1], Function::OfNonZeroValue),
    ("or", Called::OnAValue, [2, 2], Function::Or),
    ("orValue", Called::OnAValue, [2, 2], Function::OrValue),
    ("replace", Called::OnAValue, [3, 4], Function::Replace),
    ("size", Called::Either, [1, 1], Function::Size),
    ("split", Called::OnAValue, [2, 3], Function::Split),
    ("startsWith", Called::OnAValue, [2, 2], Function::StartsWith),
    ("string", Called::Alone, [1, 1], Function::String),
    ("substring", Called::OnAValue, [2, 3], Function::Substring),
    ("trim", Called::OnAValue, [1, 1], Function::Trim),
    ("type", Called::Alone, [1, 1], Function::Type),
    ("uint", Called::Alone, [1, 1], Function::Uint),
    ("upperAscii", Called::OnAValue, [1, 1], Function::UpperAscii),
    ("value", Called::OnAValue, [1, 1], Function::Value),
];

/// All names, in order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, ..)| *name)
}

/// The called function. `Err`: a function of this name exists, but isn't called this way.
pub(super) fn find(name: &str, on_a_value: bool, arguments: usize) -> Option<Result<Function, String>> {
    let (name, called, [least, most], function) = ALL.iter().find(|(known, ..)| *known == name)?;
    let style = match called {
        Called::Alone => !on_a_value,
        Called::OnAValue => on_a_value,
        Called::Either => true,
    };
    Some(if style && (*least..=*most).contains(&arguments) {
        Ok(*function)
    } else {
        let on = if *called == Called::OnAValue { "x." } else { "" };
        let inside = |n: &usize| if *called == Called::OnAValue { n - 1 } else { *n };
        Err(format!("{name} is called as {on}{name}(…), with {} to {} arguments", inside(least), inside(most)))
    })
}

/// The name of the called function, and the receiver: none for `optional.of(x)`, unless `optional` is a loop's variable.
pub(super) fn called<'c>(call: &'c CallExpr, is_local: impl Fn(&str) -> bool) -> (Cow<'c, str>, Option<&'c IdedExpr>) {
    match call.target.as_deref() {
        Some(IdedExpr { expr: Expr::Ident(name), .. }) if name == NAMESPACE && !is_local(name) => {
            (format!("{NAMESPACE}.{}", call.func_name).into(), None)
        }
        target => (call.func_name.as_str().into(), target),
    }
}

impl Function {
    /// Whether only optionals have it.
    pub(super) fn is_of_optionals(self) -> bool {
        matches!(self, Self::HasValue | Self::Or | Self::OrValue | Self::Value)
    }

    fn name(self) -> &'static str {
        ALL.iter().find(|(.., function)| *function == self).map_or("", |(name, ..)| name)
    }

    pub(super) fn call(self, arguments: &[Value], meter: &mut Meter<'_>) -> Result<Value, Fault> {
        match (self, arguments) {
            (Self::Dyn, [value]) => Ok(value.clone()),
            (Self::Type, [value]) => Ok(Value::Type(value.kind())),
            (Self::Size, [value]) => size(value, meter),
            (Self::Bool | Self::Bytes | Self::Double | Self::Int | Self::String | Self::Uint, [value]) => {
                self.convert(value, meter)
            }
            (Self::None, []) => Ok(Value::Optional(None)),
            (Self::OfNonZeroValue, [value]) if optional::is_zero(value) => Ok(Value::Optional(None)),
            (Self::Of | Self::OfNonZeroValue, [value]) => optional::of(value.clone(), meter),
            (Self::HasValue, [Value::Optional(optional)]) => Ok(Value::Bool(optional.is_some())),
            (Self::Value, [Value::Optional(optional)]) => match optional {
                Some(held) => Ok(held.value().clone()),
                None => Err(Fault::Nothing),
            },
            (Self::Join, [Value::List(list)]) => texts::join(list, "", meter),
            (Self::Join, [Value::List(list), Value::Text(separator)]) => texts::join(list, separator.as_str(), meter),
            (_, [Value::Text(text), more @ ..]) => self.of_text(text, more, meter),
            _ => Err(self.overload(arguments)),
        }
    }

    pub(super) fn overload(self, arguments: &[Value]) -> Fault {
        let kinds = arguments.iter().map(|value| value.kind().name()).collect::<Vec<_>>().join(", ");
        Fault::Overload { function: self.name(), kinds }
    }

    fn convert(self, value: &Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
        let cannot = || Fault::Argument(self.name());
        if let Value::Text(text) = value {
            meter.spend(text.as_str().len())?;
        }
        match (self, value) {
            (Self::Bool, Value::Bool(_))
            | (Self::Int, Value::Int(_))
            | (Self::Uint, Value::Uint(_))
            | (Self::Double, Value::Double(_))
            | (Self::Bytes, Value::Bytes(_))
            | (Self::String, Value::Text(_)) => Ok(value.clone()),
            (Self::Bool, Value::Text(text)) => match text.as_str() {
                "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
                "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
                _ => Err(cannot()),
            },
            (Self::Int, Value::Uint(n)) => i64::try_from(*n).map(Value::Int).map_err(|_| cannot()),
            // Exclusive on both sides: as a double, the largest `int` is 2^63.
            (Self::Int, Value::Double(n)) if *n > i64::MIN as f64 && *n < i64::MAX as f64 => Ok(Value::Int(*n as i64)),
            (Self::Int, Value::Double(_)) => Err(cannot()),
            (Self::Int, Value::Exact(n)) => n.truncated().map(Value::Int).ok_or_else(cannot),
            (Self::Int, Value::Text(text)) => text.as_str().parse().map(Value::Int).map_err(|_| cannot()),
            (Self::Uint, Value::Int(n)) => u64::try_from(*n).map(Value::Uint).map_err(|_| cannot()),
            (Self::Uint, Value::Double(n)) if *n >= 0.0 && *n < u64::MAX as f64 => Ok(Value::Uint(*n as u64)),
            (Self::Uint, Value::Double(_)) => Err(cannot()),
            (Self::Uint, Value::Exact(n)) => n.truncated().map(Value::Uint).ok_or_else(cannot),
            (Self::Uint, Value::Text(text)) => text.as_str().parse().map(Value::Uint).map_err(|_| cannot()),
            (Self::Double, Value::Int(n)) => Ok(Value::Double(*n as f64)),
            (Self::Double, Value::Uint(n)) => Ok(Value::Double(*n as f64)),
            (Self::Double, Value::Exact(n)) => Ok(Value::Double(n.double())),
            (Self::Double, Value::Text(text)) => text.as_str().parse().map(Value::Double).map_err(|_| cannot()),
            (Self::Bytes, Value::Text(text)) => {
                let bytes = text.as_str().as_bytes();
                Ok(Value::Bytes(Bytes::new(meter.room(bytes.len())?, bytes)))
            }
            (Self::String, Value::Bytes(bytes)) => {
                let room = meter.room(bytes.as_slice().len())?;
                let text = std::str::from_utf8(bytes.as_slice()).map_err(|_| cannot())?;
                Ok(Value::Text(Text::new(room, text)))
            }
            (Self::String, Value::Bool(truth)) => texts::made(&truth.to_string(), meter),
            (Self::String, Value::Int(n)) => texts::made(&n.to_string(), meter),
            (Self::String, Value::Uint(n)) => texts::made(&n.to_string(), meter),
            // The longest double has about 330 digits when written out.
            (Self::String, Value::Double(n)) => texts::made(&n.to_string(), meter),
            (Self::String, Value::Exact(n)) => texts::made(&n.text(), meter),
            _ => Err(self.overload(std::slice::from_ref(value))),
        }
    }

    /// Functions with a text as receiver.
    fn of_text(self, value: &Text, more: &[Value], meter: &mut Meter<'_>) -> Result<Value, Fault> {
        let text = value.as_str();
        match (self, more) {
            (Self::Contains, [Value::Text(part)]) => {
                meter.spend(text.len().saturating_add(part.as_str().len()))?;
                Ok(Value::Bool(text.contains(part.as_str())))
            }
            (Self::StartsWith, [Value::Text(part)]) => {
                meter.spend(part.as_str().len())?;
                Ok(Value::Bool(text.starts_with(part.as_str())))
            }
            (Self::EndsWith, [Value::Text(part)]) => {
                meter.spend(part.as_str().len())?;
                Ok(Value::Bool(text.ends_with(part.as_str())))
            }
            (Self::Matches, [Value::Text(pattern)]) => {
                Pattern::of_an_event(pattern.as_str(), meter)?.matches(text, meter).map(Value::Bool)
            }
            (Self::IndexOf, [Value::Text(part)]) => texts::index_of(text, part.as_str(), None, meter),
            (Self::IndexOf, [Value::Text(part), Value::Int(from)]) => texts::index_of(text, part.as_str(), Some(*from), meter),
            (Self::LastIndexOf, [Value::Text(part)]) => texts::last_index_of(text, part.as_str(), None, meter),
            (Self::LastIndexOf, [Value::Text(part), Value::Int(until)]) => {
                texts::last_index_of(text, part.as_str(), Some(*until), meter)
            }
            (Self::LowerAscii, []) => {
                let room = meter.room(text.len())?;
                Ok(Value::Text(Text::new(room, &text.to_ascii_lowercase())))
            }
            (Self::UpperAscii, []) => {
                let room = meter.room(text.len())?;
                Ok(Value::Text(Text::new(room, &text.to_ascii_uppercase())))
            }
            (Self::Trim, []) => {
                meter.spend(text.len())?;
                texts::made(text.trim(), meter)
            }
            (Self::CharAt, [Value::Int(at)]) => texts::char_at(text, *at, meter),
            (Self::Substring, [Value::Int(from)]) => texts::substring(text, *from, None, meter),
            (Self::Substring, [Value::Int(from), Value::Int(to)]) => texts::substring(text, *from, Some(*to), meter),
            (Self::Replace, [Value::Text(from), Value::Text(to)]) => texts::replace(text, from.as_str(), to.as_str(), -1, meter),
            (Self::Replace, [Value::Text(from), Value::Text(to), Value::Int(times)]) => {
                texts::replace(text, from.as_str(), to.as_str(), *times, meter)
            }
            (Self::Split, [Value::Text(separator)]) => texts::split(text, separator.as_str(), -1, meter),
            (Self::Split, [Value::Text(separator), Value::Int(parts)]) => texts::split(text, separator.as_str(), *parts, meter),
            _ => {
                let all: Vec<Value> = [Value::Text(value.clone())].into_iter().chain(more.iter().cloned()).collect();
                Err(self.overload(&all))
            }
        }
    }
}

fn size(value: &Value, meter: &mut Meter<'_>) -> Result<Value, Fault> {
    let size = match value {
        Value::Text(text) => {
            meter.spend(text.as_str().len())?;
            text.as_str().chars().count()
        }
        Value::Bytes(bytes) => bytes.as_slice().len(),
        Value::List(list) => list.as_slice().len(),
        Value::Map(map) => map.entries().len(),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Exact(_)
        | Value::Optional(_)
        | Value::Type(_) => {
            return Err(Function::Size.overload(std::slice::from_ref(value)));
        }
    };
    texts::number(size)
}
