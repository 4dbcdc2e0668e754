//! Random sets of events, with ties in time: in every order of arrival, with any duplicates, and however two processors get into each other's
//! way, the context, the node, the actions and the joins' ends are the same.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, another, handle, message, now};
use futures::future::join_all;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::rules::Rules;
use tidings_config::time::Timestamp;
use tidings_core::action::{Action, ActionId};
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Content, ItemKey, Place};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_project::read_rules;

/// Whose an event is, is known of `known.*`; of the rest a link tells. An identity has one conversation, and the first event
/// of a join too: what says otherwise isn't promised anything.
const RULES: &str = r#"
version: 1
conversations:
  - { on: "known.*", conversation: data.who }
  - { on: "*", identity: data.id }
rules:
  - name: link
    on: known.link
    link: data.id
  - name: set
    on: "*.set"
    set: { value: data.v, short: { value: data.v, ttl: 1h } }
    notify: { text: "{data.v}" }
  - name: forget
    on: "*.forget"
    unset: value
  - { name: go-a, on: "*.a", goto: a }
  - { name: go-b, on: "*.b", goto: b, emit: { type: went, data: { to: "'b'" } } }
  - { name: count, on: "*.count", count: { n: data.v - 5 } }
  - { name: climb, on: "*.climb", set: { rung: { value: data.v % 4, ladder: [2, 0, 3] } } }
  - { name: add, on: "*.add", add: { tags: data.v % 3 } }
  - { name: remove, on: "*.remove", remove: { tags: data.v % 3 } }
  - { name: odd, on: "*.set", when: data.v % 2 == 1, priority: urgent, notify: { text: "odd {data.v}" } }
joins:
  - name: both
    all: ["*.left", "*.right"]
    by: data.who
    within: 10s
    then: { entity: "'join/' + join.key", set: { joined: true }, goto: joined, notify: { text: "{join.key} joined" } }
    else: { entity: "'join/' + join.key", set: { joined: false }, emit: { type: alone, data: { who: join.key } } }
  - name: each
    all: ["*.left", "*.right"]
    by: data.who
    within: 3s
    again: each
    then: { entity: "'each/' + join.key", set: { met: true }, notify: { text: "{join.key} met" } }
    else: { entity: "'each/' + join.key", set: { met: false }, emit: { type: missed, data: { who: join.key } } }
  - name: seldom
    all: ["*.left", "*.right", "*.a"]
    by: data.who
    within: 5s
    again: after 4s
    then: { entity: "'each/' + join.key", set: { three: true }, notify: { text: "{join.key} met three" } }
"#;

const KINDS: [&str; 11] = ["climb", "set", "forget", "a", "b", "count", "add", "remove", "left", "right", "link"];

fn rules() -> Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

#[derive(Clone, Debug)]
struct Any {
    n: usize,
    kind: usize,
    known: bool,
    who: usize,
    second: i64,
    value: i64,
    sequence: Option<u64>,
    rank: u32,
    /// Seconds before [`now`].
    received: u64,
    /// Which body it has, of a source whose delivery ids aren't signed.
    content: Option<u8>,
}

prop_compose! {
    fn any_event()(kind in 0..KINDS.len(), known in any::<bool>(), who in 0..3_usize, second in prop_oneof![0..30_i64, 4..6_i64],
                   value in 0..10_i64, sequence in proptest::option::of(0..4_u64), rank in 0..3_u32, received in 0..3_u64,
                   content in proptest::option::of(0..2_u8)) -> Any {
        Any { n: 0, kind, known, who, second, value, sequence, rank, received, content }
    }
}

fn any_events() -> impl Strategy<Value = Vec<Any>> {
    proptest::collection::vec(any_event(), 1..10).prop_map(|mut events| {
        events.iter_mut().enumerate().for_each(|(n, event)| event.n = n);
        events
    })
}

impl Any {
    fn body(&self) -> String {
        // A link is known; what is a join's first event is of the conversation that its key names.
        let known = self.known || ["link", "left"].contains(&KINDS[self.kind]);
        let event_type = format!("{}.{}", if known { "known" } else { "anonymous" }, KINDS[self.kind]);
        let (who, id) = (format!("who{}", self.who), format!("id{}", self.who));
        let claim_key = ClaimKey::new("s", &self.n.to_string());
        let mut envelope = Envelope::new(NewEnvelope {
            id: self.n.to_string(),
            source: "s".to_owned(),
            event_type,
            subject: Some(format!("thing/{}", self.value % 2)),
            time: Some(Timestamp::from_unix_ms(now().unix_ms() - 60_000 + self.second * 1_000)),
            conversation: None,
            sequence: self.sequence,
            received: now().minus(Duration::from_secs(self.received)),
            claim_key,
            traceparent: None,
            payload: Payload::Json(RawValue::from_string(json!({"who": who, "id": id, "v": self.value}).to_string()).unwrap()),
        });
        envelope.rank = self.rank;
        envelope.contentkey = self.content.map(|content| format!("sha256:{content}"));
        envelope.encode()
    }
}

/// Everything that must be equal.
#[derive(Debug, PartialEq)]
struct End {
    items: BTreeMap<Place, Content>,
    /// Notifications that wait for their identity's link.
    held: BTreeSet<(String, ActionId)>,
    actions: BTreeMap<ActionId, (String, Action)>,
}

fn end(harness: &Harness) -> End {
    let (mut items, mut held) = (BTreeMap::new(), BTreeSet::new());
    for (place, item) in harness.store.items() {
        match item.content {
            Content::Outbox(outbox) => {
                assert!(outbox.is_sent(), "{place:?}: all is sent");
            }
            Content::OutboxPage(page) => panic!("{place:?}: all is sent: {page:?}"),
            Content::Deferred(deferred) => {
                held.extend(deferred.waiting.into_iter().map(|waits| (place.partition.clone(), waits.proposal.id)));
            }
            // The event that told of a link first is the one that is told of.
            Content::Link(link) => {
                let conversation = Content::Link(tidings_core::context::Link { order: order_of_nothing(), ..link });
                items.insert(place, conversation);
            }
            Content::Feed(_) | Content::FeedPage(_) => panic!("{place:?}: the feed is off"),
            content @ (Content::Deliveries(_)
            | Content::Facts(_)
            | Content::Join(_)
            | Content::Reminder(_)
            | Content::Turn(_)) => {
                items.insert(place, content);
            }
        }
    }
    in_order(harness);
    End { items, held, actions: harness.actions() }
}

fn order_of_nothing() -> tidings_core::context::Order {
    tidings_core::context::Order::at(Timestamp::from_unix_ms(0), ClaimKey::new("s", "any"))
}

/// Of each conversation the first of each action comes in the order of their transactions.
fn in_order(harness: &Harness) {
    let mut known = BTreeSet::new();
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for (conversation, sequence, action) in harness.outside.actions.sent() {
        if known.insert(action.id.clone()) {
            let before = last.insert(conversation.clone(), sequence);
            assert!(before < Some(sequence), "{conversation}: {sequence} after {before:?}");
        }
    }
}

/// Longer than the longest wait of a join.
const LONG: Duration = Duration::from_secs(7_200);

/// One processor, these messages one by one. `early` says after which of them what is due at once is done.
fn one_by_one(bodies: &[&String], early: &[bool]) -> End {
    let harness = Harness::with(rules(), |store| store);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for (n, body) in bodies.iter().enumerate() {
            assert_eq!(harness.handle(vec![message("m", body, 1)]).await, [""; 0], "{body}");
            if early.get(n).copied().unwrap_or(false) {
                harness.settle().await;
            }
        }
        harness.pass(LONG).await;
        assert_eq!(harness.outside.waiting(), 0);
    });
    assert_eq!(harness.outside.actions.sent().len(), harness.actions().len(), "nothing failed, so nothing is sent twice");
    end(&harness)
}

/// Two processors, a share of the messages each, others first as the seed says.
fn two_at_once(shares: [Vec<&String>; 2], seed: u64) -> End {
    let harness = Harness::with(rules(), |store| store);
    let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
    let processors = [(); 2].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut left = shares;
        while left.iter().any(|share| !share.is_empty()) {
            let batch = |share: &[&String]| share.iter().enumerate().map(|(n, b)| message(&n.to_string(), b, 1)).collect();
            let work = processors.iter().zip(&left).map(|(processor, share)| handle(processor, batch(share), AMPLE));
            let failed = join_all(work).await;
            for (share, failed) in left.iter_mut().zip(failed) {
                let kept = |n: usize| failed.contains(&n.to_string());
                *share = share.iter().enumerate().filter(|(n, _)| kept(*n)).map(|(_, body)| *body).collect();
            }
        }
        harness.pass(LONG).await;
    });
    end(&harness)
}

fn shuffled<'b>(bodies: &'b [String], keys: &[u32], repeats: &[Index]) -> Vec<&'b String> {
    let mut order: Vec<usize> = (0..bodies.len()).collect();
    order.sort_by_key(|n| keys[*n]);
    let mut shuffled: Vec<&String> = order.into_iter().map(|n| &bodies[n]).collect();
    for repeat in repeats {
        shuffled.insert(repeat.index(shuffled.len() + 1), &bodies[repeat.index(bodies.len())]);
    }
    shuffled
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_order_with_any_duplicates_ends_the_same(
        events in any_events(), keys in proptest::collection::vec(any::<u32>(), 10),
        repeats in proptest::collection::vec(any::<Index>(), 0..5), early in proptest::collection::vec(any::<bool>(), 16),
    ) {
        let bodies: Vec<String> = events.iter().map(Any::body).collect();
        let straight = one_by_one(&bodies.iter().collect::<Vec<_>>(), &[]);
        prop_assert_eq!(one_by_one(&shuffled(&bodies, &keys, &repeats), &early), straight);
    }

    #[test]
    fn every_interleaving_of_two_processors_ends_the_same(
        events in any_events(), keys in proptest::collection::vec(any::<u32>(), 10),
        repeats in proptest::collection::vec(any::<Index>(), 0..5), at in any::<Index>(), seed in any::<u64>(),
    ) {
        let bodies: Vec<String> = events.iter().map(Any::body).collect();
        let straight = one_by_one(&bodies.iter().collect::<Vec<_>>(), &[]);
        let all = shuffled(&bodies, &keys, &repeats);
        let (one, other) = all.split_at(at.index(all.len() + 1));
        prop_assert_eq!(two_at_once([one.to_vec(), other.to_vec()], seed), straight);
    }
}

/// Ensures that the properties test colliding events.
#[test]
fn the_random_events_collide() {
    let event = |n, kind, known, second, value| Any {
        n,
        kind,
        known,
        who: 0,
        second,
        value,
        sequence: None,
        rank: 0,
        received: 0,
        content: None,
    };
    let kind = |name: &str| KINDS.iter().position(|kind| *kind == name).unwrap();
    let events = [
        event(0, kind("set"), false, 1, 3),
        event(1, kind("left"), true, 2, 0),
        event(2, kind("link"), true, 3, 0),
        event(3, kind("right"), false, 4, 0),
    ];
    let bodies: Vec<String> = events.iter().map(Any::body).collect();
    let end = one_by_one(&bodies.iter().collect::<Vec<_>>(), &[]);
    assert!(end.held.is_empty());
    let mut said: Vec<_> = end.actions.values().map(|(who, a)| (who.as_str(), a.data["text"].as_str().unwrap())).collect();
    said.sort_unstable();
    assert_eq!(said, [("who0", "3"), ("who0", "odd 3"), ("who0", "who0 joined"), ("who0", "who0 met")]);
    assert!(end.items.contains_key(&Place::new("who0", ItemKey::Identity("id0".into()))));
}
