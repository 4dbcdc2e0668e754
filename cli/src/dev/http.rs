//! An HTTP server in front of the receiver, in the role of API Gateway. Below `/_dev`, only programs on this machine
//! with the token (`access`) reach: the description of this `dev` (`about`), its clock, and the links queue for
//! `tidings link`.

use super::about::About;
use super::access::admit;
use super::clock::MAX_ADVANCE;
use super::silence::Ears;
use super::workbench::Workbench;
use crate::dev_client::about::Known;
use crate::dev_client::token::Token;
use crate::dev_client::{ADVANCE_PATH, LINKS_PATH, OWN_PATHS};
use axum::Json;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use receiver::Receiver;
use receiver::delivery::Delivery;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::aws::SqsQueue;
use tidings_core::ports::EventQueue;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// HTTP API's limit for a request.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// A request and its response, for a listener.
pub(crate) struct Answered {
    pub(crate) at: Timestamp,
    pub(crate) path: String,
    pub(crate) delivery: Delivery,
    pub(crate) status: u16,
    pub(crate) reply: Vec<u8>,
}

/// A listener. The response waits until the channel has room.
pub(crate) type Listener = mpsc::Sender<Answered>;

/// The current receiver.
type Current = Arc<dyn Fn() -> Arc<Receiver> + Send + Sync>;

/// Serves until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    workbench: Arc<Workbench>,
    context: Router,
    links: SqsQueue,
    about: Arc<About>,
    token: Token,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let ears = Arc::clone(workbench.ears());
    let current: Current = Arc::new(move || workbench.receiver());
    let links = Router::new().route(LINKS_PATH, post(enqueue)).with_state(links);
    let own = Router::new().route(OWN_PATHS, get(known)).route(ADVANCE_PATH, post(advance)).with_state(about);
    let app = Router::new()
        .fallback(handle)
        .with_state((current, Ends { to: None, ears: Some(ears) }))
        .merge(links)
        .merge(own)
        .merge(context);
    let app = app.layer(from_fn_with_state(token, guard));
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// The same with a listener, and without access to the queue.
pub(crate) async fn serve_to(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    to: Listener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let current: Current = Arc::new(move || Arc::clone(&receiver));
    let app = Router::new().fallback(handle).with_state((current, Ends { to: Some(to), ears: None }));
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// Guards every path below `/_dev`, whatever the method, whether it exists or not. So new routes are guarded too.
async fn guard(State(token): State<Token>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(OWN_PATHS) {
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

async fn known(State(about): State<Arc<About>>) -> Json<Known> {
    Json(about.known())
}

/// The body is the duration in milliseconds.
async fn advance(State(about): State<Arc<About>>, by_ms: String) -> Response {
    let by = by_ms.trim().parse().map(Duration::from_millis).ok().filter(|by| *by <= MAX_ADVANCE);
    let Some(by) = by else {
        let most = MAX_ADVANCE.as_millis();
        return (StatusCode::BAD_REQUEST, format!("{by_ms:?}, allowed: milliseconds, at most {most}")).into_response();
    };
    match Arc::clone(&about.clock).advance(by).await {
        Ok(()) => Json(about.known()).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

/// What learns of each request.
#[derive(Clone)]
struct Ends {
    to: Option<Listener>,
    ears: Option<Arc<Ears>>,
}

async fn handle(State((current, Ends { to, ears })): State<(Current, Ends)>, request: Request) -> Response {
    let at = SystemClock.now();
    // A request of a command that looks for a `dev` isn't a delivery.
    if to.is_some() && request.uri().path().starts_with(OWN_PATHS) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let heard = to.as_ref().map(|_| Delivery {
        method: parts.method.as_str().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body: bytes.to_vec().into(),
    });
    let path = parts.uri.path().to_owned();
    let request = lambda_http::Request::from_parts(parts, lambda_http::Body::Binary(bytes.to_vec()));
    let answered = current().answer(request).await;
    if let Some(ears) = ears.filter(|_| answered.is_authentic) {
        ears.hear(&path);
    }
    let (parts, body) = answered.response.into_parts();
    if let (Some(to), Some(delivery)) = (&to, heard) {
        let answered = Answered { at, path, delivery, status: parts.status.as_u16(), reply: body.to_vec() };
        // An error means that the listener has stopped.
        let _ = to.send(answered).await;
    }
    Response::from_parts(parts, Body::from(body.to_vec()))
}
