//! Signatures in another place or in another encoding.

use super::Mended;
use crate::commands::verify::attempt::Attempt;
use http::HeaderName;
use tidings_config::scheme::{Algorithm, Encoding, Written};
use tidings_config::source::OWN;

pub(super) fn mended(attempt: &Attempt) -> impl Iterator<Item = Mended> {
    let scheme = &attempt.source.scheme;
    let encodings = [(Encoding::Hex, "hexadecimal"), (Encoding::Base64, "base64"), (Encoding::Base64url, "URL-safe base64")];
    let named = |encoding| encodings.iter().find(|(one, _)| *one == encoding).map_or("text", |(_, name)| name);
    let expected = named(scheme.signature.encoding);
    let is_token = scheme.algorithm == Algorithm::Token;
    let encoded = encodings.into_iter().filter(move |_| !is_token).map(move |(encoding, name)| {
        let hint = format!("the signature is {name}, but the scheme expects {expected}: set `signature.encoding`");
        (hint, attempt.with(|a| a.source.scheme.signature.encoding = encoding))
    });
    let bare = if let Written::Prefix(prefix) = &scheme.signature.written { Some(prefix) } else { None };
    let stands_there = |prefix: &str| {
        let text = scheme.signature.from.0.iter().find_map(|place| attempt.delivery.headers.get(place.header()?)?.to_str().ok());
        text.is_some_and(|text| text.starts_with(prefix))
    };
    let bare = bare.filter(|prefix| !stands_there(prefix)).map(|prefix| {
        let hint = format!("the signature is there without its prefix {prefix:?}: it was removed on the way");
        (hint, attempt.with(|a| a.source.scheme.signature.written = Written::Plain))
    });
    let macs = [Algorithm::HmacSha256, Algorithm::HmacSha1, Algorithm::HmacSha512, Algorithm::HmacMd5];
    let is_mac = macs.contains(&scheme.algorithm);
    let made = macs.into_iter().filter(move |_| is_mac).map(move |algorithm| {
        let hint =
            format!("the signature is made with {}, but the scheme expects {}", algorithm.as_str(), scheme.algorithm.as_str());
        (hint, attempt.with(|a| a.source.scheme.algorithm = algorithm))
    });
    renamed(attempt).chain(encoded).chain(bare).chain(prefixed(attempt)).chain(made)
}

/// The most bytes of a prefix that is looked for.
const MAX_PREFIX_BYTES: usize = 32;

/// The signature after a text that the scheme doesn't name, as in `sha256=5f…`. Of a token, which is secret as a whole,
/// only a word before a space is such a text.
fn prefixed(attempt: &Attempt) -> Vec<Mended> {
    let scheme = &attempt.source.scheme;
    let named = match &scheme.signature.written {
        Written::Plain => "none".to_owned(),
        Written::Prefix(prefix) => format!("{prefix:?}"),
        Written::Fields { .. } | Written::Positional { .. } | Written::Tagged { .. } => return Vec::new(),
    };
    let is_token = scheme.algorithm == Algorithm::Token;
    let ends = |text: &str| -> Vec<String> {
        let is_end = |(_, c): &(usize, char)| if is_token { *c == ' ' } else { matches!(c, '=' | ' ' | ':' | ',') };
        let ends = text.char_indices().filter(is_end).map(|(at, _)| at + 1);
        let prefixes = ends.filter(|end| *end <= MAX_PREFIX_BYTES && *end < text.len()).map(|end| text[..end].to_owned());
        let is_word = |prefix: &String| prefix.trim_end().chars().all(|c| c.is_ascii_alphabetic());
        prefixes.filter(|prefix| !is_token || is_word(prefix)).collect()
    };
    let seen = scheme.signature.from.0.iter().find_map(|place| attempt.delivery.headers.get(place.header()?)?.to_str().ok());
    let what_to_do = |prefix: &str| {
        if attempt.source.provider == OWN {
            format!("set `signature.written: {{ prefix: {prefix:?} }}`")
        } else {
            "the provider doesn't send it so: it was added on the way, or the request isn't from this provider".to_owned()
        }
    };
    let mended = |prefix: String| {
        let hint =
            format!("the signature has the prefix {prefix:?}, and the scheme's prefix is {named}: {}", what_to_do(&prefix));
        (hint, attempt.with(|a| a.source.scheme.signature.written = Written::Prefix(prefix)))
    };
    seen.map(ends).unwrap_or_default().into_iter().map(mended).collect()
}

/// The signature in another header.
fn renamed(attempt: &Attempt) -> impl Iterator<Item = Mended> {
    let places = &attempt.source.scheme.signature.from.0;
    let wanted: Option<HeaderName> = places.iter().find_map(|place| place.header()?.parse().ok());
    wanted.into_iter().flat_map(move |wanted| {
        attempt.delivery.headers.iter().filter(|(_, value)| value.len() > 8).map(move |(name, value)| {
            let hint = format!(
                "the signature is in the header {name}, not in {wanted}: the header was renamed on the way, or the sender uses \
                 an older scheme"
            );
            (hint, attempt.with(|a| drop(a.delivery.headers.insert(wanted.clone(), value.clone()))))
        })
    })
}
