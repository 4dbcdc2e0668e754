//! An event source mapping: it receives batches from the queue, passes them to the processor or the publisher, and deletes the messages
//! that aren't in the partial response. The others become visible again. The queue does the redrive.

use super::cloud::Cloud;
use super::queues::store::{Receipt, ReceiveFailure};
use super::workbench::Workbench;
use crate::dev_client::{DELIVERIES_QUEUE, EVENTS_QUEUE, LINKS_QUEUE, PUBLISHED_QUEUE};
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::receive_message::{ReceiveMessageError, ReceiveMessageOutput};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use std::sync::Arc;
use std::time::Duration;
use tidings_core::aws::cause;
use tokio::sync::watch;

/// Wait time of a receive: SQS's maximum.
pub(super) const WAIT_SECONDS: i32 = 20;

/// Pause after a failed receive.
pub(super) const FAILED_PAUSE: Duration = Duration::from_secs(1);

/// Pause while the disk is full.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

/// The processor's timeout for a batch.
const TIME_FOR_A_BATCH: Duration = Duration::from_secs(30);

/// The source queue of a mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    Events,
    Links,
    Published,
    Deliveries,
}

impl From {
    fn name(self) -> &'static str {
        match self {
            Self::Events => EVENTS_QUEUE,
            Self::Links => LINKS_QUEUE,
            Self::Published => PUBLISHED_QUEUE,
            Self::Deliveries => DELIVERIES_QUEUE,
        }
    }

    fn url(self, cloud: &Cloud) -> &str {
        match self {
            Self::Events => &cloud.events_queue_url,
            Self::Links => &cloud.links_queue_url,
            Self::Published => &cloud.published_queue_url,
            Self::Deliveries => &cloud.deliveries_queue_url,
        }
    }

    /// The ARN in a record. Only the processor looks at it, to know links.
    fn arn(self, cloud: &Cloud) -> Option<String> {
        match self {
            Self::Events | Self::Published | Self::Deliveries => None,
            Self::Links => Some(cloud.links_queue_arn.clone()),
        }
    }
}

/// Polls until `stop` turns true. Ends between two batches.
pub(crate) async fn run(cloud: Arc<Cloud>, from: From, workbench: Arc<Workbench>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let messages = tokio::select! {
            messages = receive(&cloud, from) => messages,
            _ = stop.changed() => continue,
        };
        if messages.is_empty() {
            continue;
        }
        let mut event = SqsEvent::default();
        event.records = messages.iter().map(|message| record(message, from.arn(&cloud))).collect();
        let failures = cloud.disk.failures();
        let response = match from {
            From::Events | From::Links => workbench.processor().handle(event, TIME_FOR_A_BATCH).await,
            From::Published | From::Deliveries => workbench.publisher().handle(event.records, TIME_FOR_A_BATCH).await,
        };
        cloud.pulse.send_replace(());
        let kept = |message: &&Message| {
            response.batch_item_failures.iter().any(|f| Some(f.item_identifier.as_str()) == message.message_id())
        };
        workbench.requests().changed();
        delete(&cloud, from, messages.iter().filter(|message| !kept(message))).await;
        let full = cloud.disk.failures() != failures;
        release(&cloud, from, messages.iter().filter(kept), if full { ReceiveFailure::DiskFull } else { ReceiveFailure::Failed })
            .await;
        if full {
            tokio::select! {
                () = tokio::time::sleep(FULL_DISK_PAUSE) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

async fn receive(cloud: &Cloud, from: From) -> Vec<Message> {
    let received = cloud
        .sqs
        .receive_message()
        .queue_url(from.url(cloud))
        .max_number_of_messages(cloud.batch_size)
        .wait_time_seconds(WAIT_SECONDS)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
        .send()
        .await;
    messages_of(received).await
}

/// The messages of a receive. After a failed one there are none, and a pause.
pub(super) async fn messages_of(received: Result<ReceiveMessageOutput, SdkError<ReceiveMessageError>>) -> Vec<Message> {
    match received {
        Ok(output) => output.messages.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(cause = cause(&error), "can't receive");
            tokio::time::sleep(FAILED_PAUSE).await;
            Vec::new()
        }
    }
}

pub(super) fn record(message: &Message, event_source_arn: Option<String>) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.event_source_arn = event_source_arn;
    record.message_id = message.message_id.clone();
    record.receipt_handle = message.receipt_handle.clone();
    record.body = message.body.clone();
    record.attributes =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
    record
}

async fn delete(cloud: &Cloud, from: From, messages: impl Iterator<Item = &Message>) {
    let entry = |(index, message): (usize, &Message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(message.receipt_handle()?);
        entry.build().ok()
    };
    let entries: Vec<_> = messages.enumerate().filter_map(entry).collect();
    if entries.is_empty() {
        return;
    }
    let deleted = cloud.sqs.delete_message_batch().queue_url(from.url(cloud)).set_entries(Some(entries)).send().await;
    if let Err(error) = deleted {
        tracing::warn!(cause = cause(&error), "can't delete messages; they are received again, which is harmless");
    }
}

/// A full disk doesn't move an event to the dead-letter queue: its receives aren't counted. If this can't be written
/// either, nothing is received, because a receive is a write.
async fn release(cloud: &Cloud, from: From, messages: impl Iterator<Item = &Message>, ended: ReceiveFailure) {
    let store = Arc::clone(&cloud.store);
    let receipts: Vec<Receipt> = messages.filter_map(|message| message.receipt_handle()?.parse().ok()).collect();
    if receipts.is_empty() {
        return;
    }
    let released = tokio::task::spawn_blocking(move || store.release(from.name(), &receipts, ended)).await;
    if let Ok(Err(error)) = released {
        tracing::warn!(cause = %error, "can't stop receiving");
    }
}
