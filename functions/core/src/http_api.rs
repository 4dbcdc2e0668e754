//! A request of an HTTP API and its response, as Lambda gets and returns them: payload format 2.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request, from any front door.
#[derive(Clone, Default)]
#[allow(missing_debug_implementations, reason = "it holds a token and the name of a conversation, which mustn't be logged")]
pub struct Request {
    pub method: String,
    /// The path, percent-encoded or not: HTTP APIs decode it before they call a function.
    pub path: String,
    /// The text after the `?`, as sent.
    pub query: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The authenticated caller: API Gateway uses the request's signature, `tidings dev` its token.
    pub identity: Option<String>,
    /// The header `Origin`: the web page that asks.
    pub origin: Option<String>,
    /// The header `Last-Event-ID`.
    pub last_event_id: Option<String>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    pub body: String,
}

/// The used fields of the event. `null` and a missing field are equal.
#[derive(Default, Deserialize)]
#[allow(missing_debug_implementations, reason = "it holds a token and the name of a conversation, which mustn't be logged")]
#[serde(rename_all = "camelCase", default)]
pub struct Incoming {
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    headers: Option<BTreeMap<String, Option<String>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    request_context: Option<RequestContext>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RequestContext {
    http: Option<Http>,
    authorizer: Option<Authorizer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Http {
    method: Option<String>,
}

/// API Gateway sets it after it has checked a signature.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Authorizer {
    iam: Option<Value>,
}

/// The response.
#[derive(Serialize)]
#[allow(missing_debug_implementations, reason = "it holds a context, which mustn't be logged")]
#[serde(rename_all = "camelCase")]
pub struct Outgoing {
    pub status_code: u16,
    pub headers: BTreeMap<&'static str, String>,
    pub body: String,
}

impl From<Incoming> for Request {
    fn from(event: Incoming) -> Self {
        let context = event.request_context.unwrap_or_default();
        let identity = context
            .authorizer
            .and_then(|authorizer| authorizer.iam)
            .and_then(|iam| iam.get("userArn").and_then(Value::as_str).filter(|arn| !arn.is_empty()).map(str::to_owned));
        let headers = event.headers.unwrap_or_default();
        // API Gateway gives names in lower case.
        let header = |wanted: &str| {
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).and_then(|(_, value)| value.clone())
        };
        let body = event.body.unwrap_or_default();
        let body = if event.is_base64_encoded == Some(true) {
            STANDARD.decode(body).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
        } else {
            body
        };
        Self {
            method: context.http.and_then(|http| http.method).unwrap_or_default(),
            path: event.raw_path.unwrap_or_default(),
            query: event.raw_query_string.unwrap_or_default(),
            authorization: header("authorization"),
            identity,
            origin: header("origin"),
            last_event_id: header("last-event-id"),
            idempotency_key: header("idempotency-key"),
            body,
        }
    }
}
