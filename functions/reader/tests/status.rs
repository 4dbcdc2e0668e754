//! Status URLs over the ports in memory: how far an event is, and where its result is.

use reader::Request;
use reader::feed::FeedApi;
use reader::feed::origin::Origins;
use reader::feed::reply::Answer;
use serde_json::{Value, json};
use std::sync::Arc;
use tidings_config::limits::{MAX_STATUS_TOKEN_BYTES, STATUS_RETRY};
use tidings_config::time::Timestamp;
use tidings_core::claim::{ClaimKey, NewClaim, Sha256Hex};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::memory::{Call, Fault, Faults, ManualClock, MemorySecrets, MemoryStore, noted};
use tidings_core::ports::{ClaimStore, Commit, ContextStore, DeadLetter};
use tidings_core::status_url::StatusKey;

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);
const SECRET: &str = "a secret that is generated with the stack";

struct World {
    faults: Arc<Faults>,
    store: Arc<MemoryStore>,
    api: FeedApi,
    key: StatusKey,
}

fn key(id: &str) -> ClaimKey {
    ClaimKey::new("orders", id)
}

impl World {
    fn new() -> Self {
        let faults = Arc::new(Faults::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let secret = |document: &str| Arc::new(MemorySecrets::new(Arc::default(), document));
        let clock = Arc::new(ManualClock::at(NOW));
        let api = FeedApi::new(Arc::clone(&store) as _, secret("{}"), Origins::read(""), clock);
        let api = api.telling_status_by(secret(SECRET), Arc::clone(&store) as _);
        Self { faults, store, api, key: StatusKey::new(SECRET).unwrap() }
    }

    async fn record(&self, id: &str) {
        let claim = NewClaim {
            key: key(id),
            source: "orders".into(),
            event_id: id.into(),
            event_type: "order.made".into(),
            subject: None,
            body_sha256: Sha256Hex::of(b"body"),
            received: NOW,
            trace_id: None,
            unread: Vec::new(),
            outbox: None,
        };
        let _ = self.store.record(&claim).await;
    }

    async fn process(&self, id: &str, result: Option<&str>) {
        let event = Envelope::new(NewEnvelope {
            id: id.into(),
            source: "orders".into(),
            event_type: "order.made".into(),
            subject: None,
            time: None,
            conversation: None,
            sequence: None,
            received: NOW,
            claim_key: key(id),
            traceparent: None,
            payload: Payload::Json(serde_json::value::RawValue::from_string("{}".to_owned()).unwrap()),
        });
        let _ = self.store.commit(&Commit { result: result.map(str::to_owned), ..noted(&event, "ann", NOW) }).await;
    }

    async fn get(&self, token: &str) -> Answer {
        let request = Request { method: "GET".to_owned(), path: format!("/events/{token}"), ..Request::default() };
        self.api.answer(&request).await
    }

    async fn of(&self, ids: &[&str]) -> Answer {
        let keys: Vec<ClaimKey> = ids.iter().map(|id| key(id)).collect();
        self.get(&self.key.seal(&keys).unwrap()).await
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

fn status(answer: &Answer) -> Value {
    serde_json::from_str::<Value>(&answer.body).unwrap()["status"].clone()
}

#[tokio::test]
async fn a_status_url_follows_its_event_to_its_result() {
    let world = World::new();
    world.record("e1").await;
    let retry = STATUS_RETRY.as_secs().to_string();
    let answer = world.of(&["e1"]).await;
    assert_eq!((answer.status, status(&answer), header(&answer, "retry-after")), (200, json!("received"), Some(retry.as_str())));
    assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    world.store.mark_enqueued(&key("e1"), NOW).await.unwrap();
    assert_eq!(status(&world.of(&["e1"]).await), "enqueued");
    world.process("e1", Some("https://shop.example/orders/1042")).await;
    let answer = world.of(&["e1"]).await;
    assert_eq!((answer.status, status(&answer)), (303, json!("processed")));
    assert_eq!((header(&answer, "location"), header(&answer, "retry-after")), (Some("https://shop.example/orders/1042"), None));
}

#[tokio::test]
async fn a_processed_event_without_a_result_and_a_dead_one_say_so() {
    let world = World::new();
    world.process("e1", None).await;
    let answer = world.of(&["e1"]).await;
    assert_eq!((answer.status, status(&answer), header(&answer, "retry-after")), (200, json!("processed"), None));
    world.record("e2").await;
    let dead_letter = DeadLetter {
        key: key("e2"),
        source: "orders".into(),
        event_type: "order.made".into(),
        at: NOW,
        reason: "rule paid: no".into(),
        receive_count: 5,
        entry: None,
        trace_id: None,
    };
    let _ = world.store.dead_letter(&dead_letter).await;
    let answer = world.of(&["e2"]).await;
    assert_eq!((answer.status, status(&answer), header(&answer, "retry-after")), (200, json!("dead"), None));
    assert!(!answer.body.contains("paid"), "the reason is the operator's: {}", answer.body);
}

#[tokio::test]
async fn the_status_of_several_events_is_that_of_the_last_one_to_come() {
    let world = World::new();
    world.process("e1", Some("/result")).await;
    world.record("e2").await;
    let answer = world.of(&["e1", "e2"]).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, body), (200, json!({ "status": "received", "events": 2, "processed": 1 })));
    world.process("e2", None).await;
    assert_eq!(world.of(&["e1", "e2"]).await.status, 303);
}

#[tokio::test]
async fn unknown_forged_and_erased_are_one_404() {
    let world = World::new();
    world.process("erased", None).await;
    world.store.erase(&key("erased"), |_| true);
    let token = world.key.seal(&[key("e1")]).unwrap();
    let forged = StatusKey::new("another secret that is generated with it").unwrap().seal(&[key("erased")]).unwrap();
    let mut bodies = Vec::new();
    for token in [token, world.key.seal(&[key("erased")]).unwrap(), forged, "x".into(), "y".repeat(MAX_STATUS_TOKEN_BYTES + 1)] {
        let answer = world.get(&token).await;
        assert_eq!(answer.status, 404);
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    world.process("e1", None).await;
    world.faults.fail(Call::Effect, Fault::Refuse, 1);
    assert_eq!(world.of(&["e1"]).await.status, 503);
    let post = Request { method: "POST".to_owned(), path: "/events/x".to_owned(), ..Request::default() };
    assert_eq!(world.api.answer(&post).await.status, 405);
}
