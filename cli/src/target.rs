//! Which tables and queues a command is about: those of a `tidings dev`, or those of a deployed stack.

use crate::Failure;
use crate::arguments::{DEV_PORT, Place, TargetOptions};
use crate::dev::access::Token;
use crate::dev::cloud;
use aws_config::{Region, SdkConfig};
use aws_sdk_cloudformation::types::Stack;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Serialize;
use tidings_core::aws::{DeadLetters, DynamoContexts, Reader, SecretsManager, SqsActions, SqsQueue, SqsTimers, cause, loader};
use tidings_core::ports::Unavailable;

/// A reader of the tables that the options name.
pub(crate) async fn reader(options: &TargetOptions) -> Result<Reader, Failure> {
    reader_at(&options.at).await
}

pub(crate) async fn reader_at(options: &Place) -> Result<Reader, Failure> {
    let Tables { client, claims, context } = tables(options).await?;
    Ok(Reader::new(client, claims, context))
}

/// Both tables.
#[derive(Clone)]
pub(crate) struct Tables {
    client: aws_sdk_dynamodb::Client,
    claims: String,
    context: String,
}

impl Tables {
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.client.clone(), self.claims.clone(), self.context.clone())
    }

    /// As a processor uses them, with the caller's credentials.
    pub(crate) fn contexts(&self) -> DynamoContexts {
        DynamoContexts::new(self.client.clone(), self.claims.clone(), self.context.clone())
    }
}

pub(crate) async fn tables(options: &Place) -> Result<Tables, Failure> {
    let Some(stack) = &options.stack else {
        let endpoint = options.endpoint_url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{}", DEV_PORT + 1));
        let client = cloud::dynamodb_at(&endpoint, Token::of(&endpoint).as_ref()).await;
        return Ok(Tables { client, claims: cloud::CLAIMS_TABLE.to_owned(), context: cloud::CONTEXT_TABLE.to_owned() });
    };
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let (claims, context) = (output(&outputs, stack, "ClaimsTableName")?, output(&outputs, stack, "ContextTableName")?);
    Ok(Tables { client, claims, context })
}

/// The queues that a processor of this stack sends to; `None` of a `tidings dev`, whose queues nobody else can reach.
pub(crate) async fn sending(options: &Place) -> Result<Option<(SqsActions, SqsTimers)>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let actions = SqsActions::new(sqs.clone(), output(&outputs, stack, "ActionsQueueUrl")?);
    Ok(Some((actions, SqsTimers::new(sqs, output(&outputs, stack, "EventsQueueUrl")?))))
}

/// Whose credentials these are, as AWS says; `None` of a `tidings dev`, and where AWS has no answer.
pub(crate) async fn identity(options: &Place) -> Option<String> {
    options.stack.as_ref()?;
    let sts = aws_sdk_sts::Client::new(&config(options).await);
    sts.get_caller_identity().send().await.ok()?.arn
}

/// The events queue of the stack that the options name; `None` where they name none.
pub(crate) async fn events_queue(options: &Place) -> Result<Option<SqsQueue>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    let config = config(options).await;
    let url = output(&outputs(&config, stack).await?, stack, "EventsQueueUrl")?;
    Ok(Some(SqsQueue::new(aws_sdk_sqs::Client::new(&config), url)))
}

/// The links queue of the stack that the options name; `None` where they name none.
pub(crate) async fn links_queue(options: &Place) -> Result<Option<SqsQueue>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    let config = config(options).await;
    let url = output(&outputs(&config, stack).await?, stack, "LinksQueueUrl")?;
    Ok(Some(SqsQueue::new(aws_sdk_sqs::Client::new(&config), url)))
}

/// The dead-letter queue of a stack; `None` of a `tidings dev`, whose queues nobody else can see.
pub(crate) async fn dead_letters(options: &Place) -> Result<Option<DeadLetters>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    let config = config(options).await;
    let url = output(&outputs(&config, stack).await?, stack, "DeadLetterQueueUrl")?;
    Ok(Some(DeadLetters::new(aws_sdk_sqs::Client::new(&config), url)))
}

/// The sources' secret of a stack; `None` where the options name none.
pub(crate) async fn sources_secret(options: &Place) -> Result<Option<SecretsManager>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    let config = config(options).await;
    let id = output(&outputs(&config, stack).await?, stack, "SecretArn")?;
    Ok(Some(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&config), id)))
}

/// The secret of a stack for what providers tell by a handshake; `None` where it was deployed without one.
pub(crate) async fn captured_secret(options: &Place, stack: &str) -> Result<Option<SecretsManager>, Failure> {
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let id = outputs.into_iter().find(|(key, _)| key == "CapturedSecretArn").map(|(_, value)| value);
    Ok(id.map(|id| SecretsManager::new(aws_sdk_secretsmanager::Client::new(&config), id)))
}

/// The address before /webhooks/… of a stack; `None` where the options name none.
pub(crate) async fn webhook_url(options: &Place) -> Result<Option<String>, Failure> {
    let Some(stack) = &options.stack else { return Ok(None) };
    output(&outputs(&config(options).await, stack).await?, stack, "WebhookUrl").map(Some)
}

/// The outputs that every stack of ours has.
const OUTPUTS: [&str; 8] = [
    "WebhookUrl",
    "EventsQueueUrl",
    "LinksQueueUrl",
    "DeadLetterQueueUrl",
    "ActionsQueueUrl",
    "ClaimsTableName",
    "ContextTableName",
    "SecretArn",
];

/// Those of them that a stack hasn't.
pub(crate) async fn missing_outputs(options: &Place, stack: &str) -> Result<Vec<&'static str>, Failure> {
    let outputs = outputs(&config(options).await, stack).await?;
    Ok(OUTPUTS.into_iter().filter(|name| outputs.iter().all(|(key, _)| key != name)).collect())
}

/// How many messages a queue has, as far as SQS knows.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Depth {
    /// To be taken out.
    pub(crate) visible: u64,
    /// Taken out, and neither deleted nor given back: being worked on, or failed and waiting for the next receive.
    pub(crate) in_flight: u64,
    /// Not to be taken out yet.
    pub(crate) delayed: u64,
}

impl Depth {
    /// Of the queue with this address.
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

/// How many messages a queue has in all.
#[derive(Debug, Serialize)]
pub(crate) struct QueueCount {
    pub(crate) queue: &'static str,
    pub(crate) messages: u64,
}

/// The queues of the stack that the options name; none of a `tidings dev`, whose queues nobody else can see.
pub(crate) async fn queue_counts(options: &Place) -> Result<Vec<QueueCount>, Failure> {
    let Some(stack) = &options.stack else { return Ok(Vec::new()) };
    let config = config(options).await;
    let outputs = outputs(&config, stack).await?;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let mut counts = Vec::new();
    for (queue, name) in [("events", "EventsQueueUrl"), ("dead letters", "DeadLetterQueueUrl"), ("actions", "ActionsQueueUrl")] {
        let depth = Depth::of(&sqs, &output(&outputs, stack, name)?).await;
        let depth = depth.map_err(|error| unreadable(options, &error))?;
        counts.push(QueueCount { queue, messages: depth.all() });
    }
    Ok(counts)
}

pub(crate) fn output(outputs: &[(String, String)], stack: &str, name: &str) -> Result<String, Failure> {
    let found = outputs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    found.ok_or_else(|| {
        Failure::new(format!("stack {stack} has no output {name}")).hint("is it a stack of Tidings' template.yaml?")
    })
}

/// What a client of AWS's needs.
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

/// What a stack puts out, by name.
pub(crate) async fn outputs(config: &SdkConfig, stack: &str) -> Result<Vec<(String, String)>, Failure> {
    let stacks = described(config, stack).await?;
    let outputs = stacks.iter().flat_map(Stack::outputs);
    Ok(outputs.filter_map(|o| Some((o.output_key()?.to_owned(), o.output_value()?.to_owned()))).collect())
}

/// What a stack was deployed with, by name.
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

/// Why a table can't be read, in terms of what was asked for.
pub(crate) fn unreadable(options: &Place, error: &Unavailable) -> Failure {
    let failure = Failure::new(format!("{} had no answer: {}", error.call, error.cause));
    match (&options.stack, &options.endpoint_url) {
        (Some(_), _) => failure.hint("check --region and --profile, and that your credentials may read the tables"),
        (None, Some(url)) => {
            failure.hint(format!("is there a `tidings dev` behind {url}? its DynamoDB is one port above its webhooks"))
        }
        (None, None) => failure.hint("is `tidings dev` running? start it, or name a deployed stack with --stack"),
    }
}
