//! The embedded SQS of `--data`: winterbaume's protocol in front of messages that are on the disk. What a queue is (its name, its
//! attributes) is made from `template.yaml` at every start, and stays in winterbaume's memory; what is in it is in [`store`].

pub(super) mod legacy;
pub(super) mod store;
#[cfg(test)]
mod tests;

use super::disk::{Disk, Part};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use store::{New, Queue, Receipt, Redrive, Store, Taken};
use tidings_config::time::{Clock, SystemClock};
use winterbaume_sqs::state::SqsError;
use winterbaume_sqs::types::{Message, MessageAttribute, MessageMoveTask};
use winterbaume_sqs::{InMemorySqsBackend, SendMessageOutput, SqsBackend, SqsStateView, StateViewError};

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, SqsError>> + Send>>;
type Attributes = HashMap<String, String>;

/// A [`SqsBackend`] whose messages outlive the process.
#[derive(Clone)]
pub(crate) struct DurableQueues {
    inner: Arc<InMemorySqsBackend>,
    store: Arc<Store>,
    disk: Arc<Disk>,
}

impl DurableQueues {
    pub(crate) fn new(store: Arc<Store>, disk: Arc<Disk>) -> Self {
        Self { inner: Arc::new(InMemorySqsBackend::new()), store, disk }
    }

    /// Calls the store, where it may wait for the disk. What it says when it fails is said to people too.
    async fn stored<T: Send + 'static>(
        self,
        writes: bool,
        call: impl FnOnce(&Store, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, SqsError> {
        let (store, now_ms) = (Arc::clone(&self.store), SystemClock.now().unix_ms());
        let done = tokio::task::spawn_blocking(move || call(&store, now_ms)).await;
        match done {
            Ok(Ok(done)) => {
                if writes {
                    self.disk.wrote(Part::Queues);
                }
                Ok(done)
            }
            Ok(Err(error)) => {
                self.disk.failed(Part::Queues, &error.to_string());
                Err(SqsError::InternalError(error.to_string()))
            }
            Err(error) => Err(SqsError::InternalError(error.to_string())),
        }
    }

    async fn attributes(&self, account: String, region: String, name: String) -> Result<Attributes, SqsError> {
        self.inner.get_queue_attributes(account, region, name).await
    }
}

/// What is kept of an attribute.
#[derive(Serialize, Deserialize)]
struct StoredAttribute {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<Vec<u8>>,
}

fn encoded(attributes: HashMap<String, MessageAttribute>) -> Result<String, SqsError> {
    let stored = |a: MessageAttribute| StoredAttribute {
        data_type: a.data_type,
        string_value: a.string_value,
        binary_value: a.binary_value,
    };
    let stored: HashMap<String, StoredAttribute> = attributes.into_iter().map(|(name, a)| (name, stored(a))).collect();
    serde_json::to_string(&stored).map_err(|error| SqsError::InternalError(error.to_string()))
}

fn decoded(attributes: &str) -> Result<HashMap<String, MessageAttribute>, SqsError> {
    let stored: HashMap<String, StoredAttribute> =
        serde_json::from_str(attributes).map_err(|error| SqsError::InternalError(error.to_string()))?;
    let attribute = |a: StoredAttribute| MessageAttribute {
        data_type: a.data_type,
        string_value: a.string_value,
        binary_value: a.binary_value,
    };
    Ok(stored.into_iter().map(|(name, a)| (name, attribute(a))).collect())
}

fn message(taken: Taken) -> Result<Message, SqsError> {
    Ok(Message {
        message_id: taken.id,
        body_md5: md5(&taken.body),
        body: taken.body,
        all_receipt_handles: vec![taken.receipt.clone()],
        receipt_handle: Some(taken.receipt),
        sender_id: "tidings-dev".to_owned(),
        sent_timestamp: taken.sent_ms,
        approximate_first_receive_timestamp: Some(taken.first_received_ms),
        approximate_receive_count: taken.receives,
        visible_at: 0,
        message_attributes: decoded(&taken.attributes)?,
    })
}

fn md5(body: &str) -> String {
    use std::fmt::Write as _;
    Md5::digest(body.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn number(attributes: &Attributes, name: &str) -> u32 {
    attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn queue(name: String, attributes: &Attributes) -> Queue {
    let redrive = attributes.get("RedrivePolicy").and_then(|policy| serde_json::from_str(policy).ok()).and_then(redrive);
    Queue { name, visibility_timeout_s: number(attributes, "VisibilityTimeout"), redrive }
}

fn redrive(policy: serde_json::Value) -> Option<Redrive> {
    let to = policy["deadLetterTargetArn"].as_str()?.rsplit(':').next()?.to_owned();
    Some(Redrive { to, max_receives: policy["maxReceiveCount"].as_u64()?.try_into().ok()? })
}

fn receipt(handle: String) -> Result<Receipt, SqsError> {
    handle.parse().map_err(|()| SqsError::InvalidReceiptHandle { receipt_handle: handle })
}

impl SqsBackend for DurableQueues {
    fn send_message(
        &self,
        account_id: String,
        region: String,
        queue_name: String,
        body: String,
        delay_seconds: Option<u32>,
        message_attributes: HashMap<String, MessageAttribute>,
        message_group_id: Option<String>,
        message_deduplication_id: Option<String>,
    ) -> Answer<SendMessageOutput> {
        let this = self.clone();
        Box::pin(async move {
            let of_queue = this.attributes(account_id, region, queue_name.clone()).await?;
            // A claim that couldn't be written a moment ago: an event whose claim can't be kept isn't accepted either.
            if this.disk.fails(Part::Tables) {
                return Err(SqsError::InternalError("the tables can't be written".to_owned()));
            }
            let (attributes, body_md5) = (encoded(message_attributes)?, md5(&body));
            let delay_s = delay_seconds.unwrap_or_else(|| number(&of_queue, "DelaySeconds"));
            let sent = this.stored(true, move |store, now_ms| {
                let message = New {
                    body: &body,
                    attributes: &attributes,
                    delay_s,
                    group: message_group_id.as_deref(),
                    deduplication: message_deduplication_id.as_deref(),
                };
                store.send(&queue_name, &message, now_ms)
            });
            Ok(SendMessageOutput { message_id: sent.await?, body_md5 })
        })
    }

    fn receive_messages(
        &self,
        account_id: String,
        region: String,
        queue_name: String,
        max: usize,
        visibility_timeout: Option<u32>,
    ) -> Answer<Vec<Message>> {
        let this = self.clone();
        Box::pin(async move {
            let queue = queue(queue_name.clone(), &this.attributes(account_id, region, queue_name).await?);
            let taken = this.stored(false, move |store, now_ms| store.receive(&queue, max, visibility_timeout, now_ms)).await?;
            taken.into_iter().map(message).collect()
        })
    }

    fn delete_message(&self, _: String, _: String, queue_name: String, receipt_handle: String) -> Answer<()> {
        let this = self.clone();
        Box::pin(async move {
            let receipt = receipt(receipt_handle)?;
            this.stored(true, move |store, _| store.delete(&queue_name, &receipt)).await
        })
    }

    fn purge_queue(&self, _: String, _: String, queue_name: String) -> Answer<()> {
        let this = self.clone();
        Box::pin(async move { this.stored(true, move |store, _| store.purge(&queue_name)).await })
    }

    fn change_message_visibility(
        &self,
        _: String,
        _: String,
        queue_name: String,
        receipt_handle: String,
        visibility_timeout: u32,
    ) -> Answer<()> {
        let this = self.clone();
        Box::pin(async move {
            let receipt = receipt(receipt_handle)?;
            let changed = this
                .stored(true, move |store, now_ms| store.change_visibility(&queue_name, &receipt, visibility_timeout, now_ms));
            let receipt_handle = receipt.to_string();
            if changed.await? { Ok(()) } else { Err(SqsError::InvalidReceiptHandle { receipt_handle }) }
        })
    }

    fn change_message_visibility_batch(
        &self,
        account_id: String,
        region: String,
        queue_name: String,
        entries: Vec<(String, String, u32)>,
    ) -> Answer<Vec<String>> {
        let this = self.clone();
        Box::pin(async move {
            let mut changed = Vec::new();
            for (id, handle, timeout) in entries {
                this.change_message_visibility(account_id.clone(), region.clone(), queue_name.clone(), handle, timeout).await?;
                changed.push(id);
            }
            Ok(changed)
        })
    }

    fn get_queue_attributes(&self, account_id: String, region: String, queue_name: String) -> Answer<Attributes> {
        let this = self.clone();
        Box::pin(async move {
            let mut attributes = this.attributes(account_id, region, queue_name.clone()).await?;
            let counts = this.stored(false, move |store, now_ms| store.counts(&queue_name, now_ms)).await?;
            let named = [("", counts.visible), ("NotVisible", counts.in_flight), ("Delayed", counts.delayed)];
            attributes.extend(named.map(|(which, n)| (format!("ApproximateNumberOfMessages{which}"), n.to_string())));
            Ok(attributes)
        })
    }

    fn delete_queue(&self, account_id: String, region: String, queue_name: String) -> Answer<()> {
        let this = self.clone();
        Box::pin(async move {
            this.inner.delete_queue(account_id, region, queue_name.clone()).await?;
            this.stored(true, move |store, _| store.purge(&queue_name)).await
        })
    }

    // What a queue is, and not what is in it.

    fn create_queue(
        &self,
        account_id: String,
        region: String,
        name: String,
        attributes: Attributes,
        tags: Option<HashMap<String, String>>,
    ) -> Answer<winterbaume_sqs::types::Queue> {
        self.inner.create_queue(account_id, region, name, attributes, tags)
    }

    fn get_queue_url(&self, account_id: String, region: String, queue_name: String) -> Answer<String> {
        self.inner.get_queue_url(account_id, region, queue_name)
    }

    fn set_queue_attributes(&self, account_id: String, region: String, queue_name: String, attributes: Attributes) -> Answer<()> {
        self.inner.set_queue_attributes(account_id, region, queue_name, attributes)
    }

    fn list_queues(
        &self,
        account_id: String,
        region: String,
        prefix: Option<String>,
    ) -> Answer<Vec<winterbaume_sqs::types::Queue>> {
        self.inner.list_queues(account_id, region, prefix)
    }

    fn list_queue_tags(&self, account_id: String, region: String, queue_name: String) -> Answer<HashMap<String, String>> {
        self.inner.list_queue_tags(account_id, region, queue_name)
    }

    fn tag_queue(&self, account_id: String, region: String, queue_name: String, tags: HashMap<String, String>) -> Answer<()> {
        self.inner.tag_queue(account_id, region, queue_name, tags)
    }

    fn untag_queue(&self, account_id: String, region: String, queue_name: String, tag_keys: Vec<String>) -> Answer<()> {
        self.inner.untag_queue(account_id, region, queue_name, tag_keys)
    }

    fn add_permission(
        &self,
        account_id: String,
        region: String,
        queue_name: String,
        label: String,
        aws_account_ids: Vec<String>,
        actions: Vec<String>,
    ) -> Answer<()> {
        self.inner.add_permission(account_id, region, queue_name, label, aws_account_ids, actions)
    }

    fn remove_permission(&self, account_id: String, region: String, queue_name: String, label: String) -> Answer<()> {
        self.inner.remove_permission(account_id, region, queue_name, label)
    }

    fn list_dead_letter_source_queues(&self, account_id: String, region: String, queue_name: String) -> Answer<Vec<String>> {
        self.inner.list_dead_letter_source_queues(account_id, region, queue_name)
    }

    fn start_message_move_task(&self, _: String, _: String, _: String, _: Option<String>, _: Option<i32>) -> Answer<String> {
        Box::pin(async { Err(unmoved()) })
    }

    fn cancel_message_move_task(&self, _: String, _: String, _: String) -> Answer<i64> {
        Box::pin(async { Err(unmoved()) })
    }

    fn list_message_move_tasks(&self, _: String, _: String, _: String) -> Answer<Vec<MessageMoveTask>> {
        Box::pin(async { Err(unmoved()) })
    }

    fn scopes_with_state(&self) -> Vec<(String, String)> {
        self.inner.scopes_with_state()
    }

    fn snapshot(&self, account_id: String, region: String) -> Pin<Box<dyn Future<Output = SqsStateView> + Send>> {
        self.inner.snapshot(account_id, region)
    }

    fn restore(
        &self,
        account_id: String,
        region: String,
        view: SqsStateView,
    ) -> Pin<Box<dyn Future<Output = Result<(), StateViewError>> + Send>> {
        self.inner.restore(account_id, region, view)
    }

    fn merge(
        &self,
        account_id: String,
        region: String,
        view: SqsStateView,
    ) -> Pin<Box<dyn Future<Output = Result<(), StateViewError>> + Send>> {
        self.inner.merge(account_id, region, view)
    }
}

/// Tidings moves dead letters one by one, as it must on AWS.
fn unmoved() -> SqsError {
    SqsError::InternalError("message move tasks aren't part of the embedded SQS".to_owned())
}
