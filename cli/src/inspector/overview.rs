//! What is inspected, and its health.

use super::Inspector;
use super::answer::{Answer, Problem};
use super::arguments::of_query;
use crate::arguments::options;
use crate::commands::status::{self, StatusOptions};
use crate::limits::MAX_EVENTS_LISTED;
use axum::extract::{RawQuery, State};
use serde_json::json;
use std::sync::Arc;
use tidings_core::claim::ClaimState;

/// The deployment, and what its inspector can do.
pub(super) async fn about(State(inspector): State<Arc<Inspector>>) -> Answer {
    let Inspector { at, project, dev, .. } = &*inspector;
    let sources: Option<Vec<String>> = match (dev, project) {
        (Some(dev), _) => Some(dev.workbench.known().sources.iter().map(|source| source.name.clone()).collect()),
        (None, Some(project)) => project.sources().ok().map(|all| all.into_iter().map(|source| source.name).collect()),
        (None, None) => None,
    };
    let states: Vec<&str> = ClaimState::ALL.iter().map(|state| state.as_str()).collect();
    Ok(inspector.shown(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "stack": at.stack,
        "region": at.region,
        "webhooks": dev.as_ref().map(|dev| &dev.webhooks),
        "project": project.as_ref().map(ToString::to_string),
        "sources": sources,
        "states": states,
        "most_events": MAX_EVENTS_LISTED,
        // Each list without a conversation reads the whole claims table.
        "billed": at.stack.is_some(),
        "requests": dev.is_some(),
        "options": at.command(""),
    })))
}

/// `tidings status --json`.
pub(super) async fn status(State(inspector): State<Arc<Inspector>>, RawQuery(query): RawQuery) -> Answer {
    let mut options: StatusOptions = options(&of_query(query.as_deref(), &["over"])?, &[])?;
    options.target.at = inspector.at.clone();
    options.url = inspector.dev.as_ref().map(|dev| dev.webhooks.clone());
    Ok::<_, Problem>(inspector.shown(status::json(&options).await))
}
