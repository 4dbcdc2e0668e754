//! An HTTP server in front of the receiver, as API Gateway is; and a way into the links queue for `tidings link`, which on AWS
//! has the queue itself: for programs of this machine that know the token, and for nobody else (`access`).

use super::access::{Token, admit};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use receiver::Receiver;
use receiver::delivery::Delivery;
use std::future::Future;
use std::sync::Arc;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::aws::SqsQueue;
use tidings_core::ports::EventQueue;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// HTTP API's own limit on a request.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// A request and what it was answered, for whoever listens in.
pub(crate) struct Answered {
    pub(crate) at: Timestamp,
    pub(crate) path: String,
    pub(crate) delivery: Delivery,
    pub(crate) status: u16,
    pub(crate) reply: Vec<u8>,
}

/// Somebody who listens in. A request waits with its answer until there is room.
pub(crate) type Listener = mpsc::Sender<Answered>;

/// Serves until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    links: SqsQueue,
    token: Token,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let links = Router::new().route(super::LINKS_PATH, post(enqueue)).with_state(links);
    let app = Router::new().fallback(handle).with_state((receiver, None)).merge(links);
    let app = app.layer(from_fn_with_state(token, guard));
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// The same with somebody who listens in, and without a way into the queue.
pub(crate) async fn serve_to(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    to: Listener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = Router::new().fallback(handle).with_state((receiver, Some(to)));
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// Guards everything below our own path, whatever the method and whether there is anything: not only the routes of today.
async fn guard(State(token): State<Token>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(super::OWN_PATHS) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match admit(&token, &parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refused) => refused.into_response(),
    }
}

async fn enqueue(State(queue): State<SqsQueue>, message: String) -> StatusCode {
    let sent: Result<(), _> = queue.send(&[&message], None).await.into_iter().collect();
    match sent {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn handle(State((receiver, to)): State<(Arc<Receiver>, Option<Listener>)>, request: Request) -> Response {
    let at = SystemClock.now();
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let heard = to.as_ref().map(|_| Delivery {
        method: parts.method.as_str().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body: bytes.to_vec(),
    });
    let path = parts.uri.path().to_owned();
    let request = lambda_http::Request::from_parts(parts, lambda_http::Body::Binary(bytes.to_vec()));
    let (parts, body) = receiver.handle(request).await.into_parts();
    if let (Some(to), Some(delivery)) = (&to, heard) {
        let answered = Answered { at, path, delivery, status: parts.status.as_u16(), reply: body.to_vec() };
        // Whoever has heard enough hears no more.
        let _ = to.send(answered).await;
    }
    Response::from_parts(parts, Body::from(body.to_vec()))
}
