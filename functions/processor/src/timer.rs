//! Internal messages that come before they are due.

use crate::deliver::send_timer;
use crate::failure::Failure;
use crate::join;
use crate::processor::Processor;
use tidings_config::time::Timestamp;
use tidings_core::envelope::Envelope;
use tidings_core::internal_event::InternalEvent;

/// The outcome of a timer that isn't due yet: it was sent again, and nothing else was done.
pub(crate) const WAITS: &str = "waits";

/// Reschedules the message. The word is the outcome: a join that has ended needs no timer any more.
pub(crate) async fn reschedule(
    processor: &Processor,
    envelope: &Envelope,
    due: Timestamp,
    what: &InternalEvent,
    now: Timestamp,
) -> Result<&'static str, Failure> {
    let message = match what {
        InternalEvent::Join { join, key, .. } if join::is_over(processor, join, key, now).await? => return Ok("settled"),
        // Encoded again with the new time of visibility.
        InternalEvent::Join { .. } => what.envelope(due, now).encode(),
        InternalEvent::Action { .. } | InternalEvent::Link { .. } | InternalEvent::Correct(_) | InternalEvent::Wake { .. } => {
            envelope.encode()
        }
    };
    send_timer(processor, &message, due, now).await?;
    Ok(WAITS)
}
