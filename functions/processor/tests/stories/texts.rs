//! Texts are rendered for their channel and language when they are sent, and never fail the event.

use crate::support::{Harness, Sent};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::limits::{MAX_FACT_BYTES, MAX_TEXT_CHARS};
use tidings_config::time::Timestamp;
use tidings_core::claim::{Claim, ClaimState};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
policy: { quiet_hours: { from: "22:00", to: "07:00", zone: Europe/Berlin } }
rules:
  - { name: chosen, on: chosen, entity: "'preferences'", set: { language: data.language, zone: "has(data.zone) ? data.zone : null" } }
  - { name: days, on: days, notify: { text: "(1-2 days)!" } }
  - name: sent
    on: sent
    notify:
      text:
        default: "Parcel {data.id} of {minor(data.total, data.currency)}"
        sms: "{data.id} sent"
        de: "Paket {data.id} für {minor(data.total, data.currency)}"
        telegram: { default: "**{data.id}**", de: "**Paket {data.id}**" }
  - name: paid
    on: paid
    notify: { text: "{money(data.amount, 'eur')} {minor(data.cents, data.currency)} {date(data.at, 'medium')} {plural(data.n, {'one': '# item', 'other': '# items'})}" }
  - { name: by, on: by, notify: { text: "by {data.carrier.name|our carrier}, {data.tracking|no number}{data.note|}" } }
  - { name: priced, on: priced, notify: { text: "{data.price * 1.19} {money(data.price * 1.19, 'eur')} {money(data.price / 3, 'eur')} {money(data.price / 4000, 'eur')}" } }
  - { name: exact, on: exact, notify: { text: "{data.fee} {money(data.fee, 'eur')} {money(data.free ? -1 : data.fee, 'eur')} {money(data['total-fee'], 'eur')}" } }
  - { name: must, on: must, notify: { text: "by {data.carrier}" } }
  - { name: long, on: long, set: { n: data.n }, notify: { text: "{data.text} the end" } }
  - { name: linked, on: linked, notify: { text: "[Pay now]({data.url}) or {data.url}" } }
"#;

fn harness() -> Harness {
    Harness::with(read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}")), |store| store)
}

async fn happens(harness: &Harness, who: &str, event_type: &'static str, data: Value) -> Claim {
    let id: &'static str = Box::leak(format!("{event_type}-{who}-{}", harness.outside.actions.sent().len()).into_boxed_str());
    let mut data = data;
    data["who"] = json!(who);
    let sent = Sent { id, event_type, order: "1", age_seconds: 0, data };
    let _ = harness.handle(vec![sent.message(5)]).await;
    harness.claim(&format!("orders#{id}")).unwrap()
}

async fn said(harness: &Harness, who: &str) -> String {
    harness.settle().await;
    harness.said(who).pop().unwrap_or_default()
}

/// B13: sent unescaped, Telegram refused it.
#[tokio::test]
async fn the_authors_own_words_never_become_markup() {
    let harness = harness();
    happens(&harness, "telegram:7", "days", json!({})).await;
    assert_eq!(said(&harness, "telegram:7").await, "\\(1\\-2 days\\)\\!");
    let action = harness.actions().into_values().next().unwrap().1;
    assert_eq!((&action.data["format"], &action.data["channel"]), (&json!("MarkdownV2"), &json!("telegram")));
    for (who, text) in [("sms:+49", "(1-2 days)!"), ("whatsapp:49", "(1-2 days)!"), ("slack:C1", "(1-2 days)!")] {
        happens(&harness, who, "days", json!({})).await;
        assert_eq!(said(&harness, who).await, text, "{who}");
    }
}

#[tokio::test]
async fn a_computed_amount_is_rounded_and_a_received_one_keeps_its_digits() {
    let harness = harness();
    happens(&harness, "web:1", "priced", json!({"price": 10.0})).await;
    assert_eq!(said(&harness, "web:1").await, "11.9 €11.90 €3.33 €0.0025", "an amount that would be nothing keeps its digits");
    let fee: Value = serde_json::from_str(r#"{"fee": 0.12345678901234567, "free": false, "total-fee": 19.999}"#).unwrap();
    happens(&harness, "web:2", "exact", fee).await;
    let digits = "0.12345678901234567";
    assert_eq!(
        said(&harness, "web:2").await,
        format!("{digits} €{digits} €{digits} €19.999"),
        "a sign in what is chosen from, or in a name, computes nothing"
    );
}

#[tokio::test]
async fn a_text_is_selected_by_channel_and_language() {
    let harness = harness();
    let event = || json!({"id": "P1", "total": 1999, "currency": "eur"});
    for (who, language, text) in [
        ("web:1", "en", "Parcel P1 of €19.99"),
        ("web:2", "de-AT", "Paket P1 für 19,99\u{A0}€"),
        ("sms:1", "en", "P1 sent"),
        ("sms:2", "de", "Paket P1 für 19,99\u{A0}€"),
        ("telegram:2", "de", "Paket P1"),
        ("telegram:3", "fr", "P1"),
    ] {
        happens(&harness, who, "chosen", json!({"language": language})).await;
        happens(&harness, who, "sent", event()).await;
        let said = said(&harness, who).await.replace('*', "").replace('\u{202F}', "\u{A0}");
        assert!(
            said == text || said.replace("&#160;", "\u{A0}") == text || language == "de-AT" && said.contains("Paket"),
            "{who}: {said}"
        );
    }
}

#[tokio::test]
async fn a_deferred_notification_uses_the_language_at_its_sending() {
    let harness = harness();
    harness.clock.set(Timestamp::parse_rfc3339("2026-11-22T23:00:00Z").unwrap());
    let event = json!({"id": "P1", "total": 123_456, "currency": "eur"});
    let claim = happens(&harness, "web:1", "sent", event).await;
    assert_eq!(claim.action_lines(), ["sent/notify waits until 2026-11-23T06:00:00.000Z"]);
    happens(&harness, "web:1", "chosen", json!({"language": "de"})).await;
    harness.pass(Duration::from_secs(12 * 3_600)).await;
    let said = said(&harness, "web:1").await;
    assert!(said.starts_with("Paket P1 für 1.234,56"), "{said}");
    let action = harness.actions().into_values().next().unwrap().1;
    assert_eq!(action.data["language"], "de");
}

#[tokio::test]
async fn amounts_numbers_and_dates_are_exact_in_a_language_and_a_zone() {
    let harness = harness();
    let event =
        || json!({"amount": 20, "cents": 9_007_199_254_740_993_i64, "currency": "usd", "at": "2026-11-20T23:30:00Z", "n": 1});
    happens(&harness, "sms:1", "paid", event()).await;
    assert_eq!(said(&harness, "sms:1").await, "€20.00 $90,071,992,547,409.93 Nov 21, 2026 1 item", "the quiet hours' zone");
    happens(&harness, "sms:2", "chosen", json!({"language": "de", "zone": "America/Sao_Paulo"})).await;
    happens(&harness, "sms:2", "paid", event()).await;
    let german = said(&harness, "sms:2").await;
    assert!(german.contains("20,00\u{A0}€ ") && german.contains(" 20.11.2026 1 item"), "{german}");
    let strange = json!({"amount": 1, "cents": "some", "currency": "points", "at": "soon", "n": [1]});
    let claim = happens(&harness, "sms:3", "paid", strange).await;
    assert_eq!(claim.state, ClaimState::Dead, "a list is no number of items, and nothing is said instead");
    let strange = json!({"amount": 1.005, "cents": "some", "currency": "points", "at": "soon", "n": "2"});
    happens(&harness, "sms:4", "paid", strange).await;
    assert_eq!(said(&harness, "sms:4").await.split_once(' ').unwrap().1, "some points soon 2 items", "as they are, never dead");
}

#[tokio::test]
async fn a_missing_value_uses_its_fallback_and_never_fails_the_event() {
    for (data, text) in [
        (json!({"carrier": {"name": "DHL"}, "tracking": "JJD1", "note": " (big)"}), "by DHL, JJD1 (big)"),
        (json!({}), "by our carrier, no number"),
        (json!({"carrier": null, "tracking": null, "note": null}), "by our carrier, no number"),
        (json!({"carrier": {}, "tracking": "", "note": []}), "by our carrier, no number"),
        (json!({"carrier": {"name": {"de": "Post"}}, "tracking": [1], "note": {"a": 1}}), "by our carrier, no number"),
        (json!({"carrier": "DHL", "tracking": 0, "note": false}), "by our carrier, 0false"),
    ] {
        let harness = harness();
        let claim = happens(&harness, "sms:1", "by", data.clone()).await;
        assert_eq!(claim.state, ClaimState::Processed, "{data}: {claim:?}");
        assert_eq!(said(&harness, "sms:1").await, text, "{data}");
    }
    let harness = harness();
    let claim = happens(&harness, "sms:1", "must", json!({"carrier": null})).await;
    assert_eq!(claim.state, ClaimState::Dead);
    assert!(claim.reason.unwrap().contains("add a fallback, as {data.carrier|our carrier}"));
}

#[tokio::test]
async fn an_over_long_text_is_cut_at_a_word_and_sent() {
    for chars in [MAX_TEXT_CHARS, MAX_FACT_BYTES, 10 * MAX_FACT_BYTES] {
        for who in ["sms:1", "telegram:1", "web:1", "c"] {
            let harness = harness();
            let text: String = "слово ".chars().cycle().take(chars).collect();
            let claim = happens(&harness, who, "long", json!({"n": 1, "text": text})).await;
            assert_eq!(
                (claim.state, claim.action_lines()),
                (ClaimState::Processed, vec!["long/notify queued".to_owned()]),
                "{chars} {who}"
            );
            let action = harness.actions().into_values().next().unwrap().1;
            assert_eq!(action.data["cut"], true, "{chars} {who}");
            let sent = action.data["text"].as_str().unwrap().chars().count();
            assert!((100..=MAX_TEXT_CHARS + 64).contains(&sent), "{chars} {who}: {sent}");
        }
    }
}

#[tokio::test]
async fn an_invalid_link_is_shown_as_text() {
    let harness = harness();
    happens(&harness, "sms:1", "linked", json!({"url": "https://pay.example/a_b"})).await;
    let link = said(&harness, "sms:1").await;
    assert!(link.starts_with("Pay now") && link.matches("https://pay.example/a_b").count() == 2, "{link}");
    happens(&harness, "sms:2", "linked", json!({"url": "soon"})).await;
    assert_eq!(said(&harness, "sms:2").await, "Pay now soon or soon");
}

#[test]
fn a_fact_set_from_prose_is_prose_in_texts() {
    let rules = r#"
version: 1
rules:
  - { name: asked, on: asked, set: { topic_id: data.subject, ticket: data.ticket.url } }
  - { name: told, on: told, notify: { text: "{facts.topic_id|it} {facts.ticket|soon}" } }
"#;
    let rules = read_rules("rules.yaml", rules, &[]).unwrap_or_else(|report| panic!("{report}"));
    // As the build embeds them.
    let json = serde_json::to_string(&rules).unwrap();
    let rules: tidings_config::rules::Rules = serde_json::from_str(&json).unwrap();
    let text = rules.rules[1].effects.notify.clone().unwrap().text;
    assert_eq!(text.prose.into_iter().collect::<Vec<_>>(), ["topic_id"]);
}
