//! The endpoint's own reports. `/ready` is newer than `/health`: an older deployment answers it with 404.

use crate::commands::page::{self, Page};
use crate::limits::MAX_READY_CHECKS;
use serde::Serialize;
use serde_json::{Map, Value};
use tidings_core::telemetry::Shown;

#[derive(Debug, Serialize)]
pub(super) struct Endpoint {
    /// `None` if no URL is known.
    pub(super) url: Option<String>,
    pub(super) health: Health,
    pub(super) ready: Ready,
}

#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Health {
    Answers {
        version: String,
        /// The hash of the endpoint's configuration. An endpoint of an earlier version doesn't report it.
        #[serde(skip_serializing_if = "Option::is_none")]
        configuration: Option<String>,
    },
    /// No answer, or not an answer of Tidings.
    Unreachable { said: String },
    /// It wasn't requested.
    Unknown { said: &'static str },
}

#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Ready {
    #[serde(rename = "ready")]
    Yes { checks: Map<String, Value> },
    #[serde(rename = "not_ready")]
    No { checks: Map<String, Value> },
    /// The endpoint is older than this page.
    Absent,
    /// Not an answer of Tidings.
    Unknown { said: String },
    /// Not requested, because the health is unknown.
    NotAsked,
}

pub(super) async fn ask(url: Option<String>) -> Endpoint {
    let Some(url) = url else {
        let health = Health::Unknown { said: "the address is unknown: the stack has no output for it. Give it with --url" };
        return Endpoint { url: None, health, ready: Ready::NotAsked };
    };
    let asked = url.clone();
    let both = tokio::task::spawn_blocking(move || {
        let health = health(page::get(&asked, "/health"));
        let ready = match health {
            Health::Answers { .. } => ready(page::get(&asked, "/ready")),
            Health::Unreachable { .. } | Health::Unknown { .. } => Ready::NotAsked,
        };
        (health, ready)
    });
    let (health, ready) = both.await.unwrap_or_else(|error| {
        let health = Health::Unreachable { said: error.to_string() };
        (health, Ready::NotAsked)
    });
    Endpoint { url: Some(url), health, ready }
}

pub(super) fn health(answer: Result<Page, String>) -> Health {
    match answer {
        Ok(Page { status: 200, body, .. }) if body["version"].is_string() => {
            let version = body["version"].as_str().unwrap_or_default();
            let configuration = body["configuration"].as_str().map(|hash| Shown(hash).to_string());
            Health::Answers { version: Shown(version).to_string(), configuration }
        }
        Ok(Page { status, .. }) => {
            Health::Unreachable { said: format!("/health answers {status}, but not in the format of Tidings") }
        }
        Err(said) => Health::Unreachable { said },
    }
}

pub(super) fn ready(answer: Result<Page, String>) -> Ready {
    match answer {
        Ok(Page { status: 404, .. }) => Ready::Absent,
        Ok(Page { status, body, .. }) => match (status, body["status"].as_str()) {
            (200, Some("ready")) => Ready::Yes { checks: checks(&body) },
            (503, Some("not_ready")) => Ready::No { checks: checks(&body) },
            (_, _) => Ready::Unknown { said: format!("/ready answers {status}, but not in the format of Tidings") },
        },
        Err(said) => Ready::Unknown { said },
    }
}

/// Anybody may answer, so the text is cut, and control characters can't reach the terminal.
fn checks(body: &Value) -> Map<String, Value> {
    let checks = body["checks"].as_object().into_iter().flatten().take(MAX_READY_CHECKS);
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    checks.map(|(name, value)| (Shown(name).to_string(), Shown(&shown(value)).to_string().into())).collect()
}
