//! Clients of its DynamoDB and SQS. Its token is the access key.

use super::token::Token;
use super::{ACCOUNT, REGION};
use aws_config::Region;
use aws_sdk_dynamodb::config::Credentials;
use tidings_core::aws::loader;

/// A client of an embedded DynamoDB. Its token is the access key.
pub(crate) async fn dynamodb_at(endpoint: &str, token: Option<&Token>) -> aws_sdk_dynamodb::Client {
    let key = token.map_or(NO_KEY, Token::as_str);
    let config = loader().endpoint_url(endpoint).credentials_provider(credentials(key));
    aws_sdk_dynamodb::Client::new(&config.region(Region::from_static(REGION)).load().await)
}

/// A client of an embedded SQS. Its token is the access key.
pub(crate) async fn sqs_at(endpoint: &str, token: Option<&Token>) -> aws_sdk_sqs::Client {
    let key = token.map_or(NO_KEY, Token::as_str);
    let config = loader().endpoint_url(endpoint).credentials_provider(credentials(key));
    aws_sdk_sqs::Client::new(&config.region(Region::from_static(REGION)).load().await)
}

/// The address of a queue of the embedded SQS at this endpoint.
pub(crate) fn queue_url_at(endpoint: &str, name: &str) -> String {
    format!("{}/{ACCOUNT}/{name}", endpoint.trim_end_matches('/'))
}

/// Of what nobody checks.
pub(crate) const NO_KEY: &str = "embedded";

pub(crate) fn credentials(key: &str) -> Credentials {
    Credentials::new(key, NO_KEY, None, None, "embedded")
}
