//! Converts API Gateway's event to a request, and a reply to its response: HTTP API, payload format 2.0.

use crate::reply::Reply;
use crate::{ContextApi, Request};
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

impl From<Incoming> for Request {
    fn from(event: Incoming) -> Self {
        let context = event.request_context.unwrap_or_default();
        let identity = context
            .authorizer
            .and_then(|authorizer| authorizer.iam)
            .and_then(|iam| iam.get("userArn").and_then(Value::as_str).filter(|arn| !arn.is_empty()).map(str::to_owned));
        let headers = event.headers.unwrap_or_default();
        // API Gateway gives names in lower case.
        let authorization = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        Self {
            method: context.http.and_then(|http| http.method).unwrap_or_default(),
            path: event.raw_path.unwrap_or_default(),
            query: event.raw_query_string.unwrap_or_default(),
            authorization: authorization.and_then(|(_, value)| value),
            identity,
        }
    }
}

impl Outgoing {
    fn of(reply: &Reply) -> Self {
        Self { status_code: reply.status(), headers: reply.headers().into_iter().collect(), body: reply.body() }
    }
}
