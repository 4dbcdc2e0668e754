//! Reminders: an action is made at a time that its event names. A later event moves or cancels it, and it is made once.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, Sent, another, handle, on_the_links_queue, rules_of};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{MAX_REMINDER_AHEAD, REMINDER_GRACE};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::{ClaimState, Outcome};
use tidings_core::context::{Content, Item, ItemKey, Place, ReminderState};
use tidings_core::external_link::ExternalLink;
use tidings_core::memory::{Call, Fault};

const RULES: &str = r#"
version: 1
conversations:
  - { on: "anonymous.*", identity: data.who }
  - { on: "*", conversation: data.who }
rules:
  - name: remind
    on: ["appointment.*", anonymous.booked]
    notify:
      text: "{data.place} is tomorrow"
      at: data.at
      before: 24h
      by: data.id
      unless: appointment.cancelled
  - name: begins
    on: visit.planned
    emit: { type: visit.begins, data: { place: data.place }, at: data.at }
  - name: stale
    on: trip.booked
    if_stale: skip
    set: { trip: data.place }
    notify: { text: "{data.place} is tomorrow", at: data.at, before: 24h }
  - { name: trip, on: trip.left, set: { trip: "'left'" } }
  - { name: plain, on: said, notify: { text: "{data.place}" } }
"#;

const NOTHING_FAILS: [&str; 0] = [];
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn harness() -> Harness {
    Harness::with(rules_of(RULES), |store| store)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// So many seconds after the story begins.
fn at(n: u64) -> Timestamp {
    crate::support::now().plus(seconds(n))
}

/// The n-th event of ann, a second after the one before.
fn event(event_type: &'static str, n: i64, data: Value) -> Sent {
    let id: &'static str = Box::leak(format!("e{n:02}").into_boxed_str());
    Sent { id, event_type, order: "1", age_seconds: 1_000 - n, data }
}

/// Ann's appointment is on this day.
fn booked(n: i64, day: u64) -> Sent {
    event("appointment.booked", n, json!({"who": "ann", "id": 7, "place": format!("day {day} of {n}"), "at": at(day * DAY)}))
}

fn cancelled(n: i64) -> Sent {
    event("appointment.cancelled", n, json!({"who": "ann", "id": 7}))
}

async fn comes(harness: &Harness, sent: &Sent) {
    assert_eq!(harness.handle(vec![sent.message(1)]).await, NOTHING_FAILS, "{sent:?}");
}

fn notes(harness: &Harness, n: i64) -> Vec<String> {
    harness.claim(&format!("orders#e{n:02}")).unwrap().action_lines()
}

fn states(harness: &Harness) -> BTreeMap<Place, ReminderState> {
    let items = harness.store.items().into_iter().filter(|(place, _)| place.key == ItemKey::Reminder);
    let state = |item: Item| {
        let Content::Reminder(state) = item.content else { panic!("another kind of item") };
        state
    };
    items.map(|(place, item)| (place, state(item))).collect()
}

#[tokio::test]
async fn a_reminder_is_made_a_day_before_its_date_and_once() {
    let harness = harness();
    comes(&harness, &booked(1, 10)).await;
    assert_eq!(notes(&harness, 1), [format!("remind/notify scheduled for {}", at(9 * DAY))]);
    assert_eq!(harness.claim("orders#e01").unwrap().outcome, Some(Outcome::Applied));
    harness.pass(seconds(9 * DAY - 1)).await;
    assert_eq!(harness.said("ann"), NOTHING_FAILS);
    harness.pass(seconds(1)).await;
    assert_eq!(harness.said("ann"), ["day 10 of 1 is tomorrow"]);
    let (_, action) = harness.actions().into_values().next().unwrap();
    assert_eq!((action.cause.as_str(), action.rule.as_str()), ("orders#e01", "remind"), "its cause is the event with the date");
    let made = harness.store.claims().into_iter().find(|claim| claim.event_type == "tidings.reminder").unwrap();
    assert_eq!((made.state, made.conversation.as_deref(), made.joins.len()), (ClaimState::Processed, Some("ann"), 1));
    assert_eq!((made.rules.clone(), made.action_lines()), (vec!["remind".to_owned()], vec!["remind/notify queued".to_owned()]));
    harness.pass(seconds(60 * DAY)).await;
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (1, 0));
}

#[tokio::test]
async fn an_emitted_action_has_its_time_as_well() {
    let harness = harness();
    comes(&harness, &event("visit.planned", 1, json!({"who": "ann", "place": "here", "at": at(HOUR).unix_s()}))).await;
    harness.pass(seconds(HOUR - 1)).await;
    assert_eq!(harness.actions().len(), 0);
    harness.pass(seconds(1)).await;
    let (to, action) = harness.actions().into_values().next().unwrap();
    assert_eq!((to.as_str(), action.action_type.as_str(), &action.data), ("ann", "visit.begins", &json!({"place": "here"})));
}

#[tokio::test]
async fn a_later_event_moves_it_and_an_older_one_that_comes_late_does_not() {
    let harness = harness();
    comes(&harness, &booked(1, 5)).await;
    comes(&harness, &booked(3, 8)).await;
    comes(&harness, &booked(2, 3)).await;
    assert_eq!(notes(&harness, 2), ["remind/notify withheld: stale"]);
    assert_eq!(harness.claim("orders#e02").unwrap().outcome, Some(Outcome::Stale));
    harness.pass(seconds(30 * DAY)).await;
    assert_eq!(harness.said("ann"), ["day 8 of 3 is tomorrow"]);
    let made = harness.store.claims().into_iter().filter(|claim| claim.event_type == "tidings.reminder").count();
    assert_eq!((made, harness.outside.waiting()), (1, 0), "the first timer claimed nothing");
}

#[tokio::test]
async fn an_event_of_unless_or_without_a_date_cancels_it() {
    let none = |data: Value| event("appointment.moved", 2, data);
    for cancels in [
        cancelled(2),
        none(json!({"who": "ann", "id": 7, "place": "x", "at": null})),
        none(json!({"who": "ann", "id": "7", "place": "x", "at": " "})),
        // Nothing else of it is needed.
        none(json!({"who": "ann", "id": 7})),
    ] {
        for comes_first in [false, true] {
            let harness = harness();
            let mut both = [booked(1, 5), cancels.clone()];
            if comes_first {
                both.reverse();
            }
            for sent in &both {
                comes(&harness, sent).await;
            }
            assert_eq!(notes(&harness, 2), ["remind/notify not scheduled: no date"]);
            assert_eq!(harness.claim("orders#e02").unwrap().rules, ["remind"]);
            harness.pass(seconds(30 * DAY)).await;
            assert_eq!((harness.said("ann"), harness.outside.waiting()), (vec![], 0), "{cancels:?} {comes_first}");
        }
    }
}

#[tokio::test]
async fn reminders_are_apart_by_key_and_conversation() {
    let harness = harness();
    let one = |n: i64, who: &str, id: i64| {
        event("appointment.booked", n, json!({"who": who, "id": id, "place": format!("{who}{id}"), "at": at(5 * DAY)}))
    };
    for (n, (who, id)) in [("ann", 1), ("ann", 2), ("bob", 1)].into_iter().enumerate() {
        comes(&harness, &one(i64::try_from(n).unwrap(), who, id)).await;
    }
    comes(&harness, &event("appointment.cancelled", 9, json!({"who": "ann", "id": 1}))).await;
    harness.pass(seconds(30 * DAY)).await;
    assert_eq!((harness.said("ann"), harness.said("bob")), (vec!["ann2 is tomorrow".into()], vec!["bob1 is tomorrow".into()]));
}

#[tokio::test]
async fn a_date_is_reminded_of_once_and_a_new_date_again() {
    let harness = harness();
    comes(&harness, &booked(1, 3)).await;
    harness.pass(seconds(2 * DAY + HOUR)).await;
    comes(&harness, &booked(2, 3)).await;
    assert_eq!(notes(&harness, 2), ["remind/notify withheld: same-date"], "an update that leaves the date");
    comes(&harness, &booked(3, 6)).await;
    harness.pass(seconds(30 * DAY)).await;
    assert_eq!(harness.said("ann"), ["day 3 of 1 is tomorrow", "day 6 of 3 is tomorrow"]);
}

#[tokio::test]
async fn a_late_event_reminds_at_once_while_its_date_is_ahead_and_never_after() {
    for (seconds_ahead, expected) in [(2 * HOUR, "remind/notify queued"), (0, "remind/notify queued")] {
        let harness = harness();
        let data = json!({"who": "ann", "id": 7, "place": "it", "at": at(seconds_ahead)});
        comes(&harness, &event("appointment.booked", 1, data)).await;
        assert_eq!((notes(&harness, 1), harness.said("ann")), (vec![expected.to_owned()], vec!["it is tomorrow".to_owned()]));
        harness.pass(seconds(2 * DAY)).await;
        assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (1, 0));
    }
    let harness = harness();
    comes(&harness, &booked(1, 5)).await;
    let past = json!({"who": "ann", "id": 7, "place": "it", "at": Timestamp::from_unix_ms(at(0).unix_ms() - 1)});
    comes(&harness, &event("appointment.moved", 2, past)).await;
    assert_eq!(notes(&harness, 2), ["remind/notify withheld: past-date"]);
    harness.pass(seconds(30 * DAY)).await;
    assert_eq!(harness.said("ann"), NOTHING_FAILS, "and the date of before holds no more");
}

#[tokio::test]
async fn a_timer_that_comes_after_the_date_makes_nothing() {
    for (late, said) in [(DAY, 1), (DAY + 1, 0)] {
        let harness = harness();
        comes(&harness, &booked(1, 3)).await;
        harness.pass(seconds(2 * DAY - HOUR)).await;
        while harness.processor.sweep(AMPLE).await.is_err() {}
        harness.pass(seconds(HOUR - 60)).await;
        harness.outage(seconds(60 + late));
        harness.settle().await;
        assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (said, 0), "{late}");
        let made = harness.store.claims().into_iter().find(|claim| claim.event_type == "tidings.reminder").unwrap();
        let expected = if said == 1 { "remind/notify queued" } else { "remind/notify withheld: expired" };
        assert_eq!(made.action_lines(), [expected]);
    }
    for (late, made) in [(Duration::ZERO, 1), (Duration::from_millis(1), 0)] {
        let harness = harness();
        comes(&harness, &event("visit.planned", 1, json!({"who": "ann", "place": "here", "at": at(60)}))).await;
        harness.outage(seconds(60) + REMINDER_GRACE + late);
        harness.settle().await;
        assert_eq!(harness.actions().len(), made, "at its date itself, a late timer has an hour");
    }
}

#[tokio::test]
async fn a_reminder_waits_for_a_year_and_not_for_longer() {
    let harness = harness();
    let ahead = |n: i64, due: Duration| {
        let date = at(0).plus(due).plus(seconds(DAY));
        event("appointment.booked", n, json!({"who": "ann", "id": n, "place": format!("{n}"), "at": date}))
    };
    comes(&harness, &ahead(1, MAX_REMINDER_AHEAD)).await;
    comes(&harness, &ahead(2, MAX_REMINDER_AHEAD + Duration::from_millis(1))).await;
    assert_eq!(notes(&harness, 2), ["remind/notify withheld: far-date"]);
    let messages = harness.outside.queue.messages().len();
    assert_eq!((messages, harness.outside.timers.unsent().len()), (0, 1), "it is one item, not a message that goes round");
    harness.pass(MAX_REMINDER_AHEAD - Duration::from_millis(1)).await;
    assert_eq!(harness.said("ann"), NOTHING_FAILS);
    harness.pass(Duration::from_millis(1)).await;
    assert_eq!((harness.said("ann"), harness.outside.waiting()), (vec!["1 is tomorrow".to_owned()], 0));
}

#[tokio::test]
async fn a_value_that_is_no_time_fails_its_event() {
    for at in [json!("2026-12-24"), json!("2026-12-24T10:00:00"), json!("soon"), json!(true), json!([]), json!({}), json!(1e300)]
    {
        let harness = harness();
        let sent = event("appointment.booked", 1, json!({"who": "ann", "id": 7, "place": "it", "at": at}));
        let mut failed = Vec::new();
        for receive in 1..=MAX_RECEIVES {
            failed = harness.handle(vec![sent.message(receive)]).await;
        }
        assert_eq!(failed.len(), 1, "{at}");
        let reason = harness.claim("orders#e01").unwrap().reason.unwrap();
        assert!(reason.starts_with("rule remind, notify.at: doesn't give a time with an offset"), "{reason}");
    }
}

#[tokio::test]
async fn the_policy_decides_when_it_is_due_and_not_when_its_event_comes() {
    let policy = "policy: { quiet_hours: { from: '22:00', to: '07:00', zone: UTC } }\nrules:\n";
    let harness = Harness::with(rules_of(&RULES.replace("rules:\n", policy)), |store| store);
    // The story begins at ten in the morning.
    let date = at(2 * DAY + 13 * HOUR);
    comes(&harness, &event("appointment.booked", 1, json!({"who": "ann", "id": 7, "place": "it", "at": date}))).await;
    harness.pass(seconds(DAY + 21 * HOUR - 1)).await;
    assert_eq!(harness.said("ann"), NOTHING_FAILS, "it is due at eleven, and waits for seven");
    harness.pass(seconds(1)).await;
    assert_eq!(harness.said("ann"), ["it is tomorrow"]);
}

#[tokio::test]
async fn a_reminder_whose_facts_were_overwritten_is_stale_when_it_is_due() {
    for overwritten in [false, true] {
        for first in [false, true] {
            let harness = harness();
            let trip = event("trip.booked", 1, json!({"who": "ann", "place": "Rome", "at": at(3 * DAY)}));
            let left = event("trip.left", 2, json!({"who": "ann"}));
            let mut all = vec![trip];
            if overwritten {
                all.insert(usize::from(first), left);
            }
            for sent in &all {
                comes(&harness, sent).await;
            }
            harness.pass(seconds(5 * DAY)).await;
            assert_eq!(harness.said("ann").len(), usize::from(!overwritten), "{overwritten} {first}");
        }
    }
}

#[tokio::test]
async fn a_reminder_that_waits_survives_a_change_of_its_rule() {
    let harness = harness();
    comes(&harness, &booked(1, 3)).await;
    let rules = rules_of("version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules: []\n");
    let newer = another(rules, Arc::clone(&harness.store), &harness.clock, &harness.outside);
    let newer = Harness { processor: newer, ..harness };
    newer.pass(seconds(5 * DAY)).await;
    assert_eq!(newer.said("ann"), ["day 3 of 1 is tomorrow"]);
}

#[tokio::test]
async fn a_reminder_of_an_identity_waits_for_its_link() {
    for linked_before in [true, false] {
        let harness = harness();
        let data = json!({"who": "customer:1", "id": 7, "place": "it", "at": at(3 * DAY)});
        comes(&harness, &event("anonymous.booked", 1, data)).await;
        if !linked_before {
            harness.pass(seconds(2 * DAY + HOUR)).await;
        }
        let time = harness.clock.now();
        let (identity, conversation) = ("customer:1".to_owned(), "ann".to_owned());
        let link = ExternalLink { id: "l".into(), time, identity, conversation, moves: false };
        assert_eq!(harness.handle(vec![on_the_links_queue("l", &link.encode(), 1)]).await, NOTHING_FAILS);
        harness.pass(seconds(3 * DAY)).await;
        assert_eq!((harness.said("ann"), harness.outside.waiting()), (vec!["it is tomorrow".to_owned()], 0), "{linked_before}");
    }
}

#[tokio::test]
async fn duplicates_of_events_and_timers_change_nothing() {
    let harness = harness();
    for n in [1, 2, 3] {
        for receive in 1..=2 {
            assert_eq!(harness.handle(vec![booked(n, 3).message(receive)]).await, NOTHING_FAILS);
        }
    }
    let timers = harness.outside.timers.unsent();
    assert_eq!(timers.len(), 1, "events that repeat a date share a timer");
    let copies: Vec<String> = timers.iter().map(|timer| timer.message(harness.clock.now()).0).collect();
    harness.pass(seconds(2 * DAY)).await;
    for _ in 0..3 {
        copies.iter().for_each(|timer| harness.outside.queue.put(timer, Duration::ZERO));
        comes(&harness, &booked(2, 3)).await;
    }
    harness.pass(seconds(5 * DAY)).await;
    assert_eq!((harness.said("ann"), harness.outside.actions.sent().len()), (vec!["day 3 of 3 is tomorrow".to_owned()], 1));
}

/// Every order of arrival of a booking, two moves and another booking's cancellation.
#[tokio::test]
async fn every_order_of_arrival_ends_with_the_same_items_and_the_same_words() {
    let events = [booked(1, 5), booked(2, 9), cancelled(3), booked(4, 7)];
    let mut seen = BTreeSet::new();
    for order in 0..24_usize {
        let harness = harness();
        let (mut left, mut rest) = (vec![0, 1, 2, 3], order);
        while !left.is_empty() {
            let n = left.remove(rest % left.len());
            rest /= left.len() + 1;
            comes(&harness, &events[n]).await;
        }
        let waiting = format!("{:?}", states(&harness));
        harness.pass(seconds(30 * DAY)).await;
        assert_eq!(harness.said("ann"), ["day 7 of 4 is tomorrow"], "{order}");
        seen.insert((waiting, format!("{:?}", states(&harness))));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn one_reminder_is_made_despite_a_failure_of_any_call() {
    for call in [Call::Load, Call::Commit, Call::Rewrite, Call::Act, Call::SetTimer, Call::StoreTimer, Call::Effect] {
        for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Conflict] {
            for after in 0..8 {
                let at = format!("{call:?} {fault:?} after {after}");
                let harness = harness();
                harness.faults.pass(call, after);
                harness.faults.fail(call, fault, 1);
                for sent in [booked(1, 2), cancelled(2), booked(3, 3)] {
                    harness.until_done(&sent).await;
                }
                harness.pass_through(seconds(5 * DAY)).await;
                assert_eq!(harness.said("ann"), ["day 3 of 3 is tomorrow"], "{at}");
                assert_eq!(harness.outside.waiting(), 0, "{at}");
            }
        }
    }
}

/// Batches and copies of events and timers at three processors, which get in each other's way.
#[tokio::test(start_paused = true)]
async fn several_processors_make_one_reminder() {
    let mut moved = 0;
    for seed in 0..100 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let harness = harness();
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let processors = [(); 3].map(|()| another(rules_of(RULES), Arc::clone(&store), &harness.clock, &harness.outside));
        // Due within minutes, so that timers are messages that come while events do.
        let soon = |n: i64, minutes: u64| {
            let date = at(DAY + minutes * 60);
            event("appointment.booked", n, json!({"who": "ann", "id": 7, "place": format!("{n}"), "at": date}))
        };
        let events = [soon(1, 5), soon(2, 9), cancelled(3), soon(4, 7), soon(5, 7)];
        let mut left: Vec<SqsMessage> = events.iter().chain(&events).map(|sent| sent.message(1)).collect();
        dice.shuffle(&mut left);
        while !left.is_empty() || harness.outside.waiting() > 0 {
            harness.clock.advance(seconds(dice.u64(0..20)));
            let batches: Vec<_> = processors
                .iter()
                .map(|processor| {
                    let mut batch = left.split_off(left.len().saturating_sub(dice.usize(0..4)));
                    let timers = harness.outside.queue.receive(dice.usize(0..3));
                    harness.outside.queue.settle(&timers, &SqsBatchResponse::default());
                    // SQS may deliver a timer twice.
                    let copies = if dice.bool() { timers.records.clone() } else { Vec::new() };
                    batch.extend(timers.records.into_iter().chain(copies));
                    (processor, batch)
                })
                .collect();
            join_all(batches.into_iter().map(async |(processor, mut batch)| {
                for (n, message) in batch.iter_mut().enumerate() {
                    message.message_id = Some(format!("m{n}"));
                }
                for receive in 1..=MAX_RECEIVES {
                    let failed = handle(processor, batch.clone(), AMPLE).await;
                    batch.retain(|message| failed.iter().any(|id| Some(id) == message.message_id.as_ref()));
                    batch.iter_mut().for_each(|message| {
                        message.attributes.insert("ApproximateReceiveCount".to_owned(), (receive + 1).to_string());
                    });
                }
                assert!(batch.is_empty(), "seed {seed}: {batch:?}");
            }))
            .await;
        }
        assert_eq!(harness.said("ann"), ["5 is tomorrow"], "seed {seed}");
        let state = states(&harness).into_values().next().unwrap();
        assert_eq!((state.waits, state.made), (None, Some(at(DAY + 7 * 60))), "seed {seed}");
        moved += *store.moved.lock().unwrap();
    }
    assert!(moved > 50, "they did get in each other's way: {moved}");
}

#[tokio::test]
async fn a_reminder_costs_one_transaction_for_its_event_and_one_when_it_is_due() {
    let harness = harness();
    for (sent, expected) in [
        (booked(1, 3), vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::StoreTimer, 1)]),
        // The same date: its timer is there.
        (booked(2, 3), vec![(Call::Load, 1), (Call::Commit, 1)]),
        (cancelled(3), vec![(Call::Load, 1), (Call::Commit, 1)]),
        (booked(4, 3), vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::StoreTimer, 1)]),
        // A rule without `at`.
        (
            event("said", 5, json!({"who": "ann", "place": "hi"})),
            vec![(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::Act, 1)],
        ),
    ] {
        let before = harness.counts();
        comes(&harness, &sent).await;
        assert_eq!(harness.since(before), expected, "{sent:?}");
    }
    assert_eq!(harness.outside.timers.unsent().len(), 1, "the timer of one date is one, set twice or once");
    harness.pass(seconds(2 * DAY - 1)).await;
    let before = harness.counts();
    harness.pass(seconds(1)).await;
    assert_eq!(harness.since(before), [(Call::Load, 1), (Call::Commit, 1), (Call::Rewrite, 1), (Call::Act, 1)]);
}

#[tokio::test]
async fn an_event_may_have_as_many_reminders_as_its_transaction_holds() {
    for (rules, fits) in [(8, true), (9, false)] {
        let mut yaml = "version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules:\n".to_owned();
        for rule in 0..rules {
            yaml += &format!("  - {{ name: r{rule}, on: said, notify: {{ text: hi, at: data.at, before: {}h }} }}\n", rule + 1);
        }
        let harness = Harness::with(rules_of(&yaml), |store| store);
        let sent = event("said", 1, json!({"who": "ann", "at": at(DAY)}));
        assert_eq!(harness.handle(vec![sent.message(1)]).await.is_empty(), fits, "{rules}");
        harness.pass(seconds(2 * DAY)).await;
        assert_eq!(harness.said("ann").len(), if fits { 8 } else { 0 });
    }
}

/// The processor is gone at any await of any message: the booking's, the move's or the timer's. The message comes again.
#[tokio::test(start_paused = true)]
async fn one_reminder_is_made_despite_a_crash_at_any_await() {
    for message in 0..3 {
        for awaits in 1.. {
            let harness = harness();
            let store = Arc::new(Yielding::new(Arc::clone(&harness.store), 7));
            let processor = another(rules_of(RULES), Arc::clone(&store), &harness.clock, &harness.outside);
            let soon = |n: i64, minutes: u64| {
                let date = at(DAY + minutes * 60);
                event("appointment.booked", n, json!({"who": "ann", "id": 7, "place": format!("{n}"), "at": date}))
            };
            let mut died = false;
            for (n, sent) in [Some(soon(1, 5)), Some(soon(2, 7)), None].into_iter().enumerate() {
                let body = sent.map(|sent| sent.message(1)).or_else(|| {
                    harness.clock.advance(seconds(7 * 60));
                    harness.outside.queue.receive(10).records.pop()
                });
                let handling = std::pin::pin!(handle(&processor, vec![body.clone().unwrap()], AMPLE));
                let mut handling = handling;
                if n == message {
                    let mut polls = 0;
                    while polls < awaits && futures::poll!(&mut handling).is_pending() {
                        polls += 1;
                        tokio::task::yield_now().await;
                    }
                    died = polls == awaits;
                } else {
                    assert_eq!(handling.await, NOTHING_FAILS);
                }
                if n == message {
                    assert_eq!(handle(&processor, vec![body.unwrap()], AMPLE).await, NOTHING_FAILS, "{message} {awaits}");
                }
            }
            harness.pass(seconds(DAY)).await;
            assert_eq!(harness.said("ann"), ["2 is tomorrow"], "message {message}, await {awaits}");
            if !died {
                assert!(awaits > 4, "it has several: {awaits}");
                break;
            }
        }
    }
}
