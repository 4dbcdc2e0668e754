use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;
use tidings_config::limits::MAX_TURN_TIMER_BYTES;
use tidings_config::rules::Span;

const START: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

fn at(ms: u64) -> Timestamp {
    START.plus(Duration::from_millis(ms))
}

fn terms(quiet: u64, at_most: u64, collect: u32) -> TurnTerms {
    let span = |seconds| Span::new(Duration::from_secs(seconds));
    TurnTerms { quiet: span(quiet), at_most: span(at_most), collect }
}

fn ann() -> Owner {
    Owner::Conversation("ann".into())
}

fn key(id: &str) -> ClaimKey {
    ClaimKey::new("chat", id)
}

/// What a rule emits for an event of this time.
fn said(id: &str, ms: u64, text: &str) -> PlannedAction {
    PlannedAction {
        id: ActionId::new(&key(id), "turn", "emit"),
        rule: "turn".into(),
        entity: Some("chat/1".into()),
        time: Some(at(ms)),
        tie: Tie::default(),
        nth: 0,
        wrote: Wrote::default(),
        overflow: CapOverflow::default(),
        since: at(ms),
        cause: key(id),
        priority: Priority::Normal,
        traceparent: None,
        by_provider: vec!["from".into(), "text".into()],
        intent: Intent::Emit { action_type: "chat.turn".into(), data: json!({"text": text, "from": "ann"}) },
    }
}

fn keys(ended: &EndedTurn) -> Vec<&str> {
    ended.turn.events.iter().map(|event| event.key.as_str()).collect()
}

#[test]
fn a_turn_is_over_when_it_was_quiet_or_open_for_too_long() {
    let mut state = TurnState::default();
    let opened = state.collect(&said("a", 0, "hi"), terms(2, 5, 20), &ann(), at(0));
    assert_eq!((opened.ended.len(), opened.timer), (0, Some(at(2_000))));
    for (ms, due) in
        [(1_500, (at(3_500), ClosedBy::Quiet)), (2_900, (at(4_900), ClosedBy::Quiet)), (3_100, (at(5_000), ClosedBy::AtMost))]
    {
        let later = state.collect(&said(&ms.to_string(), ms, "and"), terms(2, 5, 20), &ann(), at(ms));
        assert_eq!(later, Collected::default(), "it has a timer already");
        assert_eq!(state.open.as_ref().unwrap().due(), due);
    }
    assert!(state.named(&key("a")).is_some() && state.named(&key("1500")).is_none(), "its name is that of its first event");
}

#[test]
fn an_event_after_the_end_of_a_turn_ends_it_and_opens_another() {
    for (ms, expected) in [(1_999, None), (2_000, Some(ClosedBy::Quiet))] {
        let mut state = TurnState::default();
        let _ = state.collect(&said("a", 0, "hi"), terms(2, 2, 20), &ann(), at(0));
        let next = state.collect(&said("b", ms, "you"), terms(2, 2, 20), &ann(), at(ms));
        assert_eq!(next.ended.first().map(|ended| ended.by), expected, "{ms}");
        assert_eq!(next.timer, expected.map(|_| at(ms + 2_000)), "a new turn has a timer of its own");
        assert_eq!(state.open.unwrap().events.len(), if expected.is_some() { 1 } else { 2 });
    }
}

#[test]
fn a_turn_ends_with_the_event_that_fills_it() {
    let mut state = TurnState::default();
    let _ = state.collect(&said("a", 0, "1"), terms(2, 9, 3), &ann(), at(0));
    assert_eq!(state.collect(&said("c", 20, "3"), terms(2, 9, 3), &ann(), at(10)), Collected::default());
    let filled = state.collect(&said("b", 10, "2"), terms(2, 9, 3), &ann(), at(20));
    assert_eq!((filled.ended[0].by, keys(&filled.ended[0])), (ClosedBy::Collect, vec!["chat#a", "chat#b", "chat#c"]));
    assert_eq!((filled.timer, state), (None, TurnState::default()));
}

#[test]
fn a_turn_keeps_the_terms_under_which_it_opened() {
    let mut state = TurnState::default();
    let _ = state.collect(&said("a", 0, "1"), terms(2, 9, 3), &ann(), at(0));
    let _ = state.collect(&said("b", 1, "2"), terms(60, 900, 2), &ann(), at(1));
    assert_eq!(state.open.as_ref().map(|turn| turn.terms), Some(terms(2, 9, 3)));
}

#[test]
fn a_turn_ends_before_it_would_be_too_large_and_a_large_event_is_a_turn_of_its_own() {
    let half = "x".repeat(MAX_TURN_BYTES / 2);
    let mut state = TurnState::default();
    assert_eq!(state.collect(&said("a", 0, &half), terms(2, 9, 20), &ann(), at(0)).ended, []);
    let second = state.collect(&said("b", 1, &half), terms(2, 9, 20), &ann(), at(1));
    assert_eq!((second.ended[0].by, keys(&second.ended[0])), (ClosedBy::Size, vec!["chat#a"]));
    assert_eq!(second.timer, Some(at(2_001)));
    let huge = "x".repeat(MAX_TURN_BYTES);
    let third = state.collect(&said("c", 2, &huge), terms(2, 9, 20), &ann(), at(2));
    let ended: Vec<_> = third.ended.iter().map(|ended| (ended.by, keys(ended))).collect();
    assert_eq!(ended, [(ClosedBy::Size, vec!["chat#b"]), (ClosedBy::Size, vec!["chat#c"])]);
    assert_eq!((third.timer, &state), (None, &TurnState::default()));

    let identity = Owner::Identity("cus_1".into());
    let text = "x".repeat(MAX_DEFERRED_PROPOSAL_BYTES / 2);
    let _ = state.collect(&said("d", 3, &text), terms(2, 9, 20), &identity, at(3));
    let deferred = state.collect(&said("e", 4, &text), terms(2, 9, 20), &identity, at(4));
    assert_eq!(deferred.ended.len(), 1, "what waits for a link has less room");
}

/// A turn that is as large as may be, with any owner and claim keys.
#[test]
fn what_fits_can_be_stored_sent_and_deferred() {
    for owner in [ann(), Owner::Identity("cus_1".into())] {
        let mut state = TurnState::default();
        let mut ended = Vec::new();
        for n in 0..300 {
            let text = "\u{1}".repeat(n * 7 % 900);
            ended.extend(state.collect(&said(&format!("{n}"), n as u64, &text), terms(2, 9, 100), &owner, at(0)).ended);
        }
        assert!(ended.len() > 10 && ended.iter().all(|ended| ended.by == ClosedBy::Size), "{}", ended.len());
        assert_eq!(ended.iter().map(|ended| ended.turn.events.len()).sum::<usize>() + state.open.unwrap().events.len(), 300);
        let longest = ClaimKey::new(&"s".repeat(64), &"\u{1}".repeat(256));
        for ended in ended {
            assert!(serde_json::to_string(&ended.turn).unwrap().len() <= MAX_TURN_BYTES);
            let proposal = ended.planned("turn#turn#0", &longest, at(0));
            let json = serde_json::to_string(&proposal).unwrap().len();
            let room = if owner == ann() { MAX_ACTION_BYTES } else { MAX_DEFERRED_PROPOSAL_BYTES };
            assert!(json + 128 <= room, "{json}");
        }
    }
}

#[test]
fn a_timer_of_any_name_has_its_room() {
    use crate::context::{Outgoing, Waiting};
    use crate::internal_event::InternalEvent;
    let owner = Owner::Conversation("\u{1}".repeat(512));
    let opened_by = ClaimKey::new(&"s".repeat(64), &"\u{1}".repeat(256));
    let turn = turn_partition(&"r".repeat(64), &owner, Some("thread"));
    let message = InternalEvent::Turn { turn, owner, opened_by }.envelope(at(0), at(0)).encode();
    let waiting = Waiting { sequence: u64::MAX, what: Outgoing::Timer { due: at(0), message } };
    let bytes = serde_json::to_string(&waiting).unwrap().len();
    assert!(bytes <= MAX_TURN_TIMER_BYTES, "{bytes}");
}

#[test]
fn an_action_says_its_events_in_order_and_what_ended_it() {
    let mut state = TurnState::default();
    let _ = state.collect(&said("b", 10, "two"), terms(2, 9, 2), &ann(), at(50));
    let other = PlannedAction { entity: Some("chat/2".into()), by_provider: vec!["from".into()], ..said("a", 0, "one") };
    let ended = state.collect(&other, terms(2, 9, 2), &ann(), at(60)).ended.remove(0);
    let action = ended.planned("turn#turn#0", &key("a"), at(60));
    let Intent::Emit { action_type, data } = &action.intent else { panic!("{action:?}") };
    assert_eq!(action_type, "chat.turn");
    let expected = json!({
        "messages": [
            {"event": "chat#a", "at": at(0), "text": "one", "from": "ann"},
            {"event": "chat#b", "at": at(10), "text": "two", "from": "ann"},
        ],
        "opened": at(50),
        "closed_by": "collect",
    });
    assert_eq!(data, &expected);
    assert_eq!(action.by_provider, ["closed_by", "opened", "messages.from"], "a stranger's text stays a stranger's");
    assert_eq!(action.entity, None, "they are about two");
    assert_eq!(action.id, ended.planned("turn#turn#0", &key("z"), at(99)).id, "its id follows from the turn");
    assert_ne!(action.id, ended.planned("turn#turn#1", &key("a"), at(60)).id);
}

#[test]
fn turns_are_apart_by_rule_owner_and_key() {
    let identity = Owner::Identity("ann".into());
    let all = [
        turn_partition("a", &ann(), None),
        turn_partition("b", &ann(), None),
        turn_partition("a", &identity, None),
        turn_partition("a", &ann(), Some("")),
        turn_partition("a", &ann(), Some("1")),
    ];
    for (n, one) in all.iter().enumerate() {
        assert_eq!(all.iter().position(|other| other == one), Some(n));
        assert!(one.starts_with("turn#"));
    }
}

#[test]
fn a_turn_is_read_as_it_was_stored() {
    let mut state = TurnState::default();
    assert_eq!(serde_json::to_string(&state).unwrap(), "{}");
    let _ = state.collect(&said("a", 0, "hi"), terms(2, 9, 20), &ann(), at(0));
    state.open.as_mut().unwrap().has_no_timer = true;
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<TurnState>(&json).unwrap(), state, "{json}");
}

#[test]
fn a_timer_that_had_no_room_is_set_by_the_next_event() {
    let mut state = TurnState::default();
    let _ = state.collect(&said("a", 0, "hi"), terms(2, 9, 20), &ann(), at(0));
    state.open.as_mut().unwrap().has_no_timer = true;
    assert_eq!(state.collect(&said("b", 1, "you"), terms(2, 9, 20), &ann(), at(1_000)).timer, Some(at(3_000)));
    assert_eq!(state.collect(&said("c", 2, "there"), terms(2, 9, 20), &ann(), at(1_500)).timer, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// In any order of arrival, with pauses of any length: each event is in one turn, and each turn is in the order of events.
    #[test]
    fn no_event_is_lost_or_repeated_and_turns_are_in_order(
        events in proptest::collection::vec((0..10_000_u64, 0..3_000_u64, 0..30_000_usize), 1..60), collect in 2..8_u32,
    ) {
        let mut state = TurnState::default();
        let (mut clock, mut ended) = (0, Vec::new());
        for (n, (time, pause, bytes)) in events.iter().enumerate() {
            clock += pause;
            let text = "x".repeat(*bytes);
            let done = state.collect(&said(&format!("{n:02}"), *time, &text), terms(2, 5, collect), &ann(), at(clock));
            prop_assert!(done.ended.len() <= 2);
            prop_assert!(state.open.is_none() || done.timer.is_none() == (state.open.as_ref().unwrap().events.len() > 1));
            ended.extend(done.ended);
        }
        ended.extend(state.open.take().map(|turn| EndedTurn { turn, by: ClosedBy::Quiet }));
        let mut all: Vec<&str> = ended.iter().flat_map(keys).collect();
        all.sort_unstable();
        let expected: Vec<String> = (0..events.len()).map(|n| format!("chat#{n:02}")).collect();
        prop_assert_eq!(all, expected);
        for EndedTurn { turn, .. } in &ended {
            prop_assert!(turn.events.is_sorted_by(|a, b| (a.time, &a.key) < (b.time, &b.key)));
            prop_assert!(turn.events.len() <= collect as usize);
        }
        let ids: std::collections::BTreeSet<_> = ended.iter().map(|ended| ended.planned("p", &key("x"), at(0)).id).collect();
        prop_assert_eq!(ids.len(), ended.len(), "each turn has an id of its own");
    }
}
