//! Common mistakes. Each comes with the corrected request. If the corrected request verifies, the mistake is the cause.

mod bodies;
mod json;
mod messages;
mod secrets;
mod signatures;
mod urls;

use super::attempt::Attempt;

/// A mistake in words, and the request without it.
type Mended = (String, Attempt);

/// The first mistake that explains the failure. `document` is the document of secrets.
pub(super) fn explain(attempt: &Attempt, document: &str) -> Option<String> {
    let mut mended =
        bodies::mended(attempt).chain(signatures::mended(attempt)).chain(urls::mended(attempt)).chain(messages::mended(attempt));
    let found = mended.find(|(_, a)| a.verifies_ever());
    // If the provider's key is missing, a match says nothing about the secret.
    found.or_else(|| secrets::mended(attempt, document).find(|(_, a)| a.agrees_ever())).map(|(hint, _)| hint)
}

/// A hint if another URL matches.
pub(super) fn other_url(attempt: &Attempt) -> Option<String> {
    urls::mended(attempt).find(|(_, a)| a.agrees_ever()).map(|(hint, _)| hint)
}
