//! The order doesn't matter: every order of the samples' events, with equal times and duplicates, results in one
//! context.

use crate::world::{NOW, Named, World, events_of};
use fastrand::Rng;
use std::time::Duration;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_project::read_rules;

/// One conversation for all events, so that they interact: facts of their subjects, one common fact, a node and an
/// action for each.
const RULES: &str = r#"
version: 1
conversations:
  - on: "*"
    conversation: "'all'"
rules:
  - name: own
    on: "*"
    entity: "event.subject == null ? 'none' : event.subject"
    set: { last: event.type }
  - name: shared
    on: "*"
    entity: "'shared'"
    set: { last: "event.type + ' ' + event.id" }
    emit: { type: seen, data: { id: event.id, type: event.type } }
  - name: short
    on: "*"
    when: size(event.type) % 3 == 0
    goto: short
  - name: middle
    on: "*"
    when: size(event.type) % 3 == 1
    goto: middle
  - name: long
    on: "*"
    when: size(event.type) % 3 == 2
    goto: long
"#;

/// Events in one permutation.
const EVENTS: usize = 24;

/// Sets of events, each in several orders.
const SETS: u64 = 24;
const ORDERS: usize = 3;

fn rules() -> Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

/// All events have one time, which is the hardest case: only rank, receipt and key decide.
fn in_one_second(mut event: Named) -> Named {
    event.envelope.time = Some(NOW);
    event
}

#[tokio::test]
async fn every_order_of_samples_with_duplicates_results_in_one_context() {
    let providers = tidings_project::presets();
    let all: Vec<Named> = providers.iter().flat_map(|provider| events_of(provider, &provider.name)).collect();
    let readable: Vec<Named> = all.into_iter().filter(|event| event.envelope.unreadable().is_none()).collect();
    assert!(readable.len() > 500, "{}", readable.len());
    for seed in 0..SETS {
        let mut rng = Rng::with_seed(seed);
        let mut events = Vec::new();
        // Half of them are of one preset, because its events refer to the same subjects.
        let preset = &rng.choice(&readable).expect("there are some").envelope.source;
        let of_one: Vec<&Named> = readable.iter().filter(|event| event.envelope.source == *preset).collect();
        for _ in 0..EVENTS / 2 {
            events.push((*rng.choice(&of_one).expect("there is one")).clone());
            events.push(rng.choice(&readable).expect("there are some").clone());
        }
        if seed % 2 == 0 {
            events = events.into_iter().map(in_one_second).collect();
        }
        let mut ends = Vec::new();
        for _ in 0..ORDERS {
            let mut order: Vec<&Named> = events.iter().chain(events.iter().take(EVENTS / 4)).collect();
            rng.shuffle(&mut order);
            let world = World::new(rules(), EventSchemas::default(), NOW.plus(Duration::from_secs(86_400)));
            let mut rest = order.as_slice();
            while !rest.is_empty() {
                let (batch, after) = rest.split_at(rng.usize(1..=rest.len().min(10)));
                world.process(batch).await;
                rest = after;
            }
            ends.push((world.contexts(), world.actions()));
        }
        assert!(!ends[0].1.is_empty());
        for end in &ends[1..] {
            assert_eq!(end, &ends[0], "seed {seed}");
        }
    }
}
