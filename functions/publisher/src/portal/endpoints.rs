//! Lists, creates, shows, changes, deletes and rotates endpoints.

use super::admit::Caller;
use super::bodies::{NewEndpoint, Patch, Rotate, Shown, read};
use super::reply::Reply;
use super::{Portal, owner, unavailable};
use crate::endpoint::{EndpointRecord, Registered, Status, id_of, random_id};
use crate::limits::{
    CREATION_REPEATED, MAX_ENDPOINTS_OF_OWNER, MAX_IDEMPOTENCY_KEY_BYTES, MAX_PORTAL_PAGE, MAX_ROTATION_HOURS, PORTAL_PAGE,
    ROTATION,
};
use crate::sign::{Keys, SigningPair};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::endpoint::{Endpoint, EndpointId};
use tidings_config::limits::MAX_ENDPOINTS;
use tidings_core::claim::Sha256Hex;
use tidings_core::http_api::Request;
use tidings_core::ports::Replaced;
use tidings_expressions::{Expression, Scope};

/// The number of entries that a query asks for.
pub(super) fn limit(query: &BTreeMap<String, String>) -> Result<usize, Reply> {
    let Some(text) = query.get("limit") else { return Ok(PORTAL_PAGE) };
    let number = text.parse().ok().filter(|number| (1..=MAX_PORTAL_PAGE).contains(number));
    number.ok_or_else(|| Reply::BadRequest(vec![format!("limit isn't a number from 1 to {MAX_PORTAL_PAGE}")]))
}

/// The `Idempotency-Key` of a request.
fn idempotency_key(request: &Request) -> Result<Option<&str>, Reply> {
    let Some(key) = request.idempotency_key.as_deref() else { return Ok(None) };
    let is_plain = (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain {
        Ok(Some(key))
    } else {
        let allowed = format!("allowed: 1 to {MAX_IDEMPOTENCY_KEY_BYTES} printable ASCII characters without spaces");
        Err(Reply::BadRequest(vec![format!("the Idempotency-Key can't be used; {allowed}")]))
    }
}

fn digest(text: &str) -> String {
    Sha256Hex::of(text.as_bytes()).digits().to_owned()
}

impl Portal {
    /// An endpoint that the caller sees. One answer for what doesn't exist and for what is another's.
    pub(super) async fn seen(&self, caller: &Caller, id: &EndpointId) -> Result<Registered, Reply> {
        let found = self.book.find(id).await.map_err(unavailable)?;
        found.filter(|one| caller.sees(one)).ok_or(Reply::NotFound)
    }

    pub(super) async fn list(&self, caller: &Caller, query: &BTreeMap<String, String>) -> Result<Reply, Reply> {
        let (limit, after) = (limit(query)?, query.get("after"));
        let mut all = self.book.fresh().await.map_err(unavailable)?;
        all.retain(|one| caller.sees(one) && after.is_none_or(|after| one.endpoint.id.as_str() > after.as_str()));
        all.sort_by(|one, other| one.endpoint.id.cmp(&other.endpoint.id));
        let more = all.len() > limit;
        all.truncate(limit);
        let mut answer = json!({ "endpoints": all.iter().map(Shown::of).collect::<Vec<_>>() });
        if let Some(last) = all.last().filter(|_| more) {
            answer["next"] = json!(last.endpoint.id);
        }
        Ok(Reply::Found(answer))
    }

    pub(super) async fn show(&self, caller: &Caller, id: &EndpointId) -> Result<Reply, Reply> {
        Ok(Reply::Found(json!(Shown::of(&self.seen(caller, id).await?))))
    }

    pub(super) async fn create(&self, caller: &Caller, request: &Request) -> Result<Reply, Reply> {
        let new: NewEndpoint = read(&request.body)?;
        let key = idempotency_key(request)?;
        let owner = owner_of(caller, new.owner.as_deref())?;
        let created_by = key.map(|_| digest(&json!([&new, &owner]).to_string()));
        let id = match key {
            // The same key of another caller, or for another owner, is another endpoint.
            Some(key) => id_of(&json!([caller.name(), &owner, key]).to_string()),
            None => random_id(),
        };
        let id = id.ok_or(Reply::Unavailable)?;
        if let Some(before) = &created_by
            && let Some(found) = self.book.find(&id).await.map_err(unavailable)?
        {
            return self.created_before(&found, before).await;
        }
        let endpoint = Endpoint {
            id: id.clone(),
            url: new.url,
            events: new.events,
            when: new.when,
            priority: new.priority,
            description: new.description,
            secret: None,
            format: new.format,
            ed25519: new.ed25519,
            headers: new.headers,
        };
        self.check(&endpoint)?;
        self.has_room(owner.as_deref()).await?;
        let status =
            Status { created: Some(self.clock.now()), group: owner, created_by: created_by.clone(), ..Status::default() };
        let registered = Registered { endpoint, status: status.clone(), version: Some(0), of_file: false };
        // Before it is stored: without its secret nobody could verify its webhooks.
        let answer = self.with_secrets(&registered).await?;
        let record = EndpointRecord { id: id.clone(), endpoint: Some(registered.endpoint), status, version: None };
        match self.endpoints.put(&record).await.map_err(unavailable)? {
            Replaced::Yes => Ok(Reply::Created(answer)),
            // The same request came twice at once.
            Replaced::Changed => match (self.book.find(&id).await.map_err(unavailable)?, created_by) {
                (Some(found), Some(before)) => self.created_before(&found, &before).await,
                (Some(_) | None, _) => Err(Reply::Unavailable),
            },
        }
    }

    /// The answer to a creation that was made before. It has the secret again for as long as the first answer may have been lost.
    async fn created_before(&self, found: &Registered, created_by: &str) -> Result<Reply, Reply> {
        if found.status.created_by.as_deref() != Some(created_by) {
            return Err(Reply::Conflict("this Idempotency-Key was used for another endpoint".to_owned()));
        }
        let is_fresh = found.status.created.is_some_and(|created| self.clock.now().since(created) < CREATION_REPEATED);
        if is_fresh && found.status.generation == 0 {
            return Ok(Reply::Created(self.with_secrets(found).await?));
        }
        Ok(Reply::Found(json!(Shown::of(found))))
    }

    pub(super) async fn patch(&self, caller: &Caller, id: &EndpointId, body: &str) -> Result<Reply, Reply> {
        let patch: Patch = read(body)?;
        let before = self.seen(caller, id).await?;
        if before.of_file && patch.changes_more_than_the_state() {
            return Err(of_file(id));
        }
        self.check(&patch.applied_to(before.endpoint))?;
        let now = self.clock.now();
        let changed = self.book.edit(id, |one| {
            let status = match patch.active {
                Some(true) => one.status.enabled(),
                Some(false) if one.status.is_active() => one.status.disabled(now),
                Some(false) | None => one.status.clone(),
            };
            let endpoint = (!one.of_file).then(|| patch.applied_to(one.endpoint.clone()));
            caller.sees(one).then(|| EndpointRecord { endpoint, ..one.record(status) })
        });
        let changed = changed.await.map_err(unavailable)?.filter(|one| caller.sees(one)).ok_or(Reply::NotFound)?;
        Ok(Reply::Found(json!(Shown::of(&changed))))
    }

    pub(super) async fn remove(&self, caller: &Caller, id: &EndpointId) -> Result<Reply, Reply> {
        if self.seen(caller, id).await?.of_file {
            return Err(of_file(id));
        }
        self.endpoints.delete(id).await.map_err(unavailable)?;
        Ok(Reply::Deleted)
    }

    pub(super) async fn rotate(&self, caller: &Caller, id: &EndpointId, request: &Request) -> Result<Reply, Reply> {
        let Rotate { keep_hours } = read(&request.body)?;
        let keep = match keep_hours {
            None => ROTATION,
            Some(hours) if hours <= MAX_ROTATION_HOURS => Duration::from_secs(hours * 3_600),
            Some(_) => return Err(Reply::BadRequest(vec![format!("keep_hours: allowed: 0 to {MAX_ROTATION_HOURS}")])),
        };
        let rotated_by = idempotency_key(request)?.map(digest);
        if self.seen(caller, id).await?.endpoint.secret.is_some() {
            return Err(Reply::Conflict(format!("{id} has secrets of its own in the document of secrets: rotate them there")));
        }
        let now = self.clock.now();
        let rotated = self.book.edit(id, |one| {
            // A repeat of a rotation whose answer was lost must not end the secret that the endpoint still verifies with.
            let is_repeat = rotated_by.is_some() && one.status.rotated_by == rotated_by;
            let status = Status { rotated_by: rotated_by.clone(), ..one.status.rotated(keep, now) };
            (caller.sees(one) && !is_repeat).then(|| one.record(status))
        });
        let rotated = rotated.await.map_err(unavailable)?.filter(|one| caller.sees(one)).ok_or(Reply::NotFound)?;
        Ok(Reply::Found(self.with_secrets(&rotated).await?))
    }

    /// The endpoint with the secrets that sign its webhooks, the newest first.
    async fn with_secrets(&self, one: &Registered) -> Result<Value, Reply> {
        let Keys { secrets, pairs } = self.secrets.keys(one).await.map_err(|error| {
            tracing::error!(cause = %error, "an endpoint has no secret");
            Reply::Unavailable
        })?;
        let mut answer = json!(Shown::of(one));
        answer["secrets"] = secrets.iter().map(|key| key.secret().to_string()).collect();
        answer["public_keys"] = pairs.iter().map(SigningPair::public).collect();
        Ok(answer)
    }

    fn check(&self, endpoint: &Endpoint) -> Result<(), Reply> {
        let problems = endpoint.problems(self.reach).into_iter().map(|(field, why)| format!("{field}: {why}"));
        let mut problems: Vec<String> = problems.collect();
        if let Some(Err(error)) = endpoint.when.as_ref().map(|when| Expression::parse(when, Scope::Event)) {
            problems.push(format!("when: {error}"));
        }
        if problems.is_empty() { Ok(()) } else { Err(Reply::BadRequest(problems)) }
    }

    /// Two requests at once may pass it together: the publisher then leaves out what is beyond its own limit.
    async fn has_room(&self, owner: Option<&str>) -> Result<(), Reply> {
        let all = self.book.fresh().await.map_err(unavailable)?;
        let endpoints = all.iter().filter(|one| one.endpoint.id.sink().is_none());
        let of_owner = all.iter().filter(|one| owner.is_some() && one.status.group.as_deref() == owner).count();
        if of_owner >= MAX_ENDPOINTS_OF_OWNER {
            return Err(Reply::Conflict(format!("there are {of_owner} endpoints, allowed: {MAX_ENDPOINTS_OF_OWNER}")));
        }
        if endpoints.count() >= MAX_ENDPOINTS {
            return Err(Reply::Conflict("there is no room for another endpoint".to_owned()));
        }
        Ok(())
    }
}

/// The owner of a new endpoint.
fn owner_of(caller: &Caller, given: Option<&str>) -> Result<Option<String>, Reply> {
    let given = given.map(owner).transpose().map_err(|why| Reply::BadRequest(vec![format!("owner: {why}")]))?;
    match (caller.owner(), given) {
        (Some(own), Some(given)) if own != given => Err(Reply::BadRequest(vec!["owner: it is the token's".to_owned()])),
        (Some(own), Some(_) | None) => Ok(Some(own.to_owned())),
        (None, given) => Ok(given),
    }
}

fn of_file(id: &EndpointId) -> Reply {
    Reply::Conflict(format!("{id} is in endpoints.yaml: change it there"))
}

impl Patch {
    fn changes_more_than_the_state(&self) -> bool {
        let Self { url, events, when, priority, description, format, headers, active: _ } = self;
        let of_text = url.is_some() || when.is_some() || description.is_some();
        of_text || events.is_some() || priority.is_some() || format.is_some() || headers.is_some()
    }

    fn applied_to(&self, mut endpoint: Endpoint) -> Endpoint {
        let Self { url, events, when, priority, description, format, headers, active: _ } = self.clone();
        endpoint.url = url.unwrap_or(endpoint.url);
        endpoint.events = events.unwrap_or(endpoint.events);
        endpoint.when = when.unwrap_or(endpoint.when);
        endpoint.priority = priority.unwrap_or(endpoint.priority);
        endpoint.description = description.unwrap_or(endpoint.description);
        endpoint.format = format.unwrap_or(endpoint.format);
        endpoint.headers = headers.unwrap_or(endpoint.headers);
        endpoint
    }
}
