//! The text that a scheme signs for a request, to help people find a mistake. It never contains the secret.

use super::message::Values;
use super::parsed::ParsedSignature;
use super::url;
use super::{Rejection, http_message};
use crate::delivery::Delivery;
use tidings_config::source::Source;
use tidings_config::{Part, Reference, Template};

/// Replaces the secret if it is hashed with the message.
const SECRET: &[u8] = b"{secret}";

/// The components that the request's HTTP message signatures list, as they stand in the signed texts. Empty: there is
/// none, or none that can be read.
pub fn listed_components(source: &Source, delivery: &Delivery) -> Vec<Vec<String>> {
    let read = source.scheme.http_message.as_ref().and_then(|spec| http_message::read(spec, &delivery.headers).ok());
    let covered = read.iter().flatten().filter_map(|signature| signature.covered.as_ref());
    covered.map(|covered| covered.names().map(str::to_owned).collect()).collect()
}

/// The bytes that the source's scheme signs for this request; if events are signed one by one, for the first. `None`:
/// nothing is signed, as with a token. Errors: the value that is missing.
pub fn signed_message(source: &Source, delivery: &Delivery) -> Option<Result<Vec<u8>, Rejection>> {
    let scheme = &source.scheme;
    let message = scheme.message.as_ref()?;
    let json = if scheme.reads_json_first() { delivery.body.json().ok() } else { None };
    let first = scheme.each.as_ref().zip(json).and_then(|(each, json)| each.places(json, 1).into_iter().next());
    let (indices, url) = (first.unwrap_or_default(), url::given(source, None, delivery));
    let url = url.as_deref();
    let values = Values { source, scheme, delivery, json, indices: &indices, signature: None, token: None, url, form: None };
    let signature = ParsedSignature::all(&values).ok().and_then(|all| all.into_iter().next());
    let signature = signature.unwrap_or_else(|| ParsedSignature::of_fields(Vec::new()));
    let values = Values { signature: Some(&signature), ..values };
    let mut signed = Vec::new();
    for part in &message.0 {
        if *part == Part::Value(Reference::Secret) {
            signed.extend_from_slice(SECRET);
        } else if let Err(missing) =
            values.feed(&Template(vec![part.clone()]), None, &mut |bytes| signed.extend_from_slice(bytes))
        {
            return Some(Err(missing));
        }
    }
    Some(Ok(signed))
}
