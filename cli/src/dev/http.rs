//! An HTTP server in front of the receiver, as API Gateway is; and a way into the queue for `tidings link`, which on AWS has
//! the queue itself.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use receiver::Receiver;
use std::future::Future;
use std::sync::Arc;
use tidings_core::aws::SqsQueue;
use tidings_core::ports::EventQueue;
use tokio::net::TcpListener;

/// HTTP API's own limit on a request.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// Serves until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    queue: SqsQueue,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let queue = Router::new().route(super::EVENTS_PATH, post(enqueue)).with_state(queue);
    let app = Router::new().fallback(handle).with_state(receiver).merge(queue);
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// Nobody but this machine can reach it.
async fn enqueue(State(queue): State<SqsQueue>, message: String) -> StatusCode {
    let sent: Result<(), _> = queue.send(&[&message], None).await.into_iter().collect();
    match sent {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn handle(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = lambda_http::Request::from_parts(parts, lambda_http::Body::Binary(bytes.to_vec()));
    let (parts, body) = receiver.handle(request).await.into_parts();
    Response::from_parts(parts, Body::from(body.to_vec()))
}
