//! The effects of one rule for one event, or of one branch for one join. Pure: the same event gives the same effects.

mod reminder;

pub use reminder::ForReminder;

use crate::expression::{CompiledOnce, step};
use crate::failure::{Failure, FailureKind, RuleError};
use crate::notice::Notice;
use crate::overflow::{Full, Overflow};
use reminder::{Dated, ReadyReminder};
use serde_json::Value;
use tidings_config::OneOrMany;
use tidings_config::limits::{MAX_ACTION_BYTES, MAX_ELEMENT_BYTES, MAX_SUBJECT_BYTES, MAX_TURN_KEY_BYTES};
use tidings_config::rules::{Assignment, Effects, Emit, IfStale, Ladder, Priority, Span, TurnTerms, ValueEffect};
use tidings_config::time::Timestamp;
use tidings_config::written_by::WrittenBy;
use tidings_core::action::{ActionId, ActionKind, Intent, PlannedAction, Wrote};
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Changes, Owner, Tie, turn_partition};
use tidings_expressions::{EvaluationError, Scope, Variables, shortest};

/// A rule's effects, compiled.
#[derive(Debug)]
pub(crate) struct Ready {
    rule: String,
    entity: Option<CompiledOnce>,
    set: Vec<ReadySet>,
    unset: Vec<String>,
    values: Vec<(ValueEffect, String, Written)>,
    goto: Option<String>,
    priority: Priority,
    if_stale: IfStale,
    notify: Option<Notice>,
    emit: Option<ReadyEmit>,
    /// Of `notify` and of `emit`, if they aren't made at once.
    reminders: (Option<ReadyReminder>, Option<ReadyReminder>),
}

/// A value, and the sources of whose events it is the provider's.
#[derive(Debug)]
struct Written {
    value: CompiledOnce,
    of: OneOrMany<String>,
}

impl Written {
    fn by(&self, source: &str) -> WrittenBy {
        if self.of.takes(source) { WrittenBy::Provider } else { WrittenBy::Stranger }
    }
}

#[derive(Debug)]
struct ReadyEmit {
    action_type: String,
    fields: Vec<(String, Written)>,
    debounce: Option<ReadyDebounce>,
}

#[derive(Debug)]
struct ReadyDebounce {
    by: Option<CompiledOnce>,
    terms: TurnTerms,
}

#[derive(Debug)]
struct ReadySet {
    name: String,
    written: Written,
    ttl: Option<Span>,
    ladder: Option<Ladder>,
}

/// The changes and actions of an event, from all of its rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlannedEffects {
    pub changes: Changes,
    pub proposals: Vec<PlannedAction>,
    /// Emitted actions that wait for the end of a turn.
    pub collected: Vec<ForTurn>,
    /// What it says about reminders.
    pub reminders: Vec<ForReminder>,
    /// Facts with values that are too large.
    pub dropped: Vec<Overflow>,
}

/// An emitted action that becomes part of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct ForTurn {
    pub proposal: PlannedAction,
    /// What tells turns of one conversation apart. `None`: it has one.
    pub by: Option<String>,
    pub terms: TurnTerms,
}

impl ForTurn {
    /// The partition of its turns, for the owner of its event.
    pub(crate) fn partition(&self, owner: &Owner) -> String {
        turn_partition(&self.proposal.rule, owner, self.by.as_deref())
    }
}

/// The event or join that effects are evaluated for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EvaluationContext<'a> {
    pub(crate) variables: &'a Variables,
    /// The event's source. A join has none.
    pub(crate) source: &'a str,
    /// A join has none.
    pub(crate) event_type: &'a str,
    pub(crate) subject: Option<&'a str>,
    /// When it happened.
    pub(crate) time: Timestamp,
    /// The same, if it depends on the event alone.
    pub(crate) event_time: Option<Timestamp>,
    pub(crate) tie: Tie,
    pub(crate) now: Timestamp,
    pub(crate) cause: &'a ClaimKey,
    pub(crate) traceparent: Option<&'a str>,
}

impl Ready {
    /// `rule` is the name in failures, timelines and actions.
    pub(crate) fn new(rule: &str, effects: &Effects, if_stale: IfStale, scope: Scope) -> Self {
        let lazy = |text: &String| CompiledOnce::new(text, scope);
        let written = |word: &str, name: &str, text: &String| Written { value: lazy(text), of: effects.provider_of(word, name) };
        let assigned = |(name, Assignment { value, ttl, ladder }): (&String, &Assignment)| ReadySet {
            name: name.clone(),
            written: written("set", name, value),
            ttl: *ttl,
            ladder: ladder.clone(),
        };
        let emitted = |emit: &Emit| ReadyEmit {
            action_type: emit.action_type.clone(),
            fields: emit.data.iter().map(|(name, text)| (name.clone(), written("emit", name, text))).collect(),
            debounce: emit
                .debounce
                .as_ref()
                .map(|debounce| ReadyDebounce { by: debounce.by.as_ref().map(lazy), terms: debounce.terms }),
        };
        let reminder = |reminder: &tidings_config::rules::Reminder| ReadyReminder::new(reminder, scope);
        Self {
            rule: rule.to_owned(),
            entity: effects.entity.as_ref().map(lazy),
            set: effects.set.iter().map(assigned).collect(),
            unset: effects.unset.0.clone(),
            values: effects
                .values
                .iter()
                .flat_map(|(effect, values)| values.iter().map(move |(name, text)| (*effect, name, text)))
                .map(|(effect, name, text)| (effect, name.clone(), written(effect.as_str(), name, text)))
                .collect(),
            goto: effects.goto.clone(),
            priority: effects.priority,
            if_stale,
            notify: effects.notify.as_ref().map(|notify| Notice::new(notify, scope)),
            emit: effects.emit.as_ref().map(emitted),
            reminders: (
                effects.notify.as_ref().and_then(|notify| notify.reminder.as_ref()).map(reminder),
                effects.emit.as_ref().and_then(|emit| emit.reminder.as_ref()).map(reminder),
            ),
        }
    }

    /// Adds the effects. If two rules set the same fact, the later rule wins.
    pub(crate) fn apply(&self, at: &EvaluationContext<'_>, effects: &mut PlannedEffects) -> Result<(), Failure> {
        let mut written = Wrote::default();
        if self.changes_facts() {
            let entity = self.entity(at)?.ok_or_else(|| self.failed("entity", RuleError::NoEntity))?;
            self.change(&entity, at, effects, &mut written)?;
        }
        if let Some(node) = &self.goto {
            effects.changes.go_to(node);
            written.node = true;
        }
        let wrote = match self.if_stale {
            IfStale::Run => Wrote::default(),
            IfStale::Skip => written,
        };
        let overflow = self.notify.as_ref().map(Notice::overflow).unwrap_or_default();
        for kind in [ActionKind::Notify, ActionKind::Emit] {
            let date = self.date(kind, at)?;
            match date {
                Dated::Now | Dated::At(..) => {}
                Dated::Never(reminder) => {
                    effects.reminders.push(self.for_reminder(kind, reminder, None, at)?);
                    continue;
                }
                Dated::Cancelled => continue,
            }
            let intent = match kind {
                ActionKind::Notify => self.notify(at)?,
                ActionKind::Emit => self.emit(at)?,
            };
            let Some(intent) = intent else { continue };
            let proposal = PlannedAction {
                id: ActionId::new(at.cause, &self.rule, kind.as_str()),
                rule: self.rule.clone(),
                entity: self.entity(at)?,
                time: at.event_time,
                tie: at.tie,
                nth: u16::try_from(effects.proposals.len()).unwrap_or(u16::MAX),
                wrote: wrote.clone(),
                overflow,
                since: at.now,
                cause: at.cause.clone(),
                priority: self.priority,
                traceparent: at.traceparent.map(str::to_owned),
                by_provider: match intent {
                    Intent::Emit { .. } => self.provided(at.source),
                    Intent::Notify { .. } => Vec::new(),
                },
                intent,
            };
            if let Dated::At(reminder, date) = date {
                effects.reminders.push(self.reminds(reminder, date, proposal, at)?);
                continue;
            }
            match self.emit.as_ref().and_then(|emit| emit.debounce.as_ref()).filter(|_| proposal.kind() == ActionKind::Emit) {
                Some(debounce) => effects.collected.push(self.for_turn(proposal, debounce, at)?),
                None => effects.proposals.push(proposal),
            }
        }
        Ok(())
    }

    fn for_turn(
        &self,
        proposal: PlannedAction,
        debounce: &ReadyDebounce,
        at: &EvaluationContext<'_>,
    ) -> Result<ForTurn, Failure> {
        let by = debounce.by.as_ref().map(|by| by.name(at.variables, MAX_TURN_KEY_BYTES)).transpose();
        let by = by.map_err(|what| self.failed("emit.debounce.by", what))?;
        Ok(ForTurn { proposal, by, terms: debounce.terms })
    }

    fn failed(&self, field: &str, what: impl Into<RuleError>) -> Failure {
        FailureKind::Rule { rule: self.rule.clone(), field: field.to_owned(), what: what.into() }.into()
    }

    fn changes_facts(&self) -> bool {
        !(self.set.is_empty() && self.unset.is_empty() && self.values.is_empty())
    }

    /// The entity of the facts. `None`: neither the rule nor the event names one.
    fn entity(&self, at: &EvaluationContext<'_>) -> Result<Option<String>, Failure> {
        match &self.entity {
            Some(expression) => {
                expression.name(at.variables, MAX_SUBJECT_BYTES).map(Some).map_err(|what| self.failed("entity", what))
            }
            None => Ok(at.subject.filter(|s| !s.is_empty() && s.len() <= MAX_SUBJECT_BYTES).map(str::to_owned)),
        }
    }

    fn change(
        &self,
        entity: &str,
        at: &EvaluationContext<'_>,
        effects: &mut PlannedEffects,
        written: &mut Wrote,
    ) -> Result<(), Failure> {
        let mut won_by = |name: &String| written.facts.push(name.clone());
        let PlannedEffects { changes, dropped, .. } = effects;
        // A value that is too large counts as none, and only its own fact is dropped.
        let mut value = |word: &str, name: &str, expression: &CompiledOnce| match expression.evaluate(at.variables) {
            Err(large @ EvaluationError::TooLarge(_)) => {
                dropped.push(Overflow::new(Full::Fact, format_args!("{}/{word}.{name}", self.rule), large));
                Ok(Value::Null)
            }
            value => value.map_err(|error| self.failed(&format!("{word}.{name}"), error)),
        };
        let mut not_on = Vec::new();
        for ReadySet { name, written, ttl, ladder } in &self.set {
            let (value, by) = (value("set", name, &written.value)?, written.by(at.source));
            let value = if ladder.is_some() { by_value(value) } else { value };
            match ladder {
                _ if value.is_null() => continue,
                None => changes.set(entity, name, value, ttl.map(|ttl| at.time.plus(ttl.duration())), by),
                Some(ladder) if ladder.rung(&value).is_some() => changes.climb(entity, name, value, ladder, by),
                Some(_) => {
                    let place = format_args!("{}/set.{name}", self.rule);
                    not_on.push(Overflow::new(Full::Ladder, place, "a value that isn't on its ladder"));
                    continue;
                }
            }
            won_by(name);
        }
        for name in &self.unset {
            changes.forget(entity, name);
            won_by(name);
        }
        let mut large = not_on;
        for (effect, name, written) in &self.values {
            let (given, by) = (value(effect.as_str(), name, &written.value)?, written.by(at.source));
            let failed = |what: RuleError| self.failed(&format!("{effect}.{name}"), what);
            match effect {
                ValueEffect::Count => {
                    if let Some(step) = step(&given).map_err(failed)? {
                        changes.count(entity, name, step, by);
                    }
                }
                ValueEffect::Add | ValueEffect::Remove => match element(given).map_err(failed)? {
                    Some(element) if element.len() > MAX_ELEMENT_BYTES => {
                        let what = format!("an element has {} bytes, allowed: {MAX_ELEMENT_BYTES}", element.len());
                        large.push(Overflow::new(Full::Set, format_args!("{}/{effect}.{name}", self.rule), what));
                    }
                    Some(element) => changes.member(entity, name, element, *effect == ValueEffect::Add, by),
                    None => {}
                },
            }
        }
        dropped.extend(large);
        Ok(())
    }

    fn notify(&self, at: &EvaluationContext<'_>) -> Result<Option<Intent>, Failure> {
        let Some(notice) = &self.notify else { return Ok(None) };
        notice.intent(at.variables).map(Some).map_err(|what| self.failed("notify.text", what))
    }

    /// The emitted values that the provider wrote.
    fn provided(&self, source: &str) -> Vec<String> {
        let fields = self.emit.iter().flat_map(|emit| &emit.fields);
        fields.filter(|(_, written)| written.of.takes(source)).map(|(name, _)| name.clone()).collect()
    }

    fn emit(&self, at: &EvaluationContext<'_>) -> Result<Option<Intent>, Failure> {
        let Some(ReadyEmit { action_type, fields, debounce: _ }) = &self.emit else { return Ok(None) };
        let mut data = serde_json::Map::new();
        // An action that is too large without further fields is withheld when it would be sent, so further fields
        // aren't evaluated.
        let mut bytes = 0;
        for (name, written) in fields {
            let value = written.value.evaluate(at.variables);
            let value = value.map_err(|error| self.failed(&format!("emit.data.{name}"), error))?;
            bytes += value.to_string().len();
            data.insert(name.clone(), value);
            if bytes > MAX_ACTION_BYTES {
                break;
            }
        }
        Ok(Some(Intent::Emit { action_type: action_type.clone(), data: Value::Object(data) }))
    }
}

/// The element of a set as JSON. `None`: `null`, which changes nothing.
fn element(value: Value) -> Result<Option<String>, RuleError> {
    match by_value(value) {
        Value::Null => Ok(None),
        element @ (Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(Some(element.to_string())),
        Value::Array(_) | Value::Object(_) => Err(RuleError::NoElement),
    }
}

/// A number by its value, as a rung or an element: 19.90 and 19.9 are equal.
fn by_value(value: Value) -> Value {
    if let Value::Number(number) = &value { Value::Number(shortest(number)) } else { value }
}
