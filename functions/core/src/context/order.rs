//! The order of events: it decides about facts, the dialogue node and waiting notifications.

use crate::claim::ClaimKey;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use tidings_config::time::Timestamp;

/// Orders by `sequence`, then by time. Events of one time are ordered by rank, then by first receipt, then by
/// repeated application, then by claim key.
///
/// This is a total order, as a merge needs. It is transitive because it compares the same fields of any two events in
/// the same sequence. An event with a sequence comes after every event without one. Comparing sequences only if both
/// events have one would not be transitive, and the context would depend on the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    pub time: Timestamp,
    /// The sequence, in an order that starts with the time: see [`Self::by_time`].
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub tie_sequence: Option<u64>,
    /// The rank of its type among the types of its source.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "is_default")]
    pub rank: u32,
    /// Milliseconds from its time to its first receipt. Compared only between events of one time, so it says which of
    /// them came first. 0 if the previous version stored it.
    #[serde(rename = "after", default, deserialize_with = "whole", skip_serializing_if = "is_default")]
    pub received_after_ms: i64,
    /// When an operator applied it again or set it by hand, in milliseconds since 1970. At the same place in the
    /// order, the last one wins. 0 for the event itself. The previous version ignores it.
    #[serde(rename = "again", default, deserialize_with = "whole", skip_serializing_if = "is_default")]
    pub again_ms: i64,
    pub key: ClaimKey,
}

/// The fields that decide between events of one time, without their keys.
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
    /// The order of an event without a sequence and a rank, received at its own time.
    pub fn at(time: Timestamp, key: ClaimKey) -> Self {
        Self { sequence: None, time, tie_sequence: None, rank: 0, received_after_ms: 0, again_ms: 0, key }
    }

    pub fn tie(&self) -> Tie {
        Tie { sequence: self.sequence.or(self.tie_sequence), rank: self.rank, received_after_ms: self.received_after_ms }
    }

    /// The order in which events of all entities are compared. A sequence counts the events of one entity, so it
    /// comes after the time.
    #[must_use]
    pub fn by_time(self) -> Self {
        Self { sequence: None, tie_sequence: self.sequence.or(self.tie_sequence), ..self }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Deserialises a flattened number. Serde buffers flattened fields, and `serde_json` with `arbitrary_precision`
/// returns a number from that buffer only as a [`Number`].
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
    use tidings_config::written_by::WrittenBy;

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
    fn flattened_numbers_are_parsed_as_they_were_written() {
        for order in [order(), Order::at(Timestamp::from_unix_ms(1), ClaimKey::new("s", "e")), order().by_time()] {
            let fact = Fact::register(Value::from("paid"), order.clone());
            let json = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact, "{json}");
            let member = Member { order: order.clone(), out: true, by: WrittenBy::Stranger };
            let json = serde_json::to_string(&member).unwrap();
            assert_eq!(serde_json::from_str::<Member>(&json).unwrap(), member, "{json}");
            let link = Link { conversation: "c".into(), order };
            let json = serde_json::to_value(&link).unwrap();
            assert_eq!(serde_json::from_value::<Link>(json.clone()).unwrap(), link, "{json}");
        }
        let before = json!({"value": 1, "sequence": 7, "time": "1970-01-01T00:00:00.001Z", "key": "s#e"});
        let read: Fact = serde_json::from_str(&before.to_string()).unwrap();
        assert_eq!(read.order, Order { sequence: Some(7), ..Order::at(Timestamp::from_unix_ms(1), ClaimKey::new("s", "e")) });
        assert_eq!(serde_json::to_value(read).unwrap(), before, "without new fields the stored form is unchanged");
        for no_number in [json!("7"), json!(-1), json!(1.5), json!([7])] {
            let mut other = before.clone();
            other["sequence"] = no_number;
            assert!(serde_json::from_value::<Fact>(other).is_err());
        }
    }

    prop_compose! {
        /// Few values of each, so that there are ties.
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

        /// Events of one time are compared by sequence, rank, receipt, repeated application and key, in this sequence.
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
