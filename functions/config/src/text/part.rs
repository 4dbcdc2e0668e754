//! A text as it is stored until it is sent: its values are evaluated, but its facts, language and channel are still open.

use super::locale::{DateStyle, PluralCategory};
use super::span::{Style, ValueKind};
use crate::rules::Channel;
use serde::{Deserialize, Serialize};

/// A part of a text. Formatting waits until the language and the channel are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The author's own words.
    Words(String),
    /// A value from the event: prose.
    Value(String),
    /// A value from the event that arrives unchanged.
    Data(String),
    Fact {
        name: String,
        /// The text to use if the fact is unknown.
        fallback: String,
        kind: ValueKind,
    },
    Open(Style),
    Close(Style),
    Link {
        label: Vec<Part>,
        to: Vec<Part>,
    },
    Form {
        form: Form<Argument, Vec<Part>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback: Option<String>,
    },
    /// The number of the enclosing plural.
    Count,
    /// The value before it was cut: the mark for that.
    Cut,
}

/// A function of texts. `A` is the origin of its arguments, `T` a text inside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form<A, T> {
    /// The amount in major units: `19.90`.
    Money {
        amount: A,
        currency: A,
    },
    /// The amount in minor units: `1990`.
    Minor {
        amount: A,
        currency: A,
    },
    Number(A),
    Date {
        at: A,
        style: DateStyle,
        #[serde(default = "none", skip_serializing_if = "Option::is_none")]
        zone: Option<A>,
    },
    /// `other` always exists.
    Plural {
        number: A,
        forms: Vec<(PluralCategory, T)>,
    },
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Argument {
    /// The value as received.
    Is(String),
    /// The result of a computation, which may have more digits than anybody wrote.
    Computed(String),
    Fact(String),
}

/// A text for a channel, a language, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub text: Vec<Part>,
}

fn none<T>() -> Option<T> {
    None
}

impl<A, T> Form<A, T> {
    /// Its arguments, the required ones first.
    pub fn arguments(&self) -> Vec<&A> {
        match self {
            Self::Money { amount, currency } | Self::Minor { amount, currency } => vec![amount, currency],
            Self::Number(number) | Self::Plural { number, .. } => vec![number],
            Self::Date { at, zone, .. } => std::iter::once(at).chain(zone).collect(),
        }
    }

    pub fn texts(&self) -> Vec<&T> {
        match self {
            Self::Plural { forms, .. } => forms.iter().map(|(_, text)| text).collect(),
            Self::Money { .. } | Self::Minor { .. } | Self::Number(_) | Self::Date { .. } => Vec::new(),
        }
    }

    pub fn texts_mut(&mut self) -> Vec<&mut T> {
        match self {
            Self::Plural { forms, .. } => forms.iter_mut().map(|(_, text)| text).collect(),
            Self::Money { .. } | Self::Minor { .. } | Self::Number(_) | Self::Date { .. } => Vec::new(),
        }
    }

    /// Converts arguments and texts, in their order.
    ///
    /// # Errors
    /// The first error of either function.
    pub fn map<B, U, E>(
        &self,
        mut argument: impl FnMut(&A) -> Result<B, E>,
        mut text: impl FnMut(&T) -> Result<U, E>,
    ) -> Result<Form<B, U>, E> {
        Ok(match self {
            Self::Money { amount, currency } => Form::Money { amount: argument(amount)?, currency: argument(currency)? },
            Self::Minor { amount, currency } => Form::Minor { amount: argument(amount)?, currency: argument(currency)? },
            Self::Number(number) => Form::Number(argument(number)?),
            Self::Date { at, style, zone } => {
                let at = argument(at)?;
                Form::Date { at, style: *style, zone: zone.as_ref().map(&mut argument).transpose()? }
            }
            Self::Plural { number, forms } => {
                let number = argument(number)?;
                let forms = forms.iter().map(|(category, form)| Ok((*category, text(form)?))).collect::<Result<_, E>>()?;
                Form::Plural { number, forms }
            }
        })
    }
}

/// Whether any part is a fact or contains one.
pub fn uses_facts(parts: &[Part]) -> bool {
    parts.iter().any(|part| match part {
        Part::Words(_) | Part::Value(_) | Part::Data(_) | Part::Open(_) | Part::Close(_) | Part::Count | Part::Cut => false,
        Part::Fact { .. } => true,
        Part::Link { label, to } => uses_facts(label) || uses_facts(to),
        Part::Form { form, .. } => {
            let is_fact = |argument: &&Argument| match argument {
                Argument::Is(_) | Argument::Computed(_) => false,
                Argument::Fact(_) => true,
            };
            form.arguments().iter().any(is_fact) || form.texts().into_iter().any(|text| uses_facts(text))
        }
    })
}

/// The default text and the variants.
pub fn texts_of<'p>(default: &'p [Part], variants: &'p [Variant]) -> impl Iterator<Item = &'p [Part]> {
    std::iter::once(default).chain(variants.iter().map(|variant| variant.text.as_slice()))
}
