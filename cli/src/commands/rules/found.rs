//! Compares the results of a test with its expectations, and finds expectations that can't be met. An event that is
//! dead-lettered, or that duplicates another one, never passes as an event without an effect.

use super::case::{Case, Expect, ExpectAction, ExpectEvent, Repeats, Step, StepKind};
use super::world::{Failed, World, values};
use serde::Serialize;
use serde_json::{Value, json};
use serde_saphyr::Location;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_core::action::{Action, ActionNote};
use tidings_core::claim::{Claim, ClaimKey, ClaimState, Outcome};
use tidings_core::context::ContextAnswer;
use tidings_core::envelope::Envelope;

/// A difference from the test's expectation, and its place in the file.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) got: String,
}

/// A result that the test doesn't check and that its author may not know. A note fails no test.
#[derive(Debug, Serialize)]
pub(super) struct Note {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) what: String,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) differences: Vec<Difference>,
    pub(super) notes: Vec<Note>,
}

/// A message that failed, and the step of the test at that time.
struct DeadLettered {
    at: Location,
    failed: Failed,
}

/// Runs a test on these rules.
pub(super) async fn found(case: &Case, rules: Rules, schemas: EventSchemas) -> Found {
    let mut world = World::new(rules, schemas, case.at);
    case.fetch.iter().for_each(|(url, object)| world.put(url, object));
    let mut died = Vec::new();
    for Step { at, what } in &case.steps {
        match what {
            StepKind::Event { event, .. } => world.receive((**event).clone()).await,
            StepKind::Wait(span) => world.wait(span.duration()).await,
        }
        died.extend(world.take_failed().into_iter().map(|failed| DeadLettered { at: *at, failed }));
    }
    let mut found = Found::default();
    found.given(case);
    found.died(case, &world, died);
    found.events(case, &world);
    found.contexts(case, &world);
    found.actions(&case.expect, &world);
    found.unseen(case, &world);
    found.differences.sort_by_key(|difference| (difference.line, difference.column));
    found.notes.sort_by_key(|note| (note.line, note.column));
    found
}

/// The given events, each with its place.
fn given(case: &Case) -> impl Iterator<Item = (Location, &Envelope, Repeats)> {
    case.steps.iter().filter_map(|step| match &step.what {
        StepKind::Event { event, repeats } => Some((step.at, &**event, *repeats)),
        StepKind::Wait(_) => None,
    })
}

/// The keys of the given events that have this name in the test: an id, or a claim key.
fn called<'c>(case: &'c Case, name: &str) -> BTreeSet<&'c ClaimKey> {
    let is = |event: &&Envelope| {
        let key = event.claimkey.as_str();
        event.id == name || key == name || key.strip_suffix(name).is_some_and(|source| source.ends_with('#'))
    };
    given(case).map(|(_, event, _)| event).filter(is).map(|event| &event.claimkey).collect()
}

impl ExpectEvent {
    fn dies(&self) -> bool {
        self.dead.is_some() || self.outcome.as_ref().is_some_and(|outcome| outcome.starts_with(ClaimState::Dead.as_str()))
    }
}

impl Found {
    fn differ(&mut self, at: Location, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        let (what, expected, got) = (what.into(), expected.into(), got.into());
        self.differences.push(Difference { line: at.line(), column: at.column(), what, expected, got });
    }

    fn hold(&mut self, at: Location, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        let (expected, got) = (expected.into(), got.into());
        if expected != got {
            self.differ(at, what, expected, got);
        }
    }

    fn note(&mut self, at: Location, what: String) {
        self.notes.push(Note { line: at.line(), column: at.column(), what });
    }

    /// A second event under the same key is a duplicate without an effect: the test must declare it as a repetition.
    fn given(&mut self, case: &Case) {
        let mut first: BTreeMap<&ClaimKey, Location> = BTreeMap::new();
        for (at, event, repeats) in given(case) {
            let what = format!("event {}", event.id);
            match (first.get(&event.claimkey), repeats) {
                (Some(before), Repeats::No) => {
                    let got = format!("a duplicate of the event in line {}, which has no effect", before.line());
                    self.differ(at, what, "a new event, or `repeats: true`", got);
                }
                (None, Repeats::Yes) => self.differ(at, what, "an event that was given before", "the first of its key"),
                (Some(_), Repeats::Yes | Repeats::OfTheCorpus) | (None, Repeats::OfTheCorpus | Repeats::No) => {}
            }
            first.entry(&event.claimkey).or_insert(at);
        }
    }

    /// Every dead-lettered event fails the test, unless the test expects it of this event.
    fn died(&mut self, case: &Case, world: &World, died: Vec<DeadLettered>) {
        let expected = case.expect.events.iter().filter(|(_, event)| event.value.dies());
        let expected: BTreeSet<&ClaimKey> = expected.flat_map(|(name, _)| called(case, name)).collect();
        let mut known = BTreeSet::new();
        for DeadLettered { at, failed } in died {
            let Failed { key, reason } = &failed;
            if failed.is_ours() {
                let key = key.as_ref().map_or("an internal message", ClaimKey::as_str);
                self.differ(at, format!("scheduled: {key}"), "it is processed", format!("dead: {reason}"));
                continue;
            }
            let Some(key) = key.as_ref().filter(|key| known.insert((*key).clone()) && !expected.contains(key)) else { continue };
            // An event that was given again, and was then processed, is no longer dead-lettered.
            if world.claim(key).is_some_and(|claim| claim.state == ClaimState::Processed) {
                continue;
            }
            let own = given(case).find(|(_, event, _)| event.claimkey == *key);
            let (at, name) = own.map_or((at, key.as_str()), |(at, event, _)| (at, event.id.as_str()));
            self.differ(
                at,
                format!("event {name}"),
                "it is processed, or `dead` under `expect.events`",
                format!("dead: {reason}"),
            );
        }
    }

    fn events(&mut self, case: &Case, world: &World) {
        for (id, expected) in &case.expect.events {
            let (at, event) = (expected.referenced, &expected.value);
            let keys = called(case, id);
            let key = match keys.iter().collect::<Vec<_>>()[..] {
                [key] => key,
                [] => {
                    self.differ(at, format!("event {id}"), "an event with this id", "none");
                    continue;
                }
                _ => {
                    let all: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
                    self.differ(at, format!("event {id}"), "one event with this id, or its key", all.join(", "));
                    continue;
                }
            };
            let Some(claim) = world.claim(key) else {
                self.differ(at, format!("event {id}"), "an event that is processed", "no claim");
                continue;
            };
            self.event(at, id, event, &claim);
        }
    }

    fn event(&mut self, at: Location, id: &str, event: &ExpectEvent, claim: &Claim) {
        let reason = claim.reason.clone().filter(|_| claim.state == ClaimState::Dead);
        let became = claim.outcome.map_or(claim.state.as_str(), |outcome| outcome.as_str());
        let became = reason.as_ref().map_or_else(|| became.to_owned(), |reason| format!("dead: {reason}"));
        if let Some(outcome) = &event.outcome
            && !(outcome == ClaimState::Dead.as_str() && reason.is_some())
        {
            self.hold(at, format!("event {id}, outcome"), outcome, became.clone());
        }
        if let Some(conversation) = &event.conversation {
            self.hold(at, format!("event {id}, conversation"), conversation, claim.conversation.as_deref().unwrap_or("none"));
        }
        if let Some(rules) = &event.rules {
            self.hold(at, format!("event {id}, rules"), rules.join(", "), claim.rules.join(", "));
        }
        if let Some(overtaken) = &event.overtaken {
            self.hold(at, format!("event {id}, overtaken"), overtaken.join(", "), claim.overtaken.join(", "));
        }
        if let Some(dead) = event.dead.as_ref().filter(|dead| !reason.as_ref().is_some_and(|reason| reason.starts_with(*dead))) {
            self.differ(at, format!("event {id}, dead"), format!("{dead}…"), reason.unwrap_or(became));
        }
    }

    fn contexts(&mut self, case: &Case, world: &World) {
        let claims = world.claims();
        let mut known = world.conversations();
        known.extend(claims.iter().filter_map(|claim| claim.conversation.clone()));
        known.extend(given(case).filter_map(|(_, event, _)| event.conversation.clone()));
        for (conversation, expected) in &case.expect.contexts {
            if !known.contains(conversation) {
                let got = "none: no given event belongs to it";
                self.differ(expected.referenced, conversation, "a conversation with this name", got);
                continue;
            }
            let (expected, context) = (&expected.value, world.context(conversation));
            let (node, facts) = values(&context);
            let labels = ContextAnswer::of(&context, world.now(), false).by_provider;
            for (entity, wanted) in &expected.by_provider {
                let word = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let mut wanted_names = wanted.value.clone();
                wanted_names.sort();
                let got = labels.get(entity).map(Vec::as_slice).unwrap_or_default();
                self.hold(wanted.referenced, format!("{conversation}, {entity}, by_provider"), word(&wanted_names), word(got));
            }
            if let Some(wanted) = &expected.node {
                let word = |node: &Option<String>| node.clone().unwrap_or_else(|| "nowhere".to_owned());
                self.hold(wanted.referenced, format!("{conversation}, node"), word(&wanted.value), word(&node));
            }
            for (entity, wanted) in &expected.facts {
                for (name, value) in wanted {
                    let word = |value: Option<&Value>| match value {
                        None | Some(Value::Null) => "not known".to_owned(),
                        Some(value) => value.to_string(),
                    };
                    let got = facts.get(entity).and_then(|facts| facts.get(name));
                    self.hold(value.referenced, format!("{conversation}, {entity}, {name}"), word(Some(&value.value)), word(got));
                }
            }
        }
    }

    /// Compares the actions in order. A missing or an additional action is one difference.
    fn actions(&mut self, expect: &Expect, world: &World) {
        let Some(expected) = &expect.actions else { return };
        let sent = world.actions();
        let unsent: Vec<String> = world.claims().iter().flat_map(|claim| unsent(claim, &sent)).collect();
        for (n, wanted) in expected.value.iter().enumerate() {
            let place = format!("action {}", n + 1);
            match sent.get(n) {
                None if unsent.is_empty() => self.differ(wanted.referenced, place, described(&wanted.value), "none"),
                None => {
                    let got = format!("none; not sent: {}", unsent.join("; "));
                    self.differ(wanted.referenced, place, described(&wanted.value), got);
                }
                Some((to, action)) => self.action(&place, wanted.referenced, &wanted.value, to, action),
            }
        }
        for (n, (to, action)) in sent.iter().enumerate().skip(expected.value.len()) {
            let got = format!("{} {} to {to}: {}", action.rule, action.action_type, action.data);
            self.differ(expected.referenced, format!("action {}", n + 1), "none", got);
        }
    }

    fn action(&mut self, place: &str, at: Location, wanted: &ExpectAction, to: &str, action: &Action) {
        let said = action.data["text"].as_str().unwrap_or("no text");
        for (what, wanted, got) in [
            ("to", &wanted.to, to),
            ("rule", &wanted.rule, action.rule.as_str()),
            ("type", &wanted.action_type, action.action_type.as_str()),
            ("text", &wanted.text, said),
        ] {
            if let Some(wanted) = wanted {
                self.hold(at, format!("{place}, {what}"), wanted, got);
            }
        }
        if let Some(names) = &wanted.by_provider {
            let mut names = names.clone();
            names.sort();
            self.hold(at, format!("{place}, by_provider"), names.join(", "), action.by_provider.join(", "));
        }
        for (field, value) in &wanted.data {
            self.hold(at, format!("{place}, data.{field}"), value.to_string(), action.data[field].to_string());
        }
    }

    /// Notes for results of events that the test doesn't mention.
    fn unseen(&mut self, case: &Case, world: &World) {
        let said: BTreeSet<&ClaimKey> = case.expect.events.keys().flat_map(|name| called(case, name)).collect();
        let (sent, mut known) = (world.actions(), BTreeSet::new());
        for (at, event, _) in given(case).filter(|(_, event, _)| known.insert(event.claimkey.clone())) {
            let Some(claim) = world.claim(&event.claimkey) else { continue };
            let id = &event.id;
            if claim.outcome == Some(Outcome::Noted) && !said.contains(&event.claimkey) {
                self.note(at, format!("event {id}: no rule matches it ({})", event.event_type));
            }
            if let Some(finding) = &claim.off_schema {
                self.note(at, format!("event {id}: schema violation, but the schema accepts it: {finding}"));
            }
            // If the test lists the sent actions, unsent actions need no note.
            for action in unsent(&claim, &sent).into_iter().filter(|_| case.expect.actions.is_none()) {
                self.note(at, format!("event {id}: {action}"));
            }
        }
    }
}

/// The actions of an event that weren't sent by the end of the test: withheld, or waiting.
fn unsent(claim: &Claim, sent: &[(String, Action)]) -> Vec<String> {
    let is_sent = |note: &ActionNote| {
        let rule = note.outcome().map(|outcome| outcome.rule.as_str());
        sent.iter().any(|(_, action)| action.cause == claim.key && rule == Some(action.rule.as_str()))
    };
    claim.actions.iter().filter(|note| !is_sent(note)).map(ToString::to_string).collect()
}

fn described(action: &ExpectAction) -> String {
    let words = [&action.rule, &action.action_type, &action.text];
    let known: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    if known.is_empty() { json!(action.data).to_string() } else { known.join(" ") }
}
