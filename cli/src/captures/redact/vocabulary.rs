//! Words that a capture keeps because the project or the provider has published them. They reveal nothing about a
//! delivery.

use super::body::Body;
use super::numbers::Decimal;
use super::places::{At, Places};
use super::pseudonyms::{each_word, lower};
use crate::commands::rules::expressions::of_all;
use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;
use tidings_config::source::Source;
use tidings_events::samples;
use tidings_expressions::Expression;
use tidings_project::Configuration;

/// Minimum length of a word. Shorter words would be kept in any text.
const MIN_WORD: usize = 2;

/// Minimum number of digits for a number to count as a word of a rule.
const MIN_DIGITS: usize = 3;

/// A word for a state or a kind, not a name: `checkout.session`, `EUR`, `OrderCreated`.
static CLOSED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[a-z]+[0-9]?|[A-Z]+[0-9]?|(?:[A-Z][a-z]+){2,})(?:[_.:/-](?:[a-z]+|[A-Z]+|[A-Z][a-z]+)[0-9]?)*$")
        .expect("a test compiles it")
});

/// The prefix of an id, which shows only its kind: `evt_`, `ord-evt-`, `wamid.`
static PREFIX: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:[a-z]{2,8}[_.-])+").expect("a test compiles it"));

/// The name of a field in programs: words of letters, followed by few digits: `order_lines`, `s3Bucket`, `line_1`.
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    const WORD: &str = "(?:[A-Za-z]+[0-9]{0,3}|[a-z]+[0-9]{1,2}[A-Z][A-Za-z]+|[a-z][0-9][a-z][A-Za-z]*)";
    Regex::new(&format!("^[$@_]*{WORD}(?:[_:-]+{WORD})*(?:[_:-]+[0-9]{{1,2}})?_?$")).expect("a test compiles it")
});

/// Maximum length of the name of an unknown field.
const MAX_FIELD: usize = 64;

/// Words, numbers and fields that are known before any delivery.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    /// Words in the texts of rules, in lower case.
    words: HashSet<String>,
    /// Complete values of rules and schemas.
    values: HashSet<String>,
    numbers: BTreeSet<Decimal>,
    fields: HashSet<String>,
    prefixes: HashSet<String>,
    /// Closed words of a source's samples, each with its place.
    samples: HashMap<String, HashSet<(String, String)>>,
}

impl Vocabulary {
    /// The vocabulary of a project, and of the presets of sources.
    pub(crate) fn of(project: Option<&Configuration>, sources: &[Source]) -> Self {
        let mut vocabulary = Self::default();
        for placed in project.iter().flat_map(|project| of_all(&project.rules)) {
            let Ok(expression) = Expression::parse(placed.text, placed.scope) else { continue };
            let literals = expression.literals();
            literals.values.iter().for_each(|value| vocabulary.literal(value));
            vocabulary.fields.extend(literals.fields);
        }
        let rules = project.iter().flat_map(|project| &project.rules.rules);
        for ladder in rules.flat_map(|rule| rule.effects.set.values()).filter_map(|assignment| assignment.ladder.clone()) {
            vocabulary.values.extend(Vec::<String>::from(ladder));
        }
        for schema in project.iter().flat_map(|project| &project.schemas) {
            if let Ok(schema) = serde_json::from_str(schema.schema.get()) {
                vocabulary.schema(&schema);
            }
        }
        sources.iter().for_each(|source| vocabulary.source(source));
        vocabulary
    }

    /// Whether a word is kept everywhere.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.contains(&folded(word))
    }

    /// Whether a complete text is kept.
    pub(super) fn has_value(&self, text: &str) -> bool {
        is_truth(text) || self.values.contains(text) || self.has_number(text)
    }

    pub(super) fn has_number(&self, text: &str) -> bool {
        Decimal::of(text).is_some_and(|number| self.numbers.contains(&number))
    }

    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.prefixes.contains(prefix)
    }

    /// Whether the source's provider has published this value at this place.
    pub(super) fn has_sample(&self, at: &At<'_>, text: &str) -> bool {
        let samples = at.source().and_then(|source| self.samples.get(source));
        samples.is_some_and(|samples| samples.contains(&(at.place().to_owned(), text.to_owned())))
    }

    /// Whether a field's name is kept: it is known, or can't be a person's name.
    pub(super) fn has_field(&self, name: &str) -> bool {
        self.fields.contains(name) || (name.len() <= MAX_FIELD && FIELD.is_match(name))
    }

    /// Keeps the prefix of an event id, everywhere.
    pub(super) fn learn_id(&mut self, id: &str) {
        let prefix = PREFIX.find(id).filter(|prefix| id[prefix.end()..].bytes().any(|b| b.is_ascii_digit()));
        self.prefixes.extend(prefix.filter(|_| !id.contains('@')).map(|prefix| prefix.as_str().to_owned()));
    }

    /// Words that can't be pseudonyms, in lower case.
    pub(super) fn reserved(&self) -> HashSet<String> {
        self.words.iter().cloned().chain(self.values.iter().map(|value| folded(value))).collect()
    }

    /// Numbers that rules compare with.
    pub(super) fn bounds(&self) -> BTreeSet<Decimal> {
        self.numbers.clone()
    }

    fn literal(&mut self, value: &Value) {
        let Some(text) = value.as_str() else {
            self.numbers.extend(Decimal::of(&value.to_string()));
            return;
        };
        self.values.insert(text.to_owned());
        self.fields.insert(text.to_owned());
        // `\b` and `\d` of a regular expression aren't words.
        for text in [text.to_owned(), text.replace("\\b", " ").replace("\\d", " ").replace("\\s", " ").replace("\\w", " ")] {
            each_word(&text, |word| {
                let is_number = word.bytes().all(|b| b.is_ascii_digit());
                if word.chars().count() >= if is_number { MIN_DIGITS } else { MIN_WORD } {
                    self.words.insert(folded(word));
                }
                None
            });
        }
    }

    fn schema(&mut self, schema: &Value) {
        let Value::Object(fields) = schema else {
            schema.as_array().into_iter().flatten().for_each(|part| self.schema(part));
            return;
        };
        for (keyword, value) in fields {
            match keyword.as_str() {
                "const" => self.constant(value),
                "enum" => value.as_array().into_iter().flatten().for_each(|value| self.constant(value)),
                "properties" => {
                    self.fields.extend(value.as_object().into_iter().flat_map(|fields| fields.keys().cloned()));
                    value.as_object().into_iter().flat_map(|fields| fields.values()).for_each(|part| self.schema(part));
                }
                _ => self.schema(value),
            }
        }
    }

    fn constant(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.values.insert(text.clone());
            }
            Value::Number(number) => self.numbers.extend(Decimal::of(&number.to_string())),
            Value::Array(list) => list.iter().for_each(|value| self.constant(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.constant(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn source(&mut self, source: &Source) {
        let content_type = source.content_types.0.first().cloned().unwrap_or_default();
        let samples = samples::of_preset(&source.provider).into_iter();
        let samples = samples.map(|sample| (sample.body, sample.content_type.unwrap_or_else(|| content_type.clone())));
        let mut found = HashSet::new();
        for body in samples.filter_map(|(body, content_type)| Body::read(body.as_bytes(), source, &content_type).ok()) {
            let places = Places::of(source, body.document());
            self.sample(body.document(), &At::root(&places), &mut found);
        }
        self.samples.insert(source.name.clone(), found);
    }

    fn sample(&mut self, value: &Value, at: &At<'_>, found: &mut HashSet<(String, String)>) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => {
                if at.is_id() || text.contains('_') && !CLOSED.is_match(text) {
                    self.learn_id(text);
                } else if CLOSED.is_match(text) {
                    found.insert((at.place().to_owned(), text.clone()));
                }
            }
            Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| self.sample(value, &at.item(n), found)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.fields.insert(name.clone());
                    self.sample(value, &at.below(name), found);
                }
            }
        }
    }
}

/// Whether the text is a truth value, also as a form field. Of numbers, only these two are.
pub(super) fn is_truth(text: &str) -> bool {
    ["true", "false", "null", "0", "1", ""].contains(&text)
}

fn folded(text: &str) -> String {
    text.chars().map(lower).collect()
}
