//! The signed message is put together in another way than the scheme says. This is common if somebody signs with their
//! own code.

use super::Mended;
use crate::commands::verify::attempt::Attempt;
use tidings_config::{Part, Reference, Template};

/// Common separators between the parts of a message.
const BETWEEN: [(&str, &str); 11] = [
    (".", "a point"),
    ("\n", "a line feed"),
    ("\r\n", "a line end (CRLF)"),
    (":", "a colon"),
    ("", "nothing"),
    ("|", "a bar"),
    (",", "a comma"),
    (" ", "a space"),
    ("&", "an ampersand"),
    ("-", "a hyphen"),
    (";", "a semicolon"),
];

pub(super) fn mended(attempt: &Attempt) -> impl Iterator<Item = Mended> {
    let message = attempt.source.scheme.message.clone();
    let changed = move |message: &Template| {
        separated(message).into_iter().chain(body_alone(message)).chain(reversed(message)).collect::<Vec<_>>()
    };
    let others = message.as_ref().map(changed).unwrap_or_default();
    others.into_iter().map(|(hint, message)| (hint, attempt.with(|a| a.source.scheme.message = Some(message))))
}

fn body_alone(message: &Template) -> Option<(String, Template)> {
    let alone = Template(vec![Part::Value(Reference::Body)]);
    let hint = format!("only the body was signed, but the scheme signs {message}: change `message`, or the sender");
    (*message != alone).then_some((hint, alone))
}

/// The message with another separator between its values.
fn separated(message: &Template) -> Vec<(String, Template)> {
    let between = |n: usize| n > 0 && n + 1 < message.0.len();
    let own = message.0.iter().enumerate().find_map(|(n, part)| match part {
        Part::Text(text) if between(n) => Some(text.clone()),
        Part::Text(_) | Part::Value(_) => None,
    });
    let Some(own) = own else { return Vec::new() };
    let name = |text: &str| {
        BETWEEN.iter().find(|(one, _)| *one == text).map_or_else(|| format!("{text:?}"), |(_, name)| (*name).to_owned())
    };
    let with = |other: &str| {
        let parts = message.0.iter().enumerate().map(|(n, part)| match part {
            Part::Text(text) if between(n) && *text == own => Part::Text(other.to_owned()),
            Part::Text(_) | Part::Value(_) => part.clone(),
        });
        Template(parts.collect())
    };
    let others = BETWEEN.iter().filter(|(other, _)| *other != own);
    others
        .map(|(other, named)| {
            let hint =
                format!("{named} separates the signed parts, but the scheme has {}: change `message`, or the sender", name(&own));
            (hint, with(other))
        })
        .collect()
}

/// The message in reverse order: the body before the time.
fn reversed(message: &Template) -> Option<(String, Template)> {
    let reversed = Template(message.0.iter().rev().cloned().collect());
    let hint = format!("the parts were signed in another order, but the scheme signs {message}: change `message`, or the sender");
    (message.0.len() > 1 && reversed != *message).then_some((hint, reversed))
}
