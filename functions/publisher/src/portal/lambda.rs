//! Answers API Gateway's events: HTTP API, payload format 2.0.

use super::Portal;
use lambda_runtime::LambdaEvent;
use tidings_core::http_api::{Incoming, Outgoing};

/// Answers one event. `main.rs` calls it.
pub async fn answer(portal: &Portal, event: LambdaEvent<Incoming>) -> Outgoing {
    let reply = portal.answer(&event.payload.into()).await;
    Outgoing { status_code: reply.status(), headers: reply.headers().into_iter().collect(), body: reply.body() }
}
