//! The feed: every change of the context and every action is an update, once, and in an order that a reader can resume by
//! number. Tried exhaustively: two processors, every interleaving of their calls, with faults; a viewer reads after each
//! call, and must have seen exactly what a viewer sees who reads everything at the end.

use crate::plans::{Decisions, World, event};
use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, Sent, another, handle, rules_of};
use futures::future::join_all;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::limits::FEED_KEPT;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Content, ContextAnswer, FeedRead, FeedSlice, ItemKey, Update, UpdateKind};
use tidings_core::memory::MemoryStore;
use tidings_core::ports::StatusReader;

/// What a query reads under a name after a number.
fn read(store: &MemoryStore, name: &str, after: u64) -> FeedRead {
    let mut read = FeedRead::default();
    for (place, item) in store.items().into_iter().filter(|(place, _)| place.partition == name) {
        match item.content {
            Content::Link(link) if place.key == ItemKey::Link && link.conversation != name => {
                read.linked_to = Some(link.conversation);
            }
            Content::FeedPage(page) if page.updates.last().is_some_and(|last| last.n > after) => read.pages.push(page),
            Content::Feed(feed) => read.head = Some(feed),
            Content::Deferred(_)
            | Content::Deliveries(_)
            | Content::Facts(_)
            | Content::FeedPage(_)
            | Content::Join(_)
            | Content::Link(_)
            | Content::Outbox(_)
            | Content::OutboxPage(_)
            | Content::Reminder(_)
            | Content::Turn(_) => {}
        }
    }
    read
}

fn slice(store: &MemoryStore, name: &str, cursor: Option<u64>, now: Timestamp) -> FeedSlice {
    let found = read(store, name, cursor.unwrap_or(0));
    match &found.linked_to {
        Some(to) => read(store, to, cursor.unwrap_or(0)).after(cursor, now),
        None => found.after(cursor, now),
    }
}

/// Somebody who reads again and again, from where they are.
#[derive(Clone, Debug, Default)]
struct Viewer {
    seen: Vec<Update>,
}

impl Viewer {
    fn look(&mut self, store: &MemoryStore, name: &str, now: Timestamp) {
        loop {
            let slice = slice(store, name, self.seen.last().map(|update| update.n), now);
            assert!(!slice.torn && slice.lost_up_to.is_none(), "{slice:?} after {:?}", self.seen.last());
            self.seen.extend(slice.updates);
            if !slice.more {
                return;
            }
        }
    }

    /// What the changes of the context that were seen add up to.
    fn context(&self) -> Value {
        let mut context = json!({ "entities": {} });
        for update in self.seen.iter().filter(|update| update.event == UpdateKind::Context) {
            if let Some(node) = update.data.get("node") {
                context["node"] = node.clone();
            }
            for (entity, facts) in update.data["entities"].as_object().into_iter().flatten() {
                for (name, value) in facts.as_object().into_iter().flatten() {
                    context["entities"][entity][name] = value.clone();
                }
            }
        }
        for facts in context["entities"].as_object_mut().into_iter().flat_map(Map::values_mut) {
            facts.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        }
        context
    }

    fn actions(&self) -> Vec<&str> {
        let actions = self.seen.iter().filter(|update| update.event == UpdateKind::Action);
        actions.map(|update| update.data["id"].as_str().unwrap()).collect()
    }
}

fn stored(store: &MemoryStore, name: &str, now: Timestamp) -> Value {
    let mut answer = serde_json::to_value(ContextAnswer::of(&store.context(name), now, false)).unwrap();
    for own in ["conversation", "identities"] {
        answer.as_object_mut().unwrap().remove(own);
    }
    answer
}

const NOW: fn() -> Timestamp = crate::support::now;

/// All runs with so many faults.
async fn search(batches: [Vec<Sent>; 2], faults: usize) -> usize {
    let viewer = Arc::new(Mutex::new((Viewer::default(), None)));
    let looking = Arc::clone(&viewer);
    let world = World::with_feed(batches.clone(), move |store| {
        let (viewer, end) = &mut *looking.lock().unwrap();
        viewer.look(store, "ann", NOW());
        *end = Some((stored(store, "ann", NOW()), slice(store, "ann", None, NOW()).updates));
    });
    let (mut runs, mut decisions) = (0, Some(Decisions::default()));
    while let Some(mut these) = decisions {
        *viewer.lock().unwrap() = (Viewer::default(), None);
        let ended = world.run(faults, &mut these).await;
        let (viewer, end) = viewer.lock().unwrap().clone();
        let (context, whole) = end.unwrap();
        let place = format!("{batches:?}: {these:?}: {:?}", viewer.seen);
        assert!(viewer.seen.is_sorted_by(|one, next| one.n < next.n), "{place}");
        assert_eq!(viewer.seen, whole, "who reads along sees the same as who reads at the end: {place}");
        assert_eq!(viewer.context(), context, "{place}");
        let actions = viewer.actions();
        let once: BTreeSet<String> = actions.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!((once.len(), &once), (actions.len(), &ended.actions), "{place}");
        runs += 1;
        decisions = these.next();
    }
    runs
}

#[tokio::test(start_paused = true)]
async fn two_copies_of_an_event_are_in_the_feed_once_with_a_fault_at_any_call() {
    for kind in ["set", "add", "go", "count", "say"] {
        let copy = || vec![event("e1", kind, 1, 10)];
        let runs = search([copy(), copy()], 1).await;
        assert!(runs > 100, "{kind}: {runs} runs");
    }
}

#[tokio::test(start_paused = true)]
async fn two_events_are_in_the_feed_in_the_order_of_their_numbers_with_a_fault_at_any_call() {
    for (kind, other) in [("set", "set"), ("set", "count"), ("go", "say"), ("say", "say"), ("set", "unset")] {
        for age in [5, 15] {
            let batches = [vec![event("e1", kind, 1, 10)], vec![event("e2", other, 2, age)]];
            let runs = search(batches, 1).await;
            assert!(runs > 200, "{kind} and {other}: {runs} runs");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_copies_of_an_event_are_in_the_feed_once_with_two_faults() {
    let copy = || vec![event("e1", "set", 1, 10)];
    let runs = search([copy(), copy()], 2).await;
    assert!(runs > 1_000, "{runs} runs");
}

const RULES: &str = r#"
version: 1
conversations:
  - { on: "order.*", conversation: data.who }
  - { on: "*", identity: "'customer:' + data.customer" }
rules:
  - { name: paid, on: payment.made, count: { payments: 1 }, set: { last: data.cents }, notify: { text: "{data.cents} paid" } }
  - { name: linked, on: order.made, link: "'customer:' + data.customer", goto: ordered }
  - { name: moved, on: order.moved, set: { status: { value: data.status, ttl: 1h } }, notify: { text: "{data.status}" } }
"#;

fn harness() -> Harness {
    let mut harness = Harness::with(rules_of(RULES), |store| store);
    harness.processor = harness.processor.feeding(true);
    harness
}

fn payment(id: &'static str, cents: i64) -> Sent {
    let data = json!({ "customer": "c1", "cents": cents });
    Sent { id, event_type: "payment.made", order: "1", age_seconds: 20, data }
}

fn moved(id: &'static str, who: &str, status: &str) -> Sent {
    Sent { id, event_type: "order.moved", order: "1", age_seconds: 5, data: json!({ "who": who, "status": status }) }
}

fn ordered(who: &str) -> Sent {
    Sent { id: "o1", event_type: "order.made", order: "1", age_seconds: 30, data: json!({ "customer": "c1", "who": who }) }
}

#[tokio::test]
async fn an_update_shows_what_a_viewer_may_see_and_no_more() {
    let harness = harness();
    assert_eq!(harness.handle(vec![moved("e1", "ann", "shipped").message(1)]).await, [""; 0]);
    let slice = slice(&harness.store, "ann", None, NOW());
    let data: Vec<_> = slice.updates.iter().map(|update| (update.event, &update.data)).collect();
    let id = harness.actions().keys().next().unwrap().as_str().to_owned();
    let action = json!({
        "id": id, "type": "tidings.notify", "subject": "order/1", "time": "2026-11-22T09:59:55Z",
        "data": { "channel": null, "text": "shipped" },
    });
    assert_eq!(data[0], (UpdateKind::Context, &json!({ "entities": { "order/1": { "status": "shipped" } } })));
    assert_eq!(data[1].0, UpdateKind::Action);
    for field in ["id", "type", "subject"] {
        assert_eq!(data[1].1[field], action[field]);
    }
    assert_eq!(data[1].1["data"]["text"], "shipped");
    let json = serde_json::to_string(&slice.updates).unwrap();
    for inner in ["orders#e1", "moved", "traceparent"] {
        assert!(!json.contains(inner), "{inner} in {json}");
    }
}

#[tokio::test]
async fn an_event_that_changes_nothing_adds_nothing_to_the_feed() {
    let harness = harness();
    let newer = Sent { age_seconds: 1, ..moved("e2", "ann", "delivered") };
    for event in [newer, Sent { data: json!({ "who": "ann", "status": "delivered" }), ..moved("e1", "ann", "") }] {
        assert_eq!(harness.handle(vec![event.message(1)]).await, [""; 0]);
    }
    let updates = slice(&harness.store, "ann", None, NOW()).updates;
    assert_eq!(updates.iter().filter(|update| update.event == UpdateKind::Context).count(), 1, "{updates:?}");
}

#[tokio::test]
async fn without_the_feed_there_is_no_item_of_it() {
    let harness = Harness::with(rules_of(RULES), |store| store);
    for event in [payment("p1", 1), ordered("ann"), moved("e1", "ann", "shipped")] {
        assert_eq!(harness.handle(vec![event.message(1)]).await, [""; 0]);
    }
    let is_of_the_feed = |content: &Content| matches!(content, Content::Feed(_) | Content::FeedPage(_));
    assert!(!harness.store.items().values().any(|item| is_of_the_feed(&item.content)));
}

/// The link may come before, between and after.
#[tokio::test]
async fn a_viewer_of_an_identity_goes_on_with_the_feed_of_its_conversation() {
    for ahead in [0, 5_000] {
        let harness = harness();
        let (mut identity, mut ann) = (Viewer::default(), Viewer::default());
        // The clock of the processor that wrote the identity's facts was ahead.
        harness.clock.set(NOW().plus(Duration::from_millis(ahead)));
        assert_eq!(harness.handle(vec![payment("p1", 100).message(1)]).await, [""; 0]);
        identity.look(&harness.store, "customer:c1", NOW());
        assert_eq!(identity.context()["entities"], json!({ "order/1": { "payments": 1, "last": 100 } }));
        harness.clock.set(NOW());
        for event in [moved("e1", "ann", "packed"), ordered("ann"), payment("p2", 200), moved("e2", "ann", "shipped")] {
            assert_eq!(harness.handle(vec![event.message(1)]).await, [""; 0]);
            identity.look(&harness.store, "customer:c1", NOW());
            ann.look(&harness.store, "ann", NOW());
        }
        harness.pass(Duration::from_secs(60)).await;
        identity.look(&harness.store, "customer:c1", NOW());
        ann.look(&harness.store, "ann", NOW());
        assert_eq!(ann.context(), stored(&harness.store, "ann", NOW()), "{ahead}");
        assert!(identity.seen.is_sorted_by(|one, next| one.n < next.n));
        let after_the_link = |viewer: &Viewer| viewer.seen.iter().rev().take(4).map(|update| update.n).collect::<Vec<_>>();
        assert_eq!(after_the_link(&identity), after_the_link(&ann), "{ahead}");
        assert_eq!(identity.context()["entities"]["order/1"]["payments"], 2);
    }
}

#[tokio::test]
async fn a_notification_that_waited_is_in_the_feed_when_it_is_said() {
    let yaml = "version: 1\nconversations: [{ on: '*', conversation: data.who }]\npolicy: { quiet_hours: { from: '09:00', to: '11:00', zone: UTC } }\nrules: [{ name: moved, on: order.moved, notify: { text: \"{data.status}\" } }]\n";
    let mut harness = Harness::with(rules_of(yaml), |store| store);
    harness.processor = harness.processor.feeding(true);
    assert_eq!(harness.handle(vec![moved("e1", "ann", "shipped").message(1)]).await, [""; 0]);
    assert_eq!(slice(&harness.store, "ann", None, NOW()).updates.len(), 0);
    harness.pass(Duration::from_secs(2 * 3_600)).await;
    assert_eq!(harness.said("ann"), ["shipped"]);
    let updates = slice(&harness.store, "ann", None, harness.clock.now()).updates;
    assert_eq!(updates.iter().map(|update| update.data["data"]["text"].as_str().unwrap()).collect::<Vec<_>>(), ["shipped"]);
}

#[tokio::test]
async fn updates_are_kept_for_a_day() {
    let harness = harness();
    assert_eq!(harness.handle(vec![moved("e1", "ann", "packed").message(1)]).await, [""; 0]);
    let first = slice(&harness.store, "ann", None, NOW()).cursor().unwrap();
    harness.clock.set(NOW().plus(Duration::from_secs(60)));
    assert_eq!(harness.handle(vec![moved("e2", "ann", "shipped").message(1)]).await, [""; 0]);
    let last = slice(&harness.store, "ann", None, NOW()).cursor().unwrap();
    let late = NOW().plus(FEED_KEPT).plus(Duration::from_secs(120));
    assert_eq!(slice(&harness.store, "ann", None, late), FeedSlice::default());
    assert_eq!(slice(&harness.store, "ann", Some(first), late).lost_up_to, Some(last));
    assert_eq!(slice(&harness.store, "ann", Some(last), late).lost_up_to, None);
}

/// Seeded: a failure names its seed.
#[tokio::test]
async fn many_events_in_four_processors_are_in_the_feed_once_each() {
    for seed in 0..60 {
        let harness = Harness::with(rules_of(RULES), |store| store);
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let processor = |_| another(rules_of(RULES), Arc::clone(&store), &harness.clock, &harness.outside).feeding(true);
        let processors: Vec<_> = (0..4).map(processor).collect();
        const IDS: [[&str; 3]; 4] = [["a1", "a2", "a3"], ["b1", "b2", "b3"], ["c1", "c2", "c3"], ["a1", "b2", "c3"]];
        let batches = processors.iter().zip(IDS).map(|(processor, ids)| {
            let messages = ids.map(|id| moved(id, "ann", id).message(1)).to_vec();
            handle(processor, messages, AMPLE)
        });
        let failed = join_all(batches).await.concat();
        assert_eq!(failed, [""; 0], "seed {seed}");
        let mut viewer = Viewer::default();
        viewer.look(&harness.store, "ann", NOW());
        assert!(viewer.seen.is_sorted_by(|one, next| one.n < next.n), "seed {seed}");
        let actions: BTreeSet<&str> = viewer.actions().into_iter().collect();
        assert_eq!((actions.len(), viewer.actions().len()), (9, 9), "seed {seed}");
        assert_eq!(viewer.context(), stored(&harness.store, "ann", NOW()), "seed {seed}");
    }
}

/// Only an address that a browser may be sent to.
#[tokio::test]
async fn a_result_is_recorded_in_the_claim_of_its_event() {
    let yaml = "version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules: [{ name: r, on: order.moved, emit: { type: tidings.result, data: { location: data.status } } }]\n";
    for (id, location, result) in [
        ("e1", "https://shop.example/orders/1042", true),
        ("e2", "/orders/1042", true),
        ("e3", "//evil.example", false),
        ("e4", "javascript:alert(1)", false),
        ("e5", "http://shop.example", false),
        ("e6", "/a\r\nset-cookie: x", false),
    ] {
        for feed in [true, false] {
            let mut harness = Harness::with(rules_of(yaml), |store| store);
            harness.processor = harness.processor.feeding(feed);
            assert_eq!(harness.handle(vec![moved(id, "ann", location).message(1)]).await, [""; 0]);
            let status = harness.store.event_status(&ClaimKey::new("orders", id)).await.unwrap().unwrap();
            assert_eq!(status.result.as_deref(), (feed && result).then_some(location), "{location}, {feed}");
        }
    }
}
