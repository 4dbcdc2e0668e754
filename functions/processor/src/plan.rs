//! What is to be done for a message, by its kind. Pure: the same message gives the same plan.

use crate::decode::{Kind, Message};
use crate::event::manual::corrected;
use crate::event::plan::{EventPlan, Linking};
use crate::failure::{Failure, FailureKind};
use crate::join::JoinTimer;
use crate::planner::{Fetched, Planner, without_payload};
use tidings_config::time::Timestamp;
use tidings_core::action::PlannedAction;
use tidings_core::claim::decide::past_horizon;
use tidings_core::context::Owner;
use tidings_core::internal_event::{InternalEvent, Scheduled};
use tidings_expressions::Variables;

/// What is to be done for one message.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// A provider's event.
    Event(EventPlan),
    /// The time of a notification has come that the version before put off.
    Action { conversation: String, proposal: PlannedAction },
    /// The conversation's timer has fired.
    Wake { conversation: String, fired: Timestamp },
    /// A join may be over. The index is the rules'.
    Join { index: usize, timer: JoinTimer },
    /// Something of our own that comes too early.
    NotYet { due: Timestamp, what: InternalEvent },
    /// A join that the rules don't know any more.
    Forgotten,
}

impl Plan {
    /// The identities that it links.
    pub fn links(&self) -> &[String] {
        match self {
            Self::Event(plan) => &plan.links,
            Self::Action { .. } | Self::Wake { .. } | Self::Join { .. } | Self::NotYet { .. } | Self::Forgotten => &[],
        }
    }

    /// Whose it is. `None` where that isn't known before it is applied.
    pub fn conversation(&self) -> Option<&str> {
        match self {
            Self::Event(plan) => Some(plan.owner.name()),
            Self::Action { conversation, .. } | Self::Wake { conversation, .. } => Some(conversation),
            Self::NotYet { what, .. } => what.conversation(),
            Self::Join { .. } | Self::Forgotten => None,
        }
    }

    /// Those of one group are done one after the other.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Event(plan) => Some(plan.owner.name()),
            Self::Action { conversation, .. } | Self::Wake { conversation, .. } => Some(conversation),
            Self::Join { timer, .. } => Some(&timer.key),
            Self::NotYet { .. } | Self::Forgotten => None,
        }
    }
}

impl Planner {
    /// Every failure here is final: the same event fails the same way again. `fetched` has what [`Self::wanted`] names.
    pub fn plan(&self, message: &Message, fetched: &Fetched, now: Timestamp) -> Result<Plan, Failure> {
        let envelope = &message.envelope;
        if past_horizon(envelope.delivered(), now) {
            return Err(FailureKind::PastHorizon { received: envelope.delivered() }.into());
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
                linking: if moves { Linking::Moved } else { Linking::Told },
                ..EventPlan::new(Owner::Conversation(conversation))
            })),
            InternalEvent::Correct(correction) => corrected(*correction, due).map(Plan::Event),
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

    /// Whose a message is that can't be processed, as far as it can be said.
    pub fn whose(&self, message: &Message) -> Option<String> {
        match message.kind.as_ref().ok()? {
            Kind::Event(payload) => {
                let variables = Variables::of_event(payload.value(), &without_payload(&message.envelope));
                self.owner(&message.envelope, &variables).ok().map(|owner| owner.name().to_owned())
            }
            Kind::Own(scheduled) => scheduled.what.conversation().map(str::to_owned),
        }
    }
}
