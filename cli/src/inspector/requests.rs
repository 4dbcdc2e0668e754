//! The requests that `dev` received: a list, one request with the diagnosis of `tidings verify`, and sending one again.

use super::Inspector;
use super::answer::{Answer, Problem};
use super::redact;
use crate::dev::claimed::Claimed;
use crate::dev::http::answer;
use crate::dev::requests::Received;
use axum::extract::{Path, State};
use receiver::handshake::find;
use receiver::verify::can_sign;
use serde_json::{Value, json};
use std::sync::Arc;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock, millis};
use tidings_core::claim::sender;
use tidings_events::{Sample, SignedRequest, secrets_of, tenant_of};

/// The kept requests, newest first.
pub(super) async fn list(State(inspector): State<Arc<Inspector>>) -> Answer {
    let requests = inspector.dev()?.workbench.requests().all();
    let requests: Vec<Value> = requests.iter().rev().map(|received| inspector.summary(received)).collect();
    Ok(inspector.shown(json!({ "requests": requests })))
}

/// The word of our own reply. A provider may need another reply.
fn word(received: &Received) -> Option<String> {
    let reply: Value = serde_json::from_slice(&received.reply).ok()?;
    reply.get("status").or_else(|| reply.get("error"))?.as_str().map(str::to_owned)
}

/// A request, redacted, with its reply and its diagnosis.
pub(super) async fn show(State(inspector): State<Arc<Inspector>>, Path(id): Path<String>) -> Answer {
    let received = inspector.received(&id)?;
    let source = inspector.source(&received)?;
    let verify = match inspector.examined(&received).await {
        Ok((verify, _)) => verify,
        Err(problem) => json!({ "why": problem.text(), "hints": [] }),
    };
    let mut shown = inspector.summary(&received);
    shown["headers"] = redact::headers(&received, source.as_ref()).into();
    shown["query"] = redact::query(&received.delivery).into();
    shown["body"] = redact::body(&received, source.as_ref());
    shown["reply"] = redact::reply(&received, source.as_ref());
    shown["verify"] = verify;
    Ok(inspector.shown(shown))
}

/// Sends a request again to this `dev`. A request that was accepted is signed again, so that its age doesn't matter; a
/// refused one is sent as it was, byte for byte.
pub(super) async fn send(State(inspector): State<Arc<Inspector>>, Path(id): Path<String>) -> Answer {
    let received = inspector.received(&id)?;
    let workbench = &inspector.dev()?.workbench;
    let signed = match inspector.source(&received)? {
        Some(source) if received.is_accepted() => signed_again(&received, &source, &workbench.known().secrets),
        Some(_) | None => None,
    };
    let (path, delivery, is_signed) = match signed {
        Some(request) => (received.path.clone(), request.delivery(), true),
        None => (received.path.clone(), received.delivery.clone(), false),
    };
    let request = delivery.clone().into_request(&path).map_err(|_| Problem::not_found("its method isn't an HTTP method"))?;
    let answered = answer(workbench, path, delivery, request).await;
    let sent = workbench.requests().all().pop();
    Ok(inspector.shown(json!({
        "status": answered.response.status().as_u16(),
        "signed_again": is_signed,
        "request": sent.map(|sent| inspector.summary(&sent)),
    })))
}

/// `None`: only the provider can sign for this source, or its secret isn't known.
fn signed_again(received: &Received, source: &Source, secrets: &str) -> Option<SignedRequest> {
    if !can_sign(&source.scheme) || received.delivery.method != "POST" {
        return None;
    }
    let tenant = tenant_of(&received.path);
    let secret = secrets_of(secrets, &sender(&source.name, tenant.as_ref())).ok()?.into_iter().next()?;
    let delivery = &received.delivery;
    let (headers, query, body) = (delivery.headers.clone(), delivery.query.clone(), delivery.body.to_vec());
    let mut sample = Sample { headers, query, body };
    sample.remove_signature(source);
    sample.sign_for(source, tenant.as_ref(), &secret, SystemClock.now(), None).ok()
}

impl Inspector {
    /// A request in a list.
    pub(super) fn summary(&self, received: &Received) -> Value {
        let source = self.source(received).ok().flatten();
        let is_handshake =
            |source: &Source| [false, true].iter().any(|signed| find(source, &received.delivery, *signed).is_some());
        let event = |event: &Claimed| json!({ "key": event.key, "type": event.event_type });
        let events: Vec<Value> = received.events.iter().map(event).collect();
        json!({
            "id": received.id,
            "at": received.at,
            "source": received.source(),
            "method": received.delivery.method,
            "path": received.path,
            "bytes": received.delivery.body.len(),
            "events": events,
            "handshake": source.as_ref().is_some_and(is_handshake),
            "status": received.status,
            "word": word(received),
            "refused": received.refused,
            "took_ms": millis(received.took),
        })
    }

    fn received(&self, id: &str) -> Result<Arc<Received>, Problem> {
        let missing = || {
            Problem::not_found("this request isn't kept any more")
                .hint("the newest 500 requests are kept, until `tidings dev` ends")
        };
        self.dev()?.workbench.requests().find(id).ok_or_else(missing)
    }

    fn source(&self, received: &Received) -> Result<Option<Source>, Problem> {
        let known = self.dev()?.workbench.known();
        Ok(known.sources.iter().find(|source| Some(source.name.as_str()) == received.source()).cloned())
    }
}
