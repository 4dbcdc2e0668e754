//! The decisions, over every state.

use sender::decide::{Begin, Conclusion, Left, conclude, left};
use std::time::Duration;
use tidings_config::limits::{MAX_SEND_CRASHES, MAX_SEND_WAIT, SENDING_LEASE};
use tidings_config::time::Timestamp;
use tidings_core::action::ActionId;
use tidings_core::claim::ClaimKey;
use tidings_core::send::{SendRecord, SendState};
use tidings_outgoing::{Blame, Outcome};

const NOW: Timestamp = Timestamp::from_unix_ms(1_796_040_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn record(state: SendState) -> SendRecord {
    SendRecord {
        cause: ClaimKey::new("orders", "e1"),
        id: ActionId::stored("a".to_owned()),
        version: 3,
        state,
        channel: "c".to_owned(),
        tries: 2,
        since: NOW.minus(Duration::from_secs(600)),
        at: NOW.minus(SENDING_LEASE),
        may_be_sent: false,
        message: None,
        reason: None,
        dead: 1,
        is_dead_lettered: true,
        writer: 7,
        key: 0,
        namespace: None,
    }
}

/// Every state, with and without a key, a redrive, a dead letter and an earlier try that may have been sent.
#[test]
fn a_send_is_repeated_only_if_that_is_safe_or_an_operator_says_so() {
    for &state in SendState::ALL {
        for remembered in [None, Some(Duration::from_secs(60)), Some(DAY)] {
            for redrive in 0..3 {
                for (may_be_sent, is_dead_lettered) in [(false, false), (false, true), (true, false), (true, true)] {
                    let stored = SendRecord { may_be_sent, is_dead_lettered, ..record(state) };
                    let can_repeat = remembered == Some(DAY);
                    let left = left(&stored, redrive, remembered, NOW);
                    let begins = matches!(left, Left::Begin(_));
                    let at = format!("{state} {remembered:?} {redrive} {may_be_sent}");
                    match state {
                        SendState::Sent => assert_eq!(left, Left::Done, "{at}"),
                        SendState::Sending => assert_eq!(begins, can_repeat, "{at}"),
                        SendState::Waiting => assert_eq!(begins, !may_be_sent || can_repeat, "{at}"),
                        SendState::Refused | SendState::Uncertain => {
                            assert_eq!(begins, redrive == stored.dead, "{at}");
                            if !begins {
                                assert_eq!(left, if is_dead_lettered { Left::Done } else { Left::DeadLetter }, "{at}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_send_under_way_is_waited_for() {
    let at = |ms| SendRecord { at: NOW.minus(SENDING_LEASE).plus(Duration::from_millis(ms)), ..record(SendState::Sending) };
    assert_eq!(left(&at(1), 0, Some(DAY), NOW), Left::Wait(Duration::from_millis(1)));
    assert!(matches!(left(&at(0), 0, Some(DAY), NOW), Left::Begin(Begin { tries: 3, may_be_sent: true, .. })));
    let many = SendRecord { tries: MAX_SEND_CRASHES, ..record(SendState::Sending) };
    assert!(matches!(left(&many, 0, Some(DAY), NOW), Left::GiveUp(_)));
}

#[test]
fn keys_change_only_where_nothing_was_sent() {
    let key = |state, dead| match left(&SendRecord { dead, key: 4, ..record(state) }, dead, Some(DAY), NOW) {
        Left::Begin(begin) => begin.key,
        other @ (Left::Done | Left::DeadLetter | Left::Wait(_) | Left::GiveUp(_)) => panic!("{other:?}"),
    };
    assert_eq!((key(SendState::Refused, 5), key(SendState::Uncertain, 5)), (5, 4));
}

#[test]
fn every_outcome_has_one_conclusion() {
    let begun = |may_be_sent| Begin { may_be_sent, ..Begin::first(NOW) };
    let retry = || Outcome::Retry { after: None, reason: "r".to_owned(), hint: None, blame: None };
    let refused = || Outcome::Refused { reason: "r".to_owned(), hint: Some("h".to_owned()), blame: Blame::Message };
    let unsure = || Outcome::Unsure { reason: "r".to_owned() };
    let fresh = Duration::ZERO;
    let word = |conclusion: Conclusion| match conclusion {
        Conclusion::Sent { .. } => "sent",
        Conclusion::Waiting { may_be_sent: false, .. } => "waiting",
        Conclusion::Waiting { may_be_sent: true, .. } => "waiting, perhaps sent",
        Conclusion::Refused { .. } => "refused",
        Conclusion::Uncertain { .. } => "uncertain",
    };
    for (outcome, may_be_sent, remembered, age, expected) in [
        (Outcome::Sent { message: None }, true, None, MAX_SEND_WAIT, "sent"),
        (retry(), false, None, fresh, "waiting"),
        (retry(), true, Some(DAY), fresh, "waiting, perhaps sent"),
        (retry(), false, None, MAX_SEND_WAIT, "refused"),
        (retry(), true, Some(DAY), MAX_SEND_WAIT, "uncertain"),
        (unsure(), false, None, fresh, "uncertain"),
        (unsure(), false, Some(DAY), fresh, "waiting, perhaps sent"),
        (unsure(), false, Some(Duration::ZERO), fresh, "uncertain"),
        (unsure(), false, Some(DAY), MAX_SEND_WAIT, "uncertain"),
        (refused(), false, Some(DAY), fresh, "refused"),
        (refused(), true, Some(DAY), fresh, "uncertain"),
    ] {
        let said = format!("{outcome:?} {may_be_sent} {remembered:?}");
        assert_eq!(word(conclude(outcome, begun(may_be_sent), remembered, age, NOW)), expected, "{said}");
    }
    let Conclusion::Refused { reason } = conclude(refused(), begun(false), None, fresh, NOW) else { panic!() };
    assert_eq!(reason, "r: h");
}
