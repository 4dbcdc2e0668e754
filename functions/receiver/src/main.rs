//! Wires the receiver to Lambda.

use lambda_http::{Error, run, service_fn};
use receiver::{Ports, Receiver, configured};
use std::sync::Arc;
use tidings_core::aws::{DynamoClaims, Https, SecretsManager, SqsQueue, config};
use tidings_core::settings::ReceiverSettings;
use tidings_core::telemetry;
use tidings_core::time::SystemClock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = ReceiverSettings::read(&|name| std::env::var(name).ok())?;
    let aws = config().await;
    let secrets = |id| SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), id);
    let ports = Ports {
        claims: Arc::new(DynamoClaims::new(aws_sdk_dynamodb::Client::new(&aws), settings.claims_table)),
        queue: Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&aws), settings.events_queue_url)),
        secrets: Arc::new(secrets(settings.secret_arn)),
        captured: settings.captured_secret_arn.map(|id| Arc::new(secrets(id)) as _),
        https: Arc::new(Https::default()),
        clock: Arc::new(SystemClock),
    };
    let receiver = Receiver::new(configured::sources(), ports);
    receiver.warm_up().await;
    let receiver = &receiver;
    run(service_fn(|request| async move { Ok::<_, Error>(receiver.handle(request).await) })).await
}
