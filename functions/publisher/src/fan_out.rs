//! A published message becomes one delivery for each endpoint that it matches.
//!
//! Promises: each endpoint's delivery is claimed before it is queued. The published message is deleted when all are queued, so
//! a function that dies in between loses none; a copy queues those again whose first attempt wasn't begun. Deliveries of an
//! endpoint that is disabled are stored and not queued.

use crate::body::webhook_id;
use crate::delivery::{Delivery, DeliveryKey, DeliveryMessage, DeliveryState};
use crate::endpoint::Registered;
use crate::limits::CLAIMS_AT_ONCE;
use crate::ports::{Claimed, DeliveryStore, StoredMessage};
use crate::publisher::Publisher;
use crate::select::{Seen, subscribes};
use futures::future::join_all;
use std::time::Duration;
use tidings_config::endpoint::EndpointId;
use tidings_config::limits::MAX_BATCH_MESSAGES;
use tidings_config::time::Timestamp;
use tidings_core::envelope::DecodeError;
use tidings_core::ports::{Delayed, Unavailable};
use tidings_core::published::Published;

/// Why a published message wasn't handled. It is returned to the queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FanOutError {
    #[error("{0}")]
    Decode(#[from] DecodeError),
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

/// Claims and queues the deliveries of a message. Returns how many endpoints it matches.
pub(crate) async fn fan_out(publisher: &Publisher, message: &str) -> Result<usize, FanOutError> {
    let published = Published::decode(message)?;
    let all = publisher.book.all().await?;
    let subscribed: Vec<&Registered> = all.iter().filter(|one| subscribes(&one.endpoint, &published)).collect();
    if subscribed.is_empty() {
        return Ok(0);
    }
    let seen = subscribed.iter().any(|one| one.endpoint.when.is_some()).then(|| Seen::of(&published));
    let holds = |one: &&&Registered| seen.as_ref().is_none_or(|seen| publisher.conditions.hold(&one.endpoint, seen));
    let matched: Vec<&Registered> = subscribed.iter().filter(holds).copied().collect();
    if matched.is_empty() {
        return Ok(0);
    }
    let now = publisher.clock.now();
    store(publisher.deliveries.as_ref(), &matched, &published, message, now).await?;
    let mut queued = Vec::new();
    for some in matched.chunks(CLAIMS_AT_ONCE) {
        let mut claims = Vec::with_capacity(some.len());
        for one in some {
            claims.push(claim(publisher, one, &published, now));
        }
        for claimed in join_all(claims).await {
            queued.extend(claimed?);
        }
    }
    let messages: Vec<Delayed> = queued.iter().map(first).collect();
    for batch in messages.chunks(MAX_BATCH_MESSAGES) {
        for sent in publisher.queue.send_batch(batch).await {
            sent?;
        }
    }
    Ok(matched.len())
}

/// Stores the message for its deliveries to these endpoints.
pub(crate) async fn store(
    deliveries: &dyn DeliveryStore,
    to: &[&Registered],
    published: &Published,
    message: &str,
    now: Timestamp,
) -> Result<(), Unavailable> {
    let endpoints: Vec<EndpointId> = to.iter().map(|one| one.endpoint.id.clone()).collect();
    let event = StoredMessage {
        webhook_id: &webhook_id(published),
        conversation: conversation(published),
        delivery: &sort_key(published),
        endpoints: &endpoints,
        message,
    };
    deliveries.put_event(&event, now).await
}

/// Claims a delivery. `None`: there is nothing to queue.
async fn claim(
    publisher: &Publisher,
    to: &Registered,
    published: &Published,
    now: Timestamp,
) -> Result<Option<DeliveryKey>, Unavailable> {
    let delivery = delivery(to, published, now);
    let is_waiting = |delivery: &Delivery| delivery.state == DeliveryState::Pending && delivery.attempts == 0;
    let queues = match publisher.deliveries.claim(&delivery, now).await? {
        Claimed::New => is_waiting(&delivery),
        // Perhaps the function was stopped before it was queued. A message more is harmless.
        Claimed::Before(before) => is_waiting(&before),
    };
    Ok(queues.then_some(delivery.key))
}

/// A new delivery.
pub(crate) fn delivery(to: &Registered, published: &Published, now: Timestamp) -> Delivery {
    Delivery {
        key: DeliveryKey { endpoint: to.endpoint.id.clone(), delivery: sort_key(published) },
        webhook_id: webhook_id(published),
        event_type: published.event_type().to_owned(),
        conversation: conversation(published).map(str::to_owned),
        state: if to.status.is_active() { DeliveryState::Pending } else { DeliveryState::Held },
        attempts: 0,
        before: 0,
        created: now,
        started: None,
        due: None,
        log: Vec::new(),
        version: None,
    }
}

fn conversation(published: &Published) -> Option<&str> {
    match published {
        Published::Event(event) => event.conversation.as_deref(),
        Published::Action(action) => Some(&action.conversation),
    }
}

/// The time comes first, so that an endpoint's deliveries are in its order.
fn sort_key(published: &Published) -> String {
    let ms = published.time().map_or(0, |time| time.unix_ms().max(0));
    format!("{ms:015}-{}", webhook_id(published))
}

fn first(key: &DeliveryKey) -> Delayed {
    Delayed { message: DeliveryMessage::new(key, 1).encode(), delay: Duration::ZERO }
}
