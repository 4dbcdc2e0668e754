//! Tests which values of a capture are kept, and that all others are replaced.

use super::tests::{none_left, of, recorded, with};
use super::{Redactor, Vocabulary};
use crate::sources;
use serde_json::{Value, json};
use tidings_events::project;

/// The redacted body of a delivery of the demo's orders.
fn body_of(redactor: &mut Redactor, mut body: Value) -> Value {
    let source = sources::configured("orders").unwrap();
    body["id"] = "1".into();
    body["type"] = "order.noted".into();
    let file = recorded(redactor, &source, &body.to_string(), &[("content-type", "application/json")], "");
    serde_json::from_str::<Value>(&file.to_text().unwrap()).unwrap()["body"].take()
}

#[test]
fn a_name_is_replaced_whatever_its_field_is_called() {
    for field in ["title", "subject", "status", "x", "tags", "label", "amount"] {
        for value in [json!("Zofia Kowalczyk"), json!(["zofia"]), json!({ "v": "for ZOFIA, by hand" }), json!(48_600_700_800_u64)]
        {
            let body = body_of(&mut with(&[], &[]), json!({ (field): value }));
            none_left(&body.to_string(), &["zofia", "kowalczyk", "48600700800"]);
        }
    }
}

#[test]
fn values_that_rules_compare_with_still_match() {
    let rules = r#"
version: 1
conversations: [{ on: "*", conversation: "'c:' + data.who" }]
rules:
  - name: a
    on: "*"
    when: >-
      data.status == 'On hold' && data.total >= 5000 && data.text.matches('(?i)\\brefund') && data.lines.exists(l, l.sku == 'ABC-1')
      && lowerAscii(data.mood) == 'angry' && data.url.startsWith('https://shop.example/') && data.roles['first name'] == 'x'
      && data.level in [42, 43] && data.code.startsWith('INV-')
    set: { state: { value: data.state, ladder: [packed, sent] } }
"#;
    let rules = rules.replace("lowerAscii(data.mood) == 'angry'", "data.mood == 'angry'");
    let rules = tidings_project::read_rules("rules.yaml", &rules, &["orders".to_owned()]).unwrap();
    let mut configuration = project::configuration().clone();
    configuration.rules = rules;
    let vocabulary = Vocabulary::of(Some(&configuration), &project::sources());
    let mut redactor = Redactor::new(vocabulary, Vec::new(), &[], &[]).unwrap();
    let was = json!({
        "status": "On hold", "total": 5200, "text": "I want a Refund, says Zofia", "lines": [{ "sku": "ABC-1", "by": "Zofia" }],
        "mood": "angry", "url": "https://shop.example/zofia", "roles": { "first name": "x" }, "level": 43, "code": "INV-7712",
        "state": "sent", "who": "Zofia", "note": "on hold",
    });
    let is = body_of(&mut redactor, was.clone());
    for same in ["status", "mood", "level", "state", "note"] {
        assert_eq!(is[same], was[same], "{same}");
    }
    none_left(&is.to_string(), &["zofia", "7712"]);
    assert!(is["total"].as_u64().is_some_and(|total| (5000..10_000).contains(&total) && total != 5200), "{is}");
    assert!(is["text"].as_str().unwrap().contains("Refund"), "{is}");
    assert!(is["url"].as_str().unwrap().starts_with("https://shop.example/"), "{is}");
    assert!(is["code"].as_str().unwrap().starts_with("INV-"), "{is}");
    assert_eq!((&is["lines"][0]["sku"], is["roles"].get("first name").is_some()), (&was["lines"][0]["sku"], true), "{is}");
}

#[test]
fn published_values_are_kept_only_at_their_place() {
    let stripe = sources::configured("stripe").unwrap();
    let body = json!({
        "id": "evt_1QExample0001zz", "object": "event", "created": 1_795_168_800, "type": "checkout.session.completed",
        "data": { "object": {
            "id": "cs_test_b2zofia01", "object": "checkout.session", "payment_status": "paid", "customer": "cus_TZofia00000001",
            "currency": "eur", "status": "Zofia", "note": "paid", "customer_details": { "email": "jenny@example.com" },
        } },
    });
    let file = recorded(&mut of(&stripe), &stripe, &body.to_string(), &[("content-type", "application/json")], "");
    let file: Value = serde_json::from_str(&file.to_text().unwrap()).unwrap();
    let object = &file["body"]["data"]["object"];
    assert_eq!(
        (&object["payment_status"], &object["object"], &object["currency"]),
        (&json!("paid"), &json!("checkout.session"), &json!("eur"))
    );
    assert_ne!(object["note"], "paid", "in other fields it may be a name");
    for (id, prefix) in [(&file["body"]["id"], "evt_"), (&object["id"], "cs_test_"), (&object["customer"], "cus_")] {
        assert!(id.as_str().unwrap().starts_with(prefix), "{id}");
    }
    none_left(&file.to_string(), &["zofia", "jenny", "1QExample"]);
}

#[test]
fn fields_are_kept_and_masked_by_name() {
    let body = json!({ "product_title": "Blue Mug", "meta": { "colour": "Blue", "buyer": { "name": "Zofia", "Zofia": 1 } }, "ok": "true" });
    let kept = body_of(&mut with(&["buyer", "ok"], &["ProductTitle", "meta", "ok"]), body.clone());
    assert_eq!((&kept["product_title"], &kept["meta"]["colour"]), (&json!("Blue Mug"), &json!("Blue")));
    none_left(&kept.to_string(), &["zofia", "true"]);
    assert_ne!(body_of(&mut with(&[], &[]), body)["product_title"], "Blue Mug");
}

#[test]
fn a_field_name_that_looks_like_one_is_kept() {
    let body = body_of(
        &mut with(&[], &[]),
        json!({
            "orderLines": 2, "line_1": 2, "s3Bucket": 2, "@type": 2, "xml:lang": 2, "X-Request-Id": 2,
            "zofia.k@poczta.example.com": 2, "Zofia Kowalczyk": 2, "48600700800": 2, "U0ZOFIA1": 2, "cus_Zofia00000001": 2,
        }),
    );
    for name in ["orderLines", "line_1", "s3Bucket", "@type", "xml:lang", "X-Request-Id"] {
        assert!(body.get(name).is_some(), "{name}: {body}");
    }
    none_left(&body.to_string(), &["zofia", "600700800", "kowalczyk"]);
    assert_eq!(body.as_object().unwrap().len(), 13, "{body}");
}

#[test]
fn percent_encoded_values_are_replaced_too() {
    let body = body_of(
        &mut with(&[], &[]),
        json!({ "url": "https://x.example/?n=%5Aofia&m=%D0%97%D0%BE%D1%84%D0%B8%D1%8F&o=%C7%EE%F4%E8%FF", "n": "Зофия" }),
    );
    none_left(&percent_encoding::percent_decode_str(body["url"].as_str().unwrap()).decode_utf8_lossy(), &["zofia", "Зофия"]);
    none_left(&body.to_string(), &["%C7%EE%F4", "%D0%97"]);
    let name = percent_encoding::utf8_percent_encode(body["n"].as_str().unwrap(), percent_encoding::NON_ALPHANUMERIC).to_string();
    assert!(body["url"].as_str().unwrap().contains(&name), "the same name is the same there: {body}");
}
