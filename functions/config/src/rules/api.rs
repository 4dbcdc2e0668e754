//! "Notify, then fetch": the objects that a rule fetches before it is applied, and their APIs.

use super::FetchPath;
use serde::{Deserialize, Serialize};

/// An API that rules may fetch from. Other addresses are never fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// `https://…/`, without placeholders: an event decides which object is fetched, never from which host.
    pub url: String,
    /// How its secret is sent. Default: no secret is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SentAs>,
}

/// How a secret is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentAs {
    /// `Authorization: Bearer …`
    Bearer,
    /// `Authorization: Basic …`; the secret is `user:password`.
    Basic,
    /// In a header of this name.
    Header(String),
}

/// An object that a rule fetches. The rule's expressions see it as `fetched`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrich {
    /// The API's name.
    pub from: String,
    /// The path behind the API's address. The value of a placeholder is escaped: it is one segment or part of one.
    pub path: FetchPath,
    /// A CEL expression that gives the object's version. Each version is fetched once. Default: the event's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default)]
    pub if_gone: IfGone,
}

/// What happens to the rule if the API responds that the object doesn't exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfGone {
    /// The event is retried, and finally dead-lettered: an API may lag behind its own events.
    #[default]
    Retry,
    /// The rule isn't applied.
    Skip,
}
