//! A provider: how it signs ([`Scheme`]), where an event's fields are ([`EventSpec`]), and the proof for both
//! ([`Evidence`], [`Vector`]). Each provider has one data file in `functions/receiver/providers/`. A user's own
//! scheme in `sources.yaml` uses the same notation.

use super::answers::{Refusal, Success};
use super::event::EventSpec;
use super::handshake::Handshake;
use super::reconcile::Reconcile;
use super::scheme::Scheme;
use super::source::{BodyFormat, Duplicates, DurableBy, JSON, SignedBody, Source};
use super::written_by::Marks;
use super::{OneOrMany, Template};
use crate::limits::MAX_DELIVERIES_PER_BODY;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A provider's data file.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in `sources.yaml`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The provider's own page on verification.
    pub docs: String,
    /// What the source's secret is, and where the provider shows it.
    pub secret: String,
    /// Steps to do on the provider's side.
    #[serde(default)]
    pub setup: Vec<String>,
    pub evidence: Evidence,
    pub delivery: Delivery,
    pub scheme: Scheme,
    /// Other ways in which it signs. They make the key in the same way.
    #[serde(default)]
    pub also: Vec<Scheme>,
    /// Responses to a durable delivery, if the provider needs more than a 2xx. The first that matches the request is sent.
    #[serde(default)]
    pub success: OneOrMany<Success>,
    /// The response to a refused request, if the provider needs another one than ours.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    #[serde(default, rename = "handshake")]
    pub handshakes: Vec<Handshake>,
    #[serde(rename = "event")]
    pub events: Vec<EventSpec>,
    #[serde(rename = "vector")]
    pub vectors: Vec<Vector>,
    /// How the provider lists its own events. Left out: it has no list, or none that says enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<Reconcile>,
    /// Places whose values the provider's own systems write. Everything else may be a stranger's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_provider: Vec<Marks>,
}

impl Provider {
    /// A source of this provider with default settings.
    pub fn source(&self, name: &str) -> Source {
        Source {
            name: name.to_owned(),
            provider: self.name.clone(),
            scheme: self.scheme.clone(),
            also: self.also.clone(),
            events: self.events.clone(),
            handshakes: self.handshakes.clone(),
            success: self.success.clone(),
            reply: None,
            status_url: false,
            refusal: self.refusal.clone(),
            content_types: OneOrMany(self.delivery.content_types.clone()),
            body: self.delivery.body,
            form_json: self.delivery.form_json.clone(),
            form_xml: self.delivery.form_xml.clone(),
            public_url: None,
            signed_body: self.delivery.signed_body,
            duplicates: Duplicates::default(),
            durability: if self.delivery.never_retried { DurableBy::Outbox } else { DurableBy::Queue },
            expect_every: None,
            tenants: false,
            edge: None,
        }
    }
}

impl Provider {
    /// The templates of its events' ids, and whether the signature covers each. An id that isn't covered is for people only.
    pub fn ids(&self) -> impl Iterator<Item = (&Template, bool)> {
        let ids = self.events.iter().flat_map(|event| &event.id.0);
        ids.map(|id| (id, self.schemes().all(|scheme| scheme.covers_all(id))))
    }

    /// Whether the signature covers the type of each of its events.
    pub fn signs_types(&self) -> bool {
        let mut types = self.events.iter().flat_map(|event| &event.event_type.0);
        types.all(|template| self.schemes().all(|scheme| scheme.covers_all(template)))
    }

    /// Every way in which it signs, the default first.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        std::iter::once(&self.scheme).chain(&self.also)
    }

    /// Problems with retries that would be refused, one sentence each. A retry that isn't signed again carries the
    /// time of the first try: refusing it as too old would lose an authentic event. Its claim prevents a second
    /// effect at any age.
    pub fn retry_problems(&self) -> Vec<String> {
        let Some(tolerance) = self.schemes().filter_map(|scheme| Some(scheme.timestamp.as_ref()?.tolerance_seconds)).min() else {
            return Vec::new();
        };
        let said = match (self.delivery.resigned, self.delivery.retried_for_seconds) {
            (false, None) => Some(
                "the time is signed: set `resigned = true` if retries are signed again, or set `retried_for_seconds`, the time until the last retry"
                    .to_owned(),
            ),
            (false, Some(seconds)) if seconds > tolerance => {
                Some(format!("`retried_for_seconds` is {seconds}, and `tolerance_seconds` {tolerance}: late retries would be refused"))
            }
            (true, _) | (false, Some(_)) => None,
        };
        said.into_iter().collect()
    }

    /// Whether the operator may choose any long text as the secret. The file says so in one of a few phrases, which a
    /// test lists.
    pub fn lets_choose(&self) -> bool {
        let chosen = ["which you choose", "that you "].iter().any(|words| self.secret.contains(words));
        chosen && !self.secret.starts_with("base64 of ")
    }

    /// What the scheme doesn't protect: derived weaknesses, and those that its file adds.
    pub fn weaknesses(&self) -> Vec<String> {
        let mut weaknesses = self.delivery.weaknesses.clone();
        if let Some(ids) = each_once(self.ids().filter(|(_, signed)| !signed).map(|(id, _)| id)) {
            weaknesses.push(format!("the signature doesn't cover {ids}: the event key is a hash instead"));
        }
        if let Some(ids) = each_once(self.events.iter().flat_map(|event| &event.delivery_id.0)) {
            weaknesses.push(format!(
                "the signature doesn't cover {ids}: anyone who has captured a request can repeat its event under other ids, \
                 {MAX_DELIVERIES_PER_BODY} times in 30 days, unless `duplicates` is `by_content`"
            ));
        }
        weaknesses
    }
}

/// Each template once, as readable text. `None`: there are no templates.
fn each_once<'t>(templates: impl Iterator<Item = &'t Template>) -> Option<String> {
    let texts: BTreeSet<String> = templates.map(Template::to_string).collect();
    (!texts.is_empty()).then(|| texts.into_iter().collect::<Vec<_>>().join(", "))
}

/// The sources of our knowledge of a provider.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub level: EvidenceLevel,
    pub sources: Vec<String>,
    #[serde(default)]
    pub unverified: Vec<String>,
}

/// Grades from an official source (A) down to memory (D).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum EvidenceLevel {
    A,
    B,
    C,
    D,
}

/// How the provider delivers. For people and documents; only content types, `body…`, `form…`, `signed_body` and `never_retried` affect
/// behaviour.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    #[serde(default = "json_only")]
    pub content_types: Vec<String>,
    /// The format of a body, if its content type doesn't say it.
    #[serde(default)]
    pub body: Option<BodyFormat>,
    /// The field of a form that holds the event as JSON.
    #[serde(default)]
    pub form_json: Option<String>,
    /// The field of a form that holds the event as XML, in base64.
    #[serde(default)]
    pub form_xml: Option<String>,
    /// Which bytes of a body with a `Content-Encoding` the provider signs.
    #[serde(default)]
    pub signed_body: SignedBody,
    /// Time in which the provider expects a response.
    #[serde(default)]
    pub ack_deadline_seconds: Option<u32>,
    pub retries: String,
    /// True: the provider doesn't send a failed delivery again by itself. A source then keeps its events with their
    /// claims, unless its `durability` is `queue`.
    #[serde(default)]
    pub never_retried: bool,
    /// True: each retry is signed with its own time. False: retries carry the first signature.
    #[serde(default)]
    pub resigned: bool,
    /// Time from the first try to the last retry. If retries aren't signed again, the tolerance must be at least as long.
    #[serde(default)]
    pub retried_for_seconds: Option<u64>,
    /// What an operator should know.
    #[serde(default)]
    pub pitfalls: Vec<String>,
    /// What the scheme doesn't protect, and what an attacker could do with it.
    #[serde(default)]
    pub weaknesses: Vec<String>,
}

/// The default content type: `application/json`.
pub fn json_only() -> Vec<String> {
    vec![JSON.to_owned()]
}

/// A request with its proof: published, or made by the named tool.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    pub name: String,
    /// Where it is published, or the command that made it.
    pub source: String,
    pub secret: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// `POST` if it is left out.
    #[serde(default)]
    pub method: Option<String>,
    /// The provider's URL for this source, with the query, if the scheme signs it.
    #[serde(default)]
    pub url: Option<String>,
    /// Our clock at the time of the request, if the scheme has a timestamp. RFC 3339.
    #[serde(default)]
    pub at: Option<String>,
    /// Responses of the addresses where public keys are fetched, if the scheme uses them.
    #[serde(default)]
    pub fetched: BTreeMap<String, String>,
}

impl Vector {
    /// The URL and the query as sent. A question mark without a query belongs to the URL.
    pub fn address(&self) -> Option<(&str, &str)> {
        let url = self.url.as_deref()?;
        Some(url.split_once('?').filter(|(_, query)| !query.is_empty()).unwrap_or((url, "")))
    }
}
