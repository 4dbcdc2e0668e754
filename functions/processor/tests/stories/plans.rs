//! The choice between a transaction and "facts, then claim", tried exhaustively: two processors, every interleaving of
//! their calls, and a crash, a refused call or a lost answer at each. Whatever happens, the context, the claims and the
//! actions end as with transactions alone.
//!
//! The search is shown to find what it looks for: with a counter outside of a transaction, it fails.

use crate::stepped::{FAULTS, Fate, Stepped, Writes};
use crate::support::{AMPLE, Harness, Sent, another, message, rules_of};
use futures::poll;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use tidings_core::action::{Action, ActionNote};
use tidings_core::claim::{Claim, ClaimKey, ClaimState, Outcome};
use tidings_core::commit_plan::{CommitPlan, Merging};
use tidings_core::context::{Content, Fact, Facts, Item, ItemKey, Link, Order, Place};
use tidings_core::manual::ManualChange;
use tidings_core::memory::{MemoryStore, failed_ids, noted, sqs_event};
use tidings_core::ports::Commit;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: "'ann'" }]
rules:
  - { name: set, on: set, set: { status: data.v, short: { value: data.v, ttl: 1h } } }
  - { name: unset, on: unset, unset: status }
  - { name: climb, on: climb, set: { rung: { value: data.v, ladder: [1, 2, 3] } } }
  - { name: add, on: add, add: { tags: data.v, seen: data.v } }
  - { name: remove, on: remove, remove: { tags: data.v } }
  - { name: go, on: go, goto: there }
  - { name: count, on: count, count: { n: data.v } }
  - { name: say, on: say, set: { status: data.v }, notify: { text: "{data.v}" } }
"#;

/// Decisions of one run, for a search in depth: the first ones are given, the others are the first of their options.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions {
    taken: Vec<(usize, usize)>,
    made: usize,
}

impl Decisions {
    /// One of so many options.
    fn choose(&mut self, options: usize) -> usize {
        if self.made == self.taken.len() {
            self.taken.push((0, options));
        }
        self.made += 1;
        self.taken[self.made - 1].0
    }

    /// The next run. `None`: all were made.
    pub(crate) fn next(mut self) -> Option<Self> {
        while let Some((choice, options)) = self.taken.pop() {
            if choice + 1 < options {
                self.taken.push((choice + 1, options));
                return Some(Self { made: 0, ..self });
            }
        }
        None
    }
}

/// What must be the same: the items without their versions, the claims, and the actions that were sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) items: BTreeMap<Place, Content>,
    claims: BTreeMap<ClaimKey, Recorded>,
    pub(crate) actions: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    state: ClaimState,
    conversation: Option<String>,
    outcome: Option<Outcome>,
    rules: Vec<String>,
    overtaken: Vec<String>,
    node: Option<String>,
}

type Run<'a> = Pin<Box<dyn Future<Output = Vec<String>> + 'a>>;

/// Two processors, and a third that receives what they leave.
pub(crate) struct World {
    harness: Harness,
    stores: [Arc<Stepped>; 3],
    processors: [processor::Processor; 3],
    batches: [Vec<Sent>; 2],
    /// Called after each call of a processor.
    look: Option<Look>,
}

type Look = Box<dyn Fn(&MemoryStore)>;

impl World {
    fn new(batches: [Vec<Sent>; 2], writes: Writes) -> Self {
        let rules = rules_of(RULES);
        let harness = Harness::with(rules.clone(), |store| store);
        let stores = [(); 3].map(|()| Stepped::new(writes));
        let processors =
            stores.each_ref().map(|store| another(rules.clone(), Arc::clone(store), &harness.clock, &harness.outside));
        Self { harness, stores, processors, batches, look: None }
    }

    /// With the feed, and somebody who looks at the tables after each call.
    pub(crate) fn with_feed(batches: [Vec<Sent>; 2], look: impl Fn(&MemoryStore) + 'static) -> Self {
        let world = Self::new(batches, Writes::Chosen);
        let processors = world.processors.map(|processor| processor.feeding(true));
        Self { processors, look: Some(Box::new(look)), ..world }
    }

    fn look(&self, store: &MemoryStore) {
        self.look.iter().for_each(|look| look(store));
    }

    /// One schedule: each processor handles its batch. Then what isn't acknowledged is received again, without faults.
    pub(crate) async fn run(&self, faults: usize, decisions: &mut Decisions) -> Ended {
        let store = Arc::new(MemoryStore::default());
        self.stores.iter().for_each(|stepped| stepped.begin(&store));
        let sent_before = self.harness.outside.actions.sent().len();
        let mut left: Vec<Sent> = Vec::new();
        let mut running: Vec<(usize, Run<'_>)> = Vec::new();
        for (n, batch) in self.batches.iter().enumerate() {
            let messages = batch.iter().enumerate().map(|(i, event)| message(&format!("{n}-{i}"), &event.envelope().encode(), 1));
            let (processor, batch) = (&self.processors[n], sqs_event(messages.collect()));
            running.push((n, Box::pin(async move { failed_ids(&processor.handle(batch, AMPLE).await) })));
        }
        for place in (0..running.len()).rev() {
            self.to_next_call(&mut running, place, &mut left).await;
        }
        let mut faults_left = faults;
        while !running.is_empty() {
            let fates = if faults_left > 0 { 1 + FAULTS.len() } else { 1 };
            let choice = decisions.choose(running.len() * fates);
            let (place, fate) = (choice / fates, choice % fates);
            let n = running[place].0;
            let fate = fate.checked_sub(1).map_or(Fate::Answered, |fault| FAULTS[fault]);
            faults_left -= usize::from(fate != Fate::Answered);
            *self.stores[n].next.lock().unwrap() = Some(fate);
            self.stores[n].waits.store(false, Ordering::SeqCst);
            match fate {
                Fate::Answered | Fate::Refused | Fate::AnswerLost => self.to_next_call(&mut running, place, &mut left).await,
                Fate::DiesBefore | Fate::DiesAfter => {
                    let _ = poll!(running[place].1.as_mut());
                    drop(running.remove(place));
                    left.extend(self.batches[n].iter().cloned());
                }
            }
            self.look(&store);
        }
        if left.len() > 1 && decisions.choose(2) == 1 {
            left.reverse();
        }
        // A message that was lost is received for the second time; a copy that the receiver queued for the first.
        let receive = if left.is_empty() { 1 } else { u32::try_from(decisions.choose(2)).unwrap() + 1 };
        for event in left {
            self.receive_again(&event, receive).await;
            self.look(&store);
        }
        ended(&store, self.harness.outside.actions.sent().split_off(sent_before))
    }

    /// Lets a processor go on until it makes a call, or ends.
    async fn to_next_call(&self, running: &mut Vec<(usize, Run<'_>)>, place: usize, left: &mut Vec<Sent>) {
        loop {
            let (n, run) = &mut running[place];
            match poll!(run.as_mut()) {
                Poll::Ready(failed) => {
                    let kept = self.batches[*n].iter().enumerate().filter(|(i, _)| failed.contains(&format!("{n}-{i}")));
                    left.extend(kept.map(|(_, event)| event.clone()));
                    drop(running.remove(place));
                    return;
                }
                Poll::Pending if self.stores[*n].waits.load(Ordering::SeqCst) => return,
                // It pauses before it tries again.
                Poll::Pending => tokio::time::advance(Duration::from_millis(5)).await,
            }
        }
    }

    async fn receive_again(&self, event: &Sent, receive: u32) {
        let (store, processor) = (&self.stores[2], &self.processors[2]);
        let mut handling = Box::pin(processor.handle(sqs_event(vec![event.message(receive)]), AMPLE));
        loop {
            *store.next.lock().unwrap() = Some(Fate::Answered);
            match poll!(handling.as_mut()) {
                Poll::Ready(response) => return assert_eq!(failed_ids(&response), [""; 0], "{event:?}"),
                Poll::Pending => tokio::time::advance(Duration::from_millis(5)).await,
            }
        }
    }
}

fn ended(store: &MemoryStore, sent: Vec<(String, u64, Action)>) -> Ended {
    let recorded = |claim: Claim| Recorded {
        state: claim.state,
        conversation: claim.conversation,
        outcome: claim.outcome,
        rules: claim.rules,
        overtaken: claim.overtaken,
        node: claim.node,
    };
    Ended {
        items: store.items().into_iter().map(|(place, item)| (place, item.content)).collect(),
        claims: store.claims().into_iter().map(|claim| (claim.key.clone(), recorded(claim))).collect(),
        actions: sent.into_iter().map(|(_, _, action)| action.id.as_str().to_owned()).collect(),
    }
}

pub(crate) fn event(id: &'static str, kind: &'static str, value: i64, age_seconds: i64) -> Sent {
    Sent { id, event_type: kind, order: "1", age_seconds, data: json!({ "v": value }) }
}

/// All runs with so many faults. `Err`: the first one that ends as no run with
/// transactions does.
async fn search(batches: [Vec<Sent>; 2], writes: Writes, faults: usize) -> Result<usize, String> {
    let mut with_transactions: Vec<Ended> = Vec::new();
    let world = World::new(batches.clone(), Writes::Together);
    let mut decisions = Some(Decisions::default());
    while let Some(mut these) = decisions {
        let ended = world.run(0, &mut these).await;
        if !with_transactions.contains(&ended) {
            with_transactions.push(ended);
        }
        decisions = these.next();
    }
    let items = &with_transactions[0].items;
    assert!(with_transactions.iter().all(|one| one.items == *items), "the order of processing decides: {with_transactions:?}");
    let world = World::new(batches, writes);
    let mut runs = 0;
    let mut decisions = Some(Decisions::default());
    while let Some(mut these) = decisions {
        let ended = world.run(faults, &mut these).await;
        runs += 1;
        let known = |key: &ClaimKey, claim: &Recorded| with_transactions.iter().any(|one| one.claims.get(key) == Some(claim));
        let is_right = ended.items == *items
            && with_transactions.iter().any(|one| one.actions == ended.actions && one.claims.len() == ended.claims.len())
            && ended.claims.iter().all(|(key, claim)| known(key, claim));
        if !is_right {
            let (batches, taken) = (&world.batches, these.taken);
            return Err(format!("{batches:?}: {taken:?} ends as {ended:?}; with transactions: {with_transactions:?}"));
        }
        decisions = these.next();
    }
    Ok(runs)
}

/// Each condition of the cheap plan is needed.
#[test]
fn whatever_cannot_be_repeated_keeps_its_transaction() {
    let sent = event("e1", "set", 1, 10).envelope();
    let order = Order::at(sent.receivedtime, sent.claimkey.clone());
    let facts = Facts::from([("status".to_owned(), Fact::register(json!(1), order.clone()))]);
    let place = |partition: &str, entity: &str| Place::new(partition, ItemKey::Entity(entity.to_owned()));
    let item = || Item::new(Content::Facts(facts.clone()));
    let noted = || noted(&sent, "ann", sent.receivedtime);
    let one = || Commit { items: BTreeMap::from([(place("ann", "order/1"), item())]), merging: Merging::Repeatable, ..noted() };
    assert_eq!(CommitPlan::of(&noted()), CommitPlan::ClaimOnly);
    assert_eq!(CommitPlan::of(&one()), CommitPlan::FactsThenClaim);

    let with = |change: &dyn Fn(&mut Commit)| {
        let mut commit = one();
        change(&mut commit);
        CommitPlan::of(&commit)
    };
    let link = || Item::new(Content::Link(Link { conversation: "ann".to_owned(), order: order.clone() }));
    let manual = || ManualChange { by: String::new(), reason: String::new(), again: None, changes: Vec::new() };
    let changes: [&dyn Fn(&mut Commit); 11] = [
        &|commit| commit.merging = Merging::Once,
        &|commit| drop(commit.items.insert(place("ann", "order/2"), item())),
        &|commit| commit.items = BTreeMap::from([(place("customer:c1", "order/1"), item())]),
        &|commit| commit.items = BTreeMap::from([(place("ann", "order/1"), link())]),
        &|commit| commit.items = BTreeMap::from([(Place::new("ann", ItemKey::Link), link())]),
        &|commit| commit.deletes = BTreeMap::from([(place("ann", "order/2"), 1)]),
        &|commit| commit.absent = Some(Place::new("ann", ItemKey::Link)),
        &|commit| commit.actions = vec![ActionNote::Text("tags dropped: 1 element".to_owned())],
        &|commit| commit.joins = vec!["join#j".to_owned()],
        &|commit| commit.links = vec!["customer:c1".to_owned()],
        &|commit| commit.manual = Some(manual()),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        assert_eq!(with(change), CommitPlan::Transaction, "change {n}");
    }
    // What an absent item guards are items. An event that is applied again is recorded in two claims.
    assert_eq!(CommitPlan::of(&Commit { absent: Some(Place::new("ann", ItemKey::Link)), ..noted() }), CommitPlan::ClaimOnly);
    let again = ManualChange { again: Some(sent.claimkey.clone()), ..manual() };
    assert_eq!(CommitPlan::of(&Commit { manual: Some(again), ..noted() }), CommitPlan::Transaction);
}

/// Events whose facts are written before their claims.
const CHEAP: [(&str, i64); 6] = [("set", 1), ("unset", 1), ("climb", 1), ("add", 1), ("remove", 1), ("go", 1)];

#[tokio::test(start_paused = true)]
async fn two_copies_of_an_event_end_as_in_transactions_with_a_fault_at_any_call() {
    for (kind, value) in CHEAP {
        let copy = || vec![event("e1", kind, value, 10)];
        let runs = search([copy(), copy()], Writes::Chosen, 1).await.unwrap_or_else(|found| panic!("{found}"));
        assert!(runs > 200, "{kind}: {runs} runs");
    }
}

#[tokio::test(start_paused = true)]
async fn two_copies_of_an_event_end_as_in_transactions_with_two_faults_at_any_calls() {
    let copy = || vec![event("e1", "set", 1, 10)];
    let runs = search([copy(), copy()], Writes::Chosen, 2).await.unwrap_or_else(|found| panic!("{found}"));
    assert!(runs > 2_000, "{runs} runs");
}

/// In both orders of the events.
#[tokio::test(start_paused = true)]
async fn two_events_of_one_entity_end_as_in_transactions_with_a_fault_at_any_call() {
    let set = ("set", 1);
    let pairs = [
        (set, ("set", 2)),
        (set, ("unset", 2)),
        (set, ("say", 2)),
        (("climb", 2), ("climb", 3)),
        (("add", 1), ("remove", 1)),
        (("add", 1), ("count", 1)),
        (("go", 1), ("go", 2)),
    ];
    for ((kind, value), (other, others_value)) in pairs {
        for age in [5, 15] {
            let batches = [vec![event("e1", kind, value, 10)], vec![event("e2", other, others_value, age)]];
            let runs = search(batches, Writes::Chosen, 1).await.unwrap_or_else(|found| panic!("{found}"));
            assert!(runs > 200, "{kind} and {other}: {runs} runs");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_and_a_copy_of_its_first_event_end_as_in_transactions() {
    let batches = [vec![event("e1", "set", 1, 10), event("e2", "count", 1, 5)], vec![event("e1", "set", 1, 10)]];
    search(batches, Writes::Chosen, 1).await.unwrap_or_else(|found| panic!("{found}"));
}

#[tokio::test(start_paused = true)]
async fn the_search_finds_a_counter_outside_of_its_transaction() {
    let copies = || [vec![event("e1", "count", 1, 10)], vec![event("e1", "count", 1, 10)]];
    search(copies(), Writes::Chosen, 1).await.unwrap_or_else(|found| panic!("{found}"));
    let found = search(copies(), Writes::Apart, 1).await;
    assert!(found.is_err(), "a crash between the two writes counts twice: {found:?}");
}
