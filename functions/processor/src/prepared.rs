//! The write for a message, before its transaction.

use crate::failure::Failure;
use crate::view::View;
use crate::work::Applied;
use tidings_config::time::Timestamp;
use tidings_core::action::{Became, Withheld};
use tidings_core::claim::TimelineKey;
use tidings_core::commit_plan::Merging;
use tidings_core::envelope::Envelope;
use tidings_core::manual::ManualChange;
use tidings_core::ports::Commit;
use tidings_core::stored_event::StoredEvent;
use tidings_core::telemetry::Metric;

/// The write for a message, and its outcome.
pub(crate) struct Prepared {
    pub(crate) view: View,
    pub(crate) applied: Applied,
    pub(crate) event_type: String,
    pub(crate) time: Timestamp,
    pub(crate) rules: Vec<String>,
    pub(crate) off_schema: Option<String>,
    pub(crate) manual: Option<ManualChange>,
    /// The failure to send earlier actions, if there was one.
    pub(crate) unsent: Option<Failure>,
    pub(crate) merging: Merging,
}

impl Prepared {
    /// What a turn or a reminder of this rule comes to.
    pub(crate) fn of_timer(
        view: View,
        applied: Applied,
        envelope: &Envelope,
        rule: String,
        unsent: Option<Failure>,
        now: Timestamp,
    ) -> Self {
        let event_type = envelope.event_type.clone();
        let (rules, merging) = (vec![rule], Merging::Once);
        Self { view, applied, event_type, time: now, rules, off_schema: None, manual: None, unsent, merging }
    }

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
            result: self.applied.result.clone(),
            links: self.applied.links.clone(),
            items: self.applied.items.clone(),
            deletes: self.applied.deletes.clone(),
            absent: self.view.unlinked.clone(),
            merging: self.merging,
        }
    }

    /// Counts the outcomes of its actions, and logs what an operator should see.
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
                Became::Withheld(Withheld::NoChannel | Withheld::NoOptIn | Withheld::Stale)
                | Became::Withheld(Withheld::PastDate | Withheld::FarDate | Withheld::SameDate)
                | Became::PutOff(_)
                | Became::Collected
                | Became::Scheduled(_)
                | Became::NoDate => {}
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
            tracing::warn!(claim_key = %gone.cause, rule = gone.rule, "too many notifications wait: the least urgent one is withheld");
        }
        if applied.lost_timers > 0 {
            Metric::HoldOverflow.count(source);
            tracing::error!(claim_key = %envelope.claimkey, timers = applied.lost_timers, "the outbox is full: no timer was set");
        }
        if applied.conflicts > 0 {
            Metric::LinkConflict.count(source);
            let (claim_key, conflicts) = (&envelope.claimkey, applied.conflicts);
            tracing::warn!(%claim_key, conflicts, "a link was not made: the name belongs to another conversation or has identities of its own");
        }
        if !applied.deletes.is_empty() && !applied.links.is_empty() {
            let (claim_key, links) = (&envelope.claimkey, applied.links.len());
            tracing::warn!(%claim_key, links, "identities were moved to another conversation, as requested");
        }
    }
}
