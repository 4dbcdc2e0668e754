//! Providers' public keys: fetched after every other check, at most once a minute, and cached.

use crate::world::{World, preset, said, source_of};
use lambda_http::{Body, Response};
use serde_json::{Value, json};
use tidings_config::limits::{KEY_LIFETIME, KEY_RETRY, MAX_FETCHED_BYTES};
use tidings_config::provider::{Provider, Vector};
use tidings_config::time::Timestamp;
use tidings_core::memory::{Call, Fault};

/// A preset with its first vector.
fn of(name: &str) -> (Provider, Vector) {
    let provider = preset(name);
    let vector = provider.vectors[0].clone();
    (provider, vector)
}

fn world_of(name: &str) -> (World, Vector) {
    let (provider, vector) = of(name);
    (World::of_vector(&provider, &vector), vector)
}

fn is_accepted(answer: &Response<Body>) -> bool {
    answer.status().is_success()
}

/// The presets whose keys are fetched.
const REMOTE: &[&str] = &["aws-sns", "gcp-pubsub-push", "google-chat", "kinde", "ms-bot-framework", "paypal"];

#[test]
fn every_preset_with_fetched_keys_is_tested() {
    let with: Vec<String> =
        tidings_project::presets().into_iter().filter(|p| p.scheme.remote_key.is_some()).map(|p| p.name).collect();
    assert_eq!(with, REMOTE);
}

#[tokio::test]
async fn a_key_is_fetched_once_for_later_requests() {
    for name in REMOTE {
        let (world, vector) = world_of(name);
        for n in 0..5 {
            assert!(is_accepted(&world.send(&vector).await), "{name}, request {n}");
        }
        let addresses: Vec<&String> = vector.fetched.keys().collect();
        assert_eq!(world.https.asked().iter().collect::<Vec<_>>(), addresses, "{name}");
        assert_eq!(world.queued().len(), 1, "{name}: the others are duplicates");
    }
}

/// The same request with another value of the token's header: signed by nobody.
fn with_kid(vector: &Vector, kid: &str) -> Vector {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": kid }).to_string());
    let mut changed = vector.clone();
    for value in changed.headers.values_mut() {
        if let Some(token) = value.strip_prefix("Bearer ") {
            *value = format!("Bearer {header}.{}", token.split_once('.').unwrap().1);
        }
    }
    changed
}

#[tokio::test]
async fn a_thousand_forged_requests_fetch_once_a_minute_at_most() {
    let (world, vector) = world_of("google-chat");
    assert!(is_accepted(&world.send(&vector).await));
    let before = world.https.asked().len();
    for n in 0..1_000 {
        let answer = world.send(&with_kid(&vector, &format!("key-{n}"))).await;
        assert_eq!(answer.status(), 401, "{n}");
        world.clock.advance(std::time::Duration::from_millis(180));
    }
    assert_eq!(world.https.asked().len() - before, 2, "three minutes, the first of which had its fetch");
    assert_eq!(world.queued().len(), 1);
    assert!(is_accepted(&world.send(&vector).await), "and the real one is known all the time");
}

#[tokio::test]
async fn nothing_is_fetched_before_every_other_check_passes() {
    let (provider, vector) = of("google-chat");
    let unlike = |change: &dyn Fn(&mut Vector)| {
        let mut changed = vector.clone();
        change(&mut changed);
        changed
    };
    let other_audience = unlike(&|v| v.secret = "another-project".to_owned());
    let unsigned = unlike(&|v| drop(v.headers.remove("Authorization")));
    let authorization = |v: &mut Vector, value: &str| drop(v.headers.insert("Authorization".to_owned(), value.to_owned()));
    let no_token = unlike(&|v| authorization(v, "Bearer a.b.c"));
    let basic = unlike(&|v| authorization(v, &v.headers["Authorization"].replace("Bearer ", "Basic ")));
    let late = unlike(&|v| v.at = Some("2026-11-21T10:00:00Z".to_owned()));
    for (what, request) in
        [("aud", other_audience), ("unsigned", unsigned), ("no token", no_token), ("basic", basic), ("expired", late)]
    {
        let world = World::of_vector(&provider, &request);
        assert_eq!(world.send(&request).await.status(), 401, "{what}");
        assert_eq!(world.https.asked(), Vec::<String>::new(), "{what}");
    }
}

/// A notification that Amazon did sign: for a topic that isn't ours, or with a certificate from elsewhere.
#[tokio::test]
async fn a_foreign_topic_or_host_causes_no_fetch() {
    let (provider, vector) = of("aws-sns");
    let mut body: Value = serde_json::from_str(&vector.body).unwrap();
    let mut other_topic = vector.clone();
    other_topic.secret = "arn:aws:sns:us-east-2:295079676684:another-topic".to_owned();
    body["SigningCertURL"] = json!("https://sns.us-east-2.amazonaws.com.evil.example/a.pem");
    let elsewhere = Vector { body: body.to_string(), ..vector.clone() };
    body["SigningCertURL"] = json!("http://sns.us-east-2.amazonaws.com/a.pem");
    let plain = Vector { body: body.to_string(), ..vector.clone() };
    for request in [other_topic, elsewhere, plain] {
        let world = World::of_vector(&provider, &request);
        assert_eq!(world.send(&request).await.status(), 401);
        assert_eq!(world.https.asked(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_unavailable_key_gives_503_and_never_401() {
    for name in ["google-chat", "aws-sns"] {
        let (world, vector) = world_of(name);
        world.faults.fail(Call::Get, Fault::Refuse, 1);
        for _ in 0..3 {
            assert_eq!(world.send(&vector).await.status(), 503, "{name}: it may be real");
        }
        assert_eq!(world.https.asked().len(), 1, "{name}");
        world.wait(KEY_RETRY.as_secs());
        assert!(is_accepted(&world.send(&vector).await), "{name}");
    }
}

#[tokio::test]
async fn an_invalid_key_document_counts_as_missing() {
    for (name, bad) in [
        ("google-chat", "not json".to_owned()),
        ("google-chat", r#"{"keys":[]}"#.to_owned()),
        ("google-chat", r#"{"keys":[{"kty":"oct","kid":"chat-key-1","k":"c2VjcmV0"}]}"#.to_owned()),
        ("google-chat", format!(r#"{{"keys":[{}]}}"#, vec!["{\"kty\":\"RSA\"}"; 33].join(","))),
        ("aws-sns", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
        ("aws-sns", "x".repeat(MAX_FETCHED_BYTES)),
    ] {
        let (world, vector) = world_of(name);
        vector.fetched.keys().for_each(|url| world.https.put(url, bad.as_bytes()));
        assert_eq!(world.send(&vector).await.status(), 503, "{name}: {bad:.40}");
        assert_eq!(world.queued().len(), 0);
    }
}

#[tokio::test]
async fn an_old_key_set_is_fetched_again_and_stays_in_use_during_an_outage() {
    let (provider, mut vector) = of("kinde");
    vector.at = Some("2026-11-20T10:00:00Z".to_owned());
    let lasting = provider.scheme.jwt.as_ref().is_some_and(|jwt| jwt.lasting) && provider.scheme.timestamp.is_none();
    assert!(lasting, "Kinde's token has no end, so the clock may go on");
    let world = World::of_vector(&provider, &vector);
    assert!(is_accepted(&world.send(&vector).await));
    world.wait(KEY_LIFETIME.as_secs() - 1);
    assert!(is_accepted(&world.send(&vector).await));
    assert_eq!(world.https.asked().len(), 1);
    world.wait(1);
    world.faults.fail(Call::Get, Fault::Refuse, 1);
    assert!(is_accepted(&world.send(&vector).await), "the old one serves");
    assert_eq!(world.https.asked().len(), 2);
    world.wait(KEY_RETRY.as_secs());
    assert!(is_accepted(&world.send(&vector).await));
    assert_eq!(world.https.asked().len(), 3);
    // A key that the provider removes from its set no longer verifies.
    vector.fetched.keys().for_each(|url| world.https.put(url, other_key_set()));
    world.wait(KEY_LIFETIME.as_secs());
    assert_eq!(world.send(&vector).await.status(), 401);
}

/// Somebody else's keys: Google Chat's of its vector.
fn other_key_set() -> String {
    of("google-chat").1.fetched.into_values().next().unwrap()
}

#[tokio::test]
async fn a_certificate_is_accepted_only_while_valid() {
    let (provider, mut vector) = of("aws-sns");
    for (at, status) in [("2022-07-28T21:23:58Z", 202), ("2019-01-01T00:00:00Z", 401), ("2026-11-20T10:00:00Z", 401)] {
        vector.at = Some(at.to_owned());
        let world = World::of_vector(&provider, &vector);
        assert_eq!(world.send(&vector).await.status(), status, "{at}");
    }
}

/// A subscription is confirmed by fetching the address that a signed request for our topic names, on Amazon's own hosts.
#[tokio::test]
async fn sns_is_confirmed_only_for_our_topic() {
    let fixture: Value = serde_json::from_str(include_str!("sns_confirmation.json")).unwrap();
    let certificate = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-7e57.pem";
    let subscribe = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:MyTopic&Token=2336412f37";
    let world = |topic: &str| {
        let now = Timestamp::parse_rfc3339("2026-12-01T10:00:00Z").unwrap();
        let world = World::of(vec![source_of(&preset("aws-sns"))], json!({ "aws-sns": topic }), now);
        world.https.put(certificate, fixture["certificate"].as_str().unwrap());
        world
    };
    let headers = [("content-type", "text/plain; charset=UTF-8"), ("x-amz-sns-message-type", "SubscriptionConfirmation")];
    let ask = async |world: &World, body: &str| world.ask("POST", "aws-sns", &headers, fixture[body].as_str().unwrap()).await;

    let ours = world("arn:aws:sns:us-west-2:123456789012:MyTopic");
    ours.https.put(subscribe, "<ConfirmSubscriptionResponse/>");
    assert_eq!(said(&ask(&ours, "confirmation").await), (200, ""));
    assert_eq!(ours.https.asked(), [certificate, subscribe]);
    assert_eq!((ours.calls(), ours.queued().len()), (0, 0));
    assert_eq!(ask(&ours, "of_another_host").await.status(), 400, "signed, and still not fetched");
    assert_eq!(ours.https.asked().len(), 2);

    let theirs = world("arn:aws:sns:us-west-2:123456789012:AnotherTopic");
    assert_eq!(ask(&theirs, "confirmation").await.status(), 401);
    assert_eq!(theirs.https.asked(), Vec::<String>::new());

    let down = world("arn:aws:sns:us-west-2:123456789012:MyTopic");
    assert_eq!(ask(&down, "confirmation").await.status(), 503, "asked again, and confirmed then");
}
