//! Logs and metrics: JSON lines on standard output, nothing else.
//!
//! Promises: every line has `timestamp` and `level` (without them a custom runtime's lines count as INFO); every metric is
//! a [`Metric`]. Never: a body, a secret or a signature in a line; text of an attacker without escaping (JSON does that)
//! and without a bound.

use crate::time::Timestamp;
use serde_json::json;
use std::fmt;
use std::io::Write as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The target of the events that say how far one event got; `tidings dev` shows them as lines.
pub const STEP: &str = "tidings::step";

/// The target of metrics: see [`Metric::record`].
const METRIC: &str = "tidings::metric";

/// The finest level that is ever written, whatever `RUST_LOG` says. Below it the runtime and the SDK write down what they
/// are given: whole requests, signatures and bodies included.
const FINEST: Level = Level::DEBUG;

/// The namespace of our metrics in CloudWatch.
pub const NAMESPACE: &str = "Tidings";

/// Metrics that code emits. Those that AWS counts itself (requests, errors, queue depth) aren't ours to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A known event came with another body.
    BodyMismatch,
    /// A request was signed with a secret that isn't the newest: which one, 1 being the one before. While there are any, the old
    /// secret can't go.
    SecretAgeIndex,
    /// A signature didn't verify.
    Unauthentic,
    /// No answer from the claims table: queued without a claim.
    ClaimUnknown,
    /// SQS didn't acknowledge: answered 503.
    EnqueueFailed,
    /// The secrets couldn't be fetched.
    SecretsUnavailable,
    /// A provider's public key couldn't be fetched: answered 503.
    KeyUnavailable,
    /// A provider told its secret by a handshake, and it was stored.
    SecretCaptured,
    /// A payload didn't match its schema, on one receive.
    OffSchema,
    /// A rule couldn't fetch what it needs, on one receive.
    Unfetched,
    /// An event older than its claim's lifetime was parked.
    Parked,
    /// An event was left to SQS for another receive.
    Retried,
    /// A last receive failed.
    Dead,
    /// A last receive failed to send what an event causes; its effect is in the context.
    Undelivered,
    /// An action of low priority was shed, because its event waited too long.
    Shed,
    /// A notification waited for its time until nobody wanted it any more.
    Expired,
    /// Too many actions wait for an identity's link already: one more doesn't.
    Unheld,
    /// An event links an identity that has another conversation.
    LinkConflict,
}

impl Metric {
    pub const fn name(self) -> &'static str {
        match self {
            Self::BodyMismatch => "BodyMismatch",
            Self::SecretAgeIndex => "SecretAgeIndex",
            Self::Unauthentic => "Unauthentic",
            Self::ClaimUnknown => "ClaimUnknown",
            Self::EnqueueFailed => "EnqueueFailed",
            Self::SecretsUnavailable => "SecretsUnavailable",
            Self::KeyUnavailable => "KeyUnavailable",
            Self::SecretCaptured => "SecretCaptured",
            Self::OffSchema => "OffSchema",
            Self::Unfetched => "Unfetched",
            Self::Parked => "Parked",
            Self::Retried => "Retried",
            Self::Dead => "Dead",
            Self::Undelivered => "Undelivered",
            Self::Shed => "Shed",
            Self::Expired => "Expired",
            Self::Unheld => "Unheld",
            Self::LinkConflict => "LinkConflict",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::SecretAgeIndex => "None",
            Self::BodyMismatch
            | Self::Unauthentic
            | Self::ClaimUnknown
            | Self::EnqueueFailed
            | Self::SecretsUnavailable
            | Self::KeyUnavailable
            | Self::SecretCaptured
            | Self::OffSchema
            | Self::Unfetched
            | Self::Parked
            | Self::Retried
            | Self::Dead
            | Self::Undelivered
            | Self::Shed
            | Self::Expired
            | Self::Unheld
            | Self::LinkConflict => "Count",
        }
    }

    /// One more, for a source. CloudWatch reads it from the log line (embedded metric format): no API call, no wait.
    pub fn count(self, source: &str, now: Timestamp) {
        self.record(source, 1, now);
    }

    /// A value, for a source, in the same way: CloudWatch keeps its count, its sum and its bounds.
    pub fn record(self, source: &str, value: u64, now: Timestamp) {
        tracing::info!(target: METRIC, emf = %self.emf(source, value, now));
    }

    /// The embedded metric format's document.
    fn emf(self, source: &str, value: u64, now: Timestamp) -> serde_json::Value {
        json!({
            "_aws": {
                "Timestamp": now.unix_ms(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["source"]],
                    "Metrics": [{ "Name": self.name(), "Unit": self.unit() }]
                }]
            },
            "source": source,
            (self.name()): value
        })
    }
}

/// JSON lines on standard output, as strict as `RUST_LOG` says; `info` where it says nothing. Metrics are always written.
/// Call it once, in `main`.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_filter(filter)
        .with_filter(filter_fn(|meta| meta.target() != METRIC && *meta.level() <= FINEST));
    let metrics = MetricLines.with_filter(filter_fn(|meta| meta.target() == METRIC));
    tracing_subscriber::registry().with(logs).with(metrics).init();
}

/// Writes a metric's document as a line of its own, as CloudWatch wants it.
struct MetricLines;

impl<S: Subscriber> Layer<S> for MetricLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Document);
    }
}

struct Document;

impl Visit for Document {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "emf" {
            // A line that can't be written is lost; the event that it counts isn't.
            let _ = writeln!(std::io::stdout().lock(), "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_a_valid_embedded_metric_document() {
        let emf = Metric::Dead.emf("stripe", 1, Timestamp::from_unix_ms(1_795_168_800_000));
        let directive = &emf["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(emf["_aws"]["Timestamp"], 1_795_168_800_000_i64);
        let (name, dimension) = (&directive["Metrics"][0]["Name"], &directive["Dimensions"][0][0]);
        assert_eq!(emf[name.as_str().unwrap()], 1);
        assert_eq!(emf[dimension.as_str().unwrap()], "stripe");
    }
}
