//! Wires the processor to Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use processor::lambda::Invocation;
use processor::{Ports, Processor};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tidings_config::artefact::ProcessorPart;
use tidings_config::limits::EVENTS_VISIBILITY;
use tidings_config::schemas::EventSchemas;
use tidings_config::time::SystemClock;
use tidings_core::aws::{
    DynamoContexts, DynamoOutbox, DynamoSends, DynamoTimers, Http, Https, SecretsManager, SqsActions, SqsPublished, SqsTimers,
    SqsVisibility, config,
};
use tidings_core::ports::SecretStore;
use tidings_core::settings::ProcessorSettings;
use tidings_core::telemetry;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    let environment = |name: &str| std::env::var(name).ok();
    let settings = ProcessorSettings::read(&environment)?;
    telemetry::init(settings.written);
    let part = ProcessorPart::read(&settings.artefact, settings.sends_table.is_some())
        .inspect_err(telemetry::unreadable_configuration)?;
    let ProcessorPart { hash, rules, schemas, outbox, statuses } = part;
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let (dynamodb, sqs) = (aws_sdk_dynamodb::Client::new(&aws), aws_sdk_sqs::Client::new(&aws));
    let api_secrets = settings
        .api_secret_arn
        .map(|arn| Arc::new(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), arn)) as Arc<dyn SecretStore>);
    let outbox = outbox.then(|| DynamoOutbox::new(dynamodb.clone(), settings.claims_table.clone()));
    let ports = Ports {
        store: Arc::new(DynamoContexts::new(dynamodb.clone(), settings.claims_table, settings.context_table)),
        actions: Arc::new(SqsActions::new(sqs.clone(), settings.actions_queue_url)),
        timers: Arc::new(SqsTimers::new(sqs.clone(), settings.events_queue_url.clone())),
        https: Arc::new(Https::new(http)),
        api_secrets,
        clock: Arc::new(SystemClock),
    };
    let published = settings.published_queue_url.map(|url| SqsPublished::new(sqs.clone(), url));
    let processor = Processor::new(rules, EventSchemas::new(schemas), ports, settings.max_receive_count)
        .storing_events(settings.keep_events)
        .feeding(settings.feed)
        .isolating(Arc::new(SqsVisibility::new(sqs, settings.events_queue_url)), EVENTS_VISIBILITY)
        .taking_links_from(settings.links_queue_arn)
        .storing_timers(Arc::new(DynamoTimers::new(dynamodb.clone(), settings.timers_table)));
    let processor = match outbox {
        Some(outbox) => processor.sweeping_outbox(Arc::new(outbox)),
        None => processor,
    };
    let processor = match published {
        Some(published) => processor.publishing(Arc::new(published)),
        None => processor,
    };
    let processor = &match settings.sends_table {
        Some(table) => processor.recording_statuses(statuses, Arc::new(DynamoSends::new(dynamodb, table))),
        None => processor,
    };
    telemetry::started("processor", &hash, started.elapsed());
    run(service_fn(|event: LambdaEvent<Invocation>| async move {
        let time_left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
        let done = processor.invoke(event.payload, time_left);
        Ok::<_, Error>(done.instrument(telemetry::invocation(&event.context.request_id)).await?)
    }))
    .await
}
