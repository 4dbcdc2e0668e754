//! Finds the tables and queues for a command: those of a `tidings dev`, or those of a deployed stack.

use crate::Failure;
use crate::clients::loader;
use crate::commands::dlq::OutgoingQueue;
use crate::dev_client::token::{Token, is_here};
use crate::dev_client::{self, about, aws, dev_aws_url, dev_url};
use crate::stack::{DeadLetters, OutgoingLetters, Reader, Webhooks};
use aws_config::{Region, SdkConfig};
use aws_sdk_cloudformation::types::Stack;
use aws_sdk_sqs::types::QueueAttributeName;
use clap::Args;
use publisher::aws::{DynamoDeliveries, DynamoEndpoints, SqsDeliveries};
use serde::Serialize;
use std::fmt::Display;
use std::sync::Arc;
use tidings_config::reach::Reach;
use tidings_config::time::{Clock as _, SystemClock, Timestamp};
use tidings_core::aws::{DynamoContexts, DynamoTenants, SecretsManager, SqsActions, SqsQueue, SqsTimers, cause};
use tidings_core::ports::Unavailable;

/// The deployment that a command uses.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// Name of a deployed stack; `tidings dev` if left out
    #[arg(long, env = "TIDINGS_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// Address of the AWS API, for an emulated cloud or a `dev` on another port
    #[arg(long, env = "TIDINGS_ENDPOINT_URL", value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

impl Place {
    /// The `tidings dev` whose tables and queues are at this endpoint.
    pub(crate) fn dev(endpoint: &str) -> Self {
        Self { endpoint_url: Some(endpoint.to_owned()), ..Self::default() }
    }

    /// A command for the same deployment, as it is suggested to people: with the options that this one needed.
    pub(crate) fn command(&self, command: &str) -> String {
        let endpoint = self.endpoint_url.as_ref().filter(|url| self.stack.is_some() || **url != dev_aws_url());
        let (stack, region, profile) = (self.stack.as_ref(), self.region.as_ref(), self.profile.as_ref());
        let options = [("stack", stack), ("region", region), ("profile", profile), ("endpoint-url", endpoint)];
        let given = options.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value?)));
        given.fold(command.to_owned(), |command, option| command + &option)
    }
}

/// The deployment that a command uses, and the output format.
#[derive(Clone, Debug, Args)]
pub struct TargetOptions {
    #[command(flatten)]
    pub at: Place,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A reader for the tables given by the options.
pub(crate) async fn reader(options: &TargetOptions) -> Result<Reader, Failure> {
    reader_at(&options.at).await
}

pub(crate) async fn reader_at(options: &Place) -> Result<Reader, Failure> {
    Ok(tables(options).await?.reader())
}

/// The claims table, the context table, the timers table, and those of the ways out.
#[derive(Clone)]
pub(crate) struct Tables {
    client: aws_sdk_dynamodb::Client,
    claims: String,
    context: String,
    /// A stack of an earlier version has none.
    timers: Option<String>,
    /// A stack without a sender has none.
    sends: Option<String>,
    /// A stack without a publisher has none.
    deliveries: Option<String>,
}

impl Tables {
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.client.clone(), self.claims.clone(), self.context.clone())
            .with_timers(self.timers.clone())
            .with_sends(self.sends.clone())
            .with_deliveries(self.deliveries.clone())
    }

    /// The processor's adapter, with the caller's credentials.
    pub(crate) fn contexts(&self) -> DynamoContexts {
        DynamoContexts::new(self.client.clone(), self.claims.clone(), self.context.clone())
    }
}

pub(crate) async fn tables(options: &Place) -> Result<Tables, Failure> {
    let Some(stack) = &options.stack else {
        let endpoint = dev_endpoint(options).await;
        let client = aws::dynamodb_at(&endpoint, Token::of(&endpoint).as_ref()).await;
        let (claims, context) = (dev_client::CLAIMS_TABLE.to_owned(), dev_client::CONTEXT_TABLE.to_owned());
        let (timers, sends) = (Some(dev_client::TIMERS_TABLE.to_owned()), Some(dev_client::SENDS_TABLE.to_owned()));
        let deliveries = Some(dev_client::DELIVERIES_TABLE.to_owned());
        return Ok(Tables { client, claims, context, timers, sends, deliveries });
    };
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let (claims, context) = (output(&outputs, stack, "ClaimsTableName")?, output(&outputs, stack, "ContextTableName")?);
    let optional = |name: &str| outputs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let (timers, sends) = (optional("TimersTableName"), optional("SendsTableName"));
    let deliveries = optional("DeliveriesTableName");
    Ok(Tables { client, claims, context, timers, sends, deliveries })
}

/// The endpoint of a `tidings dev`'s tables and queues, found from either of its addresses.
pub(crate) async fn dev_endpoint(options: &Place) -> String {
    match &options.endpoint_url {
        None => dev_aws_url(),
        Some(url) => about::ask(url).await.map_or_else(|| url.clone(), |known| known.aws),
    }
}

/// The current time of the deployment. The clock of a `tidings dev` can be advanced.
pub(crate) async fn now(options: &Place) -> Timestamp {
    match &options.stack {
        Some(_) => SystemClock.now(),
        None => about::now_at(&options.endpoint_url.clone().unwrap_or_else(dev_aws_url)).await,
    }
}

/// Both addresses of a `tidings dev`, found from either: the webhook address, and the place of its tables and queues.
pub(crate) async fn dev_places(url: Option<&str>, at: &Place) -> (String, Place) {
    match (url, &at.endpoint_url) {
        (Some(url), Some(_)) => (url.to_owned(), at.clone()),
        (Some(url), None) => {
            let endpoint_url = about::ask(url).await.map(|known| known.aws);
            (url.to_owned(), Place { endpoint_url, ..at.clone() })
        }
        (None, Some(endpoint)) => (about::ask(endpoint).await.map_or_else(dev_url, |known| known.webhooks), at.clone()),
        (None, None) => (dev_url(), at.clone()),
    }
}

/// The command that shows the result of an event sent to `url`. `None`: a local address without a known `dev`.
pub(crate) async fn events_show(url: &str, key: impl Display) -> Option<String> {
    let is_local = url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(is_here));
    if !is_local {
        return Some(format!("tidings events show '{key}' --stack NAME"));
    }
    let known = about::ask(url).await?;
    Some(Place::dev(&known.aws).command(&format!("tidings events show '{key}'")))
}

/// A queue, by a stack's output and by its name in `dev`.
#[derive(Clone, Copy, Debug)]
enum QueueName {
    Events,
    Links,
    DeadLetters,
    Actions,
    /// The queue to which the processor sends actions: with a sender another one than the bot's.
    AllActions,
    ActionDeadLetters,
    Published,
    PublishedDeadLetters,
    Deliveries,
    DeliveryDeadLetters,
    /// No `dev` has it.
    Kafka,
    KafkaDeadLetters,
}

impl QueueName {
    const fn output(self) -> &'static str {
        match self {
            Self::Events => "EventsQueueUrl",
            Self::Links => "LinksQueueUrl",
            Self::DeadLetters => "DeadLetterQueueUrl",
            Self::Actions => "ActionsQueueUrl",
            Self::AllActions => "SenderQueueUrl",
            Self::ActionDeadLetters => "ActionsDeadLetterQueueUrl",
            Self::Published => "PublishedQueueUrl",
            Self::PublishedDeadLetters => "PublishedDeadLetterQueueUrl",
            Self::Deliveries => "DeliveriesQueueUrl",
            Self::DeliveryDeadLetters => "DeliveriesDeadLetterQueueUrl",
            Self::Kafka => "KafkaQueueUrl",
            Self::KafkaDeadLetters => "KafkaDeadLetterQueueUrl",
        }
    }

    const fn of_dev(self) -> &'static str {
        match self {
            Self::Events => dev_client::EVENTS_QUEUE,
            Self::Links => dev_client::LINKS_QUEUE,
            Self::DeadLetters => dev_client::DEAD_LETTER_QUEUE,
            Self::Actions => dev_client::ACTIONS_QUEUE,
            Self::AllActions => dev_client::SENDER_QUEUE,
            Self::ActionDeadLetters => dev_client::ACTIONS_DEAD_LETTER_QUEUE,
            Self::Published => dev_client::PUBLISHED_QUEUE,
            Self::PublishedDeadLetters => dev_client::PUBLISHED_DEAD_LETTER_QUEUE,
            Self::Deliveries => dev_client::DELIVERIES_QUEUE,
            Self::DeliveryDeadLetters => dev_client::DELIVERIES_DEAD_LETTER_QUEUE,
            Self::Kafka => dev_client::KAFKA_QUEUE,
            Self::KafkaDeadLetters => dev_client::KAFKA_DEAD_LETTER_QUEUE,
        }
    }
}

/// A client of SQS, and the URLs of these queues.
async fn queues<const N: usize>(options: &Place, names: [QueueName; N]) -> Result<(aws_sdk_sqs::Client, [String; N]), Failure> {
    let Some(stack) = &options.stack else {
        let endpoint = dev_endpoint(options).await;
        let client = aws::sqs_at(&endpoint, Token::of(&endpoint).as_ref()).await;
        return Ok((client, names.map(|name| aws::queue_url_at(&endpoint, name.of_dev()))));
    };
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let mut urls = names.map(|_| String::new());
    for (url, name) in urls.iter_mut().zip(names) {
        *url = output(&outputs, stack, name.output())?;
    }
    Ok((aws_sdk_sqs::Client::new(&config), urls))
}

/// Adapters for the queues that a processor sends to.
pub(crate) async fn sending(options: &Place) -> Result<(SqsActions, SqsTimers), Failure> {
    let (sqs, [actions, events]) = queues(options, [QueueName::Actions, QueueName::Events]).await?;
    Ok((SqsActions::new(sqs.clone(), actions), SqsTimers::new(sqs, events)))
}

/// The identity of these credentials, from AWS. `None` for a `tidings dev`, or if AWS gives no answer.
pub(crate) async fn identity(options: &Place) -> Option<String> {
    options.stack.as_ref()?;
    let sts = aws_sdk_sts::Client::new(&config(options).await);
    sts.get_caller_identity().send().await.ok()?.arn
}

pub(crate) async fn events_queue(options: &Place) -> Result<SqsQueue, Failure> {
    let (sqs, [url]) = queues(options, [QueueName::Events]).await?;
    Ok(SqsQueue::new(sqs, url))
}

pub(crate) async fn links_queue(options: &Place) -> Result<SqsQueue, Failure> {
    let (sqs, [url]) = queues(options, [QueueName::Links]).await?;
    Ok(SqsQueue::new(sqs, url))
}

pub(crate) async fn dead_letters(options: &Place) -> Result<DeadLetters, Failure> {
    let (sqs, [url]) = queues(options, [QueueName::DeadLetters]).await?;
    Ok(DeadLetters::new(sqs, url))
}

/// The dead letters of the actions. A stack without a sender redrives them to the bot's queue.
pub(crate) async fn action_letters(options: &Place) -> Result<OutgoingLetters, Failure> {
    let with_sender = queues(options, [QueueName::ActionDeadLetters, QueueName::AllActions]).await;
    let (sqs, [dead, actions]) = match with_sender {
        Ok(queues) => queues,
        Err(_) => queues(options, [QueueName::ActionDeadLetters, QueueName::Actions]).await?,
    };
    Ok(OutgoingLetters::new(sqs, dead, actions))
}

/// The dead letters of a way out, which are redriven to its queue.
pub(crate) async fn outgoing_letters(options: &Place, queue: OutgoingQueue) -> Result<OutgoingLetters, Failure> {
    let names = match queue {
        OutgoingQueue::Published => [QueueName::PublishedDeadLetters, QueueName::Published],
        OutgoingQueue::Deliveries => [QueueName::DeliveryDeadLetters, QueueName::Deliveries],
        OutgoingQueue::Kafka => [QueueName::KafkaDeadLetters, QueueName::Kafka],
    };
    if queue == OutgoingQueue::Kafka && options.stack.is_none() {
        return Err(Failure::new("a `tidings dev` has no queue of Kafka").hint("give a deployed stack with --stack"));
    }
    let parameter = if queue == OutgoingQueue::Kafka { "Kafka" } else { "Publisher" };
    let (sqs, [dead, back]) = queues(options, names)
        .await
        .map_err(|failure| failure.hint(format!("a stack that was deployed with {parameter}=true by this version has it")))?;
    Ok(OutgoingLetters::new(sqs, dead, back))
}

/// The depth of the events queue.
pub(crate) async fn events_depth(options: &Place) -> Result<Depth, Failure> {
    let (sqs, [events]) = queues(options, [QueueName::Events]).await?;
    Depth::of(&sqs, &events).await.map_err(|error| unreadable(options, &error))
}

/// The depths of the queues for events and their results, and for a stack with ways out those of theirs.
pub(crate) async fn depths(options: &Place) -> Result<Vec<(&'static str, Result<Depth, Unavailable>)>, Failure> {
    let (sqs, [events, dead, actions]) = queues(options, [QueueName::Events, QueueName::DeadLetters, QueueName::Actions]).await?;
    let mut named = vec![("events", events), ("dead letters", dead), ("actions", actions)];
    if let Some(stack) = &options.stack {
        let outputs = outputs(&config(options).await, stack).await?;
        for (queue, output) in
            [("all actions", "SenderQueueUrl"), ("published", "PublishedQueueUrl"), ("deliveries", "DeliveriesQueueUrl")]
        {
            named.extend(outputs.iter().find(|(name, _)| name == output).map(|(_, url)| (queue, url.clone())));
        }
    }
    let depths = named.into_iter().map(|(queue, url)| {
        let sqs = &sqs;
        async move { (queue, Depth::of(sqs, &url).await) }
    });
    Ok(futures::future::join_all(depths).await)
}

/// The publisher's tables, its queue and its secret.
pub(crate) async fn webhooks(options: &Place) -> Result<Webhooks, Failure> {
    let Some(stack) = &options.stack else {
        let endpoint = dev_endpoint(options).await;
        let token = Token::of(&endpoint);
        let config = aws::embedded_at(&endpoint, token.as_ref()).load().await;
        let (dynamodb, sqs) = (aws_sdk_dynamodb::Client::new(&config), aws_sdk_sqs::Client::new(&config));
        let secrets = aws_sdk_secretsmanager::Client::new(&config);
        return Ok(Webhooks {
            endpoints: Arc::new(DynamoEndpoints::new(dynamodb.clone(), dev_client::ENDPOINTS_TABLE.to_owned())),
            deliveries: DynamoDeliveries::new(dynamodb, dev_client::DELIVERIES_TABLE.to_owned()),
            queue: SqsDeliveries::new(sqs, aws::queue_url_at(&endpoint, dev_client::DELIVERIES_QUEUE)),
            secrets: SecretsManager::new(secrets, dev_client::ENDPOINTS_SECRET.to_owned()),
            reach: Reach::Loopback,
        });
    };
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    if outputs.iter().all(|(key, _)| key != "EndpointsTableName") {
        return Err(Failure::new(format!("stack {stack} sends no webhooks to endpoints"))
            .hint("deploy it with the parameter Publisher=true: docs/webhooks-out.md"));
    }
    let (dynamodb, sqs) = (aws_sdk_dynamodb::Client::new(&config), aws_sdk_sqs::Client::new(&config));
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    Ok(Webhooks {
        endpoints: Arc::new(DynamoEndpoints::new(dynamodb.clone(), output(&outputs, stack, "EndpointsTableName")?)),
        deliveries: DynamoDeliveries::new(dynamodb, output(&outputs, stack, "DeliveriesTableName")?),
        queue: SqsDeliveries::new(sqs, output(&outputs, stack, "DeliveriesQueueUrl")?),
        secrets: SecretsManager::new(secrets, output(&outputs, stack, "EndpointsSecretArn")?),
        reach: Reach::Public,
    })
}

/// The tenants table.
pub(crate) async fn tenants(options: &Place) -> Result<DynamoTenants, Failure> {
    let Some(stack) = &options.stack else {
        let endpoint = dev_endpoint(options).await;
        let client = aws::dynamodb_at(&endpoint, Token::of(&endpoint).as_ref()).await;
        return Ok(DynamoTenants::new(client, dev_client::TENANTS_TABLE.to_owned()));
    };
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let Some((_, table)) = outputs.into_iter().find(|(key, _)| key == "TenantsTableName") else {
        return Err(Failure::new(format!("stack {stack} has no tenants"))
            .hint("deploy it with the parameter Tenants=true: docs/tenants.md"));
    };
    Ok(DynamoTenants::new(aws_sdk_dynamodb::Client::new(&config), table))
}

/// The tokens of the endpoints' API.
pub(crate) async fn portal_tokens(options: &Place) -> Result<SecretsManager, Failure> {
    let Some(stack) = &options.stack else {
        let endpoint = dev_endpoint(options).await;
        let config = aws::embedded_at(&endpoint, Token::of(&endpoint).as_ref()).load().await;
        let client = aws_sdk_secretsmanager::Client::new(&config);
        return Ok(SecretsManager::new(client, dev_client::FEED_SECRET.to_owned()));
    };
    let config = config(options).await;
    let id = output(&outputs(&config, stack).await?, stack, "PortalTokensArn")
        .map_err(|failure| failure.hint("deploy it with EndpointsApi=true beside Publisher=true: docs/endpoints-api.md"))?;
    Ok(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&config), id))
}

/// A stack's secret for its sources. `None` without a stack in the options.
pub(crate) async fn sources_secret(options: &Place) -> Result<Option<SecretsManager>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    let config = config(options).await;
    let id = output(&outputs(&config, stack).await?, stack, "SecretArn")?;
    Ok(Some(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&config), id)))
}

/// A stack's secret for handshakes with providers. `None` if it was deployed without one.
pub(crate) async fn captured_secret(options: &Place, stack: &str) -> Result<Option<SecretsManager>, Failure> {
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let id = outputs.into_iter().find(|(key, _)| key == "CapturedSecretArn").map(|(_, value)| value);
    Ok(id.map(|id| SecretsManager::new(aws_sdk_secretsmanager::Client::new(&config), id)))
}

/// A stack's address before /webhooks/… `None` without a stack in the options.
pub(crate) async fn webhook_url(options: &Place) -> Result<Option<String>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    output(&outputs(&config(options).await, stack).await?, stack, "WebhookUrl").map(Some)
}

/// The outputs of every Tidings stack.
const OUTPUTS: [&str; 9] = [
    "WebhookUrl",
    "EventsQueueUrl",
    "LinksQueueUrl",
    "DeadLetterQueueUrl",
    "ActionsQueueUrl",
    "ClaimsTableName",
    "ContextTableName",
    "TimersTableName",
    "SecretArn",
];

/// The outputs that a stack lacks.
pub(crate) async fn missing_outputs(options: &Place, stack: &str) -> Result<Vec<&'static str>, Failure> {
    let outputs = outputs(&config(options).await, stack).await?;
    Ok(OUTPUTS.into_iter().filter(|name| outputs.iter().all(|(key, _)| key != name)).collect())
}

/// Message counts of a queue. SQS reports approximate numbers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Depth {
    /// Messages that can be received.
    pub(crate) visible: u64,
    /// Received messages that were neither deleted nor returned to the queue: in progress, or failed and waiting for
    /// the next receive.
    pub(crate) in_flight: u64,
    /// Messages whose delay hasn't ended.
    pub(crate) delayed: u64,
}

impl Depth {
    /// The depth of the queue with this URL.
    pub(crate) async fn of(sqs: &aws_sdk_sqs::Client, url: &str) -> Result<Self, Unavailable> {
        let got = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All).send().await;
        let got = got.map_err(|error| Unavailable { call: "sqs:GetQueueAttributes", cause: cause(&error) })?;
        let number = |name| got.attributes().and_then(|all| all.get(&name)?.parse().ok()).unwrap_or(0);
        Ok(Self {
            visible: number(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            delayed: number(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
        })
    }

    pub(crate) fn all(self) -> u64 {
        self.visible.saturating_add(self.in_flight).saturating_add(self.delayed)
    }
}

/// The total number of messages in a queue.
#[derive(Debug, Serialize)]
pub(crate) struct QueueCount {
    pub(crate) queue: &'static str,
    pub(crate) messages: u64,
}

/// The total number of messages in each queue.
pub(crate) async fn queue_counts(options: &Place) -> Result<Vec<QueueCount>, Failure> {
    let mut counts = Vec::new();
    for (queue, depth) in depths(options).await? {
        counts.push(QueueCount { queue, messages: depth.map_err(|error| unreadable(options, &error))?.all() });
    }
    Ok(counts)
}

pub(crate) fn output(outputs: &[(String, String)], stack: &str, name: &str) -> Result<String, Failure> {
    let found = outputs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    found.ok_or_else(|| {
        Failure::new(format!("stack {stack} has no output {name}"))
            .hint("check that the stack was deployed with the template.yaml of Tidings")
    })
}

/// The configuration for clients of AWS.
pub(crate) async fn config(options: &Place) -> SdkConfig {
    let mut loader = loader();
    if let Some(endpoint) = &options.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader.load().await
}

/// The outputs of a stack, by name.
pub(crate) async fn outputs(config: &SdkConfig, stack: &str) -> Result<Vec<(String, String)>, Failure> {
    let stacks = described(config, stack).await?;
    let outputs = stacks.iter().flat_map(Stack::outputs);
    Ok(outputs.filter_map(|o| Some((o.output_key()?.to_owned(), o.output_value()?.to_owned()))).collect())
}

/// The parameters of a stack, by name.
pub(crate) async fn parameters(config: &SdkConfig, stack: &str) -> Result<Vec<(String, String)>, Failure> {
    let stacks = described(config, stack).await?;
    let parameters = stacks.iter().flat_map(Stack::parameters);
    Ok(parameters.filter_map(|p| Some((p.parameter_key()?.to_owned(), p.parameter_value()?.to_owned()))).collect())
}

async fn described(config: &SdkConfig, stack: &str) -> Result<Vec<Stack>, Failure> {
    let described = aws_sdk_cloudformation::Client::new(config).describe_stacks().stack_name(stack).send().await;
    let described = described.map_err(|error| {
        Failure::new(format!("stack {stack} can't be described: {}", cause(&error)))
            .hint("check --stack, --region and --profile, and that your credentials may call cloudformation:DescribeStacks")
    })?;
    Ok(described.stacks.unwrap_or_default())
}

/// The failure for an unreadable table, in terms of the options.
pub(crate) fn unreadable(options: &Place, error: &Unavailable) -> Failure {
    let failure = Failure::new(format!("{} failed: {}", error.call, error.cause));
    match (&options.stack, &options.endpoint_url) {
        (Some(_), _) => failure.hint("check --region and --profile, and that your credentials may read the tables"),
        (None, Some(url)) => {
            failure.hint(format!("check that a `tidings dev` listens at {url}: its DynamoDB port is the webhook port + 1"))
        }
        (None, None) => failure.hint("is `tidings dev` running? start it, or give a deployed stack with --stack"),
    }
}
