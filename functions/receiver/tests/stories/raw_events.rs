//! Raw events of API Gateway through the very handler that runs on Lambda: what a stranger writes is never a 5xx.

use crate::support::{Harness, order, set};
use lambda_http::{Context, LambdaEvent};
use receiver::lambda::{Incoming, answer};
use serde_json::{Value, json};
use tidings_config::time::Clock;
use tidings_events::{SignedRequest, api_gateway_event};

/// As the runtime does it: bytes, event, answer, bytes.
async fn invoke(harness: &Harness, event: &Value) -> Value {
    let payload: Incoming = serde_json::from_str(&event.to_string()).expect("the runtime answers 5xx to what can't be read");
    let answered = answer(&harness.receiver, LambdaEvent::new(payload, Context::default())).await;
    let answered = serde_json::to_value(answered).unwrap();
    assert!(answered["statusCode"].is_u64() && answered["headers"].is_object() && answered["body"].is_string(), "{answered}");
    harness.process(answered["statusCode"].as_u64());
    answered
}

async fn status(harness: &Harness, event: &Value) -> u64 {
    invoke(harness, event).await["statusCode"].as_u64().unwrap()
}

fn event(harness: &Harness, request: &SignedRequest) -> Value {
    api_gateway_event(request, harness.clock.now())
}

/// Bytes that no URI can hold, and more.
const QUERIES: [&str; 12] =
    ["a=\"b\"", "<", ">", "a b", "a=<script>", "{}", "|", "^", "`", "\u{0}", "\u{e9}\u{1f600}", "%zz&&==&?#"];

#[tokio::test]
async fn a_query_that_no_uri_can_hold_is_answered_as_it_is_routed() {
    let harness = Harness::warm().await;
    for (n, query) in QUERIES.iter().enumerate() {
        let mut signed = event(&harness, &harness.signed("orders", order(&format!("e{n}"), "1")));
        signed["rawQueryString"] = json!(query);
        assert_eq!(status(&harness, &signed).await, 202, "{query:?}: the signature isn't about it");
        let mut forged = event(&harness, &harness.unsigned("orders", "{}"));
        forged["rawQueryString"] = json!(query);
        assert_eq!(status(&harness, &forged).await, 401, "{query:?}");
        for (method, path, expected) in [("GET", "/webhooks/orders", 405), ("POST", "/nowhere", 404), ("GET", "/health", 200)] {
            let mut other = forged.clone();
            other["rawPath"] = json!(path);
            other["requestContext"]["http"]["method"] = json!(method);
            assert_eq!(status(&harness, &other).await, expected, "{query:?} {method} {path}");
        }
    }
}

#[tokio::test]
async fn a_query_is_verified_as_it_was_sent() {
    let harness = Harness::warm().await;
    let signed = harness.signed("thorough", r#"{"n":7}"#);
    let mut raw = event(&harness, &signed);
    assert_eq!(status(&harness, &raw).await, 202);
    raw["rawQueryString"] = json!(format!("{}&x=\"y\"", raw["rawQueryString"].as_str().unwrap()));
    assert_eq!(status(&harness, &raw).await, 401, "it is part of what is signed");
}

#[tokio::test]
async fn an_event_that_is_not_http_is_a_bad_request() {
    let harness = Harness::warm().await;
    let good = event(&harness, &harness.signed("orders", order("e1", "1")));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut event = good.clone();
        change(&mut event);
        event
    };
    for (what, event) in [
        ("method", changed(&|e| e["requestContext"]["http"]["method"] = json!("P OST"))),
        ("no method", changed(&|e| e["requestContext"] = json!(null))),
        ("method of a line", changed(&|e| e["requestContext"]["http"]["method"] = json!("POST\r\n"))),
        ("header's name", changed(&|e| e["headers"]["a b"] = json!("1"))),
        ("header's empty name", changed(&|e| e["headers"][""] = json!("1"))),
        ("header's value", changed(&|e| e["headers"]["x-a"] = json!("a\u{1}b"))),
        ("header of two lines", changed(&|e| e["headers"]["x-a"] = json!("a\r\nb: c"))),
        ("base64", changed(&|e| e["body"] = json!("*"))),
    ] {
        let answered = invoke(&harness, &event).await;
        assert_eq!(
            (answered["statusCode"].as_u64(), answered["headers"]["content-type"].as_str()),
            (Some(400), Some("application/json")),
            "{what}"
        );
        let body: Value = serde_json::from_str(answered["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["error"], "bad_request", "{what}");
    }
    for (what, event, expected) in [
        ("nothing", json!({}), 400),
        (
            "nulls",
            json!({"rawPath": null, "headers": null, "body": null, "isBase64Encoded": null, "requestContext": {"http": null}}),
            400,
        ),
        ("a header that is null", changed(&|e| e["headers"]["x-a"] = json!(null)), 202),
        ("a path", changed(&|e| e["rawPath"] = json!("/webhooks/\u{0}<\">")), 404),
        ("no path", changed(&|e| e["rawPath"] = json!("")), 404),
        ("an unknown method", changed(&|e| e["requestContext"]["http"]["method"] = json!("BREW")), 405),
        ("no body", changed(&|e| e["body"] = json!(null)), 401),
        ("fields that we don't know", changed(&|e| e["cookies"] = json!(["a=b"])), 200),
    ] {
        assert_eq!(status(&harness, &event).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_response_has_api_gateways_format() {
    let harness = Harness::warm().await;
    let answered = invoke(&harness, &event(&harness, &harness.signed("orders", order("e1", "1")))).await;
    assert_eq!(answered["statusCode"], 202);
    assert_eq!((&answered["headers"]["content-type"], &answered["isBase64Encoded"]), (&json!("application/json"), &json!(false)));
    assert_eq!(answered["body"], r#"{"status":"accepted","message":"queued"}"#);
}

/// Pieces of requests: the usual, the odd, and what is neither.
const PIECES: [&str; 40] = [
    "",
    "/",
    "/webhooks/orders",
    "/webhooks/github",
    "/webhooks/whatsapp",
    "/webhooks/thorough",
    "/health",
    "/webhooks/",
    "POST",
    "GET",
    "HEAD",
    "OPTIONS",
    "P T",
    "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x",
    "a=\"b\"",
    "<>",
    " ",
    "\u{0}",
    "\u{7f}",
    "\r\n",
    "\u{e9}",
    "\u{1f600}",
    "%",
    "%00",
    "&&",
    "=",
    "?",
    "#",
    "content-type",
    "application/json",
    "content-encoding",
    "gzip",
    "deflate",
    "x-orders-signature",
    "v1=abab",
    "x-orders-timestamp",
    "1795341600",
    "{\"a\":1}",
    "e30=",
    "H4sIAAAAAAAA",
];

#[tokio::test]
async fn of_thousands_of_raw_events_none_is_answered_5xx() {
    let harness = Harness::warm().await;
    let seed = std::env::var("TIDINGS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_129_u64);
    let mut state = seed;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut seen = std::collections::BTreeMap::<u64, u32>::new();
    for n in 0..5_000 {
        let mut text = || (0..next(4)).map(|_| PIECES[next(PIECES.len())]).collect::<String>();
        let (path, query, method, body) = (text(), text(), text(), text());
        let headers: serde_json::Map<String, Value> = match n % 3 {
            0 => [("content-type".to_owned(), json!("application/json")), ("x-orders-signature".to_owned(), json!("v1=abab"))]
                .into_iter()
                .collect(),
            1 => [("content-encoding".to_owned(), json!(query.clone())), ("x-orders-timestamp".to_owned(), json!(text()))]
                .into_iter()
                .collect(),
            _ => (0..3).map(|_| (text(), json!(text()))).collect(),
        };
        let mut event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "body": body,
            "requestContext": { "http": { "method": method } }, "isBase64Encoded": n % 7 == 0,
        });
        // Half of them get to a source, and most of these are whole but for one thing.
        if n % 2 == 0 {
            let mut good = api_gateway_event(&harness.signed(["orders", "thorough", "bare"][n % 3], "{}"), harness.clock.now());
            let field = ["headers", "rawQueryString", "body", "rawPath"][n / 2 % 4];
            good[field] = event[field].take();
            good["requestContext"]["http"]["method"] = json!(PIECES[8 + n % 4]);
            event = good;
        }
        let status = status(&harness, &event).await;
        assert!((200..500).contains(&status), "seed {seed}, event {n}: {status} to {event}");
        *seen.entry(status).or_default() += 1;
    }
    for expected in [400, 401, 404, 405] {
        assert!(seen.get(&expected).is_some_and(|times| *times > 50), "it got everywhere: {seen:?}");
    }
    let mut odd = harness.unsigned("orders", "");
    set(&mut odd, "content-type", "\u{e9}");
    assert_eq!(harness.send(&odd).await.status, 415);
}

/// As the Lambda developer guide has it ("Invoking Lambda function URLs", payload format 2.0), of a signed request.
fn function_url_event(request: &SignedRequest) -> Value {
    let headers: serde_json::Map<String, Value> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .chain([
            ("x-amzn-trace-id".to_owned(), json!("Root=1-5759e988-bd862e3fe1be46a994272793")),
            ("host".to_owned(), json!("abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws")),
        ])
        .collect();
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": ["cookie1", "cookie2"],
        "headers": headers,
        "queryStringParameters": { "parameter1": "value1,value2" },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abcdefghijklmnopqrstuvwxyz012345",
            "authentication": null,
            "domainName": "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws",
            "domainPrefix": "abcdefghijklmnopqrstuvwxyz012345",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "agent"
            },
            "requestId": "a1b2c3d4-0000-4000-8000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "time": "20/Nov/2026:16:00:00 +0000",
            "timeEpoch": 1_795_190_400_000_i64
        },
        "body": String::from_utf8_lossy(&request.body),
        "pathParameters": null,
        "isBase64Encoded": false,
        "stageVariables": null
    })
}

#[tokio::test]
async fn a_request_to_a_function_url_is_answered_as_one_to_the_api() {
    let harness = Harness::warm().await;
    let signed = function_url_event(&harness.signed("orders", order("e1", "1")));
    assert_eq!(status(&harness, &signed).await, 202);
    assert_eq!(status(&harness, &signed).await, 200, "a duplicate");
    let thorough = function_url_event(&harness.signed("thorough", r#"{"n":7}"#));
    assert_eq!(status(&harness, &thorough).await, 202, "path and query are signed");
    assert_eq!(status(&harness, &function_url_event(&harness.unsigned("orders", "{}"))).await, 401);
    // No API is in front that would keep away what isn't a route.
    for (method, path, expected) in [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("DELETE", "/health", 405),
        ("OPTIONS", "/webhooks/orders", 405),
        ("GET", "/", 404),
        ("POST", "/webhooks/orders/", 404),
        ("GET", "/context/ann", 404),
    ] {
        let mut other = signed.clone();
        other["rawPath"] = json!(path);
        other["requestContext"]["http"]["method"] = json!(method);
        assert_eq!(status(&harness, &other).await, expected, "{method} {path}");
    }
}
