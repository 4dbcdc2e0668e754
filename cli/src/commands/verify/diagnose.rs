//! Why a request doesn't verify: the explanation of its rejection, then common mistakes, then other observations.

use super::attempt::Attempt;
use super::{clock, events, http_message as messages, mistakes, token};
use http::header::CONTENT_LENGTH;
use receiver::handshake;
use receiver::verify::{Key, KeyDocument, NeededKey, Rejection};
use tidings_config::scheme::RemoteKey;
use tidings_config::source::OWN;
use tidings_config::{OneOrMany, Reference, Template};

/// The result. It contains no secret.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// `None`: it verifies.
    pub why: Option<String>,
    /// The index of the source's secret that matched.
    pub secret_index: Option<usize>,
    /// True if everything else is right, but the provider's key is missing, so the result is unknown.
    pub undecided: bool,
    /// Possible causes, the likeliest first.
    pub hints: Vec<String>,
}

/// `document` is the document of secrets.
pub(super) fn diagnose(attempt: &Attempt, document: &str) -> Finding {
    let rejection = match attempt.verify() {
        Ok(index) => return Finding { secret_index: Some(index), ..Finding::default() },
        Err(rejection) => rejection,
    };
    let mut hints = events::failing(attempt);
    // If each event is signed separately, look at the first that fails.
    let one = events::first_failing(attempt).unwrap_or_else(|| attempt.clone());
    let other_unit = clock::other_unit(&one);
    // A wrong unit also explains the difference in time.
    let distance = if other_unit.is_none() { clock::distance(attempt, &rejection) } else { None };
    let cause = other_unit
        .or_else(|| certain(&one, &rejection))
        .or_else(|| (!one.verifies_ever()).then(|| mistakes::explain(&one, document)).flatten())
        .or_else(|| not_agreed(&one))
        .or_else(|| otherwise(&one, &rejection));
    hints.extend(cause);
    hints.extend(distance);
    hints.extend(unusable(attempt));
    hints.extend(shortened(attempt));
    hints.extend(unsigned_handshake(attempt));
    if hints.is_empty() {
        hints.push(
            "no known mistake explains it: check that the secret is right, and that these are exactly the bytes that were sent"
                .to_owned(),
        );
    }
    let undecided = matches!(rejection, Rejection::KeyNeeded(_));
    Finding { why: Some(rejection.to_string()), secret_index: None, undecided, hints }
}

/// The explanation that follows from the rejection alone.
fn certain(attempt: &Attempt, rejection: &Rejection) -> Option<String> {
    let scheme = &attempt.source.scheme;
    match rejection {
        Rejection::KeyNeeded(needed) => Some(key_needed(attempt, needed)),
        Rejection::ForeignKeyAddress => Some(format!("the key's address must be exactly this one: {}", scheme.key_from())),
        Rejection::ForeignCertificate => Some(format!("the certificate has another address, allowed: {}", scheme.key_from())),
        Rejection::HandedOut => {
            Some("it isn't an event of this provider: it was built from the answer to a handshake".to_owned())
        }
        Rejection::Lengthened => Some(
            "anybody who has seen one signed request can build such a body (length extension); the provider sends text"
                .to_owned(),
        ),
        Rejection::ExpiredCertificate => {
            Some("for a captured request give its time with --at: the certificate was valid then".to_owned())
        }
        Rejection::NotCovered(required) => Some(messages::not_covered(attempt, required)),
        Rejection::Component { name, fault } => Some(messages::component(name, *fault)),
        Rejection::NoLabel(label) => Some(messages::no_label(attempt, label)),
        Rejection::ContentDigest(fault) => Some(messages::content_digest(attempt, *fault)),
        Rejection::ForeignAlgorithm if scheme.http_message.is_some() => Some(messages::other_algorithm(attempt)),
        Rejection::ForeignAlgorithm => {
            let seen = token::seen(&attempt.source, &attempt.delivery).map_or("unknown".to_owned(), |token| token.algorithm);
            let allowed: Vec<&str> =
                scheme.jwt.iter().flat_map(|jwt| &jwt.algorithms).map(|algorithm| algorithm.as_str()).collect();
            Some(format!(
                "the token's algorithm is {seen}, allowed: {}: it isn't from this provider, or the provider's settings changed",
                allowed.join(", ")
            ))
        }
        Rejection::Unexpected(place) => {
            let allowed = scheme.expect.get(place)?;
            let hint = format!("{place} must be {}", shown(attempt, allowed));
            Some(mistakes::other_url(attempt).unwrap_or(hint))
        }
        Rejection::RepeatedHeader(name) => {
            Some(format!("{name} occurs more than once, allowed: once. A proxy may have added it again"))
        }
        Rejection::TooManySignatures | Rejection::LongSignature(_) => Some("the provider doesn't send such a request".to_owned()),
        Rejection::MissingHeader(_)
        | Rejection::MalformedSignature
        | Rejection::MissingValue(_)
        | Rejection::MalformedBody
        | Rejection::MalformedTimestamp
        | Rejection::TooOld { .. }
        | Rejection::TooFarAhead { .. }
        | Rejection::UnknownTenant
        | Rejection::DisabledTenant
        | Rejection::Mismatch => None,
    }
}

/// The address of the key, without the part that is the source's secret.
fn key_needed(attempt: &Attempt, needed: &NeededKey) -> String {
    let address = match &attempt.source.scheme.remote_key {
        Some(RemoteKey::Jwks { url }) => url.to_string(),
        Some(RemoteKey::Certificate(_)) | None => needed.url.clone(),
    };
    let (what, reason) = match (needed.kind, needed.known_since) {
        (KeyDocument::Certificate { .. }, _) => ("certificate", ""),
        (KeyDocument::KeySet, None) => ("key set", ""),
        (KeyDocument::KeySet, Some(_)) => ("key set", "; the given key set has no key with the `kid` of this token"),
    };
    format!(
        "everything else is valid; the provider's {what} is at {address}{reason}: fetch it with --fetch-keys, or give it with \
         --key FILE"
    )
}

/// A value that must match the source's secret, and doesn't. Everything else verifies without this value, and no
/// correction of a known mistake makes it match.
fn not_agreed(attempt: &Attempt) -> Option<String> {
    let own = attempt.source.scheme.expect.iter().filter(|(_, allowed)| holds(allowed, &Reference::Secret));
    let mut wrong = own.filter(|(place, _)| attempt.with(|a| drop(a.source.scheme.expect.remove(*place))).agrees_ever());
    wrong.next().map(|(place, allowed)| {
        format!(
            "{place} must be {}: the request is for another receiver, or the secret belongs to another source",
            shown(attempt, allowed)
        )
    })
}

/// An observation for a request that nothing explains.
fn otherwise(attempt: &Attempt, rejection: &Rejection) -> Option<String> {
    match rejection {
        Rejection::MissingHeader(name) => {
            let names: Vec<&str> = attempt.delivery.headers.keys().map(http::HeaderName::as_str).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Some(format!("{name} was removed on the way, or the request isn't from this provider; its headers: {names}"))
        }
        Rejection::MissingValue(Reference::Url) => {
            Some("give the URL that is configured at the provider with --public-url".to_owned())
        }
        Rejection::MissingValue(place) => {
            Some(format!("{place} was removed on the way, or the request isn't from this provider"))
        }
        Rejection::MalformedBody => {
            Some("the body isn't JSON, or has none of the signed events: check that the request is from this provider".to_owned())
        }
        Rejection::MalformedTimestamp => Some("the unit of the signed time is unknown".to_owned()),
        Rejection::MalformedSignature => {
            let place = attempt.source.scheme.signature.places();
            Some(match attempt.source.provider.as_str() {
                OWN => format!(
                    "the value in {place} isn't a signature in the format that `signature` of the source's scheme describes: \
                     compare `encoding` and `written`"
                ),
                preset => format!(
                    "the value in {place} isn't a signature in the format that `tidings providers show {preset}` describes"
                ),
            })
        }
        Rejection::KeyNeeded(_)
        | Rejection::UnknownTenant
        | Rejection::DisabledTenant
        | Rejection::ForeignKeyAddress
        | Rejection::ForeignCertificate
        | Rejection::ExpiredCertificate
        | Rejection::HandedOut
        | Rejection::Lengthened
        | Rejection::NotCovered(_)
        | Rejection::Component { .. }
        | Rejection::NoLabel(_)
        | Rejection::ContentDigest(_)
        | Rejection::ForeignAlgorithm
        | Rejection::Unexpected(_)
        | Rejection::RepeatedHeader(_)
        | Rejection::TooManySignatures
        | Rejection::LongSignature(_)
        | Rejection::TooOld { .. }
        | Rejection::TooFarAhead { .. }
        | Rejection::Mismatch => None,
    }
}

/// The expected value, with the secret hidden.
fn shown(attempt: &Attempt, allowed: &OneOrMany<Template>) -> String {
    let one = |template: &Template| {
        let text = template.to_string();
        let url = attempt.source.public_url.as_deref().unwrap_or("the URL that is configured at the provider");
        match text.as_str() {
            "{secret}" => "the source's secret".to_owned(),
            _ => text.replace("{url}", url),
        }
    };
    allowed.0.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn holds(allowed: &OneOrMany<Template>, reference: &Reference) -> bool {
    allowed.0.iter().flat_map(Template::references).any(|r| r == reference)
}

/// Secrets that aren't valid keys: the receiver doesn't use them.
fn unusable(attempt: &Attempt) -> Vec<String> {
    let keys = attempt.secrets.iter().map(|secret| Key::prepare(&attempt.source.scheme, secret));
    keys.enumerate().filter_map(|(index, key)| Some(format!("secret {index} isn't used: {}", key.err()?))).collect()
}

/// A body whose length differs from its Content-Length.
fn shortened(attempt: &Attempt) -> Option<String> {
    let said: usize = attempt.delivery.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    let seen = attempt.delivery.body.len();
    (said != seen).then(|| format!("Content-Length is {said}, but the body has {seen} bytes: it was changed"))
}

fn unsigned_handshake(attempt: &Attempt) -> Option<String> {
    handshake::find(&attempt.source, &attempt.delivery, false)?;
    Some("it is a handshake, which this provider doesn't sign: the receiver answers it without verification".to_owned())
}
