//! The endpoints of the project's file and those registered at run time, as one list.
//!
//! The list is read again after [`ENDPOINTS_KEPT`]. If it can't be, the one before stays in use; without any, nothing is
//! delivered and nothing is deleted from the queue.

use crate::endpoint::{EndpointRecord, Registered, Status};
use crate::limits::{ENDPOINTS_KEPT, MAX_TRIES};
use crate::ports::EndpointStore;
use crate::secrets::locked;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::endpoint::{Endpoint, EndpointId};
use tidings_config::limits::MAX_ENDPOINTS;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::ports::{Replaced, Unavailable};

/// All endpoints.
#[derive(Debug)]
pub struct Book {
    of_file: BTreeMap<EndpointId, Endpoint>,
    store: Arc<dyn EndpointStore>,
    clock: Arc<dyn Clock>,
    kept: Duration,
    known: Mutex<Option<(Timestamp, Arc<Vec<Registered>>)>>,
}

impl Book {
    pub fn new(of_file: Vec<Endpoint>, store: Arc<dyn EndpointStore>, clock: Arc<dyn Clock>) -> Self {
        let of_file = of_file.into_iter().map(|endpoint| (endpoint.id.clone(), endpoint)).collect();
        Self { of_file, store, clock, kept: ENDPOINTS_KEPT, known: Mutex::default() }
    }

    /// With more of the project's files: sinks.
    #[must_use]
    pub fn and(mut self, more: impl IntoIterator<Item = Endpoint>) -> Self {
        self.of_file.extend(more.into_iter().map(|endpoint| (endpoint.id.clone(), endpoint)));
        self
    }

    /// Reads the list each time.
    pub(crate) fn read_each_time(self) -> Self {
        Self { kept: Duration::ZERO, ..self }
    }

    /// All endpoints, the most urgent first, perhaps as they were a moment ago.
    pub async fn all(&self) -> Result<Arc<Vec<Registered>>, Unavailable> {
        let now = self.clock.now();
        let known = locked(&self.known).clone();
        if let Some((read, all)) = &known
            && now.since(*read) < self.kept
            && *read <= now
        {
            return Ok(Arc::clone(all));
        }
        match (self.fresh().await, known) {
            (Ok(all), _) => {
                let all = Arc::new(all);
                *locked(&self.known) = Some((now, Arc::clone(&all)));
                Ok(all)
            }
            (Err(error), Some((_, all))) => {
                tracing::warn!(cause = %error, "the endpoints could not be read; those read before stay in use");
                Ok(all)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// All endpoints as they are now.
    pub async fn fresh(&self) -> Result<Vec<Registered>, Unavailable> {
        let records = self.store.all().await?;
        let mut all: BTreeMap<EndpointId, Registered> =
            self.of_file.values().map(|endpoint| (endpoint.id.clone(), of_file(endpoint.clone(), None))).collect();
        for record in records {
            let id = record.id.clone();
            if let Some(registered) = self.registered(record) {
                all.insert(id, registered);
            }
        }
        let (sinks, mut all): (Vec<Registered>, Vec<Registered>) =
            all.into_values().partition(|registered| registered.endpoint.id.sink().is_some());
        if all.len() > MAX_ENDPOINTS {
            tracing::error!(
                endpoints = all.len(),
                allowed = MAX_ENDPOINTS,
                "there are too many endpoints: the last ones get nothing"
            );
            all.truncate(MAX_ENDPOINTS);
        }
        all.extend(sinks);
        // A stable sort: endpoints of one priority stay in the order of their ids.
        all.sort_by_key(|registered| std::cmp::Reverse(registered.endpoint.priority));
        Ok(all)
    }

    /// One endpoint as it is now. `None`: it doesn't exist, or not any more.
    pub async fn find(&self, id: &EndpointId) -> Result<Option<Registered>, Unavailable> {
        Ok(match self.store.get(id).await? {
            Some(record) => self.registered(record),
            None => self.of_file.get(id).map(|endpoint| of_file(endpoint.clone(), None)),
        })
    }

    /// An endpoint of the file is as the file says, whatever its record holds. One that the file has no more is gone.
    fn registered(&self, record: EndpointRecord) -> Option<Registered> {
        match (self.of_file.get(&record.id), record.endpoint.clone()) {
            (Some(endpoint), _) => Some(of_file(endpoint.clone(), Some(record))),
            (None, Some(endpoint)) => {
                Some(Registered { endpoint, status: record.status, version: record.version, of_file: false })
            }
            (None, None) => None,
        }
    }

    /// Changes the status of an endpoint. `change` sees it as it is now; `None`: it stays. The status that is stored then.
    pub async fn change(
        &self,
        id: &EndpointId,
        change: impl Fn(&Status) -> Option<Status> + Send + Sync,
    ) -> Result<Option<Registered>, Unavailable> {
        self.edit(id, |registered| change(&registered.status).map(|status| registered.record(status))).await
    }

    /// Changes an endpoint. `change` sees it as it is now, and gives the record to store; `None`: it stays. What is stored then.
    pub async fn edit(
        &self,
        id: &EndpointId,
        change: impl Fn(&Registered) -> Option<EndpointRecord> + Send + Sync,
    ) -> Result<Option<Registered>, Unavailable> {
        for _ in 0..MAX_TRIES {
            let Some(registered) = self.find(id).await? else { return Ok(None) };
            let Some(record) = change(&registered) else { return Ok(Some(registered)) };
            match self.store.put(&record).await? {
                Replaced::Yes => {
                    *locked(&self.known) = None;
                    let endpoint = record.endpoint.unwrap_or(registered.endpoint);
                    let version = Some(registered.version.map_or(0, |version| version + 1));
                    return Ok(Some(Registered { endpoint, status: record.status, version, ..registered }));
                }
                Replaced::Changed => {}
            }
        }
        Err(Unavailable { call: "dynamodb:PutItem", cause: format!("others changed endpoint {id} each of {MAX_TRIES} times") })
    }
}

fn of_file(endpoint: Endpoint, record: Option<EndpointRecord>) -> Registered {
    let (status, version) = record.map_or_else(|| (Status::default(), None), |record| (record.status, record.version));
    Registered { endpoint, status, version, of_file: true }
}
