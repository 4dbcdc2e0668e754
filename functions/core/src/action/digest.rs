//! Merges several notifications into one message, for a cap whose overflow is `digest`. Each has a line, in the order
//! of the events. The newest that fit are shown; the first line counts the rest.

use super::{Action, ActionId, DigestCount, NOTIFY_TYPE, Notification, PlannedAction, notification};
use crate::claim::Sha256Hex;
use crate::text::{Reader, Said};
use tidings_config::rules::Channel;
use tidings_config::text::{Span, render};

/// The action for these proposals, which are sorted and at least one. `left` counts those that were dropped earlier.
/// `reader` gives the reader of a proposal's text.
pub fn digest<'r>(
    members: &[&PlannedAction],
    left: u64,
    channel: Option<Channel>,
    reader: impl Fn(&PlannedAction) -> Reader<'r>,
) -> Option<Action> {
    let newest = members.last()?;
    let count = u64::try_from(members.len()).unwrap_or(u64::MAX).saturating_add(left);
    let texts = members.iter().rev().filter_map(|member| member.said(channel, &reader(member)));
    let (said, shown) = lines(texts, count, channel);
    let data = Notification { digest: Some(DigestCount { count, shown }), ..notification(channel, &said) };
    Some(newest.caused(id(members, left), NOTIFY_TYPE.to_owned(), data.into_data()))
}

/// As many lines as fit, from texts with the newest first, and their number. The newest text decides the language.
fn lines(newest_first: impl Iterator<Item = Said>, count: u64, channel: Option<Channel>) -> (Said, u64) {
    let mut fitting = Said { spans: Vec::new(), cut: false, language: None };
    let mut lines: Vec<Vec<Span>> = Vec::new();
    for (n, said) in (1..).zip(newest_first) {
        lines.push(line(&said.spans));
        let spans = message(&lines, count.saturating_sub(n));
        if render(&spans, channel).cut {
            // A text that fills a message is sent alone and unchanged.
            return if n == 1 { (said, 1) } else { (fitting, n - 1) };
        }
        let language = if n == 1 { said.language } else { fitting.language.take() };
        fitting = Said { spans, cut: fitting.cut || said.cut, language };
    }
    let shown = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    (fitting, shown)
}

/// The lines in the order of the events, after the number of those that aren't shown.
fn message(newest_first: &[Vec<Span>], rest: u64) -> Vec<Span> {
    let rest = (rest > 0).then(|| vec![Span::Words(format!("… +{rest}"))]);
    let mut spans = Vec::new();
    for line in rest.iter().chain(newest_first.iter().rev()) {
        if !spans.is_empty() {
            spans.push(Span::Words("\n".to_owned()));
        }
        spans.extend_from_slice(line);
    }
    spans
}

fn line(spans: &[Span]) -> Vec<Span> {
    std::iter::once(Span::Words("• ".to_owned())).chain(spans.iter().map(in_a_line)).collect()
}

fn in_a_line(span: &Span) -> Span {
    match span {
        Span::Words(words) => Span::Words(without_breaks(words)),
        Span::Value { text, kind } => Span::Value { text: without_breaks(text), kind: *kind },
        Span::Open(style) => Span::Open(*style),
        Span::Close(style) => Span::Close(*style),
        Span::Link { label, to } => Span::Link { label: label.iter().map(in_a_line).collect(), to: to.clone() },
    }
}

/// Replaces each line break and the spaces around it by one space.
fn without_breaks(text: &str) -> String {
    if !text.contains(['\n', '\r']) {
        return text.to_owned();
    }
    let pieces: Vec<&str> = text.split(['\n', '\r']).collect();
    let last = pieces.len() - 1;
    let inner = pieces.iter().enumerate().map(|(n, piece)| match n {
        0 => piece.trim_end(),
        n if n == last => piece.trim_start(),
        _ => piece.trim(),
    });
    let inner: Vec<&str> =
        inner.enumerate().filter(|(n, piece)| *n == 0 || *n == last || !piece.is_empty()).map(|(_, piece)| piece).collect();
    inner.join(" ")
}

/// The id follows from the members and from `left`.
fn id(members: &[&PlannedAction], left: u64) -> ActionId {
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    ActionId(Sha256Hex::of(format!("digest\n{left}\n{}", ids.join("\n")).as_bytes()).digits().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_config::limits::{MAX_DISCORD_TEXT_CHARS, MAX_SMS_TEXT_CHARS, MAX_TEXT_CHARS};

    fn said(text: impl Into<String>) -> Said {
        Said { spans: vec![Span::Words(text.into())], cut: false, language: None }
    }

    fn texts(count: usize, chars: usize) -> Vec<String> {
        (0..count).rev().map(|n| format!("{n} {}", "x".repeat(chars))).collect()
    }

    fn written(texts: &[String], count: u64, channel: Option<Channel>) -> (String, u64) {
        let (said, shown) = lines(texts.iter().map(said), count, channel);
        (render(&said.spans, channel).text, shown)
    }

    #[test]
    fn the_newest_fitting_lines_are_shown_and_the_rest_is_counted() {
        for (count, chars) in [(3, 5), (300, 20), (300, 500), (300, 4_000)] {
            let all = texts(count, chars);
            let (text, shown) = written(&all, count as u64 + 7, None);
            assert!(text.chars().count() <= MAX_TEXT_CHARS, "{count} {chars}");
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            assert_eq!(lines.remove(0), format!("… +{}", count as u64 + 7 - shown), "{count} {chars}: {shown}");
            let newest: Vec<String> = all.iter().take(lines.len()).rev().map(|text| format!("• {text}")).collect();
            assert_eq!((lines.len() as u64, lines), (shown, newest), "{count} {chars}");
        }
        assert_eq!(written(&texts(2, 1), 2, None), ("• 0 x\n• 1 x".to_owned(), 2), "no text is left to count");
        assert_eq!(written(&["a\n\n b".to_owned()], 1, None).0, "• a b", "one line for each text");
        assert!(written(&texts(1, 1), 9, Some(Channel::Telegram)).0.starts_with("… \\+8"), "escaped for its channel");
    }

    #[test]
    fn a_digest_fits_its_channel() {
        for (channel, most) in [(Channel::Discord, MAX_DISCORD_TEXT_CHARS), (Channel::Sms, MAX_SMS_TEXT_CHARS)] {
            let (text, shown) = written(&texts(300, 100), 300, Some(channel));
            assert!(text.chars().count() <= most && shown > 1, "{channel:?}: {shown}");
        }
    }

    #[test]
    fn a_text_that_fills_a_message_is_sent_alone_with_the_count_in_its_data() {
        let text = "x".repeat(MAX_TEXT_CHARS);
        assert_eq!(written(&[text.clone(), "y".to_owned()], 2, None), (text, 1));
    }
}
