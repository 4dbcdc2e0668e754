//! Finds and parses the signature.

use super::header::only;
use super::key::LENIENT;
use super::message::Values;
use super::parsed::ParsedSignature;
use super::{Rejection, http_message};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::GeneralPurpose;
use tidings_config::Reference;
use tidings_config::limits::{MAX_SIGNATURE_HEADER_BYTES, MAX_SIGNATURES};
use tidings_config::scheme::{Encoding, Signature, Written};

impl ParsedSignature {
    /// Each signature that may be tried for itself, at least one. Only HTTP message signatures are more than one: each
    /// of them has a signed text of its own.
    pub(super) fn all(values: &Values<'_>) -> Result<Vec<Self>, Rejection> {
        match &values.scheme.http_message {
            Some(spec) => http_message::read(spec, &values.delivery.headers),
            None => Ok(vec![Self::read(&values.scheme.signature, values)?]),
        }
    }

    fn read(spec: &Signature, values: &Values<'_>) -> Result<Self, Rejection> {
        let mut fields = Vec::new();
        let mut written: Vec<String> = Vec::new();
        for text in texts(spec, values)? {
            written.extend(split(&spec.written, &text, &mut fields).into_iter().map(str::to_owned));
        }
        if written.len() > MAX_SIGNATURES {
            return Err(Rejection::TooManySignatures);
        }
        // A signature that can't be decoded can't match; others in the list may.
        let candidates: Vec<_> = written.iter().filter_map(|text| decode(spec.encoding, text)).collect();
        if candidates.is_empty() { Err(Rejection::MalformedSignature) } else { Ok(Self { fields, candidates, covered: None }) }
    }
}

/// The texts of the places with a signature. At least one place must have one.
fn texts(spec: &Signature, values: &Values<'_>) -> Result<Vec<String>, Rejection> {
    let mut texts = Vec::new();
    for place in &spec.from.0 {
        // A missing header is reported by name, which people look for.
        if let Some(name) = place.header() {
            let Some(value) = only(&values.delivery.headers, name)? else { continue };
            texts.push(std::str::from_utf8(value).map_err(|_| Rejection::MalformedSignature)?.to_owned());
        } else if *place == Reference::Body {
            texts.push(values.text(place)?);
            continue;
        } else if let Ok(text) = values.text(place) {
            texts.push(text);
        } else {
            continue;
        }
        if texts.last().is_some_and(|text| text.len() > MAX_SIGNATURE_HEADER_BYTES) {
            return Err(Rejection::LongSignature(place.clone()));
        }
    }
    match (texts.is_empty(), spec.from.0.first()) {
        (true, Some(Reference::Header(name))) => Err(Rejection::MissingHeader(name.clone())),
        (true, Some(place)) => Err(Rejection::MissingValue(place.clone())),
        (true, None) => Err(Rejection::MalformedSignature),
        (false, _) => Ok(texts),
    }
}

/// The signatures in one text, as written, and the fields beside them.
fn split<'t>(written: &Written, text: &'t str, fields: &mut Vec<(String, String)>) -> Vec<&'t str> {
    match written {
        Written::Plain => vec![text],
        Written::Prefix(prefix) => {
            let (head, rest) = text.split_at_checked(prefix.len()).unwrap_or_default();
            head.eq_ignore_ascii_case(prefix).then_some(rest).into_iter().collect()
        }
        Written::Fields { key, separator } => {
            let pairs: Vec<_> = text.split(separator.as_str()).filter_map(|field| field.trim().split_once('=')).collect();
            fields.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            pairs.into_iter().filter(|(name, _)| name == key).map(|(_, signature)| signature).collect()
        }
        Written::Positional { skip, separator } => {
            let parts: Vec<&str> = text.split(separator.as_str()).map(str::trim).collect();
            let (before, signatures) = parts.split_at(parts.len().min(*skip));
            fields.extend(before.iter().enumerate().map(|(n, value)| (n.to_string(), (*value).to_owned())));
            signatures.to_vec()
        }
        Written::Tagged { tag, separator, tag_separator } => {
            let tagged = text.split(separator.as_str()).filter_map(|entry| entry.split_once(tag_separator.as_str()));
            tagged.filter(|(t, _)| tag == "*" || t == tag).map(|(_, signature)| signature).collect()
        }
    }
}

fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    let bytes = match encoding {
        Encoding::Text => Some(text.as_bytes().to_vec()),
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => GeneralPurpose::new(&STANDARD, LENIENT).decode(text).ok(),
        Encoding::Base64url => GeneralPurpose::new(&URL_SAFE, LENIENT).decode(text).ok(),
    };
    bytes.filter(|b| !b.is_empty())
}

pub(super) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Text => String::from_utf8_lossy(bytes).into_owned(),
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => base64::engine::general_purpose::STANDARD.encode(bytes),
        Encoding::Base64url => base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes),
    }
}
