//! "Notify, then fetch": the objects that a rule fetches, how often, and the effect of failures.

use crate::support::{Harness, MAX_RECEIVES, Sent};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::limits::{
    BREAKER_FAILURES, BREAKER_PAUSE, MAX_FETCHED_PATH_BYTES, MAX_FETCHES_PER_EVENT, MAX_KEPT_OBJECTS, MAX_OBJECT_BYTES,
    OBJECT_LIFETIME, SECRETS_REFRESH, SECRETS_RETRY,
};
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Call, Fault};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
apis:
  tickets: { url: "https://api.tickets.example/v2/", secret: bearer }
  crm: { url: "https://crm.example/", secret: basic }
  wiki: { url: "https://wiki.example/api/", secret: { header: X-Wiki-Key } }
  public: { url: "https://status.example/" }
conversations:
  - { on: "*", conversation: data.who }
rules:
  - name: always
    on: "*"
    count: { events: 1 }
  - name: ticket-read
    on: ticket.updated
    when: "!has(data.quiet)"
    enrich: { from: tickets, path: "tickets/{data.id}?expand={data.who}", version: data.version }
    link: "'customer:' + fetched.customer"
    set: { title: fetched.title }
    notify: { text: "Ticket {data.id}: {fetched.title}" }
  - name: ticket-watched
    on: ticket.updated
    enrich: { from: tickets, path: "tickets/{data.id}?expand={data.who}", version: data.version }
    set: { watchers: size(fetched.watchers) }
  - name: deal-read
    on: deal.changed
    enrich: { from: crm, path: "deals/{data.id}", if_gone: skip }
    set: { stage: fetched.stage }
  - name: page-read
    on: page.changed
    enrich: { from: wiki, path: "pages/{data.id}" }
    set: { page: fetched.title }
  - name: status-read
    on: status.changed
    enrich: { from: public, path: "status" }
    set: { status: fetched.now }
"#;

const TICKET: &str = "https://api.tickets.example/v2/tickets/7?expand=ann";

fn harness() -> Harness {
    Harness::with(read_rules("rules.yaml", RULES, &["orders".to_owned()]).expect("the rules above are right"), |store| store)
}

fn event(id: &'static str, event_type: &'static str, data: Value) -> Sent {
    Sent { id, event_type, order: "1", age_seconds: 0, data }
}

fn ticket(id: &'static str, version: u32) -> Sent {
    event(id, "ticket.updated", json!({"who": "ann", "id": "7", "version": version}))
}

fn serve(harness: &Harness, title: &str) {
    let object = json!({"title": title, "customer": "c1", "watchers": ["a", "b"]});
    harness.outside.https.put(TICKET, object.to_string());
}

#[tokio::test]
async fn a_rule_sees_its_fetched_object() {
    let harness = harness();
    serve(&harness, "It leaks");
    assert_eq!(harness.handle(vec![ticket("e1", 1).message(1)]).await, [""; 0]);
    assert_eq!(harness.fact("ann", "order/1", "title"), "It leaks");
    assert_eq!(harness.fact("ann", "order/1", "watchers"), 2);
    assert_eq!(harness.said("ann"), ["Ticket 7: It leaks"]);
    let linked = harness.store.context("customer:c1");
    assert!(linked.entities.is_empty(), "an identity of ann's has nothing of its own");
    let header = Some("authorization: Bearer t0ken-new".to_owned());
    assert_eq!(harness.outside.https.requests(), [(TICKET.to_owned(), header)], "once for both rules");
}

#[tokio::test]
async fn one_version_of_an_object_is_fetched_once() {
    let harness = harness();
    serve(&harness, "It leaks");
    for (id, version) in [("e1", 1), ("e2", 1), ("e3", 2), ("e4", 1), ("e5", 2)] {
        assert_eq!(harness.handle(vec![ticket(id, version).message(1)]).await, [""; 0], "{id}");
    }
    assert_eq!(harness.outside.https.asked(), [TICKET, TICKET]);
    // Not forever: a version may be wrong, and a container lives for hours.
    harness.pass(OBJECT_LIFETIME - Duration::from_millis(1)).await;
    assert_eq!(harness.handle(vec![ticket("e6", 2).message(1)]).await, [""; 0]);
    assert_eq!(harness.outside.https.asked().len(), 2);
    harness.pass(Duration::from_millis(1)).await;
    assert_eq!(harness.handle(vec![ticket("e7", 2).message(1)]).await, [""; 0]);
    assert_eq!(harness.outside.https.asked().len(), 3);
}

#[tokio::test]
async fn without_a_version_each_event_fetches_for_itself() {
    let harness = harness();
    harness.outside.https.put("https://status.example/status", r#"{"now": "red"}"#);
    for id in ["e1", "e2"] {
        assert_eq!(harness.handle(vec![event(id, "status.changed", json!({"who": "ann"})).message(1)]).await, [""; 0]);
    }
    assert_eq!(harness.outside.https.requests(), vec![("https://status.example/status".to_owned(), None); 2], "without a secret");
    // Its own second receive doesn't fetch.
    assert_eq!(harness.handle(vec![event("e2", "status.changed", json!({"who": "ann"})).message(2)]).await, [""; 0]);
    assert_eq!(harness.outside.https.asked().len(), 2);
}

#[tokio::test]
async fn only_the_latest_objects_are_cached() {
    let harness = harness();
    let url = |n: usize| format!("https://api.tickets.example/v2/tickets/{n}?expand=ann");
    let of =
        |n: usize, id: &'static str| event(id, "ticket.updated", json!({"who": "ann", "id": n, "version": 1, "quiet": true}));
    let ids: Vec<&'static str> = (0..MAX_KEPT_OBJECTS).map(|n| &*format!("e{n}").leak()).collect();
    for n in 0..=MAX_KEPT_OBJECTS {
        harness.outside.https.put(&url(n), r#"{"watchers": []}"#);
    }
    for (n, id) in ids.iter().enumerate().take(MAX_KEPT_OBJECTS) {
        assert_eq!(harness.handle(vec![of(n, id).message(1)]).await, [""; 0]);
    }
    harness.handle(vec![of(0, "again").message(1)]).await;
    assert_eq!(harness.outside.https.asked().len(), MAX_KEPT_OBJECTS, "all are kept");
    harness.handle(vec![of(MAX_KEPT_OBJECTS, "one-more").message(1)]).await;
    harness.handle(vec![of(0, "and-again").message(1)]).await;
    assert_eq!(harness.outside.https.asked().len(), MAX_KEPT_OBJECTS + 2, "the first had to go");
}

#[tokio::test]
async fn a_failed_fetch_is_retried_and_no_event_is_half_applied() {
    let harness = harness();
    serve(&harness, "It leaks");
    harness.faults.fail(Call::Get, Fault::Refuse, 1);
    assert_eq!(harness.handle(vec![ticket("e1", 1).message(1)]).await, ["m-e1"]);
    assert_eq!(harness.claim("orders#e1"), None);
    assert_eq!(harness.fact("ann", "order/1", "events"), Value::Null, "the other rule waits too");
    assert_eq!(harness.handle(vec![ticket("e1", 1).message(2)]).await, [""; 0]);
    assert_eq!(harness.fact("ann", "order/1", "events"), 1);
    assert_eq!(harness.fact("ann", "order/1", "title"), "It leaks");
}

#[tokio::test]
async fn an_object_that_can_never_be_fetched_dead_letters_its_event_until_a_redrive() {
    let harness = harness();
    for receive in 1..=MAX_RECEIVES {
        assert_eq!(harness.handle(vec![ticket("e1", 1).message(receive)]).await, ["m-e1"]);
    }
    let dead = harness.claim("orders#e1").expect("it is recorded");
    assert_eq!(dead.state, ClaimState::Dead);
    assert_eq!(dead.reason.as_deref(), Some("rule ticket-read, enrich: tickets: answered 404"));
    serve(&harness, "It leaks");
    assert_eq!(harness.handle(vec![ticket("e1", 1).message(1)]).await, [""; 0]);
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed));
}

#[tokio::test]
async fn a_rule_may_skip_a_missing_object() {
    let harness = harness();
    assert_eq!(
        harness.handle(vec![event("e1", "deal.changed", json!({"who": "ann", "id": "d 1/../x"})).message(1)]).await,
        [""; 0]
    );
    let claim = harness.claim("orders#e1").expect("it is recorded");
    assert_eq!((claim.state, claim.rules), (ClaimState::Processed, vec!["always".to_owned()]));
    let header = Some("authorization: Basic Ym90OnBhc3M=".to_owned());
    assert_eq!(
        harness.outside.https.requests(),
        [("https://crm.example/deals/d%201%2F..%2Fx".to_owned(), header)],
        "an event can't leave its place in the path"
    );
}

#[tokio::test]
async fn values_in_an_address_are_bounded() {
    let harness = harness();
    let longest = "x".repeat(256);
    harness.outside.https.put(&format!("https://crm.example/deals/{longest}"), r#"{"stage": "won"}"#);
    let deal =
        |id: &'static str, value: Value| event(id, "deal.changed", json!({"who": "ann", "id": value})).message(MAX_RECEIVES);
    assert_eq!(harness.handle(vec![deal("e1", json!(longest))]).await, [""; 0]);
    for (id, value, said) in [
        ("e2", json!(format!("{longest}x")), "the text has 257 bytes, allowed: 256"),
        ("e3", json!(".."), "only dots"),
        ("e4", json!(""), "an empty text"),
        ("e5", json!(["x"]), "doesn't give a text"),
    ] {
        assert_eq!(harness.handle(vec![deal(id, value)]).await, [format!("m-{id}")]);
        let reason = harness.claim(&format!("orders#{id}")).and_then(|claim| claim.reason).expect("a reason");
        assert!(reason.starts_with("rule deal-read, enrich.path: ") && reason.contains(said), "{id}: {reason}");
    }
    assert_eq!(harness.outside.https.asked().len(), 1);
}

/// Each place holds 256 bytes, three times that once they are escaped; together they are bounded as well.
#[tokio::test]
async fn a_path_is_bounded_with_any_number_of_placeholders() {
    let path = format!("p/{}", "{data.part}".repeat(16));
    let rules = format!(
        r#"
version: 1
apis: {{ public: {{ url: "https://status.example/" }} }}
conversations: [{{ on: "*", conversation: data.who }}]
rules:
  - name: read
    on: "*"
    enrich: {{ from: public, path: "{path}" }}
    set: {{ status: fetched.now }}
"#
    );
    let harness = Harness::with(read_rules("rules.yaml", &rules, &["orders".to_owned()]).unwrap(), |store| store);
    let most = (MAX_FETCHED_PATH_BYTES - 2) / 16;
    let url = format!("https://status.example/p/{}", "x".repeat(most).repeat(16));
    harness.outside.https.put(&url, r#"{"now": "up"}"#.to_owned());
    let of = |id, part: String| event(id, "status.changed", json!({"who": "ann", "part": part}));
    assert_eq!(harness.handle(vec![of("e1", "x".repeat(most)).message(1)]).await, [""; 0]);
    assert_eq!(harness.fact("ann", "order/1", "status"), "up");

    assert_eq!(harness.handle(vec![of("e2", "é".repeat(43)).message(MAX_RECEIVES)]).await, ["m-e2"]);
    let reason = harness.claim("orders#e2").unwrap().reason.unwrap();
    assert_eq!(reason, "rule read, enrich.path: the path has 4130 bytes or more, allowed: 4096");
    assert_eq!(harness.faults.count(Call::Get), 1, "it isn't asked for");
}

#[tokio::test]
async fn an_object_must_be_json_of_bounded_size() {
    let harness = harness();
    let url = "https://status.example/status";
    let sized = |bytes: usize| format!("{}{}", r#"{"now": "green"}"#, " ".repeat(bytes - 16));
    let status = |id: &'static str| event(id, "status.changed", json!({"who": "ann"})).message(MAX_RECEIVES);
    harness.outside.https.put(url, sized(MAX_OBJECT_BYTES));
    assert_eq!(harness.handle(vec![status("e1")]).await, [""; 0]);
    for (id, body, said) in [("e2", sized(MAX_OBJECT_BYTES + 1), "length limit"), ("e3", "<hunter2>".to_owned(), "isn't JSON")] {
        harness.outside.https.put(url, body);
        assert_eq!(harness.handle(vec![status(id)]).await, [format!("m-{id}")]);
        let reason = harness.claim(&format!("orders#{id}")).and_then(|claim| claim.reason).expect("a reason");
        assert!(reason.contains(said) && !reason.contains("hunter2"), "{reason}");
    }
}

#[tokio::test]
async fn a_failing_api_is_not_called_and_others_are() {
    let harness = harness();
    serve(&harness, "It leaks");
    harness.outside.https.put("https://status.example/status", r#"{"now": "red"}"#);
    harness.faults.fail(Call::Get, Fault::Refuse, BREAKER_FAILURES);
    let ids: Vec<&'static str> = (0..BREAKER_FAILURES + 2).map(|n| &*format!("e{n}").leak()).collect();
    for id in &ids {
        assert_eq!(harness.handle(vec![ticket(id, 1).message(1)]).await, [format!("m-{id}")]);
    }
    assert_eq!(harness.faults.count(Call::Get), BREAKER_FAILURES, "it isn't asked any more");
    assert_eq!(harness.handle(vec![event("other", "status.changed", json!({"who": "ann"})).message(1)]).await, [""; 0]);
    harness.pass(BREAKER_PAUSE).await;
    assert_eq!(harness.handle(ids.iter().map(|id| ticket(id, 1).message(2)).collect()).await, [""; 0], "it answers again");
}

#[tokio::test]
async fn a_missing_object_is_not_a_failure_of_its_api() {
    let harness = harness();
    for n in 0..2 * BREAKER_FAILURES {
        let id: &'static str = format!("e{n}").leak();
        assert_eq!(harness.handle(vec![ticket(id, 1).message(1)]).await, [format!("m-{id}")]);
    }
    assert_eq!(harness.faults.count(Call::Get), 2 * BREAKER_FAILURES);
}

#[tokio::test]
async fn a_secret_is_fetched_when_needed_and_again_when_due() {
    let harness = harness();
    harness.outside.https.put("https://wiki.example/api/pages/1", r#"{"title": "Home"}"#);
    let page = |id: &'static str| event(id, "page.changed", json!({"who": "ann", "id": 1})).message(MAX_RECEIVES);
    assert_eq!(harness.faults.count(Call::Fetch), 0);
    assert_eq!(harness.handle(vec![page("e1")]).await, ["m-e1"], "the document has no entry for it");
    let reason = harness.claim("orders#e1").and_then(|claim| claim.reason).expect("a reason");
    assert_eq!(reason, "rule page-read, enrich: wiki: the document of the APIs' secrets has no entry for it");
    assert_eq!(harness.outside.https.asked(), [""; 0], "nothing is asked without it");

    harness.outside.secrets.set(r#"{"wiki": "w1k1"}"#);
    harness.pass(SECRETS_REFRESH).await;
    assert_eq!(harness.handle(vec![page("e2")]).await, [""; 0]);
    assert_eq!(harness.outside.https.requests()[0].1.as_deref(), Some("X-Wiki-Key: w1k1"));
    assert_eq!(harness.faults.count(Call::Fetch), 2);
    // The old secret stays in use while the store is down.
    harness.pass(SECRETS_REFRESH).await;
    harness.faults.fail(Call::Fetch, Fault::Refuse, 1);
    assert_eq!(harness.handle(vec![page("e3")]).await, [""; 0]);
}

#[tokio::test]
async fn a_refused_secret_is_fetched_once_a_minute() {
    let harness = harness();
    let asked = |harness: &Harness| (harness.outside.https.asked().len(), harness.faults.count(Call::Fetch));
    for status in [401, 403] {
        harness.outside.https.answer(TICKET, status);
        harness.pass(SECRETS_REFRESH).await;
        let (asked_before, fetched_before) = asked(&harness);
        harness.handle(vec![ticket("e1", 1).message(1)]).await;
        assert_eq!(asked(&harness), (asked_before + 1, fetched_before + 1), "what was just looked up is all there is");
        harness.pass(SECRETS_RETRY).await;
        harness.handle(vec![ticket("e1", 1).message(1)]).await;
        assert_eq!(asked(&harness), (asked_before + 3, fetched_before + 2), "there may be a newer one");
        harness.handle(vec![ticket("e1", 1).message(1)]).await;
        assert_eq!(asked(&harness), (asked_before + 4, fetched_before + 2), "not again within the minute");
    }
}

#[tokio::test]
async fn throttling_and_errors_are_failures_of_the_api() {
    for (status, asked) in [(429, BREAKER_FAILURES), (503, BREAKER_FAILURES), (400, 2 * BREAKER_FAILURES)] {
        let harness = harness();
        harness.outside.https.answer(TICKET, status);
        for _ in 0..2 * BREAKER_FAILURES {
            assert_eq!(harness.handle(vec![ticket("e1", 1).message(1)]).await, ["m-e1"]);
        }
        assert_eq!(harness.faults.count(Call::Get), asked, "{status}");
    }
}

#[tokio::test]
async fn an_event_fetches_at_most_the_limit() {
    let rule = |n: usize| {
        format!("  - {{ name: r{n}, on: a, enrich: {{ from: public, path: \"{n}\" }}, set: {{ f{n}: fetched.n }} }}\n")
    };
    for (rules, allowed) in [(MAX_FETCHES_PER_EVENT, true), (MAX_FETCHES_PER_EVENT + 1, false)] {
        let list: String = (0..rules).map(rule).collect();
        let text = format!(
            "version: 1\napis: {{ public: {{ url: \"https://status.example/\" }} }}\nconversations: [{{ on: \"*\", conversation: data.who }}]\nrules:\n{list}"
        );
        let harness = Harness::with(read_rules("rules.yaml", &text, &[]).expect("right"), |store| store);
        for n in 0..rules {
            harness.outside.https.put(&format!("https://status.example/{n}"), format!("{{\"n\": {n}}}"));
        }
        harness.handle(vec![event("e1", "a", json!({"who": "ann"})).message(MAX_RECEIVES)]).await;
        let claim = harness.claim("orders#e1").expect("it is recorded");
        assert_eq!(claim.state == ClaimState::Processed, allowed, "{:?}", claim.reason);
    }
}

#[tokio::test]
async fn an_event_that_a_rule_does_not_match_causes_no_fetch() {
    let harness = harness();
    harness.outside.https.put(TICKET, r#"{"watchers": []}"#);
    let quiet = event("e1", "ticket.updated", json!({"who": "ann", "id": "7", "version": 1, "quiet": true}));
    assert_eq!(harness.handle(vec![quiet.message(1)]).await, [""; 0]);
    assert_eq!(harness.fact("ann", "order/1", "title"), Value::Null);
    assert_eq!(harness.outside.https.asked().len(), 1, "for the other rule");
    assert_eq!(harness.handle(vec![event("e2", "order.moved", json!({"who": "ann"})).message(1)]).await, [""; 0]);
    assert_eq!(harness.outside.https.asked().len(), 1);
}
