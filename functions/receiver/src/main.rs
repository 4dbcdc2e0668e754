//! Wires the receiver to Lambda.

use lambda_http::lambda_runtime::run;
use lambda_http::{Error, LambdaEvent, service_fn};
use receiver::lambda::{Incoming, answer};
use receiver::{Ports, Receiver};
use std::sync::Arc;
use std::time::Instant;
use tidings_config::artefact::ReceiverPart;
use tidings_config::time::SystemClock;
use tidings_core::aws::{DynamoClaims, DynamoTenants, Http, Https, SecretsManager, SqsQueue, config};
use tidings_core::settings::ReceiverSettings;
use tidings_core::telemetry;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    let environment = |name: &str| std::env::var(name).ok();
    let settings = ReceiverSettings::read(&environment)?;
    telemetry::init(settings.written);
    let ReceiverPart { hash, sources } =
        ReceiverPart::read(&settings.artefact).inspect_err(telemetry::unreadable_configuration)?;
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let secrets = |id| SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), id);
    let claims = Arc::new(DynamoClaims::new(aws_sdk_dynamodb::Client::new(&aws), settings.claims_table));
    let queue = Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&aws), settings.events_queue_url).by_source(settings.fair_queue));
    let ports = Ports {
        claims: Arc::clone(&claims) as _,
        queue: Arc::clone(&queue) as _,
        secrets: Arc::new(secrets(settings.secret_arn)),
        captured: settings.captured_secret_arn.map(|id| Arc::new(secrets(id)) as _),
        https: Arc::new(Https::new(http)),
        clock: Arc::new(SystemClock),
    };
    let mut receiver = Receiver::new(sources, ports).probing(vec![claims, queue]).configured_by(&hash);
    if let Some(id) = settings.status_secret_arn {
        receiver = receiver.telling_status_by(Arc::new(secrets(id)));
    }
    if let Some(table) = settings.tenants_table {
        let client = aws_sdk_dynamodb::Client::new(&aws);
        receiver = receiver.with_tenants(Arc::new(DynamoTenants::new(client, table)));
    }
    receiver.warm_up().await;
    let receiver = &receiver;
    telemetry::started("receiver", &hash, started.elapsed());
    run(service_fn(|event: LambdaEvent<Incoming>| async move {
        let invocation = telemetry::invocation(&event.context.request_id);
        Ok::<_, Error>(answer(receiver, event).instrument(invocation).await)
    }))
    .await
}
