//! The header that carries the signature, and how it is written there.

use super::Rejection;
use super::key::LENIENT;
use super::message::only;
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::GeneralPurpose;
use http::HeaderMap;
use tidings_core::config::scheme::{Encoding, Signature, Written};
use tidings_core::limits::{MAX_SIGNATURE_HEADER_BYTES, MAX_SIGNATURES};

/// A signature header, taken apart.
#[derive(Debug)]
pub(super) struct ParsedSignature {
    fields: Vec<(String, String)>,
    candidates: Vec<Vec<u8>>,
}

impl ParsedSignature {
    pub(super) fn read(spec: &Signature, headers: &HeaderMap) -> Result<Self, Rejection> {
        let name = spec.header.to_ascii_lowercase();
        let value = only(headers, &name)?.ok_or_else(|| Rejection::MissingHeader(name.clone()))?;
        if value.len() > MAX_SIGNATURE_HEADER_BYTES {
            return Err(Rejection::LongHeader(name));
        }
        let value = std::str::from_utf8(value).map_err(|_| Rejection::MalformedSignature)?;

        let mut fields = Vec::new();
        let written: Vec<&str> = match &spec.written {
            Written::Plain => vec![value],
            Written::Prefix(prefix) => value.strip_prefix(prefix.as_str()).into_iter().collect(),
            Written::Fields { key, separator } => {
                let pairs: Vec<_> = value.split(separator.as_str()).filter_map(|field| field.trim().split_once('=')).collect();
                fields.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
                pairs.into_iter().filter(|(name, _)| name == key).map(|(_, signature)| signature).collect()
            }
            Written::Tagged { tag, separator, tag_separator } => {
                let tagged = value.split(separator.as_str()).filter_map(|entry| entry.split_once(tag_separator.as_str()));
                tagged.filter(|(t, _)| t == tag).map(|(_, signature)| signature).collect()
            }
        };
        if written.len() > MAX_SIGNATURES {
            return Err(Rejection::TooManySignatures);
        }
        // One that can't be decoded can't match; another one in the list still may.
        let candidates: Vec<_> = written.iter().filter_map(|text| decode(spec.encoding, text)).collect();
        if candidates.is_empty() { Err(Rejection::MalformedSignature) } else { Ok(Self { fields, candidates }) }
    }

    /// What is known of a signature before it is made.
    pub(super) fn of_fields(fields: Vec<(String, String)>) -> Self {
        Self { fields, candidates: Vec::new() }
    }

    /// The signatures that may match.
    pub(super) fn candidates(&self) -> &[Vec<u8>] {
        &self.candidates
    }

    /// A field of a list of `key=value`: the first of that name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
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
