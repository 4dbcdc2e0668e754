//! Webhooks as API Gateway hands them to the receiver: signed now, each with ids of its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::body::Bytes;
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::SystemTime;

const STRIPE: &str = include_str!("../../../events/bodies/stripe_checkout_session_completed.json");
const STRIPE_ID: &str = "evt_1TidingsCheckout1042";
const WHATSAPP: &str = include_str!("../../../events/bodies/whatsapp_message.json");

/// One event. A forged one is signed with another secret.
pub(crate) fn stripe(number: u64, forged: bool) -> Bytes {
    let body = STRIPE.replace(STRIPE_ID, &format!("evt_1TidingsBench{number:08}"));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let secret = if forged { "whsec_of_somebody_else".to_owned() } else { secret("stripe") };
    let signature = signature(&secret, format!("{}.{body}", now.as_secs()).as_bytes());
    let headers = json!({
        "content-type": "application/json",
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "stripe-signature": format!("t={},v1={signature}", now.as_secs()),
    });
    api_gateway("stripe", &headers, &body, now.as_millis())
}

/// Several messages in one delivery.
pub(crate) fn whatsapp(number: u64, messages: usize) -> Bytes {
    let mut body: Value = serde_json::from_str(WHATSAPP).unwrap_or_default();
    let sent = &mut body["entry"][0]["changes"][0]["value"]["messages"];
    let message = |n| {
        let mut message = sent[0].clone();
        message["id"] = json!(format!("wamid.Bench{number:08}x{n}"));
        message
    };
    *sent = (0..messages).map(message).collect();
    let body = body.to_string();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let headers = json!({
        "content-type": "application/json",
        "user-agent": "facebookexternalua",
        "x-hub-signature-256": format!("sha256={}", signature(&secret("whatsapp"), body.as_bytes())),
    });
    api_gateway("whatsapp", &headers, &body, now.as_millis())
}

fn secret(source: &str) -> String {
    let document: Value = serde_json::from_str(crate::aws::SECRETS).unwrap_or_default();
    document[source].as_str().unwrap_or_default().to_owned()
}

fn signature(secret: &str, message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(message);
    hex::encode(mac.finalize().into_bytes())
}

/// The HTTP API's payload, version 2.0. The body is base64, as API Gateway sends whatever isn't plain text.
fn api_gateway(source: &str, headers: &Value, body: &str, now_ms: u128) -> Bytes {
    let path = format!("/webhooks/{source}");
    let event = json!({
        "version": "2.0",
        "routeKey": "ANY /webhooks/{source}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "pathParameters": { "source": source },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "tidings",
            "domainName": "tidings.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "tidings",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": headers["user-agent"],
            },
            "requestId": "TidingsRequest0001=",
            "routeKey": "ANY /webhooks/{source}",
            "stage": "$default",
            "time": "20/Nov/2026:16:00:00 +0000",
            "timeEpoch": u64::try_from(now_ms).unwrap_or_default(),
        },
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    });
    Bytes::from(event.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(delivery: &Bytes) -> Value {
        let event: Value = serde_json::from_slice(delivery).unwrap();
        serde_json::from_slice(&STANDARD.decode(event["body"].as_str().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn every_delivery_has_ids_of_its_own() {
        assert_eq!(body(&stripe(7, false))["id"], "evt_1TidingsBench00000007");
        let ten = body(&whatsapp(7, 10));
        let messages = ten["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap();
        let mut ids: Vec<&str> = messages.iter().map(|message| message["id"].as_str().unwrap()).collect();
        ids.dedup();
        assert_eq!((ids.len(), ids[9]), (10, "wamid.Bench00000007x9"));
    }
}
