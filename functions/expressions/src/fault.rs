//! Why an expression has no value for an event.
//!
//! A fault contains only names from the expression itself, types and limits. No variant can contain a part of the
//! event, so a stored or logged reason can't quote it.

use std::fmt;
use tidings_config::limits::{
    MAX_EVENT_WORK, MAX_EXPRESSION_WORK, MAX_FACT_BYTES, MAX_LOOP_ITEMS, MAX_PATTERN_BYTES, MAX_VALUE_BYTES,
};

/// The type of a value, by its name in expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    List,
    Map,
    Optional,
    Type,
}

impl Kind {
    pub(super) const ALL: &[Self] = &[
        Self::Null,
        Self::Bool,
        Self::Int,
        Self::Uint,
        Self::Double,
        Self::String,
        Self::Bytes,
        Self::List,
        Self::Map,
        Self::Optional,
        Self::Type,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Map => "map",
            Self::Optional => "optional_type",
            Self::Type => "type",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The name comes from the expression.
    #[error("no field {0:?}; test with has(…)")]
    NoField(String),
    #[error("can't look for field {field:?} in {kind}")]
    NoFields { kind: Kind, field: String },
    #[error("no entry with this key; test with `key in map`")]
    NoEntry,
    #[error("the index is beyond the end of the list")]
    Index,
    #[error("the optional has no value")]
    Nothing,
    #[error("can't {operator} {left} and {right}")]
    Operands { operator: &'static str, left: Kind, right: Kind },
    #[error("can't compare {left} with {right}")]
    Incomparable { left: Kind, right: Kind },
    #[error("can't negate {0}")]
    Negation(Kind),
    #[error("can't select {1} in {0}")]
    Lookup(Kind, Kind),
    #[error("{function} doesn't accept ({kinds})")]
    Overload { function: &'static str, kinds: String },
    #[error("{0}(…) can't take this value")]
    Argument(&'static str),
    #[error("a value of type {0}, expected: bool")]
    NotBool(Kind),
    #[error("a value of type {0}, expected: a list or a map")]
    NotIterable(Kind),
    #[error("a value of type {0} after a question mark, expected: an optional")]
    NotOptional(Kind),
    #[error("a value of type {0} as the key of a map")]
    KeyKind(Kind),
    #[error("a map has the same key twice")]
    KeyTwice,
    #[error("a division by zero")]
    Zero,
    #[error("an overflow in {0}")]
    Overflow(&'static str),
    #[error("a number that is not finite")]
    NotFinite,
    #[error("the loop has {0} elements, allowed: {MAX_LOOP_ITEMS}")]
    Loop(usize),
    #[error("the pattern, which contains event data, has {0} bytes, allowed: {MAX_PATTERN_BYTES}")]
    Pattern(usize),
    #[error("the value has {0} bytes, allowed: {MAX_FACT_BYTES}")]
    LargeResult(usize),
    #[error("the value would exceed {MAX_VALUE_BYTES} bytes")]
    LargeValue,
    #[error("the expression takes too much work for this event, allowed: {MAX_EXPRESSION_WORK}")]
    ExpressionWork,
    #[error("all expressions together take too much work for this event, allowed: {MAX_EVENT_WORK}")]
    EventWork,
}

impl Fault {
    /// Whether it ends the whole evaluation: `true || …` has a value despite an error, but not despite an exceeded limit.
    pub(super) fn is_limit(&self) -> bool {
        match self {
            Self::Loop(_)
            | Self::Pattern(_)
            | Self::LargeResult(_)
            | Self::LargeValue
            | Self::ExpressionWork
            | Self::EventWork => true,
            Self::NoField(_)
            | Self::NoFields { .. }
            | Self::NoEntry
            | Self::Index
            | Self::Nothing
            | Self::Operands { .. }
            | Self::Incomparable { .. }
            | Self::Negation(_)
            | Self::Lookup(..)
            | Self::Overload { .. }
            | Self::Argument(_)
            | Self::NotBool(_)
            | Self::NotIterable(_)
            | Self::NotOptional(_)
            | Self::KeyKind(_)
            | Self::KeyTwice
            | Self::Zero
            | Self::Overflow(_)
            | Self::NotFinite => false,
        }
    }

    /// Whether the event lacks the place: it, or a part of the path to it, is missing, null or of a type without such
    /// places; or whether the operand of an operation is null.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Self::NoField(_) | Self::NoFields { .. } | Self::NoEntry | Self::Index | Self::Nothing | Self::Lookup(..) => true,
            Self::Operands { left, right, .. } | Self::Incomparable { left, right } => {
                *left == Kind::Null || *right == Kind::Null
            }
            Self::Negation(kind) | Self::NotIterable(kind) | Self::NotBool(kind) => *kind == Kind::Null,
            Self::Overload { kinds, .. } => kinds.split(", ").any(|kind| kind == Kind::Null.name()),
            Self::Argument(_)
            | Self::NotOptional(_)
            | Self::KeyKind(_)
            | Self::KeyTwice
            | Self::Zero
            | Self::Overflow(_)
            | Self::NotFinite
            | Self::Loop(_)
            | Self::Pattern(_)
            | Self::LargeResult(_)
            | Self::LargeValue
            | Self::ExpressionWork
            | Self::EventWork => false,
        }
    }
}
