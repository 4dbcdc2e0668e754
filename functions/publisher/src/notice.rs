//! The notice that an endpoint was disabled: an event of our own, published like others.
//!
//! Promises: it is published at least once, with one id. The attempt that disables the endpoint publishes it; if that fails, the next
//! sweep does.

use crate::endpoint::{Disabled, EndpointState, Registered, Status};
use crate::publisher::Publisher;
use serde_json::json;
use serde_json::value::RawValue;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, OWN_SOURCE, Payload};
use tidings_core::ports::Unavailable;
use tidings_core::telemetry::Metric;

/// The type of the notice.
pub const DISABLED: &str = "tidings.endpoint.disabled";

/// Publishes the notice, if the endpoint is disabled and nobody was told.
pub(crate) async fn give(publisher: &Publisher, of: &Registered) -> Result<(), Unavailable> {
    let EndpointState::Disabled { reason, since, noticed: false } = of.status.state else { return Ok(()) };
    let id = &of.endpoint.id;
    tracing::error!(endpoint = %id, reason = reason.as_str(), "an endpoint was disabled");
    Metric::EndpointDisabled.measure(1);
    publisher.published.publish(notice(of, reason, since).encode()).await?;
    let told = |status: &Status| match status.state {
        EndpointState::Disabled { reason, since: of, noticed: false } if of == since => {
            Some(Status { state: EndpointState::Disabled { reason, since, noticed: true }, ..status.clone() })
        }
        EndpointState::Disabled { .. } | EndpointState::Active => None,
    };
    publisher.book.change(id, told).await.map(|_| ())
}

fn notice(of: &Registered, reason: Disabled, since: Timestamp) -> Envelope {
    let id = &of.endpoint.id;
    // A source's name can't begin with `@`, so no provider's event has such a key.
    let claim_key = ClaimKey::from(format!("@endpoint#{id}#{}", since.unix_ms()));
    let data = json!({"endpoint": id, "reason": reason.as_str(), "since": since, "failing_since": of.status.failing_since});
    let mut envelope = Envelope::new(NewEnvelope {
        id: claim_key.as_str().to_owned(),
        source: String::new(),
        event_type: DISABLED.to_owned(),
        subject: Some(format!("endpoint/{id}")),
        time: Some(since),
        conversation: None,
        sequence: None,
        received: since,
        claim_key,
        traceparent: None,
        payload: Payload::Json(RawValue::from_string(data.to_string()).expect("it is JSON")),
    });
    envelope.source = OWN_SOURCE.to_owned();
    envelope
}
