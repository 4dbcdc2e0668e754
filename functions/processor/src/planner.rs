//! The compiled rules, and the objects that an event needs before it can be planned. Pure.

use crate::decode::Message;
use crate::effects::Ready;
use crate::enrich::wanted::{ReadyEnrich, Wanted};
use crate::expression::CompiledOnce;
use crate::failure::{Failure, FailureKind, RuleError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_config::limits::MAX_FETCHES_PER_EVENT;
use tidings_config::rules::{IfStale, Join, Policy, Rule, Rules, is_about};
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::past_horizon;
use tidings_core::envelope::Envelope;
use tidings_expressions::{Scope, Variables};

/// The fetched objects, by the index of the rule. `None`: the object doesn't exist.
pub type Fetched = BTreeMap<usize, Option<Arc<Value>>>;

/// The compiled rules.
#[derive(Debug)]
pub struct Planner {
    pub(crate) rules: Rules,
    pub(crate) conversations: Vec<CompiledOnce>,
    pub(crate) rule: Vec<ReadyRule>,
    pub(crate) joins: Vec<ReadyJoin>,
}

#[derive(Debug)]
pub(crate) struct ReadyRule {
    when: Option<CompiledOnce>,
    pub(crate) enrich: Option<ReadyEnrich>,
    pub(crate) links: Vec<CompiledOnce>,
    pub(crate) effects: Ready,
}

#[derive(Debug)]
pub(crate) struct ReadyJoin {
    /// Conditions and keys.
    pub(crate) legs: Vec<(Option<CompiledOnce>, CompiledOnce)>,
    pub(crate) then: Ready,
    pub(crate) otherwise: Ready,
}

impl Planner {
    pub fn new(rules: Rules) -> Self {
        let event = |text: &String| CompiledOnce::new(text, Scope::Event);
        let join = |join: &Join| ReadyJoin {
            legs: join.all.iter().map(|leg| (leg.when.as_ref().map(event), event(&leg.by))).collect(),
            then: Ready::new(&join.name, &join.then, IfStale::Run, Scope::Join),
            otherwise: Ready::new(&join.name, &join.otherwise, IfStale::Run, Scope::Join),
        };
        Self {
            conversations: rules.conversations.iter().map(|c| CompiledOnce::new(c.whose.expression(), Scope::Event)).collect(),
            rule: rules.rules.iter().map(ReadyRule::new).collect(),
            joins: rules.joins.iter().map(join).collect(),
            rules,
        }
    }

    pub fn policy(&self) -> &Policy {
        &self.rules.policy
    }

    pub fn join(&self, index: usize) -> &Join {
        &self.rules.joins[index]
    }

    /// `None`: the rules no longer define it.
    pub fn join_named(&self, name: &str) -> Option<&Join> {
        self.rules.joins.iter().find(|join| join.name == name)
    }

    /// The objects to fetch before planning, by the index of the rule.
    pub fn wanted(&self, message: &Message, now: Timestamp) -> Result<BTreeMap<usize, Wanted>, Failure> {
        let mut wanted = BTreeMap::new();
        let (envelope, Some(data)) = (&message.envelope, message.payload()) else { return Ok(wanted) };
        let is_about =
            |rule: &Rule| rule.enrich.is_some() && is_about(&rule.on, &rule.source, envelope.source_name(), &envelope.event_type);
        if !self.rules.rules.iter().any(is_about) || past_horizon(envelope.delivered(), now) {
            return Ok(wanted);
        }
        let variables = Variables::of_event(data, &without_payload(envelope));
        for (index, (rule, ready)) in self.rules.rules.iter().zip(&self.rule).enumerate() {
            let failed = |field: &str, what| -> Failure {
                FailureKind::Rule { rule: rule.name.clone(), field: field.to_owned(), what }.into()
            };
            if let Some(enrich) = &ready.enrich
                && is_about(rule)
                && ready.is_for(&variables).map_err(|what| failed("when", what))?
            {
                let object = enrich.wanted(&variables, &envelope.claimkey).map_err(|(field, what)| failed(field, what))?;
                wanted.insert(index, object);
            }
        }
        match wanted.len() {
            seen if seen > MAX_FETCHES_PER_EVENT => {
                Err(FailureKind::TooMany { what: "objects to fetch", seen, allowed: MAX_FETCHES_PER_EVENT }.into())
            }
            _ => Ok(wanted),
        }
    }

    pub fn rule_name(&self, index: usize) -> &str {
        &self.rules.rules[index].name
    }
}

impl ReadyRule {
    fn new(rule: &Rule) -> Self {
        let scope = if rule.enrich.is_some() { Scope::Enriched } else { Scope::Event };
        Self {
            when: rule.when.as_ref().map(|text| CompiledOnce::new(text, Scope::Event)),
            enrich: rule.enrich.as_ref().map(ReadyEnrich::new),
            links: rule.link.0.iter().map(|text| CompiledOnce::new(text, scope)).collect(),
            effects: Ready::new(&rule.name, &rule.effects, rule.if_stale, scope),
        }
    }

    /// Whether it matches an event of its type and source.
    pub(crate) fn is_for(&self, variables: &Variables) -> Result<bool, RuleError> {
        self.when.as_ref().map_or(Ok(true), |when| when.holds(variables))
    }
}

/// The value of `event` in expressions. Only a tenant's event has a `tenant`.
pub fn without_payload(envelope: &Envelope) -> Value {
    let mut event = json!({
        "id": envelope.id,
        "source": envelope.source_name(),
        "type": envelope.event_type,
        "subject": envelope.subject,
        "time": envelope.order().time.to_string(),
        "conversation": envelope.conversation,
        "sequence": envelope.sequence_number(),
    });
    if let Some(tenant) = &envelope.tenant {
        event["tenant"] = json!(tenant);
    }
    event
}
