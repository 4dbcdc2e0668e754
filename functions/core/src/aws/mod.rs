//! The ports, implemented with the AWS SDK. All clients share one configuration with timeouts: a call that hangs must
//! end while its function still has time to respond.

mod actions;
pub mod attributes;
mod claims;
mod context;
mod context_reader;
mod gather;
mod https;
mod load;
mod marker;
mod queue;
mod secrets;
mod stored_timers;
mod timers;
mod visibility;

pub use actions::SqsActions;
pub use claims::DynamoClaims;
pub use context::DynamoContexts;
pub use context_reader::DynamoContextReader;
pub use https::Https;
pub use queue::SqsQueue;
pub use secrets::SecretsManager;
pub use stored_timers::{DynamoTimers, stored_timer};
pub use timers::SqsTimers;
pub use visibility::SqsVisibility;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::error::Error;
use std::time::Duration;

/// Timeout of one attempt's TCP and TLS handshake.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of one attempt. The SDK has none by default.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of one call with all attempts. Three such calls fit into the receiver's ten seconds.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);

/// Name of the claims table's index for timelines, as in the template.
pub const TIMELINE_INDEX: &str = "timeline";

/// A configuration loader with our HTTP client and timeouts. Region and credentials come from the environment.
pub fn loader() -> ConfigLoader {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
        // The SDK's default first backoff is one second, which is the whole time of a call.
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
}

/// The configuration of a function.
pub async fn config() -> SdkConfig {
    loader().load().await
}

/// The cause of a failed call, for logs: the service's error code and message, or the chain of errors. Never the raw
/// response, which may contain stored data.
pub fn cause<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    if let Some(service) = error.as_service_error() {
        return format!("{}: {}", service.code().unwrap_or("no code"), service.message().unwrap_or("no message"));
    }
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        source = error.source();
    }
    chain
}
