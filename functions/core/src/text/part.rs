//! A text as it is stored until it is said: its values worked out, its facts, language and channel still open.

use super::locale::{DateStyle, PluralCategory};
use super::span::{Style, ValueKind};
use serde::{Deserialize, Serialize};
use tidings_config::expressions::Channel;

/// A part of a text. What is written for a language or a channel is written when it is known which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The author's own words.
    Words(String),
    /// From the event: what people wrote.
    Value(String),
    /// From the event: what arrives unchanged.
    Data(String),
    Fact {
        name: String,
        /// Words for where it isn't known.
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
    /// The number of the plural in whose form it stands.
    Count,
    /// The value before it had no room: the mark for that.
    Cut,
}

/// What a function of texts writes. `A` is where its arguments come from, `T` a text inside it.
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
    /// `other` is always there.
    Plural {
        number: A,
        forms: Vec<(PluralCategory, T)>,
    },
}

/// Of a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Argument {
    /// As it was sent.
    Is(String),
    /// Worked out by an expression that computes: it may have more digits than anybody wrote.
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
    /// What it can't do without comes first.
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

    /// The same form of other arguments and texts: `argument` is asked in their order.
    ///
    /// # Errors
    /// The first that either gives.
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

/// Whether any of them is a fact, or has one.
pub fn tells_facts(parts: &[Part]) -> bool {
    parts.iter().any(|part| match part {
        Part::Words(_) | Part::Value(_) | Part::Data(_) | Part::Open(_) | Part::Close(_) | Part::Count | Part::Cut => false,
        Part::Fact { .. } => true,
        Part::Link { label, to } => tells_facts(label) || tells_facts(to),
        Part::Form { form, .. } => {
            let is_fact = |argument: &&Argument| match argument {
                Argument::Is(_) | Argument::Computed(_) => false,
                Argument::Fact(_) => true,
            };
            form.arguments().iter().any(is_fact) || form.texts().into_iter().any(|text| tells_facts(text))
        }
    })
}

/// The default and the others.
pub fn texts_of<'p>(default: &'p [Part], variants: &'p [Variant]) -> impl Iterator<Item = &'p [Part]> {
    std::iter::once(default).chain(variants.iter().map(|variant| variant.text.as_slice()))
}
