//! The receiver over memory adapters, a provider that signs, and a reply that is checked whatever the story.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::{Body, Request, Response};
use receiver::delivery::Delivery;
use receiver::verify::{Key, sign};
use receiver::{Ports, Receiver};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Call, Faults, ManualClock, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_core::ports::{ClaimStore, EventQueue, TenantReader};
use tidings_events::project::sources;
use tidings_events::{SECRETS, SignedRequest, corpus, secrets_of};
use tidings_project::presets;
use tidings_project::read_sources;

/// Sources beside those of `events/project/sources.yaml`, for what none of them does.
const OWN_SOURCES: &str = r#"
version: 1
sources:
  # Neither an id nor a time of its own.
  bare:
    scheme:
      algorithm: hmac-sha512
      signature: { from: "header:X-Bare", encoding: base64url }
      message: "{body}"
    event: [{ type: "{json:type}" }]
  # Signs all that a scheme can sign, and writes it in a list of fields.
  thorough:
    scheme:
      algorithm: hmac-sha256
      key: { encoding: hex }
      signature: { from: "header:X-Thorough", encoding: base64, written: { fields: { key: mac, separator: ";" } } }
      message: "{sig:ts}|{method}|{url}|{header:X-Id}|{body}"
      timestamp: { from: "sig:ts", unit: ms, tolerance_seconds: 60 }
    public_url: https://hooks.example/webhooks/thorough
    event: [{ id: "{header:X-Id}", type: "{query:topic}", sequence: "json:n" }]
  # Many events in one delivery, and something that each of them gets a copy of.
  many:
    scheme: &plain
      algorithm: hmac-sha256
      signature: { from: "header:X-Plain", encoding: hex }
      message: "{body}"
    event: [{ each: "events[*]", id: "{json:events[*].id}", type: "{json:events[*].type}", with: { shared: shared } }]
  # A delivery is the list itself.
  batch:
    scheme: *plain
    event: [{ each: "[*]", id: ["{json:[*].sg_event_id}", "{json:[*].id}"], type: "{json:[*].event}" }]
  # Its times are in seconds.
  clocked:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t", time: { from: "json:at", unit: s }, sequence: "json:n" }]
  # Its times are texts.
  dated:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t", time: { from: "json:at", unit: rfc3339 } }]
  # What of a compressed body is signed.
  compressed:
    scheme: *plain
    signed_body: compressed
    event: [{ id: "{json:id}", type: "t" }]
  plain:
    scheme: *plain
    signed_body: plain
    event: [{ id: "{json:id}", type: "t" }]
  # An id of several parts.
  parts:
    scheme: *plain
    event: [{ id: "{json:object}:{json:id}:{json:what}", type: "t" }]
  # An id of the delivery that nobody signs.
  delivered:
    scheme: *plain
    event: [{ delivery_id: "{header:X-Delivery}", type: "{json:type}" }]
  by-content:
    scheme: *plain
    duplicates: by_content
    event: [{ delivery_id: "{header:X-Delivery}", type: "{json:type}" }]
  # A retry has a number of its own.
  retried:
    scheme: *plain
    event: [{ type: "{json:type}", retry_fields: "json:meta.attempt" }]
  # A retry is signed at a time of its own.
  resigned:
    scheme:
      algorithm: hmac-sha256
      signature: { from: "header:X-Plain", encoding: hex }
      message: "{header:X-Time}.{body}"
      timestamp: { from: "header:X-Time", unit: s }
    event: [{ delivery_id: "{header:X-Delivery}", type: "{json:type}", retry_fields: "header:X-Time" }]
  # A token, and many events.
  regrouped:
    scheme: { algorithm: token, signature: { from: "header:X-Token" } }
    event: [{ each: "[*]", id: "{json:[*].id}", type: t }]
  # Kinds that a value tells apart.
  conditional:
    scheme: *plain
    event:
      - { each: "events[*]", when: { "json:events[*].gone": "true" }, id: "{json:events[*].id}:deleted", type: message.deleted }
      - { each: "events[*]", when: { "json:events[*].kind": [b, c] }, id: "{json:events[*].id}:{json:events[*].kind}", type: "message.{json:events[*].kind}" }
      - { each: "events[*]", id: "{json:events[*].id}:sent", type: message }
  only-known:
    scheme: *plain
    event: [{ when: { "json:kind": known }, type: "{json:kind}" }]
  b:
    scheme: *plain
    event: [{ id: "{json:i}", type: "t" }]
  # Its sender never sends a delivery again.
  kept:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t" }]
    durability: outbox
  # Many customers of one provider.
  shops:
    scheme: *plain
    event: [{ id: "{json:id}", type: "{json:type}", conversation: "order:{json:order.id}" }]
    tenants: true
  # The same, and the address is signed.
  stores:
    scheme:
      algorithm: hmac-sha256
      signature: { from: "header:X-Plain", encoding: hex }
      message: "{url}|{body}"
    public_url: https://hooks.example/webhooks/stores
    event: [{ id: "{json:id}", type: "{json:type}" }]
    tenants: true
  # Must not be silent.
  expected:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t" }]
    expect_every: 6h
"#;

/// The public demo secrets, and those of our own sources.
pub(crate) fn secrets() -> Value {
    let mut secrets: Value = serde_json::from_str(SECRETS).unwrap();
    secrets["bare"] = json!("a bare secret");
    secrets["thorough"] = json!("00ff10");
    for name in [
        "many",
        "batch",
        "clocked",
        "dated",
        "compressed",
        "plain",
        "b",
        "parts",
        "delivered",
        "by-content",
        "retried",
        "resigned",
        "regrouped",
        "conditional",
        "only-known",
        "kept",
        "expected",
    ] {
        secrets[name] = json!("a plain secret");
    }
    secrets
}

/// The receiver with its dependencies.
#[derive(Debug)]
pub(crate) struct Harness {
    pub(crate) receiver: Receiver,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) faults: Arc<Faults>,
    sources: Vec<Source>,
    processes: AtomicBool,
}

impl Harness {
    /// As after INIT: the secrets are loaded.
    pub(crate) async fn warm() -> Self {
        Self::warm_with(&secrets().to_string()).await
    }

    pub(crate) async fn warm_with(secrets: &str) -> Self {
        let harness = Self::cold(secrets);
        harness.receiver.warm_up().await;
        harness
    }

    pub(crate) fn cold(secrets: &str) -> Self {
        Self::with(secrets, |store, queue| (store, queue))
    }

    /// With other stores around or instead of the memory's own.
    pub(crate) fn with<C: ClaimStore + 'static, Q: EventQueue + 'static>(
        secrets: &str,
        wrap: impl FnOnce(Arc<MemoryStore>, Arc<MemoryQueue>) -> (Arc<C>, Arc<Q>),
    ) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
        Self::on_clock(secrets, &clock, wrap)
    }

    /// The same on a clock that others have, too.
    pub(crate) fn on_clock<C: ClaimStore + 'static, Q: EventQueue + 'static>(
        secrets: &str,
        clock: &Arc<ManualClock>,
        wrap: impl FnOnce(Arc<MemoryStore>, Arc<MemoryQueue>) -> (Arc<C>, Arc<Q>),
    ) -> Self {
        Self::of_sources(OWN_SOURCES, secrets, clock, wrap)
    }

    /// The same with these sources of our own.
    pub(crate) fn of_sources<C: ClaimStore + 'static, Q: EventQueue + 'static>(
        own: &str,
        secrets: &str,
        clock: &Arc<ManualClock>,
        wrap: impl FnOnce(Arc<MemoryStore>, Arc<MemoryQueue>) -> (Arc<C>, Arc<Q>),
    ) -> Self {
        tidings_core::memory::log::capture();
        let faults = Arc::new(Faults::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let queue = Arc::new(MemoryQueue::new(Arc::clone(&faults)));
        let secrets = Arc::new(MemorySecrets::new(Arc::clone(&faults), secrets));
        let clock = Arc::clone(clock);
        let mut sources = sources();
        sources.extend(read_sources("own.yaml", own, &presets()).expect("the sources above are right"));
        let (claims, events) = wrap(Arc::clone(&store), Arc::clone(&queue));
        let ports = Ports {
            claims,
            queue: events,
            secrets: Arc::clone(&secrets) as Arc<_>,
            captured: None,
            https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let receiver = Receiver::new(sources.clone(), ports).probing(vec![Arc::clone(&store) as _, Arc::clone(&queue) as _]);
        Self { receiver, store, queue, secrets, clock, faults, sources, processes: AtomicBool::new(true) }
    }

    pub(crate) fn with_tenants(self, table: Arc<dyn TenantReader>) -> Self {
        Self { receiver: self.receiver.with_tenants(table), ..self }
    }

    pub(crate) fn source(&self, name: &str) -> &Source {
        self.sources.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no source {name}"))
    }

    /// A case of the corpus, signed now.
    pub(crate) fn case(&self, name: &str) -> SignedRequest {
        let case = corpus().case(name).unwrap_or_else(|| panic!("no case {name}"));
        let secret = &secrets_of(SECRETS, &case.source).unwrap()[0];
        case.request(self.source(&case.source), secret, self.clock.now(), case.tamper, None).unwrap()
    }

    /// A body of our own, signed now with the source's newest secret.
    pub(crate) fn signed(&self, source: &str, body: impl Into<Vec<u8>>) -> SignedRequest {
        let secret = &secrets_of(&secrets().to_string(), source).unwrap()[0];
        self.signed_with(source, secret, body)
    }

    pub(crate) fn signed_with(&self, source: &str, secret: &str, body: impl Into<Vec<u8>>) -> SignedRequest {
        self.signed_for(source, secret, "", body)
    }

    /// The same, with this text at the end of the registered address.
    pub(crate) fn signed_for(&self, source: &str, secret: &str, tenant: &str, body: impl Into<Vec<u8>>) -> SignedRequest {
        let configured = self.source(source);
        let public_url = configured.public_url.as_ref().map(|url| format!("{url}{tenant}"));
        let configured = &Source { public_url, ..configured.clone() };
        let mut request = self.unsigned(source, body);
        let mut delivery = Delivery {
            method: request.method.to_owned(),
            query: request.path.split_once('?').map_or("", |(_, query)| query).to_owned(),
            headers: std::mem::take(&mut request.headers),
            body: std::mem::take(&mut request.body).into(),
        };
        let key = Key::prepare(&configured.scheme, secret).unwrap();
        sign(configured, &key, &mut delivery, self.clock.now()).unwrap();
        SignedRequest { headers: delivery.headers, body: delivery.body.into_bytes(), ..request }
    }

    /// With the headers (and for `thorough` the query) that a signature may cover.
    pub(crate) fn unsigned(&self, source: &str, body: impl Into<Vec<u8>>) -> SignedRequest {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers.insert("x-id", HeaderValue::from_static("id-1"));
        headers.insert("svix-id", HeaderValue::from_static("msg_1"));
        let query = if source == "thorough" { "?topic=thing/made&topic=other" } else { "" };
        let path = format!("/webhooks/{source}{query}");
        SignedRequest { source: source.to_owned(), method: "POST", path, headers, body: body.into() }
    }

    pub(crate) async fn send(&self, request: &SignedRequest) -> Answer {
        self.answer(http_request(request)).await
    }

    /// What is accepted is processed before the next request comes, except with [`Self::without_processor`].
    pub(crate) async fn answer(&self, request: Request) -> Answer {
        let answer = Answer::of(self.receiver.handle(request).await);
        self.process(Some(answer.status.into()));
        answer
    }

    /// Processes what is queued after an answer of this status.
    pub(crate) fn process(&self, status: Option<u64>) {
        if status.is_some_and(|status| status / 100 == 2) && self.processes.load(Ordering::Relaxed) {
            self.queued().iter().for_each(|event| self.store.set_state(&event.claimkey, ClaimState::Processed));
        }
    }

    /// From now on nothing is processed: the claims stay as the receiver leaves them.
    pub(crate) fn without_processor(self) -> Self {
        self.processes.store(false, Ordering::Relaxed);
        self
    }

    pub(crate) fn claim(&self, key: &str) -> Option<Claim> {
        self.store.claim(&ClaimKey::from(key.to_owned()))
    }

    pub(crate) fn state(&self, key: &str) -> Option<ClaimState> {
        self.claim(key).map(|claim| claim.state)
    }

    pub(crate) fn queued(&self) -> Vec<Envelope> {
        self.queue.messages().iter().map(|m| Envelope::decode(m).expect("what we queue can be read")).collect()
    }

    pub(crate) fn count(&self, call: Call) -> u32 {
        self.faults.count(call)
    }

    /// AWS calls, without those for the secrets.
    pub(crate) fn calls(&self) -> u32 {
        self.faults.total() - self.count(Call::Fetch)
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A body for `orders`.
pub(crate) fn order(id: &str, order: &str) -> Vec<u8> {
    json!({"id": id, "type": "order.shipped", "occurred_at": "2026-11-20T14:00:00Z", "sequence": 3, "order": {"id": order}})
        .to_string()
        .into_bytes()
}

/// A body for `whatsapp`: an event for each of these messages.
pub(crate) fn statuses<I: AsRef<str>>(ids: &[I]) -> String {
    let statuses: Vec<Value> = ids.iter().map(|id| json!({"id": id.as_ref(), "status": "sent"})).collect();
    json!({"entry": [{"changes": [{"value": {"statuses": statuses}}]}]}).to_string()
}

pub(crate) fn http_request(request: &SignedRequest) -> Request {
    let mut http = Request::new(Body::Binary(request.body.clone()));
    *http.method_mut() = request.method.parse().unwrap();
    *http.uri_mut() = request.path.parse().unwrap();
    *http.headers_mut() = request.headers.clone();
    http
}

pub(crate) fn set(request: &mut SignedRequest, name: &str, value: &str) {
    request.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
}

/// The provider's view of a reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `status` of a 2xx, `error` of the others.
    pub(crate) word: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Every reply of every story has the one form, and shows nothing of the inside.
    fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let text = std::str::from_utf8(&body).unwrap().to_owned();
        let json: Value = serde_json::from_str(&text).expect("every reply is JSON");
        assert_eq!(parts.headers[CONTENT_TYPE], "application/json");
        let word = if parts.status.is_success() { "status" } else { "error" };
        let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).filter(|k| *k != "version").collect();
        assert_eq!(fields, [word, "message"], "{text}");
        assert_eq!(parts.status.as_u16() == 503, parts.headers.contains_key("retry-after"), "{text}");
        for inside in ["dynamodb", "sqs", "secret", "claim", "signature", "timestamp", "sha256", "arn:", "Refuse", "panic"] {
            assert!(!text.to_lowercase().contains(&inside.to_lowercase()), "{inside:?} in {text}");
        }
        Self { status: parts.status.as_u16(), word: json[word].as_str().unwrap().to_owned(), headers: parts.headers, text }
    }

    /// Status and word.
    pub(crate) fn said(&self) -> (u16, &str) {
        (self.status, &self.word)
    }
}

pub(crate) const ACCEPTED: (u16, &str) = (202, "accepted");
/// The same, in the form that Meta expects.
pub(crate) const TAKEN: (u16, &str) = (200, "accepted");
pub(crate) const DUPLICATE: (u16, &str) = (200, "duplicate");
pub(crate) const UNAUTHENTIC: (u16, &str) = (401, "unauthentic");
pub(crate) const TRY_AGAIN: (u16, &str) = (503, "try_again");
