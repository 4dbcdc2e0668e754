//! The owner of an event: known immediately, or by a later link. Nothing from before the link is lost.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, LINKS_QUEUE_ARN, MAX_RECEIVES, Sent, another, handle, message, now, on_the_links_queue};
use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{MAX_DEFERRAL, MAX_DEFERRED_BYTES, MOVE_CHUNK};
use tidings_config::rules::Rules;
use tidings_config::time::Clock;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::context::{Content, Item, ItemKey, Place};
use tidings_core::external_link::ExternalLink;
use tidings_core::internal_event::InternalEvent;
use tidings_core::memory::{Call, Fault};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations:
  - { on: "order.*", conversation: data.who }
  - { on: "*", identity: "'customer:' + data.customer" }
rules:
  - { name: paid, on: payment.made, count: { payments: 1 }, set: { last: data.cents }, goto: paid, notify: { text: "{data.cents} paid" } }
  - { name: linked, on: order.made, link: "'customer:' + data.customer", goto: ordered }
  - { name: wrong, on: wrong, link: "'x:' + data.customer" }
"#;

fn rules() -> Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn harness() -> Harness {
    Harness::with(rules(), |store| store)
}

fn event(id: &'static str, event_type: &'static str, age_seconds: i64, data: Value) -> Sent {
    Sent { id, event_type, order: "1", age_seconds, data }
}

fn payment(id: &'static str, cents: i64, age_seconds: i64) -> Sent {
    event(id, "payment.made", age_seconds, json!({"customer": "c1", "cents": cents}))
}

fn order(id: &'static str, who: &str) -> Sent {
    event(id, "order.made", 30, json!({"customer": "c1", "who": who}))
}

#[tokio::test]
async fn earlier_facts_move_to_the_conversation_with_the_link() {
    let harness = harness();
    for payment in [payment("p1", 100, 20), payment("p2", 200, 10)] {
        assert_eq!(harness.handle(vec![payment.message(1)]).await, [""; 0]);
    }
    assert_eq!(harness.fact("customer:c1", "order/1", "payments"), 2, "kept under the identity");
    assert_eq!(harness.said("customer:c1"), [""; 0], "and there is no recipient");
    assert_eq!(harness.claim("orders#p1").unwrap().action_lines(), ["paid/notify held until its identity is linked"]);

    assert_eq!(harness.handle(vec![order("o1", "ann").message(1)]).await, [""; 0]);
    harness.settle().await;
    assert_eq!(harness.fact("ann", "order/1", "payments"), 2);
    assert_eq!(harness.node("ann"), Some(json!("paid")), "by event time: the order was before it");
    assert_eq!(harness.said("ann"), ["100 paid", "200 paid"], "in their order");
    let left: Vec<_> = harness.store.items().into_keys().filter(|place| place.partition == "customer:c1").collect();
    assert_eq!(left.iter().map(|place| place.key.clone()).collect::<Vec<_>>(), [ItemKey::Link], "nothing else is left there");
    let own = harness.store.items().remove(&Place::new("ann", ItemKey::Link)).map(|item| item.content);
    assert!(matches!(own, Some(Content::Link(link)) if link.conversation == "ann"), "a conversation with identities says so");

    harness.handle(vec![payment("p3", 300, 0).message(1)]).await;
    assert_eq!(harness.fact("ann", "order/1", "payments"), 3);
    assert_eq!(harness.said("ann").len(), 3);
    let events: Vec<_> = harness.store.timeline("ann").into_iter().filter_map(|c| c.event_id).collect();
    for id in ["o1", "p1", "p2", "p3"] {
        assert!(events.contains(&id.to_owned()), "{id} is in the timeline: {events:?}");
    }
    assert_eq!(harness.store.context("ann").identities, ["customer:c1"]);
}

#[tokio::test]
async fn a_large_move_takes_several_transactions() {
    let harness = harness();
    let entities = MOVE_CHUNK * 2 + 3;
    for n in 0..entities {
        let id: &'static str = Box::leak(format!("p{n}").into_boxed_str());
        let order: &'static str = Box::leak(n.to_string().into_boxed_str());
        harness.handle(vec![Sent { order, ..payment(id, 1, 5) }.message(1)]).await;
    }
    harness.handle(vec![order("o1", "ann").message(1)]).await;
    assert_eq!(harness.store.context("ann").entities.len(), entities);
    assert_eq!(harness.store.context("customer:c1").entities.len(), 0);
    assert!(harness.faults.count(Call::Rewrite) >= 3);
}

#[tokio::test]
async fn an_interrupted_move_continues_at_the_next_receive() {
    for call in [Call::First, Call::Rewrite, Call::SetTimer] {
        for fault in [Fault::Refuse, Fault::LoseAnswer] {
            let harness = harness();
            harness.handle(vec![payment("p1", 100, 20).message(1)]).await;
            harness.faults.fail(call, fault, 1);
            let linking = order("o1", "ann");
            assert_eq!(harness.handle(vec![linking.message(1)]).await, ["m-o1"], "{call:?} {fault:?}");
            assert_eq!(harness.state("orders#o1"), Some(ClaimState::Processed), "the link itself is there");
            assert_eq!(harness.handle(vec![linking.message(2)]).await, [""; 0], "{call:?} {fault:?}");
            harness.settle().await;
            assert_eq!(harness.fact("ann", "order/1", "payments"), 1, "{call:?} {fault:?}");
            assert_eq!(harness.said("ann"), ["100 paid"], "{call:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn an_unfinished_move_on_the_last_receive_is_left_to_a_redrive() {
    let harness = harness();
    harness.handle(vec![payment("p1", 100, 20).message(1)]).await;
    harness.faults.fail(Call::First, Fault::Refuse, 1);
    let linking = order("o1", "ann");
    assert_eq!(harness.handle(vec![linking.message(MAX_RECEIVES)]).await, ["m-o1"]);
    assert_eq!(harness.state("orders#o1"), Some(ClaimState::Processed), "it isn't dead either");
    assert_eq!(harness.handle(vec![linking.message(1)]).await, [""; 0], "redriven");
    assert_eq!(harness.fact("ann", "order/1", "payments"), 1);
}

#[tokio::test]
async fn a_concurrent_link_and_event_leave_no_item_behind() {
    for seed in 0..200 {
        let harness = harness();
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let [one, other] = [(); 2].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
        let work = [
            handle(&one, vec![payment("p1", 100, 20).message(1), payment("p2", 100, 20).message(1)], AMPLE),
            handle(&other, vec![order("o1", "ann").message(1)], AMPLE),
        ];
        assert_eq!(join_all(work).await.concat(), [""; 0], "seed {seed}");
        harness.settle().await;
        assert_eq!(harness.fact("ann", "order/1", "payments"), 2, "seed {seed}");
        assert_eq!(harness.store.context("customer:c1").entities.len(), 0, "seed {seed}");
        assert_eq!(harness.said("ann").len(), 2, "seed {seed}");
    }
}

#[tokio::test]
async fn a_second_conversation_of_an_identity_is_ignored() {
    let harness = harness();
    for linking in [order("o1", "ann"), order("o2", "bob")] {
        assert_eq!(harness.handle(vec![linking.message(1)]).await, [""; 0]);
    }
    harness.handle(vec![payment("p1", 100, 0).message(1)]).await;
    assert_eq!((harness.said("ann").len(), harness.said("bob").len()), (1, 0));
    assert_eq!(harness.node("bob"), Some(json!("ordered")), "the rest of the event is done");
}

#[tokio::test]
async fn notifications_that_wait_for_a_link_are_bounded_in_number_and_time() {
    let harness = harness();
    let held = || match harness.store.items().get(&Place::new("customer:c1", ItemKey::Deferred)) {
        Some(Item { content: Content::Deferred(deferred), .. }) => deferred.clone(),
        other => panic!("{other:?}"),
    };
    let events = 300;
    for n in 0..events {
        let id: &'static str = Box::leak(format!("p{n}").into_boxed_str());
        assert_eq!(harness.handle(vec![payment(id, n, 5).message(1)]).await, [""; 0]);
        assert!(held().bytes() <= MAX_DEFERRED_BYTES);
    }
    assert!((100..250).contains(&held().waiting.len()), "full: {}", held().waiting.len());
    assert_eq!(
        harness.claim("orders#p299").unwrap().action_lines(),
        ["paid/notify held until its identity is linked"],
        "the newest stay"
    );
    assert_eq!(harness.fact("customer:c1", "order/1", "payments"), events, "and no event lost its facts");

    harness.pass(MAX_DEFERRAL + Duration::from_secs(1)).await;
    harness.handle(vec![payment("late", 7, 5).message(1), order("o1", "ann").message(1)]).await;
    harness.settle().await;
    assert_eq!(harness.said("ann"), ["7 paid"], "what has waited too long isn't sent any more");
}

#[tokio::test]
async fn an_event_without_a_conversation_cannot_link() {
    let harness = harness();
    harness.handle(vec![event("w1", "wrong", 0, json!({"customer": "c1"})).message(MAX_RECEIVES)]).await;
    let reason = harness.claim("orders#w1").unwrap().reason.unwrap();
    assert!(reason.starts_with("rule wrong, link: the event has an identity but no conversation"), "{reason}");
}

#[tokio::test]
async fn an_operator_can_link_an_identity() {
    let harness = harness();
    harness.handle(vec![payment("p1", 100, 20).message(1)]).await;
    let link = |identity: &str, conversation: &str| ExternalLink {
        id: format!("crm-{identity}"),
        time: harness.clock.now(),
        identity: identity.to_owned(),
        conversation: conversation.to_owned(),
        moves: false,
    };
    let body = link("customer:c1", "ann").encode();
    for receive in 1..=2 {
        assert_eq!(harness.handle(vec![on_the_links_queue("m", &body, receive)]).await, [""; 0]);
    }
    harness.settle().await;
    assert_eq!((harness.said("ann"), harness.fact("ann", "order/1", "payments")), (vec!["100 paid".to_owned()], json!(1)));

    let chain = link("phone:1", "customer:c1");
    harness.handle(vec![on_the_links_queue("m", &chain.encode(), MAX_RECEIVES)]).await;
    let reason = harness.claim(chain.claim_key().as_str()).unwrap().reason.unwrap();
    assert!(reason.contains("is itself an identity"), "{reason}");
}

#[tokio::test]
async fn a_program_can_send_a_link_and_gets_its_errors() {
    let harness = harness();
    harness.handle(vec![payment("p1", 100, 20).message(1)]).await;
    let said = |id: &str, conversation: &str| {
        json!({
            "specversion": "1.0", "tidingsversion": 1, "id": id, "source": "/tidings", "type": "tidings.link",
            "time": harness.clock.now().to_string(), "data": {"identity": "customer:c1", "conversation": conversation},
        })
        .to_string()
    };
    for receive in 1..=2 {
        assert_eq!(harness.handle(vec![on_the_links_queue("m", &said("crm-77", "ann"), receive)]).await, [""; 0]);
    }
    harness.settle().await;
    assert_eq!((harness.said("ann"), harness.fact("ann", "order/1", "payments")), (vec!["100 paid".to_owned()], json!(1)));
    let claim = harness.claim("@link#crm-77").unwrap();
    assert_eq!((claim.conversation.as_deref(), claim.event_type.as_str()), (Some("ann"), "tidings.link"));
    assert_eq!(
        harness.handle(vec![on_the_links_queue("m", &said("crm-77", "bob"), 1)]).await,
        [""; 0],
        "its id was there before"
    );
    assert_eq!(harness.store.context("bob").identities, [""; 0]);

    assert_eq!(harness.handle(vec![on_the_links_queue("m", &said("crm-78", ""), MAX_RECEIVES)]).await, ["m"]);
    let dead = harness.claim("@link#crm-78").unwrap();
    assert_eq!(
        (dead.state, dead.reason.as_deref()),
        (ClaimState::Dead, Some("not a link: data.conversation is missing, or isn't a text"))
    );
}

/// An external link.
fn told(identity: &str, conversation: &str, moves: bool) -> ExternalLink {
    let id = format!("{identity} {conversation} {moves}");
    ExternalLink { id, time: now(), identity: identity.into(), conversation: conversation.into(), moves }
}

/// The message of one, with the last of its receives or the first.
async fn tell(harness: &Harness, link: &ExternalLink, receive: u32) -> Option<String> {
    harness.clock.advance(Duration::from_secs(1));
    let link = ExternalLink { id: format!("{} {}", link.id, harness.clock.now()), time: harness.clock.now(), ..link.clone() };
    harness.handle(vec![on_the_links_queue("m", &link.encode(), receive)]).await;
    harness.settle().await;
    harness.claim(link.claim_key().as_str()).and_then(|claim| claim.reason)
}

#[tokio::test]
async fn links_form_no_chain_in_any_order() {
    // The target has a conversation: refused.
    let harness = harness();
    assert_eq!(tell(&harness, &told("customer:c1", "ann", false), 1).await, None);
    let reason = tell(&harness, &told("phone:1", "customer:c1", false), MAX_RECEIVES).await.unwrap();
    assert_eq!(reason, "the link target is itself an identity that is linked to a conversation");

    // The name to link is somebody's conversation: refused as well, and both stay as they are.
    let harness = self::harness();
    assert_eq!(tell(&harness, &told("phone:1", "customer:c1", false), 1).await, None);
    for moves in [false, true] {
        let reason = tell(&harness, &told("customer:c1", "ann", moves), MAX_RECEIVES).await.unwrap();
        assert_eq!(reason, "the name to link is a conversation: it has identities of its own", "moves: {moves}");
    }
    harness.handle(vec![payment("p1", 100, 0).message(1)]).await;
    assert_eq!(harness.said("customer:c1"), ["100 paid"], "it is a conversation now and gets its notification");
    // A rule's link that can't be made doesn't affect the rest of its event.
    assert_eq!(harness.handle(vec![order("o1", "ann").message(1)]).await, [""; 0]);
    assert_eq!(harness.node("ann"), Some(json!("ordered")));
    assert_eq!(harness.store.context("ann").identities, [""; 0]);
}

#[tokio::test]
async fn concurrent_links_form_no_chain() {
    for seed in 0..300 {
        let harness = harness();
        harness.handle(vec![payment("p1", 100, 20).message(1)]).await;
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let links = [told("customer:c1", "ann", false), told("phone:1", "customer:c1", false), told("ann", "bob", false)];
        let processors = [(); 3].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
        let bodies = links.map(|link| link.encode());
        let work = processors.iter().zip(&bodies).map(|(p, body)| handle(p, vec![on_the_links_queue("m", body, 1)], AMPLE));
        join_all(work).await;
        harness.settle().await;
        let links = harness.store.items().into_iter().filter_map(|(place, item)| match (place.key, item.content) {
            (ItemKey::Link, Content::Link(link)) => Some((place.partition, link.conversation)),
            (_, _) => None,
        });
        let links: std::collections::BTreeMap<String, String> = links.collect();
        for (name, to) in &links {
            assert_eq!(links.get(to), Some(to), "seed {seed}: {name} leads to {to}, which leads elsewhere: {links:?}");
        }
        let whose = links.get("customer:c1").cloned().unwrap_or("customer:c1".to_owned());
        assert_eq!(harness.fact(&whose, "order/1", "payments"), 1, "seed {seed}: {links:?}");
    }
}

#[tokio::test]
async fn a_name_that_becomes_a_conversation_gets_its_deferred_notifications() {
    let harness = harness();
    for (id, cents) in [("p1", 100), ("p2", 200)] {
        harness.handle(vec![payment(id, cents, 20).message(1)]).await;
    }
    assert_eq!(harness.said("customer:c1"), [""; 0]);
    assert_eq!(tell(&harness, &told("phone:1", "customer:c1", false), 1).await, None);
    assert_eq!(harness.said("customer:c1"), ["100 paid", "200 paid"]);
}

#[tokio::test]
async fn a_link_moves_only_on_request() {
    let harness = harness();
    harness.handle(vec![order("o1", "ann").message(1)]).await;
    harness.handle(vec![payment("p1", 100, 0).message(1)]).await;
    assert_eq!(tell(&harness, &told("customer:c1", "bob", false), 1).await, None, "counted and ignored");
    assert_eq!(harness.store.context("ann").identities, ["customer:c1"]);

    for _ in 0..2 {
        assert_eq!(tell(&harness, &told("customer:c1", "bob", true), 1).await, None);
        assert_eq!(harness.store.context("ann").identities, [""; 0]);
        assert_eq!(harness.store.context("bob").identities, ["customer:c1"]);
    }
    harness.handle(vec![payment("p2", 200, 0).message(1)]).await;
    assert_eq!((harness.said("ann"), harness.said("bob")), (vec!["100 paid".to_owned()], vec!["200 paid".to_owned()]));
    assert_eq!(harness.fact("ann", "order/1", "payments"), 1, "what was known of ann stays ann's");
    let moved = harness
        .store
        .claims()
        .into_iter()
        .find(|claim| claim.conversation.as_deref() == Some("bob") && claim.links == ["customer:c1"]);
    assert!(moved.is_some(), "the claim says which identity was linked");
}

#[tokio::test]
async fn a_chain_of_the_previous_version_is_resolved_when_its_middle_is_linked() {
    let harness = harness();
    assert_eq!(tell(&harness, &told("phone:1", "customer:c1", false), 1).await, None);
    // That version stored no link with the conversation itself.
    harness.store.erase(&ClaimKey::new("nobody", "0"), |place| *place == Place::new("customer:c1", ItemKey::Link));
    assert_eq!(tell(&harness, &told("customer:c1", "ann", false), 1).await, None);
    assert_eq!(harness.store.context("ann").identities, ["customer:c1", "phone:1"]);
    let link = harness.store.items().remove(&Place::new("phone:1", ItemKey::Link)).map(|item| item.content);
    assert!(matches!(link, Some(Content::Link(link)) if link.conversation == "ann"), "it leads to ann at once");
}

/// Five identities, each with as much as it may hold.
#[tokio::test]
async fn the_notifications_of_many_full_identities_are_all_sent() {
    let harness = harness();
    let customers = ["c1", "c2", "c3", "c4", "c5"];
    let mut expected = 0;
    for customer in customers {
        for n in 0..60 {
            let id: &'static str = Box::leak(format!("{customer}-{n}").into_boxed_str());
            let data = json!({"customer": customer, "cents": format!("{}{id}", "x".repeat(600))});
            assert_eq!(harness.handle(vec![event(id, "payment.made", 60 - n, data).message(1)]).await, [""; 0]);
        }
        expected += 60;
    }
    for customer in customers {
        let link = told(&format!("customer:{customer}"), "ann", false);
        assert_eq!(harness.handle(vec![on_the_links_queue("m", &link.encode(), 1)]).await, [""; 0]);
    }
    harness.settle().await;
    assert_eq!(harness.said("ann").len(), expected, "none was lost on the way");
    assert_eq!(harness.outside.waiting(), 0);
    let left = harness.store.items().into_keys().filter(|place| place.partition.starts_with("customer:"));
    assert!(left.map(|place| place.key).all(|key| key == ItemKey::Link), "nothing is left with the identities");
}

/// Whoever may send links may send nothing else: an event of theirs isn't one, and no claim that it names is touched.
#[tokio::test]
async fn an_event_on_the_links_queue_is_refused_and_touches_no_claim() {
    let harness = harness();
    let forged = payment("p1", 100, 20);
    let body = forged.message(1).body.unwrap();
    let due = InternalEvent::Link { identity: "customer:c1".into(), conversation: "ann".into(), moves: false };
    let due = due.envelope(harness.clock.now(), harness.clock.now());
    let keyed = json!({
        "specversion": "1.0", "tidingsversion": 1, "id": "crm-1", "source": "/tidings", "type": "tidings.link", "claimkey": "orders#p1",
        "time": harness.clock.now().to_string(), "data": {"identity": "customer:c1", "conversation": "ann"},
    });
    for body in [body.as_str(), &due.encode(), &keyed.to_string(), r#"{"claimkey": "orders#p1"}"#, "hello", ""] {
        for receive in 1..=MAX_RECEIVES {
            assert_eq!(harness.handle(vec![on_the_links_queue("m", body, receive)]).await, ["m"], "{body}");
        }
    }
    assert!(harness.store.claims().is_empty(), "neither processed nor dead: {:?}", harness.store.claims());
    assert!(harness.store.items().is_empty());
    // The event itself comes as events do.
    assert_eq!(harness.handle(vec![forged.message(1)]).await, [""; 0]);
    assert_eq!(harness.state("orders#p1"), Some(ClaimState::Processed));
}

/// In both of its forms, with its reason on its own claim.
#[tokio::test]
async fn a_link_on_the_events_queue_is_refused_with_the_right_queue() {
    let harness = harness();
    let told = ExternalLink { id: "crm-9".into(), time: harness.clock.now(), ..told("customer:c1", "ann", false) };
    let due = InternalEvent::Link { identity: "customer:c1".into(), conversation: "ann".into(), moves: false };
    let mut due = due.envelope(harness.clock.now(), harness.clock.now());
    let mut other = on_the_links_queue("m", &told.encode(), MAX_RECEIVES);
    other.event_source_arn = Some(format!("{LINKS_QUEUE_ARN}-of-another-stack"));
    for (message, key) in [
        (message("m", &told.encode(), MAX_RECEIVES), told.claim_key()),
        (other, told.claim_key()),
        (message("m", &due.encode(), MAX_RECEIVES), due.claimkey.clone()),
    ] {
        assert_eq!(harness.handle(vec![message]).await, ["m"]);
        let dead = harness.claim(key.as_str()).unwrap();
        let reason = "a link on the events queue: send links to the links queue (docs/links.md)";
        assert_eq!((dead.state, dead.reason.as_deref()), (ClaimState::Dead, Some(reason)));
    }
    // Its type is a word that its sender chose.
    due.event_type = "tidings.action.due".to_owned();
    assert_eq!(harness.handle(vec![message("m", &due.encode(), 1)]).await, ["m"]);
    assert_eq!(harness.store.context("ann").identities, [""; 0]);
    // Sent to its own queue it is applied, whatever its earlier outcome.
    assert_eq!(harness.handle(vec![on_the_links_queue("m", &told.encode(), 1)]).await, [""; 0]);
    assert_eq!(harness.store.context("ann").identities, ["customer:c1"]);
}

/// A project whose events name their conversation themselves, as most presets do.
const NAMED: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: last, on: order.made, set: { last: data.n }, notify: { text: "{data.n}" } }
  - { name: quiet, on: order.seen, set: { seen: data.n } }
"#;

fn named() -> Rules {
    read_rules("rules.yaml", NAMED, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn by(who: &str, id: &'static str, event_type: &'static str, age_seconds: i64) -> Sent {
    event(id, event_type, age_seconds, json!({"who": who, "n": id}))
}

/// The partitions that hold anything beside their link.
fn partitions(harness: &Harness) -> Vec<String> {
    let places = harness.store.items().into_keys().filter(|place| !matches!(place.key, ItemKey::Link | ItemKey::Identity(_)));
    let mut names: Vec<String> = places.map(|place| place.partition).collect();
    names.dedup();
    names
}

#[tokio::test]
async fn events_of_a_linked_conversation_belong_to_its_new_name_in_every_order() {
    for at in 0..=3 {
        let harness = Harness::with(named(), |store| store);
        let events = [by("ann", "e1", "order.made", 30), by("ann", "e2", "order.seen", 20), by("ann", "e3", "order.made", 10)];
        for (n, event) in events.iter().enumerate() {
            if n == at {
                assert_eq!(tell(&harness, &told("ann", "bob", false), 1).await, None);
            }
            assert_eq!(harness.handle(vec![event.message(1)]).await, [""; 0]);
        }
        if at == events.len() {
            assert_eq!(tell(&harness, &told("ann", "bob", false), 1).await, None);
        }
        harness.settle().await;
        assert_eq!(harness.fact("bob", "order/1", "last"), "e3", "link before event {at}");
        assert_eq!(harness.fact("bob", "order/1", "seen"), "e2", "link before event {at}");
        assert_eq!(partitions(&harness), ["bob"], "link before event {at}");
        let texts = [harness.said("ann"), harness.said("bob")].concat();
        assert_eq!(texts, ["e1", "e3"], "each text once, to the name of its time: link before event {at}");
        assert_eq!(harness.said("ann").len(), at.div_ceil(2), "link before event {at}");
    }
}

#[tokio::test]
async fn an_event_beside_the_link_of_its_conversation_is_found_by_the_next_event() {
    for seed in 0..200 {
        let harness = Harness::with(named(), |store| store);
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let [one, other] = [(); 2].map(|()| another(named(), Arc::clone(&store), &harness.clock, &harness.outside));
        let link = told("ann", "bob", false).encode();
        let work = [
            handle(&one, vec![by("ann", "e1", "order.made", 30).message(1), by("ann", "e2", "order.seen", 20).message(1)], AMPLE),
            handle(&other, vec![on_the_links_queue("m", &link, 1)], AMPLE),
        ];
        assert_eq!(join_all(work).await.concat(), [""; 0], "seed {seed}");
        harness.settle().await;
        assert_eq!(harness.handle(vec![by("ann", "e3", "order.made", 10).message(1)]).await, [""; 0]);
        harness.settle().await;
        assert_eq!(harness.fact("bob", "order/1", "seen"), "e2", "seed {seed}");
        assert_eq!(harness.fact("bob", "order/1", "last"), "e3", "seed {seed}");
        assert_eq!(partitions(&harness), ["bob"], "seed {seed}");
    }
}
