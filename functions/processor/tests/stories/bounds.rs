//! A full collection drops values, never the event.

use crate::support::{Harness, MAX_RECEIVES, message, now};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::limits::{MAX_FACT_BYTES, MAX_ITEM_BYTES, MAX_SET_ELEMENTS};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::context::{Content, ItemKey};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: incident, on: incident, goto: incident, notify: { text: "Incident on {data.service}" }, priority: urgent }
  - { name: watched, on: watched, entity: "'customer'", add: { watching: data.sku }, count: { visits: 1 }, goto: watching }
  - { name: unwatched, on: unwatched, entity: "'customer'", remove: { watching: data.sku } }
  - { name: noted, on: noted, entity: "'customer'", set: { note: data.text, seen: true }, notify: { text: "noted" } }
  - { name: forgot, on: forgot, entity: "'customer'", unset: note }
  - name: wrote
    on: wrote
    entity: "'customer'"
    set: { a: data.text, b: data.text, c: data.text, d: data.text, e: data.text, f: data.text, g: data.text, h: data.text, i: data.text }
  - name: wrote-more
    on: wrote.more
    entity: "'customer'"
    set: { j: data.text, k: data.text, l: data.text, m: data.text, n: data.text, o: data.text, p: data.text, q: data.text, r: data.text }
    notify: { text: "more" }
joins:
  - name: broke
    all: [deployment, incident]
    by: data.service
    within: 30m
    then: { entity: "'service'", set: { broke: true }, notify: { text: "{join.key} broke" }, priority: urgent }
"#;

fn harness() -> Harness {
    let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

/// One event of a long line: it happens, and comes, when the harness's clock says.
async fn happens(harness: &Harness, id: &str, event_type: &str, data: Value) -> Claim {
    let at = harness.clock.now();
    comes(harness, id, event_type, at, data).await
}

/// The same of an event that happened at another time.
async fn comes(harness: &Harness, id: &str, event_type: &str, time: Timestamp, data: Value) -> Claim {
    let claim_key = ClaimKey::new("orders", id);
    let envelope = Envelope::new(NewEnvelope {
        id: id.to_owned(),
        source: "orders".to_owned(),
        event_type: event_type.to_owned(),
        subject: None,
        time: Some(time),
        conversation: None,
        sequence: None,
        received: harness.clock.now(),
        claim_key: claim_key.clone(),
        traceparent: None,
        payload: Payload::Json(serde_json::value::to_raw_value(&data).unwrap()),
    });
    harness.handle(vec![message(id, &envelope.encode(), MAX_RECEIVES)]).await;
    let claim = harness.store.claim(&claim_key).unwrap();
    assert_eq!(claim.state, ClaimState::Processed, "{claim:?}");
    claim
}

async fn minutes(harness: &Harness, minutes: u64) {
    harness.pass(Duration::from_secs(60 * minutes)).await;
}

const DAY: u64 = 24 * 60;

#[tokio::test]
async fn filling_a_join_of_a_shared_key_blocks_no_other_event() {
    let harness = harness();
    happens(&harness, "genuine", "deployment", json!({"who": "ops", "service": "api"})).await;
    for n in 0..100 {
        happens(&harness, &format!("d{n}"), "deployment", json!({"who": "ops", "service": "api"})).await;
    }
    minutes(&harness, 5).await;
    let claim = happens(&harness, "i", "incident", json!({"who": "ops", "service": "api"})).await;
    harness.settle().await;
    assert_eq!(claim.action_lines(), ["incident/notify queued"]);
    assert_eq!(harness.said("ops"), ["Incident on api", "api broke"]);
    assert_eq!(harness.fact("ops", "service", "broke"), json!(true));
    let surplus = harness.store.claim(&ClaimKey::new("orders", "d99")).unwrap();
    assert_eq!(surplus.action_lines(), ["broke dropped: 1 event of its window"], "the timeline tells of it");
}

#[tokio::test]
async fn a_full_leg_leaves_the_others_their_room() {
    for (filled, other) in [("deployment", "incident"), ("incident", "deployment")] {
        let harness = harness();
        happens(&harness, "early", other, json!({"who": "ops", "service": "api"})).await;
        minutes(&harness, 40).await;
        for n in 0..100 {
            happens(&harness, &format!("f{n}"), filled, json!({"who": "ops", "service": "api"})).await;
        }
        assert!(!harness.said("ops").contains(&"api broke".to_owned()), "the early one is too early");
        happens(&harness, "late", other, json!({"who": "ops", "service": "api"})).await;
        harness.settle().await;
        assert_eq!(harness.said("ops").last().unwrap(), "api broke", "{filled}");
    }
}

#[tokio::test]
async fn a_year_of_deployments_drops_what_is_no_longer_needed() {
    let harness = harness();
    for n in 0..2 * 365 {
        happens(&harness, &format!("d{n}"), "deployment", json!({"who": "ops", "service": "api"})).await;
        minutes(&harness, DAY / 2).await;
    }
    let bytes = harness.store.items().values().map(|item| item.content.encode().len()).max().unwrap();
    assert!(bytes <= 8_192, "{bytes}");
    happens(&harness, "d", "deployment", json!({"who": "ops", "service": "api"})).await;
    let claim = happens(&harness, "i", "incident", json!({"who": "ops", "service": "api"})).await;
    harness.settle().await;
    assert_eq!(claim.action_lines(), ["incident/notify queued"], "nothing of the window was dropped");
    assert_eq!(harness.said("ops"), ["Incident on api", "api broke"]);
}

#[tokio::test]
async fn a_set_that_had_257_elements_over_its_life_is_not_full() {
    let harness = harness();
    for n in 0..=MAX_SET_ELEMENTS {
        for event_type in ["watched", "unwatched"] {
            let claim = happens(&harness, &format!("{event_type}{n}"), event_type, json!({"who": "ann", "sku": n})).await;
            assert_eq!(claim.action_lines(), [""; 0], "{event_type} {n}");
            minutes(&harness, DAY / 6).await;
        }
    }
    happens(&harness, "last", "watched", json!({"who": "ann", "sku": "last"})).await;
    assert_eq!(harness.fact("ann", "customer", "watching"), json!(["last"]));
    let stored = members(&harness);
    assert!(stored < MAX_SET_ELEMENTS, "what was taken out more than a month ago has aged out: {stored} are left");
}

/// The number of stored elements of the set, including removed ones.
fn members(harness: &Harness) -> usize {
    let items = harness.store.items();
    let (_, item) = items.iter().find(|(place, _)| place.key == ItemKey::Entity("customer".into())).unwrap();
    let Content::Facts(facts) = &item.content else { panic!("{item:?}") };
    let tidings_core::context::FactKind::Set(members) = &facts["watching"].kind else { panic!("{facts:?}") };
    members.len()
}

#[tokio::test]
async fn filling_a_set_does_not_block_it() {
    let harness = harness();
    for n in 0..2 * MAX_SET_ELEMENTS {
        happens(&harness, &format!("s{n}"), "watched", json!({"who": "ann", "sku": format!("spam{n}")})).await;
    }
    minutes(&harness, 1).await;
    let claim = happens(&harness, "mine", "watched", json!({"who": "ann", "sku": "grinder"})).await;
    assert_eq!(claim.action_lines(), ["customer.watching dropped: 1 element"]);
    let watching = harness.fact("ann", "customer", "watching");
    assert!(watching.as_array().unwrap().contains(&json!("grinder")), "{watching}");
    assert_eq!(watching.as_array().unwrap().len(), MAX_SET_ELEMENTS);
    assert_eq!(harness.fact("ann", "customer", "visits"), 2 * MAX_SET_ELEMENTS + 1, "nothing else of the events is lost");
    assert_eq!(harness.node("ann"), Some(json!("watching")));
}

#[tokio::test]
async fn a_too_large_value_drops_only_its_own_fact() {
    for (event_type, data, dropped) in [
        (
            "noted",
            json!({"who": "ann", "text": "x".repeat(MAX_FACT_BYTES)}),
            "noted/set.note dropped: the value has 40962 bytes, allowed: 40960",
        ),
        (
            "watched",
            json!({"who": "ann", "sku": "x".repeat(MAX_FACT_BYTES)}),
            "watched/add.watching dropped: the value has 40962 bytes, allowed: 40960",
        ),
        (
            "watched",
            json!({"who": "ann", "sku": "x".repeat(1_000)}),
            "watched/add.watching dropped: an element has 1002 bytes, allowed: 512",
        ),
    ] {
        let harness = harness();
        let claim = happens(&harness, "e", event_type, data).await;
        assert!(claim.action_lines().contains(&dropped.to_owned()), "{claim:?}");
        match event_type {
            "noted" => {
                assert_eq!(harness.fact("ann", "customer", "seen"), json!(true));
                assert_eq!(
                    (harness.fact("ann", "customer", "note"), harness.said("ann")),
                    (Value::Null, vec!["noted".to_owned()])
                );
            }
            _ => {
                assert_eq!((harness.fact("ann", "customer", "visits"), harness.node("ann")), (json!(1), Some(json!("watching"))))
            }
        }
    }
}

#[tokio::test]
async fn a_full_entity_loses_its_oldest_facts() {
    let harness = harness();
    let text = "x".repeat(4_094);
    happens(&harness, "v", "watched", json!({"who": "ann", "sku": "grinder"})).await;
    minutes(&harness, 1).await;
    happens(&harness, "w", "wrote", json!({"who": "ann", "text": text})).await;
    minutes(&harness, 1).await;
    let claim = happens(&harness, "m", "wrote.more", json!({"who": "ann", "text": text})).await;
    harness.settle().await;
    let dropped: Vec<String> = claim.action_lines().into_iter().filter(|action| action.contains("dropped")).collect();
    assert!(dropped.iter().any(|what| *what == "customer.a dropped: no room"), "{dropped:?}");
    assert_eq!(harness.said("ann"), ["more"]);
    assert_eq!(harness.fact("ann", "customer", "r"), text, "the newest are there");
    assert_eq!(harness.fact("ann", "customer", "visits"), 1, "a counter is never dropped for a value");
    for item in harness.store.items().values() {
        assert!(item.content.encode().len() <= MAX_ITEM_BYTES);
    }
}

#[tokio::test]
async fn a_deletion_ages_out_of_its_item() {
    let harness = harness();
    happens(&harness, "n", "noted", json!({"who": "ann", "text": "hello"})).await;
    minutes(&harness, 1).await;
    happens(&harness, "f", "forgot", json!({"who": "ann"})).await;
    let stored = |harness: &Harness| {
        let items = harness.store.items();
        let (_, item) = items.iter().find(|(place, _)| place.key == ItemKey::Entity("customer".into())).unwrap();
        item.facts().unwrap().contains_key("note")
    };
    assert!(stored(&harness), "that it was forgotten is remembered");
    comes(&harness, "old", "noted", now(), json!({"who": "ann", "text": "older"})).await;
    assert_eq!(harness.fact("ann", "customer", "note"), Value::Null, "so an older event doesn't bring it back");
    minutes(&harness, 31 * DAY).await;
    happens(&harness, "v", "watched", json!({"who": "ann", "sku": 1})).await;
    assert!(!stored(&harness), "until no older event can come");
}

#[tokio::test]
async fn after_a_year_of_daily_use_and_a_hostile_customer_an_urgent_event_has_all_its_effects() {
    let harness = harness();
    let long = "x".repeat(4_094);
    for day in 0..365 {
        let ops = json!({"who": "ann", "service": "api"});
        happens(&harness, &format!("deployed{day}"), "deployment", ops.clone()).await;
        happens(&harness, &format!("watched{day}"), "watched", json!({"who": "ann", "sku": day})).await;
        happens(&harness, &format!("noted{day}"), "noted", json!({"who": "ann", "text": day.to_string()})).await;
        minutes(&harness, 6 * 60).await;
        happens(&harness, &format!("unwatched{day}"), "unwatched", json!({"who": "ann", "sku": day})).await;
        // A customer who can name them fills them.
        for n in 0..2 {
            happens(&harness, &format!("d{day}.{n}"), "deployment", ops.clone()).await;
            happens(
                &harness,
                &format!("w{day}.{n}"),
                "watched",
                json!({"who": "ann", "sku": format!("{n}{}{day}", "y".repeat(400))}),
            )
            .await;
        }
        happens(
            &harness,
            &format!("l{day}"),
            if day % 2 == 0 { "wrote" } else { "wrote.more" },
            json!({"who": "ann", "text": long}),
        )
        .await;
        minutes(&harness, 18 * 60).await;
    }
    let said = harness.said("ann").len();
    happens(&harness, "deployed", "deployment", json!({"who": "ann", "service": "api"})).await;
    let claim = happens(&harness, "incident", "incident", json!({"who": "ann", "service": "api"})).await;
    happens(&harness, "noted", "noted", json!({"who": "ann", "text": "hello"})).await;
    happens(&harness, "watched", "watched", json!({"who": "ann", "sku": "grinder"})).await;
    harness.settle().await;
    assert_eq!(claim.action_lines(), ["incident/notify queued"]);
    assert_eq!(harness.said("ann")[said..], ["Incident on api", "noted", "api broke"]);
    assert_eq!((harness.fact("ann", "service", "broke"), harness.fact("ann", "customer", "note")), (json!(true), json!("hello")));
    assert!(harness.fact("ann", "customer", "watching").as_array().unwrap().contains(&json!("grinder")));
    assert_eq!(harness.fact("ann", "customer", "visits"), 365 * 3 + 1, "no event's count is lost");
    for (place, item) in harness.store.items() {
        assert!(item.content.encode().len() <= MAX_ITEM_BYTES, "{place:?}");
    }
}
