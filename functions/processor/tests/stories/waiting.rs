//! When and whether something is said: what waits is said in the order of the events, the newest state only, and no burst starves
//! what is new.

use crate::support::{Harness, message};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Content, ItemKey, Place};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::memory::log::{capture, counted};
use tidings_core::telemetry::Metric;
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations:
  - { on: "paid.*", identity: "'customer:' + data.who" }
  - { on: "*", conversation: data.who }
policy:
  POLICY
rules:
  - { name: chosen, on: chosen, entity: "'preferences'", set: { FACTS } }
  - { name: link, on: linked, link: "'customer:' + data.who" }
  - { name: paid, on: "paid.*", notify: { text: "{data.text}" } }
  - { name: note, on: note, notify: { text: "{data.text}" } }
  - { name: status, on: "order.*", set: { status: data.text }, notify: { text: "{data.text}" }, if_stale: skip }
  - { name: every, on: every, set: { status: data.text }, notify: { text: "{data.text}" } }
  - { name: still, on: still, set: { status: data.text } }
  - { name: stands, on: stands, goto: away }
  - { name: at-node, on: at-node, goto: asked, notify: { text: "{data.text}" }, if_stale: skip }
  - { name: climbs, on: climbs, set: { rung: { value: data.rung, ladder: [low, high] } }, notify: { text: "{data.text}" }, if_stale: skip }
  - { name: brief, on: brief, set: { code: { value: data.text, ttl: 1h } }, notify: { text: "{data.text}" }, if_stale: skip }
  - { name: gone, on: gone, unset: status, notify: { text: "{data.text}" }, if_stale: skip }
  - { name: tip, on: tip, notify: { text: "{data.text}", cap: { at_most: 1, within: 4h } } }
  - { name: fire, on: fire, priority: urgent, notify: { text: "{data.text}" } }
  - { name: did, on: did, emit: { type: did, data: { text: data.text } } }
"#;

const QUIET: &str = r#"quiet_hours: { from: "22:00", to: "07:00", zone: UTC }"#;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn harness(policy: &str) -> Harness {
    of(&yaml(policy))
}

fn yaml(policy: &str) -> String {
    // Fields that an event doesn't set have defaults.
    let fact = |name| format!("{name}: \"has(data.{name}) ? data.{name} : null\"");
    let facts = ["opt_in", "channels", "zone", "quiet_from", "quiet_to"].map(fact).join(", ");
    RULES.replace("POLICY", policy).replace("FACTS", &facts)
}

fn of(yaml: &str) -> Harness {
    let rules = read_rules("rules.yaml", yaml, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

/// An event of this second of its own time, received now.
fn body(harness: &Harness, event_type: &str, second: i64, mut data: Value) -> String {
    data["who"] = json!("ann");
    // The key doesn't depend on the order.
    let id = format!("{event_type}-{:03}-{second}", (second * 577).rem_euclid(1_000));
    Envelope::new(NewEnvelope {
        id: id.clone(),
        source: "s".to_owned(),
        event_type: event_type.to_owned(),
        subject: Some("order/1".to_owned()),
        time: Some(Timestamp::from_unix_ms(at("2026-11-22T09:00:00Z").unix_ms() + second * 1_000)),
        conversation: None,
        sequence: None,
        received: harness.clock.now(),
        claim_key: ClaimKey::new("s", &id),
        traceparent: None,
        payload: Payload::Json(serde_json::value::to_raw_value(&data).unwrap()),
    })
    .encode()
}

async fn comes(harness: &Harness, event_type: &str, second: i64, text: &str) {
    let body = body(harness, event_type, second, json!({"text": text, "rung": text}));
    assert_eq!(harness.handle(vec![message("m", &body, 1)]).await, [""; 0]);
}

async fn chooses(harness: &Harness, second: i64, what: Value) {
    let body = body(harness, "chosen", second, what);
    assert_eq!(harness.handle(vec![message("m", &body, 1)]).await, [""; 0]);
}

fn night(harness: &Harness) {
    harness.clock.set(at("2026-11-22T23:00:00Z"));
}

async fn hours(harness: &Harness, hours: u64) {
    harness.pass(Duration::from_secs(hours * 3_600)).await;
}

/// The outcomes in the claims of the conversation's timers.
fn woken(harness: &Harness) -> Vec<String> {
    let mut claims = harness.store.claims();
    claims.retain(|claim| claim.event_type == "tidings.wake");
    claims.sort_by_key(|claim| claim.key.clone());
    claims.into_iter().flat_map(|claim| claim.action_lines()).collect()
}

const SIX: [usize; 6] = [3, 0, 5, 1, 4, 2];
const WORDS: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

/// B9.
#[tokio::test]
async fn six_notifications_of_a_night_are_sent_in_the_morning_in_order() {
    let harness = harness(QUIET);
    night(&harness);
    for n in SIX {
        comes(&harness, "note", i64::try_from(n).unwrap(), WORDS[n]).await;
    }
    hours(&harness, 9).await;
    assert_eq!(harness.said("ann"), WORDS);
}

#[tokio::test]
async fn six_notifications_that_waited_for_a_link_are_sent_in_order() {
    for policy in ["opt_in: assumed", QUIET] {
        let harness = harness(policy);
        for n in SIX {
            comes(&harness, "paid.x", i64::try_from(n).unwrap(), WORDS[n]).await;
        }
        if policy == QUIET {
            night(&harness);
        }
        comes(&harness, "linked", 7, "").await;
        comes(&harness, "note", 8, "seven").await;
        hours(&harness, 10).await;
        assert_eq!(harness.said("ann"), ["one", "two", "three", "four", "five", "six", "seven"], "{policy}");
    }
}

#[tokio::test]
async fn an_identitys_notifications_precede_new_ones_before_its_timer_fires() {
    let harness = harness("opt_in: assumed");
    comes(&harness, "paid.x", 1, "held").await;
    comes(&harness, "linked", 2, "").await;
    comes(&harness, "note", 3, "new").await;
    comes(&harness, "fire", 4, "urgent").await;
    assert_eq!(harness.said("ann"), ["urgent"], "which passes on purpose");
    harness.settle().await;
    assert_eq!(harness.said("ann"), ["urgent", "held", "new"]);
}

/// A late timer, as in a backlog: its notifications are due and precede new ones.
#[tokio::test]
async fn a_new_notification_does_not_overtake_a_due_one() {
    let harness = harness(QUIET);
    night(&harness);
    comes(&harness, "note", 1, "evening").await;
    harness.outage(Duration::from_secs(9 * 3_600));
    comes(&harness, "note", 2, "morning").await;
    assert_eq!(harness.said("ann"), ["evening", "morning"]);
    hours(&harness, 24).await;
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (2, 0));
}

#[tokio::test]
async fn an_emitted_action_does_not_overtake_a_due_notification() {
    let harness = harness("opt_in: assumed");
    comes(&harness, "paid.x", 1, "held").await;
    comes(&harness, "linked", 2, "").await;
    comes(&harness, "did", 3, "done").await;
    harness.settle().await;
    let sent: Vec<String> = harness.outside.actions.sent().into_iter().map(|(_, _, action)| action.rule).collect();
    assert_eq!(sent, ["paid", "did"]);
}

/// A person whose quiet hours ended gets the notifications with the next event, in order.
#[tokio::test]
async fn waiting_notifications_follow_the_persons_newer_preferences() {
    let harness = harness(QUIET);
    night(&harness);
    comes(&harness, "note", 1, "one").await;
    chooses(&harness, 2, json!({"quiet_from": "03:00", "quiet_to": "04:00"})).await;
    comes(&harness, "note", 3, "two").await;
    assert_eq!(harness.said("ann"), ["one", "two"]);
    hours(&harness, 24).await;
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (2, 0));
}

/// More than one transaction sends: the next timer sends the rest, and new ones stay after it.
#[tokio::test]
async fn forty_due_notifications_are_sent_in_order_before_new_ones() {
    let harness = harness(QUIET);
    night(&harness);
    for n in 0..40_i64 {
        comes(&harness, "note", (n * 7) % 40, &((n * 7) % 40).to_string()).await;
    }
    harness.outage(Duration::from_secs(9 * 3_600));
    comes(&harness, "note", 50, "50").await;
    comes(&harness, "fire", 60, "60").await;
    harness.settle().await;
    let said: Vec<i64> = harness.said("ann").iter().map(|text| text.parse().unwrap()).collect();
    let (urgent, rest): (Vec<i64>, Vec<i64>) = said.iter().partition(|n| **n == 60);
    assert_eq!((urgent, rest), (vec![60], (0..40).chain([50]).collect()));
}

/// B10.
#[tokio::test]
async fn a_notification_overtaken_while_waiting_is_not_sent() {
    for order in [[0, 1], [1, 0]] {
        let harness = harness(QUIET);
        night(&harness);
        for n in order {
            comes(&harness, ["order.shipped", "order.cancelled"][n], i64::try_from(n).unwrap(), ["on its way", "cancelled"][n])
                .await;
        }
        hours(&harness, 9).await;
        assert_eq!(harness.said("ann"), ["cancelled"], "{order:?}");
        let stale = "status/notify withheld: stale".to_owned();
        if order == [0, 1] {
            assert_eq!(woken(&harness), [stale, "status/notify queued".to_owned()], "the timer's claim says it");
        }
    }
}

#[tokio::test]
async fn a_notification_overtaken_by_a_silent_event_is_not_sent() {
    for (said, by, text) in [("order.shipped", "still", "held"), ("at-node", "stands", "asks"), ("gone", "still", "gone")] {
        let harness = harness(QUIET);
        night(&harness);
        comes(&harness, said, 1, text).await;
        comes(&harness, by, 2, "newer").await;
        hours(&harness, 9).await;
        assert_eq!(harness.said("ann"), [""; 0], "{said}");
    }
}

#[tokio::test]
async fn a_notification_survives_older_events_and_the_expiry_of_its_fact() {
    for (said, by, second) in [("order.shipped", "still", 0), ("brief", "still", 2), ("every", "still", 2), ("gone", "note", 2)] {
        let harness = harness(QUIET);
        night(&harness);
        comes(&harness, said, 1, "said").await;
        comes(&harness, by, second, "other").await;
        hours(&harness, 9).await;
        assert!(harness.said("ann").contains(&"said".to_owned()), "{said}: {:?}", harness.said("ann"));
    }
}

/// The higher rung wins, whenever it was reached.
#[tokio::test]
async fn a_passed_rung_is_not_sent_in_either_order() {
    for order in [[0, 1], [1, 0]] {
        let harness = harness(QUIET);
        night(&harness);
        for n in order {
            // The lower one is the newer event.
            comes(&harness, "climbs", i64::try_from(1 - n).unwrap(), ["low", "high"][n]).await;
        }
        hours(&harness, 9).await;
        assert_eq!(harness.said("ann"), ["high"], "{order:?}");
    }
}

#[tokio::test]
async fn a_notification_overtaken_before_its_link_is_not_sent() {
    let yaml = RULES.replace("POLICY", "opt_in: assumed").replace("FACTS", "opt_in: true");
    let skips = "{ name: paid, on: \"paid.*\", set: { status: data.text }, if_stale: skip,";
    let harness = of(&yaml.replace("{ name: paid, on: \"paid.*\",", skips));
    comes(&harness, "paid.x", 1, "open").await;
    comes(&harness, "paid.y", 3, "paid").await;
    // The conversation has a newer value already.
    comes(&harness, "still", 4, "refunded").await;
    comes(&harness, "linked", 5, "").await;
    harness.settle().await;
    assert_eq!((harness.said("ann"), harness.fact("ann", "order/1", "status")), (vec![], json!("refunded")));
}

fn burst(policy: &str) -> String {
    format!("cap: {{ at_most: 20, within: 24h{policy} }}")
}

async fn storm(harness: &Harness, count: i64) {
    for n in 0..count {
        comes(harness, "note", n, &format!("n{n}")).await;
    }
}

fn numbers(range: std::ops::Range<i64>) -> Vec<String> {
    range.map(|n| format!("n{n}")).collect()
}

/// B11.
#[tokio::test]
async fn a_burst_over_a_cap_sends_the_newest_when_there_is_room() {
    capture();
    let harness = harness(&burst(""));
    storm(&harness, 300).await;
    assert_eq!(harness.said("ann"), numbers(0..20));
    hours(&harness, 24).await;
    assert_eq!(harness.said("ann")[20..], numbers(280..300), "in their order, a day later");
    hours(&harness, 8 * 24).await;
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (40, 0));
    assert_eq!(counted(Metric::OverCap).len(), 260);
}

#[tokio::test]
async fn a_burst_over_a_digest_cap_is_one_message() {
    let harness = harness(&burst(", overflow: digest"));
    storm(&harness, 300).await;
    assert_eq!(harness.said("ann"), numbers(0..20));
    hours(&harness, 24).await;
    let (_, _, action) = harness.outside.actions.sent().pop().unwrap();
    let text = action.data["text"].as_str().unwrap().to_owned();
    assert_eq!(harness.said("ann").len(), 21);
    let (count, shown) = (action.data["digest"]["count"].as_u64().unwrap(), action.data["digest"]["shown"].as_u64().unwrap());
    assert_eq!(count, 280, "what had to leave is counted: {text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.last(), Some(&"• n299"));
    assert_eq!((lines.len() as u64, lines[0]), (shown + 1, format!("… +{}", count - shown).as_str()));
    assert!(lines[1..].iter().rev().zip((0..300).rev()).all(|(line, n)| *line == format!("• n{n}")), "{text}");
    assert!(action.cause.as_str().contains("-299"), "of the newest: {}", action.cause);
    comes(&harness, "note", 400, "next").await;
    assert_eq!(harness.said("ann").last().unwrap(), "next", "it counts once");
}

#[tokio::test]
async fn a_burst_over_a_dropping_cap_is_withheld_immediately() {
    let harness = harness(&burst(", overflow: drop"));
    storm(&harness, 30).await;
    hours(&harness, 3 * 24).await;
    assert_eq!((harness.said("ann"), harness.outside.waiting()), (numbers(0..20), 0));
    let over =
        harness.store.claims().into_iter().filter(|claim| claim.action_lines() == ["note/notify withheld: over-cap"]).count();
    assert_eq!(over, 10);
}

#[tokio::test]
async fn a_night_beyond_a_cap_sends_the_newest_in_the_morning() {
    for (overflow, said) in [("", numbers(6..10)), (", overflow: drop", numbers(0..4))] {
        let harness = harness(&format!("{QUIET}\n  cap: {{ at_most: 4, within: 24h{overflow} }}"));
        night(&harness);
        for n in [3, 9, 1, 0, 7, 8, 2, 6, 5, 4] {
            comes(&harness, "note", n, &format!("n{n}")).await;
        }
        hours(&harness, 9).await;
        assert_eq!(harness.said("ann"), said, "{overflow}");
        assert!(woken(&harness).contains(&"note/notify withheld: over-cap ×6".to_owned()), "{:?}", woken(&harness));
        hours(&harness, 3 * 24).await;
        assert_eq!((harness.said("ann"), harness.outside.waiting()), (said, 0), "{overflow}");
    }
    let harness = harness(&format!("{QUIET}\n  cap: {{ at_most: 4, within: 24h, overflow: digest }}"));
    night(&harness);
    for n in [2, 0, 4, 1, 3] {
        comes(&harness, "note", n, &format!("n{n}")).await;
    }
    hours(&harness, 9).await;
    assert_eq!(harness.said("ann"), ["• n0\n• n1\n• n2\n• n3\n• n4"]);
}

/// A stale notification that waits for a cap uses no room.
#[tokio::test]
async fn a_stale_notification_uses_no_room_of_a_cap() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let harness = harness(&format!("{QUIET}\n  cap: {{ at_most: 2, within: 24h }}"));
        night(&harness);
        for n in order {
            let event_type = ["note", "order.a", "order.b", "order.c"][n];
            comes(&harness, event_type, i64::try_from(n).unwrap(), ["note", "a", "b", "c"][n]).await;
        }
        hours(&harness, 9).await;
        assert_eq!(harness.said("ann"), ["note", "c"], "{order:?}");
    }
}

#[tokio::test]
async fn a_rule_with_a_full_cap_blocks_no_other() {
    let harness = harness("opt_in: assumed");
    for (n, event_type) in ["tip", "tip", "note"].into_iter().enumerate() {
        comes(&harness, event_type, i64::try_from(n).unwrap(), WORDS[n]).await;
    }
    assert_eq!(harness.said("ann"), ["one", "three"]);
    hours(&harness, 4).await;
    assert_eq!(harness.said("ann"), ["one", "three", "two"]);
}

/// B14.
#[tokio::test]
async fn an_unreadable_preference_withholds_and_is_reported() {
    capture();
    let cases = [
        (json!({"opt_in": "false"}), "opt_in"),
        (json!({"opt_in": 0}), "opt_in"),
        (json!({"opt_in": "no"}), "opt_in"),
        (json!({"quiet_from": "21:00:00", "quiet_to": "07:00"}), "quiet_from"),
        (json!({"zone": "-05:00"}), "zone"),
        (json!({"channels": "sms"}), "channels"),
        (json!({"quiet_to": "07:00"}), "quiet_to"),
    ];
    for (what, preference) in cases {
        let harness = harness("opt_in: assumed");
        chooses(&harness, 1, what.clone()).await;
        comes(&harness, "note", 2, "hello").await;
        comes(&harness, "fire", 3, "urgent").await;
        let silences_urgent = ["opt_in", "channels"].contains(&preference);
        assert_eq!(harness.said("ann"), if silences_urgent { vec![] } else { vec!["urgent"] }, "{what}");
        let lines: Vec<String> = harness.store.claims().into_iter().flat_map(|claim| claim.action_lines()).collect();
        assert!(lines.contains(&format!("note/notify withheld: unreadable-preference {preference}")), "{what}: {lines:?}");
    }
    let by: std::collections::BTreeSet<String> = counted(Metric::PreferenceUnread).into_iter().map(|(_, word, _)| word).collect();
    assert!(by.contains("opt_in") && by.contains("quiet_from") && by.contains("zone"), "{by:?}");
}

/// B15.
#[tokio::test]
async fn quiet_hours_that_end_inside_the_repeated_hour_last_minutes_and_not_a_day() {
    let harness = harness(r#"quiet_hours: { from: "22:00", to: "02:20", zone: Europe/Berlin }"#);
    harness.clock.set(at("2026-10-25T01:00:00Z"));
    comes(&harness, "note", 1, "said").await;
    harness.pass(Duration::from_secs(20 * 60 - 1)).await;
    assert_eq!(harness.said("ann"), [""; 0]);
    harness.pass(Duration::from_secs(1)).await;
    assert_eq!(harness.said("ann"), ["said"]);
}

#[tokio::test]
async fn a_weekend_is_quiet_to_monday_morning() {
    let harness = harness(
        r#"quiet_hours: [{ from: "22:00", to: "07:00", zone: UTC }, { from: "00:00", to: "24:00", days: [sat, sun], zone: UTC }]"#,
    );
    harness.clock.set(at("2026-11-20T22:30:00Z"));
    comes(&harness, "note", 1, "said").await;
    assert_eq!(harness.claim("s#note-577-1").unwrap().action_lines(), ["note/notify waits until 2026-11-23T07:00:00.000Z"]);
    hours(&harness, 57).await;
    assert_eq!(harness.said("ann"), ["said"]);
}

/// The mark is removed when nothing waits, so that the next event reads no unneeded item.
#[tokio::test]
async fn a_conversation_without_waiting_notifications_has_no_mark() {
    let harness = harness(QUIET);
    let later = || match harness.store.items().get(&Place::new("ann", ItemKey::Outbox)).map(|item| item.content.clone()) {
        Some(Content::Outbox(outbox)) => outbox.later,
        _ => false,
    };
    comes(&harness, "note", 1, "day").await;
    assert!(!later());
    night(&harness);
    comes(&harness, "note", 2, "night").await;
    assert!(later());
    hours(&harness, 9).await;
    assert!(!later());
}

mod properties {
    use super::*;
    use crate::stores::Yielding;
    use crate::support::{AMPLE, another, handle};
    use futures::future::join_all;
    use proptest::prelude::*;
    use std::sync::Arc;
    use tidings_core::memory::{Call, Fault};

    const POLICIES: [&str; 4] = [
        "opt_in: assumed",
        "cap: { at_most: 3, within: 24h }",
        "cap: { at_most: 3, within: 24h, overflow: digest }",
        "cap: { at_most: 3, within: 24h, overflow: drop }",
    ];

    /// Said whatever is newer, and the newest state only; of a conversation, and of an identity whose link comes at the end.
    const KINDS: [&str; 7] = ["note", "every", "order.moved", "at-node", "climbs", "paid.x", "still"];

    fn policy(n: usize) -> String {
        format!("{QUIET}\n  {}", POLICIES[n])
    }

    fn any_events() -> impl Strategy<Value = Vec<(usize, i64)>> {
        // Few seconds, so that there are ties.
        proptest::collection::vec((0..KINDS.len(), 0..6_i64), 1..12)
    }

    fn bodies(harness: &Harness, events: &[(usize, i64)]) -> Vec<String> {
        let one = |(n, (kind, second)): (usize, &(usize, i64))| {
            let text = if KINDS[*kind] == "climbs" { ["low", "high"][n % 2].to_owned() } else { format!("{n}") };
            let body = body(harness, KINDS[*kind], *second, json!({"text": text, "rung": text}));
            // Each is a separate event.
            let mut envelope = Envelope::decode(&body).unwrap();
            (envelope.id, envelope.claimkey) = (n.to_string(), ClaimKey::new("s", &format!("{}-{n}", (n * 577) % 1_000)));
            envelope.encode()
        };
        let mut bodies: Vec<String> = events.iter().enumerate().map(one).collect();
        bodies.push(body(harness, "linked", 3, json!({"text": ""})));
        bodies
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
    }

    /// What is said by the end of two days, with each place in the order of arrival.
    fn one_by_one(events: &[(usize, i64)], keys: &[u32], policy: &str, failing: Option<(Call, Fault)>) -> Vec<String> {
        let harness = harness(policy);
        night(&harness);
        let bodies = bodies(&harness, events);
        let mut order: Vec<usize> = (0..bodies.len()).collect();
        order.sort_by_key(|n| keys.get(*n).copied().unwrap_or(0));
        let mut failed = None;
        runtime().block_on(async {
            for n in order.into_iter().chain([0]) {
                fails_next(&harness, failing, &mut failed);
                let mut receives = 1;
                while !harness.handle(vec![message("m", &bodies[n], receives)]).await.is_empty() {
                    receives += 1;
                    assert!(receives <= crate::support::MAX_RECEIVES);
                }
            }
            for _ in 0..48 {
                fails_next(&harness, failing, &mut failed);
                harness.pass_through(Duration::from_secs(3_600)).await;
            }
        });
        harness.said("ann")
    }

    /// The next such call fails, if the last one that was to fail has.
    fn fails_next(harness: &Harness, failing: Option<(Call, Fault)>, failed: &mut Option<u32>) {
        let Some((call, fault)) = failing else { return };
        let made = harness.faults.count(call);
        if failed.is_none_or(|before| made > before) {
            harness.faults.fail(call, fault, 1);
            *failed = Some(made);
        }
    }

    fn two_at_once(events: &[(usize, i64)], keys: &[u32], policy: &str, seed: u64) -> Vec<String> {
        let harness = harness(policy);
        night(&harness);
        let bodies = bodies(&harness, events);
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let rules = || read_rules("r", &yaml(policy), &[]).unwrap();
        let processors = [(); 2].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
        let mut order: Vec<usize> = (0..bodies.len()).collect();
        order.sort_by_key(|n| keys.get(*n).copied().unwrap_or(0));
        let (one, other) = order.split_at(order.len() / 2);
        let mut left = [one.to_vec(), other.to_vec()];
        runtime().block_on(async {
            while left.iter().any(|share| !share.is_empty()) {
                let batch = |share: &[usize]| share.iter().map(|n| message(&n.to_string(), &bodies[*n], 1)).collect();
                let work = processors.iter().zip(&left).map(|(processor, share)| handle(processor, batch(share), AMPLE));
                let failed = join_all(work).await;
                for (share, failed) in left.iter_mut().zip(failed) {
                    share.retain(|n| failed.contains(&n.to_string()));
                }
            }
            harness.pass(Duration::from_secs(48 * 3_600)).await;
        });
        harness.said("ann")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// All of a night, the link among it.
        #[test]
        fn the_same_notifications_are_sent_in_every_order_of_arrival(
            events in any_events(), keys in proptest::collection::vec(any::<u32>(), 13), at in 0..POLICIES.len(), seed in any::<u64>(),
        ) {
            let straight = one_by_one(&events, &[], &policy(at), None);
            prop_assert_eq!(&one_by_one(&events, &keys, &policy(at), None), &straight, "{}", POLICIES[at]);
            prop_assert_eq!(&two_at_once(&events, &keys, &policy(at), seed), &straight, "{}, two processors", POLICIES[at]);
        }

        #[test]
        fn the_same_notifications_are_sent_although_every_call_fails_once(
            events in any_events(), keys in proptest::collection::vec(any::<u32>(), 13), at in 0..POLICIES.len(),
            call in proptest::sample::select(vec![Call::Load, Call::Commit, Call::Act, Call::Rewrite, Call::SetTimer, Call::First]),
            fault in proptest::sample::select(vec![Fault::Refuse, Fault::LoseAnswer]),
        ) {
            let straight = one_by_one(&events, &[], &policy(at), None);
            prop_assert_eq!(one_by_one(&events, &keys, &policy(at), Some((call, fault))), straight, "{}", POLICIES[at]);
        }
    }
}
