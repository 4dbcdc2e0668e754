//! Wires the publisher to Lambda, or the API of its endpoints, as the environment says.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use publisher::aws::{DynamoDeliveries, DynamoEndpoints, SqsDeliveries};
use publisher::lambda::Invocation;
use publisher::portal::{self, Portal};
use publisher::{Ports, Publisher, PublisherPart};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tidings_config::reach::Reach;
use tidings_config::time::{Clock as _, SystemClock};
use tidings_core::aws::{Http, Outbound, SecretsManager, SqsPublished, config};
use tidings_core::http_api::Incoming;
use tidings_core::settings::{PortalSettings, PublisherSettings};
use tidings_core::telemetry;
use tidings_outgoing::AwsIdentity;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    if PortalSettings::are_in(&environment) { portal(started).await } else { publisher(started).await }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn publisher(started: Instant) -> Result<(), Error> {
    let settings = PublisherSettings::read(&environment)?;
    telemetry::init(settings.written);
    let PublisherPart { hash, endpoints, sinks } =
        PublisherPart::read(&settings.artefact).inspect_err(telemetry::unreadable_configuration)?;
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let (dynamodb, sqs) = (aws_sdk_dynamodb::Client::new(&aws), aws_sdk_sqs::Client::new(&aws));
    let ports = Ports {
        endpoints: Arc::new(DynamoEndpoints::new(dynamodb.clone(), settings.endpoints_table)),
        deliveries: Arc::new(DynamoDeliveries::new(dynamodb, settings.deliveries_table)),
        queue: Arc::new(SqsDeliveries::new(sqs.clone(), settings.deliveries_queue_url)),
        published: Arc::new(SqsPublished::new(sqs, settings.published_queue_url)),
        https: Arc::new(Outbound::new(&http)),
        secrets: Arc::new(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), settings.endpoints_secret_arn)),
        clock: Arc::new(SystemClock),
    };
    let role = AwsIdentity::of_environment(&environment);
    let publisher = &Publisher::new(endpoints, ports).with_sinks(sinks, role, settings.kafka_queue_arn.as_deref());
    telemetry::started("publisher", &hash, started.elapsed());
    run(service_fn(|event: LambdaEvent<Invocation>| async move {
        let time_left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
        let done = publisher.invoke(event.payload, time_left);
        Ok::<_, Error>(done.instrument(telemetry::invocation(&event.context.request_id)).await?)
    }))
    .await
}

async fn portal(started: Instant) -> Result<(), Error> {
    let settings = PortalSettings::read(&environment)?;
    telemetry::init(settings.written);
    let PublisherPart { hash, endpoints, sinks: _ } =
        PublisherPart::read(&settings.artefact).inspect_err(telemetry::unreadable_configuration)?;
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let secret = |id| Arc::new(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), id));
    let ports = portal::Ports {
        endpoints: Arc::new(DynamoEndpoints::new(dynamodb.clone(), settings.endpoints_table)),
        deliveries: Arc::new(DynamoDeliveries::new(dynamodb, settings.deliveries_table)),
        queue: Arc::new(SqsDeliveries::new(aws_sdk_sqs::Client::new(&aws), settings.deliveries_queue_url)),
        secrets: secret(settings.endpoints_secret_arn),
        tokens: secret(settings.tokens_arn),
        clock: Arc::new(SystemClock),
        signers_clock: Arc::new(SystemClock),
    };
    let portal = &Portal::new(endpoints, ports, Reach::Public);
    portal.warm_up().await;
    telemetry::started("portal", &hash, started.elapsed());
    run(service_fn(|event: LambdaEvent<Incoming>| async move {
        let invocation = telemetry::invocation(&event.context.request_id);
        let answered = portal::lambda::answer(portal, event).instrument(invocation).await;
        telemetry::flush(SystemClock.now());
        Ok::<_, Error>(answered)
    }))
    .await
}
