//! A commit without an effect, for tests to fill in.

use crate::claim::{Outcome, TimelineKey};
use crate::commit_plan::Merging;
use crate::envelope::Envelope;
use crate::ports::Commit;
use std::collections::BTreeMap;
use tidings_config::time::Timestamp;

/// What the processor writes for an event that no rule is about, and that is in this conversation's timeline.
pub fn noted(event: &Envelope, conversation: &str, processed: Timestamp) -> Commit {
    Commit {
        key: event.claimkey.clone(),
        source: event.source_name().to_owned(),
        event_id: event.id.clone(),
        event_type: event.event_type.clone(),
        subject: event.subject.clone(),
        received: event.receivedtime,
        processed,
        conversation: conversation.to_owned(),
        occurred: TimelineKey::new(processed, &event.claimkey),
        outcome: Outcome::Noted,
        rules: Vec::new(),
        node: None,
        overtaken: Vec::new(),
        off_schema: None,
        actions: Vec::new(),
        trace_id: None,
        manual: None,
        joins: Vec::new(),
        links: Vec::new(),
        event: None,
        result: None,
        items: BTreeMap::new(),
        deletes: BTreeMap::new(),
        absent: None,
        merging: Merging::Once,
    }
}
