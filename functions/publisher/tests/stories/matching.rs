//! Which endpoints get what, and what they get.

use crate::support::{World, endpoint, envelope, event, header};
use publisher::memory::StoreCall;
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::endpoint::{BodyForm, Endpoint};
use tidings_config::rules::Priority;
use tidings_core::action::{Action, ActionId};
use tidings_core::claim::ClaimKey;

fn action() -> String {
    let action = Action {
        id: ActionId::new(&ClaimKey::new("shop", "e1"), "paid", "notify"),
        action_type: "tidings.notify".to_owned(),
        rule: "paid".to_owned(),
        subject: None,
        time: None,
        cause: ClaimKey::new("shop", "e1"),
        priority: Priority::Normal,
        traceparent: None,
        by_provider: Vec::new(),
        data: json!({"text": "Paid."}),
    };
    action.encode("web:ann", 3)
}

fn subscribed(name: &str, events: &[&str], when: Option<&str>) -> Endpoint {
    let events = events.iter().map(|pattern| pattern.parse().unwrap()).collect();
    Endpoint { events, when: when.map(str::to_owned), ..endpoint(name) }
}

async fn called(endpoints: Vec<Endpoint>, message: &str) -> Vec<String> {
    let world = World::new(endpoints);
    world.publish(message).await;
    world.pass(Duration::from_secs(1)).await;
    let mut hosts: Vec<String> =
        world.servers.calls().iter().map(|(_, call)| call.url.split(['/', '.']).nth(2).unwrap().to_owned()).collect();
    hosts.sort();
    hosts
}

#[tokio::test]
async fn an_endpoint_gets_the_events_and_actions_that_it_subscribes_to() {
    let endpoints = || {
        vec![
            subscribed("all", &["*"], None),
            subscribed("orders", &["order.*"], None),
            subscribed("users", &["user.*"], None),
            subscribed("notes", &["action:tidings.notify"], None),
            subscribed("actions", &["action:*"], None),
            subscribed("both", &["order.paid", "action:*"], None),
            subscribed("twice", &["order.*", "*.paid", "*"], None),
        ]
    };
    assert_eq!(called(endpoints(), &event("e1")).await, ["all", "both", "orders", "twice"]);
    assert_eq!(called(endpoints(), &action()).await, ["actions", "both", "notes"]);
}

/// docs/webhooks-out.md, "Called back": the sender of an event is told once it has its effect, instead of asking for its status.
#[tokio::test]
async fn a_sender_is_called_back_for_its_own_source_or_for_one_event_of_it() {
    let endpoints = || {
        vec![
            subscribed("source", &["*"], Some("event.source == '/webhooks/shop'")),
            subscribed("other", &["*"], Some("event.source == '/webhooks/elsewhere'")),
            subscribed("one", &["*"], Some("event.source == '/webhooks/shop' && event.eventid == 'e1'")),
        ]
    };
    assert_eq!(called(endpoints(), &event("e1")).await, ["one", "source"]);
    assert_eq!(called(endpoints(), &event("e2")).await, ["source"]);
}

#[tokio::test]
async fn a_condition_sees_the_event_and_its_data_and_without_a_value_does_not_hold() {
    let endpoints = || {
        vec![
            subscribed("large", &["*"], Some("data.total > 100")),
            subscribed("larger", &["*"], Some("data.total > 1000")),
            subscribed("ann", &["*"], Some("event.conversation == 'web:ann' && event.type == 'order.paid'")),
            subscribed("absent", &["*"], Some("data.nothing.at.all == 1")),
            subscribed("number", &["*"], Some("data.total")),
            subscribed("action", &["action:*"], Some("data.text == 'Paid.' && event.type == 'tidings.notify'")),
        ]
    };
    assert_eq!(called(endpoints(), &event("e1")).await, ["ann", "large"]);
    assert_eq!(called(endpoints(), &action()).await, ["action"]);
}

#[tokio::test]
async fn one_conditions_work_takes_nothing_from_another() {
    let list: Vec<u32> = (0..1_000).collect();
    let message = envelope("e1", "order.paid", &json!({"list": list})).encode();
    let heavy = "data.list.all(x, data.list.all(y, x + y >= 0))";
    let mut endpoints: Vec<Endpoint> = (0..10).map(|n| subscribed(&format!("heavy{n}"), &["*"], Some(heavy))).collect();
    endpoints.push(subscribed("light", &["*"], Some("size(data.list) == 1000")));
    assert!(called(endpoints, &message).await.contains(&"light".to_owned()));
}

#[tokio::test]
async fn an_event_that_no_endpoint_matches_is_not_stored() {
    let world = World::new(vec![subscribed("users", &["user.*"], None)]);
    world.publish(&event("e1")).await;
    assert_eq!((world.stores.count(StoreCall::PutEvent), world.stores.count(StoreCall::Claim)), (0, 0));
}

#[tokio::test]
async fn a_copy_of_an_event_is_no_second_delivery() {
    let world = World::new(vec![endpoint("crm"), endpoint("erp")]);
    for _ in 0..3 {
        world.publish(&event("e1")).await;
        world.pass(Duration::from_secs(1)).await;
    }
    assert_eq!(world.servers.calls().len(), 2, "one for each endpoint");
    world.publish(&event("e2")).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.servers.calls().len(), 4);
}

#[tokio::test]
async fn an_endpoint_that_is_registered_at_run_time_gets_events() {
    let world = World::new(Vec::new());
    world.register(endpoint("crm")).await;
    world.publish(&event("e1")).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.servers.calls_to("crm").len(), 1);
}

#[tokio::test]
async fn a_body_is_a_cloud_event_with_the_payload_as_it_was_sent() {
    let world = World::new(vec![endpoint("crm")]);
    let raw = r#"{"b":1.10,"a":"ä","n":12345678901234567890}"#;
    let mut sent = envelope("e1", "order.paid", &json!(1));
    sent.data = serde_json::value::RawValue::from_string(raw.to_owned()).unwrap();
    world.publish(&sent.encode()).await;
    world.pass(Duration::from_secs(1)).await;
    let (_, call) = world.servers.calls().remove(0);
    let text = String::from_utf8(call.body.clone()).unwrap();
    assert!(text.ends_with(&format!(",\"data\":{raw}}}")), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (field("specversion").as_str(), field("type").as_str(), field("source").as_str()),
        ("1.0", "order.paid", "/webhooks/shop")
    );
    assert_eq!((field("id"), field("conversation")), (header(&call, "webhook-id"), "web:ann".to_owned()));
    assert_eq!((field("subject").as_str(), field("time").as_str()), ("order/1042", "2026-11-30T10:00:00.000Z"));
    assert_eq!(header(&call, "content-type"), "application/cloudevents+json");
    for inner in ["claimkey", "contentkey", "tidingsversion", "partitionkey"] {
        assert!(body.get(inner).is_none(), "{inner} is ours");
    }
}

#[tokio::test]
async fn a_standard_body_has_type_timestamp_and_data() {
    let world = World::new(vec![Endpoint {
        format: BodyForm::Standard,
        events: vec!["*".parse().unwrap(), "action:*".parse().unwrap()],
        ..endpoint("crm")
    }]);
    world.publish(&event("e1")).await;
    world.publish(&action()).await;
    world.pass(Duration::from_secs(1)).await;
    let bodies: Vec<Value> = world.servers.calls().iter().map(|(_, call)| serde_json::from_slice(&call.body).unwrap()).collect();
    assert_eq!(
        (&bodies[0]["type"], &bodies[0]["timestamp"], &bodies[0]["data"]["total"]),
        (&json!("order.paid"), &json!("2026-11-30T10:00:00.000Z"), &json!(250))
    );
    assert_eq!((&bodies[1]["type"], &bodies[1]["data"]["text"]), (&json!("tidings.notify"), &json!("Paid.")));
    assert!(world.servers.calls().iter().all(|(_, call)| header(call, "content-type") == "application/json"));
}

#[tokio::test]
async fn another_message_is_returned_to_the_queue_and_logged_without_its_content() {
    tidings_core::memory::log::capture();
    let world = World::new(vec![endpoint("crm")]);
    for other in ["", "{}", "hunter2", r#"{"version":99,"endpoint":"ep_crm","delivery":"hunter2","attempt":1}"#] {
        let response =
            world.publisher.handle(vec![tidings_core::memory::sqs_message("p", other, 1)], crate::support::AMPLE).await;
        assert_eq!(response.batch_item_failures.len(), 1, "{other}");
    }
    world.publish(&event("e1")).await;
    world.pass(Duration::from_secs(1)).await;
    assert!(tidings_core::memory::log::lines().iter().all(|line| !line.contains("hunter2") && !line.contains("whsec_")));
}
