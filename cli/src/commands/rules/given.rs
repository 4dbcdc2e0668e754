//! Events to try rules on: those of the corpus, or those of a file.

use crate::Failure;
use crate::captures::{self, Recorded};
use crate::files;
use crate::limits::MAX_REQUEST_FILE_BYTES;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tidings_config::source::{OWN, Source};
use tidings_config::time::Timestamp;
use tidings_core::envelope::Envelope;
use tidings_events::{Case, SECRETS, corpus, secrets_of};

/// The default time of receipt of the corpus: after all of its events.
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
pub(super) fn of_corpus(sources: &[Source], now: Timestamp) -> Result<Vec<Envelope>, Failure> {
    let mut events = Vec::new();
    for case in cases(sources).filter(|case| !case.repeats && case.expect.is_accepted()) {
        events.extend(of_case(case, sources, now)?);
    }
    Ok(events)
}

/// The corpus' cases for these sources. A source must have the same name, and the same preset or an identical scheme as
/// in the demo: a custom source with only the same name sends other events.
pub(super) fn cases(sources: &[Source]) -> impl Iterator<Item = &'static Case> {
    let demo = &tidings_events::project::configuration().sources;
    let is_same = |ours: &Source, theirs: &Source| {
        ours.name == theirs.name && ours.provider == theirs.provider && (ours.provider != OWN || ours == theirs)
    };
    let same = demo.iter().filter(|theirs| sources.iter().any(|ours| is_same(ours, theirs)));
    let names: BTreeSet<&str> = same.map(|source| source.name.as_str()).collect();
    corpus().cases.iter().filter(move |case| names.contains(case.source.as_str()))
}

/// The events of a file: an envelope, a batch as SQS gives it, or a recorded delivery.
pub(super) fn of_file(path: &Path) -> Result<Vec<Envelope>, Failure> {
    of_text(files::text(path, MAX_REQUEST_FILE_BYTES)?, path)
}

fn of_text(text: String, path: &Path) -> Result<Vec<Envelope>, Failure> {
    #[derive(Deserialize)]
    struct Batch {
        #[serde(rename = "Records")]
        records: Vec<Record>,
    }
    #[derive(Deserialize)]
    struct Record {
        body: String,
    }
    let bad = |what: String| {
        Failure::new(format!("{}: {what}", path.display()))
            .hint("allowed: an envelope, {\"Records\": [{\"body\": …}]}, or a file that `tidings capture` wrote")
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    let value: Value = files::json(text.as_bytes()).map_err(bad)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    #[test]
    fn no_file_of_events_makes_a_command_panic() {
        let events: Vec<String> =
            of_corpus(&tidings_events::project::sources(), noon()).unwrap().iter().take(2).map(Envelope::encode).collect();
        let batch = serde_json::json!({ "Records": [{ "body": events[0] }, { "body": events[1] }] }).to_string();
        fuzz::never_panics(&[events[0].as_bytes(), batch.as_bytes()], |bytes| {
            let _ = of_text(fuzz::text(bytes).into_owned(), Path::new("events.json"));
        });
    }
}
