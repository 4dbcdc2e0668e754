//! The shipped rules process texts of people up to the longest of each channel.

use crate::support::{Harness, MAX_RECEIVES, message, now};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::limits::{MAX_FACT_BYTES, MAX_TEXT_CHARS};
use tidings_config::time::Timestamp;
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_project::read_rules;

async fn comes(harness: &Harness, source: &str, event_type: &str, subject: &str, data: Value) -> Claim {
    let claim_key = ClaimKey::new(source, "e");
    let envelope = Envelope::new(NewEnvelope {
        id: "e".to_owned(),
        source: source.to_owned(),
        event_type: event_type.to_owned(),
        subject: Some(subject.to_owned()),
        time: Some(now()),
        conversation: Some("ann".to_owned()),
        sequence: None,
        received: now(),
        claim_key: claim_key.clone(),
        traceparent: None,
        payload: Payload::Json(serde_json::value::to_raw_value(&data).unwrap()),
    });
    harness.handle(vec![message("m", &envelope.encode(), MAX_RECEIVES)]).await;
    harness.store.claim(&claim_key).unwrap()
}

fn whatsapp(text: &str) -> Value {
    json!({"from": "15550000001", "id": "wamid.1", "type": "text", "text": {"body": text}})
}

fn mention(text: &str) -> Value {
    json!({"event": {"type": "app_mention", "channel": "C0SUPPORT1", "user": "U0ANN", "text": text}})
}

/// One to four bytes a character, and those that JSON writes as more.
const LETTERS: [&str; 7] = ["x", "ж", "語", "🙂", "\n", "\"", "\u{1}"];

#[tokio::test]
async fn a_message_of_whatsapps_longest_length_is_stored() {
    for letter in LETTERS {
        let (harness, text) = (Harness::configured(), letter.repeat(MAX_TEXT_CHARS));
        let claim = comes(&harness, "whatsapp", "message.text", "message/wamid.1", whatsapp(&text)).await;
        assert_eq!((claim.state, claim.action_lines()), (ClaimState::Processed, Vec::<String>::new()), "{letter:?}");
        assert_eq!(harness.fact("ann", "customer/15550000001", "last_message"), text, "{letter:?}");
    }
}

#[tokio::test]
async fn a_mention_of_slacks_longest_length_is_stored_and_answered() {
    for (letter, chars) in [("x", 40_000), ("ж", 12_000), ("語", 12_000), ("🙂", 10_000)] {
        let (harness, text) = (Harness::configured(), letter.repeat(chars));
        let claim = comes(&harness, "slack", "app_mention", "message/1", mention(&text)).await;
        assert_eq!(
            (claim.state, claim.action_lines()),
            (ClaimState::Processed, vec!["mentioned/emit queued".to_owned()]),
            "{letter}"
        );
        assert_eq!(harness.fact("ann", "message/1", "text"), text, "{letter}");
        let sent = harness.actions().into_values().next().unwrap().1;
        assert_eq!(sent.data["text"], text, "{letter}");
    }
}

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: "'ann'" }]
policy: { quiet_hours: { from: "22:00", to: "07:00", zone: UTC } }
rules:
  - { name: told, on: told, notify: { text: "{data.text}" } }
  - { name: handed, on: handed, emit: { type: handed, data: { a: data.text, b: data.text } } }
"#;

fn with_rules() -> Harness {
    let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

#[tokio::test]
async fn a_text_of_the_longest_length_is_deferred_and_sent() {
    for letter in LETTERS.iter().filter(|letter| **letter != "\u{1}") {
        let (harness, text) = (with_rules(), letter.repeat(MAX_TEXT_CHARS));
        harness.clock.set(Timestamp::parse_rfc3339("2026-11-22T23:00:00Z").unwrap());
        let claim = comes(&harness, "s", "told", "a/1", json!({"text": text})).await;
        assert_eq!(claim.action_lines(), ["told/notify waits until 2026-11-23T07:00:00.000Z"], "{letter:?}");
        harness.pass(Duration::from_secs(12 * 3_600)).await;
        assert_eq!(harness.said("ann"), [text], "{letter:?}");
    }
    let harness = with_rules();
    let claim = comes(&harness, "s", "told", "a/1", json!({"text": "x".repeat(MAX_TEXT_CHARS + 1)})).await;
    assert_eq!(claim.action_lines(), ["told/notify queued"], "one that is longer is cut");
    let said = harness.said("ann").remove(0);
    assert!(said.ends_with('…') && said.chars().count() <= MAX_TEXT_CHARS, "{said}");
}

#[tokio::test]
async fn an_action_whose_data_is_too_large_together_is_withheld() {
    for (bytes, became) in [(20_000, "handed/emit queued"), (40_000, "handed/emit withheld: too-large")] {
        let harness = with_rules();
        let claim = comes(&harness, "s", "handed", "a/1", json!({"text": "x".repeat(bytes)})).await;
        assert_eq!((claim.state, claim.action_lines()), (ClaimState::Processed, vec![became.to_owned()]), "{bytes}");
    }
}

/// It is never cut: half a message may say the opposite.
#[tokio::test]
async fn a_longer_text_is_reported() {
    let text = "x".repeat(MAX_FACT_BYTES - 1);
    let said = format!("the value has {} bytes, allowed: {MAX_FACT_BYTES}", MAX_FACT_BYTES + 1);
    let harness = Harness::configured();
    let claim = comes(&harness, "whatsapp", "message.text", "message/wamid.1", whatsapp(&text)).await;
    assert_eq!(claim.state, ClaimState::Processed, "{claim:?}");
    assert_eq!(claim.action_lines(), [format!("customer-wrote/set.last_message dropped: {said}")]);
    let claim = comes(&harness, "slack", "app_mention", "message/1", mention(&text)).await;
    assert_eq!((claim.state, claim.reason), (ClaimState::Dead, Some(format!("rule mentioned, emit.data.text: {said}"))));
}
