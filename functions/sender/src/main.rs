//! Wires the sender to Lambda.

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use sender::{Ports, Sender, SenderPart};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tidings_config::time::SystemClock;
use tidings_core::aws::{DynamoSends, Http, Outbound, SecretsManager, SqsForwards, SqsVisibility, config};
use tidings_core::settings::SenderSettings;
use tidings_core::telemetry;
use tidings_outgoing::AwsIdentity;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    let environment = |name: &str| std::env::var(name).ok();
    let settings = SenderSettings::read(&environment)?;
    telemetry::init(settings.written);
    let SenderPart { hash, channels } = SenderPart::read(&settings.artefact).inspect_err(telemetry::unreadable_configuration)?;
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let ports = Ports {
        sends: Arc::new(DynamoSends::new(aws_sdk_dynamodb::Client::new(&aws), settings.sends_table)),
        bot: Arc::new(SqsForwards::new(sqs.clone(), settings.bot_actions_queue_url)),
        dead_letters: Arc::new(SqsForwards::new(sqs.clone(), settings.dead_letter_queue_url)),
        visibility: Arc::new(SqsVisibility::new(sqs, settings.actions_queue_url)),
        secrets: Arc::new(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), settings.secret_arn)),
        https: Arc::new(Outbound::new(&http)),
        clock: Arc::new(SystemClock),
    };
    let sender = &Sender::new(channels, ports, settings.concurrency, AwsIdentity::of_environment(&environment));
    telemetry::started("sender", &hash, started.elapsed());
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let time_left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
        let said = sender.handle(event.payload, time_left);
        Ok::<_, Error>(said.instrument(telemetry::invocation(&event.context.request_id)).await)
    }))
    .await
}
