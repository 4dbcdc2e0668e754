//! What is counted and measured: one enum, from which docs/metrics.md is made, and against which the dashboard and the alarms
//! are held. What AWS counts itself (requests, errors, queue depth) isn't ours to repeat.

use super::{METRIC, UNKNOWN};
use crate::due;
use tidings_config::source::is_name;

/// What a metric's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How often. Its sum is what matters.
    Count,
    /// A time in milliseconds, one value each, so that CloudWatch has every percentile.
    Milliseconds,
    /// 1 where it is so and 0 where it isn't, one value each: the average is the share, and an alarm needs no arithmetic.
    Share,
    /// A place in a list.
    Index,
}

/// By what a metric is told apart. Every word of it is ours or the operator's: none can be chosen by who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Over all sources.
    All,
    /// Over all sources, and by source.
    Source,
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
    /// The dimension beside the source, which a line can have one value of.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::All | Self::Source => None,
            Self::State => Some("state"),
            Self::Reason => Some("reason"),
            Self::Field => Some("field"),
            Self::Function => Some("function"),
        }
    }

    /// As CloudWatch is told: a metric for each.
    pub const fn dimensions(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::All => &[&[]],
            Self::Source => &[&[], &["source"]],
            Self::State => &[&["source", "state"]],
            Self::Reason => &[&["source", "reason"]],
            Self::Field => &[&["source", "field"]],
            Self::Function => &[&["function"]],
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

            /// What it says, for docs/metrics.md.
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
    /// Requests for one of the sources, whoever they are of.
    Received: Count by Source,
    /// Requests that were refused, and why: a reply's word, or how a signature is wrong. `unknown` is the source of those for none.
    Refused: Count by Reason,
    /// Whether a request's signature didn't verify: of all that had one to verify, the share.
    Unauthentic: Share by Source,
    /// Events that SQS has acknowledged: answered 202, or as their provider wants to hear it, if all of their delivery were.
    Accepted: Count by Source,
    /// Events that SQS had before, by how far they had got.
    Duplicate: Count by State,
    /// Events that SQS didn't acknowledge: answered 503.
    EnqueueFailed: Count by Source,
    /// Events of which the claims table gave no answer: queued without a claim.
    ClaimUnknown: Count by Source,
    /// Known events that came with another body: what a provider sends as one event, or what a key merges.
    BodyMismatch: Count by Source,
    /// Authentic deliveries, or elements of them, that couldn't be read as events, and why. They are queued, and end in the dead-letter queue.
    Unreadable: Count by Reason,
    /// Configured fields of events that were sent and couldn't be read, and which: `time` (the time of receipt counts), `sequence`, or a `subject`, `conversation` or `dataschema` that is too long. The event goes on without.
    FieldUnread: Count by Field,
    /// Events of a delivery for which no time was left: answered 503, and taken when it is sent again.
    OutOfTime: Count by Source,
    /// From a provider's event time to the receipt, of events that have one.
    ArrivalLag: Milliseconds by Source,
    /// Claiming one event: a `PutItem`, with its retries.
    ClaimLatency: Milliseconds by All,
    /// Sending one batch of events to SQS.
    EnqueueLatency: Milliseconds by All,
    /// Requests that were signed with a secret that isn't the newest: which one, 1 being the one before. While there are any, the old secret can't go.
    SecretAgeIndex: Index by Source,
    /// Fetches of the secrets that failed; those loaded before stay in use.
    SecretsUnavailable: Count by All,
    /// Fetches of a provider's public key that failed: answered 503.
    KeyUnavailable: Count by Source,
    /// Secrets that a provider told by a handshake, and that were stored.
    SecretCaptured: Count by Source,
    /// Secrets that a provider told by a handshake, and that were not stored, and why: answered 503.
    SecretNotStored: Count by Reason,
    /// Events whose effect is in the context, by this receive.
    Processed: Count by Source,
    /// Of these: whose facts were all overtaken by newer ones.
    Stale: Count by Source,
    /// Of all that came of the queue: whose effect was there before.
    Repeated: Count by Source,
    /// Events with the body of another before them, under another id of the delivery that isn't signed.
    RepeatedBody: Count by Source,
    /// From the receipt to the effect.
    ProcessingLag: Milliseconds by Source,
    /// Whether an event's effect came later than the objective allows, 30 s after its receipt: of all, the share. It may be 1 %.
    Late: Share by All,
    /// Making one event's effect true: reads, the transaction, and what is sent, with all retries.
    CommitLatency: Milliseconds by All,
    /// Transactions that were tried again, because another of the same conversation was faster or in the way.
    Conflicts: Count by All,
    /// Payloads that didn't match their schema, on one receive.
    OffSchema: Count by Source,
    /// Objects that a rule couldn't fetch, on one receive.
    Unfetched: Count by Source,
    /// Events that were left to SQS for another receive, and why.
    Retried: Count by Reason,
    /// Messages that came for the third time or more. SQS leaves them out of the age of its oldest message.
    Struggling: Count by Source,
    /// Events older than their claim's lifetime, which aren't applied.
    Parked: Count by Source,
    /// Last receives that failed, and why: their events are in the dead-letter queue.
    Dead: Count by Reason,
    /// Last receives that failed to send what an event causes; its effect is in the context.
    Undelivered: Count by Source,
    /// Actions that were put into an outbox, to be sent at once.
    Emitted: Count by Source,
    /// Actions that wait for their time, or for somebody to send them to.
    Deferred: Count by Source,
    /// Actions of low priority that were shed, because their event waited too long.
    Shed: Count by Source,
    /// Notifications that waited for their time until nobody wanted them any more.
    Expired: Count by Source,
    /// Actions withheld because too much of a conversation waits already, or because they are too large.
    HoldOverflow: Count by Source,
    /// Notifications withheld because a cap had no room for them: older than those that wait for it, or by a cap that drops.
    OverCap: Count by Source,
    /// Notifications withheld because what the person has chosen is there and can't be read, and which preference that is: `opt_in`, `channels`, `zone`, `quiet_from` or `quiet_to`.
    PreferenceUnread: Count by Field,
    /// What had no room in a full collection, and in which: `join` (events of a window), `set` (elements), `fact` (values). Its event is processed all the same.
    Overflow: Count by Reason,
    /// Values that weren't set because they aren't on the ladder of their fact. Their event is processed all the same.
    OffLadder: Count by Source,
    /// Links that weren't made: the name has another conversation, or identities of its own.
    LinkConflict: Count by Source,
    /// Starts of a function: from its first line until it is ready for its first event.
    ColdStart: Milliseconds by Function,
}

impl Metric {
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }

    /// As CloudWatch knows it.
    pub const fn unit(self) -> &'static str {
        match self.kind() {
            Kind::Count => "Count",
            Kind::Milliseconds => "Milliseconds",
            Kind::Share | Kind::Index => "None",
        }
    }

    /// One more, of a source.
    pub fn count(self, source: &str) {
        self.record(source, 1);
    }

    /// A value, of a source.
    pub fn record(self, source: &str, value: u64) {
        self.emit(source, "", value);
    }

    /// Whether it is so, of a source.
    pub fn share(self, source: &str, so: bool) {
        self.record(source, u64::from(so));
    }

    /// One more, of a source and a word of its other dimension.
    pub fn count_as(self, source: &str, word: &'static str) {
        self.emit(source, word, 1);
    }

    /// A value over all sources.
    pub fn measure(self, value: u64) {
        self.emit("", "", value);
    }

    /// A value of a function.
    pub fn measure_in(self, function: &'static str, value: u64) {
        self.emit("", function, value);
    }

    /// It is written by [`super::flush`], with all of its invocation.
    fn emit(self, source: &str, word: &'static str, value: u64) {
        let source = if source.is_empty() { source } else { dimension(source) };
        tracing::info!(target: METRIC, metric = self.name(), source, word, value);
    }
}

/// A source as a dimension. A name that no source can have is somebody else's text, and becomes one fixed word.
fn dimension(source: &str) -> &str {
    if source == due::SOURCE || is_name(source) { source } else { UNKNOWN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dimension_is_only_what_can_be_configured() {
        for name in ["stripe", "orders-eu", due::SOURCE, UNKNOWN] {
            assert_eq!(dimension(name), name);
        }
        for other in ["Stripe", "a b", "/elsewhere", "é", &"x".repeat(300)] {
            assert_eq!(dimension(other), UNKNOWN);
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for &metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.name()), Some(metric));
        }
        assert_eq!(Metric::parse("Errors"), None);
    }
}
