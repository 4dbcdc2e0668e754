//! Facts of every kind, by rules of every kind.

use crate::support::{Harness, MAX_RECEIVES, Sent, now};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::limits::{CLAIM_LIFETIME, MAX_COUNT_STEP, MAX_SET_ELEMENTS};
use tidings_core::claim::{ClaimState, Outcome};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: "'ann'" }]
rules:
  - name: visited
    on: visited
    count: { visits: data.n }
    add: { pages: data.page }
  - { name: left, on: left, remove: { pages: data.page } }
  - { name: coded, on: coded, set: { code: { value: data.code, ttl: 10m } } }
  - { name: named, on: named, when: "data.name != ''", set: { name: data.name, greeting: "'hello'" } }
  - { name: renamed, on: named, when: "data.name == 'Bo'", set: { greeting: "'hi'" } }
  - { name: forgot, on: forgot, unset: [name, greeting] }
"#;

fn harness() -> Harness {
    let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

fn event(id: &'static str, event_type: &'static str, age_seconds: i64, data: Value) -> Sent {
    Sent { id, event_type, order: "1", age_seconds, data }
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

const DONE: [&str; 0] = [];

#[tokio::test]
async fn counters_and_sets_are_exact_despite_duplicates() {
    let harness = harness();
    let visits = [("v1", 1, "home"), ("v2", 2, "shop"), ("v3", -5, "home")];
    for receive in 1..=3 {
        for (id, n, page) in visits {
            let visit = event(id, "visited", 9, json!({"n": n, "page": page}));
            assert_eq!(harness.handle(vec![visit.message(receive)]).await, DONE);
        }
    }
    assert_eq!(harness.fact("ann", "order/1", "visits"), -2);
    assert_eq!(harness.fact("ann", "order/1", "pages"), json!(["home", "shop"]));

    // The newest event of an element decides, in every order.
    for (id, age, left) in [("l1", 10, json!(["home", "shop"])), ("l2", 8, json!(["shop"]))] {
        harness.handle(vec![event(id, "left", age, json!({"page": "home"})).message(1)]).await;
        assert_eq!(harness.fact("ann", "order/1", "pages"), left, "{id}");
    }
}

#[tokio::test]
async fn a_fact_expires_after_its_ttl() {
    let harness = harness();
    harness.handle(vec![event("c1", "coded", 60, json!({"code": "1234"})).message(1)]).await;
    let known = |seconds: u64| {
        let at = now().plus(Duration::from_secs(seconds));
        harness.store.context_at("ann", at).entities.contains_key("order/1")
    };
    assert!(known(539));
    assert!(!known(540), "ten minutes after the event, not after its receipt");
    let expires = now().plus(Duration::from_secs(540)).plus(CLAIM_LIFETIME);
    let item = harness.store.items().into_values().next().unwrap();
    assert_eq!(item.content.expires(now()), Some(expires), "nothing else is in the item");

    // An expired fact is deleted, and an older event doesn't restore it.
    harness.pass(Duration::from_secs(3_600)).await;
    for old in [event("n1", "named", 0, json!({"name": "Ann"})), event("c0", "coded", 120, json!({"code": "0000"}))] {
        assert_eq!(harness.handle(vec![old.message(1)]).await, DONE);
    }
    let (code, claim) = (harness.fact("ann", "order/1", "code"), harness.claim("orders#c0").unwrap());
    assert_eq!((code, claim.outcome), (Value::Null, Some(Outcome::Stale)));
}

#[tokio::test]
async fn the_claim_lists_the_stale_facts_of_its_event() {
    let harness = harness();
    for (sent, outcome, overtaken) in [
        (event("l1", "left", 10, json!({"page": "home"})), Outcome::Applied, &[][..]),
        (event("v1", "visited", 20, json!({"n": 1, "page": "home"})), Outcome::Applied, &["order/1.pages"]),
        (event("l0", "left", 30, json!({"page": "home"})), Outcome::Stale, &["order/1.pages"]),
        (event("v2", "visited", 5, json!({"n": 1, "page": "home"})), Outcome::Applied, &[]),
    ] {
        harness.handle(vec![sent.message(1)]).await;
        let claim = harness.claim(&format!("orders#{}", sent.id)).unwrap();
        assert_eq!(
            (claim.outcome, claim.overtaken.iter().map(String::as_str).collect()),
            (Some(outcome), overtaken.to_vec()),
            "{}",
            sent.id
        );
    }
}

#[tokio::test]
async fn a_deletion_wins_against_earlier_events() {
    let harness = harness();
    for (sent, name) in [
        (event("n1", "named", 30, json!({"name": "Ann"})), json!("Ann")),
        (event("f1", "forgot", 10, json!({})), Value::Null),
        (event("n2", "named", 20, json!({"name": "Al"})), Value::Null),
        (event("n3", "named", 5, json!({"name": "Bo"})), json!("Bo")),
    ] {
        assert_eq!(harness.handle(vec![sent.message(1)]).await, DONE);
        assert_eq!(harness.fact("ann", "order/1", "name"), name, "{}", sent.id);
    }
    assert_eq!(harness.fact("ann", "order/1", "greeting"), "hi", "the later of two rules has it");
    assert_eq!(harness.claim("orders#n3").unwrap().rules, ["named", "renamed"]);
}

#[tokio::test]
async fn a_rule_with_a_false_condition_is_not_applied() {
    let harness = harness();
    harness.handle(vec![event("n1", "named", 0, json!({"name": ""})).message(1)]).await;
    let claim = harness.claim("orders#n1").unwrap();
    assert_eq!((claim.outcome, claim.rules.len()), (Some(Outcome::Noted), 0));
}

#[tokio::test]
async fn counters_and_sets_are_bounded_on_both_sides() {
    let harness = harness();
    for n in 0..MAX_SET_ELEMENTS {
        let visit = event(leaked(format!("v{n}")), "visited", 9, json!({"n": MAX_COUNT_STEP, "page": n}));
        assert_eq!(harness.handle(vec![visit.message(1)]).await, DONE);
    }
    for (id, data, reason) in [
        ("big", json!({"n": MAX_COUNT_STEP + 1, "page": 1}), "rule visited, count.visits: gives"),
        // In two's complement the least number has no opposite.
        ("least", json!({"n": i64::MIN, "page": 1}), "rule visited, count.visits: gives another number"),
        ("most", json!({"n": i64::MAX, "page": 1}), "rule visited, count.visits: gives another number"),
        ("unsigned", json!({"n": u64::MAX, "page": 1}), "rule visited, count.visits: gives another number"),
        ("half", json!({"n": 0.5, "page": 1}), "rule visited, count.visits: gives another number"),
        ("list", json!({"n": 1, "page": [1]}), "rule visited, add.pages: gives a list or a map"),
    ] {
        harness.handle(vec![event(id, "visited", 9, data).message(MAX_RECEIVES)]).await;
        let claim = harness.claim(&format!("orders#{id}")).unwrap();
        assert_eq!(claim.state, ClaimState::Dead, "{id}");
        assert!(claim.reason.as_ref().unwrap().starts_with(reason), "{claim:?}");
    }
    let pages = || harness.fact("ann", "order/1", "pages").as_array().map(Vec::len);
    assert_eq!(pages(), Some(MAX_SET_ELEMENTS), "and nothing of them is left behind");
    assert_eq!(harness.fact("ann", "order/1", "visits"), 256 * MAX_COUNT_STEP);

    let more = event("more", "visited", 8, json!({"n": 1, "page": "more"}));
    assert_eq!(harness.handle(vec![more.message(MAX_RECEIVES)]).await, DONE);
    let claim = harness.claim("orders#more").unwrap();
    assert_eq!((claim.state, claim.action_lines()), (ClaimState::Processed, vec!["order/1.pages dropped: 1 element".to_owned()]));
    assert_eq!((pages(), harness.fact("ann", "order/1", "visits")), (Some(MAX_SET_ELEMENTS), json!(256 * MAX_COUNT_STEP + 1)));
}
