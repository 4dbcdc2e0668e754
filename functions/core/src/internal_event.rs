//! Internal events: timers, links and corrections. They come through the events queue like other events, so each is
//! claimed and applied once. No one else can send one: the receiver only writes sources that begin with `/webhooks/`.

use crate::action::{ActionId, ActionNote, ActionOutcome, Became, PlannedAction};
use crate::claim::{Claim, ClaimKey, Sha256Hex};
use crate::context::{Owner, join_cause, join_partition, turn_cause};
use crate::envelope::{DecodeError, Envelope, NewEnvelope, Payload};
use crate::manual::Correction;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_config::limits::MAX_TIMER_DELAY;
use tidings_config::time::Timestamp;

pub use crate::envelope::OWN_SOURCE as SOURCE;

/// An internal event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InternalEvent {
    /// A notification that waited for its time or for its conversation. Sent by the previous version; this version
    /// stores waiting notifications with the conversation, and sends [`Self::Wake`].
    Action { conversation: String, proposal: Box<PlannedAction> },
    /// A statement that an identity belongs to a conversation. `moves`: even if it is linked to another one.
    Link {
        identity: String,
        conversation: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        moves: bool,
    },
    /// Facts set by hand. The command applies it itself; it is an internal event so that it is planned, claimed and
    /// replayed like others.
    Correct(Box<Correction>),
    /// A deferred notification of the conversation may be due. `timer` counts the conversation's timers.
    Wake { conversation: String, timer: u64 },
    /// A join may be complete or given up. `postponed`: how often its `else` was postponed because the queue lagged.
    Join {
        join: String,
        key: String,
        because_of: ClaimKey,
        #[serde(default)]
        postponed: u32,
    },
    /// A turn may be over. `turn` is the partition of its rule's turns, and `opened_by` its name. The previous version
    /// doesn't know it.
    Turn { turn: String, owner: Owner, opened_by: ClaimKey },
    /// A reminder is due at this event's time, if it still waits for that. `reminder` is its partition. The previous
    /// version doesn't know it.
    Reminder { reminder: String, owner: Owner },
}

/// The prefix of the claim keys of notifications.
const ACTION: &str = "@action#";

/// An internal event and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheduled {
    pub due: Timestamp,
    pub what: InternalEvent,
    /// When SQS makes this message visible, unless it is late. Absent in messages of the previous version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible: Option<Timestamp>,
}

impl InternalEvent {
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Action { .. } => "tidings.action.due",
            Self::Correct(_) => "tidings.correction",
            Self::Join { .. } => "tidings.join.due",
            Self::Link { .. } => "tidings.link",
            Self::Reminder { .. } => "tidings.reminder",
            Self::Turn { .. } => "tidings.turn",
            Self::Wake { .. } => "tidings.wake",
        }
    }

    /// A source's name can't begin with `@`, so no provider's event has such a key.
    fn claim_key(&self, due: Timestamp) -> ClaimKey {
        let ms = due.unix_ms();
        ClaimKey::from(match self {
            Self::Correct(correction) => return correction.claim_key(due),
            // Whenever it comes: a turn ends once.
            Self::Turn { turn, opened_by, .. } => return turn_cause(turn, opened_by),
            // Nothing waits for a time that is past, so each is claimed once.
            Self::Reminder { reminder, .. } => format!("@{reminder}#{ms}"),
            Self::Action { proposal, .. } => format!("{ACTION}{}#{ms}", proposal.id),
            Self::Join { join, key, because_of, .. } => {
                let event = Sha256Hex::of(because_of.as_str().as_bytes());
                format!("@{}#{}#{ms}", join_partition(join, key), event.digits())
            }
            Self::Link { identity, conversation, .. } => {
                let link = Sha256Hex::of(format!("{conversation}\n{identity}").as_bytes());
                format!("@link#{}#{ms}", link.digits())
            }
            Self::Wake { conversation, timer } => {
                format!("@wake#{}#{ms}#{timer}", Sha256Hex::of(conversation.as_bytes()).digits())
            }
        })
    }

    /// The message. Its claim key follows from the content, the time and the cause.
    pub fn envelope(&self, due: Timestamp, now: Timestamp) -> Envelope {
        // A timer that is sent after it is due is visible at once: it isn't the queue that is late.
        let visible = Some(due.min(now.plus(MAX_TIMER_DELAY)).max(now));
        let data = serde_json::to_string(&Scheduled { due, what: self.clone(), visible })
            .expect("it has string keys and holds only JSON");
        own_envelope(self.event_type(), self.claim_key(due), self.conversation(), due, now, data)
    }

    /// The claim keys of the notifications that the previous version postponed because of an event. They are messages
    /// in the queue; when one is due and finds its claim processed, the processor sends nothing.
    pub fn waiting(claim: &Claim) -> Vec<ClaimKey> {
        let of = |outcome: &ActionOutcome| {
            let Became::PutOff(until) = outcome.became else { return None };
            let (key, what) = (claim.key.as_str(), outcome.kind.as_str());
            let id = match (key.strip_prefix(ACTION), claim.joins.first()) {
                // It has waited before, and keeps its id.
                (Some(before), _) => before.split_once('#')?.0.to_owned(),
                (None, Some(join)) if key.starts_with('@') => {
                    ActionId::new(&join_cause(join, 1), &outcome.rule, what).to_string()
                }
                (None, _) => ActionId::new(&claim.key, &outcome.rule, what).to_string(),
            };
            Some(ClaimKey::from(format!("{ACTION}{id}#{}", until.unix_ms())))
        };
        claim.actions.iter().filter_map(ActionNote::outcome).filter_map(of).collect()
    }

    /// Whether it waits for its time. Its claim can't exist before that time.
    pub const fn is_timer(&self) -> bool {
        match self {
            Self::Action { .. } | Self::Join { .. } | Self::Reminder { .. } | Self::Turn { .. } | Self::Wake { .. } => true,
            Self::Correct(_) | Self::Link { .. } => false,
        }
    }

    /// The conversation or identity that it belongs to. `None`: a join may belong to several.
    pub fn conversation(&self) -> Option<&str> {
        match self {
            Self::Action { conversation, .. } | Self::Link { conversation, .. } | Self::Wake { conversation, .. } => {
                Some(conversation)
            }
            Self::Correct(correction) => Some(&correction.of),
            Self::Reminder { owner, .. } | Self::Turn { owner, .. } => Some(owner.name()),
            Self::Join { .. } => None,
        }
    }

    /// Reads an internal event. `None`: it is a provider's event.
    pub fn read(envelope: &Envelope) -> Option<Result<Scheduled, DecodeError>> {
        envelope.is_ours().then(|| {
            let malformed = |_| DecodeError::Malformed("an event of our own".to_owned());
            serde_json::from_str(envelope.data.get()).map_err(malformed)
        })
    }
}

/// An envelope of our own: its id is its claim key, and `data` is JSON.
pub(crate) fn own_envelope(
    event_type: &str,
    claim_key: ClaimKey,
    conversation: Option<&str>,
    due: Timestamp,
    now: Timestamp,
    data: String,
) -> Envelope {
    let mut envelope = Envelope::new(NewEnvelope {
        id: claim_key.as_str().to_owned(),
        source: String::new(),
        event_type: event_type.to_owned(),
        subject: None,
        time: Some(due),
        conversation: conversation.map(str::to_owned),
        sequence: None,
        received: now,
        claim_key,
        traceparent: None,
        payload: Payload::Json(RawValue::from_string(data).expect("it is JSON")),
    });
    envelope.source = SOURCE.to_owned();
    envelope
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_read_as_it_was_sent_and_claimed_by_its_content_and_time() {
        let due = InternalEvent::Join {
            join: "ready".into(),
            key: "1042".into(),
            because_of: ClaimKey::new("shop", "e1"),
            postponed: 0,
        };
        let (soon, later) = (Timestamp::from_unix_ms(1_000), Timestamp::from_unix_ms(2_000));
        let envelope = Envelope::decode(&due.envelope(soon, soon).encode()).unwrap();
        let scheduled = Scheduled { due: soon, what: due.clone(), visible: Some(soon) };
        assert_eq!(InternalEvent::read(&envelope), Some(Ok(scheduled)));
        assert_eq!(due.envelope(soon, soon).claimkey, due.envelope(soon, later).claimkey);
        assert_ne!(due.envelope(soon, soon).claimkey, due.envelope(later, soon).claimkey);

        let visible = |at| InternalEvent::read(&due.envelope(at, soon)).unwrap().unwrap().visible;
        assert_eq!(visible(later), Some(later));
        assert_eq!(visible(soon.plus(MAX_TIMER_DELAY * 2)), Some(soon.plus(MAX_TIMER_DELAY)), "SQS's longest delay");

        let mut forged = envelope;
        forged.source = "/webhooks/tidings".to_owned();
        assert_eq!(InternalEvent::read(&forged), None);
    }

    #[test]
    fn a_claim_of_the_previous_version_names_its_postponed_notifications() {
        let key = ClaimKey::new("shop", "e1");
        let until = Timestamp::from_unix_ms(1_795_168_800_250);
        let said = |action: &str| Claim { actions: vec![ActionNote::read(action.to_owned())], ..Claim::new(key.clone()) };
        let id = ActionId::new(&key, "paid", "notify");
        let waiting = InternalEvent::waiting(&said(&format!("paid/notify deferred until {until}")));
        assert_eq!(waiting, [ClaimKey::from(format!("@action#{id}#{}", until.unix_ms()))]);
        for other in [format!("paid/notify waits until {until}"), "paid/notify queued".to_owned(), "a dropped: b".to_owned()] {
            assert_eq!(InternalEvent::waiting(&said(&other)), []);
        }
    }
}
