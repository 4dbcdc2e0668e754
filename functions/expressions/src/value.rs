//! The values of expressions. A value is shared, never copied: passing it on costs nothing.
//!
//! A text, a list or a map that doesn't come from the event is made with [`Room`], which only the meter gives. So no
//! operator and no function can make a value whose size wasn't counted before.

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
    /// A `double` in expressions, with digits that a double doesn't hold.
    Exact(Exact),
    Text(Text),
    Bytes(Bytes),
    List(List),
    Map(Map),
    /// An optional.
    Optional(Option<Held>),
    /// The result of `type(x)`.
    Type(Kind),
}

/// Bytes of one more element of a list.
pub(super) const ELEMENT_BYTES: usize = size_of::<Value>();

/// Bytes of an optional with a value: the value and the reference counts.
pub(super) const OPTIONAL_BYTES: usize = ELEMENT_BYTES + 2 * size_of::<usize>();

/// Bytes of one more entry of a map, including its share of the tree.
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

    /// A text from the event or the expression: its size was checked before.
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

/// A key of a map. Equal numbers of different types are one key: `{1: 'a'}[1u]`.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(Text),
}

/// The sort key of keys.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'k> {
    Bool(bool),
    Number(i128),
    Text(&'k str),
}

impl Key {
    /// `None`: values of this type can't be keys.
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

    /// `None`: it doesn't fit into 64 bits.
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
