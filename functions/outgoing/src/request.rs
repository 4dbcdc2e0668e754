//! A request of a channel's file.

use crate::place::{Place, PlaceError};
use crate::template::{Shape, Template};
use crate::values::Values;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_config::words;

/// A request: it is sent for an action that its `when` matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its name for people and vectors.
    pub name: String,
    #[serde(default, skip_serializing_if = "When::is_empty")]
    pub when: When,
    #[serde(default, skip_serializing_if = "Method::is_post")]
    pub method: Method,
    pub url: Template,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// The body as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Shape>,
    /// The body as a form. A list or an object in it is written as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<BTreeMap<String, Template>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// `false`: the API takes no idempotency key with this request, so a lost answer is unsure.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub idempotency: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_yes(yes: &bool) -> bool {
    *yes
}

words! {
    /// The method of a request.
    Method {
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Get = "GET",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro has no place for it")]
impl Default for Method {
    fn default() -> Self {
        Self::Post
    }
}

impl Method {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_post(&self) -> bool {
        *self == Self::Post
    }
}

/// Credentials that aren't a plain header: one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// User and password (RFC 7617).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<[Template; 2]>,
    /// AWS Signature Version 4 for this service, by the function's own role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigv4: Option<String>,
    /// The region that the signature names. Default: the function's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Template>,
}

impl Auth {
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.basic.iter().flatten().chain(&self.region).flat_map(Template::places)
    }
}

/// In a condition: present and not null.
pub(crate) const ANY: &str = "*";

/// Which actions a request is for. Without conditions: every action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>", into = "BTreeMap<String, Value>")]
pub struct When {
    /// The value at each place is one of these.
    equal: BTreeMap<Place, Vec<Value>>,
    /// Each place has a value.
    has: Vec<Place>,
    /// No place has a value.
    lacks: Vec<Place>,
}

impl When {
    pub fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.has.is_empty() && self.lacks.is_empty()
    }

    pub(crate) fn matches(&self, values: &Values<'_>) -> bool {
        let is_one = |value: &Value, one_of: &[Value]| one_of.iter().any(|wanted| wanted == value || wanted == ANY);
        self.equal.iter().all(|(place, one_of)| values.get(place).is_some_and(|value| is_one(&value, one_of)))
            && self.has.iter().all(|place| values.get(place).is_some())
            && self.lacks.iter().all(|place| values.get(place).is_none())
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.equal.keys().chain(&self.has).chain(&self.lacks)
    }
}

impl TryFrom<BTreeMap<String, Value>> for When {
    type Error = String;

    fn try_from(fields: BTreeMap<String, Value>) -> Result<Self, String> {
        let mut when = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "has" => when.has = places(&name, value)?,
                "lacks" => when.lacks = places(&name, value)?,
                _ => {
                    let place = Place::parse(&name).map_err(|error| error.to_string())?;
                    when.equal.insert(place, one_or_many(value));
                }
            }
        }
        Ok(when)
    }
}

fn places(name: &str, value: Value) -> Result<Vec<Place>, String> {
    let texts = one_or_many(value).into_iter().map(|value| match value {
        Value::String(text) => Place::parse(&text).map_err(|error: PlaceError| error.to_string()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(format!("`{name}` has {other}, allowed: places, as in [\"data.template\"]"))
        }
    });
    texts.collect()
}

/// A list's elements, or the value alone.
pub(crate) fn one_or_many(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        one @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![one],
    }
}

/// A list of one as its element.
pub(crate) fn shortest(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}

impl From<When> for BTreeMap<String, Value> {
    fn from(when: When) -> Self {
        let texts = |places: Vec<Place>| Value::Array(places.into_iter().map(|place| Value::String(place.to_string())).collect());
        let mut fields: Self = when.equal.into_iter().map(|(place, values)| (place.to_string(), shortest(values))).collect();
        for (name, places) in [("has", when.has), ("lacks", when.lacks)] {
            if !places.is_empty() {
                fields.insert(name.to_owned(), texts(places));
            }
        }
        fields
    }
}

/// Headers that the client sets itself.
const RESERVED: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"];

impl Request {
    /// Every place in it.
    pub(crate) fn places(&self) -> Vec<&Place> {
        let form = self.form.iter().flat_map(|form| form.values()).flat_map(Template::places);
        let auth = self.auth.iter().flat_map(Auth::places);
        self.when
            .places()
            .chain(self.url.places())
            .chain(self.headers.values().flat_map(Template::places))
            .chain(self.json.iter().flat_map(Shape::places))
            .chain(form)
            .chain(auth)
            .collect()
    }

    /// What is wrong with it, one sentence each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        for name in self.headers.keys() {
            if name.is_empty() || !name.bytes().all(token) || RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
                problems.push(format!("request {:?}: the header {name:?} can't be set", self.name));
            }
        }
        if self.json.is_some() && self.form.is_some() {
            problems.push(format!("request {:?} has `json` and `form`, allowed: one of them", self.name));
        }
        if self.auth.as_ref().is_some_and(|auth| auth.basic.is_some() == auth.sigv4.is_some()) {
            problems.push(format!("request {:?}: `auth` is either `basic` or `sigv4`", self.name));
        }
        problems
    }
}
