//! Signs a request as RFC 9421 describes, for tests and tools.

use super::super::message::Values;
use super::super::parsed::ParsedSignature;
use super::super::sign::{SignError, put};
use super::super::{Key, Rejection, mac, url};
use super::{Covered, INPUT, SIGNATURE};
use crate::delivery::Delivery;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sfv::{BareItem, InnerList, Item, Key as Name};
use sha2::{Digest, Sha256};
use tidings_config::source::Source;
use tidings_config::{CONTENT_DIGEST, HttpMessage, Reference};

/// The label, if the scheme names none.
const LABEL: &str = "sig1";

/// Adds the digest and one signature of the required components. `fields` are parameters, such as `created`.
pub(in super::super) fn sign(
    spec: &HttpMessage,
    source: &Source,
    key: &Key,
    delivery: &mut Delivery,
    mut fields: Vec<(String, String)>,
) -> Result<(), SignError> {
    let scheme = &source.scheme;
    let header = |name: &str| Reference::Header(name.to_owned());
    if spec.requires_body() {
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&delivery.body)));
        put(delivery, &header(CONTENT_DIGEST), &[], &digest)?;
    }
    fields.extend(key.name().map(|name| ("keyid".to_owned(), name.to_owned())));
    for (place, allowed) in &scheme.expect {
        if let (Reference::Signature(name), Some(template)) = (place, allowed.0.first()) {
            fields.push((name.clone(), template.to_string()));
        }
    }
    let covered = Covered::of(&list(spec, &fields)?).map_err(SignError::Missing)?;
    let params = covered.params.clone();
    let signature = ParsedSignature { fields, candidates: Vec::new(), covered: Some(covered) };
    let message = scheme.message.as_ref().ok_or(SignError::PrivateKey)?;
    let kind = scheme.algorithm.digest().ok_or(SignError::PrivateKey)?;
    let url = url::given(source, None, delivery);
    let (signed, url) = (Some(&signature), url.as_deref());
    let values = Values { source, scheme, delivery, json: None, indices: &[], signature: signed, token: None, url, form: None };
    let mut made = mac::Mac::new(kind, key);
    values.feed(message, Some(key), &mut |bytes| made.update(bytes)).map_err(SignError::Missing)?;
    let label = spec.label.as_deref().unwrap_or(LABEL);
    let made = format!("{label}=:{}:", STANDARD.encode(made.finish()));
    put(delivery, &header(INPUT), &[], &format!("{label}={params}"))?;
    put(delivery, &header(SIGNATURE), &[], &made)
}

fn list(spec: &HttpMessage, fields: &[(String, String)]) -> Result<InnerList, SignError> {
    let malformed = || SignError::Missing(Rejection::MalformedSignature);
    let text = |text: &str| sfv::String::from_string(text.to_owned()).map(BareItem::String).map_err(|_| malformed());
    let mut list = InnerList::new(Vec::new());
    for component in &spec.components {
        list.items.push(Item::new(text(&component.to_string())?));
    }
    for (name, value) in fields {
        let value = match name.as_str() {
            "created" | "expires" => {
                let seconds: i64 = value.parse().map_err(|_| malformed())?;
                BareItem::Integer(seconds.try_into().map_err(|_| malformed())?)
            }
            _ => text(value)?,
        };
        list.params.insert(Name::from_string(name.clone()).map_err(|_| malformed())?, value);
    }
    Ok(list)
}
