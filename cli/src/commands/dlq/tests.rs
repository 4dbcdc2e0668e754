//! The dead-letter queue, with the real SDK on the embedded cloud.

use super::dead::WalkSummary;
use super::drop::dropped;
use super::envelopes::found;
use super::filter::Filter;
use super::group::Groups;
use super::redrive::{Receipts, RedriveCounts, redrive};
use super::walk::Walk;
use crate::commands::pace::progress;
use crate::confirm::{Confirm, Confirmed};
use crate::dev::cloud::{Cloud, Options};
use crate::limits::MAX_REASON_GROUPS;
use crate::stack::DeadLetters;
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidings_config::limits::MAX_EVENT_AGE;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::aws::SqsQueue;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::ports::{ContextStore, DeadLetter, EventQueue, Unavailable};
use tidings_core::trace::Trace;

fn confirmed() -> Confirmed {
    Confirm::given().ask().expect("it is given")
}

/// A rate above the number of messages in each of these tests.
const FAST: u32 = 3_000;

struct World {
    cloud: Cloud,
    now: Timestamp,
}

impl World {
    async fn new() -> Self {
        let options = Options { dynamodb_port: 0, data: None, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
        Self { cloud: Cloud::start(options).await.expect("the embedded cloud"), now: SystemClock.now() }
    }

    fn envelope(&self, id: &str, event_type: &str, received: Timestamp) -> String {
        let payload = serde_json::value::RawValue::from_string("{\"secret\": \"hunter2\"}".to_owned()).expect("JSON");
        Envelope::new(NewEnvelope {
            id: id.to_owned(),
            source: "orders".to_owned(),
            event_type: event_type.to_owned(),
            subject: None,
            time: None,
            conversation: None,
            sequence: None,
            received,
            claim_key: ClaimKey::new("orders", id),
            traceparent: None,
            payload: Payload::Json(payload),
        })
        .encode()
    }

    /// Puts messages into the dead-letter queue.
    async fn put(&self, bodies: &[String]) {
        let queue = SqsQueue::new(self.cloud.sqs.clone(), self.cloud.dead_letter_queue_url.clone());
        for bodies in bodies.chunks(10) {
            let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
            assert!(queue.send(&bodies, None).await.iter().all(Result::is_ok));
        }
    }

    /// Records why an event is dead-lettered.
    async fn dead_letter(&self, id: &str, reason: &str) {
        let dead_letter = DeadLetter {
            key: ClaimKey::new("orders", id),
            source: "orders".to_owned(),
            event_type: "order.priced".to_owned(),
            at: self.now,
            reason: reason.to_owned(),
            receive_count: 5,
            entry: None,
            trace_id: None,
        };
        self.cloud.contexts().dead_letter(&dead_letter).await.expect("it is recorded");
    }

    fn walk(&self, filter: Filter) -> Walk {
        let queue = DeadLetters::new(self.cloud.sqs.clone(), self.cloud.dead_letter_queue_url.clone());
        Walk::new(queue.hiding(crate::limits::DEAD_LETTERS_WALK), self.cloud.reader(), filter, self.now)
    }

    /// The keys in a queue. The queue doesn't change.
    async fn keys(&self, url: &str) -> Vec<String> {
        let walk =
            Walk::new(DeadLetters::new(self.cloud.sqs.clone(), url.to_owned()), self.cloud.reader(), Filter::default(), self.now);
        let mut keys = Vec::new();
        let walked = walk.all(async |dead| {
            keys.extend(dead.iter().filter_map(|dead| dead.key.as_ref().map(ToString::to_string)));
            Ok(BTreeSet::new())
        });
        walked.await.expect("the queue is read");
        keys.sort();
        keys
    }

    async fn dead(&self) -> Vec<String> {
        self.keys(&self.cloud.dead_letter_queue_url).await
    }

    async fn queued(&self) -> Vec<String> {
        self.keys(&self.cloud.events_queue_url).await
    }

    fn events(&self) -> SqsQueue {
        SqsQueue::new(self.cloud.sqs.clone(), self.cloud.events_queue_url.clone())
    }

    async fn redrive(&self, filter: Filter) -> (WalkSummary, RedriveCounts) {
        redrive(&self.walk(filter), &self.events(), FAST, None, &progress(0), confirmed()).await.expect("it is redriven")
    }
}

fn reason(text: &str) -> Filter {
    Filter { reason: Some(text.to_owned()), ..Filter::default() }
}

/// Lists, counts and moves all messages of one reason among thousands, and no others, with an interruption.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_redrive_of_ten_thousand_moves_exactly_the_messages_of_a_reason() {
    const ALL: usize = 10_000;
    const BROKEN: usize = 300;
    let world = World::new().await;
    let id = |n: usize| format!("e{n}");
    let bodies: Vec<String> = (0..ALL).map(|n| world.envelope(&id(n), "order.priced", world.now)).collect();
    world.put(&bodies).await;
    let broken: BTreeSet<usize> = (0..BROKEN).map(|n| n * 31).collect();
    for n in &broken {
        world.dead_letter(&id(*n), &format!("rule order-priced, set.total: the text has {n} bytes")).await;
    }

    let mut groups = Groups::default();
    let walk = world.walk(Filter::default());
    let listed = walk.all(async |dead| {
        dead.iter().for_each(|dead| groups.add(dead));
        Ok(BTreeSet::new())
    });
    assert_eq!(listed.await.expect("it is listed"), WalkSummary { seen: ALL, matched: ALL, stopped: false });
    let groups: Vec<(String, usize)> = groups.finish().into_iter().map(|group| (group.reason, group.messages)).collect();
    assert_eq!(groups[0], ("its claim has expired or was deleted".to_owned(), ALL - BROKEN));
    assert_eq!((groups.len(), groups[1].1), (2, BROKEN), "reasons that differ only in numbers are one group");

    // Ctrl-C after some are moved …
    let walk = world.walk(reason("set.total"));
    let stopping = Stopping { inner: world.events(), stop: walk.stop(), after: 7, calls: AtomicUsize::new(0) };
    let (walked, moved) = redrive(&walk, &stopping, FAST, None, &progress(0), confirmed()).await.expect("it ends in good order");
    assert!(walked.stopped && moved.moved > 0 && moved.moved < BROKEN, "{walked:?} {moved:?}");
    // … and a second run.
    let (_, rest) = world.redrive(reason("set.total")).await;
    assert_eq!(moved.moved + rest.moved, BROKEN);
    let mut expected: Vec<String> = broken.iter().map(|n| format!("orders#e{n}")).collect();
    expected.sort();
    assert_eq!(world.queued().await, expected, "each once, and no other");
    assert_eq!(world.dead().await.len(), ALL - BROKEN, "the others are still there, and shown again");
}

/// A working queue that stops the walk at its n-th call.
#[derive(Debug)]
struct Stopping {
    inner: SqsQueue,
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    after: usize,
    calls: AtomicUsize,
}

#[async_trait]
impl EventQueue for Stopping {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        if self.calls.fetch_add(1, Ordering::Relaxed) == self.after {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.inner.send(messages, trace).await
    }
}

/// A queue that takes nothing, or everything except the first of each batch.
#[derive(Debug)]
struct Refusing {
    inner: SqsQueue,
    all: bool,
}

#[async_trait]
impl EventQueue for Refusing {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let refused = || Err(Unavailable { call: "sqs:SendMessage", cause: "throttled".to_owned() });
        if self.all {
            return messages.iter().map(|_| refused()).collect();
        }
        let mut sent = self.inner.send(&messages[1..], trace).await;
        sent.insert(0, refused());
        sent
    }
}

#[tokio::test]
async fn messages_that_the_events_queue_does_not_acknowledge_stay() {
    let world = World::new().await;
    let ids: Vec<String> = (0..10).map(|n| format!("e{n}")).collect();
    world.put(&ids.iter().map(|id| world.envelope(id, "order.priced", world.now)).collect::<Vec<_>>()).await;
    let walk = world.walk(Filter::default());
    let error =
        redrive(&walk, &Refusing { inner: world.events(), all: true }, FAST, None, &progress(0), confirmed()).await.unwrap_err();
    assert!(error.to_string().contains("accepts no messages"), "{error}");
    assert_eq!((world.dead().await.len(), world.queued().await.len()), (10, 0));

    let walk = world.walk(Filter::default());
    let (_, moved) =
        redrive(&walk, &Refusing { inner: world.events(), all: false }, FAST, None, &progress(0), confirmed()).await.unwrap();
    assert_eq!(moved, RedriveCounts { moved: 9, failed: 1, ..RedriveCounts::default() });
    assert_eq!((world.dead().await.len(), world.queued().await.len()), (1, 9));
}

#[tokio::test]
async fn messages_past_the_age_limit_are_refused_and_stay() {
    let world = World::new().await;
    let edge = Timestamp::from_unix_ms(world.now.unix_ms() - i64::try_from(MAX_EVENT_AGE.as_millis()).unwrap());
    let over = Timestamp::from_unix_ms(edge.unix_ms() - 1);
    world.put(&[world.envelope("young", "order.priced", edge), world.envelope("old", "order.priced", over)]).await;
    let (_, moved) = world.redrive(Filter::default()).await;
    assert_eq!(moved, RedriveCounts { moved: 1, refused: 1, ..RedriveCounts::default() });
    assert_eq!(world.queued().await, ["orders#young"]);
    assert_eq!(world.dead().await, ["orders#old"]);
}

#[tokio::test]
async fn all_filters_must_match() {
    let world = World::new().await;
    world
        .put(&[
            world.envelope("a", "order.priced", world.now),
            world.envelope("b", "order.shipped", world.now),
            "not ours".to_owned(),
        ])
        .await;
    world.dead_letter("a", "rule Order-Priced, set.total").await;
    let count = async |filter: Filter| world.walk(filter).all(async |_| Ok(BTreeSet::new())).await.expect("it is listed").matched;
    let of = |text: &str| Some(text.to_owned());
    assert_eq!(count(Filter::default()).await, 3);
    assert_eq!(count(reason("order-priced")).await, 1, "in any case");
    assert_eq!(count(Filter { source: of("orders"), ..Filter::default() }).await, 2);
    assert_eq!(count(Filter { source: of("unknown"), ..Filter::default() }).await, 1, "an unreadable message has no source");
    let like = |pattern: &str| Some(pattern.parse().expect("a pattern"));
    assert_eq!(count(Filter { event_type: like("order.shipped"), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { event_type: like("order.*"), ..Filter::default() }).await, 2);
    assert_eq!(count(Filter { event_type: like("order.shipped"), ..reason("order-priced") }).await, 0);
    assert_eq!(count(Filter { key: of("orders#b"), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { conversation: of("ann"), ..Filter::default() }).await, 0);
    let later = Some(world.now.plus(std::time::Duration::from_secs(3_600)));
    assert_eq!(count(Filter { since: later, ..Filter::default() }).await, 0);
    assert_eq!(count(Filter { until: later, ..Filter::default() }).await, 3);
}

#[tokio::test]
async fn dropped_messages_are_deleted_with_a_receipt_that_has_no_payload() {
    let world = World::new().await;
    world.put(&[world.envelope("a", "order.priced", world.now), world.envelope("b", "order.priced", world.now)]).await;
    world.dead_letter("a", "why").await;
    let path = std::env::temp_dir().join(format!("tidings-receipts-{}.jsonl", std::process::id()));
    let mut receipts = Receipts::open(&path).expect("a file");
    assert_eq!(dropped(&world.walk(reason("why")), Some(&mut receipts), confirmed()).await.expect("it is dropped"), 1);
    assert_eq!(world.dead().await, ["orders#b"]);
    assert_eq!(world.queued().await, [""; 0]);
    let text = std::fs::read_to_string(&path).expect("the receipts");
    std::fs::remove_file(&path).expect("the receipts");
    let receipt: serde_json::Value = serde_json::from_str(text.trim()).expect("one line");
    assert_eq!(
        (&receipt["what"], &receipt["event"]["key"], &receipt["event"]["reason"]),
        (&"dropped".into(), &"orders#a".into(), &"why".into())
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn replayed_messages_stay_in_the_queue() {
    let world = World::new().await;
    let earlier = Timestamp::from_unix_ms(world.now.unix_ms() - 1_000);
    world
        .put(&[
            world.envelope("late", "order.priced", world.now),
            world.envelope("early", "order.shipped", earlier),
            "not ours".to_owned(),
        ])
        .await;
    let keys = |events: &[Envelope]| events.iter().map(|event| event.claimkey.to_string()).collect::<Vec<_>>();
    let all = found(&world.walk(Filter::default()), 2).await.expect("the queue is read");
    assert_eq!(keys(&all.events), ["orders#early", "orders#late"], "in the order of their receipt");
    assert_eq!((all.unreadable, all.cut), (1, false));
    let priced = Filter { event_type: Some("order.priced".parse().expect("a pattern")), ..Filter::default() };
    assert_eq!(keys(&found(&world.walk(priced), 2).await.expect("the queue is read").events), ["orders#late"]);
    let cut = found(&world.walk(Filter::default()), 1).await.expect("the queue is read");
    assert_eq!((cut.events.len(), cut.cut), (1, true), "only those");
    assert_eq!(world.dead().await, ["orders#early", "orders#late"], "they are still there, and shown again");
}

#[tokio::test]
async fn the_number_of_reasons_is_bounded() {
    let world = World::new().await;
    world.put(&[world.envelope("a", "order.priced", world.now)]).await;
    let mut one = None;
    let walk = world.walk(Filter::default());
    walk.all(async |dead| {
        one = Some(dead[0].clone());
        Ok(BTreeSet::new())
    })
    .await
    .expect("it is listed");
    let mut groups = Groups::default();
    let word = |n: usize| char::from_u32(0x4e00 + u32::try_from(n).unwrap()).unwrap().to_string();
    for n in 0..MAX_REASON_GROUPS + 10 {
        groups.add(&super::dead::Dead { reason: word(n), ..one.clone().unwrap() });
    }
    let groups = groups.finish();
    assert_eq!(groups.len(), MAX_REASON_GROUPS + 1);
    assert_eq!((groups[0].reason.as_str(), groups[0].messages), ("other reasons", 10));
}
