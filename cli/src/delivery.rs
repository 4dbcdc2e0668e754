//! Signs a case of the corpus and posts the request, as its provider would.

use crate::Failure;
use crate::files;
use serde_json::Value;
use std::time::Duration;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock};
use tidings_events::{Case, SignedRequest};

/// The longest timeout among providers.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Signs a case with the newest secret of its source.
pub(crate) fn sign(case: &Case, source: &Source, secrets: &str) -> Result<SignedRequest, Failure> {
    let secret = &files::secrets(secrets, source, None)?[0];
    case.request(source, secret, SystemClock.now(), case.tamper, None).map_err(|error| Failure::new(error.to_string()))
}

/// The receiver's response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// `accepted`, `unauthentic` …
    pub(crate) fn word(&self) -> &str {
        self.body["status"].as_str().or_else(|| self.body["error"].as_str()).unwrap_or("")
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Posts a request. Any response is `Ok`; no response is a failure.
pub(crate) fn post(url: &str, request: &SignedRequest) -> Result<Reply, Failure> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build().into();
    let mut post = agent.post(format!("{}{}", url.trim_end_matches('/'), request.path));
    for (name, value) in &request.headers {
        post = post.header(name, value);
    }
    let mut response = post.send(&request.body[..]).map_err(|error| no_response(url, &error))?;
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().unwrap_or_default();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Reply { status, body })
}

/// The failure for an address that doesn't answer.
pub(crate) fn no_response(url: &str, error: &ureq::Error) -> Failure {
    Failure::new(format!("no response from {url}: {error}"))
        .hint("is `tidings dev` running? start it, or give a deployment's address with --url")
}
