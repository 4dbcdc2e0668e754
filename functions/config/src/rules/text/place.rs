//! Placeholders: the text between `{` and `}`, with its end and its fallback.

use super::function::{form, whole_call};
use super::{Source, TextPlace, What};
use crate::rules::is_name;
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

/// The characters of a CEL expression outside quotes, with their positions.
pub(super) fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote: Option<(char, bool)> = None;
    let mut escaped = false;
    let mut before = ' ';
    text.char_indices().filter(move |(_, c)| {
        let is_inside = quote.is_some();
        match quote {
            Some((_, raw)) if escaped && !raw => escaped = false,
            Some((sign, _)) if *c == sign => quote = None,
            Some(_) => escaped = *c == '\\',
            None if *c == '\'' || *c == '"' => quote = Some((*c, before == 'r' || before == 'R')),
            None => {}
        }
        before = *c;
        !is_inside && quote.is_none()
    })
}

/// Cuts the placeholder whose `{` is immediately before `text`.
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

/// Parses a placeholder. `nested`: whether it is in a form of a plural.
pub(super) fn read(cut: &Cut<'_>, nested: bool) -> Result<TextPlace, String> {
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
        Some((name, arguments)) => What::Form(Box::new(form(name, &arguments, nested)?)),
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

/// A fact, or an expression without functions of texts.
pub(super) fn source(text: &str) -> Result<Source, String> {
    let text = text.trim();
    if let Some(name) = text.strip_prefix("facts.").filter(|name| is_name(name)) {
        return Ok(Source::Fact(name.to_owned()));
    }
    match super::function::inner_call(text) {
        Some(name) => Err(format!(
            "{name}(…) inside an expression: it must be the whole placeholder, as {}",
            super::function::example(name)
        )),
        None => Ok(Source::Expression(text.to_owned())),
    }
}
