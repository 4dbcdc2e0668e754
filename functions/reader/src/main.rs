//! Wires the reader to Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reader::ContextApi;
use reader::admit::{Access, TokenBook};
use reader::lambda::{Incoming, answer};
use std::sync::Arc;
use std::time::Instant;
use tidings_config::time::{Clock, SystemClock, millis};
use tidings_core::aws::{DynamoContextReader, SecretsManager, config};
use tidings_core::settings::{ReaderAccess, ReaderSettings};
use tidings_core::telemetry::{self, Metric};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    let settings = ReaderSettings::read(&|name| std::env::var(name).ok())?;
    telemetry::init(settings.written);
    let aws = config().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let access = match settings.access {
        ReaderAccess::Iam => Access::FrontDoor,
        ReaderAccess::Token { secret_arn } => {
            let secret = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), secret_arn);
            Access::Tokens(TokenBook::new(Arc::new(secret), Arc::clone(&clock)))
        }
    };
    let contexts = Arc::new(DynamoContextReader::new(aws_sdk_dynamodb::Client::new(&aws), settings.context_table));
    let api = &ContextApi::new(contexts, access, clock);
    api.warm_up().await;
    Metric::ColdStart.measure_in("reader", millis(started.elapsed()));
    run(service_fn(|event: LambdaEvent<Incoming>| async move {
        let invocation = telemetry::invocation(&event.context.request_id);
        let answered = answer(api, event).instrument(invocation).await;
        telemetry::flush(SystemClock.now());
        Ok::<_, Error>(answered)
    }))
    .await
}
