//! A stored text becomes what somebody reads: the facts come to it, and what a language writes its own way is written.

use super::link::{escaped, is_link};
use super::locale::{Currency, DateStyle, Decimal, PluralCategory};
use super::part::{Argument, Form, Part, Variant};
use super::reader::Reader;
use super::span::{Span, ValueKind};
use serde_json::Value;
use tidings_config::limits::MAX_TEXT_CHARS;
use tidings_config::rules::Channel;
use tidings_config::time::{Timestamp, Zone};

/// What is said, before it is written for its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub spans: Vec<Span>,
    /// A value had no room.
    pub cut: bool,
    /// The language of the text, where anybody has said so.
    pub language: Option<String>,
}

/// A value as it reads in a text. `None` for what has no such form: nothing, a list, an object.
pub fn in_a_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The one of these texts that is for this channel and this reader.
pub fn say(default: &[Part], variants: &[Variant], channel: Option<Channel>, reader: &Reader<'_>) -> Said {
    let (parts, chosen) = reader.choose(default, variants, channel);
    let mut saying = Saying { reader, chosen, room: MAX_TEXT_CHARS, cut: false };
    let mut spans = Vec::new();
    saying.parts(parts, None, &mut spans);
    Said { spans, cut: saying.cut, language: reader.language_of_text(chosen) }
}

struct Saying<'a> {
    reader: &'a Reader<'a>,
    /// The language that the text is chosen for.
    chosen: Option<&'a str>,
    /// For further characters of values. The author's own words are bounded where they are read.
    room: usize,
    cut: bool,
}

impl Saying<'_> {
    /// `count`: in the form of a plural, its number.
    fn parts(&mut self, parts: &[Part], count: Option<&str>, spans: &mut Vec<Span>) {
        for part in parts {
            match part {
                Part::Words(words) => self.words(words, spans),
                Part::Value(text) => self.value(text, ValueKind::Prose, spans),
                Part::Data(text) => self.value(text, ValueKind::Data, spans),
                Part::Fact { name, fallback, kind } => match self.fact(name) {
                    Some(text) => self.value(&text, *kind, spans),
                    None => self.words(fallback, spans),
                },
                Part::Open(style) => spans.push(Span::Open(*style)),
                Part::Close(style) => spans.push(Span::Close(*style)),
                Part::Link { label, to } => self.link(label, to, count, spans),
                Part::Form { form, fallback } => self.form(form, fallback.as_deref(), spans),
                Part::Count => self.value(count.unwrap_or("#"), ValueKind::Data, spans),
                Part::Cut => {
                    self.cut = true;
                    self.words("…", spans);
                }
            }
        }
    }

    fn words(&self, words: &str, spans: &mut Vec<Span>) {
        if !words.is_empty() {
            spans.push(Span::Words(words.to_owned()));
        }
    }

    /// As much of it as there is room for.
    fn value(&mut self, text: &str, kind: ValueKind, spans: &mut Vec<Span>) {
        let chars = text.chars().count();
        let end = text.char_indices().nth(self.room).map_or(text.len(), |(at, _)| at);
        if end > 0 {
            spans.push(Span::Value { text: text[..end].to_owned(), kind });
        }
        if chars > self.room && !self.cut {
            self.cut = true;
            spans.push(Span::Words("…".to_owned()));
        }
        self.room = self.room.saturating_sub(chars);
    }

    /// `None`: it isn't known, or there is nothing in it to say.
    fn fact(&self, name: &str) -> Option<String> {
        self.reader.fact(name).and_then(in_a_text).filter(|text| !text.is_empty())
    }

    fn argument(&self, argument: &Argument) -> Option<String> {
        match argument {
            Argument::Is(text) | Argument::Computed(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Argument::Fact(name) => self.fact(name),
        }
    }

    fn link(&mut self, label: &[Part], to: &[Part], count: Option<&str>, spans: &mut Vec<Span>) {
        let (mut address, mut behind) = (String::new(), false);
        for part in to {
            let put = |text: &str| if behind { escaped(text) } else { text.trim().to_owned() };
            match part {
                Part::Words(words) => address.push_str(words),
                Part::Value(text) | Part::Data(text) => address.push_str(&put(text)),
                Part::Fact { name, fallback, .. } => match self.fact(name) {
                    Some(text) => address.push_str(&put(&text)),
                    None => address.push_str(fallback),
                },
                Part::Cut => self.cut = true,
                // The neutral form has none of these in an address.
                Part::Open(_) | Part::Close(_) | Part::Link { .. } | Part::Form { .. } | Part::Count => {}
            }
            behind = true;
        }
        let mut shown = Vec::new();
        self.parts(label, count, &mut shown);
        let chars = address.chars().count();
        if is_link(&address) && chars <= self.room {
            self.room -= chars;
            spans.push(Span::Link { label: shown, to: address });
        } else {
            spans.append(&mut shown);
            if !address.is_empty() {
                self.words(" ", spans);
                self.value(&address, ValueKind::Prose, spans);
            }
        }
    }

    fn form(&mut self, form: &Form<Argument, Vec<Part>>, fallback: Option<&str>, spans: &mut Vec<Span>) {
        match (self.written(form), fallback) {
            (Some(Written::Value(text)), _) => self.value(&text, ValueKind::Data, spans),
            (Some(Written::Text(parts, count)), _) => self.parts(parts, Some(&count), spans),
            (None, Some(fallback)) => self.words(fallback, spans),
            (None, None) => {
                let shown = match form {
                    Form::Money { amount, currency } | Form::Minor { amount, currency } => vec![amount, currency],
                    Form::Number(number) | Form::Plural { number, .. } => vec![number],
                    Form::Date { at, .. } => vec![at],
                };
                let shown: Vec<String> = shown.into_iter().filter_map(|argument| self.argument(argument)).collect();
                self.value(&shown.join(" "), ValueKind::Prose, spans);
            }
        }
    }

    /// `None`: what is there can't be written so.
    fn written<'f>(&self, form: &'f Form<Argument, Vec<Part>>) -> Option<Written<'f>> {
        let locale = self.reader.locale()?;
        let decimal = |argument| Decimal::parse(self.argument(argument)?.trim());
        let currency = |argument| Currency::parse(self.argument(argument)?.trim());
        Some(match form {
            Form::Money { amount, currency: of } => {
                let currency = currency(of)?;
                Written::Value(locale.money(&exact(amount, decimal(amount)?, currency), currency))
            }
            Form::Minor { amount, currency: of } => {
                let currency = currency(of)?;
                let major = decimal(amount)?.from_minor_units(currency)?;
                Written::Value(locale.money(&exact(amount, major, currency), currency))
            }
            Form::Number(number) => Written::Value(locale.number(&decimal(number)?)),
            Form::Date { at, style, zone } => {
                let own = zone.as_ref().and_then(|zone| Zone::named(&self.argument(zone)?));
                let (at, is_local) = moment(self.argument(at)?.trim(), *style)?;
                let zone = if is_local { Zone::named("UTC") } else { own.or_else(|| self.reader.zone()) };
                Written::Value(locale.date(at, &zone?, *style))
            }
            Form::Plural { number, forms } => {
                let number = decimal(number)?;
                let category = self.reader.locale_of_text(self.chosen)?.plural(&number);
                let form = |wanted: PluralCategory| forms.iter().find(|(category, _)| *category == wanted);
                let (_, text) = form(category).or_else(|| form(PluralCategory::Other))?;
                Written::Text(text, locale.number(&number))
            }
        })
    }
}

enum Written<'f> {
    Value(String),
    /// With its number.
    Text(&'f [Part], String),
}

/// An amount that was sent keeps its digits; one that was computed has those of its currency, unless nothing would be left of it.
fn exact(argument: &Argument, amount: Decimal, currency: Currency) -> Decimal {
    match argument {
        Argument::Is(_) | Argument::Fact(_) => amount,
        Argument::Computed(_) => {
            let rounded = amount.rounded(currency.minor());
            if rounded.is_zero() { amount } else { rounded }
        }
    }
}

/// Above this a number of a time is milliseconds: as seconds it would be the year 5138.
const FIRST_MS: i64 = 100_000_000_000;

/// A time, and whether it is one of a clock that says no zone: it is shown as it is. A date alone has no time to show.
fn moment(text: &str, style: DateStyle) -> Option<(Timestamp, bool)> {
    let seconds = text.split_once('.').map_or(text, |(whole, _)| whole);
    if let Ok(number) = seconds.parse::<i64>() {
        let at = if number.abs() < FIRST_MS { Timestamp::from_unix_s(number)? } else { Timestamp::from_unix_ms(number) };
        return at.is_rfc3339().then_some((at, false));
    }
    if let Some(at) = Timestamp::parse_written(text) {
        return Some((at, false));
    }
    let shows_time = match style {
        DateStyle::Time | DateStyle::Datetime => true,
        DateStyle::Short | DateStyle::Medium | DateStyle::Long | DateStyle::Full => false,
    };
    let has_time = text.contains(':');
    Timestamp::parse_utc(text).filter(|_| has_time || !shows_time).map(|at| (at, true))
}

#[cfg(test)]
mod tests;
