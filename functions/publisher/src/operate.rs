//! What operators and programs do with endpoints and deliveries: a test event, and a retry by hand.

use crate::delivery::{Delivery, DeliveryKey};
use crate::endpoint::Registered;
use crate::fan_out;
use crate::ports::{Claimed, DeliveryStore};
use serde_json::json;
use serde_json::value::RawValue;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, OWN_SOURCE, Payload};
use tidings_core::ports::{Delayed, Replaced, TimerQueue, Unavailable};
use tidings_core::published::Published;

/// The type of a test event.
pub const TEST: &str = "tidings.endpoint.test";

/// Sends a test event to one endpoint, whatever it subscribes to. Its delivery is like any other.
pub async fn test(
    deliveries: &dyn DeliveryStore,
    queue: &dyn TimerQueue,
    to: &Registered,
    now: Timestamp,
) -> Result<DeliveryKey, Unavailable> {
    let id = &to.endpoint.id;
    let claim_key = ClaimKey::from(format!("@endpoint-test#{id}#{}", now.unix_ms()));
    let data = json!({"endpoint": id, "message": "a test event of Tidings"});
    let mut event = Envelope::new(NewEnvelope {
        id: claim_key.as_str().to_owned(),
        source: String::new(),
        event_type: TEST.to_owned(),
        subject: Some(format!("endpoint/{id}")),
        time: Some(now),
        conversation: None,
        sequence: None,
        received: now,
        claim_key,
        traceparent: None,
        payload: Payload::Json(RawValue::from_string(data.to_string()).expect("it is JSON")),
    });
    event.source = OWN_SOURCE.to_owned();
    let message = event.encode();
    let published = Published::Event(Box::new(event));
    fan_out::store(deliveries, &[to], &published, &message, now).await?;
    let delivery = fan_out::delivery(to, &published, now);
    let (Claimed::New | Claimed::Before(_)) = deliveries.claim(&delivery, now).await?;
    send(queue, &delivery, now).await?;
    Ok(delivery.key)
}

/// What became of a retry by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Retried {
    Yes,
    /// An attempt is under way, or others changed the delivery.
    Busy,
}

/// Begins a new schedule for a delivery, whatever its state. If the message can't be sent after that, a retry sends it.
pub async fn retry(
    deliveries: &dyn DeliveryStore,
    queue: &dyn TimerQueue,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<Retried, Unavailable> {
    let Some(retried) = delivery.retried(now) else { return Ok(Retried::Busy) };
    match deliveries.replace(&retried, now).await? {
        Replaced::Changed => Ok(Retried::Busy),
        Replaced::Yes => send(queue, &retried, now).await.map(|()| Retried::Yes),
    }
}

async fn send(queue: &dyn TimerQueue, delivery: &Delivery, now: Timestamp) -> Result<(), Unavailable> {
    let (message, delay) = delivery.next(now);
    queue.send_batch(&[Delayed { message: message.encode(), delay }]).await.into_iter().collect()
}
