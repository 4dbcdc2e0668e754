//! The ports, implemented with the AWS SDK. All clients share one configuration with timeouts: a call that hangs must
//! end while its function still has time to respond.

mod actions;
pub mod attributes;
mod claims;
mod config;
mod context;
mod context_reader;
mod feed_reader;
mod forwards;
mod gather;
mod http;
mod https;
mod load;
mod marker;
mod outbound;
mod outbox;
mod published;
mod queue;
mod secrets;
mod sends;
mod status_reader;
mod stored_timers;
mod tenants;
mod timers;
mod visibility;

pub use actions::SqsActions;
pub use claims::DynamoClaims;
pub use config::{attempts, config, timeouts};
pub use context::DynamoContexts;
pub use context_reader::DynamoContextReader;
pub use feed_reader::DynamoFeedReader;
pub use forwards::SqsForwards;
pub use http::{Http, UnusableBundle, tls_trusting};
pub use https::Https;
pub use outbound::Outbound;
pub use outbox::DynamoOutbox;
pub use published::SqsPublished;
pub use queue::SqsQueue;
pub use secrets::SecretsManager;
pub use sends::{DynamoSends, message_status, send_record, status_place};
pub use status_reader::DynamoStatusReader;
pub use stored_timers::{DynamoTimers, stored_timer};
pub use tenants::DynamoTenants;
pub use timers::SqsTimers;
pub use visibility::SqsVisibility;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
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

/// Name of the claims table's index of kept events, as in the template.
pub const OUTBOX_INDEX: &str = "outbox";

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
    chain(error)
}

/// An error and its causes.
fn chain(error: &dyn Error) -> String {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        source = error.source();
    }
    chain
}
