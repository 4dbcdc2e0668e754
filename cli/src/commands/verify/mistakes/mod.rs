//! The mistakes that people make: each with the request as it would be without it. One that makes it verify is the reason.

mod bodies;
mod json;
mod messages;
mod secrets;
mod signatures;
mod urls;

use super::attempt::Attempt;

/// A mistake in words, and the request without it.
type Mended = (String, Attempt);

/// The first mistake that explains it. `document` is where the secrets are from.
pub(super) fn explain(attempt: &Attempt, document: &str) -> Option<String> {
    let mut mended =
        bodies::mended(attempt).chain(signatures::mended(attempt)).chain(urls::mended(attempt)).chain(messages::mended(attempt));
    let found = mended.find(|(_, a)| a.verifies_ever());
    // A key that is missing says nothing of the secret.
    found.or_else(|| secrets::mended(attempt, document).find(|(_, a)| a.agrees_ever())).map(|(hint, _)| hint)
}

/// Whether another URL is what was agreed on.
pub(super) fn other_url(attempt: &Attempt) -> Option<String> {
    urls::mended(attempt).find(|(_, a)| a.agrees_ever()).map(|(hint, _)| hint)
}
