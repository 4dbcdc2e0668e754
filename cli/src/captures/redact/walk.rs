//! Through a body, twice: to learn which words are whose, then to replace them wherever they stand.

use super::fields::{self, Kind, Within};
use super::places::At;
use super::pseudonyms::{digits, each_word};
use super::{Redactor, laid_out, patterns};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

/// JSON in a text in JSON, and so on. What is deeper is replaced as a whole.
const MAX_NESTED_TEXTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Learn,
    Replace,
}

impl Redactor {
    pub(super) fn value(&mut self, value: &mut Value, words: &[String], within: Within, pass: Pass, at: &At<'_>) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) | Value::String(_) if at.is_fixed() => {}
            Value::Number(_) if at.is_id() => {}
            Value::Number(number) => {
                let text = number.to_string();
                let new = self.number(&text, words, within, pass);
                if let Some(new) = new.parse::<Number>().ok().filter(|_| new != text) {
                    *number = new;
                }
            }
            Value::String(text) => {
                let new = self.text(text, words, within, pass, at);
                if pass == Pass::Replace {
                    *text = new;
                }
            }
            Value::Array(list) => {
                for (n, one) in list.iter_mut().enumerate() {
                    self.value(one, words, within, pass, &at.below(&n.to_string()));
                }
            }
            Value::Object(object) => {
                let told = fields::tells_of_a_person(object.keys().map(String::as_str));
                let within = Within { told, ..within };
                self.object(object, within, pass, at);
            }
        }
    }

    fn object(&mut self, object: &mut Map<String, Value>, outer: Within, pass: Pass, at: &At<'_>) {
        let mut new = Map::new();
        let label = fields::label(object);
        for (name, mut value) in std::mem::take(object) {
            let at = at.below(&name);
            let words = label.clone().filter(|_| fields::is_labelled(&name)).unwrap_or_else(|| fields::words(&name));
            let below = fields::within(&words, outer);
            // What is in an object is what the object's own field says.
            let within = if holds_fields(&value) { below } else { Within { secret: below.secret, ..outer } };
            self.value(&mut value, &words, within, pass, &at);
            let stays = pass == Pass::Learn || at.is_named();
            let name = if stays { name } else { self.plain(&name) };
            new.insert(name, value);
        }
        *object = new;
    }

    fn number(&mut self, text: &str, words: &[String], within: Within, pass: Pass) -> String {
        match (self.kind(words, text, within), pass) {
            (Kind::Person | Kind::Phone, Pass::Learn) => self.learn(text),
            (Kind::Secret | Kind::Private | Kind::Text | Kind::Plain, Pass::Learn) => {}
            (Kind::Secret | Kind::Private | Kind::Person | Kind::Phone, Pass::Replace) => return self.pseudonyms.number(text),
            (Kind::Text | Kind::Plain, Pass::Replace) => {
                if self.learned.contains(text) || patterns::is_card(text) {
                    return self.pseudonyms.number(text);
                }
            }
        }
        text.to_owned()
    }

    pub(super) fn text(&mut self, text: &str, words: &[String], within: Within, pass: Pass, at: &At<'_>) -> String {
        if at.is_secret() {
            return self.pseudonyms.opaque(text);
        }
        if let Some(new) = self.nested(text, words, within, pass, at) {
            return new;
        }
        let kind = if at.is_id() { Kind::Plain } else { self.kind(words, text, within) };
        if pass == Pass::Learn {
            self.learn_of(text, kind);
            return text.to_owned();
        }
        let plain = self.plain(text);
        match kind {
            Kind::Secret => self.pseudonyms.opaque(text),
            Kind::Text => self.pseudonyms.text(text),
            Kind::Phone => self.pseudonyms.number(text),
            // Addresses of e-mail and of the internet keep their form.
            Kind::Private | Kind::Person if plain != text && text.contains(['@', ':', '.']) => self.pseudonymous(text),
            Kind::Private => self.pseudonyms.text(text),
            Kind::Person => self.person(text),
            Kind::Plain => plain,
        }
    }

    fn learn_of(&mut self, text: &str, kind: Kind) {
        match kind {
            // Of an address's parts nobody can say which is a name.
            Kind::Person if text.contains('@') => {}
            Kind::Person => {
                each_word(text, |word| {
                    self.learn(word);
                    None
                });
            }
            Kind::Phone => self.learn(&digits(text)),
            Kind::Secret | Kind::Private | Kind::Text | Kind::Plain => {}
        }
        patterns::persons(text).iter().for_each(|word| self.learn(word));
    }

    /// A person's words; what an id of theirs is of stays: `cus_`. Behind it is a digit, or it is one that no person is called.
    fn person(&mut self, text: &str) -> String {
        let is_prefix = |text: &str| (2..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase());
        let is_id = |of: &str, rest: &str| PREFIXES_OF_IDS.contains(&of) || rest.bytes().any(|b| b.is_ascii_digit());
        match text.split_once('_').filter(|(of, rest)| is_prefix(of) && is_id(of, rest)) {
            Some((of, rest)) => format!("{of}_{}", self.pseudonyms.words(rest)),
            None => self.pseudonyms.words(text),
        }
    }

    /// What gives itself away, and every word between.
    fn pseudonymous(&mut self, text: &str) -> String {
        patterns::rewrite(text, &mut self.pseudonyms, |between, pseudonyms| pseudonyms.words(between))
    }

    /// JSON in a text, as it is or in base64. `None`: there is none.
    fn nested(&mut self, text: &str, words: &[String], within: Within, pass: Pass, at: &At<'_>) -> Option<String> {
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let json = decoded.as_deref().unwrap_or(text);
        let mut value: Value = serde_json::from_str(json).ok().filter(|value: &Value| value.is_object() || value.is_array())?;
        if at.texts >= MAX_NESTED_TEXTS {
            return Some(self.pseudonyms.opaque(text));
        }
        let within = fields::within(words, within);
        self.value(&mut value, words, within, pass, &At::elsewhere(at.texts + 1));
        let new = value.to_string();
        let json = laid_out::like(json, &new).unwrap_or(new);
        Some(if decoded.is_some() { STANDARD.encode(json) } else { json })
    }

    fn kind(&self, words: &[String], text: &str, within: Within) -> Kind {
        let kind = fields::kind(words, text, within);
        if kind != Kind::Secret && self.masked.contains(&words.concat()) { Kind::Text } else { kind }
    }
}

/// What providers put before the id of a customer, an account, a user.
const PREFIXES_OF_IDS: [&str; 4] = ["acct", "cus", "ctm", "usr"];

/// An object, or a list with one.
fn holds_fields(value: &Value) -> bool {
    value.is_object() || value.as_array().is_some_and(|list| list.iter().any(holds_fields))
}
