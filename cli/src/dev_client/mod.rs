//! What commands need to reach a running `tidings dev`: addresses, paths, names in its cloud, and its token. `dev` uses
//! the same definitions.

pub(crate) mod about;
pub(crate) mod aws;
pub(crate) mod token;

use std::time::Duration;

/// The port on which `tidings dev` listens, and to which `tidings send` sends.
pub(crate) const DEV_PORT: u16 = 8787;

/// The address of `tidings dev`.
pub(crate) fn dev_url() -> String {
    format!("http://127.0.0.1:{DEV_PORT}")
}

/// The address of its DynamoDB and SQS.
pub(crate) fn dev_aws_url() -> String {
    format!("http://127.0.0.1:{}", DEV_PORT + 1)
}

/// Paths besides the webhooks, for programs on this machine that know the token.
pub(crate) const OWN_PATHS: &str = "/_dev";

/// The path for external links, used by `tidings link`. On AWS, this is `sqs:SendMessage` to the links queue, allowed
/// by IAM.
pub(crate) const LINKS_PATH: &str = "/_dev/links";

/// The path that advances its clock.
pub(crate) const ADVANCE_PATH: &str = "/_dev/advance";

/// How long an advance may take. Messages that remain after it are processed late, all at once.
pub(crate) const MAX_MOVE: Duration = Duration::from_secs(60);

pub const CLAIMS_TABLE: &str = "tidings-claims";
pub const CONTEXT_TABLE: &str = "tidings-context";
pub const TIMERS_TABLE: &str = "tidings-timers";
pub(crate) const ENDPOINTS_TABLE: &str = "tidings-endpoints";
pub const DELIVERIES_TABLE: &str = "tidings-deliveries";
pub(crate) const EVENTS_QUEUE: &str = "tidings-events";
pub(crate) const LINKS_QUEUE: &str = "tidings-links";
pub(crate) const LINKS_DEAD_LETTER_QUEUE: &str = "tidings-links-dead";
pub(crate) const DEAD_LETTER_QUEUE: &str = "tidings-events-dead";
pub(crate) const ACTIONS_QUEUE: &str = "tidings-actions.fifo";
pub(crate) const PUBLISHED_QUEUE: &str = "tidings-published";
pub(crate) const PUBLISHED_DEAD_LETTER_QUEUE: &str = "tidings-published-dead";
pub(crate) const DELIVERIES_QUEUE: &str = "tidings-deliveries";
pub(crate) const DELIVERIES_DEAD_LETTER_QUEUE: &str = "tidings-deliveries-dead";
/// Names alone: no function of `dev` takes events for Kafka.
pub(crate) const KAFKA_QUEUE: &str = "tidings-kafka.fifo";
pub(crate) const KAFKA_DEAD_LETTER_QUEUE: &str = "tidings-kafka-dead.fifo";
/// The secret of its Secrets Manager with the endpoints' secrets.
pub(crate) const ENDPOINTS_SECRET: &str = "tidings-endpoints";
/// The secret there with the keys of viewers' and portals' tokens: the token of this `dev`.
pub(crate) const FEED_SECRET: &str = "tidings-feed";
/// With channels: actions on their way to the sender.
pub(crate) const SENDER_QUEUE: &str = "tidings-sender.fifo";
pub(crate) const ACTIONS_DEAD_LETTER_QUEUE: &str = "tidings-actions-dead.fifo";
pub const TENANTS_TABLE: &str = "tidings-tenants";
pub const SENDS_TABLE: &str = "tidings-sends";
pub(crate) const REGION: &str = "eu-central-1";

/// The account in queue URLs.
pub(crate) const ACCOUNT: &str = "123456789012";
