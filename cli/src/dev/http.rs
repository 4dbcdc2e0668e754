//! An HTTP server in front of the receiver, in the role of API Gateway. Below `/_dev`, only programs on this machine
//! with the token (`access`) reach: the description of this `dev` (`about`), its clock, and the links queue for
//! `tidings link`. The inspector's pages there have a guard of their own (`crate::inspector`).

use super::about::About;
use super::access::admit;
use super::claimed::noting;
use super::clock::MAX_ADVANCE;
use super::workbench::Workbench;
use crate::dev_client::about::Known;
use crate::dev_client::token::Token;
use crate::dev_client::{ADVANCE_PATH, LINKS_PATH, OWN_PATHS};
use axum::Json;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use receiver::Receiver;
use receiver::delivery::Delivery;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
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

/// Serves until `stop`. `pages` have guards of their own.
pub(crate) async fn serve(
    listener: TcpListener,
    workbench: Arc<Workbench>,
    pages: Router,
    links: SqsQueue,
    about: Arc<About>,
    token: Token,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let links = Router::new().route(LINKS_PATH, post(enqueue)).with_state(links);
    let own = Router::new().route(OWN_PATHS, get(known)).route(ADVANCE_PATH, post(advance)).with_state(about);
    let app = Router::new().fallback(receive).with_state(workbench).merge(links).merge(own);
    let app = app.layer(from_fn_with_state(token, guard)).merge(pages);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).with_graceful_shutdown(stop).await
}

/// The same with a listener, and without access to the queue.
pub(crate) async fn serve_to(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    to: Listener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = Router::new().fallback(listen).with_state((receiver, to));
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

/// Answers a request to `dev`, and keeps it for the inspector.
async fn receive(State(workbench): State<Arc<Workbench>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (path, delivery) = (parts.uri.path().to_owned(), delivery(&parts, &body));
    let request = lambda_http::Request::from_parts(parts, lambda_http::Body::Binary(body.to_vec()));
    response(answer(&workbench, path, delivery, request).await.response)
}

/// Answers a request with the running receiver, and keeps it. Requests for the receiver's own pages aren't kept.
pub(crate) async fn answer(
    workbench: &Workbench,
    path: String,
    delivery: Delivery,
    request: lambda_http::Request,
) -> receiver::Answered {
    const OWN_PAGES: [&str; 2] = ["/health", "/ready"];
    let (at, start) = (SystemClock.now(), Instant::now());
    let receiver = workbench.receiver();
    let (answered, events) = noting(receiver.answer(request)).await;
    if answered.is_authentic {
        workbench.ears().hear(&path);
    }
    if !OWN_PAGES.contains(&path.as_str()) {
        workbench.requests().add((at, start.elapsed()), path, delivery, events, &answered);
    }
    answered
}

/// Answers a request, and passes it to a listener.
async fn listen(State((receiver, to)): State<(Arc<Receiver>, Listener)>, request: Request) -> Response {
    let at = SystemClock.now();
    // A request of a command that looks for a `dev` isn't a delivery.
    if request.uri().path().starts_with(OWN_PATHS) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (path, delivery) = (parts.uri.path().to_owned(), delivery(&parts, &body));
    let request = lambda_http::Request::from_parts(parts, lambda_http::Body::Binary(body.to_vec()));
    let reply = receiver.handle(request).await;
    let answered = Answered { at, path, delivery, status: reply.status().as_u16(), reply: reply.body().to_vec() };
    // An error means that the listener has stopped.
    let _ = to.send(answered).await;
    response(reply)
}

fn delivery(parts: &Parts, body: &[u8]) -> Delivery {
    Delivery {
        method: parts.method.as_str().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body: body.to_vec().into(),
    }
}

fn response(reply: http::Response<lambda_http::Body>) -> Response {
    let (parts, body) = reply.into_parts();
    Response::from_parts(parts, Body::from(body.to_vec()))
}
