//! Stored events: which events are stored with their claims, and which never.

use crate::support::{Harness, Sent, moved, now, on_the_links_queue, poison};
use serde_json::json;
use tidings_config::limits::MAX_STORED_EVENT_BYTES;
use tidings_config::rules::Rules;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::external_link::ExternalLink;
use tidings_core::stored_event::StoredEvent;
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations:
  - { on: "*", conversation: data.who }
joins:
  - { name: both, all: [left, right], by: data.who, within: 1h, then: { goto: there } }
"#;

fn keeping(mut harness: Harness) -> Harness {
    harness.processor = harness.processor.storing_events(true);
    harness
}

fn joining() -> Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn kept(harness: &Harness, key: &str) -> Option<StoredEvent> {
    harness.store.kept(&ClaimKey::from(key.to_owned()))
}

#[tokio::test]
async fn an_event_is_stored_as_in_its_message_if_configured() {
    for keeps in [true, false] {
        let harness = if keeps { keeping(Harness::new()) } else { Harness::new() };
        let event = moved("1", "ann", "packed", 60);
        assert!(harness.handle(vec![event.message(1)]).await.is_empty());
        let expected = Some(event.envelope().encode()).filter(|_| keeps);
        assert_eq!(kept(&harness, "orders#1").map(|event| event.as_str().to_owned()), expected);
        assert_eq!(harness.claim("orders#1").unwrap().event_bytes, expected.map(|json| json.len()));
        assert_eq!(harness.fact("ann", "order/1", "status"), "packed");
    }
}

#[tokio::test]
async fn a_too_large_event_is_not_stored_and_has_its_effect() {
    let harness = keeping(Harness::new());
    let sized = |id: &'static str, bytes: usize| {
        let padded =
            |pad: usize| Sent { data: json!({"who": id, "status": "packed", "pad": "x".repeat(pad)}), ..moved(id, id, "", 60) };
        let rest = padded(0).envelope().encode().len();
        padded(bytes - rest)
    };
    let (largest, larger) = (sized("1", MAX_STORED_EVENT_BYTES), sized("2", MAX_STORED_EVENT_BYTES + 1));
    assert!(harness.handle(vec![largest.message(1), larger.message(1)]).await.is_empty());
    assert_eq!(harness.claim("orders#1").unwrap().event_bytes, Some(MAX_STORED_EVENT_BYTES));
    assert_eq!((kept(&harness, "orders#2"), harness.claim("orders#2").unwrap().event_bytes), (None, None));
    for who in ["1", "2"] {
        assert_eq!(harness.fact(who, "order/1", "status"), "packed", "{who}");
    }
}

#[tokio::test]
async fn a_dead_lettered_event_is_stored_when_it_is_processed_later() {
    let harness = keeping(Harness::new());
    assert_eq!(harness.handle(vec![poison("1", "ann").message(5)]).await, ["m-1"]);
    assert_eq!((harness.state("orders#1"), kept(&harness, "orders#1")), (Some(ClaimState::Dead), None));
    // After a redrive, with rules that can process it.
    let mended = Sent { event_type: "asked", ..poison("1", "ann") };
    assert!(harness.handle(vec![mended.message(1)]).await.is_empty());
    assert!(kept(&harness, "orders#1").is_some());
}

#[tokio::test]
async fn timers_are_not_stored_and_external_links_are() {
    let harness = keeping(Harness::with(joining(), |store| store));
    let event = |id: &'static str, event_type: &'static str| Sent { event_type, ..moved(id, "ann", "", 60) };
    assert!(harness.handle(vec![event("1", "left").message(1), event("2", "right").message(1)]).await.is_empty());
    let link =
        ExternalLink { id: "crm-1".into(), time: now(), identity: "phone:1".into(), conversation: "ann".into(), moves: false };
    assert!(harness.handle(vec![on_the_links_queue("link", &link.encode(), 1)]).await.is_empty());
    harness.settle().await;
    assert_eq!(harness.node("ann"), Some("there".into()), "the join is over");
    let claims = harness.store.claims();
    let kept: Vec<&str> = claims.iter().filter(|claim| claim.event_bytes.is_some()).map(|claim| claim.key.as_str()).collect();
    assert_eq!(kept, ["@link#crm-1", "orders#1", "orders#2"]);
    assert_eq!(claims.len(), 4, "{claims:?}");
}
