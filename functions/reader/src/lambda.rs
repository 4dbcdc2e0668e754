//! Answers API Gateway's events: HTTP API, payload format 2.0.

pub use tidings_core::http_api::Incoming;

use crate::ContextApi;
use crate::feed::FeedApi;
use crate::feed::reply::Answer;
use lambda_runtime::LambdaEvent;
use tidings_core::http_api::Outgoing;

/// Answers one event. `main.rs` calls it.
pub async fn answer(api: &ContextApi, event: LambdaEvent<Incoming>) -> Outgoing {
    let reply = api.answer(&event.payload.into()).await;
    Outgoing { status_code: reply.status(), headers: reply.headers().into_iter().collect(), body: reply.body() }
}

/// Answers one event with the feed. `main.rs` calls it.
pub async fn answer_feed(api: &FeedApi, event: LambdaEvent<Incoming>) -> Outgoing {
    let Answer { status, headers, body } = api.answer(&event.payload.into()).await;
    Outgoing { status_code: status, headers: headers.into_iter().collect(), body }
}
