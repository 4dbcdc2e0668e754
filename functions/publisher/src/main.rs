//! Wires the publisher to Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use publisher::aws::{DynamoDeliveries, DynamoEndpoints, SqsDeliveries};
use publisher::lambda::Invocation;
use publisher::{Ports, Publisher, PublisherPart};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tidings_config::time::SystemClock;
use tidings_core::aws::{Http, Outbound, SecretsManager, SqsPublished, config};
use tidings_core::settings::PublisherSettings;
use tidings_core::telemetry;
use tidings_outgoing::AwsIdentity;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    let environment = |name: &str| std::env::var(name).ok();
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
