//! What an event costs: calls, and items read and written. Flat, however long the conversation is. docs/architecture.md has
//! these numbers.

use crate::support::{Harness, Sent, message};
use async_trait::async_trait;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tidings_core::claim::ClaimKey;
use tidings_core::claim::decide::{Committed, RecordedEffect};
use tidings_core::commit_plan::CommitPlan;
use tidings_core::context::{Item, ItemKey, Place};
use tidings_core::memory::{Call, MemoryStore};
use tidings_core::ports::{Commit, ContextStore, DeadLetter, DeadLettered, Loaded, Rewrite, Unavailable};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations:
  - { on: "anonymous.*", identity: data.id }
  - { on: "*", conversation: data.who }
rules:
  - { name: plain, on: "*.plain", set: { status: data.v } }
  - { name: counted, on: "*.counted", count: { n: 1 } }
  - { name: told, on: "*.told", set: { status: data.v }, notify: { text: "{data.v} by {facts.carrier|us}" } }
  - { name: carrier, on: carrier, set: { carrier: data.v } }
  - { name: link, on: linking, link: data.id }
  - { name: tip, on: tip, notify: { text: "{data.v}", cap: { at_most: 1, within: 1h } } }
joins:
  - { name: j, all: [known.left, known.right], by: data.v, within: 1h, then: { goto: joined } }
  - { name: g, all: [known.first, known.never], by: data.v, within: 1h, then: { goto: joined }, else: { goto: alone } }
"#;

/// Items asked for, and items written, by call.
#[derive(Debug)]
struct Counting {
    inner: Arc<MemoryStore>,
    seen: Mutex<Cost>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cost {
    /// Items and claims that a BatchGetItem asks for.
    read: usize,
    /// Items that a transaction writes or checks, the claim among them.
    in_transactions: usize,
    /// Items that are written alone.
    alone: usize,
}

impl Cost {
    /// Of items up to 1 KiB: a write in a transaction counts twice.
    fn write_units(self) -> usize {
        2 * self.in_transactions + self.alone
    }
}

#[async_trait]
impl ContextStore for Counting {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        self.seen.lock().unwrap().read += places.len();
        self.inner.load(places).await
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        self.seen.lock().unwrap().read += places.len() + 1;
        self.inner.load_with_effect(places, key).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.inner.effect(key).await
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        match CommitPlan::of(commit) {
            CommitPlan::ClaimOnly => self.seen.lock().unwrap().alone += 1,
            CommitPlan::FactsThenClaim | CommitPlan::Transaction => {
                self.seen.lock().unwrap().in_transactions +=
                    1 + commit.items.len() + commit.deletes.len() + usize::from(commit.absent.is_some());
            }
        }
        self.inner.commit(commit).await
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.inner.first(partition, at_most).await
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        match (rewrite.puts.len(), rewrite.deletes.len()) {
            (1, 0) => self.seen.lock().unwrap().alone += 1,
            (puts, deletes) => self.seen.lock().unwrap().in_transactions += puts + deletes,
        }
        self.inner.rewrite(rewrite).await
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        self.inner.dead_letter(dead_letter).await
    }
}

struct Counted {
    harness: Harness,
    store: Arc<Counting>,
    n: u32,
}

impl Counted {
    fn new() -> Self {
        let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
        let mut store = None;
        let harness = Harness::with(rules, |inner| {
            let counting = Arc::new(Counting { inner, seen: Mutex::default() });
            store = Some(Arc::clone(&counting));
            counting
        });
        Self { harness, store: store.unwrap(), n: 0 }
    }

    fn with_feed() -> Self {
        let mut counted = Self::new();
        counted.harness.processor = counted.harness.processor.feeding(true);
        counted
    }

    /// The cost of one more such event, and its number of calls.
    async fn cost(&mut self, event_type: &'static str) -> (Cost, Vec<(Call, u32)>) {
        self.cost_of(event_type, None).await
    }

    /// The same with the key of its content.
    async fn cost_of(&mut self, event_type: &'static str, content: Option<&str>) -> (Cost, Vec<(Call, u32)>) {
        const CALLS: [Call; 8] =
            [Call::Load, Call::Commit, Call::First, Call::Rewrite, Call::Act, Call::SetTimer, Call::Progress, Call::StoreTimer];
        *self.store.seen.lock().unwrap() = Cost::default();
        let before = CALLS.map(|call| self.harness.faults.count(call));
        self.n += 1;
        let id: &'static str = Box::leak(self.n.to_string().into_boxed_str());
        let data = json!({"who": "ann", "id": "id", "v": id});
        let age_seconds = 10_000 - i64::from(self.n);
        let event = Sent { id, event_type, order: "1", age_seconds, data };
        let mut envelope = event.envelope();
        envelope.contentkey = content.map(str::to_owned);
        assert!(self.harness.handle(vec![message(id, &envelope.encode(), 1)]).await.is_empty());
        let calls = CALLS.into_iter().zip(before).map(|(call, before)| (call, self.harness.faults.count(call) - before));
        (*self.store.seen.lock().unwrap(), calls.filter(|(_, n)| *n > 0).collect())
    }
}

/// Each event reads the link of its conversation's name together with the rest.
#[tokio::test]
async fn an_event_costs_the_same_however_long_its_conversation_is() {
    let mut counted = Counted::new();
    let plain = (Cost { read: 3, in_transactions: 0, alone: 2 }, vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1)]);
    let told = (
        Cost { read: 4, in_transactions: 3, alone: 1 },
        vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::Act, 1)],
    );
    assert_eq!((plain.0.write_units(), told.0.write_units()), (2, 7), "in a transaction it was 4 of plain facts");
    let transaction = (Cost { read: 2, in_transactions: 2, alone: 0 }, vec![(Call::Load, 1), (Call::Commit, 1)]);
    assert_eq!(counted.cost("known.counted").await, transaction);
    let noted = (Cost { read: 0, in_transactions: 0, alone: 1 }, vec![(Call::Commit, 1)]);
    assert_eq!(counted.cost("known.nothing").await, noted);
    for events in [1, 100, 900] {
        for _ in 0..events {
            counted.cost("known.plain").await;
        }
        assert_eq!(counted.cost("known.plain").await, plain, "after {} events", counted.n);
        assert_eq!(counted.cost("known.told").await, told, "after {} events", counted.n);
    }
}

#[tokio::test]
async fn an_identity_costs_one_read_of_its_link() {
    let mut counted = Counted::new();
    let unlinked = (Cost { read: 2, in_transactions: 3, alone: 0 }, vec![(Call::Load, 1), (Call::Commit, 1)]);
    assert_eq!(counted.cost("anonymous.plain").await, unlinked);
    let linking = counted.cost("linking").await;
    // The link in three places, the claim; then one item is found, read on the other side, and moved; then what waits there is
    // looked at, and sent.
    assert_eq!(linking.0, Cost { read: 3 + 1 + 2 + 1, in_transactions: 4 + 2, alone: 0 }, "{linking:?}");
    let linked = (Cost { read: 2 + 1, in_transactions: 2, alone: 0 }, vec![(Call::Load, 2), (Call::Commit, 1)]);
    assert_eq!(counted.cost("anonymous.plain").await, linked);
    let again = (Cost { read: 3, in_transactions: 0, alone: 1 }, vec![(Call::Load, 1), (Call::Commit, 1)]);
    assert_eq!(counted.cost("linking").await, again, "a link that is there isn't made again");
}

#[tokio::test]
async fn a_join_costs_its_item_and_its_end_an_event() {
    let mut counted = Counted::new();
    let (cost, calls) = counted.cost("known.left").await;
    assert_eq!(cost, Cost { read: 3, in_transactions: 2, alone: 0 });
    assert_eq!(calls, [(Call::Load, 1), (Call::Commit, 1)], "without an `else` there is no timer");
}

/// Before timers were stored, it was the message, and four more until the time came.
#[tokio::test]
async fn a_join_with_an_else_costs_a_put_of_its_timer_and_one_message() {
    let mut counted = Counted::new();
    let cost = Cost { read: 3, in_transactions: 3, alone: 1 };
    let stored = vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::StoreTimer, 1)];
    let mut first = counted.cost("known.first").await;
    first.1.retain(|(call, _)| *call != Call::Progress);
    assert_eq!(first, (cost, stored.clone()), "and a look at the sweeps, once in a minute");
    assert_eq!(counted.cost("known.first").await, (cost, stored));
    counted.harness.pass(std::time::Duration::from_secs(7_200)).await;
    let batches = counted.harness.faults.count(Call::SetTimer);
    assert!(batches <= 2, "{batches} batches for two timers");

    let mut counted = Counted::new();
    counted.harness.outside.timers.unproven();
    let sent = vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::SetTimer, 1)];
    let mut first = counted.cost("known.first").await;
    first.1.retain(|(call, _)| *call != Call::Progress);
    assert_eq!(first, (cost, sent));
    counted.harness.pass(std::time::Duration::from_secs(7_200)).await;
    assert_eq!(counted.harness.faults.count(Call::SetTimer), 5, "rescheduled every quarter of an hour");
}

#[tokio::test]
async fn counting_a_body_costs_an_item_and_no_call() {
    let mut counted = Counted::new();
    let counting = (Cost { read: 3, in_transactions: 3, alone: 0 }, vec![(Call::Load, 1), (Call::Commit, 1)]);
    for _ in 0..3 {
        assert_eq!(counted.cost_of("known.plain", Some("sha256:00")).await, counting);
    }
}

/// Waiting notifications are read and written with the next action of their conversation only.
#[tokio::test]
async fn a_notification_costs_one_more_read_only_while_another_waits() {
    let mut counted = Counted::new();
    let calls = vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::Act, 1)];
    let told = (Cost { read: 4, in_transactions: 3, alone: 1 }, calls.clone());
    assert_eq!(counted.cost("known.told").await, told);
    // The first tip is said; the second waits for room, which its first look at the outbox doesn't say.
    counted.cost("tip").await;
    let waits = counted.cost("tip").await.0;
    assert_eq!(waits, Cost { read: 3 + 4, in_transactions: 3, alone: 1 });
    let plain = (Cost { read: 3, in_transactions: 0, alone: 2 }, vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1)]);
    assert_eq!(counted.cost("known.plain").await, plain, "an event that says nothing reads nothing more");
    let mut told_while = counted.cost("known.told").await;
    // The mark is in the outbox, so it is read again with what waits.
    assert_eq!(told_while.0, Cost { read: 4 + 5, in_transactions: 3, alone: 1 }, "what waits isn't written, as it is as it was");
    told_while.1.sort_by_key(|(call, _)| *call == Call::Load);
    assert_eq!(told_while.1.last(), Some(&(Call::Load, 2)));
    counted.harness.pass(std::time::Duration::from_secs(3_600)).await;
    assert_eq!(counted.cost("known.told").await, told, "nothing waits any more");
}

/// docs/decisions/0069-the-feed.md has these numbers.
#[tokio::test]
async fn the_feed_costs_a_write_for_each_event_and_one_for_each_page() {
    let mut seen = Vec::new();
    for event_type in ["known.plain", "known.told"] {
        let (mut without, mut with) = (Counted::new(), Counted::with_feed());
        let mut more = Vec::new();
        for _ in 0..12 {
            let (off, on) = (without.cost(event_type).await, with.cost(event_type).await);
            more.push(on.0.write_units() - off.0.write_units());
            let calls = |calls: &[(Call, u32)]| calls.iter().map(|(_, n)| n).sum::<u32>();
            assert!(calls(&on.1) <= calls(&off.1), "no call more: {:?}, {:?}", on.1, off.1);
            assert!(on.0.read <= off.0.read + 1, "{event_type}: {:?}, {:?}", on.0, off.0);
        }
        seen.push((event_type, more));
    }
    // A page is written when the head is full.
    assert_eq!(seen[0], ("known.plain", vec![4, 4, 4, 4, 4, 4, 4, 4, 6, 4, 4, 4]));
    let (_, told) = &seen[1];
    assert!(told[0] == 2 && told.iter().all(|more| [2, 4].contains(more)), "{told:?}");
}
