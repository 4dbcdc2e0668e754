//! `at` of a rule's action: the date that an event gives its reminder, or that it gives none. Pure.

use super::{EvaluationContext, Ready};
use crate::expression::CompiledOnce;
use crate::failure::{Failure, RuleError};
use std::time::Duration;
use tidings_config::OneOrMany;
use tidings_config::limits::MAX_REMINDER_KEY_BYTES;
use tidings_config::rules::{self, TypePattern, is_about};
use tidings_config::time::Timestamp;
use tidings_core::action::{ActionKind, ActionOutcome, Became, PlannedAction};
use tidings_core::context::{Owner, Reminder, reminder_partition};
use tidings_expressions::Scope;

/// A rule's `at` and what belongs to it, compiled.
#[derive(Debug)]
pub(crate) struct ReadyReminder {
    at: CompiledOnce,
    before: Duration,
    by: Option<CompiledOnce>,
    unless: OneOrMany<TypePattern>,
}

/// What an event says about the reminder of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct ForReminder {
    pub rule: String,
    pub kind: ActionKind,
    /// What tells reminders of one conversation apart. `None`: it has one.
    pub by: Option<String>,
    /// `None`: the event has no date, or cancels it.
    pub reminder: Option<Reminder>,
}

impl ForReminder {
    /// The partition of its reminder, for the owner of its event.
    pub(crate) fn partition(&self, owner: &Owner) -> String {
        reminder_partition(&self.rule, self.kind, owner, self.by.as_deref())
    }

    pub(crate) fn became(&self, became: Became) -> ActionOutcome {
        ActionOutcome { rule: self.rule.clone(), kind: self.kind, became }
    }
}

impl ReadyReminder {
    pub(crate) fn new(reminder: &rules::Reminder, scope: Scope) -> Self {
        Self {
            at: CompiledOnce::new(&reminder.at, scope),
            before: reminder.before.map(rules::Span::duration).unwrap_or_default(),
            // An event that cancels it has fetched nothing.
            by: reminder.by.as_ref().map(|by| CompiledOnce::new(by, Scope::Event)),
            unless: reminder.unless.clone(),
        }
    }

    pub(crate) fn is_cancelled_by(&self, event_type: &str) -> bool {
        self.unless.0.iter().any(|pattern| pattern.matches(event_type))
    }
}

impl Ready {
    fn reminder(&self, kind: ActionKind) -> Option<&ReadyReminder> {
        match kind {
            ActionKind::Notify => self.reminders.0.as_ref(),
            ActionKind::Emit => self.reminders.1.as_ref(),
        }
    }

    /// What the event cancels, if it is one of `unless`.
    pub(crate) fn cancelled(&self, sources: &OneOrMany<String>, at: &EvaluationContext<'_>) -> Result<Vec<ForReminder>, Failure> {
        let mut cancelled = Vec::new();
        for kind in [ActionKind::Notify, ActionKind::Emit] {
            if let Some(reminder) = self.reminder(kind)
                && is_about(&reminder.unless, sources, at.source, at.event_type)
            {
                cancelled.push(self.for_reminder(kind, reminder, None, at)?);
            }
        }
        Ok(cancelled)
    }

    /// The date of an action that isn't made at once. The error: what the event says instead of a date.
    pub(crate) fn date(&self, kind: ActionKind, at: &EvaluationContext<'_>) -> Result<Dated<'_>, Failure> {
        let Some(reminder) = self.reminder(kind) else { return Ok(Dated::Now) };
        if reminder.is_cancelled_by(at.event_type) {
            return Ok(Dated::Cancelled);
        }
        let date = reminder.at.time(at.variables).map_err(|what| self.failed(&format!("{}.at", kind.as_str()), what))?;
        Ok(date.map_or(Dated::Never(reminder), |date| Dated::At(reminder, date)))
    }

    pub(crate) fn reminds(
        &self,
        reminder: &ReadyReminder,
        date: Timestamp,
        action: PlannedAction,
        at: &EvaluationContext<'_>,
    ) -> Result<ForReminder, Failure> {
        let due = date.minus(reminder.before);
        let kind = action.kind();
        self.for_reminder(kind, reminder, Some(Reminder { at: date, due, action, has_no_timer: false }), at)
    }

    pub(crate) fn for_reminder(
        &self,
        kind: ActionKind,
        ready: &ReadyReminder,
        reminder: Option<Reminder>,
        at: &EvaluationContext<'_>,
    ) -> Result<ForReminder, Failure> {
        let by = ready.by.as_ref().map(|by| by.name(at.variables, MAX_REMINDER_KEY_BYTES)).transpose();
        let by = by.map_err(|what: RuleError| self.failed(&format!("{}.by", kind.as_str()), what))?;
        Ok(ForReminder { rule: self.rule.clone(), kind, by, reminder })
    }
}

/// When an action is made.
pub(crate) enum Dated<'r> {
    Now,
    At(&'r ReadyReminder, Timestamp),
    /// The event has no date.
    Never(&'r ReadyReminder),
    /// The event is one of `unless`, which was seen before.
    Cancelled,
}
