//! The events that a stack has stored with their claims, in the order in which they were processed. Reads only.

use super::options::ReplayOptions;
use crate::Failure;
use crate::limits::MAX_CAPTURED;
use crate::stack::Search;
use crate::stack::StoredFound;
use crate::style::note;
use crate::target::{reader_at, unreadable};
use tidings_config::limits::MAX_STORED_EVENT_BYTES;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::Envelope;

pub(super) async fn events(options: &ReplayOptions) -> Result<Vec<Envelope>, Failure> {
    let (filter, at, now) = (&options.filter, &options.at, SystemClock.now());
    if options.url.is_some() {
        return Err(Failure::new("--url sends deliveries, and what a stack keeps are events without their signatures").hint(
            "without --url they are played here; `tidings dlq redrive` brings back what died; or name files of `tidings capture`",
        ));
    }
    if filter.reason.is_some() && !options.apply {
        return Err(Failure::new("--reason is for --dlq: what a timeline has kept didn't die")
            .hint("--since, --until, --source, --type, --conversation and --key say which events"));
    }
    let search = Search {
        key: filter.key.clone().map(ClaimKey::from),
        source: filter.source.clone(),
        event_type: filter.event_type.clone(),
        state: None,
        since: filter.since.map(|since| since.from(now)),
        until: filter.until.map(|until| until.from(now)),
    };
    let reader = reader_at(at).await?;
    let context = match &filter.conversation {
        Some(name) => Some(reader.context(name, now).await.map_err(|error| unreadable(at, &error))?),
        None => None,
    };
    let found = reader.kept(context.as_ref(), &search, MAX_CAPTURED).await.map_err(|error| unreadable(at, &error))?;
    if found.events.is_empty() {
        return Err(nothing(&found));
    }
    let events: Vec<Envelope> = found.events.iter().filter_map(|event| event.envelope().ok()).collect();
    let more =
        found.cut.map(|last| format!(", the first that were processed; there are more: --since {last}")).unwrap_or_default();
    note(&format!("{} events that were kept{more}", events.len()));
    if context.is_none() && search.key.is_none() {
        note(&format!("{} claims read: that was the whole table. --conversation reads only its own", found.read));
    }
    told(&found, found.events.len() - events.len()).iter().for_each(|text| note(text));
    Ok(events)
}

/// The events that aren't replayed, and why.
fn told(found: &StoredFound, unread: usize) -> Vec<String> {
    let StoredFound { dead, without, unknown, .. } = found;
    let kib = MAX_STORED_EVENT_BYTES / 1_024;
    let mut told = Vec::new();
    if *without > 0 {
        told.push(format!(
            "{without} claims have none: processed before the stack had KeepEvents=true, larger than {kib} KiB, not processed yet, or erased"
        ));
    }
    if *dead > 0 {
        told.push(format!("{dead} died: --dlq plays those, and `tidings dlq redrive` brings them back"));
    }
    if *unknown > 0 {
        told.push(format!("{unknown} rows are no claims that this version knows: left out"));
    }
    if unread > 0 {
        told.push(format!("{unread} events are of another version of the envelope: left out"));
    }
    told
}

fn nothing(found: &StoredFound) -> Failure {
    let claims = found.without + found.dead;
    if claims == 0 {
        return Failure::new("nothing to replay: no claim is like that").hint("`tidings events list` shows which there are");
    }
    Failure::new(format!(
        "nothing to replay: none of {claims} claims has its event kept, only what became of it ({} died)",
        found.dead
    ))
    .hint(
        "deploy with KeepEvents=true, and what is processed from then on is kept. What there is: --dlq plays dead letters here; \
         `tidings rules explain KEY --stack S` says what is on record of one event; `tidings dlq redrive` brings back what died; \
         and files of `tidings capture`",
    )
}
