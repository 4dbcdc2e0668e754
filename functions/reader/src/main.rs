//! Wires the reader to Lambda: the read API of the contexts, or the feed, as the environment says.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reader::ContextApi;
use reader::admit::{Access, TokenBook};
use reader::feed::FeedApi;
use reader::feed::origin::Origins;
use reader::lambda::{Incoming, answer, answer_feed};
use std::sync::Arc;
use std::time::Instant;
use tidings_config::time::{Clock, SystemClock, millis};
use tidings_core::aws::{
    DynamoContextReader, DynamoContexts, DynamoFeedReader, DynamoStatusReader, Http, SecretsManager, config,
};
use tidings_core::settings::{FeedSettings, ReaderAccess, ReaderSettings};
use tidings_core::telemetry::{self, Metric};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let started = Instant::now();
    if FeedSettings::are_in(&environment) { feed(started).await } else { contexts(started).await }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn contexts(started: Instant) -> Result<(), Error> {
    let settings = ReaderSettings::read(&environment)?;
    telemetry::init(settings.written);
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let access = match settings.access {
        ReaderAccess::Iam => Access::FrontDoor,
        ReaderAccess::Token { secret_arn } => {
            let secret = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), secret_arn);
            Access::Tokens(TokenBook::new(Arc::new(secret), Arc::clone(&clock), "the read API's tokens"))
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

async fn feed(started: Instant) -> Result<(), Error> {
    let settings = FeedSettings::read(&environment)?;
    telemetry::init(settings.written);
    let http = Http::of(&environment)?;
    let aws = config(&http, &environment);
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let secrets = |id| Arc::new(SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), id));
    let claims = DynamoStatusReader::new(dynamodb.clone(), settings.claims_table.clone());
    let feeds = DynamoFeedReader::new(dynamodb.clone(), settings.context_table.clone());
    let store = DynamoContexts::new(dynamodb, settings.claims_table, settings.context_table);
    let origins = Origins::read(&settings.origins);
    let api = &FeedApi::new(Arc::new(feeds), secrets(settings.secret_arn), origins, Arc::new(SystemClock))
        .appending_to(Arc::new(store))
        .telling_status_by(secrets(settings.status_secret_arn), Arc::new(claims));
    api.warm_up().await;
    Metric::ColdStart.measure_in("feed", millis(started.elapsed()));
    run(service_fn(|event: LambdaEvent<Incoming>| async move {
        let invocation = telemetry::invocation(&event.context.request_id);
        let answered = answer_feed(api, event).instrument(invocation).await;
        telemetry::flush(SystemClock.now());
        Ok::<_, Error>(answered)
    }))
    .await
}
