//! Events: a list, and one event's whole story.

use super::Inspector;
use super::answer::{Answer, Problem};
use super::arguments::of_query;
use super::redact::without_secret_fields;
use crate::Failure;
use crate::arguments::options;
use crate::commands::events::find;
use crate::commands::events::list::EventsList;
use crate::commands::events::show::Shown;
use crate::commands::replay::here;
use crate::commands::rules::{explain, on_record};
use crate::commands::verify;
use crate::dev::requests::Received;
use crate::target::reader_at;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};
use std::sync::Arc;
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::envelope::Envelope;

/// The parameters that select events.
pub(super) const FILTER: [&str; 8] = ["source", "type", "state", "since", "until", "text", "conversation", "limit"];

/// `tidings events list --json`, with the number of claims that were read.
pub(super) async fn list(State(inspector): State<Arc<Inspector>>, RawQuery(query): RawQuery) -> Answer {
    let given: EventsList = options(&of_query(query.as_deref(), &FILTER)?, &[])?;
    let at = &inspector.at;
    let found = find(&reader_at(at).await?, &given.filter, given.limit, at).await?;
    Ok(inspector.shown(json!({
        "events": found.claims, "read": found.read, "unknown": found.unknown, "limit": given.limit,
    })))
}

/// `tidings events show --json --payload` and `tidings rules explain --json`, with the requests that contained it.
pub(super) async fn show(State(inspector): State<Arc<Inspector>>, Path(key): Path<String>) -> Answer {
    let key = ClaimKey::from(key);
    let shown = Shown::find(&key, &inspector.at).await?.ok_or_else(|| no_claim(&key))?;
    let event = inspector.event(&key, &shown.claim).await?;
    let (explained, unexplained) = match (&event, inspector.project()) {
        (Some(event), Ok(project)) => match explain::json(project, event.clone()).await {
            Ok(explained) => (Some(explained), None),
            Err(failure) => (None, Some(failure.to_string())),
        },
        (None, _) => (None, Some("its payload isn't stored, so it is unknown why each rule matched or didn't".to_owned())),
        (Some(_), Err(problem)) => (None, Some(problem.text())),
    };
    let mut payload: Option<Value> = event.as_ref().and_then(|event| serde_json::from_str(&event.encode()).ok());
    let mut stored = shown.json()?;
    payload.iter_mut().chain(stored.get_mut("event")).for_each(without_secret_fields);
    let requests: Vec<Value> = inspector.requests_of(&shown.claim).iter().map(|one| inspector.summary(one)).collect();
    Ok(inspector.shown(json!({
        "event": stored,
        "payload": payload,
        "explained": explained,
        "unexplained": unexplained,
        "requests": requests,
    })))
}

/// `tidings replay --json`: what the project's rules do with the event now, over stores in memory.
pub(super) async fn replay(State(inspector): State<Arc<Inspector>>, Path(key): Path<String>) -> Answer {
    let key = ClaimKey::from(key);
    let claim = reader_at(&inspector.at).await?.claim(&key).await;
    let claim = claim.map_err(|error| Failure::new(error.to_string()))?.ok_or_else(|| no_claim(&key))?;
    let Some(event) = inspector.event(&key, &claim).await? else {
        return Err(Problem::not_found("its payload isn't stored, so it can't be replayed")
            .hint("deploy with KeepEvents=true, or start `tidings dev` with --keep-events, to store the events that come"));
    };
    let project = inspector.project()?;
    let json = here::json(project, vec![event]).await?;
    Ok(inspector.shown(json!({ "recorded": claim, "replayed": json, "project": project.to_string() })))
}

fn no_claim(key: &ClaimKey) -> Problem {
    Problem::not_found(format!("no claim with key {key}"))
        .hint("it was never received, it couldn't be verified, or it was processed more than 30 days ago")
}

impl Inspector {
    /// The event itself: stored with its claim, in the dead-letter queue, or in a request that `dev` has kept.
    async fn event(&self, key: &ClaimKey, claim: &Claim) -> Result<Option<Envelope>, Problem> {
        let (_, stored) = on_record::find(key.as_str(), &self.at).await?;
        if stored.is_some() || claim.erased.is_some() {
            return Ok(stored);
        }
        for received in self.requests_of(claim).iter().filter(|received| received.is_accepted()) {
            let (_, events) = self.examined(received).await?;
            if let Some(event) = events.into_iter().find(|event| event.claimkey == *key) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The kept requests that contained this event, oldest first.
    fn requests_of(&self, claim: &Claim) -> Vec<Arc<Received>> {
        let Some(dev) = &self.dev else { return Vec::new() };
        let is_its = |received: &Arc<Received>| received.events.iter().any(|event| event.key == claim.key);
        dev.workbench.requests().all().into_iter().filter(is_its).collect()
    }

    /// `tidings verify --json` of a kept request at the time of its arrival, and its events.
    pub(super) async fn examined(&self, received: &Received) -> Result<(Value, Vec<Envelope>), Problem> {
        let known = self.dev()?.workbench.known();
        let source = known.sources.iter().find(|source| Some(source.name.as_str()) == received.source());
        let Some(source) = source.cloned() else {
            let names: Vec<&str> = known.sources.iter().map(|source| source.name.as_str()).collect();
            let hint = format!("the addresses are /webhooks/ and one of: {}", names.join(", "));
            return Ok((json!({ "why": "no source has this path", "hints": [hint] }), Vec::new()));
        };
        let conversations = verify::owner::Conversations::of(self.project()?.clone());
        let (delivery, path, at) = (received.delivery.clone(), received.path.clone(), received.at);
        Ok(verify::received(source, delivery, path, &known.secrets, at, &conversations).await?)
    }
}
