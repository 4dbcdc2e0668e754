//! Wires Kafka's function to Lambda.

use aws_lambda_events::event::sqs::SqsEvent;
use kafka::Writer;
use kafka::cluster::Cluster;
use kafka::configuration::KafkaPart;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tidings_config::time::SystemClock;
use tidings_core::aws::{Http, SecretsManager, config};
use tidings_core::settings::KafkaSettings;
use tidings_core::telemetry;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    let environment = |name: &str| std::env::var(name).ok();
    let settings = KafkaSettings::read(&environment)?;
    telemetry::init(settings.written);
    let part = KafkaPart::read(&settings.artefact).inspect_err(telemetry::unreadable_configuration)?;
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let secrets = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), settings.kafka_secret_arn);
    let cluster = Cluster::new(Arc::new(secrets), Arc::new(SystemClock));
    let writer = &Writer::new(part.targets(), Arc::new(cluster), Arc::new(SystemClock));
    telemetry::started("kafka", &part.hash, started.elapsed());
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let time_left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
        let written = writer.handle(event.payload.records, time_left);
        Ok::<_, Error>(written.instrument(telemetry::invocation(&event.context.request_id)).await)
    }))
    .await
}
