//! One message of many, for a cap whose overflow is `digest`. A line for each, in the order of the events: the newest that fit. The
//! first line counts the rest.

use super::{Action, ActionId, Intent, NOTIFY_TYPE, Part, Proposal, fill, said};
use crate::claim::Sha256Hex;
use crate::config::rules::Channel;
use crate::context::Facts;
use crate::limits::MAX_TEXT_CHARS;
use crate::time::Timestamp;
use serde_json::json;

/// The action that says these, which are in order and at least one. `left` counts those that had to leave before they could be
/// said. `facts` gives what is known of a proposal's entity.
pub fn digest<'f>(
    members: &[&Proposal],
    left: u64,
    channel: Option<Channel>,
    facts: impl Fn(&Proposal) -> Option<&'f Facts>,
    now: Timestamp,
) -> Option<Action> {
    let newest = members.last()?;
    let count = u64::try_from(members.len()).unwrap_or(u64::MAX).saturating_add(left);
    let texts = members.iter().rev().filter_map(|member| match &member.intent {
        Intent::Notify { text, .. } => Some(fill(text, channel, facts(member), now)),
        Intent::Emit { .. } => None,
    });
    let (text, shown) = lines(texts, count, channel);
    let mut data = said(&text, channel);
    data["digest"] = json!({"count": count, "shown": shown});
    Some(newest.caused(id(members, left), NOTIFY_TYPE.to_owned(), data))
}

/// As many lines as fit, of texts whose newest comes first, and how many those are.
fn lines(newest_first: impl Iterator<Item = String>, count: u64, channel: Option<Channel>) -> (String, u64) {
    let rest = |n: u64| fill(&[Part::Value(format!("… +{n}"))], channel, None, Timestamp::from_unix_ms(0));
    let mut room = MAX_TEXT_CHARS.saturating_sub(rest(u64::MAX).chars().count());
    let mut shown: Vec<String> = Vec::new();
    for text in newest_first {
        let line = format!(
            "• {}",
            text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        );
        let chars = line.chars().count() + 1;
        if chars > room {
            // One that fills a message is said alone, as it is.
            if shown.is_empty() && text.chars().count() <= MAX_TEXT_CHARS {
                return (text, 1);
            }
            break;
        }
        room -= chars;
        shown.push(line);
    }
    let n = u64::try_from(shown.len()).unwrap_or(u64::MAX);
    if count > n {
        shown.push(rest(count - n));
    }
    shown.reverse();
    (shown.join("\n"), n)
}

/// It follows from what it is made of.
fn id(members: &[&Proposal], left: u64) -> ActionId {
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    ActionId(Sha256Hex::of(format!("digest\n{left}\n{}", ids.join("\n")).as_bytes()).digits().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(count: usize, chars: usize) -> Vec<String> {
        (0..count).rev().map(|n| format!("{n} {}", "x".repeat(chars))).collect()
    }

    #[test]
    fn the_newest_lines_that_fit_are_shown_and_the_rest_is_counted() {
        for (count, chars) in [(3, 5), (300, 20), (300, 500), (300, 4_000)] {
            let all = texts(count, chars);
            let (text, shown) = lines(all.clone().into_iter(), count as u64 + 7, None);
            assert!(text.chars().count() <= MAX_TEXT_CHARS, "{count} {chars}");
            let mut written: Vec<String> = text.lines().map(str::to_owned).collect();
            assert_eq!(written.remove(0), format!("… +{}", count as u64 + 7 - shown), "{count} {chars}: {shown}");
            let newest: Vec<String> = all.iter().take(written.len()).rev().map(|text| format!("• {text}")).collect();
            assert_eq!((written.len() as u64, written), (shown, newest), "{count} {chars}");
        }
        assert_eq!(lines(texts(2, 1).into_iter(), 2, None), ("• 0 x\n• 1 x".to_owned(), 2), "nothing is left to count");
        assert_eq!(lines(["a\n\n b".to_owned()].into_iter(), 1, None).0, "• a b", "a line each");
        assert!(lines(texts(1, 1).into_iter(), 9, Some(Channel::Telegram)).0.starts_with("… \\+8"), "as its channel writes it");
    }

    #[test]
    fn one_that_fills_a_message_is_said_alone_and_its_number_with_it_in_the_data() {
        let text = "x".repeat(MAX_TEXT_CHARS);
        assert_eq!(lines([text.clone(), "y".to_owned()].into_iter(), 2, None), (text, 1));
    }
}
