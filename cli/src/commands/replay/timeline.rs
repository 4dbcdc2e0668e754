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
        return Err(Failure::new("--url sends deliveries, but a stack stores events without signatures").hint(
            "leave out --url to replay them on this machine; `tidings dlq redrive` sends dead-lettered events again; or give \
             files of `tidings capture`",
        ));
    }
    if filter.reason.is_some() && !options.apply {
        return Err(Failure::new("--reason requires --dlq: stored events weren't dead-lettered")
            .hint("select events with --since, --until, --source, --type, --conversation and --key"));
    }
    let search = Search {
        key: filter.key.clone().map(ClaimKey::from),
        source: filter.source.clone(),
        tenant: None,
        event_type: filter.event_type.clone(),
        state: None,
        text: None,
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
    let more = found.cut.map(|last| format!(", the earliest; for later ones use --since {last}")).unwrap_or_default();
    note(&format!("{} stored events{more}", events.len()));
    if context.is_none() && search.key.is_none() {
        note(&format!(
            "{} claims read: the whole table. With --conversation only the conversation's claims are read",
            found.read
        ));
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
            "{without} claims have no stored event: it was processed before the stack had KeepEvents=true, is larger than {kib} \
             KiB, isn't processed yet, or was erased"
        ));
    }
    if *dead > 0 {
        told.push(format!("{dead} were dead-lettered: --dlq replays them, and `tidings dlq redrive` sends them again"));
    }
    if *unknown > 0 {
        told.push(format!("{unknown} rows can't be read as claims by this version, and are skipped"));
    }
    if unread > 0 {
        told.push(format!("{unread} events have an unknown envelope version, and are skipped"));
    }
    told
}

fn nothing(found: &StoredFound) -> Failure {
    let claims = found.without + found.dead;
    if claims == 0 {
        return Failure::new("nothing to replay: no claim matches").hint("`tidings events list` lists the claims");
    }
    Failure::new(format!(
        "nothing to replay: none of {claims} claims has a stored event ({} were dead-lettered)",
        found.dead
    ))
    .hint(
        "deploy with KeepEvents=true to store the events that are processed from then on. Without stored events: --dlq replays \
         dead letters on this machine; `tidings rules explain KEY --stack S` shows the recorded result of one event; `tidings \
         dlq redrive` sends dead-lettered events again; files of `tidings capture` can be replayed",
    )
}
