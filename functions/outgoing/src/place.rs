//! The names of values: a path into the values of a request, and a part of an answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// A path of names and indices: `data.buttons[0].title`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place {
    /// The first name: `data`, `to`, `secret`, or a setting's.
    pub root: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(String),
    Index(usize),
}

/// What a place must look like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} isn't a place, allowed: names of letters, digits, _ and -, with . between them and [0] behind them")]
pub struct PlaceError(String);

impl Place {
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let error = || PlaceError(text.to_owned());
        let mut names = text.split('.').map(|part| steps(part).ok_or_else(error));
        let first = names.next().ok_or_else(error)??;
        let mut first = first.into_iter();
        let Some(Step::Name(root)) = first.next() else { return Err(error()) };
        let mut all: Vec<Step> = first.collect();
        for part in names {
            all.extend(part?);
        }
        Ok(Self { root, steps: all })
    }

    /// Whether it is a root without steps.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// The name behind the root, if it is the only step.
    pub fn single(&self) -> Option<&str> {
        match self.steps.as_slice() {
            [Step::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// The value in an object that has the root as a field. `None`: missing or null.
    pub fn of<'v>(&self, whole: &'v Value) -> Option<&'v Value> {
        self.find(whole.get(self.root.as_str())?)
    }

    /// The value at the steps. `None`: missing or null.
    pub fn find<'v>(&self, in_root: &'v Value) -> Option<&'v Value> {
        let mut value = in_root;
        for step in &self.steps {
            value = match step {
                Step::Name(name) => value.get(name.as_str())?,
                Step::Index(index) => value.get(*index)?,
            };
        }
        (!value.is_null()).then_some(value)
    }
}

/// `buttons[0][1]`. `None`: it is something else.
fn steps(part: &str) -> Option<Vec<Step>> {
    let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'@' | b'$'));
    let mut steps = vec![Step::Name(is_name.then(|| name.to_owned())?)];
    let mut rest = indices;
    while !rest.is_empty() {
        let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
        steps.push(Step::Index(index.bytes().all(|b| b.is_ascii_digit()).then(|| index.parse().ok()).flatten()?));
        rest = after;
    }
    Some(steps)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        self.steps.iter().try_for_each(|step| match step {
            Step::Name(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        })
    }
}

impl TryFrom<String> for Place {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        Self::parse(&text)
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

/// A part of an answer: `json:error.code`, `header:Retry-After`, `body`, the whole text, or an error of an AWS API in either of
/// its protocols, `aws:code` and `aws:message`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Selector {
    Json(Place),
    Header(String),
    Body,
    AwsCode,
    AwsMessage,
}

impl TryFrom<String> for Selector {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("json", place)) => Place::parse(place).map(Self::Json).map_err(|error| error.to_string()),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            Some(("aws", "code")) => Ok(Self::AwsCode),
            Some(("aws", "message")) => Ok(Self::AwsMessage),
            _ if text == "body" => Ok(Self::Body),
            _ => Err(format!("{text:?}, allowed: json:PATH, header:NAME, body, aws:code or aws:message")),
        }
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        match selector {
            Selector::Json(place) => format!("json:{place}"),
            Selector::Header(name) => format!("header:{name}"),
            Selector::Body => "body".to_owned(),
            Selector::AwsCode => "aws:code".to_owned(),
            Selector::AwsMessage => "aws:message".to_owned(),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_place_finds_what_is_not_null_and_is_written_as_it_was() {
        let data = json!({ "a": { "b": [1, { "c": "x" }] }, "n": null });
        let at = |text: &str| Place::parse(&format!("data.{text}")).unwrap().find(&data).cloned();
        assert_eq!(
            (at("a.b[1].c"), at("a.b[0]"), at("n"), at("a.z"), at("a.b[7]")),
            (Some("x".into()), Some(1.into()), None, None, None)
        );
        for text in ["data.a.b[1].c", "to", "data.a[0][1]"] {
            assert_eq!(Place::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", ".", "a..b", "a.", "[0]", "a[x]", "a[0", "a b", "a[0]b", "a.{b}"] {
            assert!(Place::parse(bad).unwrap_err().to_string().contains("allowed"), "{bad}");
        }
    }

    #[test]
    fn a_selector_names_a_part_of_an_answer() {
        for text in ["json:error.code", "header:Retry-After", "body", "aws:code", "aws:message"] {
            assert_eq!(Selector::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for bad in ["json:", "header:", "status", "error", "xml:a", "aws:x"] {
            assert!(Selector::try_from(bad.to_owned()).unwrap_err().contains("allowed"), "{bad}");
        }
    }
}
