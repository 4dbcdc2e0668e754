//! `endpoints.yaml`: the servers of others that get committed events and sent actions as webhooks.

use super::subscription::{check_when, report};
use super::{Checker, Report, Spanned, yaml};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidings_config::endpoint::{BodyForm, Endpoint, EndpointId, Subscription};
use tidings_config::limits::{
    MAX_ENDPOINT_DESCRIPTION_BYTES, MAX_ENDPOINT_HEADERS, MAX_ENDPOINT_PATTERNS, MAX_ENDPOINTS, MAX_EXPRESSION_BYTES,
};
use tidings_config::reach::Reach;
use tidings_config::rules::Priority;

/// Who gets webhooks: one entry for each endpoint.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointsFile {
    /// The version of this format.
    #[schemars(extend("const" = super::FORMAT_VERSION))]
    version: Spanned<u32>,
    /// By name: 1 to 61 of a-z, 0-9 and -. The endpoint's id is `ep_` and its name.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z0-9-]{1,61}$"}))]
    endpoints: BTreeMap<String, Spanned<EndpointEntry>>,
}

/// One endpoint.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct EndpointEntry {
    /// Where webhooks are sent: `https`, a public address, port 443 or 8443.
    #[schemars(extend("pattern" = "^https://"))]
    url: Spanned<String>,
    /// Event types, as `order.*` or `*`; types of actions, as `action:tidings.notify` or `action:*`.
    #[schemars(length(min = 1, max = MAX_ENDPOINT_PATTERNS))]
    events: Spanned<Vec<Subscription>>,
    /// A condition over `event` and `data`, in the language of rules.
    #[schemars(length(max = MAX_EXPRESSION_BYTES))]
    when: Option<Spanned<String>>,
    /// The endpoint's place among those of one event: the most urgent is queued first.
    #[serde(default)]
    priority: Priority,
    /// For people.
    #[schemars(length(max = MAX_ENDPOINT_DESCRIPTION_BYTES))]
    description: Option<Spanned<String>>,
    /// The name of its secrets in the document of secrets. Left out: `tidings endpoints show` tells its secret.
    secret: Option<Spanned<String>>,
    /// The form of the body: `cloudevents`, or `standard` (`type`, `timestamp`, `data`).
    #[serde(default)]
    format: BodyForm,
    /// Whether webhooks are signed with Ed25519 (`v1a`) as well.
    #[serde(default)]
    ed25519: bool,
    /// Headers of its own. Not for secrets.
    #[schemars(extend("maxProperties" = MAX_ENDPOINT_HEADERS))]
    headers: Option<Spanned<BTreeMap<String, String>>>,
}

/// Reads `endpoints.yaml`.
pub fn read_endpoints(file: &str, text: &str) -> Result<Vec<Endpoint>, Report> {
    let parsed: EndpointsFile = yaml(file, text)?;
    let mut checker = Checker::new(file);
    checker.version(&parsed.version);
    let count = parsed.endpoints.len();
    if count > MAX_ENDPOINTS {
        checker.problem(parsed.version.referenced, format!("there are {count} endpoints, allowed: {MAX_ENDPOINTS}"));
    }
    let endpoints = parsed.endpoints.into_iter().filter_map(|(name, entry)| endpoint(&mut checker, &name, entry)).collect();
    checker.report.into_result(endpoints)
}

fn endpoint(checker: &mut Checker<'_>, name: &str, entry: Spanned<EndpointEntry>) -> Option<Endpoint> {
    let Spanned { value: entry, referenced: here } = entry;
    let Ok(id) = EndpointId::of_name(name) else {
        checker.problem(here, format!("endpoint {name:?}: allowed: 1 to 61 of a-z, 0-9 and -"));
        return None;
    };
    let places = [
        ("url", Some(entry.url.referenced)),
        ("events", Some(entry.events.referenced)),
        ("when", entry.when.as_ref().map(|when| when.referenced)),
        ("description", entry.description.as_ref().map(|description| description.referenced)),
        ("secret", entry.secret.as_ref().map(|secret| secret.referenced)),
        ("headers", entry.headers.as_ref().map(|headers| headers.referenced)),
    ];
    check_when(checker, &format!("endpoint {name:?}"), entry.when.as_ref());
    let endpoint = Endpoint {
        id,
        url: entry.url.value,
        events: entry.events.value,
        when: entry.when.map(|when| when.value),
        priority: entry.priority,
        description: entry.description.map(|description| description.value),
        secret: entry.secret.map(|secret| secret.value),
        format: entry.format,
        ed25519: entry.ed25519,
        headers: entry.headers.map(|headers| headers.value).unwrap_or_default(),
    };
    report(checker, &format!("endpoint {name:?}"), endpoint.problems(Reach::Public), &places, here);
    Some(endpoint)
}
