//! Where an event stands among others: the one order by which facts, the dialogue's node and what waits are decided.

use crate::claim::ClaimKey;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use tidings_config::time::Timestamp;

/// By `sequence`, then by time; of events of one time by rank, then by their first receipt, then by when they were applied again, then
/// by claim key.
///
/// A total order, as a merge needs, and transitive, because it compares the same things of any two events in the same turn. An
/// event with a sequence comes after every event without one: to compare sequences only where both have one would not be
/// transitive, and the context would depend on the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    pub time: Timestamp,
    /// The sequence where time comes first: see [`Self::by_time`].
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub tie_sequence: Option<u64>,
    /// Of its type, among the types of its source.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "is_default")]
    pub rank: u32,
    /// Milliseconds from its time to its first receipt. It decides only between events of one time, so it says which of them came
    /// first. 0 for what was stored by the version before.
    #[serde(rename = "after", default, deserialize_with = "whole", skip_serializing_if = "is_default")]
    pub received_after_ms: i64,
    /// When a person had it applied again, or said it, in milliseconds since 1970: what is said last of one place among events has it.
    /// 0 of an event itself. The version before ignores it.
    #[serde(rename = "again", default, deserialize_with = "whole", skip_serializing_if = "is_default")]
    pub again_ms: i64,
    pub key: ClaimKey,
}

/// What decides between events of one time, but for their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tie {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub rank: u32,
    #[serde(rename = "after", default, skip_serializing_if = "is_default")]
    pub received_after_ms: i64,
}

impl Tie {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Order {
    /// Of what has neither a sequence nor a rank, and came at its time.
    pub fn at(time: Timestamp, key: ClaimKey) -> Self {
        Self { sequence: None, time, tie_sequence: None, rank: 0, received_after_ms: 0, again_ms: 0, key }
    }

    pub fn tie(&self) -> Tie {
        Tie { sequence: self.sequence.or(self.tie_sequence), rank: self.rank, received_after_ms: self.received_after_ms }
    }

    /// Where the events of all entities meet: a sequence counts the events of one, so there it comes after the time.
    #[must_use]
    pub fn by_time(self) -> Self {
        Self { sequence: None, tie_sequence: self.sequence.or(self.tie_sequence), ..self }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A number that was flattened. Serde buffers what it flattens, and a number that `serde_json` keeps digit for digit (its feature
/// `arbitrary_precision`) comes out of that buffer as a [`Number`], and as nothing else.
fn whole<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    serde_json::from_value(number.map_or(serde_json::Value::Null, serde_json::Value::Number)).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Fact, Link, Member};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn order() -> Order {
        Order {
            sequence: Some(u64::MAX),
            time: Timestamp::from_unix_ms(1),
            tie_sequence: Some(7),
            rank: 3,
            received_after_ms: -250,
            again_ms: 5,
            key: ClaimKey::new("s", "e"),
        }
    }

    #[test]
    fn what_is_flattened_is_read_as_it_was_written() {
        for order in [order(), Order::at(Timestamp::from_unix_ms(1), ClaimKey::new("s", "e")), order().by_time()] {
            let fact = Fact::register(Value::from("paid"), order.clone());
            let json = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact, "{json}");
            let member = Member { order: order.clone(), out: true };
            let json = serde_json::to_string(&member).unwrap();
            assert_eq!(serde_json::from_str::<Member>(&json).unwrap(), member, "{json}");
            let link = Link { conversation: "c".into(), order };
            let json = serde_json::to_value(&link).unwrap();
            assert_eq!(serde_json::from_value::<Link>(json.clone()).unwrap(), link, "{json}");
        }
        let before = json!({"value": 1, "sequence": 7, "time": "1970-01-01T00:00:00.001Z", "key": "s#e"});
        let read: Fact = serde_json::from_str(&before.to_string()).unwrap();
        assert_eq!(read.order, Order { sequence: Some(7), ..Order::at(Timestamp::from_unix_ms(1), ClaimKey::new("s", "e")) });
        assert_eq!(serde_json::to_value(read).unwrap(), before, "what says no more is stored as it always was");
        for no_number in [json!("7"), json!(-1), json!(1.5), json!([7])] {
            let mut other = before.clone();
            other["sequence"] = no_number;
            assert!(serde_json::from_value::<Fact>(other).is_err());
        }
    }

    prop_compose! {
        /// Few of each, so that there are ties.
        fn any_order()(sequence in proptest::option::of(0..2_u64), ms in 0..2_i64, rank in 0..3_u32, after in -1..2_i64, again_ms in 0..2_i64,
                       id in 0..2_u8, by_time in any::<bool>()) -> Order {
            let order = Order {
                sequence,
                rank,
                received_after_ms: after,
                again_ms,
                ..Order::at(Timestamp::from_unix_ms(ms), ClaimKey::new("s", &id.to_string()))
            };
            if by_time { order.by_time() } else { order }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn the_order_is_transitive_and_total(a in any_order(), b in any_order(), c in any_order()) {
            prop_assert!(!(a < b && b < c) || a < c, "transitive");
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse(), "total");
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        }

        /// Of one time: sequence, rank, receipt, when it was applied again, key, in this turn.
        #[test]
        fn by_time_the_sequence_decides_only_in_a_tie(a in any_order(), b in any_order()) {
            let (a, b) = (a.by_time(), b.by_time());
            let words = |order: &Order| {
                (order.time, order.tie_sequence, order.rank, order.received_after_ms, order.again_ms, order.key.clone())
            };
            prop_assert_eq!(a.cmp(&b), words(&a).cmp(&words(&b)));
        }
    }
}
