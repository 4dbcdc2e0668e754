//! Committed events and sent actions are published at least once, whatever fails where. Where it is off, nothing happens.

use crate::support::{AMPLE, Harness, MAX_RECEIVES, Sent, another, handle, message, paid, poison};
use async_trait::async_trait;
use processor::Processor;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tidings_config::rules::Rules;
use tidings_core::claim::ClaimState;
use tidings_core::internal_event::InternalEvent;
use tidings_core::memory::log::{capture, counted};
use tidings_core::memory::{Call, Fault, MemoryPublished};
use tidings_core::ports::{Publish, Unavailable};
use tidings_core::published::Published;
use tidings_core::telemetry::Metric;
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: said, on: said, count: { n: 1 }, notify: { text: "{data.text}" } }
  - { name: paid, on: order.paid, set: { cents: data.cents + 0 } }
"#;

fn rules() -> Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn said(id: &'static str) -> Sent {
    Sent { id, event_type: "said", order: "1", age_seconds: 0, data: json!({"who": "ann", "text": "hello"}) }
}

/// A processor that publishes, over the stores of a harness.
fn publishing(harness: &Harness, published: Arc<dyn Publish>) -> Processor {
    another(rules(), Arc::clone(&harness.store), &harness.clock, &harness.outside).publishing(published)
}

fn world() -> (Harness, Arc<MemoryPublished>, Processor) {
    let harness = Harness::with(rules(), |store| store);
    let published = Arc::new(MemoryPublished::new(Arc::clone(&harness.faults)));
    let processor = publishing(&harness, Arc::clone(&published) as _);
    (harness, published, processor)
}

/// What was published: each key's type and conversation.
fn kinds(messages: &[String]) -> BTreeSet<(String, String, String)> {
    let kind = |message: &String| {
        let read = Published::decode(message).unwrap();
        let conversation = match &read {
            Published::Event(envelope) => envelope.conversation.clone().unwrap_or_default(),
            Published::Action(action) => action.conversation.clone(),
        };
        (read.key(), read.event_type().to_owned(), conversation)
    };
    messages.iter().map(kind).collect()
}

#[tokio::test]
async fn an_event_and_its_action_are_published_once_with_their_conversation() {
    let (_, published, processor) = world();
    assert_eq!(handle(&processor, vec![said("e1").message(1)], AMPLE).await, [""; 0]);
    let sent = published.sent();
    let types: Vec<(String, String)> = kinds(&sent).into_iter().map(|(_, kind, conversation)| (kind, conversation)).collect();
    assert_eq!(sent.len(), 2);
    for kind in ["said", "tidings.notify"] {
        assert!(types.contains(&(kind.to_owned(), "ann".to_owned())), "{types:?}");
    }
}

#[tokio::test]
async fn a_processor_that_publishes_nothing_makes_no_call() {
    let harness = Harness::with(rules(), |store| store);
    assert_eq!(harness.handle(vec![said("e1").message(1)]).await, [""; 0]);
    let before = harness.faults.total();
    assert_eq!(harness.faults.count(Call::Publish), 0);

    let (with, _, processor) = world();
    assert_eq!(handle(&processor, vec![said("e1").message(1)], AMPLE).await, [""; 0]);
    assert_eq!((with.faults.count(Call::Publish), with.faults.total()), (2, before + 2), "one call for each message more");
}

/// Which fault, at which call, and how many of that call succeed before.
fn troubles() -> impl Iterator<Item = (Call, Fault, u32)> {
    let calls = [Call::Load, Call::Effect, Call::Commit, Call::Act, Call::Rewrite, Call::Publish];
    let faults = [Fault::Refuse, Fault::LoseAnswer];
    calls.into_iter().flat_map(move |call| faults.into_iter().flat_map(move |fault| (0..3).map(move |n| (call, fault, n))))
}

#[tokio::test]
async fn a_committed_event_is_published_before_its_message_is_deleted_whatever_call_fails() {
    for (call, fault, nth) in troubles() {
        let (harness, published, processor) = world();
        harness.faults.pass(call, nth);
        harness.faults.fail(call, fault, 1);
        let mut receive = 1;
        while !handle(&processor, vec![said("e1").message(receive)], AMPLE).await.is_empty() {
            receive += 1;
            assert!(receive <= MAX_RECEIVES, "{call:?} {fault:?} {nth}");
        }
        assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed));
        let kinds = kinds(&published.sent());
        assert_eq!(kinds.len(), 2, "{call:?} {fault:?} {nth}: the event and its action, each with one id: {kinds:?}");
    }
}

/// A queue whose nth call never returns: the function is stopped there. With `takes`, the queue has the message.
#[derive(Debug)]
struct Stopping {
    inner: Arc<MemoryPublished>,
    nth: AtomicU32,
    takes: bool,
}

#[async_trait]
impl Publish for Stopping {
    async fn publish(&self, message: String) -> Result<(), Unavailable> {
        if self.nth.fetch_sub(1, Ordering::SeqCst) != 0 {
            return self.inner.publish(message).await;
        }
        if self.takes {
            self.inner.publish(message).await?;
        }
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_published_although_the_function_is_stopped_in_the_call() {
    for (nth, takes) in [(0, false), (0, true), (1, false), (1, true)] {
        let (harness, published, processor) = world();
        let stopping = Stopping { inner: Arc::clone(&published), nth: AtomicU32::new(nth), takes };
        let first = publishing(&harness, Arc::new(stopping));
        let stopped = tokio::time::timeout(Duration::from_secs(5), handle(&first, vec![said("e1").message(1)], AMPLE)).await;
        assert!(stopped.is_err(), "{nth} {takes}");
        assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed), "{nth} {takes}");
        assert_eq!(handle(&processor, vec![said("e1").message(2)], AMPLE).await, [""; 0]);
        assert_eq!(kinds(&published.sent()).len(), 2, "{nth} {takes}");
    }
}

#[tokio::test]
async fn a_copy_of_a_processed_event_is_published_again_with_the_same_id() {
    let (_, published, processor) = world();
    for receive in [1, 1, 2] {
        assert_eq!(handle(&processor, vec![paid("e1", "ann", 5).message(receive)], AMPLE).await, [""; 0]);
    }
    assert_eq!((published.sent().len(), kinds(&published.sent()).len()), (3, 1));
}

#[tokio::test]
async fn an_event_that_is_never_published_is_dead_lettered_and_a_redrive_publishes_it() {
    capture();
    let (harness, published, processor) = world();
    harness.faults.fail(Call::Publish, Fault::Refuse, 1_000);
    for receive in 1..=MAX_RECEIVES {
        assert_eq!(handle(&processor, vec![paid("e1", "ann", 5).message(receive)], AMPLE).await, ["m-e1"], "{receive}");
    }
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed), "its effect is there");
    assert_eq!(counted(Metric::Undelivered).len(), 1);
    harness.faults.clear();
    assert_eq!(handle(&processor, vec![paid("e1", "ann", 5).message(1)], AMPLE).await, [""; 0]);
    assert_eq!(kinds(&published.sent()).len(), 1);
}

#[tokio::test]
async fn an_event_without_an_effect_is_not_published() {
    let (harness, published, processor) = world();
    for receive in 1..=MAX_RECEIVES {
        assert_eq!(handle(&processor, vec![poison("e1", "ann").message(receive)], AMPLE).await, ["m-e1"]);
    }
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Dead));
    assert_eq!(published.sent(), [""; 0]);
}

#[tokio::test]
async fn an_erased_event_is_not_published_again() {
    let (harness, published, processor) = world();
    assert_eq!(handle(&processor, vec![paid("e1", "ann", 5).message(1)], AMPLE).await, [""; 0]);
    published.take();
    harness.store.erase(&tidings_core::claim::ClaimKey::new("orders", "e1"), |_| true);
    for receive in [1, 2] {
        assert_eq!(handle(&processor, vec![paid("e1", "ann", 5).message(receive)], AMPLE).await, [""; 0]);
    }
    assert_eq!(published.sent(), [""; 0]);
}

#[tokio::test]
async fn a_message_of_our_own_is_not_published() {
    let (harness, published, processor) = world();
    let now = tidings_config::time::Clock::now(&*harness.clock);
    let wake = InternalEvent::Wake { conversation: "ann".to_owned(), timer: 1 };
    let wake = message("wake", &wake.envelope(now, now).encode(), 1);
    assert_eq!(handle(&processor, vec![wake], AMPLE).await, [""; 0]);
    assert_eq!(published.sent(), [""; 0]);
}
