//! The metrics: one enum, from which docs/metrics.md is generated and against which the dashboard and the alarms are
//! checked. Metrics of AWS itself (requests, errors, queue depth) aren't repeated.

use super::{METRIC, UNKNOWN};
use crate::internal_event;
use tidings_config::source::is_name;

/// The kind of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A count. Its sum matters.
    Count,
    /// A duration in milliseconds, with single values, so that CloudWatch has every percentile.
    Milliseconds,
    /// 1 for yes and 0 for no, with single values. The average is the share, so an alarm needs no arithmetic.
    Share,
    /// An index in a list.
    Index,
}

/// The dimensions of a metric. Every value is ours or the operator's; a sender of requests can't choose any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Over all sources.
    All,
    /// Over all sources, and by source.
    Source,
    /// By source alone, whatever `SourceMetrics` is: only sources that ask for the metric have it.
    Each,
    /// By source and the state of its claim.
    State,
    /// By source and reason, a word of an enum.
    Reason,
    /// By source and a field of its events.
    Field,
    /// By function.
    Function,
}

impl By {
    /// The dimension beside the source. A line can have one value of it.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::All | Self::Source | Self::Each => None,
            Self::State => Some("state"),
            Self::Reason => Some("reason"),
            Self::Field => Some("field"),
            Self::Function => Some("function"),
        }
    }

    /// The dimension sets for CloudWatch: one metric for each.
    pub const fn dimensions(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::All => &[&[]],
            Self::Source => &[&[], &["source"]],
            Self::Each => &[&["source"]],
            Self::State => &[&["source", "state"]],
            Self::Reason => &[&["source", "reason"]],
            Self::Field => &[&["source", "field"]],
            Self::Function => &[&["function"]],
        }
    }
}

impl By {
    /// The dimension sets of a deployment: without `SourceMetrics` none that has only the source.
    pub const fn billed(self, source_metrics: bool) -> &'static [&'static [&'static str]] {
        match self {
            Self::Source if !source_metrics => Self::All.dimensions(),
            Self::All | Self::Source | Self::Each | Self::State | Self::Reason | Self::Field | Self::Function => {
                self.dimensions()
            }
        }
    }
}

macro_rules! metrics {
    ($(#[doc = $doc:literal] $name:ident: $kind:ident by $by:ident,)+) => {
        /// All metrics that the functions emit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric { $(#[doc = $doc] $name),+ }

        impl Metric {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// Its meaning, for docs/metrics.md.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc),+ }
            }

            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),+ }
            }

            pub const fn by(self) -> By {
                match self { $(Self::$name => By::$by),+ }
            }
        }
    };
}

metrics! {
    /// Authentic requests, only of sources with `expect_every`: their alarm looks for its absence.
    Heard: Count by Each,
    /// Requests for one of the sources, from anyone.
    Received: Count by Source,
    /// Refused requests, and why: the reply's word, or what is wrong with the signature. A request for no known source has the source `unknown`.
    Refused: Count by Reason,
    /// Share of requests whose signature didn't verify, of all requests that have a signature to verify.
    Unauthentic: Share by Source,
    /// Events that SQS accepted. If this is true of a whole delivery, it is answered with 202, or with what its provider expects.
    Accepted: Count by Source,
    /// Events that were processed or queued before, by the state of their claim.
    Duplicate: Count by State,
    /// Events that SQS did not accept: answered with 503.
    EnqueueFailed: Count by Source,
    /// Events for which the claims table did not answer: they are queued without a claim.
    ClaimUnknown: Count by Source,
    /// Known events that came with a different body: the provider changed it under the same id, or a key merges two events.
    BodyMismatch: Count by Source,
    /// Authentic deliveries, or elements of them, that couldn't be read as events, and why. They are queued, and end in the dead-letter queue.
    Unreadable: Count by Reason,
    /// Configured fields of events that were sent and couldn't be read, and which: `time` (the time of receipt counts), `sequence`, or a `subject`, `conversation` or `dataschema` that is too long. The event is processed without the field.
    FieldUnread: Count by Field,
    /// Events of a delivery for which no time was left: answered with 503, and accepted when the provider sends it again.
    OutOfTime: Count by Source,
    /// Time from the provider's event time to the receipt, of events that have one.
    ArrivalLag: Milliseconds by Source,
    /// Time to claim one event: a `PutItem`, with its retries.
    ClaimLatency: Milliseconds by All,
    /// Time to send one batch of events to SQS.
    EnqueueLatency: Milliseconds by All,
    /// Requests that were signed with a secret that isn't the newest, and which one: 1 is the second newest. While there are any, the old secret can't be removed.
    SecretAgeIndex: Index by Source,
    /// Failed fetches of the secrets. The secrets that were loaded before stay in use.
    SecretsUnavailable: Count by All,
    /// Failed fetches of a provider's public key: answered with 503.
    KeyUnavailable: Count by Source,
    /// Handshake secrets that were stored.
    SecretCaptured: Count by Source,
    /// Handshake secrets that were not stored, and why: answered with 503.
    SecretNotStored: Count by Reason,
    /// Events that this receive applied to the context.
    Processed: Count by Source,
    /// Of the processed events: those whose facts were all older than the stored ones.
    Stale: Count by Source,
    /// Messages of the queue whose event had been processed before.
    Repeated: Count by Source,
    /// Events with the body of an earlier event, under another delivery id that isn't signed.
    RepeatedBody: Count by Source,
    /// Time from the receipt until the event is processed.
    ProcessingLag: Milliseconds by Source,
    /// Share of events that were processed later than the objective allows, 30 s after their receipt. It may be 1 %.
    SloMiss: Share by All,
    /// Time to commit one event: reads, writes, and the messages that it sends, with all retries.
    CommitLatency: Milliseconds by All,
    /// Commits that were retried because of another commit of the same conversation.
    Conflicts: Count by All,
    /// Payloads that didn't match their schema, per receive.
    SchemaViolation: Count by Source,
    /// Objects that a rule couldn't fetch, per receive.
    FetchFailed: Count by Source,
    /// Events that were returned to the queue for another receive, and why.
    Retried: Count by Reason,
    /// Messages that were received for the third time or later. SQS leaves them out of the age of its oldest message.
    HighReceiveCount: Count by Source,
    /// Events that are older than the lifetime of a claim. They aren't applied.
    PastHorizon: Count by Source,
    /// Last receives that failed, and why: the events are in the dead-letter queue.
    Dead: Count by Reason,
    /// Last receives that failed to send an event's actions. Its facts are in the context.
    Undelivered: Count by Source,
    /// Actions that were put into an outbox, to be sent at once.
    Emitted: Count by Source,
    /// Actions that wait for their time, or for a known recipient.
    Deferred: Count by Source,
    /// Actions of low priority that were shed (not sent), because their event waited too long.
    Shed: Count by Source,
    /// Notifications that weren't sent because they expired while they waited for their time.
    Expired: Count by Source,
    /// Actions that were withheld because too many of the conversation wait already, or because they are too large.
    HoldOverflow: Count by Source,
    /// Notifications that were withheld because a cap had no room for them: newer ones wait for it, or the cap doesn't let any wait.
    OverCap: Count by Source,
    /// Notifications that were withheld because the person's preference exists and can't be read, and which: `opt_in`, `channels`, `zone`, `quiet_from` or `quiet_to`.
    PreferenceUnread: Count by Field,
    /// Values for which a full collection had no room, and which collection: `join` (events of a window), `set` (elements), `fact` (values). The event is processed nevertheless.
    Overflow: Count by Reason,
    /// Values that weren't set because they aren't on the ladder of their fact. The event is processed nevertheless.
    OffLadder: Count by Source,
    /// Links that weren't made: the identity belongs to another conversation, or has identities of its own.
    LinkConflict: Count by Source,
    /// Deliveries that were given up: all attempts failed, the address isn't allowed, or the endpoint answered 410. They are stored for 30 days.
    WebhookFailed: Count by All,
    /// Endpoints that were disabled, because they answered 410 or failed for three days.
    EndpointDisabled: Count by All,
    /// Actions that the sender said to somebody.
    Sent: Count by All,
    /// Actions that the sender holds back for a while, per receive: their channel fails, or is asked too often.
    SendRetried: Count by All,
    /// Actions that a channel refused, or that the sender gave up. They are in the actions' dead-letter queue with their reason.
    SendRefused: Count by All,
    /// Actions that may have been said or not. They aren't repeated, and are in the actions' dead-letter queue with their reason.
    SendUncertain: Count by All,
    /// Messages of which their provider says later that they failed, each once.
    MessageFailed: Count by Source,
    /// Time to start a function: from its first line until it is ready for its first event.
    ColdStart: Milliseconds by Function,
}

impl Metric {
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// The unit in CloudWatch.
    pub const fn unit(self) -> &'static str {
        match self.kind() {
            Kind::Count => "Count",
            Kind::Milliseconds => "Milliseconds",
            Kind::Share | Kind::Index => "None",
        }
    }

    /// Adds one, for a source.
    pub fn count(self, source: &str) {
        self.record(source, 1);
    }

    /// Records a value, for a source.
    pub fn record(self, source: &str, value: u64) {
        self.emit(source, "", value);
    }

    /// Records whether it is the case, for a source.
    pub fn share(self, source: &str, so: bool) {
        self.record(source, u64::from(so));
    }

    /// Adds one, for a source and a value of the other dimension.
    pub fn count_as(self, source: &str, word: &'static str) {
        self.emit(source, word, 1);
    }

    /// Records a value, for a source and a value of the other dimension.
    pub fn record_as(self, source: &str, word: &'static str, value: u64) {
        self.emit(source, word, value);
    }

    /// Records a value over all sources.
    pub fn measure(self, value: u64) {
        self.emit("", "", value);
    }

    /// Records a value for a function.
    pub fn measure_in(self, function: &'static str, value: u64) {
        self.emit("", function, value);
    }

    /// Hands the value over; [`super::flush`] writes it with all others of its invocation.
    fn emit(self, source: &str, word: &'static str, value: u64) {
        let source = if source.is_empty() { source } else { dimension(source) };
        tracing::info!(target: METRIC, metric = self.name(), source, word, value);
    }
}

/// A source as a dimension. A name that no source can have is text from outside, and becomes one fixed word.
fn dimension(source: &str) -> &str {
    if source == internal_event::SOURCE || is_name(source) { source } else { UNKNOWN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dimension_contains_only_configured_names() {
        for name in ["stripe", "orders-eu", internal_event::SOURCE, UNKNOWN] {
            assert_eq!(dimension(name), name);
        }
        for other in ["Stripe", "a b", "/elsewhere", "é", &"x".repeat(300)] {
            assert_eq!(dimension(other), UNKNOWN);
        }
    }

    #[test]
    fn names_are_parsed_as_they_are_written() {
        for &metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.name()), Some(metric));
        }
        assert_eq!(Metric::parse("Errors"), None);
    }
}
