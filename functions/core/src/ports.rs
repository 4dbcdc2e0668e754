//! What the functions need of the world, a trait each. They mirror the IAM grants: the receiver's role has what
//! [`ClaimStore`], [`EventQueue`], [`SecretStore`] and [`HandshakeSecrets`] need and no more, the processor's what
//! [`ContextStore`], [`ActionQueue`] and [`TimerQueue`] need, and [`SecretStore`] for a secret of its own, the reader's what
//! [`ContextReader`] needs, and [`SecretStore`] likewise. [`HttpsGet`] is no call of AWS.

use crate::action::{Action, ActionNote};
use crate::claim::decide::{Committed, Recorded, RecordedEffect};
use crate::claim::{ClaimKey, NewClaim, Outcome, Sha256Hex, TimelineKey};
use crate::context::{Context, Item, ItemKey, Place};
use crate::manual::ManualChange;
use crate::stored_event::StoredEvent;
use crate::trace::Trace;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use tidings_config::limits::{FETCH_TIMEOUT, MAX_FETCHED_BYTES};
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

/// A call that had no answer or a bad one. The cause is for our logs, never for a reply. Worth a retry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {cause}")]
pub struct Unavailable {
    /// As the role must allow it: `sqs:SendMessage`.
    pub call: &'static str,
    pub cause: String,
}

/// The claims as the receiver uses them: `dynamodb:PutItem`, `dynamodb:UpdateItem` on the claims table.
#[async_trait]
pub trait ClaimStore: Send + Sync + fmt::Debug {
    /// Puts the claim as `received` unless it is there. Never fails: a failure is an answer, [`Recorded::Unknown`].
    async fn record(&self, claim: &NewClaim) -> Recorded;

    /// Marks the claim `enqueued`, only from `received`. A claim that got further keeps its state, which is no error.
    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable>;

    /// Adds another body's hash to those that the claim keeps: each once, and no more than [`MAX_OTHER_BODIES`]. A claim that is
    /// erased, or has no first body, keeps none, which is no error.
    ///
    /// [`MAX_OTHER_BODIES`]: tidings_config::limits::MAX_OTHER_BODIES
    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable>;
}

/// The events queue: `sqs:SendMessage`, which is the grant for batches as well. Its [`Probe`]: `sqs:GetQueueAttributes`.
#[async_trait]
pub trait EventQueue: Send + Sync + fmt::Debug {
    /// Sends one batch in one call: up to [`MAX_BATCH_MESSAGES`], together up to [`MAX_BATCH_BYTES`]. One answer per message,
    /// in their order; a call that fails as a whole is the same failure for each. `Ok` only when the queue has acknowledged
    /// that very message. An error may mean that it is queued all the same. `trace` goes with each of them.
    ///
    /// [`MAX_BATCH_MESSAGES`]: tidings_config::limits::MAX_BATCH_MESSAGES
    /// [`MAX_BATCH_BYTES`]: tidings_config::limits::MAX_BATCH_BYTES
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>>;
}

/// What can be asked whether it would take an event now.
#[async_trait]
pub trait Probe: Send + Sync + fmt::Debug {
    /// What it is: `claims`, `queue`.
    fn name(&self) -> &'static str;

    /// One call with the function's own grants, which changes nothing and costs about as much as a read.
    async fn probe(&self, at: Timestamp) -> Result<(), Unavailable>;
}

/// The sources' secrets: `secretsmanager:GetSecretValue`.
#[async_trait]
pub trait SecretStore: Send + Sync + fmt::Debug {
    /// The document: a JSON object from source to a secret or a list of secrets, newest first.
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable>;
}

/// A document of secrets and the version that it is.
#[derive(Clone)]
pub struct Versioned {
    pub document: Zeroizing<String>,
    pub version: String,
}

/// The document is secret.
impl fmt::Debug for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versioned").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What became of a document that was to take the place of the version that was read.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    Yes,
    /// Another version had taken its place: nothing was replaced.
    Changed,
}

/// Secrets that providers send in a handshake, in a secret of their own: `secretsmanager:GetSecretValue`,
/// `secretsmanager:PutSecretValue` and `secretsmanager:UpdateSecretVersionStage` on that one.
#[async_trait]
pub trait HandshakeSecrets: Send + Sync + fmt::Debug {
    /// A document like [`SecretStore`]'s; `{}` before the first.
    async fn fetch(&self) -> Result<Versioned, Unavailable>;

    /// Compare and set: the document takes the place of the version that was read, or nothing changes. Of several writers who
    /// read the same version exactly one gets [`Replaced::Yes`]. After an error it isn't known whether it was replaced.
    async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable>;
}

/// One `GET`, bounded.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    /// It was checked before: of whom it is, and that it is HTTPS.
    pub url: &'a str,
    /// Name and value, a secret perhaps.
    pub header: Option<(&'a str, &'a Redacted)>,
    /// Of the body, in bytes.
    pub at_most: usize,
    /// From the connection to the last byte.
    pub within: Duration,
}

impl<'a> Get<'a> {
    /// Of what a provider publishes.
    pub const fn public(url: &'a str) -> Self {
        Self { url, header: None, at_most: MAX_FETCHED_BYTES, within: FETCH_TIMEOUT }
    }
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    #[error("answered {0}")]
    Status(u16),
    /// It can't be reached, takes too long, or has too much to say. Worth a retry.
    #[error("{0}")]
    NoAnswer(String),
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted(pub Zeroizing<String>);

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redacted")
    }
}

/// Fetching over HTTPS.
#[async_trait]
pub trait HttpsGet: Send + Sync + fmt::Debug {
    /// The body of a 2xx. Redirects aren't followed: they would lead past the check of the address.
    async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError>;
}

/// The contexts as the reader uses them: `dynamodb:Query` on the context table.
#[async_trait]
pub trait ContextReader: Send + Sync + fmt::Debug {
    /// What is known under one name at this time, without following its link. A name that nothing is known of has an empty context.
    async fn partition(&self, name: &str, now: Timestamp) -> Result<Context, Unavailable>;

    /// What is known of a conversation at this time. The name may be that of an identity: its link is followed, once, because a
    /// conversation is linked to no other.
    async fn conversation(&self, name: &str, now: Timestamp) -> Result<Context, Unavailable> {
        let context = self.partition(name, now).await?;
        match &context.linked_to {
            Some(to) => self.partition(to, now).await,
            None => Ok(context),
        }
    }
}

/// One event's effect: the claim's last word and the context items that it changes, in one transaction.
#[derive(Clone, Debug)]
pub struct Commit {
    pub key: ClaimKey,
    pub source: String,
    pub event_id: String,
    pub event_type: String,
    pub subject: Option<String>,
    pub received: Timestamp,
    pub processed: Timestamp,
    pub conversation: String,
    /// Its place in the timeline.
    pub occurred: TimelineKey,
    pub outcome: Outcome,
    pub rules: Vec<String>,
    pub node: Option<String>,
    /// Facts that it would have set, and the node, which were newer already: up to [`MAX_OVERTAKEN_SHOWN`](tidings_config::limits::MAX_OVERTAKEN_SHOWN).
    pub overtaken: Vec<String>,
    /// How the payload is off its schema, which accepts it all the same.
    pub off_schema: Option<String>,
    /// What became of the event's actions, and what had no room.
    pub actions: Vec<ActionNote>,
    /// X-Ray's id of the trace that the message came with.
    pub trace_id: Option<String>,
    /// The partitions of the joins that the event is part of: whoever erases a conversation finds them so.
    pub joins: Vec<String>,
    /// Who did it by a command, why, and what it changed. The claim of an event that was applied again must be processed and not
    /// erased: it is written to it, in the same transaction, that it was.
    pub manual: Option<ManualChange>,
    /// The event itself, where it is to be kept.
    pub event: Option<StoredEvent>,
    /// The identities that the event links to its conversation: a retry reads here which of them it has to move.
    pub links: Vec<String>,
    /// Whole items, each with the version that was read.
    pub items: BTreeMap<Place, Item>,
    /// Items that go, each with the version that was read.
    pub deletes: BTreeMap<Place, u64>,
    /// What must not be there: the link of the identity whose items these are.
    pub absent: Option<Place>,
}

/// Items that change without an event, each guarded by the version that was read: what was sent leaves its outbox, what was
/// an identity's moves to its conversation.
#[derive(Clone, Debug)]
pub struct Rewrite {
    pub puts: BTreeMap<Place, Item>,
    /// With the version that was read.
    pub deletes: BTreeMap<Place, u64>,
    pub at: Timestamp,
}

/// What is recorded of an event that can't be processed.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub key: ClaimKey,
    pub source: String,
    pub event_type: String,
    pub at: Timestamp,
    pub reason: String,
    pub receive_count: u32,
    /// `None` where nobody can say whose it is.
    pub entry: Option<Entry>,
    pub trace_id: Option<String>,
}

/// Where a claim stands in a timeline: that of a conversation, or of an identity.
#[derive(Clone, Debug)]
pub struct Entry {
    pub conversation: String,
    /// Its place there.
    pub occurred: TimelineKey,
}

/// What the table said to a dead_letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLettered {
    Yes,
    /// Its effect is in the context after all: nothing to dead_letter, and this is what its claim says.
    Processed(RecordedEffect),
}

/// Claims and contexts as the processor uses them: `dynamodb:BatchGetItem`, `dynamodb:ConditionCheckItem`,
/// `dynamodb:DeleteItem`, `dynamodb:PutItem`, `dynamodb:Query` on the context table, `dynamodb:GetItem` and
/// `dynamodb:UpdateItem` on the claims table (a transaction is authorised by the verbs of its items).
#[async_trait]
pub trait ContextStore: Send + Sync + fmt::Debug {
    /// The items as they are now, read consistently. What isn't there is left out.
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable>;

    /// What the claim says of its effect; `None` while there is none. For messages that come again.
    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable>;

    /// Claim → `processed` and the items, all or nothing. Never fails: a failure is an answer, [`Committed::Unknown`].
    async fn commit(&self, commit: &Commit) -> Committed;

    /// The first items of a partition in the order of their keys, read consistently; at most so many.
    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable>;

    /// All or nothing. Never fails, and is never [`Committed::Before`]: it has no claim.
    async fn rewrite(&self, rewrite: &Rewrite) -> Committed;

    /// Claim → `dead` with the reason, unless it is processed. What the receiver recorded of the event stays: of a message
    /// that can't be read, a dead_letter knows less.
    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable>;
}

/// The actions queue: `sqs:SendMessage`.
#[async_trait]
pub trait ActionQueue: Send + Sync + fmt::Debug {
    /// `Ok` only when the queue has acknowledged it. An error may mean that it is queued all the same; a second one of the
    /// same id is the consumer's to know, unless it comes within minutes. Of one conversation they come out as they went in.
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable>;
}

/// The events queue, for what is due later: `sqs:SendMessage`.
#[async_trait]
pub trait TimerQueue: Send + Sync + fmt::Debug {
    /// `delay` is at most [`tidings_config::limits::MAX_TIMER_DELAY`]. `Ok` only when the queue has acknowledged the message.
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable>;
}

/// A message that stays hidden for a time from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hide {
    /// What its receive was given: it is no other receive's.
    pub receipt_handle: String,
    /// Whole seconds, at most twelve hours since its receive.
    pub time: Duration,
}

/// The events queue, for messages that were received from it: `sqs:ChangeMessageVisibility`.
#[async_trait]
pub trait MessageVisibility: Send + Sync + fmt::Debug {
    /// One answer a message, in their order. One that isn't hidden is visible when the queue's own timeout is over.
    async fn hide(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>>;
}
