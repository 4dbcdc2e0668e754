//! What we know of a provider: how it signs ([`Scheme`]), where an event's fields are ([`EventSpec`]), what proves it
//! ([`Evidence`], [`Vector`]). One data file each, in `functions/receiver/providers/`; a user's own scheme in
//! `sources.yaml` is made of the same words.

use super::answers::{Refusal, Success};
use super::event::EventSpec;
use super::handshake::Handshake;
use super::scheme::Scheme;
use super::source::{BodyFormat, Duplicates, JSON, SignedBody, Source};
use super::{OneOrMany, Template};
use crate::limits::MAX_DELIVERIES_PER_BODY;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A provider's data file.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// As `sources.yaml` names it.
    pub name: String,
    /// As people name it.
    pub title: String,
    /// Its own page on verifying.
    pub docs: String,
    /// What the source's secret is, and where the provider shows it.
    pub secret: String,
    /// What to do on the provider's side, step by step.
    #[serde(default)]
    pub setup: Vec<String>,
    pub evidence: Evidence,
    pub delivery: Delivery,
    pub scheme: Scheme,
    /// Other ways in which it signs, with a key that is made in the same way.
    #[serde(default)]
    pub also: Vec<Scheme>,
    /// What a durable delivery is answered, where the provider wants more than a 2xx: the first that fits the request.
    #[serde(default)]
    pub success: OneOrMany<Success>,
    /// How it hears that a request was refused, where it wants another answer than ours.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    #[serde(default, rename = "handshake")]
    pub handshakes: Vec<Handshake>,
    #[serde(rename = "event")]
    pub events: Vec<EventSpec>,
    #[serde(rename = "vector")]
    pub vectors: Vec<Vector>,
}

impl Provider {
    /// A source of this provider, with nothing of its own.
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
            refusal: self.refusal.clone(),
            content_types: OneOrMany(self.delivery.content_types.clone()),
            body: self.delivery.body,
            form_json: self.delivery.form_json.clone(),
            form_xml: self.delivery.form_xml.clone(),
            public_url: None,
            signed_body: self.delivery.signed_body,
            duplicates: Duplicates::default(),
        }
    }
}

impl Provider {
    /// The templates of its events' ids, each with whether the signature covers it. One that isn't covered is for people.
    pub fn ids(&self) -> impl Iterator<Item = (&Template, bool)> {
        let ids = self.events.iter().flat_map(|event| &event.id.0);
        ids.map(|id| (id, self.schemes().all(|scheme| scheme.covers_all(id))))
    }

    /// Every way in which it signs, the usual one first.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        std::iter::once(&self.scheme).chain(&self.also)
    }

    /// What of its retries would be refused, in words. A retry that isn't signed again comes with the time of the first try: refusing
    /// it as too old would lose an authentic event. That it isn't applied twice is the claim's to see to, however old it is.
    pub fn retry_problems(&self) -> Vec<String> {
        let Some(tolerance) = self.schemes().filter_map(|scheme| Some(scheme.timestamp.as_ref()?.tolerance_seconds)).min() else {
            return Vec::new();
        };
        let said = match (self.delivery.resigned, self.delivery.retried_for_seconds) {
            (false, None) => Some(
                "the time is signed: say `resigned = true` if retries are signed again, or how long they come: `retried_for_seconds`"
                    .to_owned(),
            ),
            (false, Some(seconds)) if seconds > tolerance => {
                Some(format!("`retried_for_seconds` is {seconds}, and `tolerance_seconds` {tolerance}: a late retry would be refused"))
            }
            (true, _) | (false, Some(_)) => None,
        };
        said.into_iter().collect()
    }

    /// Whether the operator may choose any long text as its secret. The file says so in its own words, which a test lists.
    pub fn lets_choose(&self) -> bool {
        let chosen = ["which you choose", "that you "].iter().any(|words| self.secret.contains(words));
        chosen && !self.secret.starts_with("base64 of ")
    }

    /// What the scheme doesn't bind: what follows from it, and what its file adds.
    pub fn weaknesses(&self) -> Vec<String> {
        let mut weaknesses = self.delivery.weaknesses.clone();
        if let Some(ids) = each_once(self.ids().filter(|(_, signed)| !signed).map(|(id, _)| id)) {
            weaknesses.push(format!("the signature doesn't cover {ids}: the event key is a hash instead"));
        }
        if let Some(ids) = each_once(self.events.iter().flat_map(|event| &event.delivery_id.0)) {
            weaknesses.push(format!(
                "the signature doesn't cover {ids}: whoever has captured a request can repeat its event under other ids, \
                 {MAX_DELIVERIES_PER_BODY} times in 30 days; not with `duplicates: by_content`"
            ));
        }
        weaknesses
    }
}

/// Each of the templates once, as people read them. `None` where there are none.
fn each_once<'t>(templates: impl Iterator<Item = &'t Template>) -> Option<String> {
    let texts: BTreeSet<String> = templates.map(Template::to_string).collect();
    (!texts.is_empty()).then(|| texts.into_iter().collect::<Vec<_>>().join(", "))
}

/// What our knowledge of a provider rests on.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub level: EvidenceLevel,
    pub sources: Vec<String>,
    #[serde(default)]
    pub unverified: Vec<String>,
}

/// From an official source (A) down to memory (D).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum EvidenceLevel {
    A,
    B,
    C,
    D,
}

/// How the provider delivers. For people and documents; only content types, `body…`, `form…` and `signed_body` decide anything.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    #[serde(default = "json_only")]
    pub content_types: Vec<String>,
    /// What a body is read as, where its content type doesn't say it.
    #[serde(default)]
    pub body: Option<BodyFormat>,
    /// The field of a form that holds the event as JSON.
    #[serde(default)]
    pub form_json: Option<String>,
    /// The field of a form that holds the event as XML, in base64.
    #[serde(default)]
    pub form_xml: Option<String>,
    /// What of a body with a `Content-Encoding` the provider signs.
    #[serde(default)]
    pub signed_body: SignedBody,
    /// Within which an answer must be there.
    #[serde(default)]
    pub ack_deadline_seconds: Option<u32>,
    pub retries: String,
    /// A retry is signed with the time of the try. Without it, what was signed first is sent again for as long as it is retried.
    #[serde(default)]
    pub resigned: bool,
    /// How long after the first try the last one may come. Where retries aren't signed again, the tolerance is at least as long.
    #[serde(default)]
    pub retried_for_seconds: Option<u64>,
    /// What an operator should know.
    #[serde(default)]
    pub pitfalls: Vec<String>,
    /// What the scheme doesn't bind, and what that lets somebody do.
    #[serde(default)]
    pub weaknesses: Vec<String>,
}

/// `application/json`, for whoever says nothing.
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
    /// The URL that the provider was given, with the query, where the scheme signs it.
    #[serde(default)]
    pub url: Option<String>,
    /// Our clock when it was fresh, where the scheme has a timestamp. RFC 3339.
    #[serde(default)]
    pub at: Option<String>,
    /// What stands at the addresses where public keys are fetched, where the scheme has such.
    #[serde(default)]
    pub fetched: BTreeMap<String, String>,
}

impl Vector {
    /// The URL that the provider was given, and the query as it was sent. A question mark with nothing behind it is part of the former.
    pub fn address(&self) -> Option<(&str, &str)> {
        let url = self.url.as_deref()?;
        Some(url.split_once('?').filter(|(_, query)| !query.is_empty()).unwrap_or((url, "")))
    }
}
