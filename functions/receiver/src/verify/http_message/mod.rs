//! HTTP message signatures (RFC 9421): which of a request's signatures may prove it, and the text that each signs.
//!
//! Promises: a signature that doesn't cover a required component is refused before any hashing; a component is signed
//! as the receiver knows it, so the address is the registered one and never a header's; a form of a component that
//! could be read in two ways is refused. Structured fields are parsed and serialized by the `sfv` crate.

mod component;
mod digest;
mod field;
mod sign;

pub use component::ComponentFault;
pub use digest::DigestFault;
pub(super) use digest::check as check_digest;
pub(super) use sign::sign;

use super::Rejection;
use super::parsed::ParsedSignature;
use crate::delivery::Delivery;
use component::{Form, Identifier};
use http::HeaderMap;
use sfv::{BareItem, Dictionary, FieldType, InnerList, ListEntry, Parser};
use tidings_config::http_message::PARAMETERS;
use tidings_config::limits::{JWT_LEEWAY, MAX_COMPONENTS, MAX_SIGNATURE_BASE_BYTES, MAX_SIGNATURE_HEADER_BYTES, MAX_SIGNATURES};
use tidings_config::scheme::Scheme;
use tidings_config::time::Timestamp;
use tidings_config::{CONTENT_DIGEST, Component, HttpMessage, Reference};

const INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";

/// The components that a signature covers, and its parameters.
#[derive(Debug)]
pub(super) struct Covered {
    components: Vec<Identifier>,
    /// The value of `@signature-params`.
    params: String,
}

/// The request's signatures that may be tried, at least one. Errors: why the first of them can't be.
pub(super) fn read(spec: &HttpMessage, headers: &HeaderMap) -> Result<Vec<ParsedSignature>, Rejection> {
    let inputs = dictionary(headers, INPUT)?;
    let signatures = dictionary(headers, SIGNATURE)?;
    if inputs.len() > MAX_SIGNATURES || signatures.len() > MAX_SIGNATURES {
        return Err(Rejection::TooManySignatures);
    }
    let (mut read, mut refused) = (Vec::new(), None);
    for (label, input) in &inputs {
        if spec.label.as_ref().is_some_and(|wanted| wanted != label.as_str()) {
            continue;
        }
        match one(input, signatures.get(label)) {
            Ok(signature) => read.push(signature),
            // A signature that can't be read can't match; others may.
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    match (read.is_empty(), refused, &spec.label) {
        (false, _, _) => Ok(read),
        (true, Some(why), _) => Err(why),
        (true, None, Some(label)) => Err(Rejection::NoLabel(label.clone())),
        (true, None, None) => Err(Rejection::MalformedSignature),
    }
}

fn one(input: &ListEntry, signature: Option<&ListEntry>) -> Result<ParsedSignature, Rejection> {
    let malformed = || Rejection::MalformedSignature;
    let (ListEntry::InnerList(list), Some(ListEntry::Item(signature))) = (input, signature) else { return Err(malformed()) };
    let bytes = signature.bare_item.as_byte_sequence().filter(|bytes| !bytes.is_empty()).ok_or_else(malformed)?;
    let mut fields = Vec::new();
    for name in PARAMETERS {
        let Some(value) = list.params.get(name) else { continue };
        let text = match name {
            "created" | "expires" => value.as_integer().map(|seconds| i64::from(seconds).to_string()),
            _ => value.as_string().map(|text| text.as_str().to_owned()),
        };
        fields.push((name.to_owned(), text.ok_or_else(malformed)?));
    }
    Ok(ParsedSignature { fields, candidates: vec![bytes.to_vec()], covered: Some(Covered::of(list)?) })
}

impl Covered {
    fn of(list: &InnerList) -> Result<Self, Rejection> {
        if list.items.len() > MAX_COMPONENTS {
            return Err(Rejection::TooManySignatures);
        }
        let components = list.items.iter().map(Identifier::read).collect::<Result<Vec<_>, _>>()?;
        let repeated = components.iter().enumerate().find(|(n, one)| components[..*n].iter().any(|before| before.is(one)));
        if let Some((_, one)) = repeated {
            return Err(one.fault(ComponentFault::Repeated));
        }
        let params = vec![ListEntry::InnerList(list.clone())].serialize().ok_or(Rejection::MalformedSignature)?;
        Ok(Self { components, params })
    }

    /// Whether the whole value of this component is signed. One member of a field (`key`) isn't its whole value.
    fn holds(&self, required: &Component) -> bool {
        self.components.iter().any(|one| {
            one.component.as_ref().is_some_and(|component| match component {
                // Two spellings of one field have the same strict form, and only a digest is read by its meaning.
                Component::Field(name) => {
                    let whole = match one.form {
                        Form::Raw | Form::Bytes => true,
                        Form::Strict => name == CONTENT_DIGEST,
                        Form::Member(_) => false,
                    };
                    whole && component == required
                }
                Component::Method
                | Component::TargetUri
                | Component::Authority
                | Component::Scheme
                | Component::RequestTarget
                | Component::Path
                | Component::Query => component.contains(required),
            })
        })
    }

    /// The components as they stand in the signed text.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.components.iter().map(|one| one.text.as_str())
    }

    /// Whether the body's digests are signed.
    pub(super) fn holds_digest(&self) -> bool {
        self.holds(&Component::Field(CONTENT_DIGEST.to_owned()))
    }
}

/// Checks what doesn't depend on a key: the algorithm, the end of its validity, and the coverage.
pub(super) fn check(
    spec: &HttpMessage,
    scheme: &Scheme,
    signature: &ParsedSignature,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<(), Rejection> {
    let covered = signature.covered.as_ref().ok_or(Rejection::MalformedSignature)?;
    if signature.field("alg").is_some_and(|alg| Some(alg) != scheme.algorithm.http_name()) {
        return Err(Rejection::ForeignAlgorithm);
    }
    if let Some(expires) = signature.field("expires") {
        let expires = expires.parse().ok().and_then(Timestamp::from_unix_s).ok_or(Rejection::MalformedTimestamp)?;
        if now > expires.plus(JWT_LEEWAY) {
            return Err(Rejection::TooOld { age_seconds: now.since(expires).as_secs(), tolerance_seconds: JWT_LEEWAY.as_secs() });
        }
    }
    for required in &spec.components {
        if !covered.holds(required) {
            return Err(Rejection::NotCovered(required.clone()));
        }
        // Two lines with `a` and `b` are signed as one with `a, b`. What an event is read from has one spelling.
        if let Component::Field(name) = required
            && name != CONTENT_DIGEST
        {
            field::expect_one_line(&delivery.headers, name)?;
        }
    }
    Ok(())
}

/// Passes the signature base (RFC 9421, 2.5) to `sink`.
pub(super) fn feed(
    covered: Option<&Covered>,
    url: Option<&str>,
    delivery: &Delivery,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), Rejection> {
    let covered = covered.ok_or(Rejection::MalformedSignature)?;
    let mut bytes = covered.params.len();
    for component in &covered.components {
        let value = component.value(url, delivery)?;
        bytes += component.text.len() + value.len();
        if bytes > MAX_SIGNATURE_BASE_BYTES {
            return Err(component.fault(ComponentFault::TooLong));
        }
        for piece in [component.text.as_str(), ": ", &value, "\n"] {
            sink(piece.as_bytes());
        }
    }
    sink(b"\"@signature-params\": ");
    sink(covered.params.as_bytes());
    Ok(())
}

/// A header that is a dictionary (RFC 9651). Its lines are one list.
fn dictionary(headers: &HeaderMap, name: &str) -> Result<Dictionary, Rejection> {
    let mut lines = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).peekable();
    if lines.peek().is_none() {
        return Err(Rejection::MissingHeader(name.to_owned()));
    }
    let all = lines.collect::<Vec<_>>().join(&b", "[..]);
    if all.len() > MAX_SIGNATURE_HEADER_BYTES {
        return Err(Rejection::LongSignature(Reference::Header(name.to_owned())));
    }
    Parser::new(&all).parse().map_err(|_| Rejection::MalformedSignature)
}

/// A member that is bytes.
fn bytes_of(entry: &ListEntry) -> Option<&[u8]> {
    match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::ByteSequence(bytes) => Some(bytes),
            BareItem::Decimal(_)
            | BareItem::Integer(_)
            | BareItem::String(_)
            | BareItem::Boolean(_)
            | BareItem::Token(_)
            | BareItem::Date(_)
            | BareItem::DisplayString(_) => None,
        },
        ListEntry::InnerList(_) => None,
    }
}
