//! Events of our own: what is due at some time, and what people say by command. They come through the events queue like any other, so what they do is
//! claimed, and done once. Nobody else can send one: the receiver only writes sources that begin with `/webhooks/`.

use crate::action::{ActionId, Proposal};
use crate::claim::{Claim, ClaimKey, Sha256Hex};
use crate::context::{join_cause, join_partition};
use crate::envelope::{DecodeError, Envelope, NewEnvelope, Payload};
use crate::manual::Correction;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_config::limits::TIMER_HOP;
use tidings_config::time::Timestamp;

/// CloudEvents `source` of our own events.
pub const SOURCE: &str = "/tidings";

/// What is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// A notification that waited for its time, or for its conversation. Sent by the version before; this one keeps what waits
    /// with the conversation, and sends [`Self::Wake`].
    Action { conversation: String, proposal: Box<Proposal> },
    /// Somebody has said whose conversation an identity is. `moves`: also if it is another's until now.
    Link {
        identity: String,
        conversation: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        moves: bool,
    },
    /// A person has said what facts are. Applied by the command itself; it is one of these so that it is planned, claimed and played
    /// again like any other event of ours.
    Correct(Box<Correction>),
    /// Something that a conversation deferred may be due. `timer` counts the conversation's timers.
    Wake { conversation: String, timer: u64 },
    /// A join that may be complete, or given up. `postponed`: how often its `else` was put off, because the queue lagged.
    Join {
        join: String,
        key: String,
        because_of: ClaimKey,
        #[serde(default)]
        postponed: u32,
    },
}

/// What the claim keys of notifications begin with.
const ACTION: &str = "@action#";

/// What the version before wrote in the claim of an event, before the time.
const DEFERRED: &str = "deferred until ";

#[derive(Serialize, Deserialize)]
struct Data {
    due: Timestamp,
    what: Due,
    /// When SQS shows this message, if it isn't late. The version before doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    visible: Option<Timestamp>,
}

impl Due {
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Action { .. } => "tidings.action.due",
            Self::Correct(_) => "tidings.correction",
            Self::Join { .. } => "tidings.join.due",
            Self::Link { .. } => "tidings.link",
            Self::Wake { .. } => "tidings.wake",
        }
    }

    /// `@` can't begin a source's name, so no event of a provider has such a key.
    fn claim_key(&self, due: Timestamp) -> ClaimKey {
        let ms = due.unix_ms();
        ClaimKey::from(match self {
            Self::Correct(correction) => return correction.claim_key(due),
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

    /// The message that says so. Its claim key follows from what is due, when, and what caused it.
    pub fn envelope(&self, due: Timestamp, now: Timestamp) -> Envelope {
        let data = serde_json::to_string(&Data { due, what: self.clone(), visible: Some(due.min(now.plus(TIMER_HOP))) })
            .expect("it has string keys and holds only JSON");
        let claim_key = self.claim_key(due);
        let conversation = match self {
            Self::Action { conversation, .. } | Self::Link { conversation, .. } | Self::Wake { conversation, .. } => {
                Some(conversation.clone())
            }
            Self::Correct(correction) => Some(correction.of.clone()),
            Self::Join { .. } => None,
        };
        let mut envelope = Envelope::new(NewEnvelope {
            id: claim_key.as_str().to_owned(),
            source: String::new(),
            event_type: self.event_type().to_owned(),
            subject: None,
            time: Some(due),
            conversation,
            sequence: None,
            received: now,
            claim_key,
            traceparent: None,
            payload: Payload::Json(RawValue::from_string(data).expect("it is JSON")),
        });
        envelope.source = SOURCE.to_owned();
        envelope
    }

    /// The claim keys of the notifications that the version before has put off because of an event: they are messages in the
    /// queue, and when their time comes, a processor that finds these claims processed sends nothing.
    pub fn waiting(claim: &Claim) -> Vec<ClaimKey> {
        let of = |action: &String| {
            let (label, until) = action.split_once(&format!(" {DEFERRED}"))?;
            let ms = Timestamp::parse_rfc3339(until)?.unix_ms();
            let (rule, what) = label.rsplit_once('/')?;
            let key = claim.key.as_str();
            let id = match (key.strip_prefix(ACTION), claim.joins.first()) {
                // It has waited before, and keeps its id.
                (Some(before), _) => before.split_once('#')?.0.to_owned(),
                (None, Some(join)) if key.starts_with('@') => ActionId::new(&join_cause(join, 1), rule, what).to_string(),
                (None, _) => ActionId::new(&claim.key, rule, what).to_string(),
            };
            Some(ClaimKey::from(format!("{ACTION}{id}#{ms}")))
        };
        claim.actions.iter().filter_map(of).collect()
    }

    /// When SQS was to show this message. `None` for an event of a provider, and for one of the version before.
    pub fn visible(envelope: &Envelope) -> Option<Timestamp> {
        let ours = envelope.source == SOURCE;
        ours.then(|| serde_json::from_str::<Data>(envelope.data.get()).ok()?.visible).flatten()
    }

    /// `None` for an event of a provider.
    pub fn read(envelope: &Envelope) -> Option<Result<(Self, Timestamp), DecodeError>> {
        (envelope.source == SOURCE).then(|| {
            let data: Result<Data, _> = serde_json::from_str(envelope.data.get());
            data.map(|data| (data.what, data.due)).map_err(|_| DecodeError::Malformed("an event of our own".to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_sent_and_claimed_by_what_is_due_and_when() {
        let due = Due::Join { join: "ready".into(), key: "1042".into(), because_of: ClaimKey::new("shop", "e1"), postponed: 0 };
        let (soon, later) = (Timestamp::from_unix_ms(1_000), Timestamp::from_unix_ms(2_000));
        let envelope = Envelope::decode(&due.envelope(soon, soon).encode()).unwrap();
        assert_eq!(Due::read(&envelope), Some(Ok((due.clone(), soon))));
        assert_eq!(due.envelope(soon, soon).claimkey, due.envelope(soon, later).claimkey);
        assert_ne!(due.envelope(soon, soon).claimkey, due.envelope(later, soon).claimkey);

        assert_eq!(Due::visible(&due.envelope(later, soon)), Some(later));
        let far = soon.plus(TIMER_HOP * 2);
        assert_eq!(Due::visible(&due.envelope(far, soon)), Some(soon.plus(TIMER_HOP)), "as far as SQS can delay it");

        let mut forged = envelope;
        forged.source = "/webhooks/tidings".to_owned();
        assert_eq!(Due::read(&forged), None);
    }
}
