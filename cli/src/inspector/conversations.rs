//! A conversation: its facts, its dialogue node and its timeline.

use super::Inspector;
use super::answer::{Answer, Problem};
use crate::commands::context::show;
use axum::extract::{Path, State};
use std::sync::Arc;

/// `tidings context show --json`.
pub(super) async fn show(State(inspector): State<Arc<Inspector>>, Path(name): Path<String>) -> Answer {
    let (context, timeline) = show::found(&name, &inspector.at).await?;
    if context.entities.is_empty() && context.node.is_none() && timeline.is_empty() {
        return Err(Problem::not_found(format!("there is no context for {name:?}")));
    }
    Ok(inspector.shown(show::json(&context, &timeline)))
}
