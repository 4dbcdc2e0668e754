//! A message of our own that comes before its time.

use crate::deliver::hop;
use crate::failure::Failure;
use crate::join;
use crate::processor::Processor;
use tidings_config::time::Timestamp;
use tidings_core::due::Due;
use tidings_core::envelope::Envelope;

/// Sends it on its way again. The word says what became of it: a join that is over needs no timer any more.
pub(crate) async fn reschedule(
    processor: &Processor,
    envelope: &Envelope,
    due: Timestamp,
    what: &Due,
    now: Timestamp,
) -> Result<&'static str, Failure> {
    let message = match what {
        Due::Join { join, key, .. } if join::is_over(processor, join, key, now).await? => return Ok("settled"),
        // Made again, so that it says when it is to be seen.
        Due::Join { .. } => what.envelope(due, now).encode(),
        Due::Action { .. } | Due::Link { .. } | Due::Correct(_) | Due::Wake { .. } => envelope.encode(),
    };
    hop(processor, &message, due, now).await?;
    Ok("waits")
}
