//! Operators' access to the endpoints and deliveries of outbound webhooks.

use crate::Failure;
use crate::project::Location;
use publisher::Book;
use publisher::aws::{DynamoDeliveries, DynamoEndpoints, SqsDeliveries};
use std::sync::Arc;
use tidings_config::endpoint::Endpoint;
use tidings_config::reach::Reach;
use tidings_config::time::SystemClock;
use tidings_core::aws::SecretsManager;

/// The tables, the queue and the secret of a deployment's publisher.
#[derive(Debug)]
pub(crate) struct Webhooks {
    pub(crate) endpoints: Arc<DynamoEndpoints>,
    pub(crate) deliveries: DynamoDeliveries,
    pub(crate) queue: SqsDeliveries,
    pub(crate) secrets: SecretsManager,
    /// What its publisher may reach.
    pub(crate) reach: Reach,
}

impl Webhooks {
    /// All its endpoints: those of its table, and those of the project's file here, if there is one.
    pub(crate) fn book(&self) -> Result<Book, Failure> {
        Ok(Book::new(of_project()?, Arc::clone(&self.endpoints) as _, Arc::new(SystemClock)))
    }
}

/// The endpoints of `endpoints.yaml` and the sinks of `sinks.yaml` of the project here.
fn of_project() -> Result<Vec<Endpoint>, Failure> {
    let Some(location) = Location::find()? else { return Ok(Vec::new()) };
    let refused = |report| crate::project::refused(&report);
    let mut all = match location.optional(crate::project::ENDPOINTS)? {
        None => Vec::new(),
        Some(file) => tidings_project::read_endpoints(&file.shown, &file.text).map_err(refused)?,
    };
    if let Some(file) = location.optional(crate::project::SINKS)? {
        let sinks = tidings_project::read_sinks(&file.shown, &file.text).map_err(refused)?;
        all.extend(sinks.into_iter().map(|sink| sink.endpoint));
    }
    Ok(all)
}
