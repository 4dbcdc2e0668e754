//! The context as it is given to a bot: plain values, as `GET /context/{conversation}` answers them.
//!
//! Promises: a value that is unset or has expired isn't there; how facts are merged (order, kind, members of sets) isn't either,
//! so it may change without a change of this contract.

use super::{Context, Fact, Facts};
use crate::claim::ClaimKey;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_config::time::Timestamp;

/// What is known of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Context")]
pub struct ContextAnswer {
    /// Its name. Another one than was asked for if that was the name of an identity.
    pub conversation: String,
    /// Where the dialogue stands. Absent: no rule has said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// By entity (`order/1042`), its facts by name. Empty: nothing is known, or nothing yet.
    pub entities: BTreeMap<String, BTreeMap<String, Value>>,
    /// The identities that are linked to the conversation, as `customer:cus_123`.
    pub identities: Vec<String>,
    /// Where the values come from, with `?details=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// Where the values of an answer come from: an entry for each value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<FactDetail>,
    pub entities: BTreeMap<String, BTreeMap<String, FactDetail>>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct FactDetail {
    /// When the newest event happened that had a part in the value.
    pub time: Timestamp,
    /// Its claim key: `tidings events show` takes it.
    pub cause: ClaimKey,
    /// From then on the value isn't given any more. Absent: it doesn't expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl ContextAnswer {
    /// What is known at this time.
    pub fn of(context: &Context, now: Timestamp, with_details: bool) -> Self {
        let node = context.node.as_ref().filter(|fact| fact.is_known(now));
        let known =
            context.entities.iter().map(|(entity, facts)| (entity, known(facts, now))).filter(|(_, facts)| !facts.is_empty());
        let known: BTreeMap<&String, BTreeMap<&String, &Fact>> = known.collect();
        Self {
            conversation: context.conversation.clone(),
            node: node.and_then(|fact| fact.value.as_str()).map(str::to_owned),
            entities: each(&known, |fact| fact.value.clone()),
            identities: context.identities.clone(),
            details: with_details.then(|| Details { node: node.map(FactDetail::of), entities: each(&known, FactDetail::of) }),
        }
    }
}

fn known(facts: &Facts, now: Timestamp) -> BTreeMap<&String, &Fact> {
    facts.iter().filter(|(_, fact)| fact.is_known(now)).collect()
}

fn each<T>(
    entities: &BTreeMap<&String, BTreeMap<&String, &Fact>>,
    of: impl Fn(&Fact) -> T,
) -> BTreeMap<String, BTreeMap<String, T>> {
    let facts = |facts: &BTreeMap<&String, &Fact>| facts.iter().map(|(name, fact)| ((*name).clone(), of(fact))).collect();
    entities.iter().map(|(entity, of_entity)| ((*entity).clone(), facts(of_entity))).collect()
}

impl FactDetail {
    fn of(fact: &Fact) -> Self {
        Self { time: fact.order.time, cause: fact.order.key.clone(), expires: fact.expires }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Order;
    use serde_json::json;

    fn fact(value: Value, expires: Option<i64>) -> Fact {
        let order = Order::at(Timestamp::from_unix_ms(1_795_168_800_250), ClaimKey::new("orders", "e1"));
        Fact { expires: expires.map(Timestamp::from_unix_ms), ..Fact::register(value, order) }
    }

    #[test]
    fn an_answer_has_plain_values_and_neither_unset_nor_expired_ones() {
        let now = Timestamp::from_unix_ms(1_795_168_900_000);
        let facts = [
            ("status", fact(json!("shipped"), None)),
            ("until", fact(json!(7), Some(now.unix_ms() + 1))),
            ("late", fact(json!(7), Some(now.unix_ms()))),
            ("gone", fact(Value::Null, None)),
        ];
        let facts: Facts = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
        let only_gone = Facts::from([("gone".to_owned(), fact(Value::Null, None))]);
        let context = Context {
            node: Some(fact(json!("tracking"), None)),
            entities: BTreeMap::from([("order/1042".to_owned(), facts), ("order/1".to_owned(), only_gone)]),
            identities: vec!["customer:cus_1".to_owned()],
            ..Context::new("ann")
        };
        let plain = json!({
            "conversation": "ann", "node": "tracking", "entities": {"order/1042": {"status": "shipped", "until": 7}},
            "identities": ["customer:cus_1"],
        });
        assert_eq!(serde_json::to_value(ContextAnswer::of(&context, now, false)).unwrap(), plain);
        let (time, cause) = ("2026-11-20T10:00:00.250Z", "orders#e1");
        let mut detailed = plain;
        detailed["details"] = json!({
            "node": {"time": time, "cause": cause},
            "entities": {"order/1042": {
                "status": {"time": time, "cause": cause},
                "until": {"time": time, "cause": cause, "expires": "2026-11-20T10:01:40.001Z"},
            }},
        });
        assert_eq!(serde_json::to_value(ContextAnswer::of(&context, now, true)).unwrap(), detailed);
    }

    #[test]
    fn a_conversation_that_nothing_is_known_of_has_an_empty_answer() {
        let answer = ContextAnswer::of(&Context::new("ann"), Timestamp::from_unix_ms(0), false);
        assert_eq!(serde_json::to_value(answer).unwrap(), json!({"conversation": "ann", "entities": {}, "identities": []}));
    }
}
