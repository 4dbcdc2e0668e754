//! Plans a provider's event by the rules. Pure: the same event gives the same plan.

use crate::effects::{EvaluationContext, PlannedEffects};
use crate::failure::{Failure, FailureKind, RuleError};
use crate::planner::{Fetched, Planner, without_payload};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tidings_config::limits::{
    MAX_ACTIONS_PER_EVENT, MAX_CONVERSATION_BYTES, MAX_ITEMS_PER_EVENT, MAX_JOIN_KEY_BYTES, MAX_JOINS_PER_EVENT,
    MAX_LINKS_PER_EVENT, MAX_TURNS_PER_EVENT,
};
use tidings_config::rules::{Whose, is_about};
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::commit_plan::Merging;
use tidings_core::context::{Owner, Seen};
use tidings_core::envelope::Envelope;
use tidings_expressions::Variables;

/// The origin of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// A rule, for an event that has other effects too.
    ByRule,
    /// A person or a program.
    Stated,
    /// A person or a program, moving the identity from another conversation.
    Moved,
}

/// One event's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPlan {
    pub owner: Owner,
    pub effects: PlannedEffects,
    /// The names of the rules that matched, in their order.
    pub rules: Vec<String>,
    /// Identities to link to its conversation.
    pub links: Vec<String>,
    pub linking: Linking,
    /// Whether it depends on fetched objects: another receive may fetch others.
    pub fetched: bool,
    /// The joins that it takes part in, by index and key, with its legs.
    pub legs: BTreeMap<(usize, String), Vec<Seen>>,
    /// How its payload violates its schema, if the schema's policy accepts that.
    pub off_schema: Option<String>,
    /// The manual change, if it is one.
    pub manual: Option<Manual>,
}

/// The manual part of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manual {
    pub by: String,
    pub reason: String,
    /// When the person made the change.
    pub at: Timestamp,
    /// The event that is applied again.
    pub again: Option<ClaimKey>,
}

impl EventPlan {
    pub(crate) fn new(owner: Owner) -> Self {
        Self {
            owner,
            effects: PlannedEffects::default(),
            rules: Vec::new(),
            links: Vec::new(),
            linking: Linking::ByRule,
            fetched: false,
            legs: BTreeMap::new(),
            off_schema: None,
            manual: None,
        }
    }

    /// Whether another receive of the event plans the same, and merges the same into one item: the facts of one entity,
    /// or the node, of a conversation that the event itself names. An identity may be moved to another conversation
    /// between two receives.
    pub(crate) fn merging(&self) -> Merging {
        let Self { owner, effects, links, fetched, legs, manual, rules: _, linking: _, off_schema: _ } = self;
        let acts = !effects.proposals.is_empty() || !effects.collected.is_empty() || !effects.reminders.is_empty();
        let follows = acts || !links.is_empty() || !legs.is_empty() || manual.is_some() || *fetched;
        let one_item = effects.changes.keys().len() == 1 && effects.changes.are_repeatable();
        match owner {
            Owner::Conversation(_) if one_item && !follows => Merging::Repeatable,
            Owner::Conversation(_) | Owner::Identity(_) => Merging::Once,
        }
    }
}

impl Planner {
    pub(crate) fn event(
        &self,
        envelope: &Envelope,
        data: &Value,
        fetched: &Fetched,
        now: Timestamp,
    ) -> Result<EventPlan, Failure> {
        let variables = Variables::of_event(data, &without_payload(envelope));
        let owner = self.owner(envelope, &variables)?;
        let order = envelope.order();
        let context = EvaluationContext {
            variables: &variables,
            source: envelope.source_name(),
            event_type: &envelope.event_type,
            subject: envelope.subject.as_deref(),
            time: order.time,
            event_time: Some(order.time),
            tie: order.tie(),
            now,
            cause: &envelope.claimkey,
            traceparent: envelope.traceparent.as_deref(),
        };
        let mut plan = EventPlan::new(owner);
        for (index, (rule, ready)) in self.rules.rules.iter().zip(&self.rule).enumerate() {
            let failed = |field: &str, what| -> Failure {
                FailureKind::Rule { rule: rule.name.clone(), field: field.to_owned(), what }.into()
            };
            let cancelled = ready.effects.cancelled(&rule.source, &context)?;
            if !cancelled.is_empty() {
                plan.rules.push(rule.name.clone());
                plan.effects.reminders.extend(cancelled);
            }
            if !is_about(&rule.on, &rule.source, envelope.source_name(), &envelope.event_type) {
                continue;
            }
            if !ready.is_for(&variables).map_err(|what| failed("when", what))? {
                continue;
            }
            plan.fetched |= ready.enrich.is_some();
            let variables = match (&ready.enrich, fetched.get(&index)) {
                (None, _) => Cow::Borrowed(&variables),
                (Some(_), Some(Some(object))) => Cow::Owned(variables.with_fetched(object)),
                // The object doesn't exist, and the rule doesn't apply then.
                (Some(_), Some(None) | None) => continue,
            };
            for link in &ready.links {
                let identity = link.name(&variables, MAX_CONVERSATION_BYTES).map_err(|what| failed("link", what))?;
                if let Owner::Identity(_) = plan.owner {
                    return Err(failed("link", RuleError::NoConversation));
                }
                if identity != plan.owner.name() && !plan.links.contains(&identity) {
                    plan.links.push(identity);
                }
            }
            ready.effects.apply(&EvaluationContext { variables: &variables, ..context }, &mut plan.effects)?;
            if plan.rules.last() != Some(&rule.name) {
                plan.rules.push(rule.name.clone());
            }
        }
        self.legs(envelope, &variables, &mut plan)?;
        bounded(&plan)?;
        Ok(plan)
    }

    /// The owner of the event: the first entry of `conversations` that matches and has a value; else the preset's
    /// conversation; else the entity itself, so that no event is dropped for lack of an owner.
    pub(crate) fn owner(&self, envelope: &Envelope, variables: &Variables) -> Result<Owner, Failure> {
        let source = envelope.source_name();
        for (entry, expression) in self.rules.conversations.iter().zip(&self.conversations) {
            if !is_about(&entry.on, &entry.source, source, &envelope.event_type) {
                continue;
            }
            let failed = |what: RuleError| -> Failure {
                FailureKind::Conversation { expression: entry.whose.expression().to_owned(), what }.into()
            };
            let owner = |name: String| match entry.whose {
                Whose::Conversation(_) => Owner::Conversation(name),
                Whose::Identity(_) => Owner::Identity(name),
            };
            match expression.evaluate(variables).map_err(|error| failed(error.into()))? {
                Value::Null => {}
                Value::String(text) if text.trim().is_empty() => {}
                Value::String(text) if text.len() <= MAX_CONVERSATION_BYTES => return Ok(owner(text)),
                Value::String(text) => {
                    return Err(failed(RuleError::LongText { bytes: text.len(), allowed: MAX_CONVERSATION_BYTES }));
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(failed(RuleError::NoText));
                }
            }
        }
        let entity = || format!("entity:{source}/{}", envelope.subject.as_deref().unwrap_or(&envelope.event_type));
        let entity = || envelope.tenant.as_ref().map_or_else(entity, |tenant| tenant.owned(&entity()));
        Ok(envelope.conversation.clone().map_or_else(|| Owner::Identity(entity()), Owner::Conversation))
    }

    fn legs(&self, envelope: &Envelope, variables: &Variables, plan: &mut EventPlan) -> Result<(), Failure> {
        for (index, (join, ready)) in self.rules.joins.iter().zip(&self.joins).enumerate() {
            let failed = |field: String, what| -> Failure { FailureKind::Rule { rule: join.name.clone(), field, what }.into() };
            for (n, (leg, (when, by))) in join.all.iter().zip(&ready.legs).enumerate() {
                if !is_about(&leg.on, &leg.source, envelope.source_name(), &envelope.event_type) {
                    continue;
                }
                if let Some(when) = when
                    && !when.holds(variables).map_err(|what| failed(format!("all[{n}].when"), what))?
                {
                    continue;
                }
                let key = by.name(variables, MAX_JOIN_KEY_BYTES).map_err(|what| failed(format!("all[{n}].by"), what))?;
                plan.legs.entry((index, key)).or_default().push(Seen {
                    time: envelope.order().time,
                    key: envelope.claimkey.clone(),
                    leg: n,
                    received: envelope.receivedtime,
                    owner: plan.owner.clone(),
                });
            }
        }
        Ok(())
    }
}

pub(crate) fn bounded(plan: &EventPlan) -> Result<(), Failure> {
    let (turns, reminders) = (plan.effects.collected.len(), plan.effects.reminders.len());
    for (what, seen, allowed) in [
        ("turns and reminders", turns + reminders, MAX_TURNS_PER_EVENT),
        ("context items", plan.effects.changes.keys().len() + turns + reminders, MAX_ITEMS_PER_EVENT),
        ("links", plan.links.len(), MAX_LINKS_PER_EVENT),
        ("joins", plan.legs.len(), MAX_JOINS_PER_EVENT),
        // An event may end two turns of a rule: the one before, and its own.
        ("actions", plan.effects.proposals.len() + 2 * turns + reminders, MAX_ACTIONS_PER_EVENT),
    ] {
        if seen > allowed {
            return Err(FailureKind::TooMany { what, seen, allowed }.into());
        }
    }
    Ok(())
}
