//! The three notations of a scheme: the place of a value ([`Reference`]), a path into JSON ([`JsonPath`]), and a text
//! with values in it ([`Template`]).

use std::fmt;
use std::str::FromStr;

/// What is wrong with a text in one of these notations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WordError(pub String);

/// Where a value comes from.
///
/// `body` · `url` · `method` · `header:X-GitHub-Event` · `query:token` · `sig:t` (a field of the signature) ·
/// `json:data.object.id` (of the body; with `?` at its end, a missing value is an empty text) · `jwt:iat` (a claim of
/// the token) · `form:sig` (a field of a form) · `form` (all fields, sorted and joined) · `crc32` (of the body) ·
/// `canonical:aws-sns` (a text that a template can't express) · `secret` (only in the signed message or in `expect`)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = super::schema::REFERENCE))]
pub enum Reference {
    /// The raw bytes of the body.
    Body,
    /// The URL that is registered with the provider (`public_url` of the source), with the query as sent.
    Url,
    Method,
    /// A header by its name, in lower case.
    Header(String),
    Query(String),
    /// A field of a signature that is a list of `key=value`.
    Signature(String),
    Json(JsonPath),
    /// As `Json`; a missing value is an empty text.
    JsonOrEmpty(JsonPath),
    /// A claim of the JSON Web Token.
    Jwt(String),
    /// A field of a form. It must occur exactly once.
    FormField(String),
    /// All fields of a form, names and values joined: sorted, each value of a name once. Twilio signs this text.
    Form,
    /// The body's CRC-32, as a decimal number. It doesn't protect the body: anyone can find another body with the same CRC-32.
    Crc32,
    Canonical(Canonical),
    /// A value that was agreed on with the provider and isn't the key. It is hashed with the message, or expected somewhere.
    Secret,
}

/// A signed text that a template can't express. Each has a file of its own in `functions/receiver/src/verify/canonical/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canonical {
    /// `{field}\n{value}\n` for those of the signed fields that a notification has.
    AwsSns,
    /// `{method}\n{path}\n{the headers that the request lists}\n{body}`.
    Contentful,
    /// `&{field}={value}` for a form's sorted fields. `&` and `=` in values are replaced by `_`.
    VonageForm,
    /// The signature base of RFC 9421: the components that the signature lists, and its parameters.
    HttpMessage,
}

impl Canonical {
    pub const ALL: &'static [Self] = &[Self::AwsSns, Self::Contentful, Self::VonageForm, Self::HttpMessage];

    /// The name in configuration files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwsSns => "aws-sns",
            Self::Contentful => "contentful",
            Self::VonageForm => "vonage-form",
            Self::HttpMessage => "http-message",
        }
    }
}

impl Reference {
    /// The name of a header.
    pub fn header(&self) -> Option<&str> {
        if let Self::Header(name) = self { Some(name) } else { None }
    }

    /// The name of a claim.
    pub fn claim(&self) -> Option<&str> {
        if let Self::Jwt(claim) = self { Some(claim) } else { None }
    }

    /// The name of a query parameter.
    pub fn query(&self) -> Option<&str> {
        if let Self::Query(name) = self { Some(name) } else { None }
    }

    /// The name of a form field.
    pub fn form_field(&self) -> Option<&str> {
        if let Self::FormField(name) = self { Some(name) } else { None }
    }

    /// The canonical form, if the reference is one.
    pub fn canonical(&self) -> Option<Canonical> {
        if let Self::Canonical(canonical) = self { Some(*canonical) } else { None }
    }

    /// Whether it is one place of a request, where a value can be written and read.
    pub fn is_place(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Query(_) | Self::Json(_) | Self::FormField(_))
    }

    /// Whether it is one value of a request as it was sent, which needs neither a signature nor a secret to be read.
    pub fn is_of_request(&self) -> bool {
        *self == Self::Method || self.is_place()
    }

    /// The path of a value in the body.
    pub fn json(&self) -> Option<&JsonPath> {
        if let Self::Json(path) | Self::JsonOrEmpty(path) = self { Some(path) } else { None }
    }
}

impl FromStr for Reference {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let name = |name: &str, what: &str| match name {
            "" => Err(WordError(format!("{text:?} needs the name of a {what}"))),
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
                    WordError(format!("{text:?} isn't a canonical form; allowed: {}", all.join(", ")))
                })
            }
            Some(_) => Err(unknown_reference(text)),
        }
    }
}

fn unknown_reference(text: &str) -> WordError {
    WordError(format!(
        "{text:?} isn't a reference; allowed: body, url, method, header:NAME, query:NAME, sig:NAME, json:PATH, json:PATH?, jwt:CLAIM, \
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

/// A path into a JSON value: `data.object.id`, `entry[0].id`. `[*]` means "each element" in `each`; in other paths,
/// it means the current element of `each`.
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
    /// The number of `[*]` in it.
    pub fn each_count(&self) -> usize {
        self.0.iter().filter(|s| **s == Step::Each).count()
    }

    /// Whether this path begins with the steps of `each`, up to and including its last `[*]`.
    pub fn follows(&self, each: &JsonPath) -> bool {
        let last = self.0.iter().rposition(|s| *s == Step::Each).map_or(0, |i| i + 1);
        each.0.get(..last).is_some_and(|head| head == &self.0[..last])
    }

    /// The value at the path, with each `[*]` replaced by one of `indices` in order.
    pub fn find<'v>(&self, root: &'v serde_json::Value, indices: &[usize]) -> Option<&'v serde_json::Value> {
        let mut indices = indices.iter();
        self.0.iter().try_fold(root, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
            Step::Each => value.get(*indices.next()?),
        })
    }

    /// Every place that the path leads to, as the indices for its `[*]`, in the document's order. Returns at most
    /// `most` + 1 places, so that the caller sees if there are more than `most`.
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
        let bad = || WordError(format!("{text:?} isn't a path; write it as data.object.id, entry[0].id, entry[*].changes[*]"));
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

/// A text with references in braces: `v0:{header:X-Slack-Request-Timestamp}:{body}`. `{{` stands for a single brace.
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
    /// Whether it is a fixed text that separates values: see [`Template::separators`].
    pub fn separates(&self) -> bool {
        matches!(self, Self::Text(text) if text.contains(is_sign))
    }
}

/// Whether the character is neither a letter nor a digit.
fn is_sign(character: char) -> bool {
    !character.is_alphanumeric()
}

impl Template {
    /// The signs in the fixed texts between its values.
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
                return Err(WordError(format!("{text:?} has an unmatched brace; write a literal brace as {{{{ or }}}}")));
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

/// In configuration, each is written as the text that it is parsed from.
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
    fn texts_are_written_as_they_are_parsed() {
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
    fn an_error_names_the_problem() {
        for (text, said) in [
            ("{boddy}", "allowed: body, url"),
            ("{cookie:a}", "allowed: body, url"),
            ("{header:}", "needs the name of a header"),
            ("{json:a..b}", "isn't a path"),
            ("{json:a[x]}", "isn't a path"),
            ("{json:}", "isn't a path"),
            ("{jwt:}", "needs the name of a claim"),
            ("{canonical:sns}", "allowed: aws-sns"),
            ("{body", "unmatched brace"),
            ("a}b", "unmatched brace"),
            ("", "empty template"),
        ] {
            let error = text.parse::<Template>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn each_finds_every_place_and_binds_its_indices() {
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
        assert_eq!(each.places(&body, 1).len(), 2, "one more than `most`, so that the caller sees it");
    }
}
