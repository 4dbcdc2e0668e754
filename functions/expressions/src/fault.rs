//! Why an expression has no value for an event.
//!
//! A fault is made of names that the expression itself has, of types and of limits. No variant can hold a part of the event:
//! what is stored and logged as a reason can't quote it.

use std::fmt;
use tidings_config::limits::{
    MAX_EVENT_WORK, MAX_EXPRESSION_WORK, MAX_FACT_BYTES, MAX_LOOP_ITEMS, MAX_PATTERN_BYTES, MAX_VALUE_BYTES,
};

/// What a value is, by the name that an expression has for it.
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
    /// The name is the expression's own.
    #[error("no field {0:?}; has(…) tells whether there is one")]
    NoField(String),
    #[error("can't look for field {field:?} in {kind}")]
    NoFields { kind: Kind, field: String },
    #[error("no entry of this key; `key in map` tells whether there is one")]
    NoEntry,
    #[error("an index beyond the end of its list")]
    Index,
    #[error("an optional that holds no value")]
    Nothing,
    #[error("can't {operator} {left} and {right}")]
    Operands { operator: &'static str, left: Kind, right: Kind },
    #[error("can't compare {left} with {right}")]
    Incomparable { left: Kind, right: Kind },
    #[error("can't negate {0}")]
    Negation(Kind),
    #[error("can't look into {0} for {1}")]
    Lookup(Kind, Kind),
    #[error("{function} isn't for ({kinds})")]
    Overload { function: &'static str, kinds: String },
    #[error("{0}(…) can't take this value")]
    Argument(&'static str),
    #[error("a value of type {0} where bool is wanted")]
    NotBool(Kind),
    #[error("a value of type {0} where a list or a map is wanted")]
    NotIterable(Kind),
    #[error("a value of type {0} after a question mark, where an optional is wanted")]
    NotOptional(Kind),
    #[error("a value of type {0} as the key of a map")]
    KeyKind(Kind),
    #[error("the same key twice in one map")]
    KeyTwice,
    #[error("a division by zero")]
    Zero,
    #[error("an overflow in {0}")]
    Overflow(&'static str),
    #[error("a number that is not finite")]
    NotFinite,
    #[error("a loop over {0} elements, allowed: {MAX_LOOP_ITEMS}")]
    Loop(usize),
    #[error("a pattern of {0} bytes that the event has a part in, allowed: {MAX_PATTERN_BYTES}")]
    Pattern(usize),
    #[error("a value of {0} bytes, allowed: {MAX_FACT_BYTES}")]
    LargeResult(usize),
    #[error("the value would have more than {MAX_VALUE_BYTES} bytes")]
    LargeValue,
    #[error("more work than an expression may take for one event, allowed: {MAX_EXPRESSION_WORK}")]
    ExpressionWork,
    #[error("more work than all expressions together may take for one event, allowed: {MAX_EVENT_WORK}")]
    EventWork,
}

impl Fault {
    /// Whether it ends the evaluation whatever is around it: `true || …` has a value beside an error, never beside a limit.
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

    /// Whether the event has no such place: it, or something on the way to it, isn't there, is null, or is of a kind that has no places;
    /// or whether something was to be done with a null.
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
