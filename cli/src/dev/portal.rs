//! The API of the endpoints on the webhook port, with the code of a stack deployed with `EndpointsApi`. The token of this `dev` is
//! the backend's, and signs the portals' tokens.

use super::cloud::Cloud;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use publisher::limits::MAX_PORTAL_BODY_BYTES;
use publisher::portal::{Portal, Ports};
use std::sync::Arc;
use tidings_config::reach::Reach;
use tidings_config::time::SystemClock;
use tidings_core::http_api;

/// Endpoints of the project's file are `tidings endpoints list`'s: this API has those that were registered here.
pub(crate) fn router(cloud: &Cloud) -> Router {
    let ports = Ports {
        endpoints: Arc::new(cloud.endpoints()),
        deliveries: Arc::new(cloud.deliveries()),
        queue: Arc::new(cloud.deliveries_queue()),
        secrets: Arc::new(cloud.endpoint_secrets()),
        // Its document has the token of this `dev`, as the feed's keys.
        tokens: Arc::new(cloud.feed_secret()),
        clock: Arc::clone(&cloud.clock) as _,
        signers_clock: Arc::new(SystemClock),
    };
    let portal = Arc::new(Portal::new(Vec::new(), ports, Reach::Loopback));
    Router::new().route("/endpoints", any(answer)).route("/endpoints/{*endpoint}", any(answer)).with_state(portal)
}

async fn answer(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // One byte more than it reads: the API itself says that a body is too long.
    let Ok(body) = to_bytes(body, MAX_PORTAL_BODY_BYTES + 1).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let text = |name: HeaderName| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    let request = http_api::Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text(header::AUTHORIZATION),
        idempotency_key: text(HeaderName::from_static("idempotency-key")),
        body: String::from_utf8_lossy(&body).into_owned(),
        ..http_api::Request::default()
    };
    let reply = portal.answer(&request).await;
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, reply.body()).into_response();
    for (name, value) in reply.headers() {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
