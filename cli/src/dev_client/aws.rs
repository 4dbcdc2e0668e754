//! Clients for the DynamoDB and SQS of a `dev`. Its token is the access key.

use super::token::Token;
use super::{ACCOUNT, ACTIONS_QUEUE, REGION};
use crate::clients::loader;
use aws_config::{ConfigLoader, Region};
use aws_sdk_dynamodb::config::Credentials;

/// A client of an embedded DynamoDB. Its token is the access key.
pub(crate) async fn dynamodb_at(endpoint: &str, token: Option<&Token>) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&embedded_at(endpoint, token).load().await)
}

/// A client of an embedded SQS. Its token is the access key.
pub(crate) async fn sqs_at(endpoint: &str, token: Option<&Token>) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&embedded_at(endpoint, token).load().await)
}

/// The client configuration for the embedded AWS at this endpoint.
pub(crate) fn embedded_at(endpoint: &str, token: Option<&Token>) -> ConfigLoader {
    let key = token.map_or(NO_KEY, Token::as_str);
    let credentials = Credentials::new(key, NO_KEY, None, None, "embedded");
    loader().endpoint_url(endpoint).credentials_provider(credentials).region(Region::from_static(REGION))
}

/// The address of a queue of the embedded SQS at this endpoint.
pub(crate) fn queue_url_at(endpoint: &str, name: &str) -> String {
    format!("{}/{ACCOUNT}/{name}", endpoint.trim_end_matches('/'))
}

/// Replaces an access key that isn't checked.
const NO_KEY: &str = "embedded";

/// The environment variables with which an SDK finds a `dev`.
pub(crate) fn environment(endpoint: &str, token: &str) -> [(&'static str, String); 7] {
    [
        ("AWS_ENDPOINT_URL_SQS", endpoint.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        // botocore, and with it the AWS CLI of version 1, reads only this one.
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", token.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "dev".to_owned()),
        ("ACTIONS_QUEUE_URL", queue_url_at(endpoint, ACTIONS_QUEUE)),
    ]
}
