//! Walks through a body: each value is kept or replaced by a pseudonym.

use super::places::At;
use super::vocabulary::is_truth;
use super::{Redactor, forms, laid_out, percent};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};
use tidings_config::text::fields::words;

/// JSON in a string in JSON, and so on. Deeper levels are replaced as text.
const MAX_NESTED_TEXTS: usize = 3;

/// The option that applies to a field and to everything below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FieldOption {
    #[default]
    Nothing,
    /// `--keep`: the value is kept.
    Keep,
    /// `--mask`: the value is replaced, even if another rule would keep it.
    Mask,
}

impl Redactor {
    /// The option for a field of this name. Fields in a masked field are masked.
    pub(super) fn told(&self, name: &str, outer: FieldOption) -> FieldOption {
        let name = words(name).concat();
        match outer {
            FieldOption::Mask => FieldOption::Mask,
            FieldOption::Nothing | FieldOption::Keep if self.masked.contains(&name) => FieldOption::Mask,
            FieldOption::Nothing | FieldOption::Keep if self.kept.contains(&name) => FieldOption::Keep,
            FieldOption::Nothing | FieldOption::Keep => outer,
        }
    }

    pub(super) fn value(&mut self, value: &mut Value, told: FieldOption, at: &At<'_>) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) | Value::String(_) if at.is_fixed() => {}
            Value::Number(number) => {
                let text = number.to_string();
                let stays = match told {
                    FieldOption::Nothing => is_truth(&text) || self.vocabulary.has_number(&text),
                    FieldOption::Keep => true,
                    FieldOption::Mask => false,
                };
                if let Some(new) = self.pseudonyms.number(&text).parse::<Number>().ok().filter(|_| !stays) {
                    *number = new;
                }
            }
            Value::String(text) => *text = self.text(text, told, at),
            Value::Array(list) => list.iter_mut().enumerate().for_each(|(n, one)| self.value(one, told, &at.item(n))),
            Value::Object(object) => {
                let mut new = Map::new();
                for (name, mut value) in std::mem::take(object) {
                    let at = at.below(&name);
                    self.value(&mut value, self.told(&name, told), &at);
                    new.insert(self.name(name, told, &at), value);
                }
                *object = new;
            }
        }
    }

    /// The name of a field. Names inside a masked field may be names of persons.
    pub(super) fn name(&mut self, name: String, within: FieldOption, at: &At<'_>) -> String {
        let stays =
            at.is_named() || within == FieldOption::Keep || (within == FieldOption::Nothing && self.vocabulary.has_field(&name));
        if stays { name } else { self.plain(&name, within) }
    }

    pub(super) fn text(&mut self, text: &str, told: FieldOption, at: &At<'_>) -> String {
        if at.is_secret() {
            return self.plain(text, FieldOption::Mask);
        }
        let stays = match told {
            FieldOption::Nothing => self.vocabulary.has_value(text) || self.vocabulary.has_sample(at, text),
            FieldOption::Keep => true,
            FieldOption::Mask => false,
        };
        if stays {
            return text.to_owned();
        }
        self.nested(text, told, at).unwrap_or_else(|| self.plain(text, told))
    }

    fn plain(&mut self, text: &str, told: FieldOption) -> String {
        let vocabulary = if told == FieldOption::Mask { &self.nothing } else { &self.vocabulary };
        percent::decoded(text, |text| forms::rewrite(text, vocabulary, &mut self.pseudonyms))
    }

    /// JSON in a string, plain or in base64. `None`: the string contains no JSON.
    fn nested(&mut self, text: &str, told: FieldOption, at: &At<'_>) -> Option<String> {
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let json = decoded.as_deref().unwrap_or(text);
        let mut value: Value = serde_json::from_str(json).ok().filter(|value: &Value| value.is_object() || value.is_array())?;
        if at.texts >= MAX_NESTED_TEXTS {
            return None;
        }
        self.value(&mut value, told, &At::elsewhere(at.texts + 1));
        let new = value.to_string();
        let json = laid_out::like(json, &new).unwrap_or(new);
        Some(if decoded.is_some() { STANDARD.encode(json) } else { json })
    }
}
