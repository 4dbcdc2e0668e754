//! What the functions need from the outside, with one trait each. The traits mirror the IAM grants. The receiver's
//! role allows exactly [`ClaimStore`], [`EventQueue`], [`SecretStore`], [`HandshakeSecrets`] and [`TenantReader`]; the processor's
//! [`ContextStore`], [`ActionQueue`], [`TimerQueue`], [`TimerStore`], [`Publish`] and [`StatusStore`] where they are on, and
//! [`SecretStore`] for a secret of its own; the reader's [`ContextReader`] or [`FeedReader`], and [`SecretStore`] likewise; the sender's
//! [`SendStore`], [`ForwardQueue`], [`MessageVisibility`] and [`SecretStore`]. [`HttpsGet`] and [`HttpsCall`] aren't calls
//! of AWS.

use crate::action::{Action, ActionNote};
use crate::claim::decide::{Committed, Recorded, RecordedEffect};
use crate::claim::{ClaimKey, ClaimState, NewClaim, OutboxEntry, OutboxMessage, Outcome, Sha256Hex, TimelineKey};
use crate::commit_plan::Merging;
use crate::context::{Context, FeedRead, Item, ItemKey, Place};
use crate::manual::ManualChange;
use crate::send::{MessageStatus, SendRecord, StatusKey};
use crate::stored_event::StoredEvent;
use crate::stored_timer::{Progress, StoredTimer, Sweeps};
use crate::tenant::{TenantKey, TenantRecord};
use crate::trace::Trace;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use tidings_config::limits::{FETCH_TIMEOUT, MAX_FETCHED_BYTES};
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

/// A call without a response or with a bad one. The cause is for logs, never for a reply. A retry may help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {cause}")]
pub struct Unavailable {
    /// The action that the role must allow: `sqs:SendMessage`.
    pub call: &'static str,
    pub cause: String,
}

/// The claims as the receiver uses them: `dynamodb:PutItem`, `dynamodb:UpdateItem` on the claims table.
#[async_trait]
pub trait ClaimStore: Send + Sync + fmt::Debug {
    /// Puts the claim as `received` unless it exists. A failure is a result as well: [`Recorded::Unknown`].
    async fn record(&self, claim: &NewClaim) -> Recorded;

    /// Marks the claim `enqueued`, only from `received`: for events of a delivery that is sent again. A claim with a later state is unchanged, which isn't an error.
    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable>;

    /// Adds another body's hash to the claim: each once, and at most [`MAX_OTHER_BODIES`]. A claim that is erased or
    /// has no first body is unchanged, which isn't an error.
    ///
    /// [`MAX_OTHER_BODIES`]: tidings_config::limits::MAX_OTHER_BODIES
    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable>;
}

/// Events that their claims keep until they are processed (`durability: outbox`): `dynamodb:Query` on the claims table's
/// index `outbox`, `dynamodb:GetItem` and `dynamodb:UpdateItem` on the table.
#[async_trait]
pub trait OutboxStore: Send + Sync + fmt::Debug {
    /// Claims of a partition that were received in this time, both ends included, the oldest first. The index may be
    /// behind: a claim may have a later state.
    async fn waiting(
        &self,
        partition: u8,
        from: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> Result<Vec<OutboxEntry>, Unavailable>;

    /// The message that a claim keeps. `None`: the claim is no longer `received`, or keeps none.
    async fn message(&self, key: &ClaimKey) -> Result<Option<OutboxMessage>, Unavailable>;

    /// Marks the claim `enqueued`, only from `received`, and takes it out of the index. Its message stays until the claim
    /// is processed. A claim with a later state is unchanged, which isn't an error.
    async fn queued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable>;
}

/// The events queue: `sqs:SendMessage`, which also grants batches. Its [`Probe`]: `sqs:GetQueueAttributes`.
#[async_trait]
pub trait EventQueue: Send + Sync + fmt::Debug {
    /// Sends one batch in one call: up to [`MAX_BATCH_MESSAGES`], of [`MAX_BATCH_BYTES`] together. Returns one result
    /// for each message, in their order; if the call fails as a whole, each gets the same error. `Ok` only if the
    /// queue has acknowledged that message. After an error the message may be queued nevertheless. `trace` is sent
    /// with each message.
    ///
    /// [`MAX_BATCH_MESSAGES`]: tidings_config::limits::MAX_BATCH_MESSAGES
    /// [`MAX_BATCH_BYTES`]: tidings_config::limits::MAX_BATCH_BYTES
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>>;
}

/// A dependency that can be checked for readiness.
#[async_trait]
pub trait Probe: Send + Sync + fmt::Debug {
    /// Its name: `claims`, `queue`.
    fn name(&self) -> &'static str;

    /// Makes one call with the function's own grants. It changes nothing and costs about as much as a read.
    async fn probe(&self, at: Timestamp) -> Result<(), Unavailable>;
}

/// The sources' secrets: `secretsmanager:GetSecretValue`.
#[async_trait]
pub trait SecretStore: Send + Sync + fmt::Debug {
    /// The document: a JSON object from source to a secret or a list of secrets, newest first.
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable>;
}

/// A document of secrets and its version.
#[derive(Clone)]
pub struct Versioned {
    pub document: Zeroizing<String>,
    pub version: String,
}

/// Its Debug leaves out the document.
impl fmt::Debug for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versioned").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The result of replacing a document, if its version is the one that was read.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    Yes,
    /// Another version was current: nothing was replaced.
    Changed,
}

/// The handshake secrets, in a secret of their own: `secretsmanager:GetSecretValue`, `secretsmanager:PutSecretValue` and
/// `secretsmanager:UpdateSecretVersionStage` on that one.
#[async_trait]
pub trait HandshakeSecrets: Send + Sync + fmt::Debug {
    /// A document like [`SecretStore`]'s; `{}` before the first secret.
    async fn fetch(&self) -> Result<Versioned, Unavailable>;

    /// Compare and set: replaces the document if its version is `seen`, or changes nothing. Of several writers that
    /// read the same version, exactly one gets [`Replaced::Yes`]. After an error it isn't known whether it was
    /// replaced.
    async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable>;
}

/// The tenants table as the receiver uses it: `dynamodb:GetItem`, and nothing else.
#[async_trait]
pub trait TenantReader: Send + Sync + fmt::Debug {
    /// The record of a tenant, read consistently. `None`: there is none.
    async fn tenant(&self, key: &TenantKey) -> Result<Option<TenantRecord>, Unavailable>;
}

/// A part of the tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantPage {
    /// In no order. It may be empty although there are more.
    pub tenants: Vec<(TenantKey, TenantRecord)>,
    /// Where the next page begins. `None`: this is the last.
    pub next: Option<TenantKey>,
}

/// The tenants table as operators use it: `dynamodb:DeleteItem`, `dynamodb:PutItem` and `dynamodb:Scan`. No function has it.
#[async_trait]
pub trait TenantStore: Send + Sync + fmt::Debug {
    /// The tenants of one source, or of all, of which at most `at_most` rows are read.
    async fn list(&self, source: Option<&str>, from: Option<&TenantKey>, at_most: usize) -> Result<TenantPage, Unavailable>;

    /// Compare and set: writes the record if the stored one has its version (`None`: there is none), or changes nothing.
    /// After an error it isn't known whether it was written.
    async fn put(&self, key: &TenantKey, record: &TenantRecord) -> Result<Replaced, Unavailable>;

    /// That there is none isn't an error.
    async fn delete(&self, key: &TenantKey) -> Result<(), Unavailable>;
}

/// One `GET`, bounded.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    /// The address. Its host and its scheme (HTTPS) were checked before.
    pub url: &'a str,
    /// Name and value of a header, which may be a secret.
    pub header: Option<(&'a str, &'a Redacted)>,
    /// The largest body in bytes.
    pub at_most: usize,
    /// The time from the connection to the last byte.
    pub within: Duration,
}

impl<'a> Get<'a> {
    /// A request for a public document.
    pub const fn public(url: &'a str) -> Self {
        Self { url, header: None, at_most: MAX_FETCHED_BYTES, within: FETCH_TIMEOUT }
    }
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    #[error("answered {0}")]
    Status(u16),
    /// It can't be reached, takes too long, or is too large. A retry may help.
    #[error("{0}")]
    NoAnswer(String),
}

/// A text that is never logged.
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
    /// The body of a 2xx. Redirects aren't followed: they would bypass the check of the address.
    async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError>;
}

/// A request to a server that a user names.
#[derive(Clone, Debug)]
pub struct Call {
    /// `POST`, `PUT` or `GET`.
    pub method: &'static str,
    pub url: String,
    /// Values are never logged.
    pub headers: Vec<(String, Redacted)>,
    pub body: Vec<u8>,
    /// The whole time, connecting included.
    pub within: Duration,
    /// The most bytes of the answer's body that are read. The rest is cut off, which isn't an error.
    pub at_most: usize,
}

/// An answer, of whatever status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The request was never written: a retry can't repeat it.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It was written, at least in part, and no answer came: whether it took effect isn't known.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The address isn't allowed: not `https`, or not public. A retry doesn't help.
    #[error("not allowed: {0}")]
    Forbidden(String),
}

/// Requests over HTTPS to servers that users name.
#[async_trait]
pub trait HttpsCall: Send + Sync + fmt::Debug {
    /// Makes one request. Redirects aren't followed.
    async fn call(&self, call: &Call) -> Result<Answered, CallError>;
}

/// The sends table: `dynamodb:PutItem`.
#[async_trait]
pub trait SendStore: Send + Sync + fmt::Debug {
    /// Compare and set: writes the record if the stored one has the version that was seen (`None`: there is none), or
    /// changes nothing. Of several writers that saw the same version, exactly one gets [`Wrote::Yes`]. After an error it
    /// isn't known whether it was written.
    async fn put(&self, record: &SendRecord, seen: Option<u32>) -> Result<Wrote, Unavailable>;
}

/// The statuses of messages, in the sends table: `dynamodb:PutItem`.
#[async_trait]
pub trait StatusStore: Send + Sync + fmt::Debug {
    /// Records a status unless one of the same or a higher rank is stored: in whatever order statuses come, and however often,
    /// the same one stays. `now`: from then on it is kept as long as a claim. After an error it isn't known whether it was
    /// written; a retry is harmless.
    async fn raise(&self, key: &StatusKey, status: &MessageStatus, now: Timestamp) -> Result<Raised, Unavailable>;
}

/// What became of a [`StatusStore::raise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Raised {
    Yes,
    /// The stored one says as much, or more.
    Known,
}

/// The result of writing a send's record.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrote {
    Yes,
    /// Another version is stored: this one. `None`: it has been deleted since.
    Other(Option<Box<SendRecord>>),
}

/// A message of the actions queue, for another queue: with its own group and its own deduplication id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    pub body: String,
    pub group: String,
    pub deduplication: String,
    /// Message attributes, as texts.
    pub attributes: Vec<(&'static str, String)>,
}

/// A FIFO queue that takes on messages of the actions queue: `sqs:SendMessage`.
#[async_trait]
pub trait ForwardQueue: Send + Sync + fmt::Debug {
    /// At least once: after an error the message may be queued nevertheless.
    async fn forward(&self, message: &Forwarded) -> Result<(), Unavailable>;
}

/// The contexts as the reader uses them: `dynamodb:Query` on the context table.
#[async_trait]
pub trait ContextReader: Send + Sync + fmt::Debug {
    /// The context under one name at this time, without following its link. An unknown name has an empty context.
    async fn partition(&self, name: &str, now: Timestamp) -> Result<Context, Unavailable>;

    /// The context of a conversation at this time. If the name is an identity's, its link is followed. One step is
    /// enough, because a conversation isn't linked further.
    async fn conversation(&self, name: &str, now: Timestamp) -> Result<Context, Unavailable> {
        let context = self.partition(name, now).await?;
        match &context.linked_to {
            Some(to) => self.partition(to, now).await,
            None => Ok(context),
        }
    }
}

/// How far an event is, as its claim says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventStatus {
    pub state: ClaimState,
    /// The address that a rule emitted as its result.
    pub result: Option<String>,
}

/// The claims as status URLs read them: `dynamodb:GetItem` on the claims table.
#[async_trait]
pub trait StatusReader: Send + Sync + fmt::Debug {
    /// `None`: the claim doesn't exist, or is erased.
    async fn event_status(&self, event: &ClaimKey) -> Result<Option<EventStatus>, Unavailable>;
}

/// The feeds as their readers use them: `dynamodb:GetItem` and `dynamodb:Query` on the context table.
#[async_trait]
pub trait FeedReader: Send + Sync + fmt::Debug {
    /// The parts of the feed under one name that end after this number, read consistently, and the name's link, which isn't
    /// followed. At most [`MAX_FEED_PAGES_READ`](tidings_config::limits::MAX_FEED_PAGES_READ) pages.
    async fn feed(&self, name: &str, after: u64) -> Result<FeedRead, Unavailable>;
}

/// The items that were read, and the effect that a claim records.
pub type Loaded = (BTreeMap<Place, Item>, Option<RecordedEffect>);

/// One event's effect: the claim's final update and the changed context items.
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
    /// Its sort key in the timeline.
    pub occurred: TimelineKey,
    pub outcome: Outcome,
    pub rules: Vec<String>,
    pub node: Option<String>,
    /// Facts that it would have set, and the node, which had newer values already: up to
    /// [`MAX_OVERTAKEN_SHOWN`](tidings_config::limits::MAX_OVERTAKEN_SHOWN).
    pub overtaken: Vec<String>,
    /// How the payload violates its schema, if the schema's policy accepts that.
    pub off_schema: Option<String>,
    /// Outcomes of the event's actions, and values that had no room.
    pub actions: Vec<ActionNote>,
    /// X-Ray's id of the message's trace.
    pub trace_id: Option<String>,
    /// The partitions of the joins that the event takes part in. The erasure of a conversation needs them.
    pub joins: Vec<String>,
    /// The author, the reason and the changes of a manual change. If an event is applied again, its own claim must be
    /// processed and not erased; the same transaction records the repetition there.
    pub manual: Option<ManualChange>,
    /// The event itself, if this deployment stores events.
    pub event: Option<StoredEvent>,
    /// The address of its result, for its status URL.
    pub result: Option<String>,
    /// The identities that the event links to its conversation. A retry reads from here which of them must be moved.
    pub links: Vec<String>,
    /// Whole items, each with the version that was read.
    pub items: BTreeMap<Place, Item>,
    /// Items to delete, each with the version that was read.
    pub deletes: BTreeMap<Place, u64>,
    /// A place that must be empty if items change: the link of the identity whose items these are.
    pub absent: Option<Place>,
    /// Whether a repetition of its merge changes the items again.
    pub merging: Merging,
}

/// Changes of items without an event, each conditional on the version that was read: sent actions leave their outbox,
/// and an identity's items move to its conversation.
#[derive(Clone, Debug)]
pub struct Rewrite {
    pub puts: BTreeMap<Place, Item>,
    /// Items to delete, with the version that was read.
    pub deletes: BTreeMap<Place, u64>,
    pub at: Timestamp,
}

/// The record of an event that can't be processed.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub key: ClaimKey,
    pub source: String,
    pub event_type: String,
    pub at: Timestamp,
    pub reason: String,
    pub receive_count: u32,
    /// `None`: its owner is unknown.
    pub entry: Option<Entry>,
    pub trace_id: Option<String>,
}

/// A claim's position in a timeline, of a conversation or an identity.
#[derive(Clone, Debug)]
pub struct Entry {
    pub conversation: String,
    /// Its sort key there.
    pub occurred: TimelineKey,
}

/// The result of recording a dead-lettered event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLettered {
    Yes,
    /// The event was processed after all: nothing is recorded, and the claim says this about its effect.
    Processed(RecordedEffect),
}

/// Claims and contexts as the processor uses them: `dynamodb:BatchGetItem`, `dynamodb:ConditionCheckItem`,
/// `dynamodb:DeleteItem`, `dynamodb:PutItem`, `dynamodb:Query` on the context table, `dynamodb:BatchGetItem`,
/// `dynamodb:GetItem` and `dynamodb:UpdateItem` on the claims table (a transaction is authorised by the verbs of its
/// items).
#[async_trait]
pub trait ContextStore: Send + Sync + fmt::Debug {
    /// The items as they are now, read consistently. Missing items are left out.
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable>;

    /// The same, and the effect that the claim records, in one call. `None`: there is none yet.
    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable>;

    /// The effect that the claim records. `None`: there is none yet. For messages that are received again.
    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable>;

    /// Writes the claim as `processed` and the items, all or nothing. If no item changes, only the claim is written. A
    /// failure is a result as well: [`Committed::Unknown`].
    async fn commit(&self, commit: &Commit) -> Committed;

    /// The first items of a partition in the order of their keys, read consistently; at most `at_most`.
    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable>;

    /// Writes all or nothing. A failure is a result as well. Never [`Committed::Before`]: it has no claim.
    async fn rewrite(&self, rewrite: &Rewrite) -> Committed;

    /// Writes the claim as `dead` with the reason, unless it is processed. The receiver's record stays: if the
    /// message can't be decoded, the processor knows less about the event.
    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable>;
}

/// The actions queue: `sqs:SendMessage`.
#[async_trait]
pub trait ActionQueue: Send + Sync + fmt::Debug {
    /// Sends at least once: after an error the action may be queued nevertheless. SQS drops duplicates within five
    /// minutes; the consumer must detect later ones by id. FIFO within a conversation.
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable>;
}

/// The published queue, for programs that want to hear what happened: `sqs:SendMessage`, which also grants batches.
#[async_trait]
pub trait Publish: Send + Sync + fmt::Debug {
    /// Sends a message that [`Published`](crate::published::Published) reads. At least once: after an error it may be queued
    /// nevertheless, and it is sent again with the same id. `Ok` only when the queue has acknowledged it.
    async fn publish(&self, message: String) -> Result<(), Unavailable>;
}

/// A message, and how long the queue hides it first: at most [`tidings_config::limits::MAX_TIMER_DELAY`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delayed {
    pub message: String,
    pub delay: Duration,
}

/// The events queue, for messages that are due later: `sqs:SendMessage`, which also grants batches.
#[async_trait]
pub trait TimerQueue: Send + Sync + fmt::Debug {
    /// `delay` is at most [`tidings_config::limits::MAX_TIMER_DELAY`]. `Ok` only when the queue has acknowledged the message.
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable>;

    /// Sends one batch as [`EventQueue::send`] does, with a delay for each message. An adapter that doesn't have batches
    /// sends them one by one.
    async fn send_batch(&self, messages: &[Delayed]) -> Vec<Result<(), Unavailable>> {
        let mut sent = Vec::with_capacity(messages.len());
        for Delayed { message, delay } in messages {
            sent.push(self.send(message, *delay).await);
        }
        sent
    }
}

/// The timers table: `dynamodb:PutItem` and `dynamodb:Query`. Writing a timer twice leaves one.
#[async_trait]
pub trait TimerStore: Send + Sync + fmt::Debug {
    /// Stores a timer until its time, and [`tidings_config::limits::STORED_TIMER_KEPT`] longer.
    async fn put(&self, timer: &StoredTimer, now: Timestamp) -> Result<(), Unavailable>;

    /// The timers of a partition that are due by this time, in the order of their sort keys, after this one; read
    /// consistently, and at most `at_most`. None: there are no more.
    async fn due(
        &self,
        partition: u8,
        after: Option<&str>,
        by: Timestamp,
        at_most: usize,
    ) -> Result<Vec<StoredTimer>, Unavailable>;

    /// How far the sweeps are, read consistently.
    async fn progress(&self) -> Result<Progress, Unavailable>;

    /// Records that all timers of the partition up to this sort key were sent. A record that is further stays, which isn't
    /// an error.
    async fn sent(&self, partition: u8, through: &str) -> Result<(), Unavailable>;

    /// Records a complete sweep.
    async fn swept(&self, sweeps: Sweeps) -> Result<(), Unavailable>;
}

/// A message to hide for a time from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hide {
    /// The handle of this receive; each receive has its own.
    pub receipt_handle: String,
    /// Whole seconds, at most twelve hours after its receive.
    pub time: Duration,
}

/// The events queue, for messages that were received from it: `sqs:ChangeMessageVisibility`.
#[async_trait]
pub trait MessageVisibility: Send + Sync + fmt::Debug {
    /// One result for each message, in their order. A message that isn't hidden becomes visible after the queue's own timeout.
    async fn hide(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>>;
}
