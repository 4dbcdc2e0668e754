//! read → merge → one transaction, until an answer ends it. What an answer means is decided in
//! [`tidings_core::claim::decide`]; here it is done.

use crate::Processor;
use crate::failure::Failure;
use crate::plan::Plan;
use std::collections::BTreeMap;
use tidings_core::claim::Outcome;
use tidings_core::claim::decide::{AfterCommit, Committed, after_commit, conflict_pause};
use tidings_core::context::{Item, ItemKey};
use tidings_core::envelope::Envelope;
use tidings_core::limits::{CONFLICT_PAUSE, MAX_ITEM_BYTES};
use tidings_core::ports::Commit;

/// How an event's commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Now(Outcome),
    /// An earlier receive had done it.
    Before,
}

/// Makes the plan true, once.
pub async fn commit(processor: &Processor, envelope: &Envelope, plan: &Plan) -> Result<Done, Failure> {
    let keys: Vec<ItemKey> = plan.changes.keys().cloned().collect();
    let order = envelope.order();
    let (mut reloads, mut conflicts) = (0, 0);
    loop {
        let stored =
            processor.store.load(&plan.conversation, &keys).await.map_err(|e| Failure::Unavailable(e.call.to_owned()))?;
        let (items, outcome) = plan.changes.merge(&stored, &order);
        bounded(&items)?;
        let node = plan.changes.node().filter(|_| items.contains_key(&ItemKey::Node)).map(str::to_owned);
        let commit = Commit {
            key: envelope.claimkey.clone(),
            source: envelope.source_name().to_owned(),
            event_id: envelope.id.clone(),
            event_type: envelope.event_type.clone(),
            subject: envelope.subject.clone(),
            received: envelope.receivedtime,
            processed: processor.clock.now(),
            conversation: plan.conversation.clone(),
            occurred: format!("{}#{}", order.time, envelope.claimkey),
            outcome,
            rules: plan.rules.clone(),
            node,
            items,
        };
        let committed = processor.store.commit(&commit).await;
        match after_commit(committed, reloads, conflicts) {
            AfterCommit::Done { duplicate: true } => return Ok(Done::Before),
            AfterCommit::Done { duplicate: false } => return Ok(Done::Now(outcome)),
            AfterCommit::Reload => reloads += 1,
            AfterCommit::Pause => {
                tokio::time::sleep(conflict_pause(CONFLICT_PAUSE, conflicts).mul_f64(fastrand::f64())).await;
                conflicts += 1;
            }
            AfterCommit::GiveBack if committed == Committed::Unknown => {
                return Err(Failure::Unavailable("dynamodb:TransactWriteItems".to_owned()));
            }
            AfterCommit::GiveBack => return Err(Failure::Contended),
        }
    }
}

fn bounded(items: &BTreeMap<ItemKey, Item>) -> Result<(), Failure> {
    for (key, item) in items {
        let bytes = serde_json::to_vec(&item.facts).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_ITEM_BYTES {
            return Err(Failure::LargeItem { item: key.to_string(), bytes });
        }
    }
    Ok(())
}
