//! An event's payload against its schema, before any rule sees it.

use crate::failure::Failure;
use tidings_config::schemas::{EventSchemas, Finding, OnMismatch};
use tidings_core::envelope::Envelope;
use tidings_core::telemetry::{Metric, STEP, Shown};

/// What is off and accepted all the same. Both are counted, on every receive. What is rejected is final: the same payload
/// fails the same schema again.
pub fn hold(schemas: &EventSchemas, envelope: &Envelope) -> Result<Option<Finding>, Failure> {
    let Some(finding) = schemas.hold(envelope) else { return Ok(None) };
    let source = envelope.source_name();
    Metric::OffSchema.count(source);
    match finding.on_mismatch {
        OnMismatch::Reject => Err(Failure::OffSchema(finding)),
        OnMismatch::Accept => {
            let (claim_key, event_type, mismatch) = (&envelope.claimkey, Shown(&envelope.event_type), finding.to_string());
            tracing::warn!(%claim_key, source, %event_type, mismatch, "off its schema, and accepted");
            tracing::debug!(target: STEP, step = "off_schema", source, %claim_key, mismatch);
            Ok(Some(finding))
        }
    }
}
