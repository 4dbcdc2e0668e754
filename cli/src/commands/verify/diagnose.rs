//! Why a request doesn't verify: the explanation of its rejection, then common mistakes, then other observations.

use super::attempt::Attempt;
use super::{clock, events, mistakes, token};
use http::header::CONTENT_LENGTH;
use receiver::handshake;
use receiver::verify::{Key, KeyDocument, NeededKey, Rejection};
use tidings_config::scheme::RemoteKey;
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
            "none of the usual mistakes explains it: is it the right secret, and are these the very bytes that were sent?"
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
        Rejection::ForeignKeyAddress => Some(format!("the key's address must be this one, to the letter: {}", scheme.key_from())),
        Rejection::ForeignCertificate => Some(format!("another host's certificate; allowed: {}", scheme.key_from())),
        Rejection::HandedOut => {
            Some("no event of this provider is such a text: it was made of what a handshake answered to somebody".to_owned())
        }
        Rejection::Lengthened => {
            Some("anybody who has seen one request can make such a body; the provider sends text".to_owned())
        }
        Rejection::ExpiredCertificate => {
            Some("of a captured request, say with --at when it was fresh: the certificate was valid then".to_owned())
        }
        Rejection::ForeignAlgorithm => {
            let seen = token::seen(&attempt.source, &attempt.delivery).map_or("another".to_owned(), |token| token.algorithm);
            let allowed: Vec<&str> =
                scheme.jwt.iter().flat_map(|jwt| &jwt.algorithms).map(|algorithm| algorithm.as_str()).collect();
            Some(format!(
                "the token says {seen}, allowed: {}: whoever made it isn't this provider, or its settings changed",
                allowed.join(", ")
            ))
        }
        Rejection::Unexpected(place) => {
            let allowed = scheme.expect.get(place)?;
            let hint = format!("{place} must be {}", shown(attempt, allowed));
            Some(mistakes::other_url(attempt).unwrap_or(hint))
        }
        Rejection::RepeatedHeader(name) => {
            Some(format!("{name} must be there once, or it is open which one was signed: something on the way added it again"))
        }
        Rejection::TooManySignatures | Rejection::LongSignature(_) => {
            Some("no provider sends that: it was made by something else".to_owned())
        }
        Rejection::MissingHeader(_)
        | Rejection::MalformedSignature
        | Rejection::MissingValue(_)
        | Rejection::MalformedBody
        | Rejection::MalformedTimestamp
        | Rejection::TooOld { .. }
        | Rejection::TooFarAhead { .. }
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
        (KeyDocument::KeySet, Some(_)) => ("key set", ", and what was given for it holds no key of this token's `kid`"),
    };
    format!(
        "all else is right; the provider's {what} is at {address}{reason}: fetch it with --fetch-keys, or give it with --key FILE"
    )
}

/// A value that must match the source's secret, and doesn't. Everything else verifies without this value, and no
/// correction of a known mistake makes it match.
fn not_agreed(attempt: &Attempt) -> Option<String> {
    let own = attempt.source.scheme.expect.iter().filter(|(_, allowed)| holds(allowed, &Reference::Secret));
    let mut wrong = own.filter(|(place, _)| attempt.with(|a| drop(a.source.scheme.expect.remove(*place))).agrees_ever());
    wrong.next().map(|(place, allowed)| {
        format!("{place} must be {}: it is somebody else's, or the secret is another one's", shown(attempt, allowed))
    })
}

/// An observation for a request that nothing explains.
fn otherwise(attempt: &Attempt, rejection: &Rejection) -> Option<String> {
    match rejection {
        Rejection::MissingHeader(name) => {
            let names: Vec<&str> = attempt.delivery.headers.keys().map(http::HeaderName::as_str).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Some(format!(
                "{name} was lost on the way, or this isn't what the provider sends; the headers that are there: {names}"
            ))
        }
        Rejection::MissingValue(Reference::Url) => Some("say which URL the provider was given with --public-url".to_owned()),
        Rejection::MissingValue(place) => Some(format!("{place} was lost on the way, or this isn't what the provider sends")),
        Rejection::MalformedBody => {
            Some("the body is no JSON, or has none of the events that are signed: is it another provider's?".to_owned())
        }
        Rejection::MalformedTimestamp => Some("the time of signing is written in no unit that is known here".to_owned()),
        Rejection::MalformedSignature => {
            let scheme = &attempt.source.scheme;
            let expected = scheme.signature.places();
            Some(format!("what stands in {expected} isn't a signature as `providers show {}` has it", attempt.source.provider))
        }
        Rejection::KeyNeeded(_)
        | Rejection::ForeignKeyAddress
        | Rejection::ForeignCertificate
        | Rejection::ExpiredCertificate
        | Rejection::HandedOut
        | Rejection::Lengthened
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
        let url = attempt.source.public_url.as_deref().unwrap_or("the URL that the provider was given");
        match text.as_str() {
            "{secret}" => "what the source's secret says".to_owned(),
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
    keys.enumerate().filter_map(|(index, key)| Some(format!("secret {index} isn't tried: {}", key.err()?))).collect()
}

/// A body whose length differs from its Content-Length.
fn shortened(attempt: &Attempt) -> Option<String> {
    let said: usize = attempt.delivery.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    let seen = attempt.delivery.body.len();
    (said != seen)
        .then(|| format!("Content-Length says that the body has {said} bytes, and here it has {seen}: it isn't as it was sent"))
}

fn unsigned_handshake(attempt: &Attempt) -> Option<String> {
    handshake::find(&attempt.source, &attempt.delivery, false)?;
    Some("it is a handshake, which this provider doesn't sign: the receiver answers it before it verifies anything".to_owned())
}
