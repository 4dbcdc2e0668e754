use super::*;
use crate::claim::ClaimKey;
use proptest::prelude::*;
use tidings_config::limits::{CLAIM_LIFETIME, MAX_CONVERSATION_BYTES, MAX_EVENT_AGE, MAX_ITEM_BYTES, MAX_JOIN_EVENTS, MAX_LEGS};
use tidings_config::rules::Span;

const WITHIN: Duration = Duration::from_secs(10);

fn terms(legs: usize, again: Again) -> Terms {
    Terms { legs, within: WITHIN, again, gives_up: true }
}

fn after(seconds: u64) -> Again {
    Again::After(Span::new(Duration::from_secs(seconds)))
}

const fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_ms(second * 1_000)
}

fn seen(leg: usize, second: i64) -> Seen {
    let key = ClaimKey::new("s", &format!("{leg}@{second}"));
    Seen { time: at(second), key, leg, received: at(second), owner: Owner::Conversation(format!("c{leg}")) }
}

fn state(events: &[(usize, i64)], terms: &Terms) -> JoinState {
    let mut state = JoinState::default();
    for (leg, second) in events {
        assert_eq!(state.see(seen(*leg, *second), terms, at(40)), 0, "there is room");
    }
    state
}

/// Applies the current ends, and returns their numbers, branches and times.
fn take(state: &mut JoinState, terms: &Terms, now: Timestamp) -> Vec<(u64, Branch, i64)> {
    let mut ends = Vec::new();
    while let Some(Next::Take(end)) = state.next(terms, now) {
        *state = state.clone().ended(&end, terms, "c");
        ends.push((end.number, end.branch, end.time.unix_s()));
    }
    ends
}

#[test]
fn a_join_completes_when_one_event_of_each_leg_is_near_enough() {
    for (events, expected) in [
        (&[(0, 0)][..], None),
        (&[(0, 0), (0, 5)], None),
        (&[(0, 0), (1, 10)], Some(10)),
        (&[(0, 0), (1, 11)], None),
        (&[(1, 0), (0, 10)], Some(10)),
        (&[(0, 0), (0, 8), (1, 17)], Some(17)),
        (&[(0, 0), (1, 0)], Some(0)),
    ] {
        for again in [Again::Never, Again::Each, after(5)] {
            let terms = terms(2, again);
            let ends = take(&mut state(events, &terms), &terms, at(20));
            assert_eq!(ends, expected.map(|time| (1, Branch::Then, time)).into_iter().collect::<Vec<_>>(), "{events:?} {again}");
        }
    }
    let terms = terms(2, Again::Never);
    let combination = state(&[(1, 3), (0, 0), (0, 2)], &terms).complete(&terms).unwrap();
    assert_eq!(combination.owner, Owner::Conversation("c0".into()), "the first leg's");
}

#[test]
fn a_join_is_given_up_when_its_last_event_has_waited() {
    let terms = terms(3, Again::Never);
    let waiting = state(&[(1, 0), (0, 5)], &terms);
    let deadline = at(15).plus(JOIN_GRACE);
    assert_eq!((waiting.deadline(&terms), waiting.next(&terms, at(74))), (Some(deadline), None));
    let end = End { branch: Branch::Else, number: 1, time: at(15), owner: Owner::Conversation("c0".into()) };
    assert_eq!(waiting.next(&terms, deadline), Some(Next::Take(end)));
    assert_eq!(waiting.next(&Terms { gives_up: false, ..terms }, deadline), None, "without an else");
    let late = JoinState { seen: vec![Seen { received: at(60), ..seen(0, 1) }], ..JoinState::default() };
    assert_eq!(late.deadline(&terms), Some(at(70).plus(JOIN_GRACE)), "from its arrival");
    assert_eq!(late.given_up(&terms).unwrap().time, at(11));
}

#[test]
fn an_end_opens_the_join_again_for_later_events() {
    let pairs = [(0, 0), (1, 2), (0, 4), (1, 6), (0, 20), (1, 21)];
    for (again, ends) in [(Again::Never, vec![21]), (Again::Each, vec![21; 3]), (after(1), vec![21; 3]), (after(2), vec![21; 2])]
    {
        let terms = terms(2, again);
        let mut state = state(&pairs, &terms);
        let taken = take(&mut state, &terms, at(30));
        assert_eq!(taken.iter().map(|(_, _, time)| *time).collect::<Vec<_>>(), ends, "{again}: of the latest combination");
        let numbers: Vec<u64> = taken.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers, (1..=ends.len() as u64).collect::<Vec<_>>(), "{again}");
        assert!(state.is_over(&terms));
    }
}

#[test]
fn giving_up_ends_an_opening_and_later_events_begin_another() {
    let terms = terms(2, Again::Each);
    let mut state = state(&[(0, 0)], &terms);
    let mut ends = take(&mut state, &terms, at(70));
    for (leg, second) in [(1, 5), (1, 100), (0, 105), (1, 200)] {
        state.see(seen(leg, second), &terms, at(300));
        ends.extend(take(&mut state, &terms, at(second + 1)));
    }
    ends.extend(take(&mut state, &terms, at(300)));
    assert_eq!(ends, [(1, Branch::Else, 10), (2, Branch::Then, 105), (3, Branch::Else, 210)]);
}

#[test]
fn each_leg_has_room_of_its_own_and_keeps_its_newest() {
    let terms = terms(2, Again::Never);
    let room = MAX_JOIN_EVENTS / 2;
    let mut state = JoinState::default();
    state.see(seen(1, 0), &terms, at(0));
    for second in 0..100_i64 {
        let lost = state.see(seen(0, 100 + second), &terms, at(100 + second));
        let in_window = usize::try_from(second).unwrap() >= room;
        assert_eq!(lost, usize::from(in_window), "{second}: the surplus one was in the window");
    }
    let of = |state: &JoinState, leg: usize| {
        state.seen.iter().filter(|seen| seen.leg == leg).map(|seen| seen.time.unix_s()).collect::<Vec<_>>()
    };
    assert_eq!(of(&state, 0), (184..200).collect::<Vec<_>>());
    assert_eq!(of(&state, 1), [0], "the other leg's is untouched");
    assert_eq!(state.see(seen(0, 150), &terms, at(10_000)), 0, "a late surplus event isn't counted as lost");
    assert_eq!(of(&state, 0).len(), room);
    assert_eq!(state.see(seen(0, 199), &terms, at(200)), 0, "the very event again");

    let end = End { branch: Branch::Else, number: 1, time: at(210), owner: Owner::Conversation("c".into()) };
    let mut over = state.ended(&end, &terms, "c");
    assert_eq!(over.see(seen(0, 201), &terms, at(201)), 0, "after its end no event is lost");
}

#[test]
fn the_longest_events_fit_into_an_item() {
    let terms = terms(MAX_LEGS, Again::Each);
    let owner = Owner::Conversation("\u{1}".repeat(MAX_CONVERSATION_BYTES));
    let mut state = JoinState::default();
    for n in 0..10 {
        for leg in 0..MAX_LEGS {
            let key = ClaimKey::new("s", &format!("{n}{}", "\u{1}".repeat(250)));
            state.see(Seen { key, owner: owner.clone(), ..seen(leg, n) }, &terms, at(n));
        }
    }
    let state = JoinState { openings: Openings { latest: state.complete(&terms), ..state.openings.clone() }, ..state };
    let legs: std::collections::BTreeSet<usize> = state.seen.iter().map(|seen| seen.leg).collect();
    assert_eq!(legs.len(), MAX_LEGS, "each has its newest");
    assert!(state.seen.iter().all(|seen| seen.time == at(9)));
    let bytes = serde_json::to_string(&state).unwrap().len();
    assert!(bytes <= MAX_ITEM_BYTES, "{bytes}");
}

#[test]
fn an_event_that_no_accepted_event_can_meet_is_forgotten() {
    let terms = terms(2, Again::Never);
    let mut state = JoinState::default();
    state.see(seen(0, 0), &terms, at(0));
    let oldest = at(0).plus(MAX_EVENT_AGE).plus(WITHIN);
    state.see(seen(0, 1), &terms, oldest);
    assert_eq!(state.seen.len(), 2);
    state.see(seen(0, 1), &terms, oldest.plus(Duration::from_millis(1)));
    assert_eq!(state.seen, [seen(0, 1)]);
}

#[test]
fn a_join_is_kept_as_long_as_it_stays_closed() {
    let terms = terms(2, after(100 * 86_400));
    let mut state = state(&[(0, 0), (1, 1)], &terms);
    take(&mut state, &terms, at(1));
    state.see(seen(0, 2), &terms, at(1).plus(MAX_EVENT_AGE).plus(Duration::from_secs(60)));
    let opens = at(1).plus(Duration::from_secs(100 * 86_400));
    assert_eq!(state.expires(at(2)), opens.plus(CLAIM_LIFETIME), "its events are forgotten, and it stays closed");
    let never = Terms { again: Again::Never, ..terms };
    assert_eq!(super::tests::state(&[(0, 0)], &never).expires(at(2)), at(2).plus(CLAIM_LIFETIME));
}

/// The state as the previous version writes it: it doesn't know openings and drops them.
fn as_before(state: &JoinState) -> JoinState {
    let mut json = serde_json::to_value(state).unwrap();
    json.as_object_mut().unwrap().remove("openings");
    serde_json::from_value(json).unwrap()
}

#[test]
fn the_previous_version_reads_it_and_causes_no_second_end() {
    let never = terms(2, Again::Never);
    let mut once = state(&[(0, 0), (1, 1)], &never);
    take(&mut once, &never, at(2));
    let json = serde_json::to_value(&once).unwrap();
    assert_eq!(
        json.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["seen", "taken"],
        "a join that opens once has no new fields"
    );

    let each = terms(2, Again::Each);
    for said in [1, 2] {
        let mut state = state(&[(0, 0), (1, 1)], &each);
        if said == 2 {
            state.see(seen(0, 2), &each, at(3));
            state.see(seen(1, 3), &each, at(3));
        }
        assert_eq!(take(&mut state, &each, at(3)).len(), said);
        let mut state = as_before(&state).under(&each, at(1_000));
        assert_eq!(take(&mut state, &each, at(1_000)), [], "all of it is over");
        state.see(seen(0, 1_001), &each, at(1_001));
        state.see(seen(1, 1_002), &each, at(1_002));
        let ends = take(&mut state, &each, at(1_002));
        assert_eq!(ends, [(1_001, Branch::Then, 1_002)], "its number is new");
    }
}

/// The model: the longest sequence of combinations, among all of them.
fn most(events: &[(usize, i64)], legs: usize, again: Option<Duration>) -> u64 {
    let mut spans = vec![(i64::MAX, i64::MIN)];
    for leg in 0..legs {
        let times: Vec<i64> = events.iter().filter(|event| event.0 == leg).map(|event| event.1).collect();
        spans = spans.into_iter().flat_map(|(first, last)| times.iter().map(move |t| (first.min(*t), last.max(*t)))).collect();
    }
    spans.retain(|(first, last)| last - first <= 10);
    spans.sort_by_key(|(_, last)| *last);
    let Some(again) = again else { return u64::from(!spans.is_empty()) };
    let (mut count, mut after) = (0, i64::MIN);
    for (first, last) in spans {
        if first > after {
            count += 1;
            after = last + i64::try_from(again.as_secs()).unwrap();
        }
    }
    count
}

fn any_again() -> impl Strategy<Value = Again> {
    prop_oneof![Just(Again::Never), Just(Again::Each), (1..20_u64).prop_map(after)]
}

fn shuffled(events: &[(usize, i64)], keys: &[u32]) -> Vec<(usize, i64)> {
    let mut shuffled: Vec<_> = events.iter().copied().zip(keys).collect();
    shuffled.sort_by_key(|(_, key)| *key);
    shuffled.into_iter().map(|(event, _)| event).collect()
}

proptest! {
    #[test]
    fn a_join_completes_as_often_as_possible_in_every_order(
        mut events in proptest::collection::vec((0..3_usize, 0..40_i64), 1..10), legs in 1..=3_usize, again in any_again(),
        keys in proptest::collection::vec(any::<u32>(), 10), early in proptest::collection::vec(any::<bool>(), 10),
    ) {
        events.retain(|event| event.0 < legs);
        events.sort_unstable();
        events.dedup();
        let terms = terms(legs, again);
        let mut state = JoinState::default();
        let mut numbers = Vec::new();
        for (n, (leg, second)) in shuffled(&events, &keys).into_iter().enumerate() {
            let before = state.clone();
            state.see(seen(leg, second), &terms, at(40));
            let timers = state.timers(&before, &terms, at(40));
            let more = state.completed(&terms).0 > before.completed(&terms).0;
            prop_assert!(!more || timers.contains(&at(40)), "each further end has a timer");
            prop_assert!(state.completed(&terms) >= before.completed(&terms), "more events never make it less complete");
            if early[n] {
                numbers.extend(take(&mut state, &terms, at(40)).into_iter().map(|end| end.0));
            }
        }
        numbers.extend(take(&mut state, &terms, at(40)).into_iter().map(|end| end.0));
        let said = numbers.len() as u64;
        prop_assert_eq!(said, most(&events, legs, again.span()));
        prop_assert_eq!(numbers, (1..=said).collect::<Vec<_>>());
    }

    /// With any number of events in order, forgetting neither loses nor repeats an end.
    #[test]
    fn forgetting_changes_no_end(
        mut events in proptest::collection::vec((0..2_usize, 0..400_i64), 1..160), again in any_again(), seldom in 1..50_usize,
    ) {
        events.sort_by_key(|event| event.1);
        events.dedup();
        let terms = Terms { gives_up: false, ..terms(2, again) };
        let mut state = JoinState::default();
        let mut said = 0;
        for (n, (leg, second)) in events.iter().enumerate() {
            state.see(seen(*leg, *second), &terms, at(*second));
            prop_assert!(state.seen.len() <= MAX_JOIN_EVENTS);
            if n % seldom == 0 {
                said += take(&mut state, &terms, at(*second)).len() as u64;
            }
        }
        said += take(&mut state, &terms, at(400)).len() as u64;
        prop_assert_eq!(said, most(&events, 2, again.span()));
    }
}
