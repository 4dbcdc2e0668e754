//! Sends actions and timers after the transaction, and then removes them from the outbox. The next message of the
//! conversation may send them again, which is harmless: an action has one id.

use crate::failure::{Failure, FailureKind, Stage};
use crate::processor::Processor;
use crate::publish;
use crate::timer;
use crate::tries::{Next, Tries};
use crate::view::{View, read_partition};
use std::collections::BTreeMap;
use tidings_core::context::{Content, Item, ItemKey, Outbox, Outgoing, Page, Place, Waiting};
use tidings_core::ports::{Rewrite, Unavailable};
use tidings_core::telemetry::STEP;

/// Sends waiting messages in order, each after the one before is acknowledged; then removes them. A processor that
/// added messages meanwhile has seen these and sent them as well, so the first copies arrive in order.
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

/// Sends the messages of an outbox that wasn't read yet.
pub(crate) async fn flush(processor: &Processor, partition: &str) -> Result<(), Failure> {
    let stored = read_partition(processor, partition, &[ItemKey::Outbox]).await.map_err(Failure::in_delivery)?;
    flush_read(processor, &stored).await
}

/// Sends the messages of an outbox that was read, and writes nothing else.
pub(crate) async fn flush_read(processor: &Processor, view: &View) -> Result<(), Failure> {
    let (version, outbox) = view.outbox();
    deliver(processor, &view.partition, version, outbox).await
}

/// Sends the messages of an outbox that was read, before new ones are added. The following write removes them.
/// `Some`: the failure. The event then has its effect nevertheless, and the messages keep waiting. Sending is tried
/// once: `silent` remembers a failure, so that an outage delays a batch only once.
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

/// A page and its version. A missing page was sent by another processor.
async fn page(processor: &Processor, partition: &str, first: u64) -> Result<(Option<u64>, Page), Failure> {
    let key = ItemKey::OutboxPage(first);
    let view = read_partition(processor, partition, std::slice::from_ref(&key)).await.map_err(Failure::in_delivery)?;
    Ok(match view.items.get(&Place::new(partition, key)) {
        Some(Item { version, content: Content::OutboxPage(page) }) => (*version, page.clone()),
        Some(_) | None => (None, Page::default()),
    })
}

/// Sends those that this processor hasn't sent yet.
async fn send_all(processor: &Processor, partition: &str, waiting: &[Waiting], sent: &mut Option<u64>) -> Result<(), Failure> {
    for message in waiting {
        if message.is_unsent(*sent) {
            send(processor, partition, message.sequence, &message.what).await?;
            *sent = Some(message.sequence);
        }
    }
    Ok(())
}

async fn send(processor: &Processor, conversation: &str, sequence: u64, what: &Outgoing) -> Result<(), Failure> {
    match what {
        Outgoing::Action(action) => {
            processor.actions.send(conversation, sequence, action).await.map_err(Failure::unsent)?;
            publish::action(processor, conversation, sequence, action).await?;
            tracing::debug!(
                target: STEP, step = "action", source = action.rule, claim_key = %action.cause, conversation,
                action_type = action.action_type, sequence
            );
            Ok(())
        }
        Outgoing::Timer { due, message } => timer::send(processor, message, *due, processor.clock.now()).await,
    }
}
