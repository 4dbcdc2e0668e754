//! What the receiver does for its sources and for a body, once: for `tests/benchmarks/instructions`, which counts.
//!
//! `receiver_cost init N` makes a receiver of N sources, as INIT does after the environment and the clients.
//! `receiver_cost artefact FILE` makes one of the sources of a `tidings.json`, as INIT does; `receiver_cost sources FILE` of the sources
//! of it alone, written to a file of their own: the difference is what the rest of the artefact costs.
//! `receiver_cost forged N` answers a forged request to the last of N sources. `receiver_cost nothing` is what it costs to start.
//! `receiver_cost verify SCHEME BYTES` verifies one body.

use http::{HeaderMap, HeaderValue};
use lambda_http::{Body, Request};
use receiver::delivery::Delivery;
use receiver::verify::{Key, sign, verify};
use receiver::{Ports, Receiver};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tidings_config::artefact::ReceiverPart;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::memory::{ManualClock, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_project::{presets, read_sources};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

/// Body, form, JSON fields, XML-like junk in a header: what is fed to a digest, sorted or parsed first.
const SCHEMES: &str = r#"
version: 1
sources:
  body: { scheme: { algorithm: hmac-sha256, signature: { from: "header:x-s", encoding: hex }, message: "{body}" }, event: [{ type: "t" }] }
  form: { scheme: { algorithm: hmac-sha256, signature: { from: "header:x-s", encoding: hex }, message: "{form}" }, event: [{ type: "t" }] }
  fields: { scheme: { algorithm: hmac-sha256, partial: true, signature: { from: "json:s", encoding: hex }, message: "{json:a}" }, event: [{ type: "t" }] }
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["nothing"] => {}
        ["init", n] => drop(receiver(&document(number(n)))),
        ["artefact", path] => drop(receiver_of(ReceiverPart::read(Path::new(path)).expect("an artefact").sources)),
        ["sources", path] => drop(receiver(&sources_of(path))),
        ["forged", n] => forged(number(n)).await,
        ["verify", scheme, bytes] => verified(scheme, number(bytes)),
        _ => panic!("nothing | init N | artefact FILE | sources FILE | forged N | verify body|form|fields BYTES"),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// N sources as the build script embeds them: made outside of what is counted, where the counting starts with `receiver`.
fn document(n: usize) -> String {
    let path = std::env::temp_dir().join(format!("receiver-cost-{n}.json"));
    if let Ok(document) = std::fs::read_to_string(&path) {
        return document;
    }
    let sources: Vec<Source> = presets().iter().take(n).map(|provider| provider.source(&provider.name)).collect();
    let document = serde_json::to_string(&sources).expect("JSON");
    std::fs::write(&path, &document).expect("a temporary file");
    document
}

/// The sources of an artefact as JSON, written where the counting starts with `receiver`.
fn sources_of(path: &str) -> String {
    let alone = format!("{path}.sources");
    if let Ok(document) = std::fs::read_to_string(&alone) {
        return document;
    }
    let part = ReceiverPart::read(Path::new(path)).expect("an artefact");
    let document = serde_json::to_string(&part.sources).expect("JSON");
    std::fs::write(&alone, &document).expect("a file beside it");
    document
}

fn receiver(document: &str) -> (Receiver, Vec<Source>) {
    receiver_of(serde_json::from_str(document).expect("sources"))
}

fn receiver_of(sources: Vec<Source>) -> (Receiver, Vec<Source>) {
    let secrets: serde_json::Map<_, _> = sources.iter().map(|source| (source.name.clone(), json!("c2VjcmV0"))).collect();
    let ports = Ports {
        claims: Arc::new(MemoryStore::default()),
        queue: Arc::new(MemoryQueue::default()),
        secrets: Arc::new(MemorySecrets::new(Arc::default(), json!(secrets).to_string())),
        captured: None,
        https: Arc::new(MemoryHttps::new(Arc::default())),
        clock: Arc::new(ManualClock::at(NOW)),
    };
    (Receiver::new(sources.clone(), ports), sources)
}

async fn forged(n: usize) {
    let (receiver, sources) = receiver(&document(n));
    receiver.warm_up().await;
    for _ in 0..100 {
        let mut request = Request::new(Body::from("{}"));
        *request.method_mut() = "POST".parse().expect("a method");
        *request.uri_mut() = format!("/webhooks/{}", sources.last().expect("one").name).parse().expect("a path");
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        receiver.handle(request).await;
    }
}

fn verified(scheme: &str, bytes: usize) {
    let sources = read_sources("schemes.yaml", SCHEMES, &[]).expect("sources");
    let source = sources.iter().find(|source| source.name == scheme).expect("one of the three");
    let body = match scheme {
        "form" => (0..bytes / 10).map(|n| format!("k{:05}={}", n * 7919 % 100_000, n % 10)).collect::<Vec<_>>().join("&"),
        "fields" => json!({ "a": "b", "list": vec!["0123456"; bytes / 10] }).to_string(),
        _ => "x".repeat(bytes),
    };
    let mut delivery = Delivery { method: "POST".into(), query: String::new(), headers: HeaderMap::new(), body: body.into() };
    let key = Key::prepare(&source.scheme, "secret").expect("a key");
    sign(source, &key, &mut delivery, NOW).expect("it can be signed");
    for _ in 0..10 {
        assert!(verify(source, std::slice::from_ref(&key), &delivery, NOW).is_ok());
    }
}
