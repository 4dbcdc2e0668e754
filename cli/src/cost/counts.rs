//! What an event takes of AWS: counted by tests/cost, and assumed where nothing can count it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const COUNTED: &str = include_str!("../../../infra/cost/counted.json");
const ASSUMED: &str = include_str!("../../../infra/cost/assumed.toml");

/// What an invocation takes for one event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Calls by `service:Operation`. `sqs-fifo` is the actions queue.
    pub calls: BTreeMap<String, u64>,
    /// Write request units, those of indexes included.
    pub write_units: f64,
    pub read_units: f64,
    /// Bytes of log lines about the event, and of metrics.
    pub line_bytes: u64,
    pub metric_bytes: u64,
}

impl Taken {
    /// Calls of a service: `sqs` or `sqs-fifo`.
    pub(crate) fn calls_of(&self, service: &str) -> f64 {
        let calls = self.calls.iter().filter(|(name, _)| name.split(':').next() == Some(service));
        super::real(calls.map(|(_, calls)| calls).sum())
    }
}

/// What the code takes, by case. A file that tests/cost writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The receiver: an event that is new, known, forged.
    pub accepted: Taken,
    pub duplicate: Taken,
    pub forged: Taken,
    /// The processor, in a batch of one: the event sets facts of one entity.
    pub processed: Taken,
    /// The same event also sends a notification.
    pub processed_with_action: Taken,
    /// An event of a batch of ten of different conversations, without its calls.
    pub processed_in_batch_of_ten: Taken,
    /// The first of these events, stored with its claim.
    pub processed_stored: Taken,
    /// Size of that stored event.
    pub stored_event_bytes: u64,
    /// Bytes of the claim of a processed event, and of the item of its entity.
    pub claim_bytes: u64,
    pub entity_bytes: u64,
    /// Custom metrics that events cause in normal times.
    pub series: Series,
    /// The same job in Python (tests/bench/peers).
    pub python_accepted: Taken,
    pub python_processed: Taken,
}

/// Custom metrics, which are billed by their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Over all sources.
    pub over_all: u64,
    /// Of each source, in any case: by reason or state.
    pub of_a_source: u64,
    /// Of each source, with `SourceMetrics`.
    pub of_a_source_with_source_metrics: u64,
}

/// What can't be counted: `infra/cost/assumed.toml` says what each is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    pub accepted_ms: f64,
    pub duplicate_ms: f64,
    pub forged_ms: f64,
    pub processed_ms: f64,
    pub action_ms: f64,
    pub further_event_ms: f64,
    pub python_accepted_ms: f64,
    pub python_processed_ms: f64,
    pub access_line_bytes: u64,
    pub stored_share_of_logs: f64,
    pub events_an_entity: u64,
    pub timer_write_units: f64,
    pub timer_bytes: u64,
    pub timer_ms: f64,
    pub sweep_ms: f64,
    pub claim_days: u64,
}

/// Both.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    pub counted: Counted,
    pub assumed: Assumed,
}

impl Counts {
    /// Multiplies the bytes of all lines.
    pub(crate) fn scale_logs(&mut self, factor: f64) {
        let scale = |bytes: &mut u64| *bytes = (super::real(*bytes) * factor).round() as u64;
        let counted = &mut self.counted;
        for taken in [
            &mut counted.accepted,
            &mut counted.duplicate,
            &mut counted.forged,
            &mut counted.processed,
            &mut counted.processed_with_action,
            &mut counted.processed_in_batch_of_ten,
        ] {
            scale(&mut taken.line_bytes);
            scale(&mut taken.metric_bytes);
        }
        scale(&mut self.assumed.access_line_bytes);
    }

    /// Errors: a file of the release is broken, which tests/cost rules out.
    pub fn shipped() -> Result<Self, String> {
        let counted = serde_json::from_str(COUNTED).map_err(|error| format!("infra/cost/counted.json: {error}"))?;
        let assumed = toml::from_str(ASSUMED).map_err(|error| format!("infra/cost/assumed.toml: {error}"))?;
        Ok(Self { counted, assumed })
    }
}
