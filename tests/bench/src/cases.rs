//! What the programs are given, and what they must answer.

use crate::batches::{Conversations, Template};
use crate::deliveries;
use crate::programs::{Language, Program, Role};
use hyper::body::Bytes;
use serde_json::Value;

/// The events of the delivery that has several.
const MESSAGES: usize = 10;

/// One kind of event, given again and again.
#[derive(Debug)]
pub(crate) enum Case {
    /// A webhook for the receiver.
    Delivery(Delivery),
    /// A batch for the processor.
    Batch { events: usize, conversations: Conversations, actions: bool, template: Box<Template> },
}

/// The webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// An event that is new.
    Accepted,
    /// An event that was claimed and processed before.
    Duplicate,
    /// Its signature isn't the provider's.
    Forged,
    /// Ten new events.
    Ten,
}

/// Every case, the receiver's first. Where a batch has one event there is one conversation.
pub(crate) fn all() -> Vec<Case> {
    let deliveries = [Delivery::Accepted, Delivery::Duplicate, Delivery::Forged, Delivery::Ten].map(Case::Delivery);
    let sizes = [
        (1, Conversations::One),
        (10, Conversations::Many),
        (10, Conversations::One),
        (100, Conversations::Many),
        (100, Conversations::One),
    ];
    let batches = sizes.into_iter().flat_map(|(events, conversations)| {
        [true, false].into_iter().filter_map(move |actions| {
            let template = Box::new(Template::new(actions)?);
            Some(Case::Batch { events, conversations, actions, template })
        })
    });
    deliveries.into_iter().chain(batches).collect()
}

impl Case {
    /// As `--case` takes it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Delivery(Delivery::Accepted) => "accepted".to_owned(),
            Self::Delivery(Delivery::Duplicate) => "duplicate".to_owned(),
            Self::Delivery(Delivery::Forged) => "forged".to_owned(),
            Self::Delivery(Delivery::Ten) => "delivery-of-10".to_owned(),
            Self::Batch { events, conversations, actions, .. } => {
                let of = match conversations {
                    _ if *events == 1 => "",
                    Conversations::One => "-one-conversation",
                    Conversations::Many => "-many-conversations",
                };
                format!("batch-of-{events}{of}{}", if *actions { "-actions" } else { "" })
            }
        }
    }

    /// How many sends there may be at most, where time decides how many of them share a call: conversations are committed
    /// side by side, and what is ready at the same moment is sent together.
    pub(crate) fn sends_at_most(&self) -> Option<u64> {
        match self {
            Self::Batch { events, conversations: Conversations::Many, actions: true, .. } => u64::try_from(*events).ok(),
            Self::Batch { .. } | Self::Delivery(_) => None,
        }
    }

    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Delivery(_) => Role::Receiver,
            Self::Batch { .. } => Role::Processor,
        }
    }

    /// Events in one invocation.
    pub(crate) fn events(&self) -> usize {
        match self {
            Self::Delivery(Delivery::Ten) => MESSAGES,
            Self::Delivery(Delivery::Accepted | Delivery::Duplicate | Delivery::Forged) => 1,
            Self::Batch { events, .. } => *events,
        }
    }

    /// Whether the claims are there already.
    pub(crate) fn known(&self) -> bool {
        matches!(self, Self::Delivery(Delivery::Duplicate))
    }

    /// Whether a program is measured with it. Hello world is a receiver: it answers HTTP.
    pub(crate) fn has(&self, program: &Program) -> bool {
        program.role == self.role()
    }

    /// What Lambda hands out.
    pub(crate) fn event(&self, number: u64) -> Bytes {
        match self {
            Self::Delivery(Delivery::Accepted | Delivery::Duplicate) => deliveries::stripe(number, false),
            Self::Delivery(Delivery::Forged) => deliveries::stripe(number, true),
            Self::Delivery(Delivery::Ten) => deliveries::whatsapp(number, MESSAGES),
            Self::Batch { events, conversations, template, .. } => template.batch(number, *events, *conversations),
        }
    }

    /// An error where the answer isn't the one that this case must get.
    pub(crate) fn expect(&self, program: &Program, answer: &[u8]) -> Result<(), String> {
        let answered: Value = serde_json::from_slice(answer).unwrap_or_default();
        let is_expected = match self {
            _ if program.language == Language::Hello => answered["statusCode"] == 200,
            Self::Delivery(Delivery::Accepted) => answered["statusCode"] == 202,
            Self::Delivery(Delivery::Duplicate | Delivery::Ten) => answered["statusCode"] == 200,
            Self::Delivery(Delivery::Forged) => answered["statusCode"] == 401,
            Self::Batch { .. } => answered["batchItemFailures"].as_array().is_some_and(Vec::is_empty),
        };
        if is_expected { Ok(()) } else { Err(format!("it answered {} to {}", String::from_utf8_lossy(answer), self.name())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let names: Vec<String> = all().iter().map(Case::name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        assert_eq!(names.len(), 14);
    }
}
