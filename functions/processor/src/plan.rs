//! What an event is to do, by the rules. Pure: the same event gives the same plan.

use crate::effects::{Occasion, Outline, Ready};
use crate::enrich::wanted::{ReadyEnrich, Wanted};
use crate::expression::Lazy;
use crate::failure::Failure;
use crate::manual::{Manual, corrected};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_config::expressions::{Scope, Variables};
use tidings_config::limits::{
    MAX_ACTIONS_PER_EVENT, MAX_CONVERSATION_BYTES, MAX_FETCHES_PER_EVENT, MAX_ITEMS_PER_EVENT, MAX_JOIN_KEY_BYTES,
    MAX_JOINS_PER_EVENT, MAX_LINKS_PER_EVENT,
};
use tidings_config::rules::{IfStale, Join, Policy, Rule, Rules, Whose, is_about};
use tidings_config::time::Timestamp;
use tidings_core::action::Proposal;
use tidings_core::claim::decide::past_horizon;
use tidings_core::context::{Branch, End, Owner, Seen, Tie, join_cause, join_partition};
use tidings_core::due::Due;
use tidings_core::envelope::Envelope;

/// What is to be done for one message.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// A provider's event.
    Event(EventPlan),
    /// The time of a notification has come that the version before put off.
    Action { conversation: String, proposal: Proposal },
    /// The conversation's timer has fired.
    Wake { conversation: String, fired: Timestamp },
    /// A join may be over. The index is the rules'.
    Join { index: usize, key: String },
    /// Something of our own that comes too early.
    NotYet { due: Timestamp, what: Due },
    /// A join that the rules don't know any more.
    Forgotten,
}

/// What was fetched, by the index of the rule that needs it. `None`: there is no such object.
pub type Fetched = BTreeMap<usize, Option<Arc<Value>>>;

/// Who says that an identity is somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// A rule, of an event that does more than that.
    ByRule,
    /// A person or a program.
    Told,
    /// They too, and that it isn't another's any more.
    Moved,
}

/// One event's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPlan {
    pub owner: Owner,
    pub outline: Outline,
    /// The names of the rules that were about it, in their order.
    pub rules: Vec<String>,
    /// Identities of its conversation.
    pub links: Vec<String>,
    pub linking: Linking,
    /// The joins that it is part of, by their index and key: the legs.
    pub legs: BTreeMap<(usize, String), Vec<Seen>>,
    /// How its payload is off its schema, which accepts it all the same.
    pub off_schema: Option<String>,
    /// It is a person's, by a command.
    pub manual: Option<Manual>,
}

impl EventPlan {
    pub(crate) fn new(owner: Owner) -> Self {
        Self {
            owner,
            outline: Outline::default(),
            rules: Vec::new(),
            links: Vec::new(),
            linking: Linking::ByRule,
            legs: BTreeMap::new(),
            off_schema: None,
            manual: None,
        }
    }
}

impl Plan {
    /// The identities that it links.
    pub fn links(&self) -> &[String] {
        match self {
            Self::Event(plan) => &plan.links,
            Self::Action { .. } | Self::Wake { .. } | Self::Join { .. } | Self::NotYet { .. } | Self::Forgotten => &[],
        }
    }

    /// Those of one group are done one after the other.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Event(plan) => Some(plan.owner.name()),
            Self::Action { conversation, .. } | Self::Wake { conversation, .. } => Some(conversation),
            Self::Join { key, .. } => Some(key),
            Self::NotYet { .. } | Self::Forgotten => None,
        }
    }
}

/// The rules, ready to use.
#[derive(Debug)]
pub struct Planner {
    rules: Rules,
    conversations: Vec<Lazy>,
    rule: Vec<ReadyRule>,
    joins: Vec<ReadyJoin>,
}

#[derive(Debug)]
struct ReadyRule {
    when: Option<Lazy>,
    enrich: Option<ReadyEnrich>,
    links: Vec<Lazy>,
    effects: Ready,
}

#[derive(Debug)]
struct ReadyJoin {
    /// Conditions and keys.
    legs: Vec<(Option<Lazy>, Lazy)>,
    then: Ready,
    otherwise: Ready,
}

impl Planner {
    pub fn new(rules: Rules) -> Self {
        let event = |text: &String| Lazy::new(text, Scope::Event);
        let join = |join: &Join| ReadyJoin {
            legs: join.all.iter().map(|leg| (leg.when.as_ref().map(event), event(&leg.by))).collect(),
            then: Ready::new(&join.name, &join.then, IfStale::Run, Scope::Join),
            otherwise: Ready::new(&join.name, &join.otherwise, IfStale::Run, Scope::Join),
        };
        Self {
            conversations: rules.conversations.iter().map(|c| Lazy::new(c.whose.expression(), Scope::Event)).collect(),
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

    /// `None` if the rules don't have it any more.
    pub fn join_named(&self, name: &str) -> Option<&Join> {
        self.rules.joins.iter().find(|join| join.name == name)
    }

    /// What has to be fetched before there can be a plan: by the index of the rule that needs it.
    pub fn wanted(&self, envelope: &Envelope, now: Timestamp) -> Result<BTreeMap<usize, Wanted>, Failure> {
        let mut wanted = BTreeMap::new();
        let is_about =
            |rule: &Rule| rule.enrich.is_some() && is_about(&rule.on, &rule.source, envelope.source_name(), &envelope.event_type);
        if !self.rules.rules.iter().any(is_about) || past_horizon(envelope.delivered(), now) || Due::read(envelope).is_some() {
            return Ok(wanted);
        }
        let data: Value = serde_json::from_str(envelope.data.get()).map_err(|_| Failure::Payload)?;
        let variables = Variables::of_event(&data, &without_payload(envelope));
        for (index, (rule, ready)) in self.rules.rules.iter().zip(&self.rule).enumerate() {
            let failed = |field: &str, what| Failure::Rule { rule: rule.name.clone(), field: field.to_owned(), what };
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
                Err(Failure::TooMany { what: "objects to fetch", seen, allowed: MAX_FETCHES_PER_EVENT })
            }
            _ => Ok(wanted),
        }
    }

    pub fn rule_name(&self, index: usize) -> &str {
        &self.rules.rules[index].name
    }

    /// Every failure here is final: the same event fails the same way again. `fetched` has what [`Self::wanted`] names.
    pub fn plan(&self, envelope: &Envelope, fetched: &Fetched, now: Timestamp) -> Result<Plan, Failure> {
        if past_horizon(envelope.delivered(), now) {
            return Err(Failure::PastHorizon { received: envelope.delivered() });
        }
        match Due::read(envelope).transpose()? {
            None => self.event(envelope, fetched, now).map(Plan::Event),
            Some((what, due)) if now < due => Ok(Plan::NotYet { due, what }),
            Some((Due::Action { conversation, proposal }, _)) => Ok(Plan::Action { conversation, proposal: *proposal }),
            Some((Due::Wake { conversation, .. }, fired)) => Ok(Plan::Wake { conversation, fired }),
            Some((Due::Link { identity, conversation, moves }, _)) => Ok(Plan::Event(EventPlan {
                links: vec![identity],
                linking: if moves { Linking::Moved } else { Linking::Told },
                ..EventPlan::new(Owner::Conversation(conversation))
            })),
            Some((Due::Correct(correction), at)) => corrected(*correction, at).map(Plan::Event),
            Some((Due::Join { join, key, .. }, _)) => Ok(match self.rules.joins.iter().position(|j| j.name == join) {
                Some(index) => Plan::Join { index, key },
                None => Plan::Forgotten,
            }),
        }
    }

    /// Whose an event is that can't be processed, as far as it can be said.
    pub fn whose(&self, envelope: &Envelope) -> Option<String> {
        match Due::read(envelope) {
            None => {
                let data: Value = serde_json::from_str(envelope.data.get()).ok()?;
                let variables = Variables::of_event(&data, &without_payload(envelope));
                self.owner(envelope, &variables).ok().map(|owner| owner.name().to_owned())
            }
            Some(Ok((Due::Action { conversation, .. } | Due::Link { conversation, .. } | Due::Wake { conversation, .. }, _))) => {
                Some(conversation)
            }
            Some(Ok((Due::Correct(correction), _))) => Some(correction.of),
            Some(Ok((Due::Join { .. }, _)) | Err(_)) => None,
        }
    }

    fn event(&self, envelope: &Envelope, fetched: &Fetched, now: Timestamp) -> Result<EventPlan, Failure> {
        let data: Value = serde_json::from_str(envelope.data.get()).map_err(|_| Failure::Payload)?;
        let variables = Variables::of_event(&data, &without_payload(envelope));
        let owner = self.owner(envelope, &variables)?;
        let order = envelope.order();
        let occasion = Occasion {
            variables: &variables,
            subject: envelope.subject.as_deref(),
            time: order.time,
            told: Some(order.time),
            tie: order.tie(),
            now,
            cause: &envelope.claimkey,
            traceparent: envelope.traceparent.as_deref(),
        };
        let mut plan = EventPlan::new(owner);
        for (index, (rule, ready)) in self.rules.rules.iter().zip(&self.rule).enumerate() {
            let failed = |field: &str, what| Failure::Rule { rule: rule.name.clone(), field: field.to_owned(), what };
            if !is_about(&rule.on, &rule.source, envelope.source_name(), &envelope.event_type) {
                continue;
            }
            if !ready.is_for(&variables).map_err(|what| failed("when", what))? {
                continue;
            }
            let variables = match (&ready.enrich, fetched.get(&index)) {
                (None, _) => Cow::Borrowed(&variables),
                (Some(_), Some(Some(object))) => Cow::Owned(variables.with_fetched(object)),
                // There is no such object, and the rule says that it isn't about it then.
                (Some(_), Some(None) | None) => continue,
            };
            for link in &ready.links {
                let identity = link.name(&variables, MAX_CONVERSATION_BYTES).map_err(|what| failed("link", what))?;
                if let Owner::Identity(_) = plan.owner {
                    let what = "the event has an identity and no conversation to link it to; see `conversations`";
                    return Err(failed("link", what.to_owned()));
                }
                if identity != plan.owner.name() && !plan.links.contains(&identity) {
                    plan.links.push(identity);
                }
            }
            ready.effects.apply(&Occasion { variables: &variables, ..occasion }, &mut plan.outline)?;
            plan.rules.push(rule.name.clone());
        }
        self.legs(envelope, &variables, &mut plan)?;
        bounded(&plan)?;
        Ok(plan)
    }

    /// The first entry of `conversations` that is about the event and has a value; what the preset knows; the entity
    /// itself, so that nothing is dropped because nobody said whose it is.
    fn owner(&self, envelope: &Envelope, variables: &Variables) -> Result<Owner, Failure> {
        let source = envelope.source_name();
        for (entry, expression) in self.rules.conversations.iter().zip(&self.conversations) {
            if !is_about(&entry.on, &entry.source, source, &envelope.event_type) {
                continue;
            }
            let failed = |what: String| Failure::Conversation { expression: entry.whose.expression().to_owned(), what };
            let owner = |name: String| match entry.whose {
                Whose::Conversation(_) => Owner::Conversation(name),
                Whose::Identity(_) => Owner::Identity(name),
            };
            match expression.evaluate(variables).map_err(|error| failed(error.to_string()))? {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) if text.len() <= MAX_CONVERSATION_BYTES => return Ok(owner(text)),
                Value::String(text) => {
                    return Err(failed(format!("a text of {} bytes, allowed: {MAX_CONVERSATION_BYTES}", text.len())));
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(failed("gives no text; string(…) makes one of a number".to_owned()));
                }
            }
        }
        let entity = || format!("entity:{source}/{}", envelope.subject.as_deref().unwrap_or(&envelope.event_type));
        Ok(envelope.conversation.clone().map_or_else(|| Owner::Identity(entity()), Owner::Conversation))
    }

    fn legs(&self, envelope: &Envelope, variables: &Variables, plan: &mut EventPlan) -> Result<(), Failure> {
        for (index, (join, ready)) in self.rules.joins.iter().zip(&self.joins).enumerate() {
            let failed = |field: String, what| Failure::Rule { rule: join.name.clone(), field, what };
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

    /// What a join does that has come to its end.
    pub fn branch(&self, index: usize, key: &str, end: &End, now: Timestamp) -> Result<Outline, Failure> {
        let join = &self.rules.joins[index];
        let cause = join_cause(&join_partition(&join.name, key), end.number);
        let variables = Variables::of_join(&join.name, key);
        let occasion = Occasion {
            variables: &variables,
            subject: None,
            time: end.time,
            told: None,
            tie: Tie::default(),
            now,
            cause: &cause,
            traceparent: None,
        };
        let mut outline = Outline::default();
        match end.branch {
            Branch::Then => self.joins[index].then.apply(&occasion, &mut outline)?,
            Branch::Else => self.joins[index].otherwise.apply(&occasion, &mut outline)?,
        }
        Ok(outline)
    }
}

impl ReadyRule {
    fn new(rule: &Rule) -> Self {
        let scope = if rule.enrich.is_some() { Scope::Enriched } else { Scope::Event };
        Self {
            when: rule.when.as_ref().map(|text| Lazy::new(text, Scope::Event)),
            enrich: rule.enrich.as_ref().map(ReadyEnrich::new),
            links: rule.link.0.iter().map(|text| Lazy::new(text, scope)).collect(),
            effects: Ready::new(&rule.name, &rule.effects, rule.if_stale, scope),
        }
    }

    /// Whether it is about an event of its type and source.
    fn is_for(&self, variables: &Variables) -> Result<bool, String> {
        self.when.as_ref().map_or(Ok(true), |when| when.holds(variables))
    }
}

pub(crate) fn bounded(plan: &EventPlan) -> Result<(), Failure> {
    for (what, seen, allowed) in [
        ("context items", plan.outline.changes.keys().len(), MAX_ITEMS_PER_EVENT),
        ("links", plan.links.len(), MAX_LINKS_PER_EVENT),
        ("joins", plan.legs.len(), MAX_JOINS_PER_EVENT),
        ("actions", plan.outline.proposals.len(), MAX_ACTIONS_PER_EVENT),
    ] {
        if seen > allowed {
            return Err(Failure::TooMany { what, seen, allowed });
        }
    }
    Ok(())
}

/// What an expression sees as `event`.
pub fn without_payload(envelope: &Envelope) -> Value {
    json!({
        "id": envelope.id,
        "source": envelope.source_name(),
        "type": envelope.event_type,
        "subject": envelope.subject,
        "time": envelope.order().time.to_string(),
        "conversation": envelope.conversation,
        "sequence": envelope.sequence_number(),
    })
}
