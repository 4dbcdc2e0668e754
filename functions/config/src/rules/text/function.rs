//! The functions of texts. Each is the whole of a placeholder: `{money(data.amount, data.currency)}`.

use super::quotes::outside_quotes;
use super::{Source, TextPart};
use crate::rules::is_name;
use crate::text::fields::is_prose;
use crate::text::locale::{Currency, DateStyle, Decimal, PluralCategory};
use crate::text::{Form, ValueKind};
use crate::time::Zone;

/// Each function with an example.
const FUNCTIONS: &[(&str, &str)] = &[
    ("money", "{money(data.amount, data.currency)}"),
    ("minor", "{minor(data.amount_cents, data.currency)}"),
    ("number", "{number(data.count)}"),
    ("date", "{date(data.at, 'short')}"),
    ("plural", "{plural(data.count, {'one': '# parcel', 'other': '# parcels'})}"),
    ("plain", "{plain(data.id)}"),
    ("exact", "{exact(data.name)}"),
];

pub(super) fn example(name: &str) -> &'static str {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map_or("", |(_, example)| example)
}

/// The function and its arguments, if the whole placeholder is one call.
pub(super) fn whole_call(inside: &str) -> Option<(&str, Vec<&str>)> {
    let (name, rest) = inside.split_once('(')?;
    let (name, arguments) = (name.trim_end(), rest.strip_suffix(')')?);
    FUNCTIONS.iter().find(|(known, _)| *known == name)?;
    let mut depth = 0_usize;
    for (_, c) in outside_quotes(arguments) {
        match c {
            '(' | '[' | '{' => depth += 1,
            // Its bracket closes before the placeholder ends.
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    (depth == 0).then(|| (name, split(arguments, ',')))
}

/// A function of texts that is used inside an expression.
pub(super) fn inner_call(expression: &str) -> Option<&'static str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let outside: Vec<(usize, char)> = outside_quotes(expression).collect();
    outside.iter().filter(|(_, c)| *c == '(').find_map(|(at, _)| {
        let before = expression[..*at].trim_end();
        let name = before.rsplit(|c| !is_word(c)).next()?;
        let is_method = before.strip_suffix(name)?.trim_end().ends_with('.');
        FUNCTIONS.iter().map(|(known, _)| *known).find(|known| *known == name && !is_method)
    })
}

/// Splits at this character, outside quotes and brackets.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut pieces, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (n, c) in outside_quotes(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            c if c == at && depth == 0 => {
                pieces.push(text[start..n].trim());
                start = n + c.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(text[start..].trim());
    pieces
}

/// The text of a quoted literal. `None`: the argument is something else.
fn literal(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let (mut said, mut chars) = (String::new(), inside.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => said.push('\n'),
                escaped @ ('\\' | '\'' | '"' | '`' | '?') => said.push(escaped),
                // A backslash that belongs to the text.
                other => said.extend(['\\', other]),
            },
            c if c == quote => return None,
            c => said.push(c),
        }
    }
    Some(said)
}

/// Reads a form of a plural: a text with its own places.
pub(super) type ReadForm = fn(&str) -> Result<Vec<TextPart>, String>;

/// `plural_form`: `None` in a form of a plural, which can't contain a plural.
pub(super) fn form(name: &str, arguments: &[&str], plural_form: Option<ReadForm>) -> Result<Form<Source, Vec<TextPart>>, String> {
    let wrong = |what: String| format!("{what}; write it as {}", example(name));
    let counted = |wanted: &str| wrong(format!("{name}(…) takes {wanted}"));
    Ok(match (name, arguments) {
        ("money", [amount, currency]) => Form::Money { amount: self::amount(amount)?, currency: self::currency(currency)? },
        ("minor", [amount, currency]) => Form::Minor { amount: self::amount(amount)?, currency: self::currency(currency)? },
        ("money" | "minor", _) => return Err(counted("an amount and a currency")),
        ("number", [number]) => Form::Number(amount(number)?),
        ("number", _) => return Err(counted("one number")),
        ("date", [at, style]) => Form::Date { at: source(at)?, style: self::style(style)?, zone: None },
        ("date", [at, style, zone]) => Form::Date { at: source(at)?, style: self::style(style)?, zone: Some(self::zone(zone)?) },
        ("date", _) => return Err(counted("a time, a style and optionally a zone")),
        ("plural", arguments) => match (plural_form, arguments) {
            (None, _) => return Err("a plural inside a form of a plural".to_owned()),
            (Some(read), [number, forms]) => {
                Form::Plural { number: amount(number)?, forms: self::forms(forms, read).map_err(wrong)? }
            }
            (Some(_), _) => return Err(counted("a number and its forms")),
        },
        _ => return Err(counted("a number and its forms")),
    })
}

/// A fact, or an expression that has none of the functions of texts.
pub(super) fn source(text: &str) -> Result<Source, String> {
    let text = text.trim();
    if let Some(name) = text.strip_prefix("facts.").filter(|name| is_name(name)) {
        return Ok(Source::Fact(name.to_owned()));
    }
    match inner_call(text) {
        Some(name) => Err(format!("{name}(…) inside an expression: it must be the whole placeholder, as {}", example(name))),
        None => Ok(Source::Expression(text.to_owned())),
    }
}

fn amount(text: &str) -> Result<Source, String> {
    match literal(text) {
        Some(said) if Decimal::parse(&said).is_none() => {
            Err(format!("{said:?} isn't a number; write digits and a point, as '19.90'"))
        }
        Some(_) | None => source(text),
    }
}

fn currency(text: &str) -> Result<Source, String> {
    match literal(text) {
        Some(said) if Currency::parse(&said).is_none() => {
            Err(format!("{said:?} isn't a currency; write three letters, as 'EUR'"))
        }
        Some(_) | None => source(text),
    }
}

fn zone(text: &str) -> Result<Source, String> {
    match literal(text) {
        Some(said) if Zone::named(&said).is_none() => {
            Err(format!("unknown time zone {said:?}; write it as Europe/Berlin, America/New_York, UTC"))
        }
        Some(_) | None => source(text),
    }
}

fn style(text: &str) -> Result<DateStyle, String> {
    let known = DateStyle::ALL.iter().map(|style| style.as_str()).collect::<Vec<_>>().join(", ");
    let Some(said) = literal(text) else {
        return Err(format!("a date's style is one of {known}, in quotes: '{}'", DateStyle::Short));
    };
    DateStyle::parse(&said).ok_or_else(|| format!("unknown style {said:?} of a date, allowed: {known}"))
}

/// `{'one': '# parcel', 'other': '# parcels'}`
fn forms(text: &str, read: ReadForm) -> Result<Vec<(PluralCategory, Vec<TextPart>)>, String> {
    let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).map(str::trim);
    let inside = inside.ok_or("the forms of a plural must be a map of texts in quotes")?;
    let mut forms: Vec<(PluralCategory, Vec<TextPart>)> = Vec::new();
    for entry in split(inside, ',').into_iter().filter(|entry| !entry.is_empty()) {
        let pair = split(entry, ':');
        let [category, form] = pair.as_slice() else { return Err(format!("{entry}: a form is a pair of texts in quotes")) };
        let (Some(category), Some(form)) = (literal(category), literal(form)) else {
            return Err(format!("{entry}: a form is a pair of texts in quotes"));
        };
        let known = || PluralCategory::ALL.iter().map(|category| category.as_str()).collect::<Vec<_>>().join(", ");
        let category = PluralCategory::parse(&category)
            .ok_or_else(|| format!("unknown form {category:?} of a plural, allowed: {}", known()))?;
        if forms.iter().any(|(before, _)| *before == category) {
            return Err(format!("a plural has the form {category} twice"));
        }
        forms.push((category, read(&form)?));
    }
    if !forms.iter().any(|(category, _)| *category == PluralCategory::Other) {
        return Err("a plural needs the form 'other', which is used if no other form fits".to_owned());
    }
    Ok(forms)
}

/// Whether an expression gives prose, judged by its names.
pub fn gives_prose(expression: &str) -> bool {
    kind_of(expression) == ValueKind::Prose
}

/// The kind of value that an expression gives, judged by its names: prose if one of its paths ends in a prose field.
pub(super) fn kind_of(expression: &str) -> ValueKind {
    let written = |path: &Vec<String>| path.len() > 1 && path.last().is_some_and(|name| is_prose(name));
    if paths(expression).iter().any(written) { ValueKind::Prose } else { ValueKind::Data }
}

/// Methods whose result contains no part of their receiver.
const ABOUT_THE_VALUE: &[&str] = &["contains", "endsWith", "indexOf", "lastIndexOf", "matches", "size", "startsWith"];

/// The names of each path: `data.order['title']` and `data.?order.?title` have the same names. The name of a called
/// function isn't part of a path.
fn paths(expression: &str) -> Vec<Vec<String>> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut rest = expression;
    let mut goes_on = false;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let is_call = after.trim_start().starts_with('(');
            match paths.last_mut().filter(|_| goes_on) {
                _ if is_call && goes_on && ABOUT_THE_VALUE.contains(&name) => {
                    paths.pop();
                }
                _ if is_call => {}
                Some(path) => path.push(name.to_owned()),
                None => paths.push(vec![name.to_owned()]),
            }
            goes_on = !is_call;
            rest = after;
        } else if let Some(quoted) = ['\'', '"'].contains(&c).then(|| rest[1..].find(c)).flatten() {
            let (name, after) = (&rest[1..=quoted], &rest[quoted + 2..]);
            if let Some(path) = paths.last_mut().filter(|_| goes_on && after.trim_start().starts_with(']')) {
                path.push(name.to_owned());
            }
            rest = after;
        } else {
            goes_on &= c == '.' || c == '?' || c == '[' || c == ']' || c.is_ascii_digit();
            rest = &rest[c.len_utf8()..];
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_recognised_by_the_end_of_its_path() {
        for prose in [
            "data.customer.name",
            "data.items[0].title",
            "data['note']",
            "data.?order.?title.orValue('none')",
            "has(data.note) ? data.note : ''",
            "'by ' + data.user.login",
            "facts.last_message",
        ] {
            assert_eq!(kind_of(prose), ValueKind::Prose, "{prose}");
        }
        for data in ["data.url", "data.name.id", "data.text.size()", "'name'", "event.type", "data.note_id", "string(data.total)"]
        {
            assert_eq!(kind_of(data), ValueKind::Data, "{data}");
        }
    }

    #[test]
    fn a_function_is_a_whole_placeholder() {
        assert_eq!(whole_call("money(data.a, 'eur')"), Some(("money", vec!["data.a", "'eur'"])));
        assert_eq!(whole_call("number(data.a) + number(data.b)"), None);
        assert_eq!(whole_call("size(data.a)"), None);
        assert_eq!(
            (inner_call("1 + number(data.b)"), inner_call("data.date(1)"), inner_call("'number(1)'")),
            (Some("number"), None, None)
        );
    }
}
