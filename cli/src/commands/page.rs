//! What an endpoint says of itself: `GET /health` and `GET /ready`. Bounded in time and length, whoever is there.

use serde_json::Value;
use std::time::Duration;
use tidings_core::limits::MAX_PAGE_BYTES;
use tidings_core::time::Timestamp;

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// What time it is there.
    pub(crate) date: Option<Timestamp>,
    /// Null where it isn't JSON.
    pub(crate) body: Value,
}

/// `path` begins with a slash; a slash at the end of `url` doesn't count. An error is why there was no answer.
pub(crate) fn get(url: &str, path: &str) -> Result<Page, String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build().into();
    let mut response =
        agent.get(format!("{}{path}", url.trim_end_matches('/'))).call().map_err(|error| format!("{url}: {error}"))?;
    let date = response.headers().get("date").and_then(|date| Timestamp::parse_http_date(date.to_str().ok()?));
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(MAX_PAGE_BYTES).read_to_string();
    let body = text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ok(Page { status, date, body })
}
