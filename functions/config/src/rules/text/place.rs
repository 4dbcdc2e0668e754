//! Placeholders: the text between `{` and `}`, with its end and its fallback.

use super::function::{ReadForm, form, source, whole_call};
use super::quotes::outside_quotes;
use super::{Source, TextPlace, What};
use crate::text::ValueKind;

/// A placeholder that was cut out of a text.
#[derive(Debug)]
pub(super) struct Cut<'t> {
    /// The text without the fallback.
    pub(super) inside: &'t str,
    pub(super) fallback: Option<String>,
    /// The text after its `}`.
    pub(super) rest: &'t str,
}

/// Cuts the place whose `{` is just before `text`.
pub(super) fn cut(text: &str) -> Result<Cut<'_>, String> {
    let unclosed = || "a { without its }; write a literal brace as {{".to_owned();
    let mut depth = 0_usize;
    let mut bars = outside_quotes(text).peekable();
    while let Some((at, c)) = bars.next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            '}' if depth == 0 => return Ok(Cut { inside: text[..at].trim(), fallback: None, rest: &text[at + 1..] }),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '|' if bars.peek() == Some(&(at + 1, '|')) => {
                bars.next();
            }
            '|' if depth == 0 => {
                let (fallback, rest) = fallback(&text[at + 1..]).ok_or_else(unclosed)?;
                return Ok(Cut { inside: text[..at].trim(), fallback: Some(fallback), rest });
            }
            _ => {}
        }
    }
    Err(unclosed())
}

/// The fallback up to the placeholder's `}`. It isn't CEL, so an apostrophe is a plain character.
fn fallback(text: &str) -> Option<(String, &str)> {
    let mut words = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '}' => return Some((words.trim().to_owned(), &text[at + 1..])),
            '\\' if chars.peek().is_some_and(|(_, next)| next.is_ascii_punctuation()) => {
                words.extend(chars.next().map(|(_, escaped)| escaped));
            }
            c => words.push(c),
        }
    }
    None
}

/// What a place says. `plural_form` reads a form of a plural; `None` in one, which has no plural itself.
pub(super) fn read(cut: &Cut<'_>, plural_form: Option<ReadForm>) -> Result<TextPlace, String> {
    let Cut { inside, fallback, .. } = cut;
    if inside.is_empty() {
        return Err("an empty {}".to_owned());
    }
    let what = match whole_call(inside) {
        Some((name @ ("plain" | "exact"), arguments)) => {
            let [argument] = arguments.as_slice() else {
                return Err(format!("{name}(…) takes one value; write it as {{{name}(data.order.id)}}"));
            };
            let kind = if name == "plain" { ValueKind::Prose } else { ValueKind::Data };
            What::Value { of: source(argument)?, kind: Some(kind) }
        }
        Some((name, arguments)) => What::Form(Box::new(form(name, &arguments, plural_form)?)),
        None => What::Value { of: source(inside)?, kind: None },
    };
    let place = TextPlace { what, fallback: fallback.clone() };
    let tells = match &place.what {
        What::Value { of, .. } => is_fact(of),
        What::Form(form) => form.arguments().into_iter().any(is_fact),
    };
    if tells && fallback.is_none() {
        return Err(format!("{{{inside}}}: a fact may not exist yet; add a fallback, as {{{inside}|soon}}"));
    }
    Ok(place)
}

fn is_fact(source: &Source) -> bool {
    match source {
        Source::Fact(_) => true,
        Source::Expression(_) => false,
    }
}
