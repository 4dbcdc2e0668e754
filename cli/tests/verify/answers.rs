//! The receiver's response, and the events that a request would produce: `verify` runs the receiver itself.

use crate::support::{File, OTHER, SECRET, VerifyOutput, ours, run, set, signed, signed_at, verify};
use serde_json::{Value, json};
use tidings_config::limits::MAX_BODY_BYTES;
use tidings_config::time::{Clock, SystemClock};
use tidings_events::SignedRequest;

const NOW: &str = "2026-11-20T10:00:00Z";

fn ask(preset: &str, request: &SignedRequest) -> VerifyOutput {
    verify(preset, &json!({ preset: SECRET }), &ours(request), &[])
}

/// Verifies a request to a configured source, with the demo secrets.
fn of_source(source: &str, request: &[u8]) -> (i32, Value, String) {
    let json = run(&["verify", source, "-", "--json"], request);
    let people = run(&["verify", source, "-"], request);
    let text = String::from_utf8([people.stdout, people.stderr].concat()).unwrap();
    (json.status.code().unwrap(), serde_json::from_slice(&json.stdout).unwrap_or_default(), text)
}

/// A request of the orders' source, signed with its demo secret.
fn order(body: &str, more: &[&str]) -> Vec<u8> {
    let file = File::new(body);
    let output = run(&[&["send", "orders", "--file", file.path(), "--dry-run", "--json"], more].concat(), b"");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A request that is changed after it was signed.
fn changed(request: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut request: Value = serde_json::from_slice(request).unwrap();
    change(&mut request);
    request.to_string().into_bytes()
}

const SHIPPED: &str =
    r#"{"id":"k-9","type":"order.shipped","occurred_at":"2026-11-20T10:00:00Z","sequence":7,"order":{"id":"1042"}}"#;

#[test]
fn events_are_shown_with_all_fields_for_order_and_search() {
    let (code, told, people) = of_source("orders", &order(SHIPPED, &[]));
    assert_eq!(
        (code, &told["verified"], &told["accepted"], &told["answer"]["status"]),
        (0, &true.into(), &true.into(), &202.into())
    );
    assert_eq!(told["answer"]["body"], json!({ "status": "accepted", "message": "queued" }));
    let event = &told["answer"]["events"][0];
    for (field, value) in [
        ("key", "orders#k-9"),
        ("id", "k-9"),
        ("type", "order.shipped"),
        ("subject", "order/1042"),
        ("time", "2026-11-20T10:00:00Z"),
    ] {
        assert!(
            event[field].as_str().is_some_and(|seen| seen.trim_end_matches('Z').starts_with(value.trim_end_matches('Z'))),
            "{field}: {event}"
        );
        assert!(people.contains(value.trim_end_matches('Z')), "{field}: {people}");
    }
    assert_eq!((&event["conversation"], &event["order"]["sequence"]), (&Value::Null, &7.into()));
    assert!(people.contains("202") && people.contains("sequence 7"), "{people}");

    let told = ask("whatsapp", &signed("whatsapp", SECRET, |_, _| {}));
    assert!(told.json["answer"]["events"][0]["conversation"].as_str().unwrap().starts_with("whatsapp:"), "{told:?}");
}

#[test]
fn a_refusal_for_another_reason_than_the_signature_is_a_failure() {
    let good = order(SHIPPED, &[]);
    let get = |request: &mut Value| request["method"] = "PUT".into();
    let path = |request: &mut Value| request["path"] = "/webhooks/order".into();
    let stage = |request: &mut Value| request["path"] = "/prod/webhooks/orders".into();
    let media = |request: &mut Value| request["headers"]["content-type"] = "text/plain".into();
    let none = |request: &mut Value| drop(request["headers"].as_object_mut().unwrap().remove("content-type"));
    for (request, status, word, said) in [
        (changed(&good, get), 405, "method_not_allowed", "its method is PUT, allowed: POST"),
        (changed(&good, path), 404, "not_found", "/webhooks/order isn't the path of orders: that is /webhooks/orders"),
        (changed(&good, stage), 404, "not_found", "/prod/webhooks/orders isn't the path of orders"),
        (
            changed(&good, media),
            415,
            "unsupported_media_type",
            "Content-Type is text/plain, allowed for orders: application/json",
        ),
        (changed(&good, none), 415, "unsupported_media_type", "Content-Type is none"),
    ] {
        let (code, told, people) = of_source("orders", &request);
        let answer = &told["answer"];
        assert_eq!((code, &answer["status"], &answer["body"]["error"]), (1, &status.into(), &word.into()), "{people}");
        assert_eq!((&told["verified"], &told["accepted"], &answer["events"]), (&true.into(), &false.into(), &json!([])));
        assert!(people.contains(said) && people.contains('✗') && answer["hint"].as_str().unwrap().contains(said), "{people}");
    }
    let large = order(&format!("{SHIPPED}{}", " ".repeat(MAX_BODY_BYTES)), &[]);
    let (code, told, people) = of_source("orders", &large);
    assert_eq!((code, &told["answer"]["status"], &told["verified"]), (1, &413.into(), &false.into()), "{people}");
    assert!(told["why"].as_str().unwrap().contains("allowed: 1048576"), "{told}");
}

#[test]
fn a_signed_delivery_without_an_event_is_a_failure() {
    for (body, why) in [("{\"id\": \"k-9\"", "JSON"), (r#"{"event_id":"k-9"}"#, "type"), ("[]", "type")] {
        let (code, told, people) = of_source("orders", &order(body, &[]));
        assert_eq!((code, &told["verified"], &told["answer"]["status"]), (1, &true.into(), &202.into()), "{body}: {people}");
        let unreadable = told["answer"]["events"][0]["unreadable"].as_str().unwrap_or_default();
        assert!(unreadable.contains(why) && people.contains("dead-letter queue"), "{body}: {people}");
    }
}

#[test]
fn unreadable_fields_of_an_event_are_shown() {
    let strange = SHIPPED.replace("2026-11-20T10:00:00Z", "yesterday").replace(":7", ":\"seven\"");
    let (code, told, people) = of_source("orders", &order(&strange, &[]));
    let event = &told["answer"]["events"][0];
    assert_eq!(
        (code, &event["unread"], &event["time"], &event["order"]["by_receipt"]),
        (0, &json!(["time", "sequence"]), &Value::Null, &true.into())
    );
    assert!(
        people.contains("time, sequence: present, but not readable") && people.contains("the time of receipt is used"),
        "{people}"
    );
    let ahead = SHIPPED.replace("2026-11-20", "2096-11-20");
    let (_, told, people) = of_source("orders", &order(&ahead, &[]));
    assert_eq!(told["answer"]["events"][0]["order"]["by_receipt"], true);
    assert!(people.contains("too far in the future"), "{people}");
}

#[test]
fn each_event_of_a_delivery_is_shown() {
    let request = run(&["send", "--case", "whatsapp-statuses", "--dry-run", "--json"], b"").stdout;
    let (code, told, people) = of_source("whatsapp", &request);
    assert_eq!((code, told["answer"]["events"].as_array().unwrap().len()), (0, 3), "{people}");
    assert_eq!(people.matches("  event ").count(), 3, "{people}");
}

#[test]
fn a_forged_request_is_reported_with_its_response_and_without_events() {
    let told = ask("github", &signed("github", OTHER, |_, _| {}));
    assert_eq!((told.code, &told.json["answer"]["status"], &told.json["accepted"]), (1, &401.into(), &false.into()));
    assert_eq!(told.json["answer"]["events"], json!([]));
}

#[test]
fn a_handshake_is_reported_with_its_response() {
    let mut request = signed("asana", SECRET, |_, _| {});
    request.headers.clear();
    set(&mut request, "x-hook-secret", OTHER);
    let told = verify("asana", &json!({ "asana": SECRET }), &ours(&request), &[]);
    assert_eq!((told.code, &told.json["verified"]), (1, &false.into()), "nobody signed it");
    assert!(told.people.contains("answer "), "{told:?}");
    let challenge = br#"{"method":"POST","path":"/webhooks/slack","headers":{"content-type":"application/json"},"body":"{\"type\":\"url_verification\",\"challenge\":\"abc\"}"}"#;
    let (code, told, _) = of_source("slack", challenge);
    assert_eq!((code, &told["answer"]["status"]), (1, &401.into()), "Slack signs its handshake");
}

#[test]
fn a_body_signed_before_compression_verifies_as_at_the_receiver() {
    let mut request = signed("github", SECRET, |_, _| {});
    let plain = ask("github", &request);
    request.body = gzip(&request.body);
    set(&mut request, "content-encoding", "gzip");
    let packed = ask("github", &request);
    assert_eq!((packed.code, &packed.json["verified"]), (0, &true.into()), "{packed:?}");
    let kind = |told: &VerifyOutput| told.json["answer"]["events"][0]["type"].clone();
    assert_eq!(kind(&packed), kind(&plain));
}

/// A gzip of one stored block (RFC 1951, 1952).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let length = u16::try_from(bytes.len()).unwrap();
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    packed.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    packed.extend(bytes);
    packed.extend((!crc).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}

#[test]
fn a_dry_run_shows_the_response() {
    let output = run(&["send", "stripe", "--dry-run", "--json"], b"");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["answer"]["status"]), (Some(0), &202.into()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the receiver would answer 202"), "{output:?}");
    let file = File::new(r#"{"event_id":"k-9"}"#);
    let output = run(&["send", "orders", "--file", file.path(), "--dry-run"], b"");
    assert!(String::from_utf8_lossy(&output.stderr).contains("dead-letter queue"), "{output:?}");
    let output = run(&["send", "stripe", "--tamper", "signature", "--dry-run"], b"");
    assert!(String::from_utf8_lossy(&output.stderr).contains("would answer 401"), "{output:?}");
}

#[test]
fn an_old_request_gets_the_response_of_its_time() {
    let at = SystemClock.now().minus(std::time::Duration::from_secs(86_400));
    let old = signed_at("stripe", SECRET, at, |_, _| {});
    let told = ask("stripe", &old);
    assert_eq!((told.code, &told.json["answer"]["status"]), (1, &401.into()));
    let told = verify("stripe", &json!({ "stripe": SECRET }), &ours(&old), &["--at", &at.to_string()]);
    assert_eq!((told.code, &told.json["answer"]["status"]), (0, &202.into()), "{told:?}");
    assert!(verify("stripe", &json!({ "stripe": SECRET }), &ours(&old), &["--at", NOW]).code == 1);
}
