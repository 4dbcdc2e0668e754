//! Classes 7 and 8, attacks 4 and 14: what is fetched on account of a request, from where, and how often.

use super::{nothing_got_in, source};
use crate::world::{NOW, World, said};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use std::sync::LazyLock;
use tidings_config::AWS_SNS_FIELDS;
use tidings_config::limits::{KEY_FETCH_INTERVAL, KEY_RETRY, MAX_KEY_FETCHES, MAX_RESERVED_KEY_FETCHES};
use tidings_core::memory::{Call, Fault};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const GENUINE: &str = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";

/// A key with certificates of several names, in SNS's place.
static SIGNER: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("signer.json")).expect("JSON"));

fn certificate(name: &str) -> &'static str {
    SIGNER[name].as_str().expect("a certificate")
}

/// The body of a notification, signed with the key of [`SIGNER`].
fn notification(change: Value) -> String {
    static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| {
        let der = STANDARD.decode(SIGNER["pkcs8"].as_str().expect("a key")).expect("base64");
        RsaKeyPair::from_pkcs8(&der).expect("a key")
    });
    let mut body = json!({
        "Type": "Notification", "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", "TopicArn": TOPIC, "Message": "hi",
        "Timestamp": "2026-11-20T10:00:00.000Z", "SignatureVersion": "2", "SigningCertURL": GENUINE,
    });
    for (name, value) in change.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let mut text = String::new();
    for field in AWS_SNS_FIELDS {
        if let Some(value) = body.get(field).and_then(Value::as_str) {
            text.push_str(&format!("{field}\n{value}\n"));
        }
    }
    let mut signature = vec![0; KEY.public().modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("a signature");
    body["Signature"] = STANDARD.encode(signature).into();
    body.to_string()
}

fn world() -> World {
    World::of(vec![source("aws-sns")], json!({ "aws-sns": TOPIC }), NOW)
}

async fn send(world: &World, body: &str) -> u16 {
    said(&world.ask("POST", "aws-sns", &[("content-type", "text/plain; charset=UTF-8")], body).await).0
}

/// CVE-2026-32096, novu#11223: with a genuine signature and our own topic, and an address of somebody's choice to confirm.
#[tokio::test]
async fn class_7_a_subscribe_url_leads_nowhere_but_to_the_topic_s_own_confirmation() {
    let good = format!("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37fb687f");
    let confirmation =
        |url: &str| notification(json!({ "Type": "SubscriptionConfirmation", "Token": "2336412f37fb687f", "SubscribeURL": url }));
    let mut bad: Vec<String> = [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "https://169.254.169.254/?Action=ConfirmSubscription",
        "https://[::ffff:169.254.169.254]/?Action=ConfirmSubscription",
        "https://[fd00:ec2::254]/?Action=ConfirmSubscription",
        "https://2852039166/",
        "https://localhost/?Action=ConfirmSubscription",
        "file:///etc/passwd",
        "gopher://sns.us-east-1.amazonaws.com/",
        "https://169-254-169-254.rebind.example/?Action=ConfirmSubscription",
        "https://sns.s3.amazonaws.com/?Action=ConfirmSubscription",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    for (from, to) in [
        ("https://", "http://"),
        ("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com:443"),
        ("sns.us-east-1.amazonaws.com", "user@sns.us-east-1.amazonaws.com"),
        ("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com@evil.example"),
        ("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com.evil.example"),
        ("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com\\@evil.example"),
        ("sns.us-east-1.amazonaws.com", "sns.eu-west-1.amazonaws.com"),
        ("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com."),
        ("/?", "/redirect?"),
        ("Action=ConfirmSubscription", "Action=Publish"),
        ("Action=ConfirmSubscription", "Action=Unsubscribe&Action=ConfirmSubscription"),
        (":orders&", ":others&"),
        ("687f", "687f#"),
        ("687f", "687f&AuthenticateOnUnsubscribe=true"),
        ("687f", "687f%0d%0aHost: evil.example"),
    ] {
        bad.push(good.replacen(from, to, 1));
    }
    for url in &bad {
        let world = world();
        world.https.put(GENUINE, certificate("sns"));
        world.https.put(url, "anything");
        assert_eq!(send(&world, &confirmation(url)).await, 400, "{url}");
        assert_eq!(world.https.asked(), [GENUINE], "{url}");
        nothing_got_in(&world, url);
    }
    let world = world();
    world.https.put(GENUINE, certificate("sns"));
    world.https.answer(&good, 302);
    assert_eq!(send(&world, &confirmation(&good)).await, 503, "a redirect isn't followed");
    world.https.put(&good, "<ConfirmSubscriptionResponse/>");
    assert_eq!(send(&world, &confirmation(&good)).await, 200);
    assert_eq!(world.https.asked(), [GENUINE, &good, &good]);
}

/// novu#11056, attack 4: a certificate of a bucket on the allowed suffix, of another region, path, query or form. Nothing is fetched.
#[tokio::test]
async fn class_8_a_certificate_is_fetched_from_the_topic_s_own_region_and_path_alone() {
    for url in [
        "https://sns.s3.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.s3.amazonaws.com.cn/SimpleNotificationService-0a.pem",
        "https://sns.execute-api.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com/anything.pem",
        "https://sns.us-east-1.amazonaws.com/bucket/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem?versionId=1",
        "https://sns.us-east-1.amazonaws.com/?Action=GetTopicAttributes&SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem#",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-../x.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-%30a.pem",
        "https://sns.us-east-1.amazonaws.com:443/SimpleNotificationService-0a.pem",
        "https://x@sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
    ] {
        let world = world();
        world.https.put(url, certificate("sns"));
        assert_eq!(send(&world, &notification(json!({ "SigningCertURL": url }))).await, 401, "{url}");
        assert_eq!(world.https.asked(), Vec::<String>::new(), "{url}");
        nothing_got_in(&world, url);
    }
}

/// Attack 4, the document: one PEM and nothing else, of SNS's own name, valid now.
#[tokio::test]
async fn attack_4_a_certificate_is_one_pem_of_the_provider_s_name() {
    let pem = certificate("sns");
    let status = async |document: &str| {
        let world = world();
        world.https.put(GENUINE, document);
        let status = send(&world, &notification(json!({}))).await;
        assert_eq!(world.queued().len(), usize::from(status == 202));
        status
    };
    for name in ["sns", "opt_in"] {
        assert_eq!(status(certificate(name)).await, 202, "{name}");
    }
    assert_eq!(status(&format!("\n{}\r\n\r\n", pem.trim())).await, 202, "white space around it");
    for name in ["other_region", "bucket", "nobody"] {
        assert_eq!(status(certificate(name)).await, 401, "{name}: told apart, so no 503");
    }
    for document in [
        format!("<html><body>{pem}</body></html>"),
        format!("a text\n{pem}"),
        format!("{pem}a text"),
        format!("{pem}{}", certificate("bucket")),
        format!("{}{pem}", certificate("bucket")),
        pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        pem.replacen("-----BEGIN", "----BEGIN", 1),
        format!("{{\"certificate\":{}}}", json!(pem)),
    ] {
        assert_eq!(status(&document).await, 503, "{document:.60}");
    }
}

fn made_up(n: usize) -> String {
    notification(
        json!({ "SigningCertURL": format!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{n:08x}.pem") }),
    )
}

/// Attack 14: three hours of a forged request a minute, each with another address, always before the genuine one.
#[tokio::test]
async fn attack_14_a_forged_request_a_minute_takes_no_genuine_request_s_fetch() {
    let mut accepted = 0;
    for minute in 0..180 {
        // Each genuine one meets a container that was started a moment before: the worst case.
        let world = world();
        world.https.put(GENUINE, certificate("sns"));
        assert_eq!(send(&world, &made_up(minute)).await, 401, "its host says that there is no such address: nobody is paged");
        world.wait(1);
        accepted += usize::from(send(&world, &notification(json!({ "MessageId": minute.to_string() }))).await == 202);
    }
    assert_eq!(accepted, 180);
}

/// A sibling: a flood that makes up an address a second for five minutes. SNS's retry finds the reserve.
#[tokio::test]
async fn a_flood_of_made_up_addresses_keeps_no_genuine_one_out_and_is_bounded() {
    let world = world();
    world.https.put(GENUINE, certificate("sns"));
    let genuine = notification(json!({}));
    let mut taken_after = None;
    for second in 0..300 {
        for burst in 0..4 {
            let status = send(&world, &made_up(second * 4 + burst)).await;
            assert!([401, 503].contains(&status), "{status}");
        }
        // SNS: at once, and again each 20 s.
        if second >= 30 && second % 20 == 10 && send(&world, &genuine).await == 202 {
            taken_after.get_or_insert(second);
        }
        world.wait(1);
    }
    assert!(taken_after.is_some_and(|second| second <= 50), "{taken_after:?}");
    let most = u64::from(MAX_KEY_FETCHES + MAX_RESERVED_KEY_FETCHES) + 300 / KEY_FETCH_INTERVAL.as_secs() + 1;
    assert!(world.https.asked().len() as u64 <= most, "{} fetches, allowed: {most}", world.https.asked().len());
}

/// A sibling: the same wrong address again and again is asked once a minute, and costs nothing else.
#[tokio::test]
async fn an_address_that_failed_has_a_retry_time_of_its_own() {
    let world = world();
    world.https.put(GENUINE, certificate("sns"));
    for _ in 0..100 {
        assert_eq!(send(&world, &made_up(7)).await, 401);
    }
    assert_eq!(world.https.asked().len(), 1);
    assert_eq!(send(&world, &notification(json!({}))).await, 202);
    world.wait(KEY_RETRY.as_secs());
    assert_eq!(send(&world, &made_up(7)).await, 401);
    assert_eq!(world.https.asked().len(), 3);
    // Where the host is down, we can't tell: 503, and its own retry time as well.
    world.faults.fail(Call::Get, Fault::Refuse, 1);
    assert_eq!((send(&world, &made_up(8)).await, send(&world, &made_up(8)).await), (503, 503));
    assert_eq!(world.https.asked().len(), 4);
    for (status, said) in [(403, 503), (429, 503), (500, 503), (400, 401), (410, 401)] {
        let url = format!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{status:08x}.pem");
        world.https.answer(&url, status);
        assert_eq!(send(&world, &notification(json!({ "SigningCertURL": url }))).await, said, "{status}");
    }
}
