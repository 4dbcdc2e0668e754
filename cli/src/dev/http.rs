//! An HTTP server in front of the receiver, as API Gateway is.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use receiver::Receiver;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;

/// HTTP API's own limit on a request.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// Serves until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = Router::new().fallback(handle).with_state(receiver);
    axum::serve(listener, app).with_graceful_shutdown(stop).await
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
