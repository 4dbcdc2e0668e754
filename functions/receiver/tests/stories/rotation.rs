//! `docs/rotation.md`, step by step and under traffic: not one authentic delivery is refused on the way, and in the end the old
//! secret is.

use crate::support::{Harness, http_request, order, secrets};
use http::HeaderValue;
use lambda_http::{Body, Request};
use receiver::{Ports, Receiver};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::memory::log::{capture, counted};
use tidings_core::memory::{Faults, ManualClock, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_core::telemetry;
use tidings_events::{Sample, SignedRequest};
use tidings_project::presets;

const DOCUMENT: &str = include_str!("../../../../docs/rotation.md");

const SIGNED_WITH_BOTH: &str = "Signed with both: Stripe, Standard Webhooks";
const SWITCHED_AT_ONCE: &str = "Switched at once: GitHub, Telegram, schemes of your own";
const HANDSHAKE: &str = "Handshake secrets: Asana, Notion";

/// The steps of a section of the document, which the test takes one after the other.
struct Steps(VecDeque<&'static str>);

impl Steps {
    fn of(section: &str) -> Self {
        let sections = DOCUMENT.split("\n## ").skip(1);
        let text =
            sections.into_iter().find(|text| text.starts_with(section)).unwrap_or_else(|| panic!("no section {section:?}"));
        Self(text.lines().filter_map(|line| line.strip_prefix("### ")).collect())
    }

    /// Fails if the document has another step here.
    fn take(&mut self, step: &str) {
        assert_eq!(self.0.pop_front(), Some(step), "docs/rotation.md");
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.is_empty(), "docs/rotation.md has further steps: {:?}", self.0);
    }
}

#[test]
fn every_section_with_steps_is_tested() {
    let sections = DOCUMENT.split("\n## ").skip(1).filter(|text| text.contains("\n### "));
    let titles: Vec<&str> = sections.filter_map(|text| text.lines().next()).collect();
    assert_eq!(titles, [SIGNED_WITH_BOTH, SWITCHED_AT_ONCE, HANDSHAKE]);
}

/// How often `SecretAgeIndex` was sent since it was last asked.
#[derive(Default)]
struct Metric(Cell<usize>);

impl Metric {
    fn new_values(&self, source: &str) -> usize {
        let all =
            counted(telemetry::Metric::SecretAgeIndex).into_iter().filter(|said| *said == (source.to_owned(), String::new(), 1));
        let all = all.count();
        all - self.0.replace(all)
    }
}

/// A source's provider, and the receiver that it delivers to.
struct Deliveries<'h> {
    receiver: &'h Receiver,
    clock: &'h ManualClock,
    source: Source,
    sent: Cell<u32>,
}

impl Deliveries<'_> {
    /// A new event, with a signature by each of these secrets in the place of one.
    fn signed(&self, by: &[&str]) -> SignedRequest {
        let n = self.sent.replace(self.sent.get() + 1);
        let mut body: Value = serde_json::from_slice(&order(&format!("evt-{n}"), "1")).unwrap();
        body["events"] = json!([{ "action": "changed", "resource": { "gid": n.to_string(), "resource_type": "task" } }]);
        let mut sample = Sample::of_body(&self.source, body.to_string().into_bytes());
        sample.set_header("svix-id", &format!("msg_{n}")).unwrap();
        let requests = by.iter().map(|secret| sample.sign(&self.source, secret, self.clock.now(), None).unwrap());
        requests.reduce(|first, more| self.with_signature_of(first, &more)).expect("a signer")
    }

    /// As Stripe (`t=…,v1=…,v1=…`) and Standard Webhooks (`v1,… v1,…`) list them.
    fn with_signature_of(&self, mut request: SignedRequest, more: &SignedRequest) -> SignedRequest {
        let place = self.source.scheme.signature.from.0[0].header().unwrap();
        let text = |request: &SignedRequest| request.headers[place].to_str().unwrap().to_owned();
        let further = match text(more).split_once(",v1=") {
            Some((_, signature)) => format!(",v1={signature}"),
            None => format!(" {}", text(more)),
        };
        let both = text(&request) + &further;
        let name: http::HeaderName = place.parse().unwrap();
        request.headers.insert(name, HeaderValue::from_str(&both).unwrap());
        request
    }

    async fn status(&self, request: &SignedRequest) -> u16 {
        self.receiver.handle(http_request(request)).await.status().as_u16()
    }

    /// So many minutes, in each of which every signer delivers: each with these secrets. None is refused.
    async fn minutes(&self, minutes: u32, signers: &[&[&str]]) {
        for minute in 1..=minutes {
            self.clock.advance(Duration::from_secs(60));
            for by in signers {
                let status = self.status(&self.signed(by)).await;
                assert!((200..300).contains(&status), "{}, minute {minute}, signed by {by:?}: {status}", self.source.name);
            }
        }
    }

    /// Whether what this secret alone has signed is refused.
    async fn refuses(&self, secret: &str) -> bool {
        self.status(&self.signed(&[secret])).await == 401
    }
}

#[tokio::test]
async fn a_provider_that_signs_with_both() {
    for (source, old, new) in [("stripe", "whsec_old", "whsec_new"), ("svix", "whsec_b2xkLXNlY3JldA==", "whsec_bmV3LXNlY3JldA==")]
    {
        let document = |of_source: Value| {
            let mut document = secrets();
            document[source] = of_source;
            document.to_string()
        };
        let harness = Harness::warm_with(&document(json!(old))).await;
        let provider = Deliveries {
            receiver: &harness.receiver,
            clock: &harness.clock,
            source: harness.source(source).clone(),
            sent: Cell::default(),
        };
        let metric = Metric::default();
        metric.new_values(source);
        let mut steps = Steps::of(SIGNED_WITH_BOTH);
        provider.minutes(10, &[&[old]]).await;

        steps.take("1. Let the provider make a new secret, and keep the old one for a day");
        provider.minutes(20, &[&[new, old], &[old, new]]).await;

        steps.take("2. Put the new one in front");
        harness.secrets.set(document(json!([new, old])));

        steps.take("3. Wait until all functions have it");
        provider.minutes(5, &[&[new, old], &[old, new], &[old]]).await;
        metric.new_values(source);
        provider.minutes(60, &[&[new, old], &[old, new]]).await;
        assert_eq!(metric.new_values(source), 0, "{source}: nothing needs the old one");

        steps.take("4. Let the provider drop the old one");
        provider.minutes(20, &[&[new], &[old, new]]).await;

        steps.take("5. Take the old one away");
        harness.secrets.set(document(json!(new)));
        provider.minutes(20, &[&[new], &[old, new]]).await;
        assert!(provider.refuses(old).await, "{source}");
        assert_eq!(metric.new_values(source), 0, "{source}");
    }
}

#[tokio::test]
async fn a_provider_that_switches_at_once() {
    let document = |orders: Value| {
        let mut document = secrets();
        document["orders"] = orders;
        document.to_string()
    };
    let harness = Harness::warm_with(&document(json!("old"))).await;
    let source = harness.source("orders").clone();
    let provider = Deliveries { receiver: &harness.receiver, clock: &harness.clock, source, sent: Cell::default() };
    let metric = Metric::default();
    let mut steps = Steps::of(SWITCHED_AT_ONCE);
    provider.minutes(10, &[&["old"]]).await;
    assert_eq!(metric.new_values("orders"), 0, "the old one is the newest still");

    steps.take("1. Put a new one in front");
    harness.secrets.set(document(json!(["new", "old"])));

    steps.take("2. Wait until all functions have it");
    provider.minutes(5, &[&["old"]]).await;
    metric.new_values("orders");
    provider.minutes(10, &[&["old"]]).await;
    assert_eq!(metric.new_values("orders"), 10, "each request that uses the old one");

    steps.take("3. Change it at the provider");
    provider.minutes(5, &[&["new"], &["old"]]).await;
    assert_eq!(metric.new_values("orders"), 5, "what was on its way");

    steps.take("4. Watch until nothing uses the old one");
    provider.minutes(1_440, &[&["new"]]).await;
    assert_eq!(metric.new_values("orders"), 0);

    steps.take("5. Take the old one away");
    harness.secrets.set(document(json!("new")));
    provider.minutes(20, &[&["new"]]).await;
    assert!(provider.refuses("old").await);
}

#[tokio::test]
async fn a_provider_that_sends_its_secret() {
    const TOKEN: &str = "Zm9yLWEtd2luZG93";
    capture();
    let faults = Arc::new(Faults::default());
    let document = Arc::new(MemorySecrets::new(Arc::clone(&faults), "{}"));
    let told = Arc::new(MemorySecrets::new(Arc::clone(&faults), json!({ "asana": ["old"] }).to_string()));
    let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-24T10:00:00Z").unwrap()));
    let asana = presets().iter().find(|provider| provider.name == "asana").unwrap().source("asana");
    let ports = Ports {
        claims: Arc::new(MemoryStore::new(Arc::clone(&faults))),
        queue: Arc::new(MemoryQueue::new(Arc::clone(&faults))),
        secrets: Arc::clone(&document) as Arc<_>,
        captured: Some(Arc::clone(&told) as Arc<_>),
        https: Arc::new(MemoryHttps::new(faults)),
        clock: Arc::clone(&clock) as Arc<_>,
    };
    let receiver = Receiver::new(vec![asana.clone()], ports);
    receiver.warm_up().await;
    let handshake = async |secret: &str| {
        let mut request = Request::new(Body::Empty);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = format!("/webhooks/asana?capture={TOKEN}").parse().unwrap();
        request.headers_mut().insert("x-hook-secret", secret.parse().unwrap());
        receiver.handle(request).await
    };
    let provider = Deliveries { receiver: &receiver, clock: &clock, source: asana, sent: Cell::default() };
    let metric = Metric::default();
    let mut steps = Steps::of(HANDSHAKE);
    provider.minutes(10, &[&["old"]]).await;

    steps.take("1. Open a window");
    document.set(json!({ "asana.capture": [TOKEN, "2026-11-24T15:00:00Z"] }).to_string());
    provider.minutes(5, &[&["old"]]).await;

    steps.take("2. Make a second webhook");
    let answer = handshake("new").await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-hook-secret"]), (200, &HeaderValue::from_static("new")));
    assert_eq!(counted(telemetry::Metric::SecretCaptured), [("asana".to_owned(), String::new(), 1)]);
    assert_eq!(told.document(), r#"{"asana":["new","old"]}"#);
    provider.minutes(10, &[&["old"], &["new"]]).await;
    assert_eq!(metric.new_values("asana"), 10, "the first webhook uses the old one");

    steps.take("3. Close the window");
    document.set("{}");
    provider.minutes(10, &[&["old"], &["new"]]).await;
    assert_eq!(handshake("a-strangers").await.status(), 401);
    assert_eq!(told.document(), r#"{"asana":["new","old"]}"#);

    steps.take("4. Delete the first webhook");
    provider.minutes(5, &[&["new"], &["old"]]).await;
    metric.new_values("asana");

    steps.take("5. Watch until nothing uses the old one");
    provider.minutes(1_440, &[&["new"]]).await;
    assert_eq!(metric.new_values("asana"), 0);

    steps.take("6. Take the old one away");
    told.set(json!({ "asana": ["new"] }).to_string());
    provider.minutes(20, &[&["new"]]).await;
    assert!(provider.refuses("old").await);
}
