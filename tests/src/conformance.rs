//! One suite per port. It runs with the memory adapter, and with the real SDK against an emulator. A fake that differs
//! from the real service fails here.

use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{
    CLAIM_LIFETIME, MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_FEED_PAGES_READ, MAX_ITEMS_PER_EVENT, MAX_MESSAGE_BYTES,
    MAX_OTHER_BODIES, MAX_STORED_EVENT_BYTES, MAX_TIMER_DELAY, MOVE_CHUNK,
};
use tidings_config::rules::{CapOverflow, Priority, Span, TurnTerms};
use tidings_config::time::Timestamp;
use tidings_core::action::{Action, ActionId, ActionNote, Intent, PlannedAction, Wrote};
use tidings_core::claim::decide::{Body, Committed, Recorded, RecordedEffect};
use tidings_core::claim::{
    Claim, ClaimKey, ClaimState, EventField, NewClaim, OutboxEntry, OutboxMessage, Outcome, Sha256Hex, TimelineKey,
    outbox_partition,
};
use tidings_core::commit_plan::Merging;
use tidings_core::context::{
    Content, Context, Deferred, Deliveries, Fact, Facts, Feed, FeedPage, FeedRead, Item, ItemKey, JoinState, Link, Order, Outbox,
    Outgoing, Owner, Page, Place, Reminder, ReminderState, Seen, Tie, Turn, TurnEvent, TurnState, Update, UpdateKind, Waiting,
};
use tidings_core::internal_event::InternalEvent;
use tidings_core::manual::{FactChange, ManualChange};
use tidings_core::ports::{
    ActionQueue, ClaimStore, Commit, ContextStore, DeadLetter, DeadLettered, Delayed, Entry, EventQueue, EventStatus, FeedReader,
    Get, GetError, HandshakeSecrets, Hide, HttpsGet, MessageVisibility, OutboxStore, Replaced, Rewrite, SecretStore,
    StatusReader, TimerQueue, TimerStore,
};
use tidings_core::stored_event::StoredEvent;
use tidings_core::stored_timer::{Progress, StoredTimer, Sweeps};
use tidings_core::trace::Trace;

/// Reads stored data, outside of the ports.
#[async_trait::async_trait]
pub trait Inspect: Send + Sync {
    async fn claim(&self, key: &ClaimKey) -> Option<Claim>;
    /// The event that is stored with a claim.
    async fn kept(&self, key: &ClaimKey) -> Option<StoredEvent>;
    async fn context(&self, conversation: &str) -> Context;
    async fn timeline(&self, conversation: &str) -> Vec<Claim>;
}

#[allow(missing_debug_implementations, reason = "trait objects of tests")]
/// The tables, empty at the start of every test.
pub struct Tables {
    pub claims: Arc<dyn ClaimStore>,
    pub contexts: Arc<dyn ContextStore>,
    pub feeds: Arc<dyn FeedReader>,
    pub statuses: Arc<dyn StatusReader>,
    pub outbox: Arc<dyn OutboxStore>,
    pub inspect: Arc<dyn Inspect>,
}

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_250);
const LATER: Timestamp = Timestamp::from_unix_ms(1_795_168_900_500);

fn key(id: &str) -> ClaimKey {
    ClaimKey::new("stripe", id)
}

fn new_claim(id: &str, body: &[u8]) -> NewClaim {
    NewClaim {
        key: key(id),
        source: "stripe".into(),
        event_id: id.into(),
        event_type: "invoice.paid".into(),
        subject: Some("invoice/1".into()),
        body_sha256: Sha256Hex::of(body),
        received: NOW,
        trace_id: Some(trace().id().to_owned()),
        unread: Vec::new(),
        outbox: None,
    }
}

/// Its header is longer than a small message.
fn trace() -> Trace {
    Trace::parse("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1").expect("a trace")
}

fn commit(id: &str, conversation: &str, items: &[(&str, Option<u64>)]) -> Commit {
    let order = Order { sequence: Some(7), ..Order::at(NOW, key(id)) };
    let fact = |value| Fact::register(value, order.clone());
    let facts = Facts::from([("status".to_owned(), fact(json!("paid"))), ("total".to_owned(), fact(json!({"eur": 48.9})))]);
    let item = |(entity, version): &(&str, Option<u64>)| {
        let place = Place::new(conversation, ItemKey::Entity((*entity).to_owned()));
        (place, Item { version: *version, content: Content::Facts(facts.clone()) })
    };
    Commit {
        key: key(id),
        source: "stripe".into(),
        event_id: id.into(),
        event_type: "invoice.paid".into(),
        subject: Some("invoice/1".into()),
        received: NOW,
        processed: LATER,
        conversation: conversation.into(),
        occurred: TimelineKey::stored(format!("{NOW}#{id}")),
        outcome: Outcome::Applied,
        rules: vec!["paid".into()],
        node: Some("thanks".into()),
        off_schema: Some("schema 2: /id isn't as expected".into()),
        actions: vec![ActionNote::read("paid/notify queued".into())],
        trace_id: Some("1-00000000-000000000000000000000000".into()),
        overtaken: vec!["order/2.status".into()],
        joins: vec!["join#ready#1".into()],
        manual: None,
        event: None,
        result: None,
        links: vec!["customer:c1".into()],
        deletes: BTreeMap::new(),
        absent: None,
        merging: Merging::Once,
        items: items.iter().map(item).collect(),
    }
}

fn dead_letter(id: &str) -> DeadLetter {
    DeadLetter {
        key: key(id),
        source: "stripe".into(),
        event_type: "invoice.paid".into(),
        at: LATER,
        reason: "rule paid: no".into(),
        receive_count: 5,
        entry: None,
        trace_id: Some("1-00000000-000000000000000000000000".into()),
    }
}

/// [`ClaimStore`].
pub async fn claim_store(tables: &Tables) {
    let Tables { claims, contexts, inspect, .. } = tables;
    let state = async |id: &str| inspect.claim(&key(id)).await.map(|claim| claim.state);

    assert_eq!(claims.record(&new_claim("a", b"body")).await, Recorded::New);
    let stored = inspect.claim(&key("a")).await.expect("the claim");
    assert_eq!((stored.state, stored.received, stored.event_id.as_deref()), (ClaimState::Received, Some(NOW), Some("a")));
    assert_eq!(
        (stored.subject.as_deref(), stored.conversation),
        (Some("invoice/1"), None),
        "no conversation: not in the timeline yet"
    );
    assert_eq!(stored.expires, Timestamp::from_unix_s(NOW.plus(CLAIM_LIFETIME).unix_s()), "whole seconds, as TTL has them");

    // The second put reports the first, and changes nothing.
    let again = |body, state| Recorded::Existing { state, received: Some(NOW), body, is_kept: false };
    let mut late = new_claim("a", b"body");
    late.received = LATER;
    assert_eq!(claims.record(&late).await, again(Body::Same, ClaimState::Received));
    let other = |is_news| Body::Other { first: Sha256Hex::of(b"body"), is_news };
    assert_eq!(claims.record(&new_claim("a", b"another")).await, again(other(true), ClaimState::Received));
    assert_eq!(inspect.claim(&key("a")).await.and_then(|c| c.received), Some(NOW));

    claims.mark_enqueued(&key("a"), LATER).await.expect("a mark");
    assert_eq!(inspect.claim(&key("a")).await.map(|c| (c.state, c.enqueued)), Some((ClaimState::Enqueued, Some(LATER))));
    assert_eq!(claims.record(&late).await, again(Body::Same, ClaimState::Enqueued));

    // The mark changes only `received`: it creates no claim, and reverts no state.
    claims.mark_enqueued(&key("nobody"), NOW).await.expect("no error");
    assert_eq!(state("nobody").await, None);
    assert_eq!(contexts.commit(&commit("a", "c", &[])).await, Committed::Yes);
    claims.mark_enqueued(&key("a"), NOW).await.expect("no error");
    assert_eq!(state("a").await, Some(ClaimState::Processed));
    assert_eq!(contexts.dead_letter(&dead_letter("b")).await.expect("an answer"), DeadLettered::Yes);
    claims.mark_enqueued(&key("b"), NOW).await.expect("no error");
    assert_eq!(state("b").await, Some(ClaimState::Dead));
    assert_eq!(
        claims.record(&new_claim("b", b"x")).await,
        Recorded::Existing { state: ClaimState::Dead, received: None, body: Body::Same, is_kept: false }
    );

    // Fields that couldn't be read are on the claim. Without such a field the claim has no list.
    let unread = NewClaim { unread: vec![EventField::Time, EventField::Sequence], ..new_claim("odd", b"body") };
    assert_eq!(claims.record(&unread).await, Recorded::New);
    assert_eq!(inspect.claim(&key("odd")).await.map(|claim| claim.unread), Some(unread.unread));
    assert_eq!(inspect.claim(&key("a")).await.map(|claim| claim.unread), Some(vec![]));
}

/// [`ClaimStore::note_body`]: other bodies under a known key are stored, up to a limit, and the processor's writes keep
/// them.
pub async fn other_bodies(tables: &Tables) {
    let Tables { claims, contexts, inspect, .. } = tables;
    let others = async |id: &str| inspect.claim(&key(id)).await.map(|claim| claim.other_bodies);
    let note = async |id: &str, body: &[u8]| claims.note_body(&key(id), &Sha256Hex::of(body)).await.expect("no error");
    let is_news = async |id: &str, body: &[u8]| match claims.record(&new_claim(id, body)).await {
        Recorded::Existing { body: Body::Other { is_news, .. }, .. } => is_news,
        other @ (Recorded::New | Recorded::Existing { .. } | Recorded::Contended | Recorded::Unknown) => panic!("{other:?}"),
    };
    assert_eq!(claims.record(&new_claim("a", b"body")).await, Recorded::New);
    assert_eq!(others("a").await, Some(vec![]));
    assert!(is_news("a", b"1").await);
    note("a", b"1").await;
    note("a", b"1").await;
    let hash = |body: &[u8]| Sha256Hex::of(body).as_str().to_owned();
    assert_eq!(others("a").await, Some(vec![hash(b"1")]), "each once");
    assert!(!is_news("a", b"1").await, "the claim has it");
    assert!(is_news("a", b"2").await);

    assert_eq!(contexts.commit(&commit("a", "c", &[])).await, Committed::Yes);
    assert_eq!(others("a").await, Some(vec![hash(b"1")]), "the commit leaves it");
    let bodies: Vec<String> = (1..=MAX_OTHER_BODIES + 1).map(|n| n.to_string()).collect();
    for body in &bodies {
        note("a", body.as_bytes()).await;
    }
    let mut kept: Vec<String> = bodies[..MAX_OTHER_BODIES].iter().map(|body| hash(body.as_bytes())).collect();
    kept.sort();
    assert_eq!(others("a").await, Some(kept), "no more than it has room for");
    assert!(!is_news("a", bodies[MAX_OTHER_BODIES].as_bytes()).await, "no call for what has no room");
    assert_eq!(inspect.claim(&key("a")).await.map(|claim| claim.state), Some(ClaimState::Processed));

    // It creates no claim. A claim without a known body (erased, or made by the processor) gets no other body.
    note("nobody", b"1").await;
    assert_eq!(others("nobody").await, None);
    assert_eq!(contexts.dead_letter(&dead_letter("b")).await.expect("an answer"), DeadLettered::Yes);
    note("b", b"1").await;
    assert_eq!(others("b").await, Some(vec![]));
}

/// [`ContextStore`].
pub async fn context_store(tables: &Tables) {
    let Tables { claims, contexts, inspect, .. } = tables;
    let load = async |conversation: &str, entities: &[&str]| {
        let place = |e: &&str| Place::new(conversation, ItemKey::Entity((*e).to_owned()));
        contexts.load(&entities.iter().map(place).collect()).await.expect("an answer")
    };
    let versions = async |conversation: &str, entities: &[&str]| {
        let found = load(conversation, entities).await;
        found.into_iter().map(|(place, item)| (place.key.to_string(), item.version)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(load("c", &["order/1"]).await, BTreeMap::new());
    assert_eq!(load("c", &[]).await, BTreeMap::new());

    // One transaction writes the effect and the claim's final state. Earlier attributes are kept.
    assert_eq!(claims.record(&new_claim("a", b"body")).await, Recorded::New);
    assert_eq!(contexts.commit(&commit("a", "c", &[("order/1", None), ("order/2", None)])).await, Committed::Yes);
    assert_eq!(versions("c", &["order/1", "order/2", "order/3"]).await.len(), 2);
    let claim = inspect.claim(&key("a")).await.expect("the claim");
    assert_eq!(
        (claim.state, claim.outcome, claim.conversation.as_deref()),
        (ClaimState::Processed, Some(Outcome::Applied), Some("c"))
    );
    assert_eq!((claim.received, claim.processed, claim.node.as_deref()), (Some(NOW), Some(LATER), Some("thanks")));
    assert_eq!((&claim.rules, claim.body_sha256.is_some()), (&vec!["paid".to_owned()], true));
    assert_eq!(claim.expires, Timestamp::from_unix_s(LATER.plus(CLAIM_LIFETIME).unix_s()), "the commit refreshes it");
    assert_eq!(claim.off_schema.as_deref(), Some("schema 2: /id isn't as expected"));
    assert_eq!(claim.overtaken, ["order/2.status"]);
    assert_eq!(
        (claim.action_lines(), claim.joins.clone()),
        (vec!["paid/notify queued".to_owned()], vec!["join#ready#1".to_owned()])
    );
    let loaded = load("c", &["order/1"]).await;
    let facts = loaded[&Place::new("c", ItemKey::Entity("order/1".into()))].facts().expect("facts");
    let order = Order { sequence: Some(7), ..Order::at(NOW, key("a")) };
    assert_eq!(facts["total"], Fact::register(json!({"eur": 48.9}), order));

    // A second try is refused by the marker, and writes nothing. It gets the effect on the claim, and so do a
    // dead-letter write and a read.
    let effect = RecordedEffect { conversation: Some("c".into()), links: Some(vec!["customer:c1".into()]) };
    let again = commit("a", "elsewhere", &[("order/1", Some(1)), ("order/9", None)]);
    assert_eq!(contexts.commit(&Commit { links: vec![], ..again }).await, Committed::Before(effect.clone()));
    assert_eq!(contexts.effect(&key("a")).await.expect("an answer"), Some(effect.clone()));
    assert_eq!(contexts.dead_letter(&dead_letter("a")).await.expect("an answer"), DeadLettered::Processed(effect.clone()));
    assert_eq!(contexts.effect(&key("nobody")).await.expect("an answer"), None);
    assert_eq!(versions("c", &["order/1", "order/9"]).await, BTreeMap::from([("entity#order/1".to_owned(), Some(1))]));

    // Items and effect in one read. A claim that isn't processed has none.
    let both = async |id: &str| {
        let place = Place::new("c", ItemKey::Entity("order/1".to_owned()));
        let places = [place, Place::new("c", ItemKey::Entity("order/9".to_owned()))].into();
        let (items, effect) = contexts.load_with_effect(&places, &key(id)).await.expect("an answer");
        (items.len(), effect)
    };
    assert_eq!(claims.record(&new_claim("waits", b"body")).await, Recorded::New);
    assert_eq!(both("a").await, (1, Some(effect)));
    assert_eq!((both("waits").await, both("nobody").await), ((1, None), (1, None)));

    // A stale version changes nothing, not even the claim.
    for stale in [None, Some(7)] {
        assert_eq!(
            contexts.commit(&commit("b", "c", &[("order/1", stale), ("order/2", Some(1))])).await,
            Committed::ContextMoved
        );
    }
    assert_eq!(contexts.commit(&commit("b", "c", &[("order/8", Some(1))])).await, Committed::ContextMoved, "not there");
    assert_eq!(inspect.claim(&key("b")).await, None);
    assert_eq!(versions("c", &["order/2"]).await["entity#order/2"], Some(1));

    // If the claim was never put, or TTL deleted it, the effect is written all the same.
    assert_eq!(contexts.commit(&commit("b", "c", &[("order/1", Some(1))])).await, Committed::Yes);
    assert_eq!(inspect.claim(&key("b")).await.map(|c| (c.state, c.received)), Some((ClaimState::Processed, Some(NOW))));
    assert_eq!(versions("c", &["order/1"]).await["entity#order/1"], Some(2));

    // Conversations are independent of each other.
    assert_eq!(contexts.commit(&commit("d", "other", &[("order/1", None)])).await, Committed::Yes);
    assert_eq!(versions("c", &["order/1"]).await["entity#order/1"], Some(2));
    assert_eq!(inspect.context("other").await.entities.len(), 1);

    // The maximum number of items that one event may change.
    let names: Vec<String> = (0..MAX_ITEMS_PER_EVENT).map(|n| format!("order/{n}")).collect();
    let many: Vec<(&str, Option<u64>)> = names.iter().map(|n| (n.as_str(), None)).collect();
    assert_eq!(contexts.commit(&commit("many", "many", &many)).await, Committed::Yes);
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(load("many", &all).await.len(), MAX_ITEMS_PER_EVENT);
}

/// Writes without an event, [`ContextStore::rewrite`] and [`ContextStore::first`], and items that must be absent.
pub async fn moves(tables: &Tables) {
    let Tables { contexts, .. } = tables;
    let place = |partition: &str, key: ItemKey| Place::new(partition, key);
    let entity = |n: usize| ItemKey::Entity(format!("order/{n}"));
    let link = place("id", ItemKey::Link);
    let linked = || Content::Link(Link { conversation: "c".into(), order: Order::at(NOW, key("l")) });

    // Before an identity has a link, its items are its own. After that, a commit to them changes nothing.
    let unlinked = |id: &str| Commit { absent: Some(link.clone()), ..commit(id, "id", &[("order/1", None)]) };
    assert_eq!(contexts.commit(&unlinked("a")).await, Committed::Yes);
    let linking = Commit { items: BTreeMap::from([(link.clone(), Item::new(linked()))]), ..commit("l", "c", &[]) };
    assert_eq!(contexts.commit(&linking).await, Committed::Yes);
    let late = Commit { absent: Some(link.clone()), ..commit("b", "id", &[("order/2", None)]) };
    assert_eq!(contexts.commit(&late).await, Committed::ContextMoved);
    // A commit that changes no item depends on none: only its claim is written, once.
    let noted = || Commit { absent: Some(link.clone()), ..commit("n", "id", &[]) };
    assert_eq!(contexts.commit(&noted()).await, Committed::Yes);
    let effect = RecordedEffect { conversation: Some("id".into()), links: Some(vec!["customer:c1".into()]) };
    assert_eq!(contexts.commit(&noted()).await, Committed::Before(effect));

    // All items of a partition, ordered by key, up to the requested number.
    let first = async |at_most| {
        let items = contexts.first("id", at_most).await.expect("an answer");
        items.into_iter().map(|(key, item)| (key.to_string(), item.version)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(first(9).await, BTreeMap::from([("entity#order/1".to_owned(), Some(1)), ("link".to_owned(), Some(1))]));
    assert_eq!(first(1).await.into_keys().collect::<Vec<_>>(), ["entity#order/1"]);
    assert_eq!(contexts.first("nobody", 9).await.expect("an answer"), BTreeMap::new());

    // Written there and deleted here in one transaction.
    let facts =
        contexts.load(&[place("id", entity(1))].into()).await.expect("an answer")[&place("id", entity(1))].content.clone();
    let moved = |version| Rewrite {
        puts: BTreeMap::from([(place("c", entity(1)), Item::new(facts.clone()))]),
        deletes: BTreeMap::from([(place("id", entity(1)), version)]),
        at: NOW,
    };
    assert_eq!(contexts.rewrite(&moved(7)).await, Committed::ContextMoved);
    assert_eq!(contexts.load(&[place("c", entity(1))].into()).await.expect("an answer"), BTreeMap::new());
    assert_eq!(contexts.rewrite(&moved(1)).await, Committed::Yes);
    assert_eq!(contexts.rewrite(&moved(1)).await, Committed::ContextMoved, "it isn't there any more");
    assert_eq!(first(9).await.into_keys().collect::<Vec<_>>(), ["link"]);

    // An event's deletions are in the transaction of its effect.
    let deleting =
        |id: &str, version| Commit { deletes: BTreeMap::from([(place("gone", entity(1)), version)]), ..commit(id, "gone", &[]) };
    assert_eq!(contexts.commit(&commit("put", "gone", &[("order/1", None)])).await, Committed::Yes);
    assert_eq!(contexts.commit(&deleting("del", 7)).await, Committed::ContextMoved);
    assert_eq!(contexts.effect(&key("del")).await.expect("an answer"), None);
    assert_eq!(contexts.commit(&deleting("del", 1)).await, Committed::Yes);
    assert_eq!(contexts.first("gone", 9).await.expect("an answer"), BTreeMap::new());

    // A single put has a condition as well.
    let alone = |version| Rewrite {
        puts: BTreeMap::from([(place("c", entity(1)), Item { version, content: facts.clone() })]),
        deletes: BTreeMap::new(),
        at: NOW,
    };
    for stale in [None, Some(7)] {
        assert_eq!(contexts.rewrite(&alone(stale)).await, Committed::ContextMoved);
    }
    assert_eq!(contexts.rewrite(&alone(Some(1))).await, Committed::Yes);
    let stored = contexts.load(&[place("c", entity(1))].into()).await.expect("an answer");
    assert_eq!(stored[&place("c", entity(1))].version, Some(2));

    // The maximum number of items for one move.
    let many: Vec<(String, Option<u64>)> = (0..MOVE_CHUNK).map(|n| (format!("order/{n}"), None)).collect();
    let many: Vec<(&str, Option<u64>)> = many.iter().map(|(name, version)| (name.as_str(), *version)).collect();
    assert_eq!(contexts.commit(&commit("many", "from", &many)).await, Committed::Yes);
    let all = Rewrite {
        puts: (0..MOVE_CHUNK).map(|n| (place("to", entity(n)), Item::new(facts.clone()))).collect(),
        deletes: (0..MOVE_CHUNK).map(|n| (place("from", entity(n)), 1)).collect(),
        at: NOW,
    };
    assert_eq!(contexts.rewrite(&all).await, Committed::Yes);
    assert_eq!(contexts.first("to", 99).await.expect("an answer").len(), MOVE_CHUNK);

    // Every kind of item is read as it was written.
    let outbox = Outbox { next: 3, ..Outbox::default() };
    let timer = Outgoing::Timer { due: LATER, message: "{}".into() };
    let page = Page { waiting: vec![Waiting { sequence: 7, what: timer }] };
    let deferred = Deferred { identities: vec!["id".into()], wakes: Some(LATER), timers: 2, ..Deferred::default() };
    let seen = Seen { time: NOW, key: key("a"), leg: 1, received: LATER, owner: Owner::Identity("id".into()) };
    let update = |n| Update { n, event: UpdateKind::Context, data: json!({ "node": "paid" }) };
    let feed = Feed { last: 12, before: 9, recent: vec![update(12)], ..Feed::default() };
    let feed_page = FeedPage { before: 3, updates: vec![update(4), update(9)] };
    let join = JoinState { seen: vec![seen], ..JoinState::default() };
    let span = |seconds| Span::new(Duration::from_secs(seconds));
    let turn = Turn {
        opened_by: key("a"),
        opened: NOW,
        last: LATER,
        terms: TurnTerms { quiet: span(2), at_most: span(10), collect: 20 },
        rule: "r".into(),
        action_type: "chat.turn".into(),
        priority: Priority::Urgent,
        entity: None,
        traceparent: None,
        by_provider: vec!["text".into()],
        has_no_timer: true,
        events: vec![TurnEvent {
            time: NOW,
            tie: Tie::default(),
            key: key("a"),
            data: Map::from_iter([("text".into(), json!("hi"))]),
        }],
    };
    let turn = TurnState { open: Some(turn) };
    let action = PlannedAction {
        id: ActionId::new(&key("a"), "r", "emit"),
        rule: "r".into(),
        entity: None,
        time: Some(NOW),
        tie: Tie::default(),
        nth: 0,
        wrote: Wrote::default(),
        overflow: CapOverflow::default(),
        since: NOW,
        cause: key("a"),
        priority: Priority::Urgent,
        traceparent: None,
        by_provider: Vec::new(),
        intent: Intent::Emit { action_type: "soon".into(), data: json!({"id": 7}) },
    };
    let reminder = ReminderState {
        newest: Some(Order::at(NOW, key("a"))),
        waits: Some(Box::new(Reminder { at: LATER, due: NOW, action, has_no_timer: true })),
        made: Some(NOW),
    };
    let items: BTreeMap<Place, Item> = [
        (place("kinds", ItemKey::Outbox), Content::Outbox(outbox)),
        (place("kinds", ItemKey::OutboxPage(7)), Content::OutboxPage(page)),
        (place("kinds", ItemKey::Deferred), Content::Deferred(deferred)),
        (place("kinds", ItemKey::Join), Content::Join(join)),
        (place("kinds", ItemKey::Turn), Content::Turn(turn)),
        (place("other kinds", ItemKey::Turn), Content::Turn(TurnState::default())),
        (place("kinds", ItemKey::Reminder), Content::Reminder(reminder)),
        (place("other kinds", ItemKey::Reminder), Content::Reminder(ReminderState::default())),
        (place("kinds", ItemKey::Feed), Content::Feed(feed)),
        (place("kinds", ItemKey::FeedPage(9)), Content::FeedPage(feed_page)),
        (place("kinds", ItemKey::Deliveries), Content::Deliveries(Deliveries { events: 7 })),
        (place("kinds", ItemKey::Identity("id".into())), linked()),
        (place("kinds", ItemKey::Node), facts),
    ]
    .into_iter()
    .map(|(place, content)| (place, Item::new(content)))
    .collect();
    assert_eq!(contexts.commit(&Commit { items: items.clone(), ..commit("k", "kinds", &[]) }).await, Committed::Yes);
    let stored = contexts.load(&items.keys().cloned().collect()).await.expect("an answer");
    let written = |item: Item| Item { version: Some(1), ..item };
    assert_eq!(stored, items.into_iter().map(|(place, item)| (place, written(item))).collect());
}

/// [`StatusReader`].
pub async fn status_reader(tables: &Tables) {
    let Tables { claims, contexts, statuses, .. } = tables;
    let status = async |id: &str| statuses.event_status(&key(id)).await.expect("an answer");
    let is = |state: ClaimState, result: Option<&str>| Some(EventStatus { state, result: result.map(str::to_owned) });
    assert_eq!(status("a").await, None);
    assert_eq!(claims.record(&new_claim("a", b"body")).await, Recorded::New);
    assert_eq!(status("a").await, is(ClaimState::Received, None));
    claims.mark_enqueued(&key("a"), LATER).await.expect("an answer");
    assert_eq!(status("a").await, is(ClaimState::Enqueued, None));
    let result = Some("https://shop.example/1".to_owned());
    assert_eq!(contexts.commit(&Commit { result, ..commit("a", "c", &[]) }).await, Committed::Yes);
    assert_eq!(status("a").await, is(ClaimState::Processed, Some("https://shop.example/1")));
    assert_eq!(claims.record(&new_claim("b", b"body")).await, Recorded::New);
    assert_eq!(contexts.dead_letter(&dead_letter("b")).await.expect("an answer"), DeadLettered::Yes);
    assert_eq!(status("b").await, is(ClaimState::Dead, None));
}

/// [`FeedReader`].
pub async fn feed_reader(tables: &Tables) {
    let Tables { contexts, feeds, .. } = tables;
    let at = |key: ItemKey| Place::new("ann", key);
    let page = |n: u64| {
        let update = Update { n, event: UpdateKind::Action, data: json!({ "n": n }) };
        FeedPage { before: n - 1, updates: vec![update] }
    };
    let head = Feed { last: 99, before: 90, ..Feed::default() };
    assert_eq!(feeds.feed("ann", 0).await.expect("an answer"), FeedRead::default());
    let pages = u64::try_from(MAX_FEED_PAGES_READ).expect("a small number") + 2;
    let write = async |contents: Vec<(Place, Content)>| {
        let puts = contents.into_iter().map(|(place, content)| (place, Item::new(content))).collect();
        let written = contexts.rewrite(&Rewrite { puts, deletes: BTreeMap::new(), at: NOW }).await;
        assert_eq!(written, Committed::Yes);
    };
    let order = || Order::at(NOW, key("a"));
    let link = |conversation: &str| Content::Link(Link { conversation: conversation.to_owned(), order: order() });
    let all = (1..=pages).map(|n| (at(ItemKey::FeedPage(n)), Content::FeedPage(page(n))));
    write(all.chain([(at(ItemKey::Feed), Content::Feed(head.clone()))]).collect()).await;
    // Neither other items of the partition nor another partition's are read.
    let other = (Place::new("ann2", ItemKey::Feed), Content::Feed(Feed { last: 1, ..Feed::default() }));
    write(vec![(at(ItemKey::Outbox), Content::Outbox(Outbox::default())), other]).await;
    let read = feeds.feed("ann", 0).await.expect("an answer");
    let numbers: Vec<u64> = read.pages.iter().map(|page| page.before + 1).collect();
    assert_eq!((&numbers[..2], read.more, &read.head), (&[1, 2][..], true, &None), "the first pages, and there are more");
    for after in [2, 3, pages] {
        let read = feeds.feed("ann", after).await.expect("an answer");
        let pages = (after + 1..=pages).map(page).collect();
        assert_eq!(read, FeedRead { linked_to: None, pages, head: Some(head.clone()), more: false }, "after {after}");
    }
    write(vec![(Place::new("customer:c1", ItemKey::Link), link("ann")), (at(ItemKey::Link), link("ann"))]).await;
    let linked = feeds.feed("customer:c1", 7).await.expect("an answer");
    assert_eq!(linked, FeedRead { linked_to: Some("ann".into()), ..FeedRead::default() });
    assert_eq!(feeds.feed("ann", 90).await.expect("an answer").linked_to, None, "it is linked to itself");
}

/// [`ContextStore::dead_letter`], and its effect on other operations.
pub async fn burials(tables: &Tables) {
    let Tables { claims, contexts, inspect, .. } = tables;
    assert_eq!(claims.record(&new_claim("a", b"body")).await, Recorded::New);
    assert_eq!(contexts.dead_letter(&dead_letter("a")).await.expect("an answer"), DeadLettered::Yes);
    let claim = inspect.claim(&key("a")).await.expect("the claim");
    assert_eq!((claim.state, claim.reason.as_deref(), claim.receive_count), (ClaimState::Dead, Some("rule paid: no"), Some(5)));
    assert_eq!((claim.received, claim.dead, claim.conversation), (Some(NOW), Some(LATER), None));

    // After a redrive it is processed, and the reason is removed.
    assert_eq!(contexts.commit(&commit("a", "c", &[])).await, Committed::Yes);
    let claim = inspect.claim(&key("a")).await.expect("the claim");
    assert_eq!((claim.state, claim.reason, claim.receive_count, claim.dead), (ClaimState::Processed, None, None, None));

    // For an unreadable message, the receiver's record on the claim is kept. Without a claim, the dead letter's own
    // data is written.
    let unreadable = |id: &str| DeadLetter { source: "unknown".into(), event_type: "unknown".into(), ..dead_letter(id) };
    assert_eq!(claims.record(&new_claim("b", b"body")).await, Recorded::New);
    for id in ["b", "c"] {
        assert_eq!(contexts.dead_letter(&unreadable(id)).await.expect("an answer"), DeadLettered::Yes);
    }
    for (id, source, event_type) in [("b", "stripe", "invoice.paid"), ("c", "unknown", "unknown")] {
        let claim = inspect.claim(&key(id)).await.expect("the claim");
        assert_eq!((claim.state, claim.source.as_str(), claim.event_type.as_str()), (ClaimState::Dead, source, event_type));
    }

    // A known conversation is kept when the event fails again without one.
    let entry = Entry { conversation: "d".into(), occurred: TimelineKey::stored("2026-11-20T10:00:00.000Z#d".into()) };
    assert_eq!(
        contexts.dead_letter(&DeadLetter { entry: Some(entry), ..dead_letter("d") }).await.expect("an answer"),
        DeadLettered::Yes
    );
    assert_eq!(contexts.dead_letter(&dead_letter("d")).await.expect("an answer"), DeadLettered::Yes);
    let dead = inspect.timeline("d").await;
    assert_eq!(dead.iter().map(|c| (c.key.clone(), c.state)).collect::<Vec<_>>(), [(key("d"), ClaimState::Dead)]);

    // A processed event can't be dead-lettered.
    assert!(matches!(contexts.dead_letter(&dead_letter("a")).await, Ok(DeadLettered::Processed(_))));
    assert_eq!(inspect.claim(&key("a")).await.map(|c| c.state), Some(ClaimState::Processed));
}

/// Manual changes: [`Commit::manual`], and the claim of an event that is applied again.
pub async fn manual(tables: &Tables) {
    let Tables { claims, contexts, inspect, .. } = tables;
    let change = |again: Option<ClaimKey>| ManualChange {
        by: "lena".into(),
        reason: "why".into(),
        again,
        changes: vec![FactChange::new("order/1.status".into(), None, None)],
    };
    let again = |id: &str, of: &str| Commit { manual: Some(change(Some(key(of)))), ..commit(id, "c", &[(id, None)]) };
    assert_eq!(contexts.commit(&Commit { manual: Some(change(None)), ..commit("said", "c", &[]) }).await, Committed::Yes);
    assert_eq!(inspect.claim(&key("said")).await.and_then(|claim| claim.manual), Some(change(None)));

    // Only processed events are applied again. For others nothing is written.
    assert_eq!(claims.record(&new_claim("e", b"body")).await, Recorded::New);
    for of in ["e", "nobody"] {
        assert_eq!(contexts.commit(&again("a1", of)).await, Committed::ContextMoved, "{of}");
    }
    assert_eq!(inspect.claim(&key("a1")).await, None);

    // Each repetition is recorded on the event's claim, which otherwise stays the same.
    assert_eq!(contexts.commit(&commit("e", "c", &[])).await, Committed::Yes);
    let before = inspect.claim(&key("e")).await.expect("the claim");
    for id in ["a2", "a1"] {
        assert_eq!(contexts.commit(&again(id, "e")).await, Committed::Yes);
        assert!(matches!(contexts.commit(&again(id, "e")).await, Committed::Before(_)), "once");
    }
    let claim = inspect.claim(&key("e")).await.expect("the claim");
    assert_eq!(claim.applied_again, [key("a1"), key("a2")]);
    assert_eq!(Claim { applied_again: Vec::new(), ..claim }, before);
    assert_eq!(inspect.claim(&key("a1")).await.and_then(|claim| claim.manual?.again), Some(key("e")));
}

/// Events stored with their claims: [`Commit::event`].
pub async fn kept(tables: &Tables) {
    let Tables { claims, contexts, inspect, .. } = tables;
    let event = |text: &str| Some(StoredEvent::stored(text.to_owned()));
    let keeping = |id: &str, text: &str| Commit { event: event(text), ..commit(id, "c", &[]) };

    // It is read byte for byte, whatever its size, and the claim has its size.
    assert_eq!(claims.record(&new_claim("a", b"body")).await, Recorded::New);
    assert_eq!(inspect.kept(&key("a")).await, None, "nothing is kept before the effect");
    let odd = "{\"s\":\"\\ufffe é 📦\",\n \"n\": 1.0e+2}";
    let largest = "x".repeat(MAX_STORED_EVENT_BYTES);
    for (id, text) in [("a", odd), ("b", largest.as_str())] {
        assert_eq!(contexts.commit(&keeping(id, text)).await, Committed::Yes);
        assert_eq!(inspect.kept(&key(id)).await, event(text));
        assert_eq!(inspect.claim(&key(id)).await.and_then(|claim| claim.event_bytes), Some(text.len()));
    }

    // A second commit doesn't store the event again.
    assert!(matches!(contexts.commit(&keeping("a", "another")).await, Committed::Before(_)));
    assert_eq!(inspect.kept(&key("a")).await, event(odd));
    let moved = Commit { event: event("{}"), ..commit("c", "c", &[("order/1", Some(7))]) };
    assert_eq!(contexts.commit(&moved).await, Committed::ContextMoved);
    assert_eq!((inspect.kept(&key("c")).await, inspect.claim(&key("c")).await), (None, None), "the same transaction");

    // An event is stored only if asked for. A redriven event is stored like any other.
    assert_eq!(contexts.commit(&commit("d", "c", &[])).await, Committed::Yes);
    assert_eq!(inspect.kept(&key("d")).await, None);
    assert_eq!(inspect.claim(&key("d")).await.map(|claim| claim.event_bytes), Some(None));
    assert_eq!(contexts.dead_letter(&dead_letter("e")).await.expect("an answer"), DeadLettered::Yes);
    assert_eq!(contexts.commit(&keeping("e", "{}")).await, Committed::Yes);
    assert_eq!(inspect.kept(&key("e")).await, event("{}"));

    // A duplicate is detected, whatever the row contains.
    let again = Recorded::Existing { state: ClaimState::Processed, received: Some(NOW), body: Body::Same, is_kept: false };
    assert_eq!(claims.record(&new_claim("a", b"body")).await, again);
}

/// [`OutboxStore`]: a claim is in the index only while it is `received`, and its message is there until it is processed.
pub async fn outbox_store(tables: &Tables) {
    let Tables { claims, contexts, outbox, .. } = tables;
    let message = |id: &str| OutboxMessage::of(&format!("the message of {id}"));
    let waiting = async |id: &str, from: Timestamp, until: Timestamp| {
        let found = outbox.waiting(outbox_partition(&key(id)), from, until, 10).await.expect("an answer");
        found.contains(&OutboxEntry { key: key(id), received: NOW })
    };
    let keeps = async |id: &str| outbox.message(&key(id)).await.expect("an answer");
    assert_eq!(claims.record(&new_claim("plain", b"body")).await, Recorded::New);
    assert!(!waiting("plain", NOW, LATER).await && keeps("plain").await.is_none(), "it keeps nothing");
    assert_eq!(keeps("none").await, None);

    for id in ["queued", "processed", "dead", "marked"] {
        let claim = NewClaim { outbox: message(id), ..new_claim(id, b"body") };
        assert_eq!(claims.record(&claim).await, Recorded::New);
        let again = Recorded::Existing { state: ClaimState::Received, received: Some(NOW), body: Body::Same, is_kept: true };
        assert_eq!(claims.record(&new_claim(id, b"body")).await, again, "{id}");
        assert_eq!(keeps(id).await, message(id));
        assert!(waiting(id, NOW, NOW).await && !waiting(id, LATER, LATER).await, "{id}: both ends are included");
    }
    outbox.queued(&key("queued"), LATER).await.expect("an answer");
    outbox.queued(&key("queued"), LATER).await.expect("twice is no error");
    claims.mark_enqueued(&key("marked"), LATER).await.expect("an answer");
    assert_eq!(contexts.commit(&commit("processed", "kept", &[])).await, Committed::Yes);
    contexts.dead_letter(&dead_letter("dead")).await.expect("an answer");
    for id in ["queued", "processed", "dead", "marked"] {
        assert!(!waiting(id, NOW, LATER).await && keeps(id).await.is_none(), "{id}");
    }
    // A claim with a later state stays as it is.
    outbox.queued(&key("processed"), LATER).await.expect("no error");
    assert_eq!(tables.inspect.claim(&key("processed")).await.map(|claim| claim.state), Some(ClaimState::Processed));
    assert_eq!(contexts.commit(&commit("queued", "kept", &[])).await, Committed::Yes);
    let known = Recorded::Existing { state: ClaimState::Processed, received: Some(NOW), body: Body::Same, is_kept: false };
    assert_eq!(claims.record(&new_claim("queued", b"body")).await, known, "its message is gone");
}

/// The timeline: the claims of a conversation in the order of their events.
pub async fn timeline(tables: &Tables) {
    let Tables { claims, contexts, inspect, .. } = tables;
    for (id, occurred) in
        [("b", "2026-11-20T10:00:00.000Z#b"), ("a", "2026-11-20T11:00:00.000Z#a"), ("c", "2026-11-20T09:00:00.000Z#c")]
    {
        assert_eq!(claims.record(&new_claim(id, b"body")).await, Recorded::New);
        let commit = Commit { occurred: TimelineKey::stored(occurred.into()), ..commit(id, "c", &[]) };
        assert_eq!(contexts.commit(&commit).await, Committed::Yes);
    }
    assert_eq!(claims.record(&new_claim("waiting", b"body")).await, Recorded::New);
    let ids: Vec<String> = inspect.timeline("c").await.into_iter().filter_map(|c| c.event_id).collect();
    assert_eq!(ids, ["c", "b", "a"]);
}

/// [`EventQueue`]: sent messages arrive unchanged, and each has its result. `take` empties the queue.
///
/// The emulator accepts a whole batch or none of it, and larger batches than SQS. `tests/queue_answers.rs` has batches
/// that SQS accepts in part, as recorded responses. The receiver keeps the limits of a batch.
pub async fn event_queue(queue: &dyn EventQueue, take: impl AsyncFn() -> Vec<String>) {
    let odd = "{\"s\":\"\\ufffe é 📦\"}";
    let largest = "x".repeat(MAX_MESSAGE_BYTES);
    let rest = "y".repeat(MAX_BATCH_BYTES - odd.len());
    let numbers: Vec<String> = (0..MAX_BATCH_MESSAGES).map(|n| n.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    // One message, the largest message, the largest batch, the batch of most messages, and two equal messages.
    let trace = trace();
    for messages in [&[odd][..], &[&largest], &[odd, &rest], &numbers, &["{}", "{}"]] {
        let answers = queue.send(messages, Some(&trace)).await;
        assert_eq!(answers.len(), messages.len());
        for answer in answers {
            answer.expect("acknowledged");
        }
        let mut taken = take().await;
        taken.sort_by_key(|message| (message.len(), message.clone()));
        assert_eq!(taken, messages);
    }
}

/// [`EventQueue`] without its queue: each of one or many messages gets the same error.
pub async fn event_queue_that_is_gone(queue: &dyn EventQueue) {
    let trace = trace();
    for messages in [&["a"][..], &["a", "b", "c"]] {
        let answers = queue.send(messages, Some(&trace)).await;
        assert_eq!(answers.len(), messages.len());
        let errors: Vec<String> = answers.into_iter().map(|answer| answer.expect_err("not acknowledged").to_string()).collect();
        assert!(errors[0].starts_with("sqs:SendMessage: "), "{errors:?}");
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    }
}

/// [`ActionQueue`]: actions are received in the order of their conversation, as CloudEvents. `read` returns the next
/// one's body.
pub async fn action_queue(queue: &dyn ActionQueue, read: impl AsyncFn() -> Option<String>) {
    let action = |n: usize| Action {
        id: ActionId::new(&key(&n.to_string()), "paid", "emit"),
        action_type: "order.paid".into(),
        rule: "paid".into(),
        subject: None,
        time: Some(NOW),
        cause: key(&n.to_string()),
        priority: Priority::Normal,
        traceparent: None,
        by_provider: Vec::new(),
        data: json!({"n": n, "odd": "\u{FFFE} é 📦"}),
    };
    // A conversation's name may be longer than the id of a message group, and may have any characters.
    let conversation = "é 📦 ".repeat(40);
    for n in 0..3 {
        queue.send(&conversation, n, &action(usize::try_from(n).expect("small"))).await.expect("acknowledged");
    }
    for n in 0..3 {
        let event: serde_json::Value = serde_json::from_str(&read().await.expect("the next")).expect("JSON");
        assert_eq!((&event["data"]["n"], &event["conversation"]), (&json!(n), &json!(conversation)));
    }
}

/// [`TimerQueue`]: a message without a delay is visible, a delayed one isn't. `read` returns the visible messages.
pub async fn timer_queue(queue: &dyn TimerQueue, read: impl AsyncFn() -> Vec<String>) {
    queue.send("later", MAX_TIMER_DELAY).await.expect("acknowledged");
    queue.send("now", Duration::ZERO).await.expect("acknowledged");
    assert_eq!(read().await, ["now"]);
}

/// [`TimerQueue::send_batch`]: each message has its own delay and its own answer.
pub async fn timer_queue_in_batches(queue: &dyn TimerQueue, read: impl AsyncFn() -> Vec<String>) {
    let messages: Vec<Delayed> = (0..MAX_BATCH_MESSAGES)
        .map(|n| Delayed { message: n.to_string(), delay: if n % 2 == 0 { MAX_TIMER_DELAY } else { Duration::ZERO } })
        .collect();
    assert_eq!(queue.send_batch(&messages).await, vec![Ok(()); MAX_BATCH_MESSAGES]);
    let mut visible = read().await;
    visible.sort();
    assert_eq!(visible, ["1", "3", "5", "7", "9"]);
}

/// [`TimerStore`]: timers in the order of their times, each once, and how far the sweeps are.
pub async fn timer_store(store: &dyn TimerStore) {
    let minutes = |minutes: u64| NOW.plus(Duration::from_secs(60 * minutes));
    let wake = |n: u64| InternalEvent::Wake { conversation: format!("web:{n}"), timer: 1 };
    // One partition's timers, written in the wrong order, and the first of them twice.
    let timers: Vec<StoredTimer> =
        (1..200).map(|n| StoredTimer::new(&wake(n), minutes(n))).filter(|timer| timer.key.partition == 3).collect();
    assert!(timers.len() > 10, "{}", timers.len());
    let other = (1..).map(|n| StoredTimer::new(&wake(n), NOW)).find(|timer| timer.key.partition != 3).expect("one of many");
    for timer in timers.iter().rev().chain([&timers[0], &other]) {
        store.put(timer, NOW).await.expect("stored");
    }
    assert_eq!(store.due(3, None, minutes(500), 1_000).await.expect("an answer"), timers);
    let (last, due) = (&timers[4], |n: usize| timers[n].due().expect("a time"));
    assert_eq!(store.due(3, None, due(4), 1_000).await.expect("an answer"), timers[..5], "up to a time, which is included");
    assert_eq!(store.due(3, None, minutes(500), 2).await.expect("an answer"), timers[..2], "page by page");
    let after = Some(timers[1].key.sort.as_str());
    assert_eq!(store.due(3, after, minutes(500), 2).await.expect("an answer"), timers[2..4]);
    let all = Some(last.key.sort.as_str());
    assert_eq!(store.due(3, all, due(4), 2).await.expect("an answer"), []);
    assert_eq!(store.due(3, all, due(3), 2).await.expect("an answer"), [], "a time before it");
    assert_eq!(store.due(7, None, minutes(500), 2).await.expect("an answer").len(), usize::from(other.key.partition == 7));

    assert_eq!(store.progress().await.expect("an answer"), Progress::default());
    store.sent(3, &timers[1].key.sort).await.expect("recorded");
    store.sent(3, &timers[0].key.sort).await.expect("no error");
    store.sent(0, "0").await.expect("recorded");
    let sweeps = Sweeps { since: NOW, last: LATER };
    for sweeps in [Sweeps { last: NOW, ..sweeps }, sweeps] {
        store.swept(sweeps).await.expect("recorded");
    }
    let sent = BTreeMap::from([(0, "0".to_owned()), (3, timers[1].key.sort.clone())]);
    assert_eq!(store.progress().await.expect("an answer"), Progress { sweeps: Some(sweeps), sent }, "it never goes back");
    assert_eq!(store.due(3, None, due(0), 9).await.expect("an answer"), timers[..1], "what was sent stays until its TTL");
}

/// [`MessageVisibility`]: only received messages stay hidden. `receive` returns the body and the handle of each visible
/// message, and hides it for a moment.
pub async fn message_visibility(queue: &dyn MessageVisibility, receive: impl AsyncFn() -> Vec<(String, String)>) {
    let received = receive().await;
    assert_eq!(received.iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let hide = |(_, receipt_handle): &(String, String), seconds| Hide {
        receipt_handle: receipt_handle.clone(),
        time: Duration::from_secs(seconds),
    };
    let hidden = queue.hide(&[hide(&received[0], 600), hide(&received[1], 0)]).await;
    assert!(hidden.iter().all(Result::is_ok) && hidden.len() == 2, "{hidden:?}");
    let visible: Vec<String> = receive().await.into_iter().map(|(body, _)| body).collect();
    assert_eq!(visible, ["b"], "one that is hidden for no time is visible; what was only received isn't");
    assert!(queue.hide(&[]).await.is_empty(), "nothing is no call");
}

/// The redrive policy of the queue behind [`MessageVisibility`], with one message in it: each receive is counted, and
/// instead of a further receive after the last one, the message is moved to the dead-letter queue. `receive` returns
/// the receipt handle and the receive count of each visible message, `dead_letters` the bodies in the dead-letter
/// queue.
pub async fn redrive_policy(
    queue: &dyn MessageVisibility,
    max_receive_count: u32,
    receive: impl AsyncFn() -> Vec<(String, u32)>,
    dead_letters: impl AsyncFn() -> Vec<String>,
) {
    for count in 1..=max_receive_count {
        let received = receive().await;
        assert_eq!(received.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [count]);
        assert_eq!(dead_letters().await, [""; 0], "receive {count}");
        let visible = Hide { receipt_handle: received[0].0.clone(), time: Duration::ZERO };
        assert_eq!(queue.hide(&[visible]).await, [Ok(())]);
    }
    assert_eq!((receive().await, dead_letters().await), (vec![], vec!["a".to_owned()]));
}

/// [`SecretStore`]: the current document.
pub async fn secret_store(secrets: &dyn SecretStore, put: impl AsyncFn(&str)) {
    put("{\"github\":\"old\"}").await;
    assert_eq!(secrets.fetch().await.expect("the secret").as_str(), "{\"github\":\"old\"}");
    put("{\"github\":\"new\"}").await;
    assert_eq!(secrets.fetch().await.expect("the secret").as_str(), "{\"github\":\"new\"}");
}

/// Handshake secrets of providers: compared and set as a whole.
pub async fn captured_secrets(secrets: &dyn HandshakeSecrets) {
    let first = secrets.fetch().await.expect("the secret");
    assert_eq!(first.document.as_str(), "{}");
    let told = "{\"asana\":[\"told\"]}";
    assert_eq!(secrets.replace(told, &first.version).await.expect("an answer"), Replaced::Yes);
    assert_eq!(secrets.replace("{\"late\":[]}", &first.version).await.expect("an answer"), Replaced::Changed);
    let second = secrets.fetch().await.expect("the secret");
    assert_eq!((second.document.as_str(), second.version != first.version), (told, true));
    assert_eq!(secrets.replace("{}", &second.version).await.expect("an answer"), Replaced::Yes);
    assert_eq!(secrets.fetch().await.expect("the secret").document.as_str(), "{}");
}

/// The document at `known` is `document`. There is none at `unknown`.
pub async fn https_get(https: &dyn HttpsGet, known: &str, document: &[u8], unknown: &str) {
    let exact = Get { at_most: document.len(), ..Get::public(known) };
    assert_eq!(https.get(&exact).await.expect("it is there"), document);
    let short = Get { at_most: document.len() - 1, ..exact };
    let GetError::NoAnswer(_) = https.get(&short).await.expect_err("it is longer") else { panic!("a status") };
    assert_eq!(https.get(&Get::public(unknown)).await, Err(GetError::Status(404)));
}
