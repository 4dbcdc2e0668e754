//! Who may see the pages and their data.
//!
//! - `Host` must be this machine's name and this port, so a page whose name resolves to this machine (DNS rebinding) is
//!   refused.
//! - A request for data must not come from another page (`Origin`, `Sec-Fetch-Site`), and needs the key in a header,
//!   which no other page can send without a permission that is never given.
//! - The key is given to a page of this server if the connection belongs to the user of this process. Where the
//!   operating system doesn't say that (`peer`), the key is part of the printed address.

use super::Inspector;
use super::answer::Problem;
use super::peer;
use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;

/// The header with the key.
pub(super) const KEY: HeaderName = HeaderName::from_static("x-tidings-key");

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests under another host name.
pub(super) async fn named_here(State(inspector): State<Arc<Inspector>>, request: Request, next: Next) -> Response {
    let absolute = request.uri().authority().map(ToString::to_string);
    let hosts = hosts(inspector.listening.port());
    let is_here = |host: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    if !only(request.headers(), &header::HOST).is_some_and(is_here) || absolute.is_some_and(|host| !is_here(&host)) {
        let [address, name] = hosts;
        let text = format!("the Host header doesn't name this server, allowed: {address}, {name}");
        return Problem::new(StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

/// Refuses requests of other pages, and requests without the key.
pub(super) async fn with_key(State(inspector): State<Arc<Inspector>>, request: Request, next: Next) -> Response {
    if let Err(problem) = of_own_page(request.headers(), inspector.listening.port()) {
        return problem.into_response();
    }
    if !only(request.headers(), &KEY).is_some_and(|given| inspector.key.is(given)) {
        return Problem::new(StatusCode::UNAUTHORIZED, "the key is missing or is of an earlier start").into_response();
    }
    next.run(request).await
}

/// Gives the key to a page that this process's user has opened.
pub(super) async fn session(
    State(inspector): State<Arc<Inspector>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    const HINT: &str =
        "open the printed address that contains the key: `tidings dev -v` and `tidings inspect --with-key` print it";
    of_own_page(&headers, inspector.listening.port())?;
    let here = inspector.listening;
    let is_own = tokio::task::spawn_blocking(move || peer::is_own(peer, here)).await.ok().flatten();
    match is_own {
        Some(true) => Ok(Json(json!({ "key": inspector.key.as_str() }))),
        Some(false) => Err(Problem::new(StatusCode::FORBIDDEN, "another user of this machine runs the inspector").hint(HINT)),
        None => Err(Problem::new(StatusCode::FORBIDDEN, "this machine doesn't say who opened the page").hint(HINT)),
    }
}

fn of_own_page(headers: &HeaderMap, port: u16) -> Result<(), Problem> {
    let refused = || Problem::new(StatusCode::FORBIDDEN, "requests of other web pages are refused");
    let [address, name] = hosts(port).map(|host| format!("http://{host}"));
    let origins = headers.get_all(header::ORIGIN).iter();
    let is_own = |origin: &[u8]| origin == address.as_bytes() || origin == name.as_bytes();
    let mut sites = headers.get_all(SITE).iter();
    let fine = origins.map(|origin| origin.as_bytes()).all(is_own) && sites.all(|site| site == "same-origin" || site == "none");
    if fine { Ok(()) } else { Err(refused()) }
}

fn hosts(port: u16) -> [String; 2] {
    [format!("127.0.0.1:{port}"), format!("localhost:{port}")]
}

/// The text of a header that occurs exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}
