//! Moves an identity's items to its conversation: after the transaction that links them, and again with each retry
//! until it is done. It takes bounded steps, each in a transaction of its own.

use crate::deliver::deliver;
use crate::failure::{Failure, FailureKind, Stage};
use crate::overflow::Full;
use crate::processor::Processor;
use crate::tries::{Next, Tries};
use crate::view::{View, load, read_partition};
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::limits::{MAX_HANDED_OVER, MOVE_CHUNK};
use tidings_config::time::Timestamp;
use tidings_core::context::{Changed, Content, Deferred, Feed, Item, ItemKey, Link, Moved, Outgoing, Place, Put, Waits, moved};
use tidings_core::internal_event::InternalEvent;
use tidings_core::ports::{Rewrite, Unavailable};
use tidings_core::telemetry::UNKNOWN;

/// Moves the facts, and hands over the notifications that waited for the link.
pub(crate) async fn adopt(processor: &Processor, identity: &str, conversation: &str) -> Result<(), Failure> {
    let mut tries = Tries::default();
    loop {
        let items = processor.store.first(identity, MOVE_CHUNK).await.map_err(Failure::unsent)?;
        let now = processor.clock.now();
        let known = items.keys().filter(|key| matches!(key, ItemKey::Entity(_) | ItemKey::Node));
        let mut places: BTreeSet<Place> = known.map(|key| Place::new(conversation, key.clone())).collect();
        if processor.feed && !places.is_empty() {
            places.extend([identity, conversation].map(|name| Place::new(name, ItemKey::Feed)));
        }
        let theirs = load(processor, places).await.map_err(Failure::in_delivery)?;
        let Moved { mut rewrite, dropped } = match mirror(&items) {
            Some(mirror) => Moved { rewrite: follow(processor, identity, conversation, mirror, now).await?, dropped: Vec::new() },
            None => moved(identity, &items, conversation, &theirs, now),
        };
        if processor.feed {
            announce(&mut rewrite, identity, conversation, &theirs);
        }
        if rewrite.puts.is_empty() && rewrite.deletes.is_empty() {
            // The partition's other items sort after these.
            let rest = View::of(identity, items);
            let (version, outbox) = rest.outbox();
            if !outbox.is_sent() {
                // Actions in the identity's own outbox are sent from there.
                deliver(processor, identity, version, outbox).await?;
            } else if hand_over(processor, &mut tries, &rest, conversation).await? {
                return Ok(());
            }
        } else if write(processor, &mut tries, &rewrite).await? {
            for dropped in dropped {
                Full::of(dropped.loss).count(UNKNOWN);
                tracing::warn!(fact = dropped.fact, loss = %dropped.loss, "facts of an identity were dropped: no room in its conversation");
            }
            tries = Tries::default();
        }
    }
}

/// Adds what the move changes in the conversation's context to its feed, after all that the identity's own feed says: a
/// viewer of the identity goes on with this feed. Pure.
fn announce(rewrite: &mut Rewrite, identity: &str, conversation: &str, theirs: &BTreeMap<Place, Item>) {
    let mut changed = Changed::default();
    for (place, item) in rewrite.puts.iter().filter(|(place, _)| place.partition == conversation) {
        if let Some(facts) = item.facts() {
            changed.compare(&place.key, theirs.get(place).and_then(Item::facts), facts, rewrite.at);
        }
    }
    let Some(news) = changed.into_news() else { return };
    let head = |name: &str| match theirs.get(&Place::new(name, ItemKey::Feed)) {
        Some(Item { version, content: Content::Feed(feed) }) => (*version, feed.clone()),
        Some(_) | None => (None, Feed::default()),
    };
    let ((version, mut feed), (_, of_identity)) = (head(conversation), head(identity));
    if let Some((last, page)) = feed.add(vec![news], of_identity.last, rewrite.at) {
        rewrite.puts.insert(Place::new(conversation, ItemKey::FeedPage(last)), Item::new(Content::FeedPage(page)));
    }
    rewrite.puts.insert(Place::new(conversation, ItemKey::Feed), Item { version, content: Content::Feed(feed) });
}

/// An identity linked to the identity. Only the previous version made such chains.
fn mirror(items: &BTreeMap<ItemKey, Item>) -> Option<(&str, u64)> {
    items.iter().find_map(|(key, item)| Some((key.identity()?, item.version?)))
}

/// Links an identity of the identity directly to the conversation.
async fn follow(
    processor: &Processor,
    identity: &str,
    conversation: &str,
    (name, version): (&str, u64),
    now: Timestamp,
) -> Result<Rewrite, Failure> {
    let link = Place::new(name, ItemKey::Link);
    let mirror = Place::new(conversation, ItemKey::Identity(name.to_owned()));
    let stored = load(processor, BTreeSet::from([link.clone(), mirror.clone()])).await.map_err(Failure::in_delivery)?;
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

/// Registers the identity with the conversation's timer, which decides the deferred notifications, and sets that
/// timer. An outbox without waiting actions is deleted. `false`: an item has changed meanwhile and must be read
/// again.
async fn hand_over(processor: &Processor, tries: &mut Tries, identity: &View, conversation: &str) -> Result<bool, Failure> {
    let keys = [ItemKey::Deferred, ItemKey::Outbox];
    let theirs = read_partition(processor, conversation, &keys).await.map_err(Failure::in_delivery)?;
    if theirs.deferred(conversation).1.identities.len() >= MAX_HANDED_OVER {
        let cause = "too many identities are handing over at the same time".to_owned();
        return Err(Failure::unsent(Unavailable { call: "dynamodb:PutItem", cause }));
    }
    let (version, outbox) = theirs.outbox();
    let Some(rewrite) = handed(identity, &theirs, processor.clock.now()) else {
        // Its outbox has no room for a timer, as in an outage: its actions are sent first.
        deliver(processor, conversation, version, outbox).await?;
        return Ok(false);
    };
    Ok(rewrite.puts.is_empty() && rewrite.deletes.is_empty() || write(processor, tries, &rewrite).await?)
}

/// The write that hands over. `None`: the conversation's outbox has no room. Pure.
fn handed(identity: &View, conversation: &View, now: Timestamp) -> Option<Rewrite> {
    let mut rewrite = Rewrite { puts: BTreeMap::new(), deletes: BTreeMap::new(), at: now };
    let (held_version, mut held) = identity.deferred(&identity.partition);
    let (sent_version, sent) = identity.outbox();
    if let Some(version) = sent_version.filter(|_| sent.is_sent()) {
        rewrite.deletes.insert(identity.place(ItemKey::Outbox), version);
    }
    // The previous version stored them there. If there is no room, they are dropped, as that version did.
    for proposal in sent.held {
        let _ = held.add(Waits { until: None, proposal }, now);
        rewrite.puts.insert(identity.place(ItemKey::Deferred), deferred_item(held_version, &held));
    }
    let (version, mut deferred) = conversation.deferred(&conversation.partition);
    let known = deferred.identities.contains(&identity.partition);
    if !held.is_empty() && !known {
        deferred.identities.push(identity.partition.clone());
        rewrite.puts.insert(conversation.place(ItemKey::Deferred), deferred_item(version, &deferred));
    }
    if deferred.has_due(now)
        && let Some(due) = deferred.timer_due(now)
    {
        let (outbox_version, mut outbox) = conversation.outbox();
        let timer = deferred.set_timer(due);
        let what = InternalEvent::Wake { conversation: conversation.partition.clone(), timer };
        let message = what.envelope(due, now).encode();
        outbox.later = true;
        match outbox.put(Outgoing::Timer { due, message }) {
            Put::Inside => {}
            Put::AfterPage { first, page } => {
                let item = Item::new(Content::OutboxPage(page));
                rewrite.puts.insert(conversation.place(ItemKey::OutboxPage(first)), item);
            }
            Put::TooLarge | Put::Full => return None,
        }
        rewrite.puts.insert(conversation.place(ItemKey::Deferred), deferred_item(version, &deferred));
        rewrite
            .puts
            .insert(conversation.place(ItemKey::Outbox), Item { version: outbox_version, content: Content::Outbox(outbox) });
    }
    Some(rewrite)
}

fn deferred_item(version: Option<u64>, deferred: &Deferred) -> Item {
    Item { version, content: Content::Deferred(deferred.clone()) }
}

/// Returns whether it is written. If not, the items must be read again.
async fn write(processor: &Processor, tries: &mut Tries, rewrite: &Rewrite) -> Result<bool, Failure> {
    match tries.after(processor.store.rewrite(rewrite).await).await {
        Next::Done => Ok(true),
        Next::Again => Ok(false),
        Next::Contended | Next::Finish(_) => Err(FailureKind::Contended.at(Stage::Deliver)),
        Next::Unknown(cause) => Err(Failure::unsent(Unavailable { call: "dynamodb:TransactWriteItems", cause })),
    }
}
