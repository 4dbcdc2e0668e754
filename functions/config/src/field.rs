//! The three little words of a scheme: where a value is ([`Reference`]), how to get to it in JSON ([`JsonPath`]), and how
//! a text is made of such values ([`Template`]).

use std::fmt;
use std::str::FromStr;

/// What is wrong with one of these words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WordError(pub String);

/// Where a value comes from.
///
/// `body` · `url` · `method` · `header:X-GitHub-Event` · `query:token` · `sig:t` (a field of the signature) ·
/// `json:data.object.id` (of the body; with `?` at its end an empty text where it isn't there) · `jwt:iat` (a claim of the
/// token) · `form:sig` (a field of a form) · `form` (all of them, sorted and run together) · `crc32` (of the body) ·
/// `canonical:aws-sns` (a text that is no template) · `secret` (only in what is signed or expected)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = super::schema::REFERENCE))]
pub enum Reference {
    /// The raw bytes.
    Body,
    /// The public URL that the provider was given (`public_url` of the source), with the query as sent.
    Url,
    Method,
    /// By its name, in lower case.
    Header(String),
    Query(String),
    /// Of a signature that is a list of `key=value`.
    Signature(String),
    Json(JsonPath),
    /// The same, and an empty text where it isn't there.
    JsonOrEmpty(JsonPath),
    /// A claim of the JSON Web Token.
    Jwt(String),
    /// A field of a form, which must be there once.
    FormField(String),
    /// A form's fields as name and value, run together: sorted, each value of a name once. Twilio signs this.
    Form,
    /// The body's CRC-32, as a decimal number. It binds nothing against somebody who wants another body.
    Crc32,
    Canonical(Canonical),
    /// What was agreed on with the provider, where it isn't the key: hashed with the message, or expected somewhere.
    Secret,
}

/// A text to be signed that is no template: one small file each, in `functions/receiver/src/verify/canonical/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canonical {
    /// `{field}\n{value}\n` for those fields of a notification that are there.
    AwsSns,
    /// `{method}\n{path}\n{the headers that the request lists}\n{body}`.
    Contentful,
    /// `&{field}={value}` for a form's sorted fields, with `&` and `=` in values as `_`.
    VonageForm,
}

impl Canonical {
    pub const ALL: &'static [Self] = &[Self::AwsSns, Self::Contentful, Self::VonageForm];

    /// As the files name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwsSns => "aws-sns",
            Self::Contentful => "contentful",
            Self::VonageForm => "vonage-form",
        }
    }
}

impl Reference {
    /// The name, of a header.
    pub fn header(&self) -> Option<&str> {
        if let Self::Header(name) = self { Some(name) } else { None }
    }

    /// The name, of a claim.
    pub fn claim(&self) -> Option<&str> {
        if let Self::Jwt(claim) = self { Some(claim) } else { None }
    }

    /// The name, of a query parameter.
    pub fn query(&self) -> Option<&str> {
        if let Self::Query(name) = self { Some(name) } else { None }
    }

    /// The name, of a field of a form.
    pub fn form_field(&self) -> Option<&str> {
        if let Self::FormField(name) = self { Some(name) } else { None }
    }

    /// The text that is no template.
    pub fn canonical(&self) -> Option<Canonical> {
        if let Self::Canonical(canonical) = self { Some(*canonical) } else { None }
    }

    /// Whether it is one place of a request, where a text can be put and found again.
    pub fn is_place(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Query(_) | Self::Json(_) | Self::FormField(_))
    }

    /// Whether it is one value of a request as it was sent, which needs neither a signature nor a secret to be read.
    pub fn is_of_request(&self) -> bool {
        *self == Self::Method || self.is_place()
    }

    /// The path, of a value in the body.
    pub fn json(&self) -> Option<&JsonPath> {
        if let Self::Json(path) | Self::JsonOrEmpty(path) = self { Some(path) } else { None }
    }
}

impl FromStr for Reference {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let name = |name: &str, what: &str| match name {
            "" => Err(WordError(format!("{text:?} names no {what}"))),
            _ => Ok(name.to_owned()),
        };
        match cut(text, b':') {
            None => match text {
                "body" => Ok(Self::Body),
                "url" => Ok(Self::Url),
                "method" => Ok(Self::Method),
                "form" => Ok(Self::Form),
                "crc32" => Ok(Self::Crc32),
                "secret" => Ok(Self::Secret),
                _ => Err(unknown_reference(text)),
            },
            Some(("header", header)) => Ok(Self::Header(name(header, "header")?.to_ascii_lowercase())),
            Some(("query", query)) => Ok(Self::Query(name(query, "query parameter")?)),
            Some(("sig", field)) => Ok(Self::Signature(name(field, "signature field")?)),
            Some(("json", path)) => match path.strip_suffix('?') {
                Some(path) => Ok(Self::JsonOrEmpty(path.parse()?)),
                None => Ok(Self::Json(path.parse()?)),
            },
            Some(("jwt", claim)) => Ok(Self::Jwt(name(claim, "claim")?)),
            Some(("form", field)) => Ok(Self::FormField(name(field, "form field")?)),
            Some(("canonical", form)) => {
                let known = Canonical::ALL.iter().find(|canonical| canonical.as_str() == form);
                known.copied().map(Self::Canonical).ok_or_else(|| {
                    let all: Vec<&str> = Canonical::ALL.iter().map(|canonical| canonical.as_str()).collect();
                    WordError(format!("{text:?} is no canonical form; allowed: {}", all.join(", ")))
                })
            }
            Some(_) => Err(unknown_reference(text)),
        }
    }
}

fn unknown_reference(text: &str) -> WordError {
    WordError(format!(
        "{text:?} is no reference; allowed: body, url, method, header:NAME, query:NAME, sig:NAME, json:PATH, json:PATH?, jwt:CLAIM, \
         form:FIELD, form, crc32, canonical:NAME, secret"
    ))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("body"),
            Self::Url => f.write_str("url"),
            Self::Method => f.write_str("method"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Signature(name) => write!(f, "sig:{name}"),
            Self::Json(path) => write!(f, "json:{path}"),
            Self::JsonOrEmpty(path) => write!(f, "json:{path}?"),
            Self::Jwt(claim) => write!(f, "jwt:{claim}"),
            Self::FormField(field) => write!(f, "form:{field}"),
            Self::Form => f.write_str("form"),
            Self::Crc32 => f.write_str("crc32"),
            Self::Canonical(canonical) => write!(f, "canonical:{}", canonical.as_str()),
            Self::Secret => f.write_str("secret"),
        }
    }
}

/// A way into a JSON value: `data.object.id`, `entry[0].id`. `[*]` stands for "each" in `each`, and elsewhere for the one
/// that `each` is at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = super::schema::JSON_PATH))]
pub struct JsonPath(pub Vec<Step>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Key(String),
    Index(usize),
    Each,
}

impl JsonPath {
    /// How many `[*]` it has.
    pub fn each_count(&self) -> usize {
        self.0.iter().filter(|s| **s == Step::Each).count()
    }

    /// Whether this begins with the same steps, up to and with the last `[*]` of `self`, as `each` does.
    pub fn follows(&self, each: &JsonPath) -> bool {
        let last = self.0.iter().rposition(|s| *s == Step::Each).map_or(0, |i| i + 1);
        each.0.get(..last).is_some_and(|head| head == &self.0[..last])
    }

    /// The value there, with `[*]` standing for `indices` in turn.
    pub fn find<'v>(&self, root: &'v serde_json::Value, indices: &[usize]) -> Option<&'v serde_json::Value> {
        let mut indices = indices.iter();
        self.0.iter().try_fold(root, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
            Step::Each => value.get(*indices.next()?),
        })
    }

    /// All the places that it leads to, as the indices for its `[*]`, in the document's order. Never more than `most`
    /// and one, by which the caller sees that there are more.
    pub fn places(&self, root: &serde_json::Value, most: usize) -> Vec<Vec<usize>> {
        let mut places = Vec::new();
        walk(&self.0, root, &mut Vec::new(), &mut places, most);
        places
    }
}

fn walk(steps: &[Step], value: &serde_json::Value, at: &mut Vec<usize>, places: &mut Vec<Vec<usize>>, most: usize) {
    if places.len() > most {
        return;
    }
    match steps.split_first() {
        None => places.push(at.clone()),
        Some((Step::Key(key), rest)) => {
            if let Some(value) = value.get(key) {
                walk(rest, value, at, places, most);
            }
        }
        Some((Step::Index(index), rest)) => {
            if let Some(value) = value.get(index) {
                walk(rest, value, at, places, most);
            }
        }
        Some((Step::Each, rest)) => {
            for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                at.push(index);
                walk(rest, value, at, places, most);
                at.pop();
            }
        }
    }
}

/// As `str::split_once`, for an ASCII sign in a short text: functions read thousands of them when they start.
fn cut(text: &str, sign: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == sign)?;
    Some((&text[..at], &text[at + 1..]))
}

impl FromStr for JsonPath {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let bad = || WordError(format!("{text:?} is no path; as in data.object.id, entry[0].id, entry[*].changes[*]"));
        let mut steps = Vec::new();
        for part in text.as_bytes().split(|byte| *byte == b'.') {
            let part = std::str::from_utf8(part).map_err(|_| bad())?;
            let (key, mut rest) = part.split_at(part.bytes().position(|byte| byte == b'[').unwrap_or(part.len()));
            if key.is_empty() && (rest.is_empty() || !steps.is_empty()) {
                return Err(bad());
            }
            if !key.is_empty() {
                steps.push(Step::Key(key.to_owned()));
            }
            while !rest.is_empty() {
                let (index, after) = rest.strip_prefix('[').and_then(|r| r.split_once(']')).ok_or_else(bad)?;
                steps.push(if index == "*" { Step::Each } else { Step::Index(index.parse().map_err(|_| bad())?) });
                rest = after;
            }
        }
        Ok(Self(steps))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// A text with references in braces: `v0:{header:X-Slack-Request-Timestamp}:{body}`. `{{` is a brace.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = super::schema::TEMPLATE))]
pub struct Template(pub Vec<Part>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Value(Reference),
}

impl Part {
    /// Whether it is a text with a sign in it, which values of an id don't hold: see [`Template::separators`].
    pub fn separates(&self) -> bool {
        matches!(self, Self::Text(text) if text.contains(is_sign))
    }
}

/// Neither a letter nor a digit.
fn is_sign(character: char) -> bool {
    !character.is_alphanumeric()
}

impl Template {
    /// The signs of the texts between its values.
    pub fn separators(&self) -> impl Iterator<Item = char> {
        let first = self.0.iter().position(|part| matches!(part, Part::Value(_))).unwrap_or(self.0.len());
        let last = self.0.iter().rposition(|part| matches!(part, Part::Value(_))).unwrap_or(0);
        let between = self.0.get(first..last).unwrap_or_default();
        between.iter().flat_map(|part| match part {
            Part::Text(text) => text.chars().filter(|c| is_sign(*c)).collect(),
            Part::Value(_) => Vec::new(),
        })
    }

    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(reference) => Some(reference),
            Part::Text(_) => None,
        })
    }
}

impl FromStr for Template {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| byte == b'{' || byte == b'}') {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..];
            if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
                literal.push_str(&brace[..1]);
                rest = after;
            } else if let Some((reference, after)) = brace.strip_prefix('{').and_then(|b| cut(b, b'}')) {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Value(reference.parse()?));
                rest = after;
            } else {
                return Err(WordError(format!("{text:?} has a brace without its other half; a brace itself is {{{{ or }}}}")));
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        if parts.is_empty() {
            return Err(WordError("an empty template".to_owned()));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Value(reference) => write!(f, "{{{reference}}}"),
        })
    }
}

/// In configuration each is written as the text that it is read from.
macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Words;

                impl serde::de::Visitor<'_> for Words {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a string")
                    }

                    // Functions read thousands of them when they start: none is copied to be parsed.
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Words)
            }
        }
    )+};
}

pub(super) use as_text;

as_text!(Reference, JsonPath, Template);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_written_as_they_are_read() {
        for text in [
            "v0:{header:x-slack-request-timestamp}:{body}",
            "{sig:t}.{body}",
            "{{{json:a[0].b}}}",
            "{url}{query:q}",
            "{json:a?}{jwt:iat}{form:sig}{crc32}{canonical:aws-sns}",
        ] {
            assert_eq!(text.parse::<Template>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("{boddy}", "allowed: body, url"),
            ("{cookie:a}", "allowed: body, url"),
            ("{header:}", "names no header"),
            ("{json:a..b}", "is no path"),
            ("{json:a[x]}", "is no path"),
            ("{json:}", "is no path"),
            ("{jwt:}", "names no claim"),
            ("{canonical:sns}", "allowed: aws-sns"),
            ("{body", "without its other half"),
            ("a}b", "without its other half"),
            ("", "empty template"),
        ] {
            let error = text.parse::<Template>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn each_finds_every_place_and_binds_the_indices() {
        let each: JsonPath = "entry[*].changes[*].value.messages[*]".parse().unwrap();
        let body = json!({"entry": [
            {"changes": [{"value": {"messages": [{"id": "a"}, {"id": "b"}], "to": "x"}}, {"value": {"statuses": []}}]},
            {"changes": [{"value": {"messages": [{"id": "c"}], "to": "y"}}]},
        ]});
        let places = each.places(&body, 100);
        assert_eq!(places, [vec![0, 0, 0], vec![0, 0, 1], vec![1, 0, 0]]);
        let to: JsonPath = "entry[*].changes[*].value.to".parse().unwrap();
        assert!(to.follows(&each) && !"changes[*]".parse::<JsonPath>().unwrap().follows(&each));
        assert_eq!(to.find(&body, &places[2]), Some(&json!("y")));
        assert_eq!(each.places(&body, 1).len(), 2, "one more than the most, so that the caller sees it");
    }
}
