//! Facts that never go down, by rules with a ladder.

use crate::support::{Harness, MAX_RECEIVES, Sent};
use serde_json::json;
use tidings_core::claim::ClaimState;
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations:
  - { on: "anonymous", identity: data.id }
  - { on: "*", conversation: "'ann'" }
rules:
  - name: status
    on: [status, anonymous]
    set: { status: { value: data.status, ladder: [sent, delivered, read, failed] }, seen: true }
    notify: { text: "{data.status}" }
    if_stale: skip
  - { name: link, on: linking, link: data.id }
"#;

fn harness() -> Harness {
    let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

fn status(id: &'static str, event_type: &'static str, status: &str, age_seconds: i64) -> Sent {
    Sent { id, event_type, order: "1", age_seconds, data: json!({"status": status, "id": "id"}) }
}

const DONE: [&str; 0] = [];

#[tokio::test]
async fn the_highest_rung_stays_at_any_time() {
    // `read` has the oldest time of all.
    let events = [status("s", "status", "sent", 5), status("d", "status", "delivered", 1), status("r", "status", "read", 60)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let harness = harness();
        for n in order {
            assert_eq!(harness.handle(vec![events[n].message(MAX_RECEIVES)]).await, DONE);
        }
        assert_eq!(harness.fact("ann", "order/1", "status"), "read", "{order:?}");
    }
}

#[tokio::test]
async fn a_value_off_the_ladder_is_recorded_and_only_it_is_dropped() {
    let harness = harness();
    harness.handle(vec![status("s", "status", "sent", 5).message(1)]).await;
    assert_eq!(harness.handle(vec![status("w", "status", "warned", 1).message(MAX_RECEIVES)]).await, DONE);
    let claim = harness.claim("orders#w").unwrap();
    assert_eq!(claim.state, ClaimState::Processed);
    assert_eq!(claim.action_lines(), ["status/notify queued", "status/set.status dropped: a value that isn't on its ladder"]);
    assert_eq!((harness.fact("ann", "order/1", "status"), harness.fact("ann", "order/1", "seen")), (json!("sent"), json!(true)));
}

#[tokio::test]
async fn an_identitys_ladder_and_its_conversations_merge_at_the_highest_rung() {
    for first in [0, 1] {
        let harness = harness();
        let events = [status("r", "anonymous", "read", 60), status("d", "status", "delivered", 1)];
        for n in [first, 1 - first] {
            assert_eq!(harness.handle(vec![events[n].message(1)]).await, DONE);
        }
        assert_eq!(harness.fact("ann", "order/1", "status"), "delivered", "they are apart");
        assert_eq!(harness.handle(vec![status("l", "linking", "", 1).message(1)]).await, DONE);
        harness.settle().await;
        assert_eq!(harness.fact("ann", "order/1", "status"), "read");
    }
}
