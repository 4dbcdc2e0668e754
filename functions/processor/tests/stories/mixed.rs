//! Data as providers send it: numbers in any notation, and fields that are missing, null or of another type.

use crate::support::{Harness, MAX_RECEIVES, Sent};
use serde_json::{Value, json};
use tidings_core::claim::{Claim, ClaimState};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: "'ann'" }]
rules:
  - name: priced
    on: priced
    set: { price: data.price, gross: data.price * 1.19, big: data.price > 9.5 }
    notify: { text: "It costs {data.price}." }
  - { name: counted, on: counted, count: { parcels: data.qty } }
  - { name: named, on: named, entity: data.order, set: { seen: true } }
  - { name: grouped, on: grouped, entity: "'order/' + string(data.order)", set: { seen: true }, add: { prices: data.price } }
  - { name: removed, on: removed, entity: "'order/' + string(data.order)", remove: { prices: data.price } }
  - name: shipped
    on: shipped
    set:
      carrier: data.?shipment.?carrier.?name
      tracking: data.?shipment[?'tracking-id'].orValue('none yet')
    notify: { text: "On its way with {data.?shipment.?carrier.?name.orValue('our carrier')}." }
  - { name: strict, on: strict, set: { carrier: data.shipment.carrier.name } }
  - { name: asked, on: shipped, when: has(data.shipment.carrier.name.full), set: { asked: true } }
  - { name: optional, on: [shipped, strict], when: data.?shipment.?carrier.?name == 'DHL', set: { by_dhl: true } }
joins:
  - name: both
    all: [{ on: paid, by: data.order }, { on: packed, by: data.order }]
    within: 1h
    then: { entity: "'order/' + join.key", set: { both: true } }
"#;

fn harness() -> Harness {
    let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

async fn sent(harness: &Harness, id: &'static str, event_type: &'static str, data: Value) -> Claim {
    let sent = Sent { id, event_type, order: "1", age_seconds: 5, data };
    harness.handle(vec![sent.message(MAX_RECEIVES)]).await;
    harness.claim(&format!("orders#{id}")).unwrap()
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_price_without_decimals_is_a_price() {
    for (n, (price, gross, big)) in [
        ("10", 11.9, true),
        ("10.0", 11.9, true),
        ("1e1", 11.9, true),
        ("10.00", 11.9, true),
        ("19.90", 23.681, true),
        ("2.5", 2.975, false),
        ("0", 0.0, false),
    ]
    .into_iter()
    .enumerate()
    {
        let harness = harness();
        let claim = sent(&harness, leaked(format!("p{n}")), "priced", json!({"price": number(price)})).await;
        assert_eq!(claim.state, ClaimState::Processed, "{price}: {claim:?}");
        let fact = |name: &str| harness.fact("ann", "order/1", name);
        assert!((fact("gross").as_f64().unwrap() - gross).abs() < 1e-9, "{price}: {}", fact("gross"));
        assert_eq!(fact("big"), big, "{price}");
        let spelled = if price == "1e1" { "10.0" } else { price };
        assert_eq!(fact("price").to_string(), spelled, "a fact keeps the digits that were sent");
    }
}

#[tokio::test]
async fn a_counter_accepts_a_whole_number_in_any_notation() {
    let harness = harness();
    let mut sum = 0;
    for (n, (qty, step)) in [
        (json!(10), 10),
        (number("2.0"), 2),
        (number("2e0"), 2),
        (number("-3.00"), -3),
        (json!("2"), 2),
        (json!("2.0"), 2),
        (json!("-1"), -1),
        (Value::Null, 0),
        (number("-0.0"), 0),
        (number("1000000000.0"), 1_000_000_000),
    ]
    .into_iter()
    .enumerate()
    {
        let claim = sent(&harness, leaked(format!("c{n}")), "counted", json!({"qty": qty})).await;
        assert_eq!(claim.state, ClaimState::Processed, "{qty}: {claim:?}");
        sum += step;
        assert_eq!(harness.fact("ann", "order/1", "parcels"), sum, "{qty}");
    }
    for (n, (qty, seen)) in [
        (json!(2.5), "another number"),
        (number("1000000001.0"), "another number"),
        (number("1e400"), "another number"),
        (json!("two"), "another text"),
        (json!("2.5"), "another text"),
        (json!(""), "another text"),
        (json!(true), "a boolean"),
        (json!([2]), "a list"),
        (json!({"n": 2}), "a map"),
    ]
    .into_iter()
    .enumerate()
    {
        let claim = sent(&harness, leaked(format!("x{n}")), "counted", json!({"qty": qty})).await;
        let reason = format!("rule counted, count.parcels: gives {seen}, allowed: a whole number from -1000000000 to 1000000000");
        assert_eq!((claim.state, claim.reason.as_deref()), (ClaimState::Dead, Some(reason.as_str())), "{qty}");
    }
    assert_eq!(harness.fact("ann", "order/1", "parcels"), sum);
}

#[tokio::test]
async fn a_number_in_any_notation_gives_the_same_name() {
    for spelled in ["10", "10.0", "10.00", "1e1"] {
        let harness = harness();
        let order = number(spelled);
        for (id, event_type) in [("n", "named"), ("g", "grouped"), ("p", "paid")] {
            let claim = sent(&harness, id, event_type, json!({"order": order, "price": 1})).await;
            assert_eq!(claim.state, ClaimState::Processed, "{spelled}: {claim:?}");
        }
        sent(&harness, "k", "packed", json!({"order": 10})).await;
        harness.settle().await;
        assert_eq!(harness.fact("ann", "10", "seen"), true, "{spelled}");
        assert_eq!(harness.fact("ann", "order/10", "seen"), true, "{spelled}");
        assert_eq!(harness.fact("ann", "order/10", "both"), true, "{spelled}");
    }
    let harness = harness();
    let claim = sent(&harness, "half", "named", json!({"order": 10.5})).await;
    assert_eq!(claim.reason.as_deref(), Some("rule named, entity: doesn't give a text; string(…) converts a number"));
}

#[tokio::test]
async fn a_number_with_any_trailing_zeros_is_the_same_element() {
    let harness = harness();
    sent(&harness, "a", "grouped", json!({"order": 1, "price": number("19.90")})).await;
    sent(&harness, "b", "grouped", json!({"order": 1, "price": number("19.9")})).await;
    assert_eq!(harness.fact("ann", "order/1", "prices"), json!([19.9]));
    sent(&harness, "c", "removed", json!({"order": 1, "price": number("19.900")})).await;
    assert!(matches!(harness.fact("ann", "order/1", "prices"), Value::Null | Value::Array(_)));
    assert_ne!(harness.fact("ann", "order/1", "prices"), json!([19.9]));
}

#[tokio::test]
async fn a_missing_null_or_mistyped_value_never_fails_the_event() {
    for (n, data) in [
        json!({}),
        json!({"shipment": null}),
        json!({"shipment": {}}),
        json!({"shipment": {"carrier": null}}),
        json!({"shipment": {"carrier": {"name": null}}}),
        json!({"shipment": "DHL"}),
        json!({"shipment": {"carrier": "DHL", "tracking-id": null}}),
        json!({"shipment": {"carrier": ["DHL"]}}),
        json!({"shipment": 7}),
        Value::Null,
    ]
    .into_iter()
    .enumerate()
    {
        let harness = harness();
        let claim = sent(&harness, leaked(format!("s{n}")), "shipped", data.clone()).await;
        assert_eq!((claim.state, claim.rules[0].as_str()), (ClaimState::Processed, "shipped"), "{data}: {claim:?}");
        assert!(!claim.rules.contains(&"optional".to_owned()), "{data}");
        harness.settle().await;
        assert_eq!(harness.said("ann"), ["On its way with our carrier."], "{data}");
        let fact = |name: &str| harness.fact("ann", "order/1", name);
        assert_eq!((fact("carrier"), fact("tracking")), (Value::Null, json!("none yet")), "{data}");
    }
    let harness = harness();
    let claim = sent(&harness, "there", "shipped", json!({"shipment": {"carrier": {"name": "DHL"}, "tracking-id": "1Z"}})).await;
    assert_eq!(claim.rules, ["shipped", "optional"]);
    let fact = |name: &str| harness.fact("ann", "order/1", name);
    assert_eq!((fact("carrier"), fact("tracking"), fact("by_dhl")), (json!("DHL"), json!("1Z"), json!(true)));

    // Without a question mark the place must exist: a typing error doesn't use the default.
    let claim = sent(&harness, "strict", "strict", json!({"shipment": {}})).await;
    let reason = "rule strict, set.carrier: no field \"carrier\"; test with has(…)";
    assert_eq!(claim.reason.as_deref(), Some(reason));
}

#[tokio::test]
async fn a_blank_conversation_is_none() {
    let rules = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }, { on: "*", conversation: "'desk'" }]
rules:
  - { name: seen, on: seen, set: { seen: data.who } }
"#;
    let rules = read_rules("rules.yaml", rules, &[]).unwrap_or_else(|report| panic!("{report}"));
    for who in ["", " ", "\t\n", "\u{a0}"] {
        let harness = Harness::with(rules.clone(), |store| store);
        let sent = Sent { id: "e1", event_type: "seen", order: "1", age_seconds: 0, data: json!({"who": who}) };
        assert_eq!(harness.handle(vec![sent.message(1)]).await, [""; 0]);
        assert_eq!(harness.fact("desk", "order/1", "seen"), who, "{who:?} is nobody's name");
    }
}
