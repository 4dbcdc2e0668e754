//! The ports' suites with the memory adapters, and with the real SDK against the embedded emulators.

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use processor::decode::receive_count;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tidings_cli::dev::cloud::{Cloud, Options};
use tidings_cli::stack::Reader;
use tidings_config::time::Timestamp;
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::Context;
use tidings_core::memory::{
    Call, Fault, Faults, MemoryActions, MemoryForwards, MemoryHttps, MemoryQueue, MemorySecrets, MemorySends, MemoryStore,
    MemoryTenants, MemoryTimers,
};
use tidings_core::ports::SecretStore;
use tidings_core::stored_event::StoredEvent;
use tidings_tests::conformance::{self, Inspect, Tables};
use tidings_tests::{sends, tenants, webhook_stores};

#[async_trait::async_trait]
impl Inspect for Memory {
    async fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.0.claim(key)
    }

    async fn kept(&self, key: &ClaimKey) -> Option<StoredEvent> {
        self.0.kept(key)
    }

    async fn context(&self, conversation: &str) -> Context {
        self.0.context(conversation)
    }

    async fn timeline(&self, conversation: &str) -> Vec<Claim> {
        self.0.timeline(conversation)
    }
}

/// Before any expiry.
const LONG_AGO: Timestamp = Timestamp::from_unix_ms(i64::MIN);

struct Memory(Arc<MemoryStore>);

struct Embedded(Reader);

#[async_trait::async_trait]
impl Inspect for Embedded {
    async fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.0.claim(key).await.expect("an answer")
    }

    async fn kept(&self, key: &ClaimKey) -> Option<StoredEvent> {
        self.0.record(key).await.expect("an answer").and_then(|(_, event)| event)
    }

    async fn context(&self, conversation: &str) -> Context {
        self.0.context(conversation, LONG_AGO).await.expect("an answer")
    }

    async fn timeline(&self, conversation: &str) -> Vec<Claim> {
        let context = self.context(conversation).await;
        self.0.timeline(&context).await.expect("an answer")
    }
}

fn memory() -> Tables {
    let store = Arc::new(MemoryStore::default());
    Tables {
        claims: store.clone(),
        contexts: store.clone(),
        feeds: store.clone(),
        statuses: store.clone(),
        outbox: store.clone(),
        inspect: Arc::new(Memory(store)),
    }
}

async fn cloud() -> Cloud {
    let options = Options { dynamodb_port: 0, data: None, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
    Cloud::start(options).await.expect("the embedded cloud")
}

/// Two clouds, with queues in memory and on the disk. They must not differ.
async fn clouds(test: &str) -> [(Cloud, Option<Folder>); 2] {
    let folder = Folder(std::env::temp_dir().join(format!("tidings-conformance-{test}-{}", std::process::id())));
    let durable =
        Options { dynamodb_port: 0, data: Some(&folder.0), secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
    let durable = Cloud::start(durable).await.expect("the embedded cloud in a folder");
    [(cloud().await, None), (durable, Some(folder))]
}

/// A folder that is deleted at the end of the test.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn embedded() -> Tables {
    let cloud = cloud().await;
    Tables {
        claims: Arc::new(cloud.claims()),
        contexts: Arc::new(cloud.contexts()),
        feeds: Arc::new(cloud.feed_reader()),
        statuses: Arc::new(cloud.status_reader()),
        outbox: Arc::new(cloud.outbox()),
        inspect: Arc::new(Embedded(cloud.reader())),
    }
}

#[tokio::test]
async fn claim_store_in_memory() {
    conformance::claim_store(&memory()).await;
}

#[tokio::test]
async fn claim_store_on_dynamodb() {
    conformance::claim_store(&embedded().await).await;
}

#[tokio::test]
async fn outbox_store_in_memory() {
    conformance::outbox_store(&memory()).await;
}

#[tokio::test]
async fn outbox_store_on_dynamodb() {
    conformance::outbox_store(&embedded().await).await;
}

#[tokio::test]
async fn other_bodies_in_memory() {
    conformance::other_bodies(&memory()).await;
}

#[tokio::test]
async fn other_bodies_on_dynamodb() {
    conformance::other_bodies(&embedded().await).await;
}

#[tokio::test]
async fn status_reader_in_memory() {
    conformance::status_reader(&memory()).await;
}

#[tokio::test]
async fn status_reader_on_dynamodb() {
    conformance::status_reader(&embedded().await).await;
}

#[tokio::test]
async fn feed_reader_in_memory() {
    conformance::feed_reader(&memory()).await;
}

#[tokio::test]
async fn feed_reader_on_dynamodb() {
    conformance::feed_reader(&embedded().await).await;
}

#[tokio::test]
async fn context_store_in_memory() {
    conformance::context_store(&memory()).await;
}

#[tokio::test]
async fn context_store_on_dynamodb() {
    conformance::context_store(&embedded().await).await;
}

#[tokio::test]
async fn stored_events_in_memory() {
    conformance::kept(&memory()).await;
}

#[tokio::test]
async fn stored_events_on_dynamodb() {
    conformance::kept(&embedded().await).await;
}

#[tokio::test]
async fn manual_changes_in_memory() {
    conformance::manual(&memory()).await;
}

#[tokio::test]
async fn manual_changes_embedded() {
    conformance::manual(&embedded().await).await;
}

#[tokio::test]
async fn moves_in_memory() {
    conformance::moves(&memory()).await;
}

#[tokio::test]
async fn moves_on_dynamodb() {
    conformance::moves(&embedded().await).await;
}

#[tokio::test]
async fn action_queue_in_memory() {
    let queue = MemoryActions::default();
    let taken = AtomicUsize::new(0);
    let read = async || {
        let sent = queue.sent();
        let (conversation, sequence, action) = sent.get(taken.fetch_add(1, Ordering::SeqCst))?;
        Some(action.encode(conversation, *sequence))
    };
    conformance::action_queue(&queue, read).await;
}

#[tokio::test]
async fn action_queue_on_sqs() {
    for (cloud, _folder) in clouds("action_queue_on_sqs").await {
        let read = async || {
            let received = cloud.sqs.receive_message().queue_url(&cloud.actions_queue_url).send().await.expect("an answer");
            let message = received.messages.unwrap_or_default().pop()?;
            let delete =
                cloud.sqs.delete_message().queue_url(&cloud.actions_queue_url).set_receipt_handle(message.receipt_handle);
            delete.send().await.expect("an answer");
            message.body
        };
        conformance::action_queue(&cloud.actions(), read).await;
    }
}

/// Body and receipt handle of the visible messages.
fn received(queue: &MemoryQueue) -> Vec<(String, String)> {
    let records = queue.receive(10).records.into_iter();
    records.filter_map(|record| Some((record.body?, record.receipt_handle?))).collect()
}

#[tokio::test]
async fn timer_queue_in_memory() {
    let queue = MemoryQueue::default();
    conformance::timer_queue(&queue, async || received(&queue).into_iter().map(|(body, _)| body).collect()).await;
}

#[tokio::test]
async fn timer_queue_on_sqs() {
    for (cloud, _folder) in clouds("timer_queue_on_sqs").await {
        let read = async || {
            let received = cloud.sqs.receive_message().queue_url(&cloud.events_queue_url).max_number_of_messages(10).send().await;
            received.expect("an answer").messages.unwrap_or_default().into_iter().filter_map(|m| m.body).collect()
        };
        conformance::timer_queue(&cloud.timers(), read).await;
    }
}

#[tokio::test]
async fn timer_queue_in_batches_in_memory() {
    let queue = MemoryQueue::default();
    conformance::timer_queue_in_batches(&queue, async || received(&queue).into_iter().map(|(body, _)| body).collect()).await;
}

#[tokio::test]
async fn timer_queue_in_batches_on_sqs() {
    for (cloud, _folder) in clouds("timer_queue_in_batches_on_sqs").await {
        let read = async || {
            let received = cloud.sqs.receive_message().queue_url(&cloud.events_queue_url).max_number_of_messages(10).send().await;
            received.expect("an answer").messages.unwrap_or_default().into_iter().filter_map(|m| m.body).collect()
        };
        conformance::timer_queue_in_batches(&cloud.timers(), read).await;
    }
}

#[tokio::test]
async fn timer_store_in_memory() {
    conformance::timer_store(&MemoryTimers::default()).await;
}

#[tokio::test]
async fn timer_store_on_dynamodb() {
    conformance::timer_store(&cloud().await.stored_timers()).await;
}

#[tokio::test]
async fn message_visibility_in_memory() {
    let queue = MemoryQueue::default().hiding(Duration::from_secs(30));
    for body in ["a", "b", "c"] {
        queue.put(body, Duration::ZERO);
    }
    conformance::message_visibility(&queue, async || received(&queue)).await;
}

#[tokio::test]
async fn message_visibility_on_sqs() {
    let cloud = cloud().await;
    for body in ["a", "b", "c"] {
        cloud.sqs.send_message().queue_url(&cloud.events_queue_url).message_body(body).send().await.expect("it is sent");
    }
    let receive = async || {
        let received = cloud.sqs.receive_message().queue_url(&cloud.events_queue_url).max_number_of_messages(10).send().await;
        let messages = received.expect("an answer").messages.unwrap_or_default();
        let mut all: Vec<_> = messages.into_iter().filter_map(|m| Some((m.body?, m.receipt_handle?))).collect();
        all.sort();
        all
    };
    conformance::message_visibility(&cloud.visibility(), receive).await;
}

#[tokio::test]
async fn redrive_policy_in_memory() {
    let queue = MemoryQueue::default().hiding(Duration::from_secs(30)).dead_lettering_after(5);
    queue.put("a", Duration::ZERO);
    let receive = async || {
        let records = queue.receive(10).records.into_iter();
        records.map(|record| (record.receipt_handle.clone().expect("a handle"), receive_count(&record))).collect()
    };
    conformance::redrive_policy(&queue, 5, receive, async || queue.dead_letters()).await;
}

#[tokio::test]
async fn redrive_policy_on_sqs() {
    for (cloud, _folder) in clouds("redrive_policy_on_sqs").await {
        cloud.sqs.send_message().queue_url(&cloud.events_queue_url).message_body("a").send().await.expect("it is sent");
        let messages = async |url: &str| {
            let count = MessageSystemAttributeName::ApproximateReceiveCount;
            let received = cloud.sqs.receive_message().queue_url(url).message_system_attribute_names(count.clone()).send().await;
            let messages = received.expect("an answer").messages.unwrap_or_default().into_iter();
            let read = |m: Message| Some((m.body?, m.receipt_handle?, m.attributes?.get(&count)?.parse::<u32>().ok()?));
            messages.filter_map(read).collect::<Vec<_>>()
        };
        let receive = async || messages(&cloud.events_queue_url).await.into_iter().map(|(_, handle, n)| (handle, n)).collect();
        let dead = async || messages(&cloud.dead_letter_queue_url).await.into_iter().map(|(body, ..)| body).collect();
        conformance::redrive_policy(&cloud.visibility(), cloud.max_receive_count.get(), receive, dead).await;
    }
}

#[tokio::test]
async fn dead_letters_in_memory() {
    conformance::burials(&memory()).await;
}

#[tokio::test]
async fn dead_letters_on_dynamodb() {
    conformance::burials(&embedded().await).await;
}

#[tokio::test]
async fn timeline_in_memory() {
    conformance::timeline(&memory()).await;
}

#[tokio::test]
async fn timeline_on_dynamodb() {
    conformance::timeline(&embedded().await).await;
}

#[tokio::test]
async fn event_queue_in_memory() {
    let queue = MemoryQueue::default();
    conformance::event_queue(&queue, async || queue.drain()).await;
}

#[tokio::test]
async fn event_queue_on_sqs() {
    for (cloud, _folder) in clouds("event_queue_on_sqs").await {
        let take = async || {
            let received = cloud.sqs.receive_message().queue_url(&cloud.events_queue_url).max_number_of_messages(10).send().await;
            received.expect("an answer").messages.unwrap_or_default().into_iter().filter_map(|m| m.body).collect()
        };
        conformance::event_queue(&cloud.queue(), take).await;
    }
}

#[tokio::test]
async fn secret_store_in_memory() {
    let secrets = MemorySecrets::new(Arc::default(), "{}");
    conformance::secret_store(&secrets, async |document| secrets.set(document)).await;
}

#[tokio::test]
async fn secret_store_on_secrets_manager() {
    let cloud = cloud().await;
    let put = async |document: &str| {
        cloud.secrets.put_secret_value().secret_id("tidings").secret_string(document).send().await.expect("an answer");
    };
    conformance::secret_store(&cloud.secret_store(), put).await;
}

#[tokio::test]
async fn captured_secrets_in_memory() {
    conformance::captured_secrets(&MemorySecrets::new(Arc::default(), "{}")).await;
}

#[tokio::test]
async fn captured_secrets_on_secrets_manager() {
    conformance::captured_secrets(&cloud().await.captured_secrets()).await;
}

#[tokio::test]
async fn sends_in_memory() {
    sends::send_store(&MemorySends::default()).await;
}

#[tokio::test]
async fn sends_on_dynamodb() {
    sends::send_store(&cloud().await.sends()).await;
}

#[tokio::test]
async fn statuses_in_memory() {
    sends::status_store(&MemorySends::default()).await;
}

#[tokio::test]
async fn statuses_on_dynamodb() {
    sends::status_store(&cloud().await.sends()).await;
}

#[tokio::test]
async fn forwards_in_memory() {
    let queue = MemoryForwards::default();
    let taken = AtomicUsize::new(0);
    let read = async || {
        let message = queue.sent().into_iter().nth(taken.fetch_add(1, Ordering::SeqCst))?;
        let mut attributes: Vec<_> = message.attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        attributes.sort();
        Some((message.body, attributes))
    };
    sends::forward_queue(&queue, read).await;
}

#[tokio::test]
async fn forwards_on_sqs() {
    for (cloud, _folder) in clouds("forwards_on_sqs").await {
        let url = cloud.actions_dead_letter_queue_url.clone();
        let read = async || {
            let received = cloud.sqs.receive_message().queue_url(&url).message_attribute_names("All").max_number_of_messages(1);
            let message = received.send().await.expect("an answer").messages?.into_iter().next()?;
            cloud
                .sqs
                .delete_message()
                .queue_url(&url)
                .set_receipt_handle(message.receipt_handle)
                .send()
                .await
                .expect("an answer");
            let attributes = message.message_attributes.into_iter().flatten();
            let mut attributes: Vec<_> = attributes.map(|(name, value)| (name, value.string_value.unwrap_or_default())).collect();
            attributes.sort();
            Some((message.body.unwrap_or_default(), attributes))
        };
        sends::forward_queue(&cloud.forwards(&url), read).await;
    }
}

#[tokio::test]
async fn https_in_memory() {
    let https = MemoryHttps::new(Arc::default());
    https.put("https://keys.example/jwks", "{}");
    conformance::https_get(&https, "https://keys.example/jwks", b"{}", "https://keys.example/others").await;
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error_that_names_the_call() {
    let cloud = cloud().await;
    let queue = tidings_core::aws::SqsQueue::new(cloud.sqs.clone(), format!("{}-gone", cloud.events_queue_url));
    conformance::event_queue_that_is_gone(&queue).await;
    let secrets = tidings_core::aws::SecretsManager::new(cloud.secrets.clone(), "gone".to_owned());
    assert_eq!(SecretStore::fetch(&secrets).await.expect_err("no such secret").call, "secretsmanager:GetSecretValue");
}

#[tokio::test]
async fn memory_adapters_report_injected_faults_like_the_sdk() {
    let faults = Arc::new(Faults::default());
    faults.fail(Call::Send, Fault::Refuse, 2);
    faults.fail(Call::Fetch, Fault::Refuse, 1);
    conformance::event_queue_that_is_gone(&MemoryQueue::new(Arc::clone(&faults))).await;
    assert_eq!(
        SecretStore::fetch(&MemorySecrets::new(faults, "{}")).await.expect_err("told to").call,
        "secretsmanager:GetSecretValue"
    );
}

#[tokio::test]
async fn the_stores_of_tenants_behave_alike() {
    tenants::tenant_store(&MemoryTenants::default()).await;
    tenants::tenant_store(&cloud().await.tenants()).await;
}

#[tokio::test]
async fn the_stores_of_webhooks_behave_alike() {
    let memory = publisher::memory::MemoryDeliveries::default();
    webhook_stores::endpoint_store(&memory).await;
    webhook_stores::delivery_store(&memory).await;
    let cloud = cloud().await;
    let endpoints = publisher::aws::DynamoEndpoints::new(cloud.dynamodb.clone(), "tidings-endpoints".to_owned());
    webhook_stores::endpoint_store(&endpoints).await;
    let deliveries = publisher::aws::DynamoDeliveries::new(cloud.dynamodb.clone(), "tidings-deliveries".to_owned());
    webhook_stores::delivery_store(&deliveries).await;
}
