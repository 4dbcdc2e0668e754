//! A receiver with a source for each preset, over memory adapters.

use http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::{Body, Request, Response};
use receiver::delivery::Delivery;
use receiver::verify::{Key, sign};
use receiver::{Ports, Receiver};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::provider::{Provider, Vector};
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimState;
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Call, Faults, ManualClock, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_project::presets;

pub(crate) struct World {
    pub(crate) receiver: Receiver,
    pub(crate) faults: Arc<Faults>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) captured: Arc<MemorySecrets>,
    pub(crate) https: Arc<MemoryHttps>,
    pub(crate) clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    ports: Ports,
    sources: Vec<Source>,
    document: Value,
}

/// A source of the preset's own name, at an address of ours.
pub(crate) fn source_of(provider: &Provider) -> Source {
    let public_url = Some(format!("https://hooks.example/webhooks/{}", provider.name));
    Source { public_url, ..provider.source(&provider.name) }
}

pub(crate) fn preset(name: &str) -> Provider {
    presets().into_iter().find(|p| p.name == name).unwrap_or_else(|| panic!("no preset {name}"))
}

impl World {
    /// Of all presets.
    pub(crate) fn new(document: Value, now: Timestamp) -> Self {
        Self::of(presets().iter().map(source_of).collect(), document, now)
    }

    pub(crate) fn of(sources: Vec<Source>, document: Value, now: Timestamp) -> Self {
        Self::wired(sources, document, now, true)
    }

    /// Without handshake secrets, as the template's parameter allows.
    pub(crate) fn without_captured(sources: Vec<Source>, document: Value, now: Timestamp) -> Self {
        Self::wired(sources, document, now, false)
    }

    fn wired(sources: Vec<Source>, document: Value, now: Timestamp, captures: bool) -> Self {
        let faults = Arc::new(Faults::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let queue = Arc::new(MemoryQueue::new(Arc::clone(&faults)));
        let secrets = Arc::new(MemorySecrets::new(Arc::clone(&faults), document.to_string()));
        let captured = Arc::new(MemorySecrets::new(Arc::clone(&faults), "{}"));
        let https = Arc::new(MemoryHttps::new(Arc::clone(&faults)));
        let clock = Arc::new(ManualClock::at(now));
        let ports = Ports {
            claims: Arc::clone(&store) as Arc<_>,
            queue: Arc::clone(&queue) as Arc<_>,
            secrets: Arc::clone(&secrets) as Arc<_>,
            captured: captures.then(|| Arc::clone(&captured) as Arc<_>),
            https: Arc::clone(&https) as Arc<_>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let receiver = Receiver::new(sources.clone(), ports.clone());
        Self { receiver, faults, queue, secrets, captured, https, clock, store, ports, sources, document }
    }

    /// Another container: it has nothing in memory, and the same tables and queues.
    pub(crate) fn restart(&mut self) {
        self.receiver = Receiver::new(self.sources.clone(), self.ports.clone());
    }

    /// Of one preset's vector, at its time and at its address. What its keys' addresses hold is there.
    pub(crate) fn of_vector(preset: &Provider, vector: &Vector) -> Self {
        let at = vector.at.as_deref().map_or(NOW, |at| Timestamp::parse_rfc3339(at).expect("a time"));
        let mut source = source_of(preset);
        source.public_url = vector.address().map(|(address, _)| address.to_owned()).or(source.public_url);
        let world = Self::of(vec![source], serde_json::json!({ preset.name.as_str(): vector.secret }), at);
        for (url, document) in &vector.fetched {
            world.https.put(url, document.as_bytes());
        }
        world
    }

    /// The vector's request.
    pub(crate) async fn send(&self, vector: &Vector) -> Response<Body> {
        let headers = self.headers_of(vector);
        self.send_with(vector, &headers, vector.body.as_bytes()).await
    }

    /// Its headers, with a content type.
    pub(crate) fn headers_of(&self, vector: &Vector) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> = vector.headers.clone().into_iter().collect();
        if !vector.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), self.sources[0].content_types.0[0].clone()));
        }
        headers
    }

    /// The same request with other headers and another body.
    pub(crate) async fn send_with(&self, vector: &Vector, headers: &[(String, String)], body: &[u8]) -> Response<Body> {
        let query = vector.address().map_or("", |(_, query)| query);
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let method = vector.method.as_deref().unwrap_or("POST");
        self.ask(method, &format!("{}{query}", self.sources[0].name), &headers, body.to_vec()).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
        let mut request = Request::new(body.into());
        *request.method_mut() = method.parse().expect("a method");
        *request.uri_mut() = format!("https://hooks.example/webhooks/{path}").parse().expect("a URI");
        for (name, value) in headers {
            request.headers_mut().append(name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"));
        }
        let answer = self.receiver.handle(request).await;
        // What is accepted is processed before the next request comes.
        if answer.status().is_success() {
            self.queued().iter().for_each(|event| self.store.set_state(&event.claimkey, ClaimState::Processed));
        }
        answer
    }

    /// Signed now with the source's secret, and sent.
    pub(crate) async fn signed(&self, name: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let source = self.sources.iter().find(|source| source.name == name).expect("a source");
        let key = Key::prepare(&source.scheme, self.document[name].as_str().expect("a secret")).expect("a key");
        let pairs = headers.iter().map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_str(v).unwrap()));
        let headers: HeaderMap = pairs.collect();
        let mut delivery = Delivery { method: "POST".to_owned(), query: String::new(), headers, body: body.to_owned().into() };
        sign(source, &key, &mut delivery, self.clock.now()).expect("it can be signed");
        let path = if delivery.query.is_empty() { name.to_owned() } else { format!("{name}?{}", delivery.query) };
        let headers: Vec<(&str, &str)> = delivery.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        self.ask("POST", &path, &headers, delivery.body.to_vec()).await
    }

    /// AWS calls, without those for the secrets.
    pub(crate) fn calls(&self) -> u32 {
        let own = [Call::Fetch, Call::Get, Call::PutSecret];
        self.faults.total() - own.iter().map(|call| self.faults.count(*call)).sum::<u32>()
    }

    pub(crate) fn queued(&self) -> Vec<Envelope> {
        self.queue.messages().iter().map(|message| Envelope::decode(message).expect("what we queue can be read")).collect()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

pub(crate) fn text(response: &Response<Body>) -> &str {
    std::str::from_utf8(response.body()).expect("text")
}

pub(crate) fn header<'r>(response: &'r Response<Body>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

/// Status and body.
pub(crate) fn said(response: &Response<Body>) -> (u16, &str) {
    (response.status().as_u16(), text(response))
}
