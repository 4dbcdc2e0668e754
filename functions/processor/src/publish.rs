//! Publishes committed events and sent actions, if this deployment does: outbound webhooks and sinks read them.
//!
//! Promises: an event is published after its effect is committed and before its message is deleted, at least once, always
//! with the same id. Never: a message of our own (a timer, a link, a correction), an erased event, a call or a copy where it is
//! off. A failure leaves the message in the queue, and the next receive publishes again.

use crate::failure::Failure;
use crate::processor::Processor;
use tidings_core::action::Action;
use tidings_core::envelope::Envelope;
use tidings_core::published;

/// Publishes an event of a provider, with the conversation whose context it is in.
pub(crate) async fn event(processor: &Processor, envelope: &Envelope, conversation: &str) -> Result<(), Failure> {
    let Some(queue) = processor.published.as_ref().filter(|_| !envelope.is_ours()) else { return Ok(()) };
    queue.publish(published::event(envelope, conversation)).await.map_err(Failure::unsent)
}

/// Publishes an action that was sent.
pub(crate) async fn action(processor: &Processor, conversation: &str, sequence: u64, action: &Action) -> Result<(), Failure> {
    let Some(queue) = &processor.published else { return Ok(()) };
    queue.publish(action.encode(conversation, sequence)).await.map_err(Failure::unsent)
}
