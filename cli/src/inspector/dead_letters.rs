//! Dead-lettered events, and their redrive.

use super::Inspector;
use super::answer::Answer;
use super::arguments::of_query;
use crate::arguments::options;
use crate::commands::dlq::DlqRedrive;
use crate::commands::dlq::list::{self, DlqList};
use crate::commands::dlq::redrive;
use crate::one_thread::on_one_thread;
use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The parameters that select events.
const FILTER: [&str; 7] = ["since", "until", "source", "type", "reason", "conversation", "key"];

/// `tidings dlq list --json`, with the first events.
pub(super) async fn list(State(inspector): State<Arc<Inspector>>, RawQuery(query): RawQuery) -> Answer {
    let options: DlqList = options(&of_query(query.as_deref(), &FILTER)?, &[])?;
    let at = inspector.at.clone();
    let json = on_one_thread(move || async move { list::json(&options.filter, &at).await }).await?;
    Ok(inspector.shown(json))
}

/// What to redrive, as `tidings dlq redrive` selects it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Redrive {
    #[serde(default)]
    filter: BTreeMap<String, String>,
    /// `--yes`: a person has confirmed it on the page. Otherwise it is a dry run.
    #[serde(default)]
    confirmed: bool,
}

/// `tidings dlq redrive --json`.
pub(super) async fn redrive(State(inspector): State<Arc<Inspector>>, Json(given): Json<Redrive>) -> Answer {
    let filter = form_urlencoded::Serializer::new(String::new()).extend_pairs(&given.filter).finish();
    let named = of_query(Some(&filter), &FILTER)?;
    let mut options: DlqRedrive = options(&named, if given.confirmed { &["yes"] } else { &[] })?;
    options.target.at = inspector.at.clone();
    let json = on_one_thread(move || async move { redrive::redriven(&options).await }).await?;
    if let Some(dev) = &inspector.dev {
        dev.workbench.requests().changed();
    }
    Ok(inspector.shown(json))
}
