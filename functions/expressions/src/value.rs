//! The values of expressions. A value is shared, never copied: what an expression only hands on costs nothing.
//!
//! A text, a list or a map that isn't the event's own is made with [`Room`], which only the meter gives: no operator and no
//! function can make a value whose size wasn't counted before.

use super::exact::Exact;
use super::fault::Kind;
use super::meter::Room;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    /// A `double` to expressions, whose digits a double doesn't hold.
    Exact(Exact),
    Text(Text),
    Bytes(Bytes),
    List(List),
    Map(Map),
    /// What may have been found, or not.
    Optional(Option<Held>),
    /// What `type(x)` gives.
    Type(Kind),
}

/// Bytes that one more element of a list takes.
pub(super) const ELEMENT_BYTES: usize = size_of::<Value>();

/// Bytes that an optional takes which holds a value: the value, and the counters of who shares it.
pub(super) const OPTIONAL_BYTES: usize = ELEMENT_BYTES + 2 * size_of::<usize>();

/// Bytes that one more entry of a map takes, with its share of the tree.
pub(super) const ENTRY_BYTES: usize = 4 * size_of::<Value>();

#[derive(Clone, Debug)]
pub(super) struct Text(Arc<str>);

#[derive(Clone, Debug)]
pub(super) struct Bytes(Arc<[u8]>);

#[derive(Clone, Debug)]
pub(super) struct List(Arc<Vec<Value>>);

#[derive(Clone, Debug)]
pub(super) struct Map(Arc<BTreeMap<Key, Value>>);

/// The value of an optional.
#[derive(Clone, Debug)]
pub(super) struct Held(Arc<Value>);

impl Held {
    pub(super) fn new(_room: Room, value: Value) -> Self {
        Self(Arc::new(value))
    }

    pub(super) fn value(&self) -> &Value {
        &self.0
    }
}

impl Text {
    pub(super) fn new(_room: Room, text: &str) -> Self {
        Self(text.into())
    }

    /// Of the event itself, or of the expression: its size is bounded where it enters.
    pub(super) fn given(text: &str) -> Self {
        Self(text.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Bytes {
    pub(super) fn new(_room: Room, bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(super) fn given(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl List {
    pub(super) fn new(_room: Room, list: Vec<Value>) -> Self {
        Self(Arc::new(list))
    }

    pub(super) fn given(list: Vec<Value>) -> Self {
        Self(Arc::new(list))
    }

    pub(super) fn as_slice(&self) -> &[Value] {
        &self.0
    }
}

impl Map {
    pub(super) fn new(_room: Room, map: BTreeMap<Key, Value>) -> Self {
        Self(Arc::new(map))
    }

    pub(super) fn given(map: BTreeMap<Key, Value>) -> Self {
        Self(Arc::new(map))
    }

    pub(super) fn entries(&self) -> &BTreeMap<Key, Value> {
        &self.0
    }
}

impl Value {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Uint(_) => Kind::Uint,
            Self::Double(_) | Self::Exact(_) => Kind::Double,
            Self::Text(_) => Kind::String,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Optional(_) => Kind::Optional,
            Self::Type(_) => Kind::Type,
        }
    }
}

/// A map's key. Numbers are one key whatever their type, as they are equal: `{1: 'a'}[1u]`.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(Text),
}

/// What keys are ordered by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'k> {
    Bool(bool),
    Number(i128),
    Text(&'k str),
}

impl Key {
    /// `None`: no key is of this kind.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(Self::Bool(*b)),
            Value::Int(n) => Some(Self::Int(*n)),
            Value::Uint(n) => Some(Self::Uint(*n)),
            Value::Text(text) => Some(Self::Text(text.clone())),
            Value::Null
            | Value::Double(_)
            | Value::Exact(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Optional(_)
            | Value::Type(_) => None,
        }
    }

    /// `None`: 64 bits don't hold it.
    pub(super) fn whole(number: i128) -> Option<Self> {
        i64::try_from(number).map(Self::Int).or_else(|_| u64::try_from(number).map(Self::Uint)).ok()
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(n) => Value::Int(*n),
            Self::Uint(n) => Value::Uint(*n),
            Self::Text(text) => Value::Text(text.clone()),
        }
    }

    fn rank(&self) -> Rank<'_> {
        match self {
            Self::Bool(b) => Rank::Bool(*b),
            Self::Int(n) => Rank::Number((*n).into()),
            Self::Uint(n) => Rank::Number((*n).into()),
            Self::Text(text) => Rank::Text(text.as_str()),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}
