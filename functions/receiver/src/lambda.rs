//! Converts API Gateway's event to a request, and a reply to its response.
//!
//! Promises: any text in the query, the path, a header or the method gets a response, which is never 5xx. This code
//! doesn't panic. The runtime's own conversion, which does, isn't used.

use crate::Receiver;
use crate::caller::{Caller, SourceIp};
use crate::delivery::AsSent;
use crate::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use lambda_http::{Body, Context, LambdaEvent, Request, RequestExt, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The used fields of the HTTP API's payload, version 2.0. `null` and a missing field are equal.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Incoming {
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    headers: Option<BTreeMap<String, Option<String>>>,
    request_context: Option<RequestContext>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RequestContext {
    http: Option<Http>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Http {
    method: Option<String>,
    source_ip: SourceIp,
}

/// The response, in the same version.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outgoing {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

/// The event can't be an HTTP request.
#[derive(Debug, PartialEq, Eq)]
struct NotHttp;

/// Answers one event. `main.rs` calls it.
pub async fn answer(receiver: &Receiver, event: LambdaEvent<Incoming>) -> Outgoing {
    let response = match event.payload.into_request(event.context) {
        Ok(request) => receiver.handle(request).await,
        Err(NotHttp) => receiver.refuse(Reply::BadRequest),
    };
    Outgoing::of(response)
}

impl Incoming {
    /// Path and query stay texts: a URI can't represent every received text.
    fn into_request(self, context: Context) -> Result<Request, NotHttp> {
        let Http { method, source_ip } = self.request_context.and_then(|context| context.http).unwrap_or_default();
        let method = method.unwrap_or_default();
        let body = match (self.body, self.is_base64_encoded.unwrap_or_default()) {
            (None, _) => Body::Empty,
            (Some(text), false) => Body::Text(text),
            (Some(text), true) => Body::Binary(STANDARD.decode(text).map_err(|_| NotHttp)?),
        };
        let mut request = Request::new(body);
        *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| NotHttp)?;
        *request.headers_mut() = headers(self.headers.unwrap_or_default())?;
        let (query, caller) = (self.raw_query_string.unwrap_or_default(), Caller::from(source_ip));
        request.extensions_mut().insert(AsSent { query, caller });
        Ok(request.with_raw_http_path(self.raw_path.unwrap_or_default()).with_lambda_context(context))
    }
}

fn headers(sent: BTreeMap<String, Option<String>>) -> Result<HeaderMap, NotHttp> {
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        let name: HeaderName = name.parse().map_err(|_| NotHttp)?;
        let value = HeaderValue::from_maybe_shared(value.unwrap_or_default().into_bytes()).map_err(|_| NotHttp)?;
        headers.try_append(name, value).map_err(|_| NotHttp)?;
    }
    Ok(headers)
}

impl Outgoing {
    fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let (body, is_base64_encoded) = match body {
            Body::Text(text) => (text, false),
            Body::Binary(bytes) => (STANDARD.encode(bytes), true),
            Body::Empty => (String::new(), false),
            // Our replies never have another kind of body.
            _ => (String::new(), false),
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &parts.headers {
            let value = text(value);
            let one = headers.entry(name.as_str().to_owned()).or_default();
            *one = if one.is_empty() { value } else { format!("{one},{value}") };
        }
        Self { status_code: parts.status.as_u16(), headers, body, is_base64_encoded }
    }
}
