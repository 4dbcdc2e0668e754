//! What is to be done for a message, by its kind. Pure: the same message gives the same plan.

use crate::event::manual::corrected;
use crate::event::plan::{EventPlan, Linking};
use crate::failure::Failure;
use crate::planner::{Fetched, Planner, without_payload};
use serde_json::Value;
use tidings_core::action::Proposal;
use tidings_core::claim::decide::past_horizon;
use tidings_core::context::Owner;
use tidings_core::due::Due;
use tidings_core::envelope::Envelope;
use tidings_core::rules::Variables;
use tidings_core::time::Timestamp;

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

impl Planner {
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
}
