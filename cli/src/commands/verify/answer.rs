//! What the receiver would answer, and which events a request gives: the receiver as it is deployed, over stores in
//! memory, at the given time. It sends nothing to another machine, and stores nothing.

use super::keys::Published;
use super::owner::{ByRules, Conversations};
use crate::dev::secrets::tenants;
use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use lambda_http::{Body, Response};
use receiver::delivery::Delivery;
use receiver::reply::Reply;
use receiver::verify::tenant_url;
use receiver::{Answered, Ports, Receiver, handshake};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_config::limits::{FIRST_PLAUSIBLE_TIME_UNIX_MS, MAX_BODY_BYTES, MAX_MESSAGE_BYTES};
use tidings_config::source::{OWN, Source};
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;
use tidings_core::claim::{ClaimKey, EventField, sender};
use tidings_core::envelope::Envelope;
use tidings_core::memory::{ManualClock, MemoryQueue, MemorySecrets, MemoryStore, MemoryTenants};
use tidings_core::ports::{Get, GetError, HttpsGet};
use tidings_events::{secrets_of, tenant_of};

/// Replaces a secret in the output.
const HIDDEN: &str = "[secret]";

/// The answer, and the events of the request.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// JSON as JSON, anything else as text; `null` for an empty body.
    pub body: Value,
    /// Why the status isn't a 2xx, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Answered as a handshake, which contains no event.
    pub handshake: bool,
    pub events: Vec<Event>,
    /// The same events as they would be queued.
    #[serde(skip)]
    pub envelopes: Vec<Envelope>,
}

/// An event that would be queued.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub key: ClaimKey,
    pub id: String,
    #[serde(rename = "type")]
    pub event_type: String,
    pub subject: Option<String>,
    pub time: Option<Timestamp>,
    /// The preset's conversation.
    pub conversation: Option<String>,
    /// The owner by the project's rules. `None`: without rules, as for a preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<ByRules>,
    pub dataschema: Option<String>,
    pub order: Place,
    /// Fields that were sent and can't be read: the event is queued without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<&'static str>,
    /// Why the event can't be read: it is stored, and goes to the dead-letter queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// The event's order among the events of its entity.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    pub sequence: Option<u64>,
    /// The event's own time, or the time of receipt.
    pub time: Timestamp,
    pub by_receipt: bool,
    pub rank: u32,
}

/// The keys that the provider publishes. No other request leaves this machine: a confirmation succeeds with an empty
/// answer.
#[derive(Debug)]
struct PublishedKeys(BTreeMap<String, Vec<u8>>);

#[async_trait]
impl HttpsGet for PublishedKeys {
    async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError> {
        Ok(self.0.get(get.url).cloned().unwrap_or_default())
    }
}

impl Answer {
    /// The answer to a request to this path, by a receiver with these secrets and the published keys. The events'
    /// owners are those of these entries of `conversations`.
    pub(crate) async fn of(
        source: &Source,
        delivery: &Delivery,
        now: Timestamp,
        document: &str,
        published: Option<Published>,
        path: &str,
        conversations: Option<&Conversations>,
    ) -> Self {
        let (store, queue) = (Arc::<MemoryStore>::default(), Arc::<MemoryQueue>::default());
        let (claims, events) = (Arc::clone(&store), Arc::clone(&queue));
        let published = published.map(|Published { url, document }| (url, document));
        let ports = Ports {
            claims,
            queue: events,
            secrets: Arc::new(MemorySecrets::new(Arc::default(), document)),
            captured: None,
            https: Arc::new(PublishedKeys(published.into_iter().collect())),
            clock: Arc::new(ManualClock::at(now)),
        };
        let mut receiver = Receiver::new(vec![source.clone()], ports);
        let tenant = tenant_of(path);
        if source.tenants {
            let known = tenants(document, std::slice::from_ref(source), now).unwrap_or_default();
            receiver = receiver.with_tenants(Arc::new(MemoryTenants::holding(known)));
        }
        receiver.warm_up().await;
        let answered = match delivery.clone().into_request(path) {
            Ok(request) => receiver.answer(request).await,
            Err(reply) => Answered { response: reply.into_response(), refusal: Some(reply.into()), is_authentic: false },
        };
        let refused = answered.refusal.as_ref().map(|refusal| refusal.reply);
        let accepted = answered.response.status().is_success();
        let is_handshake = [false, true].iter().any(|signed| handshake::find(source, delivery, *signed).is_some());
        let content_type = answered.response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let secrets = secrets_of(document, &sender(&source.name, tenant.as_ref())).unwrap_or_default();
        let messages = queue.drain();
        let envelopes: Vec<Envelope> = messages.iter().filter_map(|message| Envelope::decode(message).ok()).collect();
        Self {
            status: answered.response.status().as_u16(),
            content_type,
            body: body(answered.response, &secrets),
            reason: refused.map(Reply::reason),
            hint: refused.and_then(|reply| hint(reply, source, delivery, path, is_handshake)),
            handshake: accepted && is_handshake && messages.is_empty(),
            events: envelopes.iter().map(|envelope| Event::of(envelope, &store, &secrets, conversations)).collect(),
            envelopes,
        }
    }

    pub(super) fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether all its events can be processed.
    pub(super) fn is_readable(&self) -> bool {
        self.events.iter().all(|event| event.unreadable.is_none())
    }

    /// The body in one line.
    pub(crate) fn text(&self) -> String {
        match &self.body {
            Value::Null => "without a body".to_owned(),
            Value::String(text) => text.clone(),
            json @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => json.to_string(),
        }
    }
}

impl Event {
    fn of(envelope: &Envelope, store: &MemoryStore, secrets: &[String], conversations: Option<&Conversations>) -> Self {
        let order = envelope.order();
        let shown = |text: &str| without(secrets, text);
        let shown_of = |text: &Option<String>| text.as_deref().map(shown);
        let unreadable = envelope.unreadable().map(|why| why.to_string());
        let owner = conversations.filter(|_| unreadable.is_none()).map(|entries| entries.owner(envelope).map(shown));
        let unread = store.claim(&envelope.claimkey).map(|claim| claim.unread).unwrap_or_default();
        Self {
            key: ClaimKey::from(shown(envelope.claimkey.as_str())),
            id: shown(&envelope.id),
            event_type: shown(&envelope.event_type),
            subject: shown_of(&envelope.subject),
            time: envelope.time,
            conversation: shown_of(&envelope.conversation),
            owner,
            dataschema: shown_of(&envelope.dataschema),
            order: Place {
                sequence: order.sequence,
                time: order.time,
                by_receipt: envelope.time != Some(order.time),
                rank: order.rank,
            },
            unread: unread.iter().map(|field| field.as_str()).collect(),
            unreadable,
        }
    }
}

impl Event {
    /// The event in one line.
    pub(crate) fn line(&self) -> String {
        let whose = match (&self.owner, &self.conversation) {
            (Some(ByRules::Conversation(name) | ByRules::Identity(name) | ByRules::Entity(name)), _) => format!(" of {name}"),
            (Some(ByRules::Problem(_)), _) | (None, None) => String::new(),
            (None, Some(conversation)) => format!(" of {conversation}"),
        };
        match &self.unreadable {
            Some(why) => format!("{} ({why}: it is stored, and moved to the dead-letter queue)", self.key),
            None => format!("{} {}{whose}", self.key, self.event_type),
        }
    }
}

fn body(response: Response<Body>, secrets: &[String]) -> Value {
    let bytes = response.into_body();
    if bytes.is_empty() {
        return Value::Null;
    }
    let text = without(secrets, &String::from_utf8_lossy(&bytes));
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// Removes the source's secrets from a text. A topic's name may be a secret and also part of an event's type or key.
pub(crate) fn without(secrets: &[String], text: &str) -> String {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
}

/// What to do about an answer that isn't a 2xx. Problems of the signature are explained elsewhere.
fn hint(reply: Reply, source: &Source, delivery: &Delivery, path: &str, is_handshake: bool) -> Option<String> {
    match reply {
        Reply::NotFound => {
            Some(format!("{path} isn't the path of {}: that is {}", source.name, own_path(source, tenant_of(path).as_ref())))
        }
        Reply::MethodNotAllowed { allow } => Some(format!("its method is {}, allowed: {allow}", delivery.method)),
        Reply::UnsupportedMediaType => {
            let seen = delivery.content_type().unwrap_or_else(|| "none".to_owned());
            Some(format!("Content-Type is {seen}, allowed for {}: {}", source.name, source.content_types.0.join(", ")))
        }
        Reply::TooLarge if delivery.body.len() > MAX_BODY_BYTES => Some(
            "the receiver answers 413 before it checks the signature: configure the provider to send smaller requests".to_owned(),
        ),
        Reply::TooLarge => Some(format!(
            "decompressed, or as an event with its envelope, it is larger than {MAX_MESSAGE_BYTES} bytes: configure the \
             provider to send smaller requests"
        )),
        Reply::BadChallenge => Some("it is a handshake, but the value that the answer needs is missing or invalid".to_owned()),
        Reply::Unauthentic if is_handshake => Some(
            "it is a handshake: it needs the configured token (NAME.verify_token in the secrets), or an open handshake window \
             (docs/rotation.md)"
                .replace("NAME", &source.name),
        ),
        Reply::NoSecret => Some(format!("no usable secret for {}: the provider should retry", source.name)),
        Reply::NoKey => Some("the provider's key couldn't be read: the provider should retry".to_owned()),
        Reply::BadRequest => Some("its method isn't an HTTP method".to_owned()),
        Reply::Unauthentic
        | Reply::NotDurable
        | Reply::NotReady
        | Reply::Accepted
        | Reply::Duplicate
        | Reply::NoEvents
        | Reply::Healthy
        | Reply::Ready => None,
    }
}

pub(crate) fn own_path(source: &Source, tenant: Option<&TenantName>) -> String {
    format!("/webhooks/{}", sender(&source.name, tenant))
}

/// The path of the request to the receiver. A preset has no URL. For a preset, and if the request's path is unknown, it
/// is the source's own path.
pub(super) fn path(source: &Source, tenant: Option<&TenantName>, is_preset: bool, url: &str) -> String {
    let (own, seen) = (own_path(source, tenant), of_url(url));
    let public = source.public_url.as_deref().map(|url| tenant.map_or(url.to_owned(), |tenant| tenant_url(url, tenant)));
    let leads_there = is_preset || seen.is_empty() || public.is_some_and(|public| of_url(&public) == seen);
    if leads_there { own } else { seen.to_owned() }
}

/// The path of a URL, without scheme, host and query.
fn of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |slash| &rest[slash..]));
    rest.split(['?', '#']).next().unwrap_or_default()
}

/// Warnings about missing and implausible values of an event. A missing time is reported only for a custom scheme: a
/// preset knows whether its events have one.
pub(super) fn lacks(source: &Source, event: &Event) -> Vec<&'static str> {
    let own = source.provider == OWN;
    let mut lacks = Vec::new();
    match (&event.owner, &event.conversation) {
        (None, None) => lacks.push(
            "the preset gives it no conversation: an entry of `conversations` in the rules must give it one, otherwise it \
             belongs to its entity alone",
        ),
        (Some(ByRules::Entity(_)), _) => {
            lacks.push("no entry of `conversations` in the rules has a value for it, so it belongs to its entity alone")
        }
        (Some(ByRules::Conversation(_) | ByRules::Identity(_) | ByRules::Problem(_)), _) | (None, Some(_)) => {}
    }
    if event.unread.contains(&EventField::Time.as_str()) {
        lacks.push("its time can't be read, so the time of receipt is used: check `time.unit`");
    } else if event.order.by_receipt && (own || event.time.is_some()) {
        lacks.push(if event.time.is_some() {
            "its time is too far in the future, so the time of receipt is used: check `time.unit`"
        } else {
            "it has no time, so the time of receipt is used, and events are ordered by arrival"
        });
    }
    if event.time.is_some_and(|time| time.unix_ms() < FIRST_PLAUSIBLE_TIME_UNIX_MS) {
        lacks.push("its time is before 2000: seconds that are read as milliseconds give January 1970; check `time.unit`");
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_requests_own_unless_that_is_known_to_lead_to_the_source() {
        let source = crate::sources::configured("stripe").unwrap();
        let public = Source { public_url: Some("https://shop.example/hooks/s?x=1".to_owned()), ..source.clone() };
        for (source, is_preset, url, expected) in [
            (&source, false, "", "/webhooks/stripe"),
            (&source, false, "https://x.example", "/webhooks/stripe"),
            (&source, false, "https://x.example/webhooks/stripe", "/webhooks/stripe"),
            (&source, false, "/webhooks/strip", "/webhooks/strip"),
            (&source, false, "https://x.example/prod/webhooks/stripe", "/prod/webhooks/stripe"),
            (&source, true, "https://x.example/anything", "/webhooks/stripe"),
            (&public, false, "https://shop.example/hooks/s", "/webhooks/stripe"),
        ] {
            assert_eq!(path(source, None, is_preset, url), expected, "{url}");
        }
    }
}
