//! The context as a bot reads it: plain values, as `GET /context/{conversation}` returns them.
//!
//! Promises: a value that is deleted or expired is left out. The merge metadata (order, kind, members of sets) is
//! left out too, so it may change without a change of this contract.

use super::{Context, Fact, Facts};
use crate::claim::ClaimKey;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_config::time::Timestamp;
use tidings_config::written_by::WrittenBy;

/// The context of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Context")]
pub struct ContextAnswer {
    /// Its name. If the request named an identity, this is the conversation that the identity is linked to.
    pub conversation: String,
    /// The dialogue node. Absent: no rule has set one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The facts of each entity (`order/1042`) by name. Empty: no fact is known.
    pub entities: BTreeMap<String, BTreeMap<String, Value>>,
    /// The identities that are linked to the conversation, such as `customer:cus_123`.
    pub identities: Vec<String>,
    /// The facts of each entity whose values the provider's own systems or your rules wrote. Everything else that the
    /// answer contains is a stranger's, except for the node: don't put it where a model reads instructions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_provider: BTreeMap<String, Vec<String>>,
    /// The origin of each value, with `?details=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// The origins of the values of an answer: one entry for each value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<FactDetail>,
    pub entities: BTreeMap<String, BTreeMap<String, FactDetail>>,
}

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct FactDetail {
    /// The time of the newest event that contributed to the value.
    pub time: Timestamp,
    /// That event's claim key: `tidings events show` takes it.
    pub cause: ClaimKey,
    /// When the value expires. Absent: it doesn't expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Who wrote the value.
    pub by: WrittenBy,
}

impl ContextAnswer {
    /// The answer from this context at this time.
    pub fn of(context: &Context, now: Timestamp, with_details: bool) -> Self {
        let node = context.node.as_ref().filter(|fact| fact.is_known(now));
        let known =
            context.entities.iter().map(|(entity, facts)| (entity, known(facts, now))).filter(|(_, facts)| !facts.is_empty());
        let known: BTreeMap<&String, BTreeMap<&String, &Fact>> = known.collect();
        let by_provider = known.iter().map(|(entity, facts)| {
            let of = facts.iter().filter(|(_, fact)| fact.by == WrittenBy::Provider).map(|(name, _)| (*name).clone());
            ((*entity).clone(), of.collect::<Vec<_>>())
        });
        Self {
            conversation: context.conversation.clone(),
            node: node.and_then(|fact| fact.value.as_str()).map(str::to_owned),
            entities: each(&known, |fact| fact.value.clone()),
            identities: context.identities.clone(),
            by_provider: by_provider.filter(|(_, names)| !names.is_empty()).collect(),
            details: with_details
                .then(|| Details { node: node.map(FactDetail::of_node), entities: each(&known, FactDetail::of) }),
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
    /// A node is always a name of the rules, or one that an operator chose.
    fn of_node(fact: &Fact) -> Self {
        Self { by: WrittenBy::Provider, ..Self::of(fact) }
    }

    fn of(fact: &Fact) -> Self {
        Self { time: fact.order.time, cause: fact.order.key.clone(), expires: fact.expires, by: fact.by }
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
    fn an_answer_has_plain_values_without_deleted_and_expired_ones() {
        let now = Timestamp::from_unix_ms(1_795_168_900_000);
        let facts = [
            ("status", fact(json!("shipped"), None).by(WrittenBy::Provider)),
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
            "identities": ["customer:cus_1"], "by_provider": {"order/1042": ["status"]},
        });
        assert_eq!(serde_json::to_value(ContextAnswer::of(&context, now, false)).unwrap(), plain);
        let (time, cause) = ("2026-11-20T10:00:00.250Z", "orders#e1");
        let mut detailed = plain;
        detailed["details"] = json!({
            "node": {"time": time, "cause": cause, "by": "provider"},
            "entities": {"order/1042": {
                "status": {"time": time, "cause": cause, "by": "provider"},
                "until": {"time": time, "cause": cause, "expires": "2026-11-20T10:01:40.001Z", "by": "stranger"},
            }},
        });
        assert_eq!(serde_json::to_value(ContextAnswer::of(&context, now, true)).unwrap(), detailed);
    }

    #[test]
    fn an_unknown_conversation_has_an_empty_answer() {
        let answer = ContextAnswer::of(&Context::new("ann"), Timestamp::from_unix_ms(0), false);
        assert_eq!(serde_json::to_value(answer).unwrap(), json!({"conversation": "ann", "entities": {}, "identities": []}));
    }
}
