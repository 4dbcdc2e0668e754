//! A running `dev`'s description for programs that know its token: its addresses and its clock. Both ports serve it, so
//! one address is enough to find the other.

use super::token::Token;
use super::{ADVANCE_PATH, MAX_MOVE, OWN_PATHS};
use crate::Failure;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_config::time::{Clock, SystemClock, Timestamp, millis};

/// Short, because `dev` is on this machine.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The description as received.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Known {
    /// The address before /webhooks/…
    pub(crate) webhooks: String,
    /// The endpoint of its DynamoDB and SQS.
    pub(crate) aws: String,
    pub(crate) now: Timestamp,
    /// When it started, by its clock. A `dev` of an earlier version doesn't say it.
    #[serde(default)]
    pub(crate) started: Option<Timestamp>,
    /// The clock's offset from the machine's clock.
    pub(crate) ahead_seconds: u64,
}

/// Requests the description from either address. `None`: no `dev` runs there, or its token isn't known here.
pub(crate) async fn ask(url: &str) -> Option<Known> {
    let (token, url) = (Token::of(url)?, url.to_owned());
    tokio::task::spawn_blocking(move || call(&url, &token, None)).await.ok()?.ok()
}

/// Advances the clock. Errors: `dev` refused it, or the connection failed.
pub(crate) async fn advance(url: &str, by: Duration) -> Result<Known, Failure> {
    const HINT: &str = "is `tidings dev` running? start it, or give its address with --url. If another user started it, set \
                        TIDINGS_DEV_TOKEN to the token that it printed";
    let token = Token::of(url).ok_or_else(|| Failure::new(format!("no token is known for {url}")).hint(HINT))?;
    let address = url.to_owned();
    let moved = tokio::task::spawn_blocking(move || call(&address, &token, Some(by))).await;
    let moved = moved.map_err(|error| Failure::new(error.to_string()))?;
    moved.map_err(|error| Failure::new(format!("{url}: {error}")).hint(HINT))
}

/// The time of the `dev` at this address, or the machine's time if no `dev` runs there.
pub(crate) async fn now_at(url: &str) -> Timestamp {
    ask(url).await.map_or_else(|| SystemClock.now(), |known| known.now)
}

fn call(url: &str, token: &Token, by: Option<Duration>) -> Result<Known, ureq::Error> {
    let timeout = by.map_or(TIMEOUT, |_| MAX_MOVE + 3 * TIMEOUT);
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(timeout)).build().into();
    let (url, bearer) = (url.trim_end_matches('/'), format!("Bearer {}", token.as_str()));
    let mut response = match by {
        None => agent.get(format!("{url}{}", OWN_PATHS)).header("authorization", bearer).call()?,
        Some(by) => {
            let post = agent.post(format!("{url}{}", ADVANCE_PATH)).header("authorization", bearer);
            post.send(millis(by).to_string())?
        }
    };
    let text = response.body_mut().read_to_string()?;
    serde_json::from_str(&text).map_err(|error| ureq::Error::Io(std::io::Error::other(error)))
}
