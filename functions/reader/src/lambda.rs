//! Converts API Gateway's event to a request, and a reply to its response: HTTP API, payload format 2.0.

use crate::feed::FeedApi;
use crate::feed::reply::Answer;
use crate::reply::Reply;
use crate::{ContextApi, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

/// Answers one event. `main.rs` calls it.
pub async fn answer(api: &ContextApi, event: LambdaEvent<Incoming>) -> Outgoing {
    Outgoing::of(&api.answer(&event.payload.into()).await)
}

/// Answers one event with the feed. `main.rs` calls it.
pub async fn answer_feed(api: &FeedApi, event: LambdaEvent<Incoming>) -> Outgoing {
    let Answer { status, headers, body } = api.answer(&event.payload.into()).await;
    Outgoing { status_code: status, headers: headers.into_iter().collect(), body }
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
            body,
        }
    }
}

impl Outgoing {
    fn of(reply: &Reply) -> Self {
        Self { status_code: reply.status(), headers: reply.headers().into_iter().collect(), body: reply.body() }
    }
}
