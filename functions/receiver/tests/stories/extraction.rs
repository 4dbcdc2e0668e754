//! A verified request becomes events: who they are, what they are about, whose and when.

use crate::support::{ACCEPTED, DUPLICATE, Harness, UNAUTHENTIC, set};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::limits::{MAX_CONVERSATION_BYTES, MAX_DATASCHEMA_BYTES, MAX_EVENT_ID_BYTES, MAX_SUBJECT_BYTES};
use tidings_config::{Reference, Template};
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::Envelope;
use tidings_core::unreadable::Why;
use tidings_events::corpus;

/// Every event of the corpus, read off the bodies by hand: id | subject | time | conversation, as the preset knows it before any
/// rule | sequence.
const EVENTS: &str = "
7f3a4a10-c5a1-11f1-9d2e-1042c0ffee07 | octo-coffee/bot/issues/7               | 2026-11-20T09:12:00.000Z | github:octo-coffee/bot          | -
8a51c7d2-c5a1-11f1-8e4b-1042c0ffee08 | octo-coffee/bot/refs/heads/main        | 2026-11-20T15:05:44.000Z | github:octo-coffee/bot          | -
ord-evt-3000                         | order/1042                             | 2026-11-20T10:04:00.000Z | -                               | 2
evt_1TidingsCheckout1042             | checkout.session/cs_test_b1TidingsKaffeeNord1042q7Zk3mWcVx9RfLhYtE5sUoPjNaGdBiCw8X2 | 2026-11-20T10:00:00.000Z | stripe:cus_QkL3nAvogt01 | -
evt_1TidingsFailed0001               | payment_intent/pi_3TWvN8KaffeeNord1x1042Ok | 2026-11-20T09:55:40.000Z | stripe:cus_QkL3nAvogt01     | -
Ev0TIDINGS001                        | message/C0SUPPORT1/1795180202.418239   | 2026-11-20T13:10:02.418Z | slack:C0SUPPORT1                | -
94c2d6f0-c5c7-11f1-8f1d-1042c0ffee09 | octo-coffee/bot/deployments/2210000042 | 2026-11-20T13:41:52.000Z | github:octo-coffee/bot          | -
01EVTIDINGS0TRIGGERED0042            | incident/Q1TIDINGS042                  | 2026-11-20T13:53:20.481Z | pagerduty:incident/Q1TIDINGS042 | -
01EVTIDINGS0RESOLVED00042            | incident/Q1TIDINGS042                  | 2026-11-20T14:09:02.117Z | pagerduty:incident/Q1TIDINGS042 | -
orders/fulfilled:98880550-7158-44d4-b7cd-1042c0ffee02 | gid://shopify/Order/5678901234567 | 2026-11-20T14:30:00.000Z | shopify:gid://shopify/Customer/7300000104241 | -
orders/create:98880550-7158-44d4-b7cd-1042c0ffee01 | gid://shopify/Order/5678901234567 | 2026-11-20T10:00:05.000Z | shopify:gid://shopify/Customer/7300000104241 | -
msg_2Tidings1042Invoice01            | inv_2041                               | 2026-11-20T12:00:00.000Z | -                               | -
wamid.HBgMNDkxNzEzOTIwMDEyFQIAEhggMzE0NDY1OTIyOTFENUMzRjIwMzY1RUQ5MkY1OEZBMkQA | message/wamid.HBgMNDkxNzEzOTIwMDEyFQIAEhggMzE0NDY1OTIyOTFENUMzRjIwMzY1RUQ5MkY1OEZBMkQA | 2026-11-20T12:30:00.000Z | whatsapp:491713920012 | -
wamid.HBgMNDkxNzEzOTIwMDEyFQIAEhggRTZCMEFERDYyOUE4MTc2QzJENDA4QUZCNDNGMzk4NEEA | message/wamid.HBgMNDkxNzEzOTIwMDEyFQIAEhggRTZCMEFERDYyOUE4MTc2QzJENDA4QUZCNDNGMzk4NEEA | 2026-11-20T12:30:40.000Z | whatsapp:491713920012 | -
wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA==:sent | message/wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA== | 2026-11-20T12:30:03.000Z | whatsapp:491713920012 | -
wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA==:delivered | message/wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA== | 2026-11-20T12:30:05.000Z | whatsapp:491713920012 | -
ord-evt-3002                         | order/1042                             | 2026-11-21T09:30:00.000Z | -                               | 4
ord-evt-3001                         | order/1042                             | 2026-11-20T14:00:00.000Z | -                               | 3
ord-evt-4001                         | product/KN-SID-250                     | 2026-11-18T19:02:11.000Z | -                               | -
ord-evt-4002                         | product/KN-HUE-250                     | 2026-11-18T19:03:40.000Z | -                               | -
ord-evt-4003                         | product/KN-SID-250                     | 2026-11-20T15:30:00.000Z | -                               | -
ord-evt-3667                         | order/1042                             | 2026-11-20T10:00:05.000Z | -                               | 2
ord-evt-3666                         | order/1043                             | 2026-11-20T10:00:04.000Z | -                               | 2
";

/// An event's row.
fn row(event: &Envelope) -> String {
    let fields = [event.subject.clone(), event.time.map(|t| t.to_string()), event.conversation.clone(), event.sequence.clone()];
    let fields = fields.map(|field| field.unwrap_or_else(|| "-".to_owned()));
    format!("{} | {}", event.id, fields.join(" | "))
}

/// The table without its columns' width.
fn rows() -> Vec<String> {
    let row = |line: &str| line.split('|').map(str::trim).collect::<Vec<_>>().join(" | ");
    EVENTS.trim().lines().map(row).collect()
}

#[tokio::test]
async fn every_case_of_the_corpus_becomes_the_events_that_it_names() {
    let mut seen = Vec::new();
    for case in corpus().cases.iter().filter(|case| !case.repeats && case.expect.is_accepted()) {
        let harness = Harness::warm().await;
        assert_eq!(harness.send(&harness.case(&case.name)).await.said(), (case.expect.status, "accepted"), "{}", case.name);
        let events = harness.queued();
        assert_eq!(events.len(), case.expect.events.len(), "{}", case.name);
        for (event, expected) in events.iter().zip(&case.expect.events) {
            assert!(event.claimkey.as_str().starts_with(&expected.key), "{}: {}", case.name, event.claimkey);
            assert_eq!(event.event_type, expected.event_type, "{}", case.name);
            assert_eq!(event.source, format!("/webhooks/{}", case.source));
            seen.push(row(event));
            let claim = harness.claim(event.claimkey.as_str()).expect("it is claimed");
            assert_eq!((claim.event_id.as_ref(), &claim.subject), (Some(&event.id), &event.subject), "{}", case.name);
        }
    }
    assert_eq!(seen, rows(), "the table is now:\n{}", seen.join("\n"));
}

#[tokio::test]
async fn a_payload_of_one_event_travels_byte_for_byte() {
    for case in corpus().cases.iter().filter(|case| !case.repeats && case.expect.events.len() == 1 && case.source != "whatsapp") {
        let harness = Harness::warm().await;
        harness.send(&harness.case(&case.name)).await;
        assert_eq!(harness.queued()[0].data.get().as_bytes(), case.body().trim_ascii(), "{}", case.name);
    }
}

#[tokio::test]
async fn a_payload_of_many_is_split_with_its_shared_parts() {
    let harness = Harness::warm().await;
    harness.send(&harness.case("whatsapp-statuses")).await;
    let data: Vec<Value> = harness.queued().iter().map(|e| serde_json::from_str(e.data.get()).unwrap()).collect();
    assert_eq!(data[0]["text"]["body"], "Danke! Kommt das P\u{e4}ckchen heute/morgen? \u{1f4e6}");
    assert_eq!(data[0]["contacts"][0]["profile"]["name"], "Lena Vogt");
    assert_eq!((&data[1]["status"], &data[2]["status"]), (&json!("sent"), &json!("delivered")));
    assert!(data.iter().all(|d| d["metadata"]["phone_number_id"] == "279990000106642" && d.get("entry").is_none()));
}

/// The security rule: who can't sign can't choose an identity.
#[tokio::test]
async fn unsigned_data_never_changes_an_events_identity() {
    for case in corpus().cases.iter().filter(|case| !case.repeats && case.expect.is_accepted()) {
        let harness = Harness::warm().await;
        let delivery = harness.case(&case.name);
        let source = harness.source(&case.source).clone();
        harness.send(&delivery).await;
        let known: Vec<_> = harness.queued().into_iter().map(|event| event.claimkey).collect();

        let templates = source.events.iter().flat_map(|e| e.id.0.iter().chain(&e.event_type.0).chain(&e.subject.0));
        let mut names = vec!["x-github-delivery".to_owned(), "x-shopify-event-id".to_owned(), "idempotency-key".to_owned()];
        names.extend(templates.flat_map(Template::references).filter_map(Reference::header).map(str::to_owned));
        let unsigned: Vec<_> = names.into_iter().filter(|n| !source.scheme.covers(&Reference::Header(n.clone()))).collect();
        assert!(unsigned.len() >= 3);
        for name in unsigned {
            for value in ["other", "stripe#evt_1", ""] {
                let mut changed = delivery.clone();
                set(&mut changed, &name, value);
                let answer = harness.send(&changed).await;
                assert!([200, 202].contains(&answer.status), "{}: {name}: {value}: {answer:?}", case.name);
            }
        }
        let claims: Vec<_> = harness.store.claims().into_iter().map(|claim| claim.key).collect();
        let (unreadable, claims): (Vec<_>, Vec<_>) = claims.into_iter().partition(|key| key.as_str().contains("#unreadable:"));
        assert!(unreadable.len() <= 1, "{}: however often it is changed, it is kept once: {unreadable:?}", case.name);
        // An unsigned id of the delivery stands behind the hash of what was signed, never instead of it.
        let signed = |key: &ClaimKey| key.as_str().split('+').next().unwrap_or_default().to_owned();
        let (claims, known) = (claims.iter().map(signed).collect::<BTreeSet<_>>(), known.iter().map(signed).collect());
        assert_eq!(claims, known, "{}", case.name);
    }
}

#[tokio::test]
async fn the_version_of_a_payload_is_recorded_if_it_has_one() {
    let harness = Harness::warm().await;
    let body =
        |version: &str| format!(r#"{{"id":"{version}","type":"order.shipped","order":{{"id":"1"}},"schema_version":{version}}}"#);
    let longest = format!("\"{}\"", "1".repeat(MAX_DATASCHEMA_BYTES));
    let longer = format!("\"{}\"", "1".repeat(MAX_DATASCHEMA_BYTES + 1));
    for (version, told) in [("1", Some("1")), ("\"2026-10\"", Some("2026-10")), ("null", None), ("{}", None)] {
        let body = body(version).replace(r#""id":""2026-10"""#, r#""id":"x""#);
        assert_eq!(harness.send(&harness.signed("orders", body)).await.said(), ACCEPTED, "{version}");
        assert_eq!(harness.queued().last().unwrap().dataschema.as_deref(), told, "{version}");
    }
    for (version, told) in [(&longest, true), (&longer, false)] {
        let body = body("0").replace(r#""schema_version":0"#, &format!(r#""schema_version":{version}"#));
        let body = body.replace(r#""id":"0""#, &format!(r#""id":"{}""#, version.len()));
        assert_eq!(harness.send(&harness.signed("orders", body)).await.said(), ACCEPTED);
        assert_eq!(harness.queued().last().unwrap().dataschema.is_some(), told, "{} bytes", version.len() - 2);
    }
}

#[tokio::test]
async fn everything_that_a_scheme_can_sign_is_verified() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("thorough", r#"{"n":7}"#);
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
    let event = &harness.queued()[0];
    assert_eq!((event.claimkey.as_str(), event.event_type.as_str()), ("thorough#id-1", "thing.made"), "its id is signed");
    assert_eq!((event.sequence_number(), event.time), (Some(7), None));

    let mut other_id = delivery.clone();
    set(&mut other_id, "x-id", "id-2");
    let other_query = tidings_events::SignedRequest { path: delivery.path.replace("made", "lost"), ..delivery.clone() };
    let longer_query = tidings_events::SignedRequest { path: format!("{}&a=b", delivery.path), ..delivery.clone() };
    let no_query = tidings_events::SignedRequest { path: "/webhooks/thorough".to_owned(), ..delivery.clone() };
    for changed in [other_id, other_query, longer_query, no_query] {
        assert_eq!(harness.send(&changed).await.said(), UNAUTHENTIC, "{}", changed.path);
    }
    harness.wait(61);
    assert_eq!(harness.send(&delivery).await.said(), UNAUTHENTIC, "its own tolerance is a minute");
}

/// `{id}.{time}.{body}` reads the same when a part of one value is moved into its neighbour. It verifies, as it must; but
/// what was moved leaves no event behind.
#[tokio::test]
async fn values_moved_across_the_message_make_no_event() {
    let harness = Harness::warm().await;
    let now = harness.queue.messages().len();
    let delivery = harness.case("svix-invoice-paid");
    let at = delivery.headers["svix-timestamp"].to_str().unwrap().to_owned();
    let mut moved = delivery.clone();
    moved.body = format!("{at}.{}", String::from_utf8(delivery.body.clone()).unwrap()).into_bytes();
    set(&mut moved, "svix-id", "msg_2Tidings1042Invoice01");
    assert_eq!(harness.send(&moved).await.said(), UNAUTHENTIC, "the time would stand twice");

    let inner = harness.signed("svix", format!("{at}.{{\"type\":\"invoice.paid\"}}"));
    let mut split = inner.clone();
    set(&mut split, "svix-id", &format!("msg_1.{at}"));
    split.body = br#"{"type":"invoice.paid"}"#.to_vec();
    assert_eq!(harness.send(&inner).await.said(), ACCEPTED);
    assert_eq!(harness.queued()[now].unreadable().unwrap().why, Why::NotJson, "no provider signs this: it isn't JSON");
    assert_eq!(harness.send(&split).await.said(), ACCEPTED, "and who signs it may as well sign the other");
    assert_eq!(harness.queue.messages().len(), now + 2);
}

#[tokio::test]
async fn the_key_of_an_event_without_an_id_is_the_sha256_of_the_signed_bytes() {
    let harness = Harness::warm().await;
    let body = r#"{"type":"thing.made"}"#;
    harness.send(&harness.signed("bare", body)).await;
    // printf '%s' '{"type":"thing.made"}' | sha256sum
    let key = "bare#sha256:5bdb6b4fc8a04a6211f5650cb88258c08edf21144c36c4b582d26b2c7d8aa8e7";
    assert_eq!((harness.queued()[0].claimkey.as_str(), harness.queued()[0].id.as_str()), (key, key));
    assert_eq!(harness.send(&harness.signed("bare", body)).await.said(), DUPLICATE);
    assert_eq!(harness.send(&harness.signed("bare", format!("{body} "))).await.said(), ACCEPTED, "other bytes, other event");
}

#[tokio::test]
async fn texts_that_are_too_long_for_their_place_are_left_out() {
    let harness = Harness::warm().await;
    let order = |id: usize, subject: usize| {
        json!({"id": "i".repeat(id), "type": "order.shipped", "order": {"id": "s".repeat(subject)}}).to_string()
    };
    let fits = MAX_SUBJECT_BYTES - "order/".len();
    for body in [order(MAX_EVENT_ID_BYTES, fits), order(MAX_EVENT_ID_BYTES + 1, fits + 1)] {
        assert_eq!(harness.send(&harness.signed("orders", body)).await.said(), ACCEPTED);
    }
    let [kept, left] = &harness.queued()[..] else { panic!("two events") };
    assert_eq!(kept.claimkey.as_str().len(), "orders#".len() + MAX_EVENT_ID_BYTES);
    assert_eq!(kept.subject.as_ref().map(String::len), Some(MAX_SUBJECT_BYTES));
    assert!(left.claimkey.as_str().starts_with("orders#id-sha256:"), "{}", left.claimkey);
    assert_eq!(left.subject, None);

    let slack = |channel: usize| {
        json!({"event_id": channel.to_string(), "event": {"type": "app_mention", "channel": "c".repeat(channel)}}).to_string()
    };
    let fits = MAX_CONVERSATION_BYTES - "slack:".len();
    for channel in [fits, fits + 1] {
        harness.send(&harness.signed("slack", slack(channel))).await;
    }
    let conversations: Vec<_> = harness.queued()[2..].iter().map(|e| e.conversation.as_ref().map(String::len)).collect();
    assert_eq!(conversations, [Some(MAX_CONVERSATION_BYTES), None]);
}

#[tokio::test]
async fn a_valid_trace_is_passed_on_and_an_invalid_one_is_not() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (sent, kept) in [(trace, Some(trace)), ("00-x", None), ("", None), (&trace[1..], None), (&format!("{trace}-00"), None)] {
        let harness = Harness::warm().await;
        let mut delivery = harness.case("orders-shipped-late");
        set(&mut delivery, "traceparent", sent);
        harness.send(&delivery).await;
        assert_eq!(harness.queued()[0].traceparent.as_deref(), kept, "{sent}");
    }
}
