//! The inspector: pages that show what a deployment received and the result of each event, for a browser on this machine.
//! `tidings dev` serves them below `/_dev/`, and `tidings inspect` serves them for a deployed stack.
//!
//! Promises:
//! - Its data is what the commands print with `--json`: the same functions, called in this process.
//! - Only the user who runs this process can read it, with a browser on this machine (`admit`). Other web pages, other
//!   host names and other users are refused. Data needs a key that is new at each start.
//! - It changes only what a command with `--yes` would change, after the page asked for a confirmation.
//! - Text of others is data: the pages run no script and load nothing but their own files, offline too (`assets`).
//! - No secret that `dev` knows is in an answer, and no signature of a request (`redact`).

mod admit;
mod answer;
mod arguments;
mod assets;
mod conversations;
mod dead_letters;
mod events;
mod live;
mod overview;
mod peer;
pub(crate) mod redact;
mod requests;

use crate::Failure;
use crate::dev::workbench::Workbench;
use crate::dev_client::token::Token;
use crate::project::Location;
use crate::target::Place;
use answer::Problem;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// A deployment that is inspected.
#[derive(Debug)]
pub(crate) struct Inspector {
    at: Place,
    /// The address of the pages.
    pages: String,
    /// The address at which it listens.
    listening: SocketAddr,
    /// The secret that the pages send with each request for data.
    key: Token,
    /// The project whose rules explain an event. `None`: there is none here.
    project: Option<Location>,
    /// The `dev` that runs in this process.
    dev: Option<Dev>,
    /// Turns true when the server stops: streams end then.
    stop: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Dev {
    /// The address before /webhooks/….
    webhooks: String,
    workbench: Arc<Workbench>,
}

impl Inspector {
    /// For the `dev` in this process, whose webhooks are at `url` and whose tables and queues are at `endpoint`.
    pub(crate) fn of_dev(
        url: &str,
        listening: SocketAddr,
        endpoint: &str,
        project: &Location,
        workbench: &Arc<Workbench>,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            at: Place::dev(endpoint),
            pages: format!("{url}{}/", crate::dev_client::OWN_PATHS),
            listening,
            key: Token::new()?,
            project: Some(project.clone()),
            dev: Some(Dev { webhooks: url.to_owned(), workbench: Arc::clone(workbench) }),
            stop,
        })
    }

    /// For a stack, or for a `dev` of another process.
    pub(crate) fn of_place(
        at: Place,
        listening: SocketAddr,
        project: Option<Location>,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, Failure> {
        let pages = format!("http://{listening}/");
        Ok(Self { at, pages, listening, key: Token::new()?, project, dev: None, stop })
    }

    /// The address to open. If this machine doesn't say who opens a connection, the key is part of it.
    pub(crate) fn address(&self) -> String {
        if peer::is_known() { self.pages.clone() } else { self.address_with_key() }
    }

    /// The address with the key, for a browser whose connections belong to another user: under WSL, or behind a proxy.
    pub(crate) fn address_with_key(&self) -> String {
        format!("{}#/key/{}", self.pages, self.key.as_str())
    }

    /// The project, for what needs its rules.
    fn project(&self) -> Result<&Location, Problem> {
        const HINT: &str = "start `tidings inspect` in the project's folder, or name it with --project DIR";
        self.project.as_ref().ok_or_else(|| Failure::new("no project here: the rules are unknown").hint(HINT).into())
    }

    fn dev(&self) -> Result<&Dev, Problem> {
        self.dev.as_ref().ok_or_else(|| Problem::not_found("only the inspector of a `tidings dev` has its requests"))
    }
}

/// The pages and their data below a path, which doesn't end with a slash.
pub(crate) fn router(below: &str, inspector: Inspector) -> Router {
    let inspector = Arc::new(inspector);
    let at = |path: &str| format!("{below}{path}");
    let data = Router::new()
        .route(&at("/api/about"), get(overview::about))
        .route(&at("/api/status"), get(overview::status))
        .route(&at("/api/live"), get(live::stream))
        .route(&at("/api/events"), get(events::list))
        .route(&at("/api/events/{key}"), get(events::show))
        .route(&at("/api/events/{key}/replay"), post(events::replay))
        .route(&at("/api/requests"), get(requests::list))
        .route(&at("/api/requests/{id}"), get(requests::show))
        .route(&at("/api/requests/{id}/send"), post(requests::send))
        .route(&at("/api/conversations/{name}"), get(conversations::show))
        .route(&at("/api/dead-letters"), get(dead_letters::list))
        .route(&at("/api/dead-letters/redrive"), post(dead_letters::redrive))
        .route(&at("/api/{*other}"), any(answer::unknown))
        .route_layer(from_fn_with_state(Arc::clone(&inspector), admit::with_key));
    Router::new()
        .route(&at("/"), get(assets::page))
        .route(&at("/assets/{name}"), get(assets::file))
        .route(&at("/api/session"), post(admit::session))
        .merge(data)
        .route_layer(from_fn_with_state(Arc::clone(&inspector), admit::named_here))
        .route_layer(from_fn(assets::guarded))
        .layer(DefaultBodyLimit::max(crate::limits::MAX_INSPECTOR_REQUEST_BYTES))
        .with_state(inspector)
}
