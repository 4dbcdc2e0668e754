//! The rules of a simulation, in two versions: a deployment changes them between two receives of one event.
//!
//! Both count every event, so that a lost or a second effect shows. What depends on the order by design (`if_stale`, caps,
//! quiet hours) isn't used. The second version has another conversation for each event, other texts and no links: a
//! recovery that planned again would say and link something else.

use processor::planner::Planner;
use std::sync::{Arc, LazyLock};
use tidings_project::read_rules;

/// The conversations of events that aren't an identity's: one of a channel without idempotency keys, one with.
pub(crate) const CONVERSATIONS: [&str; 2] = ["telegram:10", "line:U4af4980629f0000000000000000000a1"];

/// The identities. The n-th is linked to the n-th conversation.
pub(crate) const IDENTITIES: [&str; 2] = ["person:0", "person:1"];

/// The counter of all events.
pub(crate) const COUNTER: (&str, &str) = ("all", "events");

/// The entity of a join's end is this, its name, `#` and its key.
pub(crate) const JOIN_ENTITY: &str = "join/";

const BEFORE: &str = r#"
version: 1
conversations:
  - { on: "*", identity: "size(event.id) % 5 == 0 ? 'person:' + string(size(event.type) % 2) : null" }
  - { on: "*", conversation: "size(event.type) % 2 == 0 ? 'telegram:10' : 'line:U4af4980629f0000000000000000000a1'" }
rules:
  - { name: counted, on: "*", entity: "'all'", count: { events: 1 } }
  - { name: shared, on: "*", entity: "'shared'", set: { last: "event.type + ' ' + event.id" } }
  - name: own
    on: "*"
    entity: "event.subject == null ? 'none' : event.subject"
    set: { last: event.type }
    add: { ids: event.id }
  - { name: told, on: "*", when: "size(event.type) % 3 != 0", notify: { text: "{event.type} {event.id}" } }
  - { name: seen, on: "*", emit: { type: seen, data: { id: event.id } } }
  - { name: linked, on: "*", when: "size(event.id) % 5 == 1", link: "'person:' + string(size(event.type) % 2)" }
  - { name: even, on: "*", when: "size(event.id) % 2 == 0", goto: even }
  - { name: odd, on: "*", when: "size(event.id) % 2 == 1", goto: odd }
joins:
"#;

const AFTER: &str = r#"
version: 1
conversations:
  - { on: "*", identity: "size(event.id) % 5 == 0 ? 'person:' + string(size(event.type) % 2) : null" }
  - { on: "*", conversation: "size(event.type) % 2 == 1 ? 'telegram:10' : 'line:U4af4980629f0000000000000000000a1'" }
rules:
  - { name: counted, on: "*", entity: "'all'", count: { events: 1 } }
  - { name: shared, on: "*", entity: "'shared'", set: { last: "'now ' + event.id" } }
  - { name: told, on: "*", notify: { text: "now {event.type} {event.id}" } }
  - { name: noted, on: "*", emit: { type: noted, data: { id: event.id } } }
joins:
"#;

const JOINS: &str = r#"
  - name: pair
    all:
      - { on: "*", when: "size(event.type) % 3 == 0", by: "string(size(event.id) % 2)" }
      - { on: "*", when: "size(event.type) % 3 == 1", by: "string(size(event.id) % 2)" }
    within: 10m
    then: { entity: "'join/pair#' + join.key", set: { ended: "'then'" }, emit: { type: paired, data: { key: join.key } } }
    else: { entity: "'join/pair#' + join.key", set: { ended: "'else'" }, emit: { type: alone, data: { key: join.key } } }
  - name: slow
    all:
      - { on: "*", when: "size(event.type) % 3 == 1", by: "'one'" }
      - { on: "*", when: "size(event.type) % 3 == 2", by: "'one'" }
    within: 2h
    then: { entity: "'join/slow#' + join.key", set: { ended: "'then'" }, notify: { text: "both came" } }
    else: { entity: "'join/slow#' + join.key", set: { ended: "'else'" }, notify: { text: "one was alone" } }
"#;

/// Which rules a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Edition {
    Before,
    After,
}

impl Edition {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Before => Self::After,
            Self::After => Self::Before,
        }
    }
}

fn compiled(text: &str) -> Arc<Planner> {
    let rules = read_rules("rules.yaml", &format!("{text}{JOINS}"), &[]);
    Arc::new(Planner::new(rules.unwrap_or_else(|report| panic!("the simulation's rules are valid: {report}"))))
}

/// The compiled rules. They keep nothing between events, so simulations share them.
pub(crate) fn planner(edition: Edition) -> Arc<Planner> {
    static PLANNERS: LazyLock<[Arc<Planner>; 2]> = LazyLock::new(|| [compiled(BEFORE), compiled(AFTER)]);
    match edition {
        Edition::Before => Arc::clone(&PLANNERS[0]),
        Edition::After => Arc::clone(&PLANNERS[1]),
    }
}
