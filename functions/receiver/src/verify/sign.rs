//! Signs requests, for tests and tools, with the same scheme that verifies them.

use super::message::Values;
use super::parsed::ParsedSignature;
use super::signature::encode;
use super::{Key, Rejection, http_message, mac, timestamp, url};
use crate::delivery::Delivery;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tidings_config::limits::{JWT_LEEWAY, MAX_EVENTS_PER_DELIVERY};
use tidings_config::scheme::{Digest as DigestKind, Family, Jwt, JwtAlgorithm, Scheme, Written};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_config::{JsonPath, Reference, Step};

/// Characters that are invalid in a query or would end the parameter.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'&');

/// How long a token made here is valid.
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// Why a request can't be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("{0}")]
    Missing(Rejection),
    #[error("{0:?} is not a header")]
    NotAHeader(String),
    #[error("only the provider can sign: it keeps the private key")]
    PrivateKey,
    #[error("the body is not JSON, so the signature can't be put into it")]
    NotJson,
    #[error("a signature can't be put into {0}")]
    NoPlace(Reference),
}

/// Whether the source's secret is enough to sign. It isn't if the secret is a public key or the key is fetched.
pub fn can_sign(scheme: &Scheme) -> bool {
    let shared = match scheme.algorithm.family() {
        Family::Digest(_) | Family::Secret => true,
        Family::PublicKey(_) => false,
        Family::Jwt => scheme.jwt.as_ref().and_then(|jwt| jwt.algorithms.first()).is_some_and(|first| !first.is_asymmetric()),
    };
    shared && scheme.remote_key.is_none()
}

/// How long a signature made here verifies. `None`: without limit.
pub fn fresh_for(scheme: &Scheme) -> Option<Duration> {
    let token = scheme.jwt.as_ref().map(|_| TOKEN_LIFETIME + JWT_LEEWAY);
    scheme.timestamp.as_ref().map(|timestamp| Duration::from_secs(timestamp.tolerance_seconds)).or(token)
}

/// Adds what this source's provider would add at `now`: headers, query parameters, fields of the body. Signed headers
/// other than the timestamp must exist already. With several schemes, the first that fits the request is used.
pub fn sign(source: &Source, key: &Key, delivery: &mut Delivery, now: Timestamp) -> Result<(), SignError> {
    let mut first = Ok(());
    for scheme in source.schemes() {
        let one = Source { scheme: scheme.clone(), also: Vec::new(), ..source.clone() };
        let mut signed = delivery.clone();
        match sign_by(&one, key, &mut signed, now) {
            Ok(()) => {
                *delivery = signed;
                return Ok(());
            }
            Err(why) => first = first.and(Err(why)),
        }
    }
    first
}

fn sign_by(source: &Source, key: &Key, delivery: &mut Delivery, now: Timestamp) -> Result<(), SignError> {
    let scheme = &source.scheme;
    if !can_sign(scheme) {
        return Err(SignError::PrivateKey);
    }
    let mut fields = Vec::new();
    let mut claims = Map::new();
    if let Some(spec) = &scheme.timestamp {
        let text = timestamp::write(spec.unit, now);
        if let Reference::Signature(name) = &spec.from {
            fields.push((name.clone(), text));
        } else if spec.from.claim().is_none() {
            put(delivery, &spec.from, &[], &text)?;
        }
    }
    if let Some(place) = &scheme.body_sha256 {
        let hash = hex::encode(Sha256::digest(&delivery.body));
        match place.claim() {
            Some(claim) => drop(claims.insert(claim.to_owned(), Value::from(hash))),
            None => put(delivery, place, &[], &hash)?,
        }
    }
    if let Some(jwt) = &scheme.jwt {
        if jwt.is_event
            && let Value::Object(event) = body(delivery)?
        {
            claims.extend(event);
        }
        let token = token(jwt, claims, source, key, delivery, now)?;
        return write(scheme, key, delivery, &[], &fields, &token);
    }
    if let Some(spec) = &scheme.http_message {
        return http_message::sign(spec, source, key, delivery, fields);
    }
    let items = match &scheme.each {
        Some(each) => each.places(&body(delivery)?, MAX_EVENTS_PER_DELIVERY),
        None => vec![Vec::new()],
    };
    for indices in &items {
        let made = made(source, key, delivery, indices, &fields)?;
        let text = encode(scheme.signature.encoding, &made);
        write(scheme, key, delivery, indices, &fields, &text)?;
    }
    Ok(())
}

/// The signature's bytes.
fn made(
    source: &Source,
    key: &Key,
    delivery: &Delivery,
    indices: &[usize],
    fields: &[(String, String)],
) -> Result<Vec<u8>, SignError> {
    let scheme = &source.scheme;
    let Some(message) = &scheme.message else {
        return Ok(key.bytes().to_vec());
    };
    let kind = scheme.algorithm.digest().ok_or(SignError::PrivateKey)?;
    let json = if scheme.reads_json_first() { Some(body(delivery)?) } else { None };
    let signature = ParsedSignature::of_fields(fields.to_vec());
    let url = url::given(source, None, delivery);
    let (signature, url) = (Some(&signature), url.as_deref());
    let values = Values { source, scheme, delivery, json: json.as_ref(), indices, signature, token: None, url, form: None };
    let mut mac = mac::Mac::new(kind, key);
    values.feed(message, Some(key), &mut |bytes| mac.update(bytes)).map_err(SignError::Missing)?;
    Ok(mac.finish())
}

/// A token with the claims that the scheme requires.
fn token(
    jwt: &Jwt,
    mut claims: Map<String, Value>,
    source: &Source,
    key: &Key,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<String, SignError> {
    let algorithm = jwt.algorithms.first().copied().ok_or(SignError::PrivateKey)?;
    let kind = match algorithm {
        JwtAlgorithm::Hs256 => DigestKind::HmacSha256,
        JwtAlgorithm::Hs384 => DigestKind::HmacSha384,
        JwtAlgorithm::Hs512 => DigestKind::HmacSha512,
        JwtAlgorithm::Rs256 | JwtAlgorithm::Es256 => return Err(SignError::PrivateKey),
    };
    let (scheme, url) = (&source.scheme, url::given(source, None, delivery));
    let url = url.as_deref();
    let values = Values { source, scheme, delivery, json: None, indices: &[], signature: None, token: None, url, form: None };
    claims.insert("iat".to_owned(), json!(now.unix_s()));
    claims.insert("nbf".to_owned(), json!(now.unix_s()));
    claims.insert("exp".to_owned(), json!(now.plus(TOKEN_LIFETIME).unix_s()));
    if let Some(claim) = source.scheme.url_sha256.as_ref().and_then(Reference::claim) {
        let url = values.text(&Reference::Url).map_err(SignError::Missing)?;
        claims.insert(claim.to_owned(), Value::from(hex::encode(Sha256::digest(url))));
    }
    for (place, allowed) in &source.scheme.expect {
        if let (Some(claim), Some(template)) = (place.claim(), allowed.0.first()) {
            let value = values.filled(template, key).map_err(SignError::Missing)?;
            claims.insert(claim.to_owned(), Value::from(String::from_utf8_lossy(&value).into_owned()));
        }
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": algorithm.as_str(), "typ": "JWT" });
    let signed = format!("{}.{}", part(&header), part(&Value::Object(claims)));
    let signature = URL_SAFE_NO_PAD.encode(mac::of(kind, key, signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// Writes the signature as the provider writes it.
fn write(
    scheme: &Scheme,
    key: &Key,
    delivery: &mut Delivery,
    indices: &[usize],
    fields: &[(String, String)],
    signature: &str,
) -> Result<(), SignError> {
    let text = match &scheme.signature.written {
        Written::Plain => signature.to_owned(),
        Written::Prefix(prefix) => format!("{prefix}{signature}"),
        Written::Fields { key, separator } => {
            let all = fields.iter().map(|(name, value)| format!("{name}={value}")).chain([format!("{key}={signature}")]);
            all.collect::<Vec<_>>().join(separator)
        }
        Written::Positional { separator, .. } => {
            let all = fields.iter().map(|(_, value)| value.as_str()).chain([signature]);
            all.collect::<Vec<_>>().join(separator)
        }
        Written::Tagged { tag, tag_separator, .. } => {
            // If any tag is allowed, the key's name is used.
            let tag = if tag == "*" { key.name().unwrap_or(tag) } else { tag };
            format!("{tag}{tag_separator}{signature}")
        }
    };
    let place = scheme.signature.from.0.first().ok_or(SignError::PrivateKey)?;
    put(delivery, place, indices, &text)
}

/// Writes a value to a place where the scheme reads it.
/// Errors: the request can't have it there.
pub fn put(delivery: &mut Delivery, place: &Reference, indices: &[usize], value: &str) -> Result<(), SignError> {
    if let Some(name) = place.header() {
        let bad = || SignError::NotAHeader(name.to_owned());
        let header: HeaderName = name.parse().map_err(|_| bad())?;
        delivery.headers.insert(header, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?);
    } else if let Some(name) = place.query() {
        let others = delivery.query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&format!("{name}=")));
        let own = format!("{name}={}", utf8_percent_encode(value, NOT_IN_A_QUERY));
        delivery.query = others.chain([own.as_str()]).collect::<Vec<_>>().join("&");
    } else if let Some(name) = place.form_field() {
        let others: Vec<(String, String)> = form_urlencoded::parse(&delivery.body)
            .filter(|(field, _)| field != name)
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        let mut form = form_urlencoded::Serializer::new(String::new());
        delivery.body = form.extend_pairs(others).append_pair(name, value).finish().into();
    } else if let Reference::Json(path) = place {
        let mut body = body(delivery)?;
        *place_of(path, &mut body, indices).ok_or(SignError::NotJson)? = Value::from(value);
        delivery.body = body.to_string().into();
    } else if *place == Reference::Body {
        delivery.body = value.to_owned().into();
    } else {
        return Err(SignError::NoPlace(place.clone()));
    }
    Ok(())
}

fn body(delivery: &Delivery) -> Result<Value, SignError> {
    delivery.body.json().cloned().map_err(|_| SignError::NotJson)
}

/// The value at a path. It is created if it doesn't exist.
fn place_of<'v>(path: &JsonPath, root: &'v mut Value, indices: &[usize]) -> Option<&'v mut Value> {
    let mut indices = indices.iter();
    path.0.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(key.clone()).or_insert(Value::Null))
        }
        Step::Index(index) => value.get_mut(*index),
        Step::Each => value.get_mut(*indices.next()?),
    })
}
