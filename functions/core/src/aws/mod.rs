//! The ports behind the real SDK. Every client comes from one configuration with bounded times: a call that hangs must
//! end while its function still has time to say so.

mod actions;
mod attributes;
mod claims;
mod context;
mod context_reader;
mod dead_letters;
mod erase;
mod gather;
mod https;
mod kept;
mod load;
mod queue;
mod read;
mod secrets;
mod subject_data;
mod timers;
mod visibility;

pub use actions::SqsActions;
pub use claims::DynamoClaims;
pub use context::DynamoContexts;
pub use context_reader::DynamoContextReader;
pub use dead_letters::{DeadLetters, Letter, Receipt};
pub use erase::{Eraser, Erasure, NotErased};
pub use https::Https;
pub use kept::StoredFound;
pub use queue::SqsQueue;
pub use read::Reader;
pub use secrets::SecretsManager;
pub use subject_data::{Counts, SubjectData};
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

/// One attempt's TCP and TLS handshake.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// One attempt. The SDK has no limit of its own.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// One call with all its attempts: three of them fit into the receiver's ten seconds.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);

/// The tables' indexes and attributes that the template declares.
pub const TIMELINE_INDEX: &str = "timeline";

/// A configuration loader with our HTTP client and our times. Region and credentials come from the environment.
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
        // The SDK's first pause is a second by default, which is all the time that a call has.
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
}

/// The configuration of a function.
pub async fn config() -> SdkConfig {
    loader().load().await
}

/// Why a call failed, for our logs: the service's own word, or the chain of what went wrong on the way. Never the raw
/// answer, which may hold what was stored.
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
