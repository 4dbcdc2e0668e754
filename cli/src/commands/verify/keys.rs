//! Keys that providers publish: of a file, or fetched as the receiver fetches them, once all else is right.

use super::attempt::Attempt;
use crate::Failure;
use receiver::verify::{KeySet, NeededKey, Rejection};
use tidings_core::ports::HttpsGet;

/// Adds the key that the request needs, if it needs one and there is a way to it.
pub(super) async fn add(attempt: &mut Attempt, file: Option<&[u8]>, fetch: Option<&dyn HttpsGet>) -> Result<(), Failure> {
    let Some(needed) = needed(attempt) else { return Ok(()) };
    let document = match (file, fetch) {
        (Some(bytes), _) => bytes.to_vec(),
        (None, Some(https)) => https.get(&needed.url).await.map_err(|_| {
            Failure::new("the provider's key couldn't be fetched").hint("give it with --key FILE: without --fetch-keys it is said where it is")
        })?,
        (None, None) => return Ok(()),
    };
    let read = if needed.is_certificate { KeySet::of_certificate } else { KeySet::of_jwks };
    let set = read(&document, attempt.now).map_err(|error| Failure::new(format!("the provider's key: {error}")))?;
    attempt.public.insert(needed.url, set);
    Ok(())
}

/// What is asked for whatever the clock says: an old request's key is asked for too.
fn needed(attempt: &Attempt) -> Option<NeededKey> {
    if let Err(Rejection::KeyNeeded(needed)) = attempt.timeless().verify() { Some(needed) } else { None }
}
