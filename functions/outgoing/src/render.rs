//! Fills the places of a request.

use crate::api::Api;
use crate::host::{self, HostError};
use crate::limits::MAX_HEADER_BYTES;
use crate::place::Place;
use crate::request::{Auth, Request};
use crate::sigv4::{self, AwsIdentity};
use crate::template::{Part, Shape, Template};
use crate::values::Values;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::fmt;
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

/// A request with its values.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    pub method: &'static str,
    /// Its host is one of the channel's.
    pub url: String,
    pub headers: Vec<(String, Zeroizing<String>)>,
    pub body: Vec<u8>,
}

/// Its `Debug` shows only the method: the address may contain a secret.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Why an action can't become a request. A retry doesn't help, except for what is missing of the sender's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrenderable {
    #[error("no request of this channel fits the action: it lacks what the channel's fields need, as data.text")]
    NoRequest,
    #[error("{0} has no value, and the request needs it")]
    Missing(Place),
    #[error("{0} is a list or an object, where a text is needed")]
    NotText(Place),
    #[error("a value of the header {0} contains a line break or another character that a header can't contain, or is too long")]
    Header(String),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("the request has {bytes} bytes, allowed: {allowed}")]
    TooLarge { bytes: usize, allowed: usize },
    /// The function has no credentials, or they can't sign.
    #[error("the request can't be signed with the function's role: {0}")]
    Unsigned(String),
}

impl Unrenderable {
    /// Whether it may render later: only the function's credentials are missing.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unsigned(_) => true,
            Self::NoRequest | Self::Missing(_) | Self::NotText(_) | Self::Header(_) | Self::Host(_) | Self::TooLarge { .. } => {
                false
            }
        }
    }
}

/// All but letters, digits, `-`, `.`, `_` and `~`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// In a path a colon may stand as well: it ends nothing there.
const SEGMENT: &AsciiSet = &UNRESERVED.remove(b':');

/// The request of an action or an event: the file's first whose `when` matches. `aws` signs it, if the API is AWS's.
pub fn render<'c>(
    api: Api<'c>,
    values: &Values<'_>,
    aws: Option<&AwsIdentity>,
    now: Timestamp,
) -> Result<(&'c Request, Rendered), Unrenderable> {
    let request = api.requests.iter().find(|request| request.when.matches(values)).ok_or(Unrenderable::NoRequest)?;
    let key = api.idempotency.filter(|_| request.idempotency);
    let mut url = url(&request.url, values)?;
    if let Some((name, value)) = key.and_then(|key| key.query(values.id)) {
        let mark = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!("{mark}{name}={value}"));
    }
    host::check(&url, &api.hosts_of(values)?)?;
    let mut headers = headers(request, values)?;
    if let Some((name, value)) = key.and_then(|key| key.header(values.id)) {
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        headers.push((name, Zeroizing::new(value)));
    }
    let body = body(request, key.and_then(|key| key.field(values.id)), values, &mut headers)?;
    if body.len() > api.bytes {
        return Err(Unrenderable::TooLarge { bytes: body.len(), allowed: api.bytes });
    }
    let mut rendered = Rendered { method: request.method.as_str(), url, headers, body };
    if let Some(Auth { sigv4: Some(service), region, .. }) = &request.auth {
        let aws = aws.ok_or_else(|| Unrenderable::Unsigned("it has no credentials".to_owned()))?;
        let region = region.as_ref().map_or(Ok(None), |region| text(region, values))?;
        let region = region.as_ref().map_or(aws.region.as_str(), |region| region.as_str());
        sigv4::sign(&mut rendered, service, region, aws, now)?;
    }
    Ok((request, rendered))
}

fn headers(request: &Request, values: &Values<'_>) -> Result<Vec<(String, Zeroizing<String>)>, Unrenderable> {
    let mut headers = Vec::new();
    for (name, template) in &request.headers {
        let Some(value) = text(template, values)? else { continue };
        let is_plain = value.len() <= MAX_HEADER_BYTES && value.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !is_plain {
            return Err(Unrenderable::Header(name.clone()));
        }
        headers.push((name.clone(), value));
    }
    if let Some(Auth { basic: Some([user, password]), .. }) = &request.auth {
        let part = |template| text(template, values).map(|text| text.unwrap_or_default());
        let both = Zeroizing::new(format!("{}:{}", *part(user)?, *part(password)?));
        headers.push(("authorization".to_owned(), Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes())))));
    }
    Ok(headers)
}

/// The body, and its content type among the headers.
fn body(
    request: &Request,
    key: Option<(String, String)>,
    values: &Values<'_>,
    headers: &mut Vec<(String, Zeroizing<String>)>,
) -> Result<Vec<u8>, Unrenderable> {
    let (content_type, body) = match (&request.json, &request.form) {
        (Some(shape), _) => {
            let mut json = json(shape, values)?.unwrap_or_else(|| Value::Object(Map::new()));
            if let (Some((name, value)), Value::Object(fields)) = (key, &mut json) {
                fields.insert(name, Value::String(value));
            }
            ("application/json; charset=utf-8", json.to_string().into_bytes())
        }
        (None, Some(form)) => {
            let mut body = form_urlencoded::Serializer::new(String::new());
            for (name, template) in form {
                if let Some(value) = text(template, values)? {
                    body.append_pair(name, &value);
                }
            }
            if let Some((name, value)) = key {
                body.append_pair(&name, &value);
            }
            ("application/x-www-form-urlencoded", body.finish().into_bytes())
        }
        (None, None) => return Ok(Vec::new()),
    };
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".to_owned(), Zeroizing::new(content_type.to_owned())));
    }
    Ok(body)
}

/// A value with its JSON type. `None`: it is left out.
pub(crate) fn json(shape: &Shape, values: &Values<'_>) -> Result<Option<Value>, Unrenderable> {
    Ok(match shape {
        Shape::Constant(value) => Some(value.clone()),
        Shape::Text(template) => match template.0.as_slice() {
            [Part::Value { place, optional }] => match values.get(place) {
                Some(value) => Some(value.into_owned()),
                None if *optional => None,
                None => return Err(Unrenderable::Missing(place.clone())),
            },
            _ => text(template, values)?.map(|text| Value::String(text.to_string())),
        },
        Shape::List(list) => {
            let values: Vec<Value> = list.iter().filter_map(|shape| json(shape, values).transpose()).collect::<Result<_, _>>()?;
            (list.is_empty() || !values.is_empty()).then_some(Value::Array(values))
        }
        Shape::Object(fields) => {
            let mut object = Map::new();
            for (name, shape) in fields {
                if let Some(value) = json(shape, values)? {
                    object.insert(name.clone(), value);
                }
            }
            (fields.is_empty() || !object.is_empty()).then_some(Value::Object(object))
        }
    })
}

/// A text. `None`: it is left out, since an optional place in it has no value.
pub(crate) fn text(template: &Template, values: &Values<'_>) -> Result<Option<Zeroizing<String>>, Unrenderable> {
    let mut text = Zeroizing::new(String::new());
    for part in &template.0 {
        match part {
            Part::Words(words) => text.push_str(words),
            Part::Value { place, optional } => match values.get(place) {
                Some(value) => text.push_str(&word(&value)),
                None if *optional => return Ok(None),
                None => return Err(Unrenderable::Missing(place.clone())),
            },
        }
    }
    Ok(Some(text))
}

/// A value as a text. A list or an object is its JSON.
fn word(value: &Value) -> Zeroizing<String> {
    match value {
        Value::String(text) => Zeroizing::new(text.clone()),
        Value::Null => Zeroizing::default(),
        Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Zeroizing::new(value.to_string()),
    }
}

/// An address. A value at its very beginning is an address of its own, and is checked like one; a value in the host has only
/// letters of a host; any other is percent-encoded, so that it stays in its segment.
pub(crate) fn url(template: &Template, values: &Values<'_>) -> Result<String, Unrenderable> {
    let mut url = String::new();
    for part in &template.0 {
        let place = match part {
            Part::Words(words) => {
                url.push_str(words);
                continue;
            }
            Part::Value { place, .. } => place,
        };
        let value = values.get(place).ok_or_else(|| Unrenderable::Missing(place.clone()))?;
        if value.is_array() || value.is_object() {
            return Err(Unrenderable::NotText(place.clone()));
        }
        let value = word(&value);
        let behind_host = url.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
        if url.is_empty() {
            // Behind a base nothing may be a query or a fragment that it began.
            let is_base = template.0.len() > 1;
            if is_base && value.contains(['?', '#']) {
                return Err(HostError::Path.into());
            }
            url.push_str(if is_base { value.strip_suffix('/').unwrap_or(&value) } else { &value });
        } else if !behind_host {
            if value.is_empty() || !value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                return Err(HostError::NoHost.into());
            }
            url.push_str(&value);
        } else if value.is_empty() && !url.contains('?') {
            return Err(Unrenderable::Missing(place.clone()));
        } else {
            let set = if url.contains('?') { UNRESERVED } else { SEGMENT };
            url.extend(utf8_percent_encode(&value, set));
        }
    }
    Ok(url)
}
