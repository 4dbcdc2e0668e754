//! Compares the results with the corpus. A difference is printed as two lines: expected and actual.

use crate::delivery::Reply;
use crate::dev::actions::Done;
use crate::style::{BAD, paint, say};
use std::collections::BTreeMap;
use tidings_core::action::NOTIFY_TYPE;
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::context::Context;
use tidings_events::{Case, ExpectedAction, ExpectedContext, ExpectedEvent, corpus};

pub(super) fn find<'c>(claims: &'c BTreeMap<ClaimKey, Claim>, event: &ExpectedEvent) -> Option<&'c Claim> {
    claims.values().find(|c| c.event_type == event.event_type && c.key.as_str().starts_with(&event.key))
}

pub(super) fn became(claim: &Claim, event: &ExpectedEvent) -> bool {
    let conversation = event.conversation.is_none() || event.conversation == claim.conversation;
    match &event.dead {
        Some(reason) => claim.state == ClaimState::Dead && claim.reason.as_ref().is_some_and(|r| r.starts_with(reason)),
        None => claim.state == ClaimState::Processed && claim.outcome == event.outcome && conversation,
    }
}

/// Prints a difference in two lines.
fn differs(expected: &str, got: &str) {
    say!("      {} {expected}", paint(BAD, "expected"));
    say!("      {} {got}", paint(BAD, "     got"));
}

/// Compares the response to a delivery, and the claims of its events, with the corpus.
pub(super) fn deviates(case: &Case, reply: &Reply, found: &[Option<&Claim>]) {
    let expect = &case.expect;
    if (reply.status, reply.word()) != (expect.status, expect.reply.as_str()) {
        differs(&format!("{} {}", expect.status, expect.reply), &format!("{} {}", reply.status, reply.word()));
    }
    for (event, claim) in expect.events.iter().zip(found) {
        if !claim.is_some_and(|claim| became(claim, event)) {
            differs(&expected_event(event), &claim.map_or_else(|| format!("no event {}", event.key), seen_event));
        }
    }
}

fn expected_event(event: &ExpectedEvent) -> String {
    let whose = event.conversation.as_ref().map_or_else(String::new, |whose| format!(" of {whose}"));
    let end = match (&event.dead, event.outcome) {
        (Some(reason), _) => format!("dead-lettered, because {reason}"),
        (None, Some(outcome)) => outcome.as_str().to_owned(),
        (None, None) => "processed".to_owned(),
    };
    format!("{} {}{whose}: {end}", event.key, event.event_type)
}

fn seen_event(claim: &Claim) -> String {
    let whose = claim.conversation.as_ref().map_or_else(String::new, |whose| format!(" of {whose}"));
    let end = claim.outcome.map_or(claim.state.as_str(), |outcome| outcome.as_str());
    let reason = claim.reason.as_ref().map_or_else(String::new, |reason| format!(", because {reason}"));
    format!("{} {}{whose}: {end}{reason}", claim.key, claim.event_type)
}

pub(super) fn knows(context: &Context, expected: &ExpectedContext) -> bool {
    let node = context.node.as_ref().and_then(|n| n.value.as_str());
    let mut good = node == expected.node.as_deref();
    if !good {
        let of = |node: Option<&str>| format!("{} at node {}", expected.conversation, node.unwrap_or("(none)"));
        differs(&of(expected.node.as_deref()), &of(node));
    }
    for (entity, facts) in &expected.facts {
        for (name, value) in facts {
            let seen = context.entities.get(entity).and_then(|facts| facts.get(name)).map(|fact| &fact.value);
            if seen != Some(value) {
                let of = |value: String| format!("{entity} {name}: {value}");
                differs(&of(value.to_string()), &of(seen.map_or_else(|| "no such fact".to_owned(), ToString::to_string)));
                good = false;
            }
        }
    }
    good
}

pub(super) fn acted(done: &[Done]) -> bool {
    let seen = |done: &Done| ExpectedAction {
        conversation: done.conversation.clone(),
        rule: done.rule.clone(),
        text: done.text.clone(),
        action_type: Some(done.action_type.clone()).filter(|action_type| action_type != NOTIFY_TYPE),
    };
    let mut unexpected: Vec<ExpectedAction> = done.iter().map(seen).collect();
    let mut missing = Vec::new();
    for wanted in &corpus().actions {
        match unexpected.iter().position(|seen| seen == wanted) {
            Some(at) => drop(unexpected.remove(at)),
            None => missing.push(wanted),
        }
    }
    missing.iter().for_each(|action| say!("      {} {}", paint(BAD, "expected"), in_words(action)));
    unexpected.iter().for_each(|action| say!("      {} {}", paint(BAD, "     got"), in_words(action)));
    missing.is_empty() && unexpected.is_empty()
}

fn in_words(action: &ExpectedAction) -> String {
    let what = action.text.as_ref().map(|text| format!("“{text}”")).or_else(|| action.action_type.clone()).unwrap_or_default();
    format!("{} {what} by {}", action.conversation, action.rule)
}

/// Whether the dead-letter queue matches the claims.
pub(super) fn matches_claims(dead: &[ClaimKey], dead_lettered: &[&Claim]) -> bool {
    let mut there: Vec<&str> = dead.iter().map(ClaimKey::as_str).collect();
    there.sort_unstable();
    let recorded: Vec<&str> = dead_lettered.iter().map(|claim| claim.key.as_str()).collect();
    if there != recorded {
        let list = |keys: &[&str]| if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
        differs(&format!("in the dead-letter queue: {}", list(&recorded)), &list(&there));
    }
    there == recorded
}
