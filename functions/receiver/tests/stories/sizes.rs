//! A message holds a mebibyte, envelope and all.

use crate::support::{ACCEPTED, Harness, UNAUTHENTIC, set};
use tidings_config::limits::{MAX_BODY_BYTES, MAX_MESSAGE_BYTES};
use tidings_core::memory::Call;

const TOO_LARGE: (u16, &str) = (413, "too_large");

/// A JSON body of exactly so many bytes.
fn body(bytes: usize) -> String {
    let frame = "{\"id\":\"e1\",\"type\":\"order.shipped\",\"note\":\"\"}";
    frame.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - frame.len())))
}

/// The bytes of an envelope without its payload.
async fn overhead() -> usize {
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.signed("orders", body(100))).await.said(), ACCEPTED);
    harness.queue.messages()[0].len() - 100
}

#[tokio::test]
async fn the_largest_event_fills_a_message_and_one_byte_more_is_too_large() {
    let largest = MAX_MESSAGE_BYTES - overhead().await;
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.signed("orders", body(largest + 1))).await.said(), TOO_LARGE);
    assert_eq!((harness.count(Call::Record), harness.calls()), (0, 0), "nothing was claimed");

    assert_eq!(harness.send(&harness.signed("orders", body(largest))).await.said(), ACCEPTED);
    assert_eq!(harness.queue.messages()[0].len(), MAX_MESSAGE_BYTES);
}

#[tokio::test]
async fn the_size_of_the_sent_message_counts() {
    let harness = Harness::warm().await;
    // U+FFFE is three bytes here and six in the message, where it must be escaped.
    let text = "\u{FFFE}".repeat(MAX_MESSAGE_BYTES / 6);
    let body = format!("{{\"id\":\"e1\",\"type\":\"order.shipped\",\"note\":\"{text}\"}}");
    assert!(body.len() < MAX_BODY_BYTES / 2 + 100);
    assert_eq!(harness.send(&harness.signed("orders", body)).await.said(), TOO_LARGE);

    // And white space around the JSON is not sent.
    let mut padded = self::body(100).into_bytes();
    padded.resize(MAX_BODY_BYTES, b' ');
    assert_eq!(harness.send(&harness.signed("orders", padded)).await.said(), ACCEPTED);
    assert_eq!(harness.calls(), 2);
}

#[tokio::test]
async fn a_body_too_large_for_a_message_is_refused_before_its_signature_is_checked() {
    let harness = Harness::warm().await;
    let mut forged = harness.unsigned("orders", vec![b'x'; MAX_BODY_BYTES + 1]);
    assert_eq!(harness.send(&forged).await.said(), TOO_LARGE);
    set(&mut forged, "content-type", "text/plain");
    assert_eq!(harness.send(&forged).await.said(), TOO_LARGE);

    let smaller = harness.unsigned("orders", vec![b'x'; MAX_BODY_BYTES]);
    assert_eq!(harness.send(&smaller).await.said(), UNAUTHENTIC);
    assert_eq!(harness.calls(), 0);
}

#[tokio::test]
async fn the_corpus_oversized_case_claims_nothing() {
    let harness = Harness::warm().await;
    let oversized = harness.case("orders-oversized");
    assert_eq!(oversized.body.len(), MAX_BODY_BYTES + 1);
    assert_eq!(harness.send(&oversized).await.said(), TOO_LARGE);
    assert_eq!(harness.calls(), 0);
}
