//! Converts a text as it was parsed to a text as it is stored: each placeholder with its value.

use super::{Source, Text, TextPart, TextPlace, Texts, What};
use crate::text::{Argument, Form, Part, ValueKind};
use std::convert::Infallible;

/// The value of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub text: String,
    /// Whether the value was cut because it exceeded its room.
    pub cut: bool,
    /// Arithmetic has made it.
    pub computed: bool,
}

/// What gives values: asked with an expression, and whether something is said where it has none. `None` is what it then has.
type Values<'v, E> = &'v mut dyn FnMut(&str, bool) -> Result<Option<Given>, E>;

impl Texts {
    /// One of them, with its values.
    ///
    /// # Errors
    /// What `values` gives.
    pub fn store<E>(&self, text: &Text, values: Values<'_, E>) -> Result<Vec<Part>, E> {
        self.parts(text.parts(), values)
    }

    /// What all of them take, without their values.
    pub fn stored_bytes(&self) -> usize {
        let nothing =
            &mut |_: &str, _: bool| Ok::<_, Infallible>(Some(Given { text: String::new(), cut: false, computed: true }));
        let mut bytes = |text: &Text| match self.store(text, nothing) {
            // With its place among those that are data.
            Ok(parts) => serde_json::to_string(&parts).map_or(usize::MAX, |json| json.len().saturating_add(6 * parts.len())),
            Err(never) => match never {},
        };
        let mut all = 0_usize;
        for text in self.all() {
            // Its key, and what is around it.
            all = all.saturating_add(bytes(text)).saturating_add(96);
        }
        all
    }

    fn parts<E>(&self, parts: &[TextPart], values: Values<'_, E>) -> Result<Vec<Part>, E> {
        let mut stored = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                TextPart::Words(words) => stored.push(Part::Words(words.clone())),
                TextPart::Open(style) => stored.push(Part::Open(*style)),
                TextPart::Close(style) => stored.push(Part::Close(*style)),
                TextPart::Count => stored.push(Part::Count),
                TextPart::Link { label, to } => {
                    let (label, to) = (self.parts(label, values)?, self.parts(to, values)?);
                    stored.push(Part::Link { label, to });
                }
                TextPart::Place(TextPlace { what: What::Value { of, kind }, fallback }) => match of {
                    Source::Fact(name) => {
                        let kind = kind.unwrap_or_else(|| self.kind(of));
                        let fallback = fallback.clone().unwrap_or_default();
                        stored.push(Part::Fact { name: name.clone(), fallback, kind });
                    }
                    Source::Expression(expression) => match (values(expression, fallback.is_some())?, kind) {
                        (None, _) => stored.push(Part::Words(fallback.clone().unwrap_or_default())),
                        (Some(Given { text, cut, .. }), kind) => {
                            stored.push(match kind.unwrap_or_else(|| self.kind(of)) {
                                ValueKind::Data => Part::Data(text),
                                ValueKind::Prose => Part::Value(text),
                            });
                            stored.extend(cut.then_some(Part::Cut));
                        }
                    },
                },
                TextPart::Place(TextPlace { what: What::Form(form), fallback }) => {
                    stored.push(self.form(form, fallback.as_deref(), values)?);
                }
            }
        }
        Ok(stored)
    }

    /// Without the value that it is about it is its fallback; without another it is written as well as it can be.
    fn form<E>(&self, form: &Form<Source, Vec<TextPart>>, fallback: Option<&str>, values: Values<'_, E>) -> Result<Part, E> {
        let mut is_there = true;
        let mut given = Vec::new();
        for (n, argument) in form.arguments().into_iter().enumerate() {
            given.push(match argument {
                Source::Fact(name) => Argument::Fact(name.clone()),
                Source::Expression(expression) => match values(expression, n > 0 || fallback.is_some())? {
                    Some(Given { text, computed: true, .. }) => Argument::Computed(text),
                    Some(Given { text, .. }) => Argument::Is(text),
                    None => {
                        is_there &= n > 0;
                        Argument::Is(String::new())
                    }
                },
            });
        }
        if !is_there {
            return Ok(Part::Words(fallback.unwrap_or_default().to_owned()));
        }
        let mut given = given.into_iter();
        let nothing = || Argument::Is(String::new());
        let form = form.map(|_| Ok(given.next().unwrap_or_else(nothing)), |text| self.parts(text, values))?;
        Ok(Part::Form { form, fallback: fallback.map(str::to_owned) })
    }
}
