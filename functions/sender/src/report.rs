//! The end of a message: the answer to SQS, one log line, and the metrics.

use crate::incoming::Incoming;
use std::time::Duration;
use tidings_config::time::{Timestamp, millis};
use tidings_core::send::SendState;
use tidings_core::telemetry::Metric;

/// The end of a message in this batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a message's end is reported, and its report is the answer to SQS"]
pub(crate) enum End {
    /// It isn't the sender's: the bot's queue has it.
    Forwarded,
    Sent {
        channel: String,
        message: Option<String>,
        tries: u32,
    },
    /// It was said before, or the dead-letter queue has it.
    Known {
        channel: String,
    },
    /// The dead-letter queue has it, with its reason.
    DeadLettered {
        channel: String,
        state: SendState,
        reason: String,
    },
    /// It stays, hidden for this time. Those behind it in its conversation wait.
    Held {
        channel: Option<String>,
        pause: Duration,
        reason: String,
    },
}

/// The answer to SQS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Answer {
    Delete,
    Keep { pause: Duration },
}

impl End {
    pub(crate) fn report(&self, incoming: &Incoming, started: Timestamp, ended: Timestamp) -> Answer {
        let action = incoming.action.as_ref();
        let (action_id, cause) = (action.map(|action| action.id.as_str()), action.map(|action| action.cause.as_str()));
        let (receive_count, duration_ms) = (incoming.receive_count, millis(ended.since(started)));
        match self {
            Self::Forwarded => {
                tracing::info!(
                    outcome = "forwarded",
                    action_id,
                    claim_key = cause,
                    receive_count,
                    duration_ms,
                    "forwarded to the bot"
                );
                Answer::Delete
            }
            Self::Sent { channel, tries, .. } => {
                Metric::Sent.measure(1);
                tracing::info!(
                    outcome = "sent",
                    channel,
                    action_id,
                    claim_key = cause,
                    tries,
                    receive_count,
                    duration_ms,
                    "sent"
                );
                Answer::Delete
            }
            Self::Known { channel } => {
                tracing::info!(outcome = "known", channel, action_id, claim_key = cause, receive_count, duration_ms, "known");
                Answer::Delete
            }
            Self::DeadLettered { channel, state, reason } => {
                match state {
                    SendState::Refused => Metric::SendRefused.measure(1),
                    SendState::Uncertain => Metric::SendUncertain.measure(1),
                    SendState::Sending | SendState::Waiting | SendState::Sent => {}
                }
                let outcome = state.as_str();
                tracing::error!(
                    outcome,
                    channel,
                    action_id,
                    claim_key = cause,
                    reason,
                    receive_count,
                    duration_ms,
                    "dead-lettered"
                );
                Answer::Delete
            }
            Self::Held { channel, pause, reason } => {
                Metric::SendRetried.measure(1);
                let pause_s = pause.as_secs();
                tracing::warn!(
                    outcome = "held",
                    channel,
                    action_id,
                    claim_key = cause,
                    reason,
                    receive_count,
                    pause_s,
                    duration_ms,
                    "held"
                );
                Answer::Keep { pause: *pause }
            }
        }
    }
}
