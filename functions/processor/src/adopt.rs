//! What was kept under an identity becomes its conversation's: after the transaction that links them, and again by each retry
//! until it is done. Bounded steps, each a transaction of its own.

use crate::Processor;
use crate::deliver::deliver;
use crate::failure::Failure;
use crate::overflow::Full;
use crate::tries::{Next, Tries};
use crate::view::{View, load, read_partition};
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::context::{Content, Deferred, Item, ItemKey, Link, Moved, Outbox, Outgoing, Place, Put, Waits, moved};
use tidings_core::due::Due;
use tidings_core::limits::MOVE_CHUNK;
use tidings_core::ports::{Rewrite, Unavailable};
use tidings_core::telemetry::{Metric, UNKNOWN};
use tidings_core::time::Timestamp;

/// Moves what is known, and hands over what waits for the link.
pub(crate) async fn adopt(processor: &Processor, identity: &str, conversation: &str) -> Result<(), Failure> {
    let mut tries = Tries::default();
    loop {
        let items = processor.store.first(identity, MOVE_CHUNK).await.map_err(Failure::Undelivered)?;
        let now = processor.clock.now();
        let known = items.keys().filter(|key| matches!(key, ItemKey::Entity(_) | ItemKey::Node));
        let places = known.map(|key| Place::new(conversation, key.clone())).collect();
        let theirs = load(processor, places).await.map_err(Failure::undelivered)?;
        let Moved { rewrite, dropped } = match mirror(&items) {
            Some(mirror) => Moved { rewrite: follow(processor, identity, conversation, mirror, now).await?, dropped: Vec::new() },
            None => moved(identity, &items, conversation, &theirs, now),
        };
        if rewrite.puts.is_empty() && rewrite.deletes.is_empty() {
            // The rest of its items come after these.
            let rest = View::of(identity, items);
            let (version, outbox) = rest.outbox();
            if !outbox.is_sent() {
                // What it wanted sent under its own name is sent from there.
                deliver(processor, identity, version, outbox).await?;
            } else if hand_over(processor, &mut tries, &rest, conversation).await? {
                return Ok(());
            }
        } else if write(processor, &mut tries, &rewrite).await? {
            for dropped in dropped {
                Metric::Overflow.count_as(UNKNOWN, Full::of(dropped.loss).word());
                tracing::warn!(fact = dropped.fact, loss = %dropped.loss, "an identity's facts had no room in its conversation");
            }
            tries = Tries::default();
        }
    }
}

/// An identity of the identity: only the version before made such chains.
fn mirror(items: &BTreeMap<ItemKey, Item>) -> Option<(&str, u64)> {
    items.iter().find_map(|(key, item)| match key {
        ItemKey::Identity(name) => Some((name.as_str(), item.version?)),
        ItemKey::Deferred
        | ItemKey::Entity(_)
        | ItemKey::Join
        | ItemKey::Link
        | ItemKey::Node
        | ItemKey::Outbox
        | ItemKey::OutboxPage(_) => None,
    })
}

/// Links what was linked to the identity to its conversation.
async fn follow(
    processor: &Processor,
    identity: &str,
    conversation: &str,
    (name, version): (&str, u64),
    now: Timestamp,
) -> Result<Rewrite, Failure> {
    let link = Place::new(name, ItemKey::Link);
    let mirror = Place::new(conversation, ItemKey::Identity(name.to_owned()));
    let stored = load(processor, BTreeSet::from([link.clone(), mirror.clone()])).await.map_err(Failure::undelivered)?;
    let mut puts = BTreeMap::new();
    if let Some(Item { version, content: Content::Link(Link { conversation: to, order }) }) = stored.get(&link)
        && to == identity
    {
        let content = || Content::Link(Link { conversation: conversation.to_owned(), order: order.clone() });
        puts.insert(link, Item { version: *version, content: content() });
        let version = stored.get(&mirror).and_then(|item| item.version);
        puts.insert(mirror, Item { version, content: content() });
    }
    let deletes = BTreeMap::from([(Place::new(identity, ItemKey::Identity(name.to_owned())), version)]);
    Ok(Rewrite { puts, deletes, at: now })
}

/// Names the identity to the conversation's timer, which decides what it holds; and sets that timer. An outbox that has sent all
/// goes. `false`: something has changed meanwhile, and must be read again.
async fn hand_over(processor: &Processor, tries: &mut Tries, identity: &View, conversation: &str) -> Result<bool, Failure> {
    let keys = [ItemKey::Deferred, ItemKey::Outbox];
    let theirs = read_partition(processor, conversation, &keys).await.map_err(Failure::undelivered)?;
    let rewrite = handed(identity, &theirs, processor.clock.now())?;
    if rewrite.puts.is_empty() && rewrite.deletes.is_empty() {
        return Ok(true);
    }
    if !write(processor, tries, &rewrite).await? {
        return Ok(false);
    }
    if let Some(Item { version, content: Content::Outbox(outbox) }) = rewrite.puts.get(&theirs.place(ItemKey::Outbox)) {
        deliver(processor, conversation, Some(version.unwrap_or(0) + 1), outbox.clone()).await?;
    }
    Ok(true)
}

/// The write that hands over. Pure.
fn handed(identity: &View, conversation: &View, now: Timestamp) -> Result<Rewrite, Failure> {
    let mut rewrite = Rewrite { puts: BTreeMap::new(), deletes: BTreeMap::new(), at: now };
    let (held_version, mut held) = identity.deferred(&identity.partition);
    let (sent_version, sent) = identity.outbox();
    if let Some(version) = sent_version.filter(|_| sent.is_sent()) {
        rewrite.deletes.insert(identity.place(ItemKey::Outbox), version);
    }
    // The version before kept them there. What has no room goes, as it would have then.
    for proposal in sent.held {
        let _ = held.add(Waits { until: None, proposal }, now);
        rewrite.puts.insert(identity.place(ItemKey::Deferred), deferred_item(held_version, &held));
    }
    let (version, mut deferred) = conversation.deferred(&conversation.partition);
    let known = deferred.identities.contains(&identity.partition);
    if !held.is_empty() && !known {
        deferred.identities.push(identity.partition.clone());
    }
    let (outbox_version, mut outbox) = conversation.outbox();
    if deferred.has_due(now)
        && let Some(due) = deferred.timer_due(now)
    {
        deferred.timers += 1;
        deferred.wakes = Some(due);
        wake(&mut outbox, &conversation.partition, deferred.timers, due, now)?;
        rewrite.puts.insert(conversation.place(ItemKey::Deferred), deferred_item(version, &deferred));
        rewrite
            .puts
            .insert(conversation.place(ItemKey::Outbox), Item { version: outbox_version, content: Content::Outbox(outbox) });
    } else if !held.is_empty() && !known {
        rewrite.puts.insert(conversation.place(ItemKey::Deferred), deferred_item(version, &deferred));
    }
    Ok(rewrite)
}

fn deferred_item(version: Option<u64>, deferred: &Deferred) -> Item {
    Item { version, content: Content::Deferred(deferred.clone()) }
}

fn wake(outbox: &mut Outbox, conversation: &str, timer: u64, due: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let message = Due::Wake { conversation: conversation.to_owned(), timer }.envelope(due, now).encode();
    match outbox.put(Outgoing::Timer { due, message }) {
        Put::Inside => Ok(()),
        // The outbox is full, as in an outage: the next try finds room, or fails until what waits is sent.
        Put::AfterPage { .. } | Put::TooLarge | Put::Full => {
            let cause = "the conversation's outbox is full".to_owned();
            Err(Failure::Undelivered(Unavailable { call: "sqs:SendMessage", cause }))
        }
    }
}

/// Whether it is written; if not, it must be read again.
async fn write(processor: &Processor, tries: &mut Tries, rewrite: &Rewrite) -> Result<bool, Failure> {
    match tries.after(processor.store.rewrite(rewrite).await).await {
        Next::Done => Ok(true),
        Next::Again => Ok(false),
        Next::Contended | Next::Finish(_) => Err(Failure::Contended),
        Next::Unknown(cause) => Err(Failure::Undelivered(Unavailable { call: "dynamodb:TransactWriteItems", cause })),
    }
}
