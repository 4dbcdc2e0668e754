//! The embedded cloud: DynamoDB on SQLite, SQS and Secrets Manager, all in this process, reached by the real SDK
//! clients. For development and tests: no deployed binary links this crate.
//!
//! With a folder, data is on the disk before it is acknowledged (docs/decisions/0029-dev-is-durable.md). Without a
//! folder, it is lost when the process ends.

use super::about::About;
use super::blueprint::Blueprint;
use super::clock::WorkClock;
use super::disk::Disk;
use super::door::{self, AwsEndpoint};
use super::folder::{self, Folder};
use super::queues::known::{self, Known, arn};
use super::queues::store::Store;
use super::queues::{Queues, legacy};
use super::secrets_manager::Secrets;
use super::webhooks;
use crate::Failure;
use crate::dev_client::aws::{dynamodb_at, embedded_at, queue_url_at};
use crate::dev_client::token::Token;
use crate::dev_client::{
    ACTIONS_DEAD_LETTER_QUEUE, ACTIONS_QUEUE, DEAD_LETTER_QUEUE, DELIVERIES_DEAD_LETTER_QUEUE, DELIVERIES_QUEUE,
    ENDPOINTS_SECRET, ENDPOINTS_TABLE, EVENTS_QUEUE, LINKS_DEAD_LETTER_QUEUE, LINKS_QUEUE, PUBLISHED_DEAD_LETTER_QUEUE,
    PUBLISHED_QUEUE, SENDER_QUEUE,
};
pub use crate::dev_client::{CLAIMS_TABLE, CONTEXT_TABLE, DELIVERIES_TABLE, SENDS_TABLE, TENANTS_TABLE, TIMERS_TABLE};
use crate::stack::Reader;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use dynoxide::Database;
use publisher::aws::{DynamoDeliveries, DynamoEndpoints, SqsDeliveries};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tidings_config::time::{Clock, SystemClock};
use tidings_core::aws::{
    DynamoClaims, DynamoContextReader, DynamoContexts, DynamoFeedReader, DynamoOutbox, DynamoSends, DynamoStatusReader,
    DynamoTenants, DynamoTimers, SecretsManager, SqsActions, SqsForwards, SqsPublished, SqsQueue, SqsTimers, SqsVisibility,
    cause,
};
use tidings_core::ports::{Replaced, TenantStore};
use tidings_core::tenant::{TenantKey, TenantRecord};
use tokio::net::TcpListener;
use tokio::sync::watch;

const SECRET: &str = "tidings";
const CAPTURED_SECRET: &str = "tidings-captured";
const API_SECRET: &str = "tidings-apis";
const FEED_SECRET: &str = "tidings-feed";
const STATUS_SECRET: &str = "tidings-status";
const CHANNEL_SECRET: &str = "tidings-channels";

/// The settings of the embedded cloud.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Port of DynamoDB, SQS and Secrets Manager on 127.0.0.1. 0: any free port.
    pub dynamodb_port: u16,
    /// Folder of the database. Default: in memory.
    pub data: Option<&'a Path>,
    /// The document in Secrets Manager.
    pub secrets: &'a str,
    pub api_secrets: &'a str,
    /// Replaces the template's timeout of minutes, so that a poison event reaches the dead-letter queue soon.
    pub visibility_timeout_seconds: u32,
}

/// A running embedded cloud. It ends with the process.
#[derive(Debug)]
pub struct Cloud {
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    /// The endpoint of DynamoDB, SQS and Secrets Manager.
    pub endpoint: String,
    pub events_queue_url: String,
    pub links_queue_url: String,
    /// The ARN in records of messages from this queue.
    pub links_queue_arn: String,
    pub dead_letter_queue_url: String,
    pub actions_queue_url: String,
    pub(crate) published_queue_url: String,
    pub(crate) deliveries_queue_url: String,
    /// The sender's own, if the project has channels.
    pub sender_queue_url: String,
    pub actions_dead_letter_queue_url: String,
    pub max_receive_count: NonZeroU32,
    pub batch_size: i32,
    /// The token that callers of DynamoDB, and of `/_dev/…`, need.
    pub(crate) token: Token,
    pub(crate) dynamodb_port: u16,
    pub(crate) disk: Arc<Disk>,
    /// The messages in its queues.
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<WorkClock>,
    pub(crate) about: Arc<About>,
    /// Changes when events were processed, for viewers of feeds.
    pub(crate) pulse: watch::Sender<()>,
    /// Locked until the end, so that no other `dev` uses the folder.
    _folder: Option<Folder>,
}

impl Cloud {
    /// Starts the cloud, with the tables and queues of `template.yaml`.
    pub async fn start(options: Options<'_>) -> Result<Self, Failure> {
        let blueprint = Blueprint::read()?;
        let (token, disk) = (Token::new()?, Arc::new(Disk::default()));
        let folder = options.data.map(Folder::open).transpose()?;
        let listener = listen(options.dynamodb_port).await?;
        let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
        let endpoint = format!("http://{address}");
        let store = store(folder.as_ref())?;
        let clock = WorkClock::of(Arc::clone(&store)).map_err(|error| Failure::new(format!("the clock: {error}")))?;
        let clock = Arc::new(clock);
        let queues = known_queues(&blueprint, &endpoint, options.visibility_timeout_seconds)?;
        let queues = Queues::new(queues, Arc::clone(&store), Arc::clone(&clock), Arc::clone(&disk));
        let endpoints = serde_json::json!({ publisher::secrets::MASTER: webhooks::MASTER }).to_string();
        // Viewers' tokens are signed with the token of this `dev`.
        let feed_key = serde_json::json!({ "dev": token.as_str() }).to_string();
        let secrets = [
            (SECRET, options.secrets),
            (CAPTURED_SECRET, "{}"),
            (API_SECRET, options.api_secrets),
            (ENDPOINTS_SECRET, endpoints.as_str()),
            (FEED_SECRET, feed_key.as_str()),
            (STATUS_SECRET, token.as_str()),
            (CHANNEL_SECRET, "{}"),
        ];
        let about = About { aws: endpoint.clone(), webhooks: OnceLock::new(), started: clock.now(), clock: Arc::clone(&clock) };
        let about = Arc::new(about);
        let door = AwsEndpoint {
            database: database(folder.as_ref())?,
            queues,
            secrets: Arc::new(Secrets::new(secrets)),
            token: token.clone(),
            disk: Arc::clone(&disk),
            about: Arc::clone(&about),
        };
        tokio::spawn(door::serve(listener, door));
        let dynamodb = dynamodb_at(&endpoint, Some(&token)).await;
        blueprint.create_table(&dynamodb, "ClaimsTable", CLAIMS_TABLE).await?;
        blueprint.create_table(&dynamodb, "ContextTable", CONTEXT_TABLE).await?;
        blueprint.create_table(&dynamodb, "TimersTable", TIMERS_TABLE).await?;
        blueprint.create_table(&dynamodb, "EndpointsTable", ENDPOINTS_TABLE).await?;
        blueprint.create_table(&dynamodb, "DeliveriesTable", DELIVERIES_TABLE).await?;
        blueprint.create_table(&dynamodb, "SendsTable", SENDS_TABLE).await?;
        blueprint.create_table(&dynamodb, "TenantsTable", TENANTS_TABLE).await?;

        let config = embedded_at(&endpoint, Some(&token))
            // A receive waits up to 20 s. The call stays in this process.
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .load()
            .await;
        let max_receive_count = blueprint.max_receive_count()?;
        Ok(Self {
            dynamodb,
            sqs: aws_sdk_sqs::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            events_queue_url: queue_url_at(&endpoint, EVENTS_QUEUE),
            links_queue_url: queue_url_at(&endpoint, LINKS_QUEUE),
            links_queue_arn: arn(LINKS_QUEUE),
            dead_letter_queue_url: queue_url_at(&endpoint, DEAD_LETTER_QUEUE),
            actions_queue_url: queue_url_at(&endpoint, ACTIONS_QUEUE),
            published_queue_url: queue_url_at(&endpoint, PUBLISHED_QUEUE),
            deliveries_queue_url: queue_url_at(&endpoint, DELIVERIES_QUEUE),
            sender_queue_url: queue_url_at(&endpoint, SENDER_QUEUE),
            actions_dead_letter_queue_url: queue_url_at(&endpoint, ACTIONS_DEAD_LETTER_QUEUE),
            endpoint,
            max_receive_count: NonZeroU32::new(max_receive_count)
                .ok_or_else(|| Failure::new("template.yaml: maxReceiveCount is 0"))?,
            batch_size: blueprint.batch_size()?,
            token,
            dynamodb_port: address.port(),
            disk,
            store,
            clock,
            about,
            pulse: watch::Sender::new(()),
            _folder: folder,
        })
    }

    /// The deployed adapters of the receiver and the processor, and a reader.
    pub fn claims(&self) -> DynamoClaims {
        DynamoClaims::new(self.dynamodb.clone(), CLAIMS_TABLE.to_owned())
    }

    pub fn queue(&self) -> SqsQueue {
        SqsQueue::new(self.sqs.clone(), self.events_queue_url.clone())
    }

    /// For a program that sends external links.
    pub fn links(&self) -> SqsQueue {
        SqsQueue::new(self.sqs.clone(), self.links_queue_url.clone())
    }

    pub fn secret_store(&self) -> SecretsManager {
        SecretsManager::new(self.secrets.clone(), SECRET.to_owned())
    }

    pub fn api_secrets(&self) -> SecretsManager {
        SecretsManager::new(self.secrets.clone(), API_SECRET.to_owned())
    }

    pub fn feed_secret(&self) -> SecretsManager {
        SecretsManager::new(self.secrets.clone(), FEED_SECRET.to_owned())
    }

    pub fn status_secret(&self) -> SecretsManager {
        SecretsManager::new(self.secrets.clone(), STATUS_SECRET.to_owned())
    }

    pub fn status_reader(&self) -> DynamoStatusReader {
        DynamoStatusReader::new(self.dynamodb.clone(), CLAIMS_TABLE.to_owned())
    }

    pub fn captured_secrets(&self) -> SecretsManager {
        SecretsManager::new(self.secrets.clone(), CAPTURED_SECRET.to_owned())
    }

    pub fn contexts(&self) -> DynamoContexts {
        DynamoContexts::new(self.dynamodb.clone(), CLAIMS_TABLE.to_owned(), CONTEXT_TABLE.to_owned())
    }

    pub fn actions(&self) -> SqsActions {
        SqsActions::new(self.sqs.clone(), self.actions_queue_url.clone())
    }

    /// The same, if the project has channels.
    pub(crate) fn actions_for_the_sender(&self) -> SqsActions {
        SqsActions::new(self.sqs.clone(), self.sender_queue_url.clone())
    }

    /// A queue that the sender forwards to.
    pub fn forwards(&self, url: &str) -> SqsForwards {
        SqsForwards::new(self.sqs.clone(), url.to_owned())
    }

    pub fn sends(&self) -> DynamoSends {
        DynamoSends::new(self.dynamodb.clone(), SENDS_TABLE.to_owned())
    }

    pub fn tenants(&self) -> DynamoTenants {
        DynamoTenants::new(self.dynamodb.clone(), TENANTS_TABLE.to_owned())
    }

    pub(crate) fn sender_visibility(&self) -> SqsVisibility {
        SqsVisibility::new(self.sqs.clone(), self.sender_queue_url.clone())
    }

    pub(crate) fn channel_secrets(&self) -> SecretsManager {
        SecretsManager::new(self.secrets.clone(), CHANNEL_SECRET.to_owned())
    }

    pub(crate) async fn put_channel_secrets(&self, document: &str) -> Result<(), Failure> {
        let put = self.secrets.put_secret_value().secret_id(CHANNEL_SECRET).secret_string(document).send();
        put.await.map(|_| ()).map_err(|error| broken("the channels' secret", error))
    }

    pub fn timers(&self) -> SqsTimers {
        SqsTimers::new(self.sqs.clone(), self.events_queue_url.clone())
    }

    pub fn outbox(&self) -> DynamoOutbox {
        DynamoOutbox::new(self.dynamodb.clone(), CLAIMS_TABLE.to_owned())
    }

    pub fn stored_timers(&self) -> DynamoTimers {
        DynamoTimers::new(self.dynamodb.clone(), TIMERS_TABLE.to_owned())
    }

    pub fn visibility(&self) -> SqsVisibility {
        SqsVisibility::new(self.sqs.clone(), self.events_queue_url.clone())
    }

    /// The deployed adapters of the publisher.
    pub(crate) fn endpoints(&self) -> DynamoEndpoints {
        DynamoEndpoints::new(self.dynamodb.clone(), ENDPOINTS_TABLE.to_owned())
    }

    pub fn deliveries(&self) -> DynamoDeliveries {
        DynamoDeliveries::new(self.dynamodb.clone(), DELIVERIES_TABLE.to_owned())
    }

    pub(crate) fn deliveries_queue(&self) -> SqsDeliveries {
        SqsDeliveries::new(self.sqs.clone(), self.deliveries_queue_url.clone())
    }

    pub(crate) fn published(&self) -> SqsPublished {
        SqsPublished::new(self.sqs.clone(), self.published_queue_url.clone())
    }

    pub(crate) fn endpoint_secrets(&self) -> SecretsManager {
        SecretsManager::new(self.secrets.clone(), ENDPOINTS_SECRET.to_owned())
    }

    /// The reader for the read API.
    pub fn context_reader(&self) -> DynamoContextReader {
        DynamoContextReader::new(self.dynamodb.clone(), CONTEXT_TABLE.to_owned())
    }

    /// The reader of the feeds.
    pub fn feed_reader(&self) -> DynamoFeedReader {
        DynamoFeedReader::new(self.dynamodb.clone(), CONTEXT_TABLE.to_owned())
    }

    /// Adds tenants. One that exists is unchanged: `tidings tenants` may have changed it.
    pub(crate) async fn add_tenants(&self, tenants: &[(TenantKey, TenantRecord)]) -> Result<(), Failure> {
        for (key, record) in tenants {
            let added = self.tenants().put(key, record).await;
            let (Replaced::Yes | Replaced::Changed) =
                added.map_err(|error| Failure::new(format!("the tenants table: {error}")))?;
        }
        Ok(())
    }

    /// Replaces the documents in Secrets Manager.
    pub(crate) async fn put_secrets(&self, sources: &str, apis: &str) -> Result<(), Failure> {
        for (name, document) in [(SECRET, sources), (API_SECRET, apis)] {
            let put = self.secrets.put_secret_value().secret_id(name).secret_string(document).send();
            put.await.map_err(|error| broken("the secret", error))?;
        }
        Ok(())
    }

    pub fn reader(&self) -> Reader {
        Reader::new(self.dynamodb.clone(), CLAIMS_TABLE.to_owned(), CONTEXT_TABLE.to_owned())
            .with_timers(Some(TIMERS_TABLE.to_owned()))
            .with_sends(Some(SENDS_TABLE.to_owned()))
            .with_deliveries(Some(DELIVERIES_TABLE.to_owned()))
    }
}

fn database(folder: Option<&Folder>) -> Result<Database, Failure> {
    let database = match folder {
        None => Database::memory(),
        Some(folder) => Database::new(&folder.database(folder::TABLES)?.display().to_string()),
    };
    database.map_err(|error| Failure::new(format!("the embedded DynamoDB: {error}")))
}

fn store(folder: Option<&Folder>) -> Result<Arc<Store>, Failure> {
    let Some(folder) = folder else { return Store::memory().map(Arc::new) };
    let store = Store::open(&folder.database(folder::QUEUES)?)?;
    legacy::import(&store, folder, [EVENTS_QUEUE, LINKS_QUEUE, DEAD_LETTER_QUEUE], SystemClock.now().unix_ms())?;
    Ok(Arc::new(store))
}

/// Listens on a port of the loopback address.
pub(crate) async fn listen(port: u16) -> Result<TcpListener, Failure> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        Failure::new(format!("port {port}: {error}")).hint("is another `tidings dev` running? choose two free ports with --port")
    })
}

/// The template's queues, under this endpoint. No function reads the dead-letter queues and the actions; AWS's default
/// of 30 s applies to them.
fn known_queues(blueprint: &Blueprint, endpoint: &str, visibility_timeout_seconds: u32) -> Result<Known, Failure> {
    const DEFAULT_VISIBILITY_S: u32 = 30;
    // Longer than an attempt's lease: one that was lost is seen at the next receive.
    const ATTEMPT_VISIBILITY_S: u32 = 90;
    let max_receives = blueprint.max_receive_count()?;
    let queue = |resource, name, visibility_timeout_seconds, dead_letters: Option<&'static str>| {
        let queue = blueprint.queue(resource)?;
        Ok(known::New {
            name,
            fifo: queue.fifo,
            max_message_bytes: queue.max_message_bytes,
            retention_seconds: queue.retention_seconds,
            visibility_timeout_seconds,
            redrive: dead_letters.map(|name| (name, max_receives)),
        })
    };
    let queues = [
        queue("EventsQueue", EVENTS_QUEUE, visibility_timeout_seconds, Some(DEAD_LETTER_QUEUE)),
        queue("LinksQueue", LINKS_QUEUE, visibility_timeout_seconds, Some(LINKS_DEAD_LETTER_QUEUE)),
        queue("DeadLetterQueue", DEAD_LETTER_QUEUE, DEFAULT_VISIBILITY_S, None),
        queue("LinksDeadLetterQueue", LINKS_DEAD_LETTER_QUEUE, DEFAULT_VISIBILITY_S, None),
        queue("ActionsQueue", ACTIONS_QUEUE, DEFAULT_VISIBILITY_S, None),
        queue("PublishedQueue", PUBLISHED_QUEUE, visibility_timeout_seconds, Some(PUBLISHED_DEAD_LETTER_QUEUE)),
        queue("PublishedDeadLetterQueue", PUBLISHED_DEAD_LETTER_QUEUE, DEFAULT_VISIBILITY_S, None),
        queue("DeliveriesQueue", DELIVERIES_QUEUE, ATTEMPT_VISIBILITY_S, Some(DELIVERIES_DEAD_LETTER_QUEUE)),
        queue("DeliveriesDeadLetterQueue", DELIVERIES_DEAD_LETTER_QUEUE, DEFAULT_VISIBILITY_S, None),
        queue("ActionsQueue", SENDER_QUEUE, super::sending::HIDDEN_SECONDS, None),
        queue("ActionsDeadLetterQueue", ACTIONS_DEAD_LETTER_QUEUE, DEFAULT_VISIBILITY_S, None),
    ];
    Ok(Known::new(endpoint, queues.into_iter().collect::<Result<Vec<_>, Failure>>()?))
}

fn broken<E, R>(what: &str, error: SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    Failure::new(format!("the embedded cloud, {what}: {}", cause(&error)))
}
