//! One event's changes, merged: the result is the same in every order.

use super::*;
use crate::claim::ClaimKey;
use proptest::prelude::*;
use std::time::Duration;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_config::time::Timestamp;

type Stored = BTreeMap<ItemKey, Item>;

fn apply(events: &[(Changes, Order)]) -> Stored {
    let mut stored = Stored::new();
    for (changes, order) in events {
        stored.extend(changes.merge(&stored, order, Timestamp::from_unix_ms(0)).items);
    }
    stored
}

fn ladder() -> Ladder {
    serde_json::from_value(serde_json::json!([2, 0, 3, 1])).unwrap()
}

prop_compose! {
    /// Few entities, names, times and sequences, so that events collide.
    fn any_event()(entity in 0..3u8, name in 0..3u8, value in 0..100i64, node in proptest::option::of(0..3u8),
                   sequence in proptest::option::of(0..3u64), time in 0..4i64, rank in 0..3u32, after in 0..3i64, id in 0..1_000u16,
                   kind in 0..5u8) -> (Changes, Order) {
        let mut changes = Changes::default();
        let of = format!("order/{entity}");
        let by = if time % 2 == 0 { WrittenBy::Provider } else { WrittenBy::Stranger };
        match kind {
            0 => changes.set(&of, &format!("fact{name}"), Value::from(value), None, by),
            1 => changes.forget(&of, &format!("fact{name}")),
            2 => changes.climb(&of, &format!("rung{name}"), Value::from(value % 4), &ladder(), by),
            3 => changes.count(&of, &format!("counter{name}"), value - 50, by),
            _ => changes.member(&of, &format!("set{name}"), (value % 3).to_string(), value % 2 == 0, by),
        }
        if let Some(node) = node {
            changes.go_to(&format!("node{node}"));
        }
        let key = ClaimKey::new("s", &format!("{id}/{entity}{name}{value}{node:?}"));
        (changes, Order { sequence, rank, received_after_ms: after, ..Order::at(Timestamp::from_unix_ms(time), key) })
    }
}

/// Applies events in this order, each at its time by our clock.
fn apply_at(events: &[(Changes, Order)], clock: &[u64]) -> Stored {
    let mut stored = Stored::new();
    for ((changes, order), seconds) in events.iter().zip(clock) {
        let now = Timestamp::from_unix_ms(0).plus(Duration::from_secs(*seconds));
        stored.extend(changes.merge(&stored, order, now).items);
    }
    stored
}

proptest! {
    /// Facts may be written before their claim. Another receive of the event then changes nothing, whatever came between,
    /// and records the same outcome if nothing did.
    #[test]
    fn a_repeatable_event_can_be_merged_again_without_a_change(events in proptest::collection::vec(any_event(), 1..8)) {
        let mut stored = Stored::new();
        for (changes, order) in &events {
            let first = changes.merge(&stored, order, Timestamp::from_unix_ms(0));
            stored.extend(first.items);
            let counts = changes.items.values().flat_map(BTreeMap::values).any(|change| matches!(change, Change::Count(..)));
            prop_assert_eq!(changes.are_repeatable(), !counts);
            if changes.are_repeatable() {
                let again = changes.merge(&stored, order, Timestamp::from_unix_ms(0));
                prop_assert!(again.items.is_empty(), "{:?}", again.items);
                prop_assert_eq!((again.outcome, again.won, again.overtaken), (first.outcome, first.won, first.overtaken));
            }
        }
        for (changes, order) in events.iter().filter(|(changes, _)| changes.are_repeatable()) {
            let again = changes.merge(&stored, order, Timestamp::from_unix_ms(0));
            prop_assert!(again.items.is_empty(), "{:?}", again.items);
        }
    }

    /// Only records that no older event can restore are aged. Whenever items are written, readers see the same.
    #[test]
    fn ageing_changes_no_known_value(
        events in proptest::collection::vec(any_event(), 1..8), mut clock in proptest::collection::vec(0..CLAIM_LIFETIME.as_secs(), 8),
        keys in proptest::collection::vec(any::<u32>(), 8),
    ) {
        let mut events = events;
        events.sort_by(|a, b| a.1.cmp(&b.1));
        events.dedup_by(|a, b| a.1 == b.1);
        clock.sort_unstable();
        let mut shuffled: Vec<_> = events.iter().cloned().zip(keys).collect();
        shuffled.sort_by_key(|(_, key)| *key);
        let shuffled: Vec<_> = shuffled.into_iter().map(|(event, _)| event).collect();
        let straight = apply(&events);
        let aged = apply_at(&shuffled, &clock);
        prop_assert_eq!(&aged, &straight, "no record has aged yet");

        let later = Timestamp::from_unix_ms(4).plus(CLAIM_LIFETIME);
        for (key, item) in straight {
            let before = item.facts().unwrap().clone();
            let mut after = before.clone();
            prop_assert_eq!(crate::context::fit(&mut after, later), []);
            let known = |facts: &Facts| -> BTreeMap<String, Value> {
                let known = facts.iter().filter(|(_, fact)| fact.is_known(later));
                known.map(|(name, fact)| (name.clone(), fact.value.clone())).collect()
            };
            prop_assert_eq!(known(&after), known(&before), "{}", key);
            let out = |fact: &Fact| matches!(&fact.kind, FactKind::Set(members) if members.values().any(|member| member.out));
            prop_assert!(after.values().all(|fact| !fact.value.is_null() && !out(fact)), "only known values are left");
        }
    }

    /// Facts stored under an identity, in an item of its own, are merged with its conversation's.
    #[test]
    fn apart_or_together_ends_the_same(events in proptest::collection::vec((any_event(), any::<bool>()), 1..8)) {
        let mut events = events;
        events.sort_by(|a, b| a.0.1.cmp(&b.0.1));
        events.dedup_by(|a, b| a.0.1 == b.0.1);
        let of = |side: bool| apply(&events.iter().filter(|(_, at)| *at == side).map(|(event, _)| event.clone()).collect::<Vec<_>>());
        let facts = |stored: &Stored| -> BTreeMap<ItemKey, Facts> {
            stored.iter().map(|(key, item)| (key.clone(), item.facts().unwrap().clone())).collect()
        };
        let (mut together, theirs) = (facts(&of(true)), facts(&of(false)));
        for (key, theirs) in theirs {
            let ours = together.remove(&key).unwrap_or_default();
            together.insert(key, crate::context::fact::merge_all(ours, theirs));
        }
        prop_assert_eq!(together, facts(&apply(&events.iter().map(|(event, _)| event.clone()).collect::<Vec<_>>())));
    }

    #[test]
    fn any_order_gives_the_same_context(
        events in proptest::collection::vec(any_event(), 1..8),
        keys in proptest::collection::vec(any::<u32>(), 8),
    ) {
        // Two events with the same order are one event.
        let mut events = events;
        events.sort_by(|a, b| a.1.cmp(&b.1));
        events.dedup_by(|a, b| a.1 == b.1);

        let mut shuffled: Vec<_> = events.iter().cloned().zip(keys).collect();
        shuffled.sort_by_key(|(_, key)| *key);
        let shuffled: Vec<_> = shuffled.into_iter().map(|(event, _)| event).collect();
        prop_assert_eq!(apply(&events), apply(&shuffled));
    }
}

#[test]
fn the_node_goes_by_time_and_the_facts_by_sequence() {
    let order = |sequence, ms| Order { sequence, ..Order::at(Timestamp::from_unix_ms(ms), ClaimKey::new("s", "e")) };
    let event = |node: &str| {
        let mut changes = Changes::default();
        changes.set("order/1", "status", Value::from(node), None, WrittenBy::Stranger);
        changes.go_to(node);
        changes
    };
    let stored = apply(&[(event("shipped"), order(Some(9), 1)), (event("asked"), order(None, 2))]);
    assert_eq!(stored[&ItemKey::Node].facts().unwrap()[NODE_REGISTER].value, "asked");
    assert_eq!(stored[&ItemKey::Entity("order/1".into())].facts().unwrap()["status"].value, "shipped");
}

#[test]
fn in_a_tie_of_time_the_node_goes_by_sequence_then_rank_then_receipt() {
    let event = |node: &str, sequence, rank, after| {
        let mut changes = Changes::default();
        changes.set("order/1", "status", Value::from(node), None, WrittenBy::Stranger);
        changes.go_to(node);
        // The key has the opposite order of the deciding fields.
        let key = ClaimKey::new("s", &format!("{}{}{}", 9 - sequence, 9 - rank, 9 - after));
        let at = Order::at(Timestamp::from_unix_ms(1), key);
        (changes, Order { sequence: Some(sequence), rank, received_after_ms: after, ..at })
    };
    for (lower, higher) in [
        (event("a", 1, 5, 5), event("b", 2, 0, 0)),
        (event("a", 1, 0, 5), event("b", 1, 5, 0)),
        (event("a", 1, 5, 0), event("b", 1, 5, 5)),
    ] {
        for events in [[lower.clone(), higher.clone()], [higher, lower]] {
            let stored = apply(&events);
            assert_eq!(stored[&ItemKey::Node].facts().unwrap()[NODE_REGISTER].value, "b");
            assert_eq!(stored[&ItemKey::Entity("order/1".into())].facts().unwrap()["status"].value, "b");
        }
    }
}

fn order_at(ms: i64) -> Order {
    Order::at(Timestamp::from_unix_ms(ms), ClaimKey::new("s", &ms.to_string()))
}

fn climbs(value: i64) -> Changes {
    let mut changes = Changes::default();
    changes.climb("order/1", "status", Value::from(value), &ladder(), WrittenBy::Stranger);
    changes
}

#[test]
fn a_ladder_ends_at_its_highest_rung_with_the_newest_event_of_that_rung() {
    let stored = apply(&[(climbs(3), order_at(5)), (climbs(0), order_at(9)), (climbs(3), order_at(4))]);
    let fact = &stored[&ItemKey::Entity("order/1".into())].facts().unwrap()["status"];
    assert_eq!((&fact.value, &fact.order), (&Value::from(3), &order_at(5)));
    let newer = climbs(3).merge(&stored, &order_at(6), Timestamp::from_unix_ms(0));
    assert_eq!((newer.outcome, newer.won.len()), (Outcome::Applied, 1));
    for (value, ms) in [(2, 99), (3, 1)] {
        assert_eq!(climbs(value).merge(&stored, &order_at(ms), Timestamp::from_unix_ms(0)).outcome, Outcome::Stale, "{value}");
    }
    let again = climbs(3).merge(&stored, &order_at(5), Timestamp::from_unix_ms(0));
    assert_eq!((again.outcome, again.items.len()), (Outcome::Applied, 0), "the very event again");
    let mut both = climbs(1);
    both.climb("order/1", "status", Value::from(0), &ladder(), WrittenBy::Stranger);
    assert_eq!(both, climbs(1), "the highest rung of one event counts");
}

#[test]
fn a_value_from_before_the_ladder_is_on_the_rung_that_it_names() {
    let set = |value: Value, ms: i64| {
        let mut changes = Changes::default();
        changes.set("order/1", "status", value, None, WrittenBy::Stranger);
        (changes, order_at(ms))
    };
    let value =
        |events: &[(Changes, Order)]| apply(events)[&ItemKey::Entity("order/1".into())].facts().unwrap()["status"].value.clone();
    assert_eq!(value(&[set(Value::from(3), 1), (climbs(0), order_at(9))]), 3, "it is higher");
    assert_eq!(value(&[set(Value::from(0), 9), (climbs(3), order_at(1))]), 3, "it is lower, and newer");
    for before in [Value::from("elsewhere"), Value::Null] {
        assert_eq!(value(&[set(before, 9), (climbs(2), order_at(1))]), 2, "it is on none");
    }
    assert_eq!(value(&[(climbs(3), order_at(1)), set(Value::from(0), 9)]), 0, "without a ladder the newest has it again");

    // The same when an identity's facts are merged with its conversation's.
    let register = |value: i64, ms: i64| Fact::register(Value::from(value), order_at(ms));
    let climbed = |value: i64, ms: i64| Fact::on_ladder(Value::from(value), ladder(), order_at(ms));
    for (one, other, highest) in [
        (register(3, 1), climbed(0, 9), climbed(3, 1)),
        (register(0, 9), climbed(3, 1), climbed(3, 1)),
        (register(7, 9), climbed(2, 1), climbed(2, 1)),
        (climbed(3, 1), climbed(2, 9), climbed(3, 1)),
    ] {
        assert_eq!(one.clone().merge(other.clone()), highest);
        assert_eq!(other.merge(one), highest);
    }
}

#[test]
fn outcomes() {
    let order = |ms: i64| Order::at(Timestamp::from_unix_ms(ms), ClaimKey::new("s", &ms.to_string()));
    let merge = |changes: &Changes, stored: &Stored, ms| changes.merge(stored, &order(ms), Timestamp::from_unix_ms(0));
    let mut changes = Changes::default();
    assert_eq!(merge(&changes, &Stored::new(), 1).outcome, Outcome::Noted);
    changes.set("order/1", "status", Value::from("paid"), None, WrittenBy::Stranger);
    let applied = merge(&changes, &Stored::new(), 2);
    assert_eq!((applied.outcome, applied.won.len()), (Outcome::Applied, 1));
    let stale = merge(&changes, &applied.items, 1);
    assert_eq!((stale.outcome, stale.items.len(), stale.won.len()), (Outcome::Stale, 0, 0), "an older event");
    let again = merge(&changes, &applied.items, 2);
    assert_eq!((again.outcome, again.items.len(), again.won.len()), (Outcome::Applied, 0, 1), "the very event again");
    assert_eq!(merge(&changes, &applied.items, 3).outcome, Outcome::Applied);
}

#[test]
fn a_deletion_wins_against_older_events_only() {
    let order = |ms| Order::at(Timestamp::from_unix_ms(ms), ClaimKey::new("s", "e"));
    let mut set = Changes::default();
    set.set("order/1", "status", Value::from("paid"), None, WrittenBy::Stranger);
    let mut forget = Changes::default();
    forget.forget("order/1", "status");
    let value =
        |events: &[(Changes, Order)]| apply(events)[&ItemKey::Entity("order/1".into())].facts().unwrap()["status"].value.clone();
    assert_eq!(value(&[(forget.clone(), order(2)), (set.clone(), order(1))]), Value::Null);
    assert_eq!(value(&[(forget, order(2)), (set, order(3))]), "paid");
}

#[test]
fn facts_stored_apart_merge_to_the_same_result() {
    let order = |ms: i64| Order::at(Timestamp::from_unix_ms(ms), ClaimKey::new("s", &ms.to_string()));
    let event = |ms: i64| {
        let mut changes = Changes::default();
        changes.set("order/1", "status", Value::from(ms), None, WrittenBy::Stranger);
        changes.count("order/1", "n", ms, WrittenBy::Stranger);
        changes.member("order/1", "tags", (ms % 2).to_string(), ms < 3, WrittenBy::Stranger);
        (changes, order(ms))
    };
    let facts = |events: &[(Changes, Order)]| apply(events)[&ItemKey::Entity("order/1".into())].facts().unwrap().clone();
    let all = facts(&[event(1), event(2), event(3), event(4)]);
    let merged = crate::context::fact::merge_all(facts(&[event(1), event(4)]), facts(&[event(3), event(2)]));
    assert_eq!(merged, all);
    assert_eq!((&all["n"].value, &all["tags"].value), (&Value::from(10), &Value::from(Vec::<i64>::new())));
}

/// The order of an event that is applied again `ms` later, under another key.
fn again(order: &Order, ms: i64) -> Order {
    let key = ClaimKey::from(format!("@again#fix#{}", order.key));
    Order { again_ms: ms, key, ..order.clone() }
}

#[test]
fn an_event_applied_again_keeps_its_order_and_replaces_its_writes() {
    let sets = |name: &str, value: i64| {
        let mut changes = Changes::default();
        changes.set("order/1", name, Value::from(value), None, WrittenBy::Stranger);
        changes.member("order/1", "seen", value.to_string(), true, WrittenBy::Stranger);
        changes.count("order/1", "moves", 1, WrittenBy::Stranger);
        changes
    };
    let mut stored = apply(&[(sets("wrong", 1), order_at(1)), (sets("newer", 2), order_at(2))]);
    let mut changes = Changes::default();
    changes.set("order/1", "right", Value::from(1), None, WrittenBy::Stranger);
    changes.set("order/1", "newer", Value::from(1), None, WrittenBy::Stranger);
    changes.take_back(order_at(1).key, BTreeSet::new());
    let merged = changes.merge(&stored, &again(&order_at(1), 9), Timestamp::from_unix_ms(0));
    stored.extend(merged.items);
    let facts = stored[&ItemKey::Entity("order/1".into())].facts().unwrap();
    assert!(!facts.contains_key("wrong"), "as if it had never been");
    assert_eq!((&facts["right"].value, &facts["newer"].value), (&Value::from(1), &Value::from(2)));
    assert_eq!(
        (&facts["seen"].value, &facts["moves"].value),
        (&serde_json::json!([2]), &Value::from(2)),
        "a sum can't be undone"
    );
    assert_eq!(merged.overtaken, BTreeSet::from([(ItemKey::Entity("order/1".into()), "newer".to_owned())]));

    // An older event gets back the values that were overwritten.
    let mut none = Changes::default();
    none.take_back(order_at(2).key, BTreeSet::from([ItemKey::Entity("order/1".into())]));
    let merged = none.merge(&stored, &again(&order_at(2), 9), Timestamp::from_unix_ms(0));
    assert_eq!(merged.outcome, Outcome::Applied);
    stored.extend(merged.items);
    let merged = sets("newer", 7).merge(&stored, &order_at(0), Timestamp::from_unix_ms(0));
    assert!(merged.overtaken.is_empty(), "{merged:?}");
}

#[test]
fn the_last_application_of_an_event_wins_among_events_of_its_time() {
    let sets = |value: i64| {
        let mut changes = Changes::default();
        changes.set("order/1", "status", Value::from(value), None, WrittenBy::Stranger);
        changes
    };
    let (first, same_time) = (order_at(1), Order { key: ClaimKey::new("s", "9"), ..order_at(1) });
    let all = [(sets(1), first.clone()), (sets(2), same_time), (sets(3), again(&first, 5)), (sets(4), again(&first, 6))];
    for n in 0..all.len() {
        let mut events = all.clone();
        events.rotate_left(n);
        assert_eq!(apply(&events)[&ItemKey::Entity("order/1".into())].facts().unwrap()["status"].value, 4);
    }
}
