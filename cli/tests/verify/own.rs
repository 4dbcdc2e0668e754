//! A custom scheme: common mistakes in the user's own signing code.

use crate::support::{File, SECRET, VerifyOutput, run};
use ring::hmac;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const BODY: &str = r#"{"id":"o-1","type":"order.shipped","occurred_at":"2026-11-20T14:00:00Z","order":{"id":"7"}}"#;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A raw request of `orders`. Its signature is the MAC of this text with this key.
fn request(key: &[u8], time: &str, signed: &str, body: &str) -> String {
    let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    let hex: String = made.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "POST /webhooks/orders HTTP/1.1\ncontent-type: application/json\nx-orders-timestamp: {time}\n\
         x-orders-signature: v1={hex}\n\n{body}"
    )
}

fn ask(secret: &str, request: &str, more: &[&str]) -> VerifyOutput {
    let file = File::new(json!({ "orders": secret }).to_string());
    let options = [&["verify", "orders", "-", "--secrets", file.path()], more].concat();
    let people = run(&options, request.as_bytes());
    let machines = run(&[&options[..], &["--json"]].concat(), request.as_bytes());
    let people = String::from_utf8([people.stdout, people.stderr].concat()).expect("UTF-8");
    assert!(!people.contains(secret), "a secret was printed: {people}");
    let json: Value = serde_json::from_slice(&machines.stdout).unwrap_or_default();
    VerifyOutput { code: machines.status.code().expect("an exit"), json, people }
}

#[test]
fn each_common_mistake_of_custom_code_is_named() {
    let time = now().to_string();
    let right = format!("{time}.{BODY}");
    assert_eq!(ask(SECRET, &request(SECRET.as_bytes(), &time, &right, BODY), &[]).code, 0);
    for (signed, said) in [
        (format!("{time}\n{BODY}"), "a line feed separates the signed parts, but the scheme has a point"),
        (format!("{time}\r\n{BODY}"), "a line end (CRLF) separates"),
        (format!("{time}{BODY}"), "nothing separates"),
        (BODY.to_owned(), "only the body was signed"),
        (format!("{BODY}.{time}"), "in another order"),
    ] {
        let told = ask(SECRET, &request(SECRET.as_bytes(), &time, &signed, BODY), &[]);
        assert_eq!(told.code, 1, "{told:?}");
        assert!(told.hint(0).contains(said), "{said}: {told:?}");
    }
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, SECRET);
    for (key, said) in
        [(base64, "the base64 form of the secret as the key"), (format!("whsec_{SECRET}"), "without its prefix whsec_")]
    {
        let told = ask(SECRET, &request(key.as_bytes(), &time, &right, BODY), &[]);
        assert!(told.hint(0).contains(said), "{said}: {told:?}");
    }
}

#[test]
fn a_time_in_another_unit_is_named_and_no_clock_is_blamed() {
    let time = (now() * 1_000).to_string();
    let told = ask(SECRET, &request(SECRET.as_bytes(), &time, &format!("{time}.{BODY}"), BODY), &[]);
    assert!(told.hint(0).contains("the timestamp is in milliseconds"), "{told:?}");
    assert!(!told.hints().contains("it was valid at"), "{told:?}");
}

#[test]
fn the_signed_text_is_shown_on_request() {
    let time = now().to_string();
    let signed = format!("{time}.{BODY}");
    let request = request(SECRET.as_bytes(), &time, &signed, BODY);
    assert_eq!(ask(SECRET, &request, &["--show-signed"]).json["signed"], signed);
    assert!(ask(SECRET, &request, &[]).json["signed"].is_null(), "a body is shown to nobody who doesn't ask");
}

#[test]
fn an_event_that_the_receiver_reads_in_part_is_a_warning() {
    let time = now().to_string();
    let told = |body: &str| ask(SECRET, &request(SECRET.as_bytes(), &time, &format!("{time}.{body}"), body), &[]);
    let without_type = told(r#"{"id":"o-1","occurred_at":"2026-11-20T14:00:00Z"}"#);
    assert_eq!(without_type.code, 1, "it is authentic, and no event: {without_type:?}");
    for (at, said) in [
        ("\"1970-01-21T14:00:00Z\"", "before 2000"),
        ("\"2999-01-01T00:00:00Z\"", "the time of receipt is used"),
        ("\"tomorrow\"", "can't be read"),
        ("1795168800", "can't be read"),
    ] {
        let body = BODY.replace("\"2026-11-20T14:00:00Z\"", at);
        let seen = told(&body);
        assert!(seen.people.contains(said) && seen.people.contains("time.unit"), "{at}: {}", seen.people);
    }
}
