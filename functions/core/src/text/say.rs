//! Turns a stored text into the text that a person reads: inserts facts, and formats values for the language.

use super::reader::Reader;
use serde_json::Value;
use tidings_config::limits::MAX_TEXT_CHARS;
use tidings_config::rules::Channel;
use tidings_config::text::link::{escaped, is_link};
use tidings_config::text::locale::{Currency, DateStyle, Decimal, PluralCategory};
use tidings_config::text::{Argument, Form, Part, Variant};
use tidings_config::text::{Span, ValueKind};
use tidings_config::time::{Timestamp, Zone};

/// A text before it is rendered for its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub spans: Vec<Span>,
    /// Whether a value was cut for lack of room.
    pub cut: bool,
    /// The language of the text, if it is stated.
    pub language: Option<String>,
}

/// A value as it appears in a text. `None`: it has no text form (null, a list, an object).
pub fn in_a_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Selects the text for this channel and this reader, and evaluates it.
pub fn say(default: &[Part], variants: &[Variant], channel: Option<Channel>, reader: &Reader<'_>) -> Said {
    let (parts, chosen) = reader.choose(default, variants, channel);
    let mut saying = Saying { reader, chosen, room: MAX_TEXT_CHARS, cut: false };
    let mut spans = Vec::new();
    saying.parts(parts, None, &mut spans);
    Said { spans, cut: saying.cut, language: reader.language_of_text(chosen) }
}

struct Saying<'a> {
    reader: &'a Reader<'a>,
    /// The language that the text was selected for.
    chosen: Option<&'a str>,
    /// Characters left for values. The author's own words are bounded when they are parsed.
    room: usize,
    cut: bool,
}

impl Saying<'_> {
    /// `count`: the number of the enclosing plural.
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

    /// Appends a value as far as there is room.
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

    /// `None`: the fact is unknown or empty.
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
                // The neutral form allows none of these in an address.
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

    /// `None`: the value can't be formatted this way.
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
    /// A text with its number.
    Text(&'f [Part], String),
}

/// The amount to show. A received amount keeps its digits; a computed one gets the currency's decimals, unless that
/// would make it zero.
fn exact(argument: &Argument, amount: Decimal, currency: Currency) -> Decimal {
    match argument {
        Argument::Is(_) | Argument::Fact(_) => amount,
        Argument::Computed(_) => {
            let rounded = amount.rounded(currency.minor());
            if rounded.is_zero() { amount } else { rounded }
        }
    }
}

/// Parses a time. The flag says that it has no zone; it is then shown unchanged. A date without a time has no time to show.
fn moment(text: &str, style: DateStyle) -> Option<(Timestamp, bool)> {
    if let Some(at) = Timestamp::parse_in_event(text) {
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
