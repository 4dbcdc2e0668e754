//! Records what a provider's event says of messages that were sent: delivered, read, failed.
//!
//! Promises: it is recorded after the event's effect is committed and before its message is deleted; statuses that come out of order
//! or twice change nothing. Never: a call for another event or where there is no sender; a name or a payload in a log. A failure
//! leaves the message in the queue, and the next receive records it again.

use crate::failure::Failure;
use crate::processor::Processor;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tidings_config::limits::{MAX_ANSWER_REASON_BYTES, MAX_MESSAGE_ID_BYTES, MAX_STATUS_MESSAGES};
use tidings_config::status::{SourceStatus, StatusWord};
use tidings_config::{JsonPath, excerpt};
use tidings_core::envelope::Envelope;
use tidings_core::ports::{Raised, StatusStore};
use tidings_core::send::{MessageStatus, StatusKey};
use tidings_core::telemetry::Metric;

/// Which events say the status of a message, and where it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Statuses {
    of: Vec<SourceStatus>,
    store: Arc<dyn StatusStore>,
}

impl Statuses {
    /// `None`: no event says such a thing.
    pub(crate) fn of(statuses: Vec<SourceStatus>, store: Arc<dyn StatusStore>) -> Option<Self> {
        (!statuses.is_empty()).then_some(Self { of: statuses, store })
    }
}

/// Records what the event says, if it does.
pub(crate) async fn record(processor: &Processor, envelope: &Envelope) -> Result<(), Failure> {
    let Some(statuses) = processor.statuses.as_ref().filter(|_| !envelope.is_ours()) else { return Ok(()) };
    let source = envelope.source_name();
    let is_its = |status: &&SourceStatus| status.source == source && status.types.contains(&envelope.event_type);
    let Some(says) = statuses.of.iter().find(is_its) else { return Ok(()) };
    let Ok(data) = serde_json::from_str::<Value>(envelope.data.get()) else { return Ok(()) };
    let now = processor.clock.now();
    let status = status(says, &data, envelope);
    for key in keys(says, &data) {
        let raised = statuses.store.raise(&key, &status, now).await.map_err(Failure::unsent)?;
        if (raised, says.is) == (Raised::Yes, StatusWord::Failed) {
            Metric::MessageFailed.count(source);
        }
    }
    Ok(())
}

fn status(says: &SourceStatus, data: &Value, envelope: &Envelope) -> MessageStatus {
    let reason = says.reason.as_ref().and_then(|at| text(at.find(data, &[])?));
    let reason = reason.map(|reason| excerpt(&reason, MAX_ANSWER_REASON_BYTES)).filter(|reason| !reason.is_empty());
    MessageStatus { is: says.is, at: envelope.time.unwrap_or(envelope.receivedtime), reason }
}

/// The messages that the event names: by the sends' own ids, or else by the provider's. An id that no send can have is left out.
fn keys(says: &SourceStatus, data: &Value) -> BTreeSet<StatusKey> {
    let ids = |at: Option<&JsonPath>| {
        let found = at.and_then(|at| at.find(data, &[])).map(|value| match value {
            Value::Array(all) => all.iter().take(MAX_STATUS_MESSAGES).filter_map(text).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                text(value).into_iter().collect::<Vec<String>>()
            }
        });
        let fits = |id: &String| !id.is_empty() && id.len() < MAX_MESSAGE_ID_BYTES;
        found.unwrap_or_default().into_iter().filter(fits).collect::<Vec<String>>()
    };
    let own = ids(says.id.as_ref());
    if own.is_empty() {
        ids(says.message.as_ref()).iter().map(|id| StatusKey::of_message(&says.namespace, id)).collect()
    } else {
        own.iter().map(|id| StatusKey::of_id(&says.namespace, id)).collect()
    }
}

/// A text, or a number as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
