//! `tidings rules explain` for an event of a deployment: shows its claim. It shows the whole explanation if the event
//! is stored with its claim, or if its message is in the dead-letter queue. Payloads are stored nowhere else.

use crate::Failure;
use crate::target::Place;
use crate::target::{dead_letters, reader_at, unreadable};
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::envelope::Envelope;
use tidings_core::manual;

/// Why only the claim is shown.
pub(super) const NO_PAYLOAD: &str = "the event isn't stored, so it is unknown why each rule matched or didn't. To see that, \
    give its message: from the dead-letter queue while it is there, or as a file (`tidings rules explain message.json`)";

/// Why an event of our own has no explanation.
pub(super) const OURS: &str = "no rule matches it: it is an internal event";

/// Returns the claim, and the event itself if it is stored or in the dead-letter queue.
pub(crate) async fn find(key: &str, at: &Place) -> Result<(Claim, Option<Envelope>), Failure> {
    let key = ClaimKey::from(key.to_owned());
    let record = reader_at(at).await?.record(&key).await.map_err(|error| unreadable(at, &error))?;
    let (claim, kept) = record.ok_or_else(|| {
        Failure::new(format!("no claim with key {key}"))
            .hint("it was never received, it couldn't be verified, or it was processed more than 30 days ago")
    })?;
    if let Some(event) = kept.and_then(|event| event.envelope().ok()) {
        // No rule matches an event of our own: a link, or a manual change.
        return Ok((claim, Some(event).filter(|event| !event.is_ours())));
    }
    if let Some(of) = manual::applied_again(&claim.key) {
        let key = ClaimKey::from(of.to_owned());
        let first = reader_at(at).await?.record(&key).await.map_err(|error| unreadable(at, &error))?;
        let event = first.and_then(|(_, kept)| kept?.envelope().ok());
        return Ok((claim, event));
    }
    if claim.key.is_ours() {
        return Ok((claim, None));
    }
    let message = dead_letters(at).await?.find(&key).await.map_err(|error| unreadable(at, &error))?;
    Ok((claim, message.and_then(|message| Envelope::decode(&message).ok())))
}
