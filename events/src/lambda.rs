//! A request in API Gateway's format for the receiver, for `sam local invoke` and `cargo lambda invoke`.

use crate::SignedRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidings_config::time::Timestamp;

/// The HTTP API's payload, version 2.0. The body is base64, as API Gateway sends everything except plain text.
pub fn api_gateway_event(request: &SignedRequest, now: Timestamp) -> Value {
    let headers: serde_json::Map<String, Value> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    json!({
        "version": "2.0",
        "routeKey": "ANY /webhooks/{source}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "pathParameters": { "source": request.source },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "tidings",
            "domainName": "tidings.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "tidings",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": headers.get("user-agent").cloned().unwrap_or_else(|| json!("tidings"))
            },
            "requestId": "TidingsRequest0001=",
            "routeKey": "ANY /webhooks/{source}",
            "stage": "$default",
            "time": now.to_string(),
            "timeEpoch": now.unix_ms()
        },
        "body": STANDARD.encode(&request.body),
        "isBase64Encoded": true
    })
}
