//! Plans a message by its kind. Pure: the same message gives the same plan.

use crate::decode::{Kind, Message};
use crate::event::manual::corrected;
use crate::event::plan::{EventPlan, Linking};
use crate::failure::{Failure, FailureKind};
use crate::join::JoinTimer;
use crate::planner::{Fetched, Planner, without_payload};
use crate::reminder::ReminderTimer;
use crate::turn::TurnTimer;
use tidings_config::time::Timestamp;
use tidings_core::action::PlannedAction;
use tidings_core::claim::decide::past_horizon;
use tidings_core::context::Owner;
use tidings_core::internal_event::{InternalEvent, Scheduled};
use tidings_expressions::Variables;

/// The plan of one message.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// A provider's event.
    Event(EventPlan),
    /// A notification that the previous version postponed is due.
    Action { conversation: String, proposal: PlannedAction },
    /// The conversation's timer has fired.
    Wake { conversation: String, fired: Timestamp },
    /// A join may have ended. The index is the rule's.
    Join { index: usize, timer: JoinTimer },
    /// A turn may be over.
    Turn(TurnTimer),
    /// A reminder may be due.
    Reminder(ReminderTimer),
    /// An internal event that came before it is due.
    NotYet { due: Timestamp, what: InternalEvent },
    /// A join that the rules no longer define.
    Forgotten,
}

impl Plan {
    /// The identities that it links.
    pub fn links(&self) -> &[String] {
        match self {
            Self::Event(plan) => &plan.links,
            Self::Action { .. }
            | Self::Wake { .. }
            | Self::Join { .. }
            | Self::Reminder(_)
            | Self::Turn(_)
            | Self::NotYet { .. }
            | Self::Forgotten => &[],
        }
    }

    /// The conversation or identity that it belongs to. `None`: it isn't known before it is applied.
    pub fn conversation(&self) -> Option<&str> {
        match self {
            Self::Event(plan) => Some(plan.owner.name()),
            Self::Action { conversation, .. } | Self::Wake { conversation, .. } => Some(conversation),
            Self::Turn(timer) => Some(timer.owner.name()),
            Self::Reminder(timer) => Some(timer.owner.name()),
            Self::NotYet { what, .. } => what.conversation(),
            Self::Join { .. } | Self::Forgotten => None,
        }
    }

    /// Plans of one group run one after the other.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Event(plan) => Some(plan.owner.name()),
            Self::Action { conversation, .. } | Self::Wake { conversation, .. } => Some(conversation),
            Self::Turn(timer) => Some(timer.owner.name()),
            Self::Reminder(timer) => Some(timer.owner.name()),
            Self::Join { timer, .. } => Some(&timer.key),
            Self::NotYet { .. } | Self::Forgotten => None,
        }
    }
}

/// The time from which the age of its claim counts. A timer may be made long before it is due, and has no claim before.
fn delivered(message: &Message) -> Timestamp {
    match &message.kind {
        Ok(Kind::Own(Scheduled { due, what, .. })) if what.is_timer() => *due,
        Ok(Kind::Own(_) | Kind::Event(_)) | Err(_) => message.envelope.delivered(),
    }
}

impl Planner {
    /// Errors are final: the same event fails the same way again. `fetched` has the objects that [`Self::wanted`] names.
    pub fn plan(&self, message: &Message, fetched: &Fetched, now: Timestamp) -> Result<Plan, Failure> {
        let envelope = &message.envelope;
        let received = delivered(message);
        if past_horizon(received, now) {
            return Err(FailureKind::PastHorizon { received }.into());
        }
        let Scheduled { due, what, visible } = match message.kind.as_ref().map_err(|failure| failure.clone())? {
            Kind::Event(payload) => return self.event(envelope, payload.value(), fetched, now).map(Plan::Event),
            Kind::Own(scheduled) => scheduled.clone(),
        };
        if now < due {
            return Ok(Plan::NotYet { due, what });
        }
        match what {
            InternalEvent::Action { conversation, proposal } => Ok(Plan::Action { conversation, proposal: *proposal }),
            InternalEvent::Wake { conversation, .. } => Ok(Plan::Wake { conversation, fired: due }),
            InternalEvent::Link { identity, conversation, moves } => Ok(Plan::Event(EventPlan {
                links: vec![identity],
                linking: if moves { Linking::Moved } else { Linking::Stated },
                ..EventPlan::new(Owner::Conversation(conversation))
            })),
            InternalEvent::Correct(correction) => corrected(*correction, due).map(Plan::Event),
            InternalEvent::Turn { turn, owner, opened_by } => Ok(Plan::Turn(TurnTimer { turn, owner, opened_by })),
            InternalEvent::Reminder { reminder, owner } => Ok(Plan::Reminder(ReminderTimer { reminder, owner, due })),
            InternalEvent::Join { join, key, because_of, postponed } => {
                Ok(match self.rules.joins.iter().position(|j| j.name == join) {
                    Some(index) => {
                        let timer = JoinTimer { join, key, because_of, postponed, visible: visible.unwrap_or(due) };
                        Plan::Join { index, timer }
                    }
                    None => Plan::Forgotten,
                })
            }
        }
    }

    /// The owner of a message that can't be processed, if it can be determined.
    pub fn owner_of_message(&self, message: &Message) -> Option<String> {
        match message.kind.as_ref().ok()? {
            Kind::Event(payload) => {
                let variables = Variables::of_event(payload.value(), &without_payload(&message.envelope));
                self.owner(&message.envelope, &variables).ok().map(|owner| owner.name().to_owned())
            }
            Kind::Own(scheduled) => scheduled.what.conversation().map(str::to_owned),
        }
    }
}
