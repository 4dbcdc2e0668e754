//! What is done after the transaction: actions and timers are sent, and then leave the outbox; what was an identity's moves
//! to its conversation. Each may be done again by whoever comes next, and to no harm.

use crate::Processor;
use crate::failure::Failure;
use std::collections::BTreeMap;
use tidings_core::claim::decide::{AfterCommit, after_commit, conflict_pause};
use tidings_core::context::{Content, Item, ItemKey, Outbox, Outgoing, Place, moved};
use tidings_core::limits::{CONFLICT_PAUSE, MOVE_CHUNK, TIMER_HOP};
use tidings_core::ports::{Rewrite, Unavailable};
use tidings_core::telemetry::STEP;
use tidings_core::time::Timestamp;

/// Sends what waits, in order, each only when the one before is acknowledged; then takes it out. Whoever else has put
/// something in meanwhile has seen what waited and sent it as well, so the first of each arrives in order.
pub(crate) async fn deliver(
    processor: &Processor,
    partition: &str,
    mut version: Option<u64>,
    mut outbox: Outbox,
) -> Result<(), Failure> {
    let place = Place::new(partition, ItemKey::Outbox);
    let mut sent = None;
    let mut tries = Tries::default();
    while let Some(last) = outbox.waiting.last().map(|waiting| waiting.sequence) {
        for waiting in outbox.waiting.iter().filter(|waiting| Some(waiting.sequence) > sent) {
            send(processor, partition, waiting.sequence, &waiting.what).await?;
        }
        sent = sent.max(Some(last));
        outbox.acknowledge(last);
        let item = Item { version, content: Content::Outbox(outbox) };
        let at = processor.clock.now();
        if tries
            .write(processor, &Rewrite { puts: BTreeMap::from([(place.clone(), item)]), deletes: BTreeMap::new(), at })
            .await?
        {
            return Ok(());
        }
        let stored = processor.store.load(&[place.clone()].into()).await.map_err(|e| unavailable(&e))?.remove(&place);
        (version, outbox) = match stored {
            Some(Item { version, content: Content::Outbox(outbox) }) => (version, outbox),
            Some(Item { content: Content::Facts(_) | Content::Join(_) | Content::Link(_), .. }) | None => return Ok(()),
        };
    }
    Ok(())
}

async fn send(processor: &Processor, conversation: &str, sequence: u64, what: &Outgoing) -> Result<(), Failure> {
    match what {
        Outgoing::Action(action) => {
            processor.actions.send(conversation, sequence, action).await.map_err(|e| Failure::Undelivered(e.call.to_owned()))?;
            tracing::debug!(
                target: STEP, step = "action", source = action.rule, claim_key = %action.cause, conversation,
                action_type = action.action_type, sequence
            );
            Ok(())
        }
        Outgoing::Timer { due, message } => hop(processor, message, *due, processor.clock.now()).await,
    }
}

/// Sends a message of our own that is due then; or as far on its way there as SQS can.
pub(crate) async fn hop(processor: &Processor, message: &str, due: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let sent = processor.timers.send(message, due.since(now).min(TIMER_HOP)).await;
    sent.map_err(|e| Failure::Undelivered(e.call.to_owned()))
}

/// Moves what was kept under an identity, some items at a time. Whether there was anything.
pub(crate) async fn adopt(processor: &Processor, identity: &str, conversation: &str) -> Result<bool, Failure> {
    let mut any = false;
    let mut tries = Tries::default();
    loop {
        let mut items = processor.store.first(identity, MOVE_CHUNK).await.map_err(|e| unavailable(&e))?;
        items.retain(|key, _| *key != ItemKey::Link);
        let places = items.keys().map(|key| Place::new(conversation, key.clone())).collect();
        let theirs = processor.store.load(&places).await.map_err(|e| unavailable(&e))?;
        let rewrite = moved(identity, &items, conversation, &theirs, processor.clock.now());
        if rewrite.puts.is_empty() {
            return Ok(any);
        }
        if tries.write(processor, &rewrite).await? {
            any = true;
            tries = Tries::default();
        }
    }
}

/// How often others were faster, or in the way.
#[derive(Default)]
struct Tries {
    reloads: u32,
    conflicts: u32,
}

impl Tries {
    /// Whether it is written; if not, it must be read again.
    async fn write(&mut self, processor: &Processor, rewrite: &Rewrite) -> Result<bool, Failure> {
        match after_commit(processor.store.rewrite(rewrite).await, self.reloads, self.conflicts) {
            AfterCommit::Done { .. } => Ok(true),
            AfterCommit::Reload => {
                self.reloads += 1;
                Ok(false)
            }
            AfterCommit::Pause => {
                tokio::time::sleep(conflict_pause(CONFLICT_PAUSE, self.conflicts).mul_f64(fastrand::f64())).await;
                self.conflicts += 1;
                Ok(false)
            }
            AfterCommit::GiveBack => Err(Failure::Undelivered("dynamodb:PutItem".to_owned())),
        }
    }
}

fn unavailable(error: &Unavailable) -> Failure {
    Failure::Undelivered(error.call.to_owned())
}
