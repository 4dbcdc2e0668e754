//! The texts of a notification, with values evaluated for one event. Pure: the same event gives the same texts.
//!
//! A text always fits: values that exceed the room are cut, with a mark.

use crate::expression::CompiledOnce;
use crate::failure::RuleError;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tidings_config::limits::{MAX_PLAIN_COPY_BYTES, MAX_STORED_TEXTS_BYTES, MAX_TEXT_CHARS};
use tidings_config::rules::{Cap, CapOverflow, Given, Notify, Text, Texts};
use tidings_config::text::Part;
use tidings_core::action::{Intent, Variant, in_a_text};
use tidings_expressions::{EvaluationError, Scope, Variables};

/// A rule's `notify`. What its texts take is worked out when an event first needs it, not in INIT.
#[derive(Debug)]
pub(crate) struct Notice {
    notify: Notify,
    scope: Scope,
    prepared: OnceLock<Prepared>,
}

#[derive(Debug)]
struct Prepared {
    /// Those of all its texts, each once: what two languages say alike is worked out once.
    expressions: BTreeMap<String, CompiledOnce>,
    /// The room for the values of each text, in bytes as stored.
    room: usize,
}

impl Prepared {
    fn of(texts: &Texts, scope: Scope) -> Self {
        let expressions = texts.expressions().map(|(text, _)| (text.to_owned(), CompiledOnce::new(text, scope))).collect();
        let taken = texts.stored_bytes() + MAX_PLAIN_COPY_BYTES;
        Self { expressions, room: MAX_STORED_TEXTS_BYTES.saturating_sub(taken) / (1 + texts.chosen.len()) }
    }
}

impl Notice {
    pub(crate) fn new(notify: &Notify, scope: Scope) -> Self {
        Self { notify: notify.clone(), scope, prepared: OnceLock::new() }
    }

    fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::of(&self.notify.text, self.scope))
    }

    /// What its cap does with notifications that exceed it.
    pub(crate) fn overflow(&self) -> CapOverflow {
        self.notify.cap.map(|cap| cap.overflow).unwrap_or_default()
    }

    pub(crate) fn intent(&self, variables: &Variables) -> Result<Intent, RuleError> {
        let mut known = BTreeMap::new();
        let mut text = |text: &Text| self.parts(text, variables, &mut known);
        let default = text(&self.notify.text.default)?;
        let mut variants = Vec::with_capacity(self.notify.text.chosen.len());
        for chosen in &self.notify.text.chosen {
            let (channel, language) = (chosen.channel, chosen.language.clone());
            variants.push(Variant { channel, language, text: text(&chosen.text)? });
        }
        // What its overflow is stands beside it: see `PlannedAction`.
        let cap = self.notify.cap.map(|cap| Cap { overflow: CapOverflow::default(), ..cap });
        Ok(Intent::Notify { text: default, variants, channels: self.notify.channels.0.clone(), cap })
    }

    fn parts<'n>(
        &'n self,
        text: &Text,
        variables: &Variables,
        known: &mut BTreeMap<&'n str, Result<Value, EvaluationError>>,
    ) -> Result<Vec<Part>, RuleError> {
        let Prepared { expressions, room } = self.prepared();
        let mut room = *room;
        self.notify.text.store(text, &mut |expression, has_fallback| {
            let Some((name, lazy)) = expressions.get_key_value(expression) else { return Ok(None) };
            let value = known.entry(name).or_insert_with(|| lazy.evaluate_for_text(variables, MAX_TEXT_CHARS));
            let computed = lazy.computes();
            match value {
                Ok(value) => match in_a_text(&written(value, computed)).map(|text| harmless(&text)) {
                    Some(text) if !(text.is_empty() && has_fallback) => {
                        let (text, cut) = fit(text, room);
                        room = room.saturating_sub(bytes(&text));
                        Ok(Some(Given { text, cut, computed }))
                    }
                    Some(_) => Ok(None),
                    None if has_fallback => Ok(None),
                    None => Err(RuleError::NoTextValue),
                },
                Err(EvaluationError::Absent(_)) if has_fallback => Ok(None),
                Err(error) => Err(error.clone().into()),
            }
        })
    }
}

/// A computed number, without the digits that binary floating point adds: 10 * 1.19 is 11.9.
fn written(value: &Value, computed: bool) -> Cow<'_, Value> {
    let number = value.as_f64().filter(|number| computed && number.fract() != 0.0);
    // A double keeps 15 significant digits of the decimal number that it stands for.
    let rounded = number.and_then(|number| format!("{number:.14e}").parse::<f64>().ok());
    rounded.map_or(Cow::Borrowed(value), |rounded| Cow::Owned(Value::from(rounded)))
}

/// Without characters that no channel shows: they would be removed anyway, and take six bytes when stored.
fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || ['\n', '\t'].contains(c)).collect()
}

/// The part that fits, cut at the end of a word if one is near, and whether it was cut.
fn fit(mut text: String, room: usize) -> (String, bool) {
    let (mut used, mut last_word) = (0, None);
    for (n, (at, c)) in text.char_indices().enumerate() {
        used += stored(c);
        if used > room || n == MAX_TEXT_CHARS {
            let word = last_word.filter(|word| at - word <= LONGEST_WORD);
            text.truncate(word.unwrap_or(at));
            return (text, true);
        }
        if c.is_whitespace() {
            last_word = Some(at);
        }
    }
    (text, false)
}

/// In bytes. A longer word is cut inside.
const LONGEST_WORD: usize = 64;

fn bytes(text: &str) -> usize {
    text.chars().map(stored).sum()
}

/// Bytes of a character in JSON.
fn stored(c: char) -> usize {
    if ['"', '\\', '\n', '\t'].contains(&c) { 2 } else { c.len_utf8() }
}
