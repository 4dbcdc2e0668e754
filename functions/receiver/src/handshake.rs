//! Answers handshakes as the preset says: computed, without any AWS call. Only a handshake secret is stored, while an
//! operator's capture window is open.

use crate::delivery::Delivery;
use crate::json;
use crate::reply::Reply;
use crate::secrets::SecretBook;
use crate::verify::{self, Key};
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tidings_config::Reference;
use tidings_config::handshake::{Answer, Confirm, Handshake};
use tidings_config::limits::{MAX_HANDSHAKE_BODY_BYTES, MAX_HANDSHAKE_SECRET_BYTES};
use tidings_config::source::{FORM, Source};
use tidings_core::ports::{Get, HttpsGet};
use zeroize::Zeroizing;

/// The handshake that this request matches, among the signed or the unsigned ones.
pub fn find<'s>(source: &'s Source, delivery: &Delivery, signed: bool) -> Option<&'s Handshake> {
    let mut of_method = source.handshakes.iter().filter(|h| h.signed == signed && h.method.as_str() == delivery.method);
    // The body's fields last: where anything else tells that it is none, nothing is parsed.
    let all = |handshake: &Handshake, of_body: bool| {
        let mut wanted = handshake.when.iter().filter(|(reference, _)| reference.json().is_some() == of_body);
        wanted.all(|(reference, wanted)| is(reference, wanted, delivery))
    };
    of_method.find(|handshake| all(handshake, false) && all(handshake, true))
}

/// The response. `Err`: the agreed token is missing or wrong, or the value to echo isn't allowed.
pub fn answer(
    handshake: &Handshake,
    source: &Source,
    delivery: &Delivery,
    keys: Option<&[Key]>,
    secrets: &SecretBook,
) -> Result<Response<Body>, Reply> {
    if let Some(place) = &handshake.verify_token {
        let agreed = secrets.verify_token(&source.name).ok_or(Reply::NoSecret)?;
        let seen = value(place, delivery).ok_or(Reply::Unauthentic)?;
        if !verify::same_token(&agreed, seen.as_bytes()) {
            return Err(Reply::Unauthentic);
        }
    }
    let give = |answer: &Answer| give(answer, source, delivery, keys);
    let reply = &handshake.reply;
    let mut response = Response::new(Body::Empty);
    if let Some(text) = &reply.text {
        *response.body_mut() = Body::Text(as_text(&give(text)?));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    } else if !reply.json.is_empty() {
        let fields: Result<serde_json::Map<String, Value>, Reply> =
            reply.json.iter().map(|(name, one)| Ok((name.clone(), give(one)?))).collect();
        *response.body_mut() = Body::Text(Value::Object(fields?).to_string());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for (name, one) in &reply.headers {
        let name: HeaderName = name.parse().map_err(|_| Reply::NotFound)?;
        let value = HeaderValue::from_str(&as_text(&give(one)?)).map_err(|_| Reply::NotFound)?;
        response.headers_mut().insert(name, value);
    }
    *response.status_mut() = reply.status.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
    Ok(response)
}

/// Fetches the address that confirms the subscription. The request was verified before.
pub async fn confirm(
    confirm: &Confirm,
    source: &Source,
    delivery: &Delivery,
    keys: Option<&[Key]>,
    https: &dyn HttpsGet,
) -> Result<(), Reply> {
    let of_ours = |url: &String| {
        let mut secrets = keys.unwrap_or_default().iter().filter_map(Key::as_text);
        secrets.any(|secret| confirm.addresses.0.iter().any(|address| address.matches(url, secret)))
    };
    let url = value(&confirm.from, delivery).filter(of_ours).ok_or(Reply::BadChallenge)?;
    https.get(&Get::public(&url)).await.map(|_| ()).map_err(|unavailable| {
        tracing::error!(source = source.name, cause = %unavailable, "the subscription could not be confirmed");
        Reply::NoSecret
    })
}

/// The handshake secret in the request.
pub fn captured(place: &Reference, delivery: &Delivery) -> Result<Zeroizing<String>, Reply> {
    let secret = value(place, delivery).map(Zeroizing::new).ok_or(Reply::BadChallenge)?;
    let fit = !secret.is_empty() && secret.len() <= MAX_HANDSHAKE_SECRET_BYTES && secret.bytes().all(|b| b.is_ascii_graphic());
    if fit { Ok(secret) } else { Err(Reply::BadChallenge) }
}

/// The body as JSON. `None` where it is none or larger than a handshake: a stranger's isn't parsed.
fn json_of(delivery: &Delivery) -> Option<&Value> {
    if delivery.body.len() > MAX_HANDSHAKE_BODY_BYTES { None } else { delivery.body.json().ok() }
}

fn is(reference: &Reference, wanted: &str, delivery: &Delivery) -> bool {
    value(reference, delivery).is_some_and(|seen| wanted == "*" || seen == wanted)
}

fn value(reference: &Reference, delivery: &Delivery) -> Option<String> {
    if let Some(name) = reference.header() {
        return Some(delivery.headers.get(name)?.to_str().ok()?.to_owned());
    }
    if let Some(name) = reference.query() {
        let raw = delivery.query_parameter(name)?;
        return Some(percent_decode_str(&raw.replace('+', " ")).decode_utf8().ok()?.into_owned());
    }
    if let Some(name) = reference.form_field() {
        return form_field(name, delivery);
    }
    if let Reference::Json(path) = reference {
        return json::scalar(path, json_of(delivery)?, &[]);
    }
    // A handshake can't refer to any other place.
    (*reference == Reference::Method).then(|| delivery.method.clone())
}

/// A form's field that occurs once. A form that exceeds a handshake has none.
fn form_field(name: &str, delivery: &Delivery) -> Option<String> {
    if delivery.body.len() > MAX_HANDSHAKE_BODY_BYTES || delivery.content_type().as_deref() != Some(FORM) {
        return None;
    }
    verify::form_field(&delivery.body, name)
}

/// A value of the reply. What comes from the request is bounded and printable.
fn give(answer: &Answer, source: &Source, delivery: &Delivery, keys: Option<&[Key]>) -> Result<Value, Reply> {
    let Some(from) = &answer.from else {
        return Ok(answer.is.clone().unwrap_or_default());
    };
    let seen = value(from, delivery).ok_or(Reply::BadChallenge)?;
    if !answer.takes_length(seen.len()) || !seen.bytes().all(|byte| answer.takes(byte)) {
        return Err(Reply::BadChallenge);
    }
    let mut text = answer.prefix.clone().unwrap_or_default();
    match answer.mac {
        Some(encoding) => {
            let key = keys.and_then(<[Key]>::first).ok_or(Reply::NoSecret)?;
            if let Some(separator) = source.scheme.key.named_by.as_ref().filter(|_| answer.key_name) {
                text.push_str(key.name().unwrap_or_default());
                text.push_str(separator);
            }
            text.push_str(&verify::mac_of(source, key, seen.as_bytes(), encoding));
        }
        None => text.push_str(&seen),
    }
    Ok(Value::from(text))
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
