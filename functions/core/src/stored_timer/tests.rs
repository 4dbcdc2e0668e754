use super::*;
use crate::envelope::DecodeError;
use tidings_config::limits::{MAX_EVENT_AGE, STORED_TIMER_FROM, SWEEP_INTERVAL};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_250);

fn wake(conversation: &str) -> InternalEvent {
    InternalEvent::Wake { conversation: conversation.to_owned(), timer: 3 }
}

fn join(key: &str) -> InternalEvent {
    InternalEvent::Join { join: "ready".into(), key: key.into(), because_of: ClaimKey::new("shop", "e1"), postponed: 0 }
}

fn later(days: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(days * 86_400))
}

/// Items of this form are in tables: a change must still read them.
#[test]
fn a_timer_is_stored_in_this_form() {
    let timer = StoredTimer::new(&wake("web:ann"), later(7));
    assert_eq!(timer.event, r#"{"wake":{"conversation":"web:ann","timer":3}}"#);
    assert_eq!(timer.key, TimerKey { partition: 0, sort: "001795773600250#58becf65d30435fa8e5d7af114a619f0".into() });
    assert_eq!(timer.due(), Some(later(7)));
}

#[test]
fn a_stored_timer_is_sent_as_the_message_it_was_made_of_and_has_its_claim() {
    for what in [wake("web:ann"), join("1042")] {
        let made = what.envelope(later(7), NOW);
        let timer = StoredTimer::of_message(&made.encode()).expect("a timer");
        let sweep = later(7).minus(Duration::from_secs(600));
        let (message, delay) = timer.message(sweep);
        let sent = Envelope::decode(&message).unwrap();
        assert_eq!((&sent.claimkey, delay), (&made.claimkey, Duration::from_secs(600)));
        let scheduled = InternalEvent::read(&sent).unwrap().unwrap();
        assert_eq!((scheduled.due, scheduled.what, scheduled.visible), (later(7), what, Some(later(7))));
    }
    let link = InternalEvent::Link { identity: "a".into(), conversation: "b".into(), moves: false };
    for other in [link.envelope(NOW, NOW).encode(), "{}".to_owned()] {
        assert_eq!(StoredTimer::of_message(&other), None, "{other}");
    }
}

#[test]
fn a_timer_that_is_swept_late_is_visible_at_once() {
    let timer = StoredTimer::new(&join("1042"), NOW);
    let (message, delay) = timer.message(later(1));
    let scheduled = InternalEvent::read(&Envelope::decode(&message).unwrap()).unwrap().unwrap();
    assert_eq!((delay, scheduled.due, scheduled.visible), (Duration::ZERO, NOW, Some(later(1))));
}

#[test]
fn the_keys_of_a_partition_are_in_the_order_of_their_times() {
    let times = [1, 9, 10, 99_999, 1_795_168_800_250, 253_402_300_799_999].map(Timestamp::from_unix_ms);
    let keys = times.map(|due| TimerKey::of(due, &ClaimKey::new("a", "b")));
    assert!(keys.is_sorted_by(|a, b| a.sort < b.sort), "{keys:?}");
    for (key, due) in keys.iter().zip(times) {
        assert!(key.sort < TimerKey::after_all(due) && TimerKey::after_all(due.minus(Duration::from_millis(1))) < key.sort);
    }
}

#[test]
fn timers_are_spread_over_all_partitions() {
    let partitions: std::collections::BTreeSet<u8> =
        (0..200).map(|n| StoredTimer::new(&wake(&n.to_string()), later(1)).key.partition).collect();
    assert_eq!(partitions, TimerKey::partitions().collect());
}

#[test]
fn a_timer_of_another_version_is_sent_and_can_be_read_by_that_version() {
    let event = r#"{"remind":{"who":"ann"}}"#;
    let timer = StoredTimer { event: event.to_owned(), ..StoredTimer::new(&wake("web:ann"), later(7)) };
    let envelope = Envelope::decode(&timer.message(NOW).0).unwrap();
    assert_eq!(InternalEvent::read(&envelope), Some(Err(DecodeError::Malformed("an event of our own".to_owned()))));
    assert!(envelope.data.get().contains(event), "{}", envelope.data);
    assert!(envelope.claimkey.is_ours());
    for broken in ["", "{", "\u{0}"] {
        let timer = StoredTimer { event: broken.to_owned(), ..timer.clone() };
        assert!(Envelope::decode(&timer.message(NOW).0).is_ok(), "{broken:?}");
    }
}

#[test]
fn a_timer_that_was_stored_slowly_is_sent_as_well() {
    let timer = StoredTimer::new(&wake("web:ann"), NOW.plus(STORED_TIMER_FROM));
    assert!(!timer.may_be_passed(NOW));
    assert!(timer.may_be_passed(NOW.plus(Duration::from_secs(600))), "the next sweep, by a clock that is ahead, reads its time");
}

#[test]
fn sweeps_are_reliable_after_an_hour_without_a_gap_and_not_after_one() {
    let mut sweeps = Sweeps::and(None, NOW);
    assert!(!sweeps.are_reliable(NOW), "the deployment may be rolled back");
    let mut now = NOW;
    while now < NOW.plus(Duration::from_secs(3_600)) {
        assert!(!sweeps.are_reliable(now));
        now = now.plus(SWEEP_INTERVAL);
        sweeps = Sweeps::and(Some(sweeps), now);
    }
    assert!(sweeps.are_reliable(now) && sweeps.are_reliable(now.plus(SWEEP_OVERDUE)));
    let gap = now.plus(SWEEP_OVERDUE).plus(Duration::from_millis(1));
    assert!(!sweeps.are_reliable(gap));
    assert_eq!(Sweeps::and(Some(sweeps), gap), Sweeps { since: gap, last: gap });
}

#[test]
fn a_timer_is_found_by_the_name_that_it_has() {
    let (names, joins) = (["web:ann".to_owned()], [join_partition("ready", "1042")]);
    for (what, expected) in [(wake("web:ann"), true), (wake("web:anna"), false), (join("1042"), true), (join("1043"), false)] {
        assert_eq!(StoredTimer::new(&what, NOW).is_about(&names, &joins), expected, "{what:?}");
    }
}

#[test]
fn a_timer_of_a_year_outlives_its_time_and_not_its_claim() {
    let timer = StoredTimer::new(&wake("web:ann"), later(365));
    assert_eq!(timer.expires(NOW), later(365 + 14));
    assert!(timer.expires(NOW).since(later(365)) < MAX_EVENT_AGE);
}
