//! A message of our own that comes before its time.

use crate::deliver::send_timer;
use crate::failure::Failure;
use crate::join;
use crate::processor::Processor;
use tidings_config::time::Timestamp;
use tidings_core::envelope::Envelope;
use tidings_core::internal_event::InternalEvent;

/// What is said of a timer that isn't due yet: it was sent again, as many times as it takes, and nothing was done.
pub(crate) const WAITS: &str = "waits";

/// Sends it on its way again. The word says what became of it: a join that is over needs no timer any more.
pub(crate) async fn reschedule(
    processor: &Processor,
    envelope: &Envelope,
    due: Timestamp,
    what: &InternalEvent,
    now: Timestamp,
) -> Result<&'static str, Failure> {
    let message = match what {
        InternalEvent::Join { join, key, .. } if join::is_over(processor, join, key, now).await? => return Ok("settled"),
        // Made again, so that it says when it is to be seen.
        InternalEvent::Join { .. } => what.envelope(due, now).encode(),
        InternalEvent::Action { .. } | InternalEvent::Link { .. } | InternalEvent::Correct(_) | InternalEvent::Wake { .. } => {
            envelope.encode()
        }
    };
    send_timer(processor, &message, due, now).await?;
    Ok(WAITS)
}
