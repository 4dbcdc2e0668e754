//! Every preset is signed here and accepted by the receiver, unless only its provider can sign. None is left out.

use lambda_http::{Body, Request};
use receiver::verify::{SignError, can_sign, fresh_for};
use receiver::{Ports, Receiver};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::provider::Provider;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Faults, ManualClock, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_events::{
    Renewed, RequestError, SECRETS, Sample, SignedRequest, Tamper, api_gateway_event, demo_secrets, secrets_of,
};
use tidings_project::presets;

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

/// The presets that a source's secret can sign for.
const SHARED: [&str; 6] = ["hmac-md5", "hmac-sha1", "hmac-sha256", "jwt HS256", "sha256", "token"];

/// The presets whose provider keeps a private key.
const PRIVATE: [&str; 6] = ["ecdsa-p256", "ed25519", "jwt ES256", "jwt RS256", "rsa-sha256", "rsa-sha256-or-sha1"];

/// The algorithm; for tokens, the first allowed one.
fn algorithm(provider: &Provider) -> String {
    let token = provider.scheme.jwt.as_ref().and_then(|jwt| jwt.algorithms.first());
    let name = provider.scheme.algorithm.as_str();
    token.map_or(name.to_owned(), |token| format!("{name} {}", token.as_str()))
}

fn source(provider: &Provider) -> Source {
    let public_url = Some(format!("https://hooks.example/webhooks/{}", provider.name));
    Source { public_url, ..provider.source(&provider.name) }
}

/// A receiver with a source for every preset.
struct World {
    receiver: Receiver,
    queue: Arc<MemoryQueue>,
    store: Arc<MemoryStore>,
    secrets: String,
}

impl World {
    async fn new() -> Self {
        let sources: Vec<Source> = presets().iter().map(source).collect();
        let secrets = demo_secrets(&sources);
        let faults = Arc::new(Faults::default());
        let queue = Arc::new(MemoryQueue::new(Arc::clone(&faults)));
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let ports = Ports {
            claims: Arc::clone(&store) as Arc<_>,
            queue: Arc::clone(&queue) as Arc<_>,
            secrets: Arc::new(MemorySecrets::new(Arc::clone(&faults), secrets.as_str())),
            captured: Some(Arc::new(MemorySecrets::new(Arc::clone(&faults), "{}"))),
            https: Arc::new(MemoryHttps::new(faults)),
            clock: Arc::new(ManualClock::at(NOW)),
        };
        let receiver = Receiver::new(sources, ports);
        receiver.warm_up().await;
        Self { receiver, queue, store, secrets }
    }

    fn secret(&self, provider: &Provider) -> String {
        secrets_of(&self.secrets, &provider.name).unwrap().remove(0)
    }

    async fn answer(&self, request: Request) -> u16 {
        self.receiver.handle(request).await.status().as_u16()
    }

    async fn send(&self, signed: &SignedRequest) -> u16 {
        let mut request = Request::new(Body::Binary(signed.body.clone()));
        *request.method_mut() = signed.method.parse().unwrap();
        *request.uri_mut() = signed.path.parse().unwrap();
        *request.headers_mut() = signed.headers.clone();
        self.answer(request).await
    }
}

#[tokio::test]
async fn every_preset_is_signed_and_accepted_once_or_only_its_provider_can_sign() {
    let world = World::new().await;
    let (mut signed_by, mut private) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    for provider in presets() {
        let (name, source, secret) = (&provider.name, source(&provider), world.secret(&provider));
        if !can_sign(&provider.scheme) {
            let any = Sample::of_body(&source, b"{}".to_vec());
            let refused = any.sign(&source, &secret, NOW, None).unwrap_err();
            assert!(matches!(refused, RequestError::Sign(SignError::PrivateKey)), "{name}: {refused}");
            *private.entry(algorithm(&provider)).or_default() += 1;
            continue;
        }
        *signed_by.entry(algorithm(&provider)).or_default() += 1;
        let sample = Sample::of_preset(&provider).unwrap_or_else(|e| panic!("{name}: {e}"));
        let signed = sample.sign(&source, &secret, NOW, None).unwrap_or_else(|e| panic!("{name}: {e}"));
        let keys: BTreeSet<_> = signed.claim_keys(&source, &secret, NOW).into_iter().collect();
        assert!(!keys.is_empty(), "{name}: its own key doesn't verify it");

        let queued = world.queue.messages().len();
        assert!((200..300).contains(&world.send(&signed).await), "{name}");
        assert_eq!(world.queue.messages().len() - queued, keys.len(), "{name}: each of its events once");
        keys.iter().for_each(|key| world.store.set_state(key, ClaimState::Processed));
        let event = api_gateway_event(&signed, NOW).to_string();
        let again = world.answer(lambda_http::request::from_str(&event).unwrap()).await;
        assert!((200..300).contains(&again), "{name}: as API Gateway gives it");
        assert_eq!(world.queue.messages().len() - queued, keys.len(), "{name}: a duplicate");
    }
    assert_eq!(signed_by.keys().collect::<Vec<_>>(), SHARED.iter().collect::<Vec<_>>());
    assert_eq!(private.keys().collect::<Vec<_>>(), PRIVATE.iter().collect::<Vec<_>>());
    assert_eq!(signed_by.values().chain(private.values()).sum::<usize>(), presets().len());
}

#[tokio::test]
async fn a_tampered_request_is_refused() {
    let world = World::new().await;
    let (mut timeless, mut unsigned) = (0, 0);
    for provider in presets().into_iter().filter(|provider| can_sign(&provider.scheme)) {
        let (name, source, secret) = (&provider.name, source(&provider), world.secret(&provider));
        let sample = Sample::of_preset(&provider).unwrap();
        for tamper in [Tamper::Signature, Tamper::Timestamp, Tamper::Body] {
            match sample.sign(&source, &secret, NOW, Some(tamper)) {
                Ok(signed) => assert_eq!(world.send(&signed).await, 401, "{name}: {tamper:?}"),
                Err(RequestError::NoTimestamp(_)) => {
                    assert_eq!((tamper, fresh_for(&provider.scheme)), (Tamper::Timestamp, None), "{name}");
                    timeless += 1;
                }
                Err(RequestError::UnsignedBody(_)) => {
                    assert_eq!((tamper, source.scheme.covers(&"body".parse().unwrap())), (Tamper::Body, false), "{name}");
                    unsigned += 1;
                }
                Err(other) => panic!("{name}: {tamper:?}: {other}"),
            }
        }
    }
    assert!(timeless > 0 && unsigned > 0, "{timeless} sign no time, {unsigned} don't sign the body");
}

#[test]
fn demo_secrets_are_those_of_the_corpus_and_then_the_presets_own() {
    let providers = presets();
    let named = |provider: &str, name: &str| providers.iter().find(|p| p.name == provider).unwrap().source(name);
    let sources = [named("stripe", "stripe"), named("mailgun", "mailgun"), named("stripe", "stripe-eu")];
    let document = demo_secrets(&sources);
    let secret = |name: &str| secrets_of(&document, name).unwrap();
    let first = |provider: &str| vec![providers.iter().find(|p| p.name == provider).unwrap().vectors[0].secret.clone()];
    assert_eq!(secret("stripe"), secrets_of(SECRETS, "stripe").unwrap());
    assert_eq!((secret("mailgun"), secret("stripe-eu")), (first("mailgun"), first("stripe")));
    assert_eq!(demo_secrets(&sources[..1]), SECRETS);
    let own = Source { provider: "own".to_owned(), ..named("stripe", "unheard-of") };
    assert_eq!(secrets_of(&demo_secrets(&[own]), "unheard-of").unwrap(), Vec::<String>::new());
}

#[test]
fn two_new_events_of_a_preset_in_one_second_are_two_events() {
    let sources: Vec<Source> = presets().iter().map(source).collect();
    let secrets = demo_secrets(&sources);
    let mut next = 0_u32;
    // A full-period generator: the test gives the same bytes each time.
    let mut random = || {
        next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        next.to_be_bytes()[0]
    };
    let mut same = Vec::new();
    for provider in presets().iter().filter(|provider| can_sign(&provider.scheme)) {
        let (source, secret) = (source(provider), secrets_of(&secrets, &provider.name).unwrap().remove(0));
        let mut keys = |now: Timestamp| {
            let mut sample = Sample::of_preset(provider).unwrap();
            let renewed = sample.renew(&source, &secret, now, &mut random).unwrap();
            (renewed, sample.sign(&source, &secret, now, None).unwrap().claim_keys(&source, &secret, now))
        };
        // As long as two runs of the command take at least.
        let (one, other) = (keys(NOW), keys(NOW.plus(Duration::from_millis(7))));
        // `send` says so if it can't make a new event.
        if one.0 != Renewed::Unchanged && one.1.iter().any(|key| other.1.contains(key)) {
            same.push(provider.name.clone());
        }
    }
    assert_eq!(same, Vec::<String>::new());
}
