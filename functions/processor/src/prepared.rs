//! What is to be written for a message, before the transaction that writes it.

use crate::failure::Failure;
use crate::view::View;
use crate::work::Applied;
use tidings_config::time::Timestamp;
use tidings_core::action::{Became, Withheld};
use tidings_core::claim::TimelineKey;
use tidings_core::envelope::Envelope;
use tidings_core::manual::ManualChange;
use tidings_core::ports::Commit;
use tidings_core::stored_event::StoredEvent;
use tidings_core::telemetry::Metric;

/// What is to be written for a message, and what it is called.
pub(crate) struct Prepared {
    pub(crate) view: View,
    pub(crate) applied: Applied,
    pub(crate) event_type: String,
    pub(crate) time: Timestamp,
    pub(crate) rules: Vec<String>,
    pub(crate) off_schema: Option<String>,
    pub(crate) manual: Option<ManualChange>,
    /// What kept from sending what waited before.
    pub(crate) unsent: Option<Failure>,
}

impl Prepared {
    pub(crate) fn commit(
        &self,
        envelope: &Envelope,
        trace_id: Option<&str>,
        event: Option<StoredEvent>,
        now: Timestamp,
    ) -> Commit {
        Commit {
            key: envelope.claimkey.clone(),
            source: envelope.source_name().to_owned(),
            event_id: envelope.id.clone(),
            event_type: self.event_type.clone(),
            subject: envelope.subject.clone(),
            received: envelope.receivedtime,
            processed: now,
            conversation: self.view.partition.clone(),
            occurred: TimelineKey::new(self.time, &envelope.claimkey),
            outcome: self.applied.outcome,
            rules: self.rules.clone(),
            node: self.applied.node.clone(),
            overtaken: self.applied.overtaken.clone(),
            off_schema: self.off_schema.clone(),
            manual: self.manual.clone(),
            actions: self.applied.notes(),
            trace_id: trace_id.map(str::to_owned),
            joins: self.applied.joins.clone(),
            event,
            links: self.applied.links.clone(),
            items: self.applied.items.clone(),
            deletes: self.applied.deletes.clone(),
            absent: self.view.unlinked.clone(),
        }
    }

    /// Counts what became of its actions, and what somebody should look at.
    pub(crate) fn count(&self, envelope: &Envelope) {
        let (source, applied) = (envelope.source_name(), &self.applied);
        for outcome in &applied.actions {
            match outcome.became {
                Became::Queued | Became::Digest { .. } => Metric::Emitted.count(source),
                Became::WaitsUntil(_) | Became::WaitsForLink => Metric::Deferred.count(source),
                Became::Withheld(Withheld::Shed) => Metric::Shed.count(source),
                Became::Withheld(Withheld::Expired) => Metric::Expired.count(source),
                Became::Withheld(Withheld::NoRoom | Withheld::TooLarge) => Metric::HoldOverflow.count(source),
                Became::Withheld(Withheld::OverCap) => Metric::OverCap.count(source),
                Became::Withheld(Withheld::Unreadable(preference)) => {
                    Metric::PreferenceUnread.count_as(source, preference.as_str());
                }
                Became::Withheld(Withheld::NoChannel | Withheld::NoOptIn | Withheld::Stale) | Became::PutOff(_) => {}
            }
        }
        if applied.repeats_a_body {
            Metric::RepeatedBody.count(source);
        }
        for overflow in &applied.overflows {
            overflow.full.count(source);
        }
        for gone in &applied.evicted {
            Metric::HoldOverflow.count(source);
            tracing::warn!(claim_key = %gone.cause, rule = gone.rule, "too much waits: the least urgent action is withheld");
        }
        if applied.lost_timers > 0 {
            Metric::HoldOverflow.count(source);
            tracing::error!(claim_key = %envelope.claimkey, timers = applied.lost_timers, "the outbox is full: no timer was set");
        }
        if applied.conflicts > 0 {
            Metric::LinkConflict.count(source);
            let (claim_key, conflicts) = (&envelope.claimkey, applied.conflicts);
            tracing::warn!(%claim_key, conflicts, "a link wasn't made: a name has another conversation, or identities of its own");
        }
        if !applied.deletes.is_empty() && !applied.links.is_empty() {
            let (claim_key, links) = (&envelope.claimkey, applied.links.len());
            tracing::warn!(%claim_key, links, "identities were moved to another conversation, as told");
        }
    }
}
