//! One attempt of a delivery: begin → call → record → send the next.
//!
//! Promises: an attempt is recorded before it is made, so two functions don't make it at once, and one that dies leaves a
//! trace. What comes of it is decided by [`crate::schedule`] and recorded before the next one is sent. Recovery reads the
//! record: a message that is received again does what is left. Never: an attempt to an endpoint that is disabled.

use crate::body::body;
use crate::delivery::{Attempt, Delivery, DeliveryMessage, Step, first_bytes};
use crate::endpoint::{Health, Registered};
use crate::limits::{ATTEMPT_TIMEOUT, MAX_ANSWER_BYTES, MAX_TRIES};
use crate::notice;
use crate::publisher::Publisher;
use crate::schedule::{Came, Verdict, verdict};
use crate::secrets::KeysError;
use crate::sign::Keys;
use crate::sink;
use tidings_config::time::{Timestamp, millis};
use tidings_core::ports::{Call, Delayed, Redacted, Replaced, Unavailable};
use tidings_core::published::Published;
use tidings_core::telemetry::Metric;
use tidings_outgoing::ConfiguredSink;
use zeroize::Zeroizing;

/// Why a message of the deliveries queue wasn't handled. It is returned to the queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    #[error("{0}")]
    Keys(#[from] KeysError),
    #[error("another function makes this attempt")]
    Busy,
    #[error("others changed the delivery each time")]
    Contended,
}

/// What a message came to, for its log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempted {
    Made {
        verdict: Verdict,
        status: Option<u16>,
    },
    /// It was sent again for its time.
    Waits,
    /// Its endpoint is disabled or gone.
    Held,
    /// A copy, or a delivery that has expired.
    Nothing,
}

/// Does what the message asks for.
pub(crate) async fn attempt(publisher: &Publisher, message: &DeliveryMessage) -> Result<Attempted, AttemptError> {
    let key = message.key();
    for _ in 0..MAX_TRIES {
        let Some(delivery) = publisher.deliveries.get(&key).await? else { return Ok(Attempted::Nothing) };
        let now = publisher.clock.now();
        match delivery.step(message.attempt, now) {
            Step::Stale => return Ok(Attempted::Nothing),
            Step::Busy => return Err(AttemptError::Busy),
            Step::Wait { .. } => {
                send_next(publisher, &delivery, now).await?;
                return Ok(Attempted::Waits);
            }
            Step::Lost(lost) => {
                // Whether it was written or another function did: look again.
                let _ = publisher.deliveries.replace(&lost, now).await?;
            }
            Step::Begin(begun) => {
                if let Some(attempted) = begin(publisher, &delivery, *begun, now).await? {
                    return Ok(attempted);
                }
            }
        }
    }
    Err(AttemptError::Contended)
}

/// `None`: another function changed the delivery.
async fn begin(
    publisher: &Publisher,
    delivery: &Delivery,
    begun: Delivery,
    now: Timestamp,
) -> Result<Option<Attempted>, AttemptError> {
    let registered = publisher.book.find(&delivery.key.endpoint).await?;
    let Some(to) = registered.filter(|registered| registered.status.is_active()) else {
        return Ok(match publisher.deliveries.replace(&delivery.held(), now).await? {
            Replaced::Yes => Some(Attempted::Held),
            Replaced::Changed => None,
        });
    };
    // Before the attempt is recorded: without keys or an event there is none.
    let door = match publisher.sinks.get(&to.endpoint.id) {
        Some(sink) => Door::Sink(sink),
        None => Door::Endpoint(publisher.secrets.keys(&to).await?),
    };
    let Some(message) = publisher.deliveries.event(delivery).await? else { return Ok(Some(Attempted::Nothing)) };
    let Ok(published) = Published::decode(&message) else { return Ok(Some(Attempted::Nothing)) };
    match publisher.deliveries.replace(&begun, now).await? {
        Replaced::Changed => return Ok(None),
        Replaced::Yes => {}
    }
    let begun = Delivery { version: Some(begun.version.map_or(0, |version| version + 1)), ..begun };
    make(publisher, &to, &door, &published, begun).await.map(Some)
}

/// By what a delivery is made.
enum Door<'p> {
    /// A webhook, signed by these keys.
    Endpoint(Keys),
    Sink(&'p ConfiguredSink),
}

/// Makes the attempt, and records what came of it.
async fn make(
    publisher: &Publisher,
    to: &Registered,
    door: &Door<'_>,
    published: &Published,
    begun: Delivery,
) -> Result<Attempted, AttemptError> {
    let started = publisher.clock.now();
    let came = match door {
        Door::Endpoint(keys) => {
            let answer = publisher.https.call(&call(to, keys, published, &begun, started)).await;
            Came::of(&answer, publisher.clock.now())
        }
        Door::Sink(of) => sink::attempt(publisher, of, published).await,
    };
    let now = publisher.clock.now();
    let verdict = verdict(came.means, begun.failures(), now, fastrand::f64());
    let health = came.health;
    let record = record(came, &begun, started, now);
    let status = record.status;
    match verdict {
        Verdict::GiveUp => Metric::WebhookFailed.measure(1),
        Verdict::Delivered | Verdict::Retry { .. } | Verdict::Gone => {}
    }
    // Before the attempt is recorded: after a crash the attempt counts as lost, and the next one finds the endpoint as it is.
    if let Some(health) = health.filter(|health| changes(to, *health, now)) {
        settle(publisher, to, health, now).await?;
    }
    let finished = begun.finished(record, verdict);
    match publisher.deliveries.replace(&finished, now).await? {
        Replaced::Yes => {}
        // It took so long that it counted as lost. The next attempt is another function's.
        Replaced::Changed => return Ok(Attempted::Made { verdict, status }),
    }
    if let Verdict::Retry { .. } = verdict {
        send_next(publisher, &finished, now).await?;
    }
    Ok(Attempted::Made { verdict, status })
}

fn changes(to: &Registered, health: Health, now: Timestamp) -> bool {
    to.status.after(health, now).is_some()
}

/// Records what the attempt says about the endpoint, and gives notice if it is disabled by that.
async fn settle(publisher: &Publisher, to: &Registered, health: Health, now: Timestamp) -> Result<(), Unavailable> {
    let id = &to.endpoint.id;
    if let Some(changed) = publisher.book.change(id, |status| status.after(health, now)).await?
        && let Err(error) = notice::give(publisher, &changed).await
    {
        // The next sweep gives it.
        tracing::warn!(endpoint = %id, cause = %error, "the notice of a disabled endpoint wasn't published");
    }
    Ok(())
}

/// Sends the message of the next attempt, unless a sweep does.
async fn send_next(publisher: &Publisher, delivery: &Delivery, now: Timestamp) -> Result<(), Unavailable> {
    if delivery.is_swept(now) {
        return Ok(());
    }
    let (message, delay) = delivery.next(now);
    let sent = publisher.queue.send_batch(&[Delayed { message: message.encode(), delay }]).await;
    sent.into_iter().collect()
}

fn call(to: &Registered, keys: &Keys, published: &Published, delivery: &Delivery, at: Timestamp) -> Call {
    let (content_type, body) = body(published, to.endpoint.format);
    let redacted = |value: &str| Redacted(Zeroizing::new(value.to_owned()));
    let own = to.endpoint.headers.iter().map(|(name, value)| (name.clone(), redacted(value)));
    let fixed = [("content-type", content_type), ("user-agent", concat!("Tidings/", env!("CARGO_PKG_VERSION")))];
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), redacted(value)));
    let signed = keys.headers(&delivery.webhook_id, at, &body);
    let signed = signed.iter().map(|(name, value)| ((*name).to_owned(), redacted(value)));
    Call {
        method: "POST",
        url: to.endpoint.url.clone(),
        headers: own.chain(fixed).chain(signed).collect(),
        body,
        within: ATTEMPT_TIMEOUT,
        at_most: MAX_ANSWER_BYTES,
    }
}

fn record(came: Came, delivery: &Delivery, at: Timestamp, now: Timestamp) -> Attempt {
    let Came { result, status, reason, answer, health: _, means: _ } = came;
    Attempt { number: delivery.attempts, at, ms: millis(now.since(at)), status, result, reason, answer: first_bytes(&answer) }
}
