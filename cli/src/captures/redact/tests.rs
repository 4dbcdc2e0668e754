//! Canary tests: no planted secret remains. And deliveries of all known providers still have the same events.

use super::{Redactor, Vocabulary};
use crate::captures::{HERE, Recorded, demo_secret};
use crate::sources;
use receiver::delivery::Delivery;
use receiver::verify::can_sign;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use tidings_config::source::{FORM, Source};
use tidings_config::time::Timestamp;
use tidings_core::envelope::Envelope;
use tidings_events::{Sample, corpus, project};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

const SECRET: &str = "the-source-s-own-secret";

/// A redactor as `tidings capture` makes it for the demo's project.
fn redactor() -> Redactor {
    with(&["favourite_tea"], &[])
}

pub(super) fn with(masked: &[&str], kept: &[&str]) -> Redactor {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    static VOCABULARY: LazyLock<Vocabulary> =
        LazyLock::new(|| Vocabulary::of(Some(project::configuration()), &project::sources()));
    Redactor::new(VOCABULARY.clone(), vec![SECRET.to_owned()], &names(masked), &names(kept)).unwrap()
}

/// A redactor as `tidings capture` makes it for a source.
pub(super) fn of(source: &Source) -> Redactor {
    let vocabulary = Vocabulary::of(None, std::slice::from_ref(source));
    Redactor::new(vocabulary, vec![demo_secret(source).unwrap()], &[], &[]).unwrap()
}

/// The recorded form of a request with this body and these headers.
pub(super) fn recorded(redactor: &mut Redactor, source: &Source, body: &str, headers: &[(&str, &str)], query: &str) -> Recorded {
    let pairs = headers.iter().map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()));
    let delivery =
        Delivery { method: "POST".to_owned(), query: query.to_owned(), headers: pairs.collect(), body: body.to_owned().into() };
    let sample = redactor.redact(&delivery, source).unwrap();
    Recorded::of(&sample, source, false, NOW, Vec::new()).unwrap()
}

pub(super) fn none_left(text: &str, canaries: &[&str]) {
    let text = text.to_lowercase();
    for canary in canaries {
        let left = text.find(&canary.to_lowercase());
        assert!(
            left.is_none(),
            "{canary} is left: {}",
            text.get(left.unwrap_or_default().saturating_sub(60)..).map_or("", |t| t.get(..160).unwrap_or(t))
        );
    }
}

const CANARIES: &[&str] = &[
    "hunter2",
    "Kowalczyk",
    "Zofia",
    "zofia.k",
    "600700800",
    "600 700",
    "4242 4242",
    "42424242",
    "4111-1111",
    "203.0.113.9",
    "2001:db8:77",
    "Piwna",
    "00-265",
    "whsec_abc",
    "sk_live_51",
    "sourcesown",
    "source-s-own",
    "3704 0044",
    "U0ZOFIA",
    "1990-04",
    "7700177",
    "eyJzdWIi",
    "meet me",
    "earl grey",
    "cus_Z0fia",
    "Wm9maWEgS293",
    "52.2297",
    "Poppins",
    "xoxb-",
];

fn planted() -> Value {
    json!({
        "id": "ord-evt-1", "type": "order.shipped", "occurred_at": "2026-11-20T14:00:00Z", "sequence": 7,
        "order": { "id": "1042", "customer_phone": "+48600700800", "status": "shipped", "favourite_tea": "earl grey" },
        "customer": {
            "id": "cus_Z0fiaK1", "number": 7_700_177, "name": "Zofia Kowalczyk", "emails": ["zofia.k@poczta.example.com"],
            "address": { "line1": "Piwna 7", "postal_code": "00-265", "geo": { "lat": 52.2297, "lng": 21.0122 } },
            "born": { "birth_date": "1990-04-01" },
        },
        "nested": [[{ "deep": [{ "note": "meet me at Piwna", "x": "ask Zofia Kowalczyk or ZOFIA" }] }]],
        "assignees": ["Zofia Kowalczyk", { "login": "u0zofia-1" }],
        "odd": ["call 600 700 800 or +48 600 700 800", "pay with 4242 4242 4242 4242", "4111-1111-1111-1111", 4_242_424_242_424_242_u64],
        "raw": "{\"password\":\"hunter2\",\"to\":\"zofia.k@poczta.example.com\",\"inner\":\"{\\\"api_key\\\":\\\"hunter2\\\"}\"}",
        "base64": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, r#"{"n":"Zofia Kowalczyk","k":"hunter2"}"#),
        "log": "login failed password=hunter2 from 203.0.113.9 via 2001:db8:77::1",
        "credentials": { "anything": ["hunter2", { "v": "hunter2" }], "n": 7_700_177 },
        "config": ["whsec_abcdefgh12345678", "sk_live_51abcdefghijk", "xoxb-1234567890-abc"],
        "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ6b2ZpYSJ9.c2lnbmVk",
        "answers": [{ "label": "Your phone number", "value": "0048 600700800" }, { "key": "password", "values": ["hunter2"] },
            { "name": "First name", "answer": "zofia" }],
        "message-headers": [["To", "Mary Poppins <mary@poppins.example.com>"], ["Cookie", "sid=1"], ["X", "Authorization: Bearer hunter2"]],
        "seen": "poppins was here",
        "url": "https://zofia:hunter2@shop.example/u/u0zofia-1?token=hunter2&tel=%2B48600700800&m=zofia.k%40poczta.example.com",
        "echo": format!("it was {SECRET}"),
        "iban": "DE89 3704 0044 0532 0130 00",
        "zofia.k@poczta.example.com": { "48600700800": true },
        "bare": "48600700800", "bare_number": 48_600_700_800_u64,
        "bot": { "token": "xoxb-hunter2" },
        "empty": "", "nothing": null, "yes": true, "amount": 48.90,
    })
}

#[test]
fn no_planted_secret_is_left() {
    let source = sources::configured("orders").unwrap();
    let headers = [
        ("content-type", "application/json; x=hunter2"),
        ("authorization", "Bearer hunter2"),
        ("cookie", "session=hunter2"),
        ("x-orders-signature", "v1=hunter2"),
        ("x-orders-timestamp", "1795168800"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-user", "Zofia Kowalczyk"),
        ("user-agent", "zofia.k@poczta.example.com"),
    ];
    let recorded = recorded(&mut redactor(), &source, &planted().to_string(), &headers, "token=hunter2&who=zofia");
    let text = recorded.to_text().unwrap();
    none_left(&text, CANARIES);
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["path"], "/webhooks/orders");
    let kept: Vec<&String> = file["headers"].as_object().unwrap().keys().collect();
    assert_eq!(kept, ["content-type", "x-orders-timestamp"]);

    // Equal values have equal pseudonyms everywhere, and values that identify nobody are kept.
    let body = &file["body"];
    let digits = |value: &Value| value.to_string().chars().filter(char::is_ascii_digit).collect::<String>();
    let phone = digits(&body["order"]["customer_phone"]);
    assert_eq!((digits(&body["bare"]), digits(&body["bare_number"])), (phone.clone(), phone.clone()));
    assert!(body["order"]["customer_phone"].as_str().unwrap().starts_with("+48"));
    let name = body["customer"]["name"].as_str().unwrap();
    assert_eq!(body["assignees"][0], name);
    assert!(body["nested"][0][0]["deep"][0]["x"].as_str().unwrap().contains(name));
    assert!(body["id"].as_str().unwrap().starts_with("ord-evt-"), "what an id is of stays");
    assert_eq!((body["order"]["id"].as_str().unwrap().len(), body["amount"].to_string().len()), (4, 4));
    for (place, value) in [
        ("/type", json!("order.shipped")),
        ("/occurred_at", json!("2026-11-20T14:00:00Z")),
        ("/sequence", json!(7)),
        ("/empty", json!("")),
        ("/nothing", Value::Null),
        ("/yes", json!(true)),
    ] {
        assert_eq!(body.pointer(place), Some(&value), "{place}");
    }
    let places = |value: &Value| value.as_object().unwrap().keys().filter(|key| !key.contains('@')).cloned().collect::<Vec<_>>();
    assert_eq!(places(body), places(&planted()), "fields stay, in their order");
}

#[test]
fn secrets_in_nested_texts_are_replaced() {
    let source = sources::configured("orders").unwrap();
    let mut text = json!({ "first_name": "Weronika", "id": "w-1" }).to_string();
    for depth in 1..6 {
        let body = json!({ "id": "1", "type": "order.noted", "raw": text }).to_string();
        let file = recorded(&mut redactor(), &source, &body, &[("content-type", "application/json")], "").to_text().unwrap();
        none_left(&file, &["Weronika"]);
        assert_eq!(file.contains("first_name"), depth <= 3, "{depth}: {file}");
        text = json!({ "raw": text }).to_string();
    }
}

#[test]
fn a_signature_in_the_body_is_removed_under_any_field_name() {
    let mut source = sources::configured("orders").unwrap();
    source.scheme.signature.from = serde_json::from_value(json!("json:proof")).unwrap();
    let body = json!({ "id": "1", "type": "order.noted", "proof": "feedfacecafe" }).to_string();
    let file = recorded(&mut redactor(), &source, &body, &[("content-type", "application/json")], "").to_text().unwrap();
    none_left(&file, &["feedfacecafe"]);
    assert!(file.contains("\"proof\""), "{file}");
}

#[test]
fn forms_and_json_in_forms_too() {
    let twilio = sources::of_preset(&sources::preset("twilio").unwrap(), HERE);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("MessageSid", "SM7"),
            ("From", "whatsapp:+48600700800"),
            ("ProfileName", "Zofia Kowalczyk"),
            ("WaId", "48600700800"),
            ("Body", "meet me, Zofia"),
            ("Extra", r#"{"mail":"zofia.k@poczta.example.com","password":"hunter2"}"#),
            ("zofia.k@poczta.example.com", "x"),
            ("AccountSid", "AC1"),
        ])
        .finish();
    let text = recorded(&mut redactor(), &twilio, &body, &[("content-type", FORM)], "").to_text().unwrap();
    none_left(&text, CANARIES);
    none_left(&form_urlencoded::parse(text.as_bytes()).map(|(n, v)| format!("{n}={v}")).collect::<String>(), CANARIES);
    assert!(text.contains("MessageSid=") && !text.contains("=SM7"), "{text}");

    let slack = sources::of_preset(&sources::preset("slack-interactivity").unwrap(), HERE);
    let payload = json!({"type": "block_actions", "user": {"id": "U0ZOFIA1", "name": "zofia.k"}, "token": "hunter2",
        "actions": [{"action_id": "a", "value": "call +48 600 700 800"}], "response_url": "https://hooks.slack.com/x?token=hunter2"});
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .append_pair("also", "zofia.k@poczta.example.com")
        .finish();
    let text = recorded(&mut redactor(), &slack, &body, &[("content-type", FORM)], "").to_text().unwrap();
    let plain: String = form_urlencoded::parse(text.as_bytes()).map(|(n, v)| format!("{n}={v}")).collect();
    none_left(&plain, CANARIES);
    assert!(plain.contains(r#""type":"block_actions""#) || plain.contains(r#"\"type\":\"block_actions\""#), "{plain}");
}

/// The fields of a request's events that have no pseudonyms.
fn kept(events: &[Envelope]) -> Vec<(String, Option<Timestamp>, Option<String>)> {
    events.iter().map(|event| (event.event_type.clone(), event.time, event.sequence.clone())).collect()
}

fn assert_same_events(source: &Source, sample: &Sample, redactor: &mut Redactor) {
    let secret = demo_secret(source).unwrap();
    let request = sample.sign(source, &secret, NOW, None).unwrap();
    let before = request.events(source, &secret, NOW);
    assert!(!before.is_empty(), "{}", source.name);
    let redacted = match redactor.redact(&request.delivery(), source) {
        Ok(redacted) => redacted,
        Err(unfit) => {
            assert!(["braintree", "netlify"].contains(&source.name.as_str()), "{}: {unfit}", source.name);
            return;
        }
    };
    let recorded = Recorded::of(&redacted, source, true, NOW, Vec::new()).unwrap();
    let text = recorded.to_text().unwrap();
    assert!(!text.contains(&secret), "{}: {text}", source.name);
    let read: Recorded = serde_json::from_str(&text).unwrap();
    let after = read.sign(source, &secret, NOW).unwrap().events(source, &secret, NOW);
    assert_eq!(kept(&after), kept(&before), "{}: {text}", source.name);
    let keys = |events: &[Envelope]| events.iter().map(|event| event.claimkey.clone()).collect::<BTreeSet<_>>().len();
    assert_eq!(keys(&after), keys(&before), "{}: ids stay apart", source.name);
}

#[test]
fn the_corpus_keeps_its_events() {
    let mut redactor = redactor();
    let mut bodies = String::new();
    for case in corpus().cases.iter().filter(|case| case.tamper.is_none() && case.expect.status < 300) {
        let source = sources::configured(&case.source).unwrap();
        let sample = Sample::of_case(case, &source).unwrap();
        assert_same_events(&source, &sample, &mut redactor);
        let secret = demo_secret(&source).unwrap();
        let request = sample.sign(&source, &secret, NOW, None).unwrap();
        bodies += &String::from_utf8(redactor.redact(&request.delivery(), &source).unwrap().body).unwrap();
    }
    none_left(
        &bodies,
        &[
            "Lena Vogt",
            "lena.vogt",
            "LENA0001",
            "713920012",
            "203.0.113.24",
            "FixtureNotARealToken",
            "octo-coffee-barista",
            "NDkxNzEz",
        ],
    );
}

#[test]
fn every_signable_preset_keeps_its_events() {
    let mut held = 0;
    for provider in tidings_project::presets().iter().filter(|provider| can_sign(&provider.scheme)) {
        let source = sources::of_preset(provider, HERE);
        assert_same_events(&source, &Sample::of_preset(provider).unwrap(), &mut of(&source));
        held += 1;
    }
    assert!(held > 60, "{held} presets");
}

#[test]
fn an_unredactable_delivery_is_refused() {
    let mut redactor = redactor();
    let braintree = sources::of_preset(&sources::preset("braintree").unwrap(), HERE);
    let mut said = |source: &Source, content_type: &'static str, body: &[u8]| {
        let headers = [(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type))];
        let delivery = Delivery {
            method: "POST".to_owned(),
            query: String::new(),
            headers: headers.into_iter().collect(),
            body: body.to_vec().into(),
        };
        redactor.redact(&delivery, source).unwrap_err().to_string()
    };
    assert!(said(&braintree, FORM, b"bt_payload=x").contains("XML"));
    let orders = sources::configured("orders").unwrap();
    assert!(said(&orders, "application/octet-stream", b"\xff").contains("neither JSON nor a form"));
    assert!(said(&orders, "application/json", b"{").contains("doesn't match its content type"));
}
