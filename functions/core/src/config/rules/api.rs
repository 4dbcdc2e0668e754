//! "Notify, then fetch": what a rule fetches before it is applied, and where from.

use super::FetchPath;
use serde::{Deserialize, Serialize};

/// Somewhere that rules may fetch from: nowhere else may they.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// `https://…/`, without places in it: an event decides what is fetched, never of whom.
    pub url: String,
    /// How its secret is sent. Without it none is.
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

/// What a rule fetches. Its expressions then see it as `fetched`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrich {
    /// The API's name.
    pub from: String,
    /// What is put behind the API's address. The value of a place is one segment, or a part of one: it is escaped.
    pub path: FetchPath,
    /// A CEL expression that gives the object's version: of one version it is fetched once. The event's own if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default)]
    pub if_gone: IfGone,
}

/// What becomes of the rule where the API says that there is no such object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfGone {
    /// The event is tried again, and is dead in the end: an API may be behind its own events.
    #[default]
    Retry,
    /// The rule isn't applied.
    Skip,
}
