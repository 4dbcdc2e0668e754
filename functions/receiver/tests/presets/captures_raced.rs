//! Handshake secrets, while other containers write the same document or while it can't be read.

use crate::captures::TOKEN;
use crate::world::{JSON, NOW, World, preset, source_of};
use async_trait::async_trait;
use lambda_http::{Body, Request};
use receiver::verify::{Key, sign};
use receiver::{Ports, Receiver, delivery::Delivery};
use serde_json::{Value, json};
use std::sync::Arc;
use tidings_config::limits::{MAX_CAPTURED_SECRETS_PER_SOURCE, SECRETS_RETRY};
use tidings_config::time::Clock;
use tidings_core::memory::log::{capture, counted};
use tidings_core::memory::{Call, Fault, Faults, ManualClock, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_core::ports::{HandshakeSecrets, Replaced, Unavailable, Versioned};
use tidings_core::telemetry::Metric;
use tokio::sync::Barrier;

/// The captured secrets, whose readers all read before one of them writes.
#[derive(Debug)]
struct ReadTogether {
    secrets: Arc<MemorySecrets>,
    readers: Barrier,
    first: tokio::sync::Semaphore,
}

#[async_trait]
impl HandshakeSecrets for ReadTogether {
    async fn fetch(&self) -> Result<Versioned, Unavailable> {
        let read = HandshakeSecrets::fetch(&*self.secrets).await;
        if let Ok(first) = self.first.try_acquire() {
            first.forget();
            self.readers.wait().await;
        }
        read
    }

    async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable> {
        self.secrets.replace(document, seen).await
    }
}

/// The captured secrets, which somebody edits after each of the first `edits` times that they are read.
#[derive(Debug)]
struct Edited {
    secrets: Arc<MemorySecrets>,
    edits: tokio::sync::Semaphore,
}

#[async_trait]
impl HandshakeSecrets for Edited {
    async fn fetch(&self) -> Result<Versioned, Unavailable> {
        let read = HandshakeSecrets::fetch(&*self.secrets).await;
        if let Ok(edit) = self.edits.try_acquire() {
            edit.forget();
            let mut document: Value = serde_json::from_str(&self.secrets.document()).unwrap();
            let edits = document["notion"].as_array().map_or(0, Vec::len);
            document["notion"] = json!((0..=edits).map(|n| format!("by-hand-{n}")).collect::<Vec<_>>());
            self.secrets.set(document.to_string());
        }
        read
    }

    async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable> {
        self.secrets.replace(document, seen).await
    }
}

const SOURCES: [&str; 3] = ["asana", "notion", "github"];

fn document() -> Value {
    let window = json!([TOKEN, "2026-11-20T11:00:00Z"]);
    json!({ "github": "github-secret", "asana.capture": window, "notion.capture": window })
}

/// A separate container with its dependencies.
fn container(secrets: Arc<MemorySecrets>, captured: Arc<dyn HandshakeSecrets>, clock: Arc<ManualClock>) -> Receiver {
    capture();
    let faults = Arc::new(Faults::default());
    let ports = Ports {
        claims: Arc::new(MemoryStore::new(Arc::clone(&faults))),
        queue: Arc::new(MemoryQueue::new(Arc::clone(&faults))),
        secrets,
        captured: Some(captured),
        https: Arc::new(MemoryHttps::new(faults)),
        clock: clock as Arc<dyn Clock>,
    };
    Receiver::new(SOURCES.map(|name| source_of(&preset(name))).to_vec(), ports)
}

fn memory(document: &Value) -> Arc<MemorySecrets> {
    Arc::new(MemorySecrets::new(Arc::default(), document.to_string()))
}

fn request(source: &str, header: (&'static str, &str), body: impl Into<Body>) -> Request {
    let mut request = Request::new(body.into());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = format!("/webhooks/{source}?capture={TOKEN}").parse().unwrap();
    request.headers_mut().insert("content-type", JSON.1.parse().unwrap());
    request.headers_mut().insert(header.0, header.1.parse().unwrap());
    request
}

async fn asana_tells(receiver: &Receiver, secret: &str) -> u16 {
    receiver.handle(request("asana", ("x-hook-secret", secret), Body::Empty)).await.status().as_u16()
}

async fn notion_tells(receiver: &Receiver, token: &str) -> u16 {
    let body = json!({ "verification_token": token }).to_string();
    receiver.handle(request("notion", ("x-any", "1"), body)).await.status().as_u16()
}

/// The reply to a delivery signed with this secret.
async fn signed(receiver: &Receiver, source: &str, secret: &str) -> u16 {
    let source = source_of(&preset(source));
    let headers = [("content-type", "application/json"), ("x-github-event", "push")];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let body = br#"{"events":[],"after":"1","repository":{"full_name":"o/r"}}"#.to_vec();
    let mut delivery = Delivery { method: "POST".to_owned(), query: String::new(), headers, body: body.into() };
    sign(&source, &Key::prepare(&source.scheme, secret).unwrap(), &mut delivery, NOW).unwrap();
    let mut request = Request::new(Body::Binary(delivery.body.into_bytes()));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = format!("/webhooks/{}", source.name).parse().unwrap();
    *request.headers_mut() = delivery.headers;
    receiver.handle(request).await.status().as_u16()
}

fn of(captured: &MemorySecrets, source: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(&captured.document()).unwrap();
    let mut secrets: Vec<String> = serde_json::from_value(document[source].clone()).unwrap_or_default();
    secrets.sort();
    secrets
}

#[tokio::test]
async fn ten_handshakes_in_ten_containers_keep_ten_secrets() {
    let (secrets, captured) = (memory(&document()), memory(&json!({})));
    let first = tokio::sync::Semaphore::new(10);
    let raced = Arc::new(ReadTogether { secrets: Arc::clone(&captured), readers: Barrier::new(10), first });
    let clock = Arc::new(ManualClock::at(NOW));
    let containers: Vec<Receiver> =
        (0..10).map(|_| container(Arc::clone(&secrets), Arc::clone(&raced) as _, Arc::clone(&clock))).collect();
    let names: Vec<String> = (0..10).map(|n| format!("secret-{n}")).collect();
    // Each is warm: its first look at the captured secrets isn't part of the race.
    raced.first.forget_permits(10);
    futures::future::join_all(containers.iter().map(Receiver::warm_up)).await;
    raced.first.add_permits(10);
    let told = containers.iter().zip(&names).map(|(container, secret)| asana_tells(container, secret));
    assert_eq!(futures::future::join_all(told).await, [200; 10]);
    assert_eq!(of(&captured, "asana"), names, "what was answered 200 is stored");
    let late = container(secrets, captured, clock);
    for name in &names {
        assert_eq!(signed(&late, "asana", name).await, 200, "{name} verifies in a container of its own");
    }
}

#[tokio::test]
async fn handshakes_of_two_sources_at_once_keep_both_secrets() {
    let (secrets, captured) = (memory(&document()), memory(&json!({})));
    let first = tokio::sync::Semaphore::new(0);
    let raced = Arc::new(ReadTogether { secrets: Arc::clone(&captured), readers: Barrier::new(2), first });
    let clock = Arc::new(ManualClock::at(NOW));
    let containers = [(); 2].map(|()| container(Arc::clone(&secrets), Arc::clone(&raced) as _, Arc::clone(&clock)));
    futures::future::join_all(containers.iter().map(Receiver::warm_up)).await;
    raced.first.add_permits(2);
    let answers = futures::future::join(asana_tells(&containers[0], "ours"), notion_tells(&containers[1], "token")).await;
    assert_eq!(answers, (200, 200));
    assert_eq!((of(&captured, "asana"), of(&captured, "notion")), (vec!["ours".to_owned()], vec!["token".to_owned()]));
}

#[tokio::test]
async fn a_concurrent_edit_by_a_person_is_kept() {
    for edits in [1, 3] {
        let captured = memory(&json!({}));
        let edited = Arc::new(Edited { secrets: Arc::clone(&captured), edits: tokio::sync::Semaphore::new(0) });
        let receiver = container(memory(&document()), Arc::clone(&edited) as _, Arc::new(ManualClock::at(NOW)));
        receiver.warm_up().await;
        edited.edits.add_permits(edits);
        assert_eq!(asana_tells(&receiver, "ours").await, 200);
        assert_eq!((of(&captured, "asana"), of(&captured, "notion").len()), (vec!["ours".to_owned()], edits));
    }
}

#[tokio::test]
async fn a_writer_that_always_loses_is_asked_to_send_again() {
    let captured = memory(&json!({}));
    let edits = tokio::sync::Semaphore::new(0);
    let edited = Arc::new(Edited { secrets: Arc::clone(&captured), edits });
    let receiver = container(memory(&document()), Arc::clone(&edited) as _, Arc::new(ManualClock::at(NOW)));
    receiver.warm_up().await;
    edited.edits.add_permits(1_000);
    assert_eq!(asana_tells(&receiver, "ours").await, 503);
    assert_eq!(counted(Metric::SecretNotStored), [("asana".to_owned(), "contended".to_owned(), 1)]);
    edited.edits.forget_permits(1_000);
    assert_eq!(asana_tells(&receiver, "ours").await, 200);
}

#[tokio::test]
async fn a_secret_with_a_lost_response_is_stored_once() {
    let world = World::of(SOURCES.map(|name| source_of(&preset(name))).to_vec(), document(), NOW);
    world.faults.fail(Call::PutSecret, Fault::LoseAnswer, 1);
    assert_eq!(asana_tells(&world.receiver, "ours").await, 503);
    assert_eq!(asana_tells(&world.receiver, "ours").await, 200);
    assert_eq!(world.captured.document(), r#"{"asana":["ours"]}"#);
}

#[tokio::test]
async fn no_secret_is_replaced_by_another() {
    let full: Vec<String> = (0..MAX_CAPTURED_SECRETS_PER_SOURCE).map(|n| format!("secret-{n}")).collect();
    let captured = memory(&json!({ "asana": full[1..] }));
    let clock = Arc::new(ManualClock::at(NOW));
    let receiver = container(memory(&document()), Arc::clone(&captured) as _, clock);
    assert_eq!(asana_tells(&receiver, &full[0]).await, 200, "the last that has room");
    assert_eq!(asana_tells(&receiver, "one-more").await, 503, "the provider isn't told that we have it");
    assert_eq!(counted(Metric::SecretNotStored), [("asana".to_owned(), "too_many".to_owned(), 1)]);
    assert_eq!(asana_tells(&receiver, &full[7]).await, 200, "it is there already");
    for secret in [&full[0], &full[MAX_CAPTURED_SECRETS_PER_SOURCE - 1]] {
        assert_eq!(signed(&receiver, "asana", secret).await, 200, "{secret}");
    }
    assert_eq!(signed(&receiver, "asana", "one-more").await, 401);
}

/// Ways in which the captured document is unavailable.
const BROKEN: [&str; 4] = ["{\"asana\": [\"ours\"]", "", "[]", "{\"asana\": 7}"];

#[tokio::test]
async fn unreadable_captured_secrets_affect_no_other_source() {
    for broken in BROKEN {
        let captured = memory(&json!({}));
        captured.set(broken);
        let clock = Arc::new(ManualClock::at(NOW));
        let new = container(memory(&document()), Arc::clone(&captured) as _, Arc::clone(&clock));
        new.warm_up().await;
        assert_eq!(signed(&new, "github", "github-secret").await, 202, "{broken:?}: a new container");
        assert_eq!(signed(&new, "github", "forged").await, 401, "{broken:?}");
        assert_eq!(signed(&new, "asana", "ours").await, 503, "{broken:?}: real or forged can't be told");
        clock.advance(SECRETS_RETRY);
        assert_eq!(asana_tells(&new, "another").await, 503, "{broken:?}");
        assert_eq!(counted(Metric::SecretNotStored).last(), Some(&("asana".to_owned(), "unreadable".to_owned(), 1)));
        assert_eq!(captured.document(), broken, "what a person may mend isn't overwritten");

        captured.set(json!({ "asana": ["ours"] }).to_string());
        clock.advance(SECRETS_RETRY);
        assert_eq!(signed(&new, "asana", "ours").await, 200, "{broken:?}: mended");
        assert_eq!(signed(&new, "asana", "forged").await, 401, "{broken:?}: mended");
    }
}

#[tokio::test]
async fn unavailable_captured_secrets_affect_no_other_source() {
    let faults = Arc::new(Faults::default());
    let captured = Arc::new(MemorySecrets::new(Arc::clone(&faults), json!({ "asana": ["ours"] }).to_string()));
    let mut document = document();
    document["asana"] = json!("of the document");
    let clock = Arc::new(ManualClock::at(NOW));
    faults.fail(Call::Fetch, Fault::Refuse, 2);
    let new = container(memory(&document), Arc::clone(&captured) as _, Arc::clone(&clock));
    new.warm_up().await;
    assert_eq!(signed(&new, "github", "github-secret").await, 202);
    assert_eq!(signed(&new, "asana", "of the document").await, 200, "what is known is enough for this one");
    assert_eq!(signed(&new, "asana", "ours").await, 503, "never 401 for what may be real");
    clock.advance(SECRETS_RETRY);
    assert_eq!(signed(&new, "asana", "ours").await, 503, "asked again in vain");
    clock.advance(SECRETS_RETRY);
    assert_eq!(signed(&new, "asana", "ours").await, 200);
}

#[tokio::test]
async fn a_container_keeps_its_loaded_captured_secrets() {
    let captured = memory(&json!({ "asana": ["ours"] }));
    let clock = Arc::new(ManualClock::at(NOW));
    let receiver = container(memory(&document()), Arc::clone(&captured) as _, Arc::clone(&clock));
    receiver.warm_up().await;
    captured.set(BROKEN[0]);
    clock.advance(SECRETS_RETRY * 10);
    for _ in 0..3 {
        assert_eq!(signed(&receiver, "asana", "ours").await, 200);
        assert!(signed(&receiver, "github", "github-secret").await < 300);
        clock.advance(SECRETS_RETRY);
    }
}

#[tokio::test]
async fn an_unreadable_document_affects_no_captured_secret() {
    let secrets = memory(&document());
    secrets.set("{");
    let clock = Arc::new(ManualClock::at(NOW));
    let new = container(Arc::clone(&secrets), memory(&json!({ "asana": ["ours"] })), Arc::clone(&clock));
    new.warm_up().await;
    assert_eq!(signed(&new, "asana", "ours").await, 200);
    assert_eq!(signed(&new, "github", "github-secret").await, 503);
    assert_eq!(asana_tells(&new, "another").await, 503, "whether a window is open isn't known");
    secrets.set(document().to_string());
    clock.advance(SECRETS_RETRY);
    assert_eq!(signed(&new, "github", "github-secret").await, 202);
}
