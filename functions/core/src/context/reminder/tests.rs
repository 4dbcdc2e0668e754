use super::*;
use crate::action::{ActionId, Intent, Wrote};
use crate::claim::ClaimKey;
use crate::context::{Outgoing, Tie, Waiting};
use crate::internal_event::InternalEvent;
use crate::stored_timer::StoredTimer;
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;
use tidings_config::limits::MAX_REMINDER_TIMER_BYTES;
use tidings_config::rules::{CapOverflow, Priority};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);
const DAY: Duration = Duration::from_secs(86_400);

fn days(n: u32) -> Timestamp {
    NOW.plus(DAY * n)
}

fn key(id: &str) -> ClaimKey {
    ClaimKey::new("shop", id)
}

fn order(id: &str, ms: u64) -> Order {
    Order::at(NOW.plus(Duration::from_millis(ms)), key(id))
}

/// What a rule emits for an event with this date, a day before it.
fn on(id: &str, at: Timestamp) -> Reminder {
    let action = PlannedAction {
        id: ActionId::new(&key(id), "remind", "emit"),
        rule: "remind".into(),
        entity: None,
        time: Some(NOW),
        tie: Tie::default(),
        nth: 0,
        wrote: Wrote::default(),
        overflow: CapOverflow::default(),
        since: NOW,
        cause: key(id),
        priority: Priority::Normal,
        traceparent: None,
        by_provider: Vec::new(),
        intent: Intent::Emit { action_type: "remind".into(), data: json!({"of": id}) },
    };
    Reminder { at, due: at.minus(DAY), action, has_no_timer: false }
}

#[test]
fn the_newest_event_says_the_date_and_an_older_one_changes_nothing() {
    let mut state = ReminderState::default();
    assert_eq!(state.see(order("a", 1), Some(on("a", days(5))), NOW), Seeing::Waits { due: days(4), timer: true });
    assert_eq!(state.see(order("c", 3), Some(on("c", days(9))), NOW), Seeing::Waits { due: days(8), timer: true });
    let before = state.clone();
    assert_eq!(state.see(order("b", 2), Some(on("b", days(7))), NOW), Seeing::Overtaken);
    assert_eq!(state.see(order("b", 2), None, NOW), Seeing::Overtaken);
    assert_eq!(state, before);
    assert!(state.due_at(days(8)).is_some() && state.due_at(days(4)).is_none(), "the first timer finds nothing");
}

#[test]
fn an_event_without_a_date_cancels_and_a_later_date_begins_again() {
    let mut state = ReminderState::default();
    let _ = state.see(order("a", 1), Some(on("a", days(5))), NOW);
    assert_eq!((state.see(order("b", 2), None, NOW), &state.waits), (Seeing::NoDate, &None));
    assert_eq!(state.see(order("c", 3), Some(on("c", days(5))), NOW), Seeing::Waits { due: days(4), timer: true });
}

#[test]
fn events_that_repeat_a_date_share_one_timer_and_the_newest_words_are_said() {
    let mut state = ReminderState::default();
    let _ = state.see(order("a", 1), Some(on("a", days(5))), NOW);
    assert_eq!(state.see(order("b", 2), Some(on("b", days(5))), NOW), Seeing::Waits { due: days(4), timer: false });
    assert_eq!(state.due_at(days(4)).unwrap().action.cause, key("b"));
    state.waits.as_mut().unwrap().has_no_timer = true;
    assert_eq!(state.see(order("c", 3), Some(on("c", days(5))), NOW), Seeing::Waits { due: days(4), timer: true });
    assert!(!state.waits.unwrap().has_no_timer);
}

#[test]
fn a_late_event_reminds_at_once_while_its_date_is_ahead_and_not_after() {
    let second = Duration::from_secs(1);
    for (now, expected) in [
        (days(4).minus(second), Seeing::Waits { due: days(4), timer: true }),
        (days(4), Seeing::Due(Box::new(on("a", days(5)).action))),
        (days(5), Seeing::Due(Box::new(on("a", days(5)).action))),
        (days(5).plus(second), Seeing::Past),
    ] {
        let mut state = ReminderState::default();
        assert_eq!(state.see(order("a", 1), Some(on("a", days(5))), now), expected, "{now}");
        assert_eq!(state.made.is_some(), matches!(expected, Seeing::Due(_)), "{now}");
    }
}

#[test]
fn a_date_is_reminded_of_once_and_another_one_again() {
    let mut state = ReminderState::default();
    let _ = state.see(order("a", 1), Some(on("a", days(5))), NOW);
    state = state.after();
    assert_eq!((state.made, state.due_at(days(4))), (Some(days(5)), None));
    assert_eq!(state.see(order("b", 2), Some(on("b", days(5))), days(4)), Seeing::Made, "an update that leaves the date");
    assert_eq!(state.see(order("c", 3), Some(on("c", days(6))), days(4)), Seeing::Waits { due: days(5), timer: true });
}

#[test]
fn a_reminder_is_due_a_year_ahead_at_most() {
    for (due, expected) in [
        (NOW.plus(MAX_REMINDER_AHEAD), Seeing::Waits { due: NOW.plus(MAX_REMINDER_AHEAD), timer: true }),
        (NOW.plus(MAX_REMINDER_AHEAD).plus(Duration::from_millis(1)), Seeing::TooFar),
    ] {
        let mut state = ReminderState::default();
        let _ = state.see(order("a", 1), Some(on("a", days(5))), NOW);
        assert_eq!(state.see(order("b", 2), Some(on("b", due.plus(DAY))), NOW), expected);
        assert_eq!(state.waits.is_some(), expected != Seeing::TooFar, "the date of before holds no more");
    }
    assert_eq!(MAX_REMINDER_AHEAD, DAY * 366);
}

#[test]
fn a_reminder_is_as_large_as_it_may_be_and_no_larger() {
    let of_size = |n: usize| {
        let mut reminder = on("a", days(5));
        reminder.action.intent = Intent::Emit { action_type: "remind".into(), data: json!({"text": "x".repeat(n)}) };
        reminder
    };
    let around = serde_json::to_string(&of_size(0)).unwrap().len();
    let largest = MAX_REMINDER_BYTES - around;
    let see = |n| ReminderState::default().see(order("a", 1), Some(of_size(n)), NOW);
    assert_eq!(see(largest), Seeing::Waits { due: days(4), timer: true });
    assert_eq!(see(largest + 1), Seeing::TooLarge);
}

#[test]
fn a_late_timer_makes_nothing_once_its_date_is_past() {
    let (reminder, ms) = (on("a", days(5)), Duration::from_millis(1));
    assert!(!reminder.is_over(days(5)) && reminder.is_over(days(5).plus(ms)));
    let at_its_date = Reminder { due: days(5), ..reminder };
    let last = days(5).plus(REMINDER_GRACE);
    assert!(!at_its_date.is_over(last) && at_its_date.is_over(last.plus(ms)));
}

#[test]
fn it_is_stored_for_as_long_as_it_waits_and_a_claim_lives() {
    let mut state = ReminderState::default();
    assert_eq!(state.expires(NOW), NOW.plus(CLAIM_LIFETIME));
    let _ = state.see(order("a", 1), Some(on("a", days(300))), NOW);
    assert_eq!(state.expires(NOW), days(330));
    let state = state.after();
    assert_eq!(state.expires(days(299)), days(330), "its date may be repeated until then");
    let timer =
        StoredTimer::new(&InternalEvent::Reminder { reminder: "r".into(), owner: Owner::Identity("a".into()) }, days(299));
    assert!(timer.expires(NOW) < state.expires(days(299)), "a timer never outlives what it is for");
}

#[test]
fn it_is_read_as_it_was_stored() {
    let mut state = ReminderState::default();
    assert_eq!(serde_json::to_string(&state).unwrap(), "{}");
    let place = Order { sequence: Some(7), tie_sequence: Some(1), rank: 2, received_after_ms: -3, again_ms: 9, ..order("a", 1) };
    let _ = state.see(place, Some(on("a", days(5))), NOW);
    for state in [state.clone(), state.after()] {
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<ReminderState>(&json).unwrap(), state, "{json}");
    }
}

#[test]
fn reminders_are_apart_by_rule_kind_owner_and_key() {
    let (ann, identity) = (Owner::Conversation("ann".into()), Owner::Identity("ann".into()));
    let all = [
        reminder_partition("a", ActionKind::Notify, &ann, None),
        reminder_partition("b", ActionKind::Notify, &ann, None),
        reminder_partition("a", ActionKind::Emit, &ann, None),
        reminder_partition("a", ActionKind::Notify, &identity, None),
        reminder_partition("a", ActionKind::Notify, &ann, Some("")),
        reminder_partition("a", ActionKind::Notify, &ann, Some("1")),
    ];
    let apart: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(apart.len(), all.len());
    assert!(all.iter().all(|partition| partition.starts_with("reminder#")));
}

#[test]
fn a_timer_of_any_name_has_its_room_and_names_its_reminder() {
    let owner = Owner::Conversation("\u{1}".repeat(512));
    let reminder = reminder_partition(&"r".repeat(64), ActionKind::Notify, &owner, Some("7"));
    let what = InternalEvent::Reminder { reminder: reminder.clone(), owner };
    let waiting = Waiting { sequence: u64::MAX, what: Outgoing::Timer { due: NOW, message: what.envelope(NOW, NOW).encode() } };
    let bytes = serde_json::to_string(&waiting).unwrap().len();
    assert!(bytes <= MAX_REMINDER_TIMER_BYTES, "{bytes}");
    let stored = StoredTimer::new(&what, NOW);
    assert_eq!(stored.reminder().as_ref(), Some(&reminder));
    assert!(stored.is_about(&["\u{1}".repeat(512)], &[]) && stored.is_about(&[], &[reminder]) && !stored.is_about(&[], &[]));
    assert_ne!(what.envelope(NOW, NOW).claimkey, what.envelope(days(1), NOW).claimkey, "each time has a claim of its own");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever order events come in before the first is due, the newest decides: its date, its words, or none.
    #[test]
    fn every_order_of_arrival_ends_the_same(
        events in proptest::collection::vec((0..20_u64, proptest::option::of(2..8_u32)), 1..12), seed in any::<u64>(),
    ) {
        let play = |order_of: &[usize]| {
            let mut state = ReminderState::default();
            let mut timers = std::collections::BTreeSet::new();
            for n in order_of {
                let (ms, date) = events[*n];
                let id = n.to_string();
                let seeing = state.see(order(&id, ms), date.map(|day| on(&id, days(day))), NOW);
                if let Seeing::Waits { due, timer: true } = seeing {
                    timers.insert(due);
                }
            }
            (state, timers)
        };
        let mut shuffled: Vec<usize> = (0..events.len()).collect();
        let (expected, _) = play(&shuffled);
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        let (state, timers) = play(&shuffled);
        prop_assert_eq!(&state, &expected);
        let newest = (0..events.len()).max_by_key(|n| order(&n.to_string(), events[*n].0)).unwrap();
        prop_assert_eq!(state.waits.as_ref().map(|waits| waits.at), events[newest].1.map(days));
        prop_assert!(state.waits.iter().all(|waits| timers.contains(&waits.due)), "what waits has a timer");
    }
}
