//! The stores on DynamoDB, and the deliveries queue on SQS.

mod deliveries;
mod endpoints;
mod queue;

pub use deliveries::{DUE_INDEX, DynamoDeliveries, deliveries_of, messages_of};
pub use endpoints::DynamoEndpoints;
pub use queue::SqsDeliveries;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::fmt::Debug;
use tidings_core::aws::cause;
use tidings_core::ports::Unavailable;

fn unavailable<E, R>(call: &'static str, error: &SdkError<E, R>) -> Unavailable
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug,
{
    Unavailable { call, cause: cause(error) }
}

/// A row that another version of the publisher wrote, or somebody by hand.
fn unreadable(what: &str) -> Unavailable {
    Unavailable { call: "dynamodb", cause: format!("{what} can't be read: it was written by another version") }
}
