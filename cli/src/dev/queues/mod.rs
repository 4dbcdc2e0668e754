//! The embedded SQS. What is sent, received, deleted and hidden is answered here, as AWS answers it, from messages that are in
//! [`store`]: on the disk with `--data`. What a queue is (its name, its attributes, its tags) is made from `template.yaml` at every
//! start and is winterbaume's, whose protocol has no groups, no deduplication ids and no filters of attributes.
//!
//! A receive that waits (`WaitTimeSeconds`) is woken by the message, not by a poll.

pub(super) mod legacy;
mod messages;
mod schema;
pub(super) mod store;
#[cfg(test)]
mod tests;
mod wire;

use super::clock::WorkClock;
use super::disk::{Disk, Part};
use crate::dev_client::ACCOUNT;
use http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use store::Store;
use tidings_config::time::Clock;
use winterbaume_core::{MockRequest, MockResponse, MockService};
use winterbaume_sqs::{InMemorySqsBackend, SqsBackend, SqsService};
use wire::Refused;

/// Where the queues are as far as their addresses say it: [`super::door`] puts its own address in its place.
pub(crate) const PLACE: &str = "https://sqs.eu-central-1.amazonaws.com";

const TARGET_PREFIX: &str = "AmazonSQS.";

/// The embedded SQS, for clients in this process and for [`super::door`].
#[derive(Clone)]
pub(crate) struct Queues {
    service: Arc<SqsService>,
    /// What the queues are.
    known: Arc<InMemorySqsBackend>,
    store: Arc<Store>,
    clock: Arc<WorkClock>,
    disk: Arc<Disk>,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Queues {
    pub(crate) fn new(store: Arc<Store>, clock: Arc<WorkClock>, disk: Arc<Disk>) -> Self {
        let known = Arc::new(InMemorySqsBackend::new());
        let service = Arc::new(SqsService::with_backend(Arc::clone(&known) as _));
        Self { service, known, store, clock, disk }
    }

    /// Answers an operation by its name.
    pub(crate) async fn answer(&self, operation: &str, body: &[u8]) -> MockResponse {
        let answered = match operation {
            "SendMessage" => self.call(body, Self::send).await,
            "SendMessageBatch" => self.call(body, Self::send_batch).await,
            "ReceiveMessage" => self.call(body, Self::receive).await,
            "DeleteMessage" => self.call(body, Self::delete).await,
            "DeleteMessageBatch" => self.call(body, Self::delete_batch).await,
            "ChangeMessageVisibility" => self.call(body, Self::change_visibility).await,
            "ChangeMessageVisibilityBatch" => self.call(body, Self::change_visibility_batch).await,
            "GetQueueAttributes" => self.call(body, Self::attributes_of).await,
            "PurgeQueue" => self.call(body, Self::purge).await,
            "StartMessageMoveTask" | "CancelMessageMoveTask" | "ListMessageMoveTasks" => Err(Refused::unsupported(operation)),
            _ => return self.of_queues(operation, body).await,
        };
        match answered {
            Ok(json) => MockResponse::json(200, json),
            Err(refused) => refused.response(),
        }
    }

    /// What is about a queue, and not about what is in it.
    async fn of_queues(&self, operation: &str, body: &[u8]) -> MockResponse {
        let mut headers = HeaderMap::new();
        if let Ok(target) = format!("{TARGET_PREFIX}{operation}").parse() {
            headers.insert("x-amz-target", target);
        }
        let body = body.to_vec().into();
        self.service.handle(MockRequest { method: "POST".to_owned(), uri: format!("{PLACE}/"), headers, body }).await
    }

    async fn call<'q, R, A, F>(&'q self, body: &[u8], operation: impl FnOnce(&'q Self, R) -> F) -> Result<String, Refused>
    where
        R: DeserializeOwned,
        A: Serialize,
        F: Future<Output = Result<A, Refused>>,
    {
        let request = serde_json::from_slice(body).map_err(|error| Refused::unreadable(&error))?;
        let answer = operation(self, request).await?;
        serde_json::to_string(&answer).map_err(|error| Refused::internal(&error))
    }

    /// Calls the store, where it may wait for the disk. A disk that fails is said to people too.
    async fn stored<T: Send + 'static>(
        &self,
        writes: bool,
        call: impl FnOnce(&Store, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refused> {
        let (store, now_ms) = (Arc::clone(&self.store), self.clock.now().unix_ms());
        match tokio::task::spawn_blocking(move || call(&store, now_ms)).await {
            Ok(Ok(done)) => {
                if writes {
                    self.disk.wrote(Part::Queues);
                }
                Ok(done)
            }
            Ok(Err(error)) => {
                self.disk.failed(Part::Queues, &error.to_string());
                Err(Refused::internal(&error))
            }
            Err(error) => Err(Refused::internal(&error)),
        }
    }

    /// The queue of an address, and its attributes.
    async fn queue(&self, url: &str) -> Result<(String, HashMap<String, String>), Refused> {
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        let region = winterbaume_core::auth::extract_region_from_uri(PLACE);
        let attributes = self.known.get_queue_attributes(ACCOUNT.to_owned(), region, name.clone()).await;
        attributes.map(|attributes| (name, attributes)).map_err(|_| Refused::no_queue())
    }

    async fn attributes_of(&self, request: wire::GetQueueAttributes) -> Result<Value, Refused> {
        let (name, mut attributes) = self.queue(&request.queue_url).await?;
        let counts = self.stored(false, move |store, now_ms| store.counts(&name, now_ms)).await?;
        let named = [("", counts.visible), ("NotVisible", counts.in_flight), ("Delayed", counts.delayed)];
        attributes.extend(named.map(|(which, n)| (format!("ApproximateNumberOfMessages{which}"), n.to_string())));
        attributes.retain(|name, _| wire::is_wanted(&request.attribute_names, name));
        Ok(json!({ "Attributes": attributes }))
    }

    async fn purge(&self, request: wire::OfQueue) -> Result<Value, Refused> {
        let (name, _) = self.queue(&request.queue_url).await?;
        self.stored(true, move |store, _| store.purge(&name)).await?;
        Ok(json!({}))
    }
}

impl MockService for Queues {
    fn service_name(&self) -> &str {
        self.service.service_name()
    }

    fn url_patterns(&self) -> Vec<&str> {
        self.service.url_patterns()
    }

    fn handle(&self, request: MockRequest) -> Pin<Box<dyn Future<Output = MockResponse> + Send + '_>> {
        Box::pin(async move { self.answer(operation(&request.headers).unwrap_or_default(), &request.body).await })
    }
}

/// The operation of SQS that a request names; `None` where it names none.
pub(crate) fn operation(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-target")?.to_str().ok()?.strip_prefix(TARGET_PREFIX)
}
