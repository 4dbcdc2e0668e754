//! Deliveries of very many events: bounded by bytes and by time, and by no number of its own.

use crate::support::{ACCEPTED, DUPLICATE, Harness, http_request, secrets};
use async_trait::async_trait;
use lambda_http::{Context, RequestExt};
use receiver::unpacked;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{
    EVENTS_AT_ONCE, MAX_BODY_BYTES, MAX_DELIVERY_BYTES, MAX_EVENTS_PER_DELIVERY, MAX_MESSAGE_BYTES, MIN_ENVELOPE_BYTES,
    RECEIVE_RESERVE,
};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::decide::Recorded;
use tidings_core::claim::{ClaimKey, NewClaim, Sha256Hex};
use tidings_core::memory::log::counted;
use tidings_core::memory::{ManualClock, MemoryStore};
use tidings_core::ports::{ClaimStore, Unavailable};
use tidings_core::telemetry::Metric;
use tidings_core::unreadable::Why;

/// A body for `many`: so many events, and what they share.
fn many(events: usize, shared: usize) -> String {
    let events: Vec<Value> = (0..events).map(|n| json!({"id": format!("e{n:06}"), "type": "a.b"})).collect();
    json!({"shared": "s".repeat(shared), "events": events}).to_string()
}

fn whole(harness: &Harness) -> Option<Why> {
    let [kept] = &harness.queued()[..] else { panic!("{} messages", harness.queue.messages().len()) };
    kept.unreadable().map(|unreadable| unreadable.why)
}

/// Case 6: SendGrid sends up to 768 kB, which are some 2,300 events.
#[tokio::test]
async fn the_largest_delivery_of_a_provider_is_accepted() {
    let one = |n: usize| {
        let event = json!({"email": format!("user{n:05}@example.com"), "timestamp": 1_795_341_600, "event": "delivered",
            "sg_event_id": format!("ZGVsaXZlcmVk{n:06}"), "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", "category": ["cat facts"], "response": "250 OK", "pad": "p".repeat(48)});
        event.to_string()
    };
    let body = format!("[{}]\r\n", (0..2_300).map(one).collect::<Vec<_>>().join(","));
    assert!((760_000..768_000).contains(&body.len()), "{} bytes", body.len());
    let harness = Harness::warm().await;
    let delivery = harness.signed("batch", body);
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
    let sent = harness.queue.messages();
    assert_eq!(sent.len(), 2_300);
    let bytes: usize = sent.iter().map(String::len).sum();
    assert!(bytes <= MAX_DELIVERY_BYTES / 2, "{bytes} bytes: half of what a delivery may become");
    assert!(harness.queued().iter().all(|event| event.unreadable().is_none()));
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
}

/// Attack 26.
#[tokio::test]
async fn shared_parts_are_counted_before_they_are_copied() {
    let harness = Harness::warm().await;
    let body = many(300, 800_000);
    let delivery = harness.signed("many", body.clone());
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED, "240 MB are kept as 0.8");
    assert_eq!((whole(&harness), harness.calls()), (Some(Why::TooLargeToSplit), 2));
    assert_eq!(unpacked(&harness.queued()[0]).unwrap(), body.as_bytes());
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
}

#[tokio::test]
async fn the_size_of_a_split_delivery_is_bounded() {
    let harness = Harness::warm().await;
    harness.send(&harness.signed("many", many(8, 0))).await;
    let overhead: usize = harness.queue.drain().iter().map(String::len).sum();
    let shared = (MAX_DELIVERY_BYTES - overhead) / 8;
    assert_eq!((MAX_DELIVERY_BYTES - overhead) % 8, 0, "eight copies fill it to the byte");

    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.signed("many", many(8, shared))).await.said(), ACCEPTED);
    assert_eq!(harness.queue.messages().iter().map(String::len).sum::<usize>(), MAX_DELIVERY_BYTES);
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.signed("many", many(8, shared + 1))).await.said(), ACCEPTED);
    assert_eq!(whole(&harness), Some(Why::TooLargeToSplit));
}

#[tokio::test]
async fn a_delivery_of_tiny_events_is_bounded_as_well() {
    let harness = Harness::warm().await;
    let body = |events: usize| format!("[{}]", vec!["1"; events].join(","));
    for events in [MAX_EVENTS_PER_DELIVERY, MAX_EVENTS_PER_DELIVERY + 1, MAX_BODY_BYTES / 2 - 1] {
        harness.queue.drain();
        assert_eq!(harness.send(&harness.signed("batch", body(events))).await.said(), ACCEPTED, "{events}");
        assert_eq!(whole(&harness), Some(Why::TooLargeToSplit), "{events}");
    }
    harness.queue.drain();
    harness.send(&harness.signed("b", r#"{"i":1}"#)).await;
    let shortest = harness.queue.messages()[0].len() - r#"{"i":1}"#.len();
    assert!((MIN_ENVELOPE_BYTES..MIN_ENVELOPE_BYTES + 20).contains(&shortest), "{shortest} bytes");
}

#[tokio::test]
async fn an_element_that_fits_into_no_message_does_not_affect_others() {
    let frame =
        json!({"shared": "s", "events": [{"id": "good", "type": "a.b"}, {"id": "large", "type": "a.b", "x": ""}]}).to_string();
    let body = frame.replace("\"x\":\"\"", &format!("\"x\":\"{}\"", "x".repeat(MAX_BODY_BYTES - frame.len())));
    assert_eq!(body.len(), MAX_BODY_BYTES);
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.signed("many", body)).await.said(), ACCEPTED);
    let queued = harness.queued();
    assert_eq!((queued.len(), queued[0].id.as_str()), (2, "good"));
    let unreadable = queued[1].unreadable().unwrap();
    assert_eq!((unreadable.why, unreadable.at.as_deref()), (Why::TooLarge, Some("events[1]")));
    assert!(harness.queue.messages().iter().all(|message| message.len() <= MAX_MESSAGE_BYTES));
}

/// Slow claims.
#[derive(Debug)]
struct Slow {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    each_ms: u64,
}

#[async_trait]
impl ClaimStore for Slow {
    async fn record(&self, claim: &NewClaim) -> Recorded {
        let recorded = self.store.record(claim).await;
        // A known event costs a claim alone, a new one is sent and marked as well.
        let share = if recorded == Recorded::New { 1 } else { 3 };
        self.clock.advance(Duration::from_millis(self.each_ms / share));
        recorded
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        self.store.mark_enqueued(key, at).await
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        self.store.note_body(key, other).await
    }
}

/// A delivery of so many events, to a function that has ten seconds, of which each claim takes so much. What is asked for again is
/// sent again until all of it is durable.
async fn delivered_in_time(events: usize, each_ms: u64) -> Vec<(u16, usize)> {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(0)));
    let slow_clock = Arc::clone(&clock);
    let harness = Harness::on_clock(&secrets().to_string(), &clock, move |store, queue| {
        (Arc::new(Slow { store, clock: slow_clock, each_ms }), queue)
    });
    harness.receiver.warm_up().await;
    let mut ends = Vec::new();
    while ends.last().is_none_or(|(status, _)| *status == 503) {
        let delivery = harness.signed("many", many(events, 0));
        let mut context = Context::default();
        context.deadline = u64::try_from(clock.now().plus(Duration::from_secs(10)).unix_ms()).unwrap();
        let answer = harness.answer(http_request(&delivery).with_lambda_context(context)).await;
        ends.push((answer.status, harness.queue.messages().len()));
        assert!(ends.len() < 20, "{ends:?}");
        clock.advance(Duration::from_secs(60));
    }
    ends
}

#[tokio::test]
async fn events_without_time_are_accepted_with_the_next_delivery() {
    let left = 10_000 - RECEIVE_RESERVE.as_millis() as u64;
    // The third hundred would begin at the very end of the time, or a moment before.
    let each = left / 2 / EVENTS_AT_ONCE as u64;
    assert_eq!(each * 2 * EVENTS_AT_ONCE as u64, left);
    let most = 3 * EVENTS_AT_ONCE;
    let ends = delivered_in_time(most, each).await;
    assert_eq!(ends, [(503, 2 * EVENTS_AT_ONCE), (202, most)], "no time is left, and then there is");
    assert_eq!(delivered_in_time(most, each - 1).await, [(202, most)], "it is");
    assert_eq!(counted(Metric::OutOfTime)[0], ("many".to_owned(), String::new(), EVENTS_AT_ONCE as u64));
}

#[tokio::test]
async fn an_invalid_deadline_fails_no_ordinary_delivery() {
    let harness = Harness::warm().await;
    for deadline in [0, 1, u64::MAX] {
        let mut context = Context::default();
        context.deadline = deadline;
        let delivery = harness.signed("many", many(EVENTS_AT_ONCE, 0).replace("e0", &format!("e{deadline}-")));
        assert_eq!(harness.answer(http_request(&delivery).with_lambda_context(context)).await.said(), ACCEPTED, "{deadline}");
    }
}
