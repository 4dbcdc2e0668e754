//! Validates an event's payload against its schema, before the rules.

use crate::decode::Message;
use crate::failure::{Failure, FailureKind};
use tidings_config::schemas::{EventSchemas, Finding, OnMismatch};
use tidings_core::telemetry::{Metric, STEP, Shown};

/// Validates a payload. An accepted violation is returned; a rejected one is an error, which is final: the same
/// payload violates the same schema again. Both are counted, on every receive.
pub fn validate(schemas: &EventSchemas, message: &Message) -> Result<Option<Finding>, Failure> {
    let Some(finding) = finding(schemas, message) else { return Ok(None) };
    let envelope = &message.envelope;
    let source = envelope.source_name();
    Metric::SchemaViolation.count(source);
    match finding.on_mismatch {
        OnMismatch::Reject => Err(FailureKind::SchemaViolation(finding).into()),
        OnMismatch::Accept => {
            let (claim_key, event_type, mismatch) = (&envelope.claimkey, Shown(&envelope.event_type), finding.to_string());
            tracing::warn!(%claim_key, source, %event_type, mismatch, "the payload violates its schema, and is accepted");
            tracing::debug!(target: STEP, step = "off_schema", source, %claim_key, %event_type, mismatch);
            Ok(Some(finding))
        }
    }
}

/// How a provider's payload violates its schema.
fn finding(schemas: &EventSchemas, message: &Message) -> Option<Finding> {
    let Message { envelope, .. } = message;
    schemas.validate(envelope.source_name(), &envelope.event_type, envelope.dataschema.as_deref(), message.payload()?)
}
