//! How commands reach a `tidings dev` that runs: its addresses and paths, the names in its cloud, and its token. `dev` itself stands on
//! these.

pub(crate) mod about;
pub(crate) mod aws;
pub(crate) mod token;

use std::time::Duration;

/// Where `tidings dev` listens, and where `tidings send` sends to.
pub(crate) const DEV_PORT: u16 = 8787;

/// Where `tidings dev` is.
pub(crate) fn dev_url() -> String {
    format!("http://127.0.0.1:{DEV_PORT}")
}

/// Where its DynamoDB and SQS are.
pub(crate) fn dev_aws_url() -> String {
    format!("http://127.0.0.1:{}", DEV_PORT + 1)
}

/// What isn't a webhook: for programs of this machine that know the token.
pub(crate) const OWN_PATHS: &str = "/_dev";

/// Where a link is queued, as `tidings link` does. On AWS that is `sqs:SendMessage` to the links queue, and who may.
pub(crate) const LINKS_PATH: &str = "/_dev/links";

/// Where its clock is moved ahead.
pub(crate) const ADVANCE_PATH: &str = "/_dev/advance";

/// How long a move may take. What is due after that comes late, all at once.
pub(crate) const MAX_MOVE: Duration = Duration::from_secs(60);

pub const CLAIMS_TABLE: &str = "tidings-claims";
pub const CONTEXT_TABLE: &str = "tidings-context";
pub(crate) const EVENTS_QUEUE: &str = "tidings-events";
pub(crate) const LINKS_QUEUE: &str = "tidings-links";
pub(crate) const LINKS_DEAD_LETTER_QUEUE: &str = "tidings-links-dead";
pub(crate) const DEAD_LETTER_QUEUE: &str = "tidings-events-dead";
pub(crate) const ACTIONS_QUEUE: &str = "tidings-actions.fifo";
pub(crate) const REGION: &str = "eu-central-1";

/// The account of their addresses.
pub(crate) const ACCOUNT: &str = "123456789012";
