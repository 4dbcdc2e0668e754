//! Checks values that must equal agreed ones, in addition to the signature: the topic, the audience, the issuer.

use super::message::Values;
use super::{Key, Rejection, mac};
use tidings_config::scheme::Scheme;
use tidings_config::{OneOrMany, Reference, Template};

/// Checks the values that don't depend on a secret.
pub(super) fn check_fixed(scheme: &Scheme, values: &Values<'_>) -> Result<(), Rejection> {
    let fixed = scheme.expect.iter().filter(|(_, allowed)| !has_secret(allowed));
    for (place, allowed) in fixed {
        if !is_one_of(place, allowed, values, &Key::stranger())? {
            return Err(Rejection::Unexpected(place.clone()));
        }
    }
    Ok(())
}

/// Whether the values that depend on the secret fit this key.
pub(super) fn agrees(scheme: &Scheme, values: &Values<'_>, key: &Key) -> Result<bool, Rejection> {
    let own = scheme.expect.iter().filter(|(_, allowed)| has_secret(allowed));
    own.map(|(place, allowed)| is_one_of(place, allowed, values, key)).try_fold(true, |all, one| Ok(all & one?))
}

fn has_secret(allowed: &OneOrMany<Template>) -> bool {
    allowed.0.iter().flat_map(Template::references).any(|reference| *reference == Reference::Secret)
}

fn is_one_of(place: &Reference, allowed: &OneOrMany<Template>, values: &Values<'_>, key: &Key) -> Result<bool, Rejection> {
    let seen: Vec<Vec<u8>> = match (place.claim(), values.token) {
        (Some(claim), Some(token)) => token.claim_values(claim).into_iter().map(String::into_bytes).collect(),
        _ => vec![values.text(place)?.into_bytes()],
    };
    allowed.0.iter().try_fold(false, |any, template| Ok(any | mac::token_equals_any(&values.filled(template, key)?, &seen)))
}
