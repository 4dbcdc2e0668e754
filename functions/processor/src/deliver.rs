//! What is done after the transaction: actions and timers are sent, and then leave the outbox. It may be done again by the
//! next message of the conversation, and to no harm: an action has one id.

use crate::failure::{Failure, FailureKind, Stage};
use crate::processor::Processor;
use crate::tries::{Next, Tries};
use crate::view::{View, read_partition};
use std::collections::BTreeMap;
use tidings_config::limits::MAX_TIMER_DELAY;
use tidings_config::time::Timestamp;
use tidings_core::context::{Content, Item, ItemKey, Outbox, Outgoing, Page, Place, Waiting};
use tidings_core::ports::{Rewrite, Unavailable};
use tidings_core::telemetry::STEP;

/// Sends what waits, in order, each only when the one before is acknowledged; then takes it out. A processor that has put
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
    while !outbox.is_sent() {
        let mut deletes = BTreeMap::new();
        if let Some(first) = outbox.pages.first().copied() {
            let (page_version, page) = page(processor, partition, first).await?;
            send_all(processor, partition, &page.waiting, &mut sent).await?;
            outbox.pages.remove(0);
            deletes.extend(page_version.map(|version| (Place::new(partition, ItemKey::OutboxPage(first)), version)));
        } else {
            send_all(processor, partition, &outbox.waiting, &mut sent).await?;
            outbox.waiting.clear();
        }
        let item = Item { version, content: Content::Outbox(outbox.clone()) };
        let rewrite = Rewrite { puts: BTreeMap::from([(place.clone(), item)]), deletes, at: processor.clock.now() };
        match tries.after(processor.store.rewrite(&rewrite).await).await {
            Next::Done => version = Some(version.unwrap_or(0) + 1),
            Next::Again => {
                let stored = read_partition(processor, partition, &[ItemKey::Outbox]).await.map_err(Failure::in_delivery)?;
                (version, outbox) = stored.outbox();
            }
            Next::Contended | Next::Finish(_) => return Err(FailureKind::Contended.at(Stage::Deliver)),
            Next::Unknown(cause) => return Err(Failure::unsent(Unavailable { call: "dynamodb:PutItem", cause })),
        }
    }
    Ok(())
}

/// Sends what waits in an outbox that wasn't read yet.
pub(crate) async fn flush(processor: &Processor, partition: &str) -> Result<(), Failure> {
    let stored = read_partition(processor, partition, &[ItemKey::Outbox]).await.map_err(Failure::in_delivery)?;
    let (version, outbox) = stored.outbox();
    deliver(processor, partition, version, outbox).await
}

/// Sends what waits in the outbox that was read, before anything new is put in: it leaves the outbox with the write that
/// follows. `Some`: what is in the way. Then the event has its effect all the same, and what waits goes on waiting. It is tried
/// once: `silent` remembers that it failed, so that an outage costs a batch no more than one wait.
pub(crate) async fn send_first(processor: &Processor, view: &mut View, silent: &mut Option<Failure>) -> Option<Failure> {
    if view.outbox().1.is_sent() {
        return None;
    }
    if silent.is_none() {
        *silent = try_to_send(processor, view).await;
    }
    silent.clone()
}

async fn try_to_send(processor: &Processor, view: &mut View) -> Option<Failure> {
    let (version, mut outbox) = view.outbox();
    let partition = view.partition.clone();
    if outbox.pages.is_empty() {
        let unsent = send_all(processor, &partition, &outbox.waiting, &mut None).await.err();
        if unsent.is_none() {
            outbox.waiting.clear();
            view.items.insert(view.place(ItemKey::Outbox), Item { version, content: Content::Outbox(outbox) });
            view.sent = true;
        }
        return unsent;
    }
    if let Err(unsent) = deliver(processor, &partition, version, outbox).await {
        return Some(unsent);
    }
    match read_partition(processor, &partition, &[ItemKey::Outbox]).await {
        Ok(stored) => {
            view.items.extend(stored.items);
            None
        }
        Err(failure) => Some(failure),
    }
}

/// A page, with its version. One that isn't there was sent by another processor.
async fn page(processor: &Processor, partition: &str, first: u64) -> Result<(Option<u64>, Page), Failure> {
    let key = ItemKey::OutboxPage(first);
    let view = read_partition(processor, partition, std::slice::from_ref(&key)).await.map_err(Failure::in_delivery)?;
    Ok(match view.items.get(&Place::new(partition, key)) {
        Some(Item { version, content: Content::OutboxPage(page) }) => (*version, page.clone()),
        Some(_) | None => (None, Page::default()),
    })
}

/// Those that this processor hasn't sent yet.
async fn send_all(processor: &Processor, partition: &str, waiting: &[Waiting], sent: &mut Option<u64>) -> Result<(), Failure> {
    for Waiting { sequence, what } in waiting {
        if Some(*sequence) > *sent {
            send(processor, partition, *sequence, what).await?;
            *sent = Some(*sequence);
        }
    }
    Ok(())
}

async fn send(processor: &Processor, conversation: &str, sequence: u64, what: &Outgoing) -> Result<(), Failure> {
    match what {
        Outgoing::Action(action) => {
            processor.actions.send(conversation, sequence, action).await.map_err(Failure::unsent)?;
            tracing::debug!(
                target: STEP, step = "action", source = action.rule, claim_key = %action.cause, conversation,
                action_type = action.action_type, sequence
            );
            Ok(())
        }
        Outgoing::Timer { due, message } => send_timer(processor, message, *due, processor.clock.now()).await,
    }
}

/// Sends a message of our own that is due then; or as far on its way there as SQS can.
pub(crate) async fn send_timer(processor: &Processor, message: &str, due: Timestamp, now: Timestamp) -> Result<(), Failure> {
    processor.timers.send(message, due.since(now).min(MAX_TIMER_DELAY)).await.map_err(Failure::unsent)
}
