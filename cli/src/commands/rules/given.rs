//! Events that rules are tried on: the corpus', or those of a file.

use super::text;
use crate::Failure;
use crate::captures::{self, Recorded};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use tidings_core::config::source::Source;
use tidings_core::envelope::Envelope;
use tidings_core::time::Timestamp;
use tidings_events::{Case, SECRETS, corpus, secrets_of};

/// When the corpus is received, unless somebody says otherwise: after all that happens in it.
pub(super) fn noon() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").expect("a time")
}

/// The events of an authentic case.
pub(super) fn of_case(case: &Case, sources: &[Source], now: Timestamp) -> Result<Vec<Envelope>, Failure> {
    let source = sources.iter().find(|source| source.name == case.source);
    let source = source.ok_or_else(|| Failure::new(format!("source {:?} is not configured", case.source)))?;
    let secrets = secrets_of(SECRETS, &case.source).map_err(|error| Failure::new(error.to_string()))?;
    let secret = secrets.first().ok_or_else(|| Failure::new(format!("no demo secret for {:?}", case.source)))?;
    let request = case.request(source, secret, now, None, None).map_err(|error| Failure::new(error.to_string()))?;
    Ok(request.events(source, secret, now))
}

/// The events of the whole corpus, each once, in its order.
pub(super) fn of_corpus(now: Timestamp) -> Result<Vec<Envelope>, Failure> {
    let sources = receiver::configured::sources();
    let authentic = corpus().cases.iter().filter(|case| !case.repeats && case.expect.is_accepted());
    let mut events = Vec::new();
    for case in authentic {
        events.extend(of_case(case, &sources, now)?);
    }
    Ok(events)
}

/// The events of a file: an envelope, a batch as SQS gives it, or a delivery that was recorded.
pub(super) fn of_file(path: &Path) -> Result<Vec<Envelope>, Failure> {
    #[derive(Deserialize)]
    struct Batch {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    }
    #[derive(Deserialize)]
    struct Record {
        body: String,
    }
    let text = text(path)?;
    let bad = |what: String| {
        Failure::new(format!("{}: {what}", path.display()))
            .hint("allowed: an envelope, {\"Records\": [{\"body\": …}]}, or what `tidings capture` writes")
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if captures::is_one(&value) {
        return Recorded::read(path)?.events();
    }
    let bodies = if value.get("Records").is_some() {
        let batch: Batch = serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
        batch.records.into_iter().map(|record| record.body).collect()
    } else {
        vec![text]
    };
    bodies.iter().map(|body| Envelope::decode(body).map_err(|error| bad(error.to_string()))).collect()
}
