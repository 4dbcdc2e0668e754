//! Keeps the facts of one entity within their bounds. Pure.
//!
//! A deleted fact or a removed element is remembered until no older event can arrive that would restore it. Then the
//! record is removed. If the facts still don't fit, the oldest by the order of events are dropped: first elements of
//! sets, since any event may add some, then values. The event itself, and facts that fit, are never dropped.

use super::{Fact, FactKind, Facts, Member};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use tidings_config::limits::{CLAIM_LIFETIME, MAX_ITEM_BYTES, MAX_SET_BYTES, MAX_SET_ELEMENTS};
use tidings_config::time::Timestamp;

/// What a fact lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    pub fact: String,
    pub loss: Loss,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// This many elements, the oldest. Elements that were removed before aren't counted.
    Elements(usize),
    /// Its value.
    Value,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elements(1) => f.write_str("1 element"),
            Self::Elements(n) => write!(f, "{n} elements"),
            Self::Value => f.write_str("no room"),
        }
    }
}

/// Ages the facts and bounds them. The result has at most [`MAX_ITEM_BYTES`] as JSON, for any input.
pub fn fit(facts: &mut Facts, now: Timestamp) -> Vec<Dropped> {
    age(facts, now);
    let mut lost = BTreeMap::new();
    for (name, fact) in &mut *facts {
        trim(fact, MAX_SET_BYTES, name, &mut lost);
    }
    let mut dropped = Vec::new();
    while let Some(surplus) = json_bytes(facts).checked_sub(MAX_ITEM_BYTES).filter(|surplus| *surplus > 0) {
        if !shrink_a_set(facts, surplus, &mut lost) && !forget_a_value(facts, &mut dropped) && !remove_the_oldest(facts) {
            break;
        }
    }
    let elements = lost.into_iter().filter(|(_, elements)| *elements > 0);
    dropped.extend(elements.map(|(fact, elements)| Dropped { fact, loss: Loss::Elements(elements) }));
    dropped
}

/// Removes expired values, and the records of values that no older event can restore.
fn age(facts: &mut Facts, now: Timestamp) {
    for fact in facts.values_mut().filter(|fact| !fact.is_known(now)) {
        fact.value = Value::Null;
        fact.kind = FactKind::Register;
    }
    facts.retain(|_, fact| {
        !fact.value.is_null() || fact.expires.unwrap_or(fact.order.time).max(fact.order.time).plus(CLAIM_LIFETIME) > now
    });
    for fact in facts.values_mut() {
        if let FactKind::Set(members) = &mut fact.kind {
            members.retain(|_, member| !member.out || member.order.time.plus(CLAIM_LIFETIME) > now);
        }
    }
}

/// Keeps the newest elements of a set, as many as fit. The bound by number gives the same elements in every order of arrival.
fn trim(fact: &mut Fact, bytes: usize, name: &str, lost: &mut BTreeMap<String, usize>) {
    let FactKind::Set(members) = &fact.kind else { return };
    let mut newest: Vec<(&String, &Member)> = members.iter().collect();
    newest.sort_by(|(_, a), (_, b)| b.order.cmp(&a.order));
    let (mut left, before) = (bytes, members.len());
    let fits = |(element, member): &(&String, &Member)| match left.checked_sub(member_bytes(element, member)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let kept: BTreeMap<String, Member> = newest
        .into_iter()
        .take(MAX_SET_ELEMENTS)
        .take_while(fits)
        .map(|(element, member)| (element.clone(), member.clone()))
        .collect();
    if kept.len() < before {
        let inside = |members: &BTreeMap<String, Member>| members.values().filter(|member| !member.out).count();
        *lost.entry(name.to_owned()).or_default() += inside(members) - inside(&kept);
        *fact = Fact::set(kept, fact.order.clone());
    }
}

/// The size of an element: among the members, and again in the value if it is in the set.
fn member_bytes(element: &str, member: &Member) -> usize {
    let shown = if member.out { 0 } else { element.len() + 1 };
    json_bytes(&element) + json_bytes(member) + shown + 2
}

/// Removes elements of the largest set, at least one. Returns whether there was one.
fn shrink_a_set(facts: &mut Facts, surplus: usize, lost: &mut BTreeMap<String, usize>) -> bool {
    let size = |fact: &Fact| match &fact.kind {
        FactKind::Set(members) => members.iter().map(|(element, member)| member_bytes(element, member)).sum(),
        FactKind::Register | FactKind::Counter => 0,
    };
    let largest = facts.iter_mut().map(|(name, fact)| (size(fact), name, fact)).max_by_key(|(size, ..)| *size);
    match largest {
        Some((size, name, fact)) if size > 0 => {
            trim(fact, (size - 1).min(size.saturating_sub(surplus)), name, lost);
            true
        }
        Some(_) | None => false,
    }
}

/// Deletes the oldest value, as if its own event had deleted it. Counters are exempt: they are small, and a lost sum
/// can't be restored. Returns whether there was a value.
fn forget_a_value(facts: &mut Facts, dropped: &mut Vec<Dropped>) -> bool {
    let values = facts.iter_mut().filter(|(_, fact)| fact.kind == FactKind::Register && !fact.value.is_null());
    let Some((name, fact)) = values.min_by(|(_, a), (_, b)| a.order.cmp(&b.order)) else { return false };
    fact.value = Value::Null;
    dropped.push(Dropped { fact: name.clone(), loss: Loss::Value });
    true
}

/// Removes facts if there are more names than an item holds, since rules have come and gone. Deleted facts are removed first.
fn remove_the_oldest(facts: &mut Facts) -> bool {
    let oldest = facts.iter().min_by_key(|(_, fact)| (!fact.value.is_null(), fact.order.clone()));
    let name = oldest.map(|(name, _)| name.clone());
    name.is_some_and(|name| facts.remove(&name).is_some())
}

fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::ClaimKey;
    use crate::context::Order;
    use proptest::prelude::*;
    use std::time::Duration;
    use tidings_config::limits::{MAX_ELEMENT_BYTES, MAX_FACT_BYTES};
    use tidings_config::written_by::WrittenBy;

    fn order(s: i64) -> Order {
        Order::at(Timestamp::from_unix_ms(s * 1_000), ClaimKey::new("s", &s.to_string()))
    }

    fn text(bytes: usize, s: i64) -> Fact {
        Fact::register(Value::from("x".repeat(bytes - 2)), order(s))
    }

    fn set(members: impl IntoIterator<Item = (String, i64, bool)>) -> Fact {
        let member = |(element, s, out): (String, i64, bool)| (element, Member { order: order(s), out, by: WrittenBy::Stranger });
        let members: BTreeMap<String, Member> = members.into_iter().map(member).collect();
        let newest = members.values().map(|member| member.order.clone()).max().unwrap_or_else(|| order(0));
        Fact::set(members, newest)
    }

    fn elements(facts: &Facts, name: &str) -> usize {
        facts[name].value.as_array().map_or(0, Vec::len)
    }

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);

    #[test]
    fn facts_that_fit_are_unchanged() {
        let mut facts = Facts::from([
            ("a".to_owned(), text(MAX_FACT_BYTES / 2, 1)),
            ("n".to_owned(), Fact::counter(7, order(2))),
            ("s".to_owned(), set((0..MAX_SET_ELEMENTS).map(|n| (n.to_string(), 3, n % 2 == 0)))),
        ]);
        let before = facts.clone();
        assert_eq!((fit(&mut facts, NOW), facts), (Vec::new(), before));
    }

    #[test]
    fn a_set_keeps_its_newest_elements() {
        let mut facts = Facts::from([("s".to_owned(), set((0..300).map(|n| (n.to_string(), n, false))))]);
        assert_eq!(fit(&mut facts, NOW), [Dropped { fact: "s".to_owned(), loss: Loss::Elements(44) }]);
        assert_eq!(elements(&facts, "s"), MAX_SET_ELEMENTS);
        assert!(!facts["s"].value.as_array().unwrap().contains(&Value::from(43)));

        let mut taken_out = Facts::from([("s".to_owned(), set((0..300).map(|n| (n.to_string(), n, n < 44))))]);
        assert_eq!(fit(&mut taken_out, NOW), [], "a removed element isn't a loss");
        assert_eq!(elements(&taken_out, "s"), MAX_SET_ELEMENTS);

        let long = |n: i64| (format!("\"{n:0>width$}\"", width = MAX_ELEMENT_BYTES - 2), n, false);
        let mut large = Facts::from([("s".to_owned(), set((0..100).map(long)))]);
        assert_eq!(fit(&mut large, NOW).len(), 1);
        assert!((30..100).contains(&elements(&large, "s")), "bytes are bounded too: {}", elements(&large, "s"));
        assert!(json_bytes(&large) <= MAX_SET_BYTES + 1_024);
    }

    #[test]
    fn as_many_elements_as_a_set_may_have_fit_with_ranks_receipts_and_long_claim_keys() {
        let key = |n: usize| ClaimKey::new("whatsapp", &format!("sha256:{n:0>64}"));
        let at = |n: usize| Order { rank: 4, received_after_ms: 86_400_000, ..Order::at(NOW, key(n)) };
        let members = (0..MAX_SET_ELEMENTS)
            .map(|n| (format!("\"{n:0>30}\""), Member { order: at(n), out: false, by: WrittenBy::Stranger }));
        let mut facts = Facts::from([("s".to_owned(), Fact::set(members.collect(), at(0))), ("a".to_owned(), text(4_096, 1))]);
        let before = facts.clone();
        assert_eq!((fit(&mut facts, NOW), facts), (Vec::new(), before));
    }

    #[test]
    fn a_value_of_the_largest_size_has_room() {
        let mut facts = Facts::from([("a".to_owned(), text(MAX_FACT_BYTES, 1)), ("b".to_owned(), text(16_384, 1))]);
        let before = facts.clone();
        assert_eq!((fit(&mut facts, NOW), facts), (Vec::new(), before));
    }

    #[test]
    fn two_items_of_one_entity_are_merged_within_the_bound() {
        let facts = |letter: char, s: i64| -> Facts { (0..10).map(|n| (format!("{letter}{n}"), text(4_096, s + n))).collect() };
        let mut both = crate::context::fact::merge_all(facts('a', 0), facts('b', 100));
        both.insert("n".to_owned(), Fact::counter(7, order(-9)));
        assert!(json_bytes(&both) > MAX_ITEM_BYTES);
        let dropped = fit(&mut both, NOW);
        assert!(json_bytes(&both) <= MAX_ITEM_BYTES);
        let names: Vec<&str> = dropped.iter().map(|dropped| dropped.fact.as_str()).collect();
        assert_eq!(names, ["a0", "a1", "a2", "a3", "a4"], "the oldest");
        assert_eq!(both["a0"], Fact::register(Value::Null, order(0)), "the time of the deletion is remembered");
        assert_eq!(both["n"].value, 7, "a counter has room");
    }

    #[test]
    fn sets_are_shortened_before_values_are_dropped() {
        let mut facts: Facts = (0..10).map(|n| (format!("a{n}"), text(4_096, n))).collect();
        facts.insert("s".to_owned(), set((100..350).map(|n| (format!("\"{n:0>80}\""), n, false))));
        let dropped = fit(&mut facts, NOW);
        assert!(matches!(&dropped[..], [Dropped { fact, loss: Loss::Elements(_) }] if fact == "s"), "{dropped:?}");
        assert!(elements(&facts, "s") > 50, "{}", elements(&facts, "s"));
    }

    #[test]
    fn a_deletion_is_forgotten_when_no_older_event_can_arrive() {
        let later = |s: u64| order(1).time.plus(CLAIM_LIFETIME).plus(Duration::from_secs(s));
        let expired = Fact { expires: Some(order(5).time), ..text(9, 1) };
        let stored = || {
            Facts::from([
                ("forgotten".to_owned(), Fact::register(Value::Null, order(1))),
                ("expired".to_owned(), expired.clone()),
                ("known".to_owned(), text(9, 1)),
                ("s".to_owned(), set([("1".to_owned(), 1, true), ("2".to_owned(), 1, false)])),
            ])
        };
        for (now, names, members) in [
            (later(0).minus(Duration::from_millis(1)), &["expired", "forgotten", "known", "s"][..], 2),
            (later(0), &["expired", "known", "s"], 1),
            (later(4), &["known", "s"], 1),
        ] {
            let mut facts = stored();
            assert_eq!(fit(&mut facts, now), []);
            assert_eq!(facts.keys().collect::<Vec<_>>(), names, "{now}");
            assert!(matches!(&facts["s"].kind, FactKind::Set(kept) if kept.len() == members), "{now}");
            assert_eq!((elements(&facts, "s"), facts["known"].is_known(now)), (1, true));
        }
    }

    #[test]
    fn more_names_than_an_item_holds_end_within_the_bound() {
        let name = |n: i64| format!("{n:0>64}");
        let forgotten: Facts = (0..600).map(|n| (name(n), Fact::register(Value::Null, order(n)))).collect();
        let counters: Facts = (0..600).map(|n| (name(n), Fact::counter(n, order(n)))).collect();
        for (mut facts, what) in [(forgotten, "forgotten"), (counters, "counters")] {
            assert!(json_bytes(&facts) > MAX_ITEM_BYTES, "{what}");
            fit(&mut facts, NOW);
            assert!(json_bytes(&facts) <= MAX_ITEM_BYTES, "{what}");
            assert!(facts.contains_key(&name(599)) && !facts.contains_key(&name(0)), "{what}: the oldest are gone");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        /// By number, the final elements of a set don't depend on the order of its events.
        #[test]
        fn a_full_set_is_the_same_in_every_order(
            events in proptest::collection::vec((0..320_u32, any::<bool>()), 300..350), seed in any::<u64>(),
        ) {
            let of = |n: usize| (events[n].0.to_string(), Member { order: order(i64::try_from(n).unwrap()), out: events[n].1, by: WrittenBy::Stranger });
            let apply = |order: &[usize]| {
                let mut facts = Facts::new();
                for n in order {
                    let (element, member) = of(*n);
                    let one = Fact::set(BTreeMap::from([(element, member.clone())]), member.order);
                    let merged = match facts.remove("s") {
                        Some(kept) => Fact::merge(kept, one),
                        None => one,
                    };
                    facts.insert("s".to_owned(), merged);
                    fit(&mut facts, NOW);
                }
                facts.remove("s").map(|fact| fact.kind)
            };
            let straight: Vec<usize> = (0..events.len()).collect();
            let mut shuffled = straight.clone();
            shuffled.sort_by_key(|n| (*n as u64 + 1).wrapping_mul(seed | 1));
            prop_assert_eq!(apply(&straight), apply(&shuffled));
        }
    }
}
