//! Signing, for tests and tools: the very scheme that verifies, run the other way.

use super::message::Values;
use super::signature::{ParsedSignature, encode};
use super::{Key, Rejection, mac, timestamp};
use crate::delivery::Delivery;
use http::{HeaderName, HeaderValue};
use tidings_core::config::Reference;
use tidings_core::config::scheme::Written;
use tidings_core::config::source::Source;
use tidings_core::time::Timestamp;

/// Why a request can't be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("{0}")]
    Missing(Rejection),
    #[error("{0:?} is no header")]
    NotAHeader(String),
    #[error("only the provider can sign: it has the private key")]
    PrivateKey,
}

/// Adds the headers that this source's provider would add at `now`. Headers that the message covers, other than the
/// timestamp, must be there already.
pub fn sign(source: &Source, key: &Key, delivery: &mut Delivery, now: Timestamp) -> Result<(), SignError> {
    let scheme = &source.scheme;
    let mut fields = Vec::new();
    if let Some(spec) = &scheme.timestamp {
        let text = timestamp::write(spec.unit, now);
        match &spec.from {
            Reference::Header(name) => insert(delivery, name, &text)?,
            Reference::Signature(name) => fields.push((name.clone(), text)),
            Reference::Body
            | Reference::Url
            | Reference::Method
            | Reference::Query(_)
            | Reference::Json(_)
            | Reference::Form
            | Reference::Secret => {}
        }
    }
    let signature = ParsedSignature::of_fields(fields.clone());
    let made = match (&scheme.message, mac::Mac::new(scheme.algorithm, key)) {
        (Some(message), Some(mut mac)) => {
            let values = Values { source, delivery, signature: &signature };
            values.feed(message, Some(key), &mut |bytes| mac.update(bytes)).map_err(SignError::Missing)?;
            mac.finish()
        }
        (None, _) => key.bytes().to_vec(),
        (Some(_), None) => return Err(SignError::PrivateKey),
    };
    let text = encode(scheme.signature.encoding, &made);

    let header = match &scheme.signature.written {
        Written::Plain => text,
        Written::Prefix(prefix) => format!("{prefix}{text}"),
        Written::Fields { key, separator } => {
            fields.push((key.clone(), text));
            fields.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(separator)
        }
        Written::Tagged { tag, tag_separator, .. } => format!("{tag}{tag_separator}{text}"),
    };
    insert(delivery, &scheme.signature.header, &header)
}

fn insert(delivery: &mut Delivery, name: &str, value: &str) -> Result<(), SignError> {
    let bad = || SignError::NotAHeader(name.to_owned());
    let header: HeaderName = name.parse().map_err(|_| bad())?;
    delivery.headers.insert(header, HeaderValue::from_str(value).map_err(|_| bad())?);
    Ok(())
}
