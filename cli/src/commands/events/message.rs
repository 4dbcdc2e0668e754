//! Finds the queue that has the message of an unprocessed event, as far as the queues report it.

use crate::Failure;
use crate::target::Place;
use crate::target::{Depth, dead_letters, events_depth, unreadable};
use serde::Serialize;
use tidings_core::claim::{Claim, ClaimState};
use tidings_core::external_link::ExternalLink;

/// Where the message is.
#[derive(Debug, Serialize)]
#[serde(tag = "queue", rename_all = "snake_case")]
pub(super) enum MessageLocation {
    /// The event is dead-lettered. `found`: whether the message was among those that were read.
    DeadLetters { found: bool },
    /// The link is dead-lettered. Dead-lettered links have their own queue, which isn't searched.
    DeadLinks,
    /// The message waits in the queue or is being processed. A queue doesn't list its messages.
    Events {
        #[serde(flatten)]
        depth: Depth,
    },
    /// The queue couldn't be read.
    Unseen { why: String },
}

impl MessageLocation {
    /// `None`: the event has no message to look for.
    pub(super) async fn of(claim: &Claim, at: &Place) -> Option<Self> {
        let looked = match (claim.erased, claim.state) {
            (Some(_), _) | (None, ClaimState::Processed) => return None,
            (None, ClaimState::Dead) if ExternalLink::is_key(&claim.key) => Ok(Self::DeadLinks),
            (None, ClaimState::Dead) => dead(claim, at).await,
            (None, ClaimState::Received | ClaimState::Enqueued) => events_depth(at).await.map(|depth| Self::Events { depth }),
        };
        Some(looked.unwrap_or_else(|failure| Self::Unseen { why: failure.message }))
    }

    /// A text for people.
    pub(super) fn said(&self, claim: &Claim, at: &Place) -> String {
        match self {
            Self::DeadLetters { found: true } => {
                format!("in the dead-letter queue: {}", at.command(&format!("tidings dlq show '{}'", claim.key)))
            }
            Self::DeadLetters { found: false } => {
                "not found in the dead-letter queue: it was redriven or dropped, is older than 14 days, or another consumer is \
                 reading it"
                    .to_owned()
            }
            Self::DeadLinks => "in the dead-letter queue of links, or of events if it was sent there: docs/links.md".to_owned(),
            // The numbers are approximate.
            Self::Events { depth: Depth { visible: 0, in_flight: 0, delayed: 0 } } => {
                "the events queue is empty. If it stays empty, this event was never queued: its delivery got no 2xx, and the \
                 provider's next retry queues it"
                    .to_owned()
            }
            Self::Events { depth } => format!(
                "the events queue has {} visible, {} in flight, {} delayed",
                depth.visible, depth.in_flight, depth.delayed
            ),
            Self::Unseen { why } => format!("its queue can't be read: {why}"),
        }
    }
}

async fn dead(claim: &Claim, at: &Place) -> Result<MessageLocation, Failure> {
    let message = dead_letters(at).await?.find(&claim.key).await.map_err(|error| unreadable(at, &error))?;
    Ok(MessageLocation::DeadLetters { found: message.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_core::claim::ClaimKey;

    #[test]
    fn a_waiting_event_shows_its_queue_s_counts_and_an_unreadable_queue_shows_its_error() {
        let (claim, here) = (Claim::new(ClaimKey::from("orders#1".to_owned())), Place::default());
        let waits = MessageLocation::Events { depth: Depth { visible: 12, in_flight: 3, delayed: 1 } };
        assert_eq!(waits.said(&claim, &here), "the events queue has 12 visible, 3 in flight, 1 delayed");
        let empty = MessageLocation::Events { depth: Depth { visible: 0, in_flight: 0, delayed: 0 } };
        assert!(empty.said(&claim, &here).contains("never queued"), "a claim doesn't say whether its event was queued");
        let json = serde_json::to_value(&waits).unwrap();
        assert_eq!(json, serde_json::json!({ "queue": "events", "visible": 12, "in_flight": 3, "delayed": 1 }));
        let dead_link = Claim::new(ClaimKey::from("@link#crm-77".to_owned()));
        assert!(MessageLocation::DeadLinks.said(&dead_link, &here).contains("docs/links.md"));
        assert!(ExternalLink::is_key(&dead_link.key) && !ExternalLink::is_key(&claim.key));
        let unseen = MessageLocation::Unseen { why: "sqs:ReceiveMessage failed: denied".to_owned() };
        assert!(unseen.said(&claim, &here).contains("sqs:ReceiveMessage"), "the missing permission is named");
    }
}
