//! The embedded SQS. It answers send, receive, delete and changes of visibility as AWS does. [`store`] contains the
//! messages, with `--data` on the disk. [`known`] contains the queues and their attributes.
//!
//! A waiting receive (`WaitTimeSeconds`) is woken by the message. It doesn't poll.

pub(crate) mod known;
pub(super) mod legacy;
mod messages;
mod schema;
pub(super) mod store;
#[cfg(test)]
mod tests;
mod wire;

use super::clock::WorkClock;
use super::disk::{Disk, Part};
use crate::dev_client::aws::queue_url_at;
use crate::dev_client::{ACCOUNT, REGION};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use known::{Attributes, Known};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use store::Store;
use tidings_config::time::Clock;
use wire::Refused;

const TARGET_PREFIX: &str = "AmazonSQS.";

/// The embedded SQS, for clients in this process and for [`super::door`].
#[derive(Clone)]
pub(crate) struct Queues {
    known: Arc<Known>,
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
    pub(crate) fn new(known: Known, store: Arc<Store>, clock: Arc<WorkClock>, disk: Arc<Disk>) -> Self {
        Self { known: Arc::new(known), store, clock, disk }
    }

    /// Answers an operation by its name.
    pub(crate) async fn answer(&self, operation: &str, body: &[u8]) -> Response {
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
            "GetQueueUrl" => self.call(body, async |queues: &Self, request| queues.known.url_of(&request)).await,
            "ListQueues" => self.call(body, async |queues: &Self, request| Ok(queues.known.list(&request))).await,
            "ListDeadLetterSourceQueues" => {
                self.call(body, async |queues: &Self, request| queues.known.sources_of(&request)).await
            }
            "ListQueueTags" => self.call(body, Self::tags_of).await,
            other => Err(Refused::unsupported(other)),
        };
        match answered {
            Ok(json) => wire::response(StatusCode::OK, json),
            Err(refused) => refused.into_response(),
        }
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

    /// Calls the store on a thread that may block on the disk. A failure of the disk is also reported on the terminal.
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

    /// The name of the queue with this URL, and its attributes.
    fn queue(&self, url: &str) -> Result<(String, &Attributes), Refused> {
        self.known.find(url).map(|(name, attributes)| (name.to_owned(), attributes))
    }

    async fn attributes_of(&self, request: wire::GetQueueAttributes) -> Result<Value, Refused> {
        let (name, attributes) = self.queue(&request.queue_url)?;
        let mut attributes = attributes.clone();
        let counts = self.stored(false, move |store, now_ms| store.counts(&name, now_ms)).await?;
        let named = [("", counts.visible), ("NotVisible", counts.in_flight), ("Delayed", counts.delayed)];
        attributes.extend(named.map(|(which, n)| (format!("ApproximateNumberOfMessages{which}"), n.to_string())));
        attributes.retain(|name, _| wire::is_wanted(&request.attribute_names, name));
        Ok(json!({ "Attributes": attributes }))
    }

    async fn purge(&self, request: wire::QueueUrlRequest) -> Result<Value, Refused> {
        let (name, _) = self.queue(&request.queue_url)?;
        self.stored(true, move |store, _| store.purge(&name)).await?;
        Ok(json!({}))
    }

    async fn tags_of(&self, request: wire::QueueUrlRequest) -> Result<Value, Refused> {
        self.queue(&request.queue_url)?;
        Ok(json!({ "Tags": {} }))
    }
}

/// The operation of SQS that a request names. `None` if it names none.
pub(crate) fn operation(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-target")?.to_str().ok()?.strip_prefix(TARGET_PREFIX)
}
