//! The bodies of requests and answers: the contract of docs/endpoints-api.openapi.json.

use super::reply::Reply;
use crate::delivery::{Attempt, Delivery, DeliveryState};
use crate::endpoint::{EndpointState, Registered};
use crate::limits::MAX_PORTAL_BODY_BYTES;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use tidings_config::endpoint::{BodyForm, Endpoint, EndpointId, Subscription};
use tidings_config::rules::Priority;
use tidings_config::time::Timestamp;

/// `POST /endpoints`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    pub url: String,
    pub events: Vec<Subscription>,
    #[serde(default)]
    pub when: Option<String>,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub format: BodyForm,
    #[serde(default)]
    pub ed25519: bool,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A backend may name one. An owner's token has its own.
    #[serde(default)]
    pub owner: Option<String>,
}

/// `PATCH /endpoints/{endpoint}`: what is left out stays. `null` removes a condition or a description.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patch {
    pub url: Option<String>,
    pub events: Option<Vec<Subscription>>,
    #[serde(deserialize_with = "given")]
    pub when: Option<Option<String>>,
    pub priority: Option<Priority>,
    #[serde(deserialize_with = "given")]
    pub description: Option<Option<String>>,
    pub format: Option<BodyForm>,
    pub headers: Option<BTreeMap<String, String>>,
    /// `false`: it is disabled by hand.
    pub active: Option<bool>,
}

/// Tells a field that is `null` from one that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `POST /endpoints/{endpoint}/retry`: one delivery, or those in a state.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub delivery: Option<String>,
    /// `failed` or `held`.
    pub state: Option<DeliveryState>,
    /// Only those that were made at this time or later.
    pub since: Option<Timestamp>,
    /// Where the answer before ended.
    pub after: Option<String>,
}

/// `POST /endpoints/{endpoint}/rotate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotate {
    /// How long the old secret signs as well, in hours. Left out: 24.
    pub keep_hours: Option<u64>,
}

/// An endpoint, without its secret.
#[derive(Clone, Debug, Serialize)]
pub struct Shown<'a> {
    id: &'a EndpointId,
    url: &'a str,
    events: &'a [Subscription],
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<&'a str>,
    priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    format: BodyForm,
    ed25519: bool,
    headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    active: bool,
    /// Why and since when it isn't active.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<ShownDisabled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    /// Whether `endpoints.yaml` has it: then only its state can be changed here.
    of_file: bool,
}

#[derive(Clone, Debug, Serialize)]
struct ShownDisabled {
    reason: &'static str,
    since: Timestamp,
}

impl<'a> Shown<'a> {
    pub fn of(one: &'a Registered) -> Self {
        let Endpoint { id, url, events, when, priority, description, secret: _, format, ed25519, headers } = &one.endpoint;
        let disabled = match &one.status.state {
            EndpointState::Active => None,
            EndpointState::Disabled { reason, since, .. } => Some(ShownDisabled { reason: reason.as_str(), since: *since }),
        };
        Self {
            id,
            url,
            events,
            when: when.as_deref(),
            priority: *priority,
            description: description.as_deref(),
            format: *format,
            ed25519: *ed25519,
            headers,
            owner: one.status.group.as_deref(),
            active: disabled.is_none(),
            disabled,
            failing_since: one.status.failing_since,
            created: one.status.created,
            of_file: one.of_file,
        }
    }
}

/// A delivery, without the person whom its event is about.
#[derive(Clone, Debug, Serialize)]
pub struct ShownDelivery<'a> {
    delivery: &'a str,
    webhook_id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    state: DeliveryState,
    created: Timestamp,
    /// When the next attempt is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    attempts: &'a [Attempt],
}

impl<'a> ShownDelivery<'a> {
    pub fn of(delivery: &'a Delivery) -> Self {
        Self {
            delivery: &delivery.key.delivery,
            webhook_id: &delivery.webhook_id,
            event_type: &delivery.event_type,
            state: delivery.state,
            created: delivery.created,
            due: delivery.due,
            attempts: &delivery.log,
        }
    }
}

/// Reads a body. An empty one is `{}`. The error names the place, and no content.
pub(super) fn read<T: DeserializeOwned>(body: &str) -> Result<T, Reply> {
    if body.len() > MAX_PORTAL_BODY_BYTES {
        return Err(Reply::TooLarge);
    }
    let body = if body.trim().is_empty() { "{}" } else { body };
    // serde would take a list of values for an object.
    if !body.trim_start().starts_with('{') {
        return Err(Reply::BadRequest(vec!["the body isn't a JSON object".to_owned()]));
    }
    serde_json::from_str(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what =
            format!("the body can't be read at line {line} column {column}: a field is missing, unknown, or of another form");
        Reply::BadRequest(vec![what])
    })
}
