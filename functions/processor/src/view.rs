//! The stored items that a message's effect depends on: read consistently, in one call if the owner is known.

use crate::failure::Failure;
use crate::processor::Processor;
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::claim::ClaimKey;
use tidings_core::claim::decide::RecordedEffect;
use tidings_core::context::{
    Content, Deferred, Deliveries, Feed, Item, ItemKey, JoinState, Outbox, Owner, Place, ReminderState, TurnState,
};

/// The items that were read for a plan.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The conversation, or the identity while it has no link.
    pub(crate) partition: String,
    /// The identity's link, which must not exist when the identity's items are written.
    pub(crate) unlinked: Option<Place>,
    pub(crate) items: BTreeMap<Place, Item>,
    /// The keys of its own partition that were read, whether they exist or not. Deferred notifications are read only
    /// if something waits or must wait.
    pub(crate) asked: BTreeSet<ItemKey>,
    /// The outbox's messages were sent since it was read; the next write must record that.
    pub(crate) sent: bool,
}

impl View {
    /// All items of one partition, as read.
    pub(crate) fn of(partition: &str, items: BTreeMap<ItemKey, Item>) -> Self {
        let asked = items.keys().cloned().chain([ItemKey::Deferred, ItemKey::Outbox]).collect();
        let items = items.into_iter().map(|(key, item)| (Place::new(partition, key), item)).collect();
        Self { partition: partition.to_owned(), unlinked: None, items, asked, sent: false }
    }

    pub(crate) fn knows_deferred(&self) -> bool {
        self.asked.contains(&ItemKey::Deferred)
    }

    pub(crate) fn place(&self, key: ItemKey) -> Place {
        Place::new(self.partition.clone(), key)
    }

    pub(crate) fn outbox(&self) -> (Option<u64>, Outbox) {
        match self.items.get(&self.place(ItemKey::Outbox)) {
            Some(Item { version, content: Content::Outbox(outbox) }) => (*version, outbox.clone()),
            Some(_) | None => (None, Outbox::default()),
        }
    }

    /// The deferred notifications of this conversation or identity.
    pub(crate) fn deferred(&self, partition: &str) -> (Option<u64>, Deferred) {
        match self.items.get(&Place::new(partition, ItemKey::Deferred)) {
            Some(Item { version, content: Content::Deferred(deferred) }) => (*version, deferred.clone()),
            Some(_) | None => (None, Deferred::default()),
        }
    }

    /// The head of the feed of this conversation or identity.
    pub(crate) fn feed(&self, partition: &str) -> (Option<u64>, Feed) {
        match self.items.get(&Place::new(partition, ItemKey::Feed)) {
            Some(Item { version, content: Content::Feed(feed) }) => (*version, feed.clone()),
            Some(_) | None => (None, Feed::default()),
        }
    }

    pub(crate) fn join(&self, partition: &str) -> (Option<u64>, JoinState) {
        match self.items.get(&Place::new(partition, ItemKey::Join)) {
            Some(Item { version, content: Content::Join(state) }) => (*version, state.clone()),
            Some(_) | None => (None, JoinState::default()),
        }
    }

    /// The reminder of this partition.
    pub(crate) fn reminder(&self, place: &Place) -> (Option<u64>, ReminderState) {
        match self.items.get(place) {
            Some(Item { version, content: Content::Reminder(state) }) => (*version, state.clone()),
            Some(_) | None => (None, ReminderState::default()),
        }
    }

    /// The turns of this partition.
    pub(crate) fn turn(&self, place: &Place) -> (Option<u64>, TurnState) {
        match self.items.get(place) {
            Some(Item { version, content: Content::Turn(state) }) => (*version, state.clone()),
            Some(_) | None => (None, TurnState::default()),
        }
    }

    /// The number of events with a body.
    pub(crate) fn deliveries(&self, place: &Place) -> (Option<u64>, Deliveries) {
        match self.items.get(place) {
            Some(Item { version, content: Content::Deliveries(deliveries) }) => (*version, *deliveries),
            Some(_) | None => (None, Deliveries::default()),
        }
    }

    /// The stored link of a name. A conversation with identities is linked to itself.
    pub(crate) fn link(&self, name: &str) -> Option<&str> {
        match self.items.get(&Place::new(name, ItemKey::Link)) {
            Some(Item { content: Content::Link(link), .. }) => Some(&link.conversation),
            Some(_) | None => None,
        }
    }
}

pub(crate) async fn load(processor: &Processor, places: BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Failure> {
    processor.store.load(&places).await.map_err(Failure::unavailable)
}

/// Reads a conversation's or a join's items, without looking for a link.
pub(crate) async fn read_partition(processor: &Processor, partition: &str, keys: &[ItemKey]) -> Result<View, Failure> {
    let places = keys.iter().map(|key| Place::new(partition, key.clone())).collect();
    let items = load(processor, places).await?;
    let asked = keys.iter().cloned().collect();
    Ok(View { partition: partition.to_owned(), unlinked: None, items, asked, sent: false })
}

/// Reads the items of an event's conversation, and the effect that the event's claim records. If the conversation's
/// name is linked to another conversation, that one's items are read.
pub(crate) async fn read_with_effect(
    processor: &Processor,
    conversation: &str,
    keys: &BTreeSet<ItemKey>,
    claim: &ClaimKey,
) -> Result<(View, Option<RecordedEffect>), Failure> {
    let mut places = places_of(conversation, keys);
    places.insert(Place::new(conversation, ItemKey::Link));
    let (items, effect) = processor.store.load_with_effect(&places, claim).await.map_err(Failure::unavailable)?;
    let view = View { partition: conversation.to_owned(), unlinked: None, items, asked: keys.clone(), sent: false };
    Ok((follow(processor, view, keys, &BTreeSet::new()).await?, effect))
}

/// Reads the items of one conversation and some others, whether or not its name is linked.
pub(crate) async fn read_conversation(
    processor: &Processor,
    conversation: &str,
    keys: &BTreeSet<ItemKey>,
    elsewhere: &BTreeSet<Place>,
) -> Result<View, Failure> {
    let mut places = places_of(conversation, keys);
    places.extend(elsewhere.iter().cloned());
    let items = load(processor, places).await?;
    Ok(View { partition: conversation.to_owned(), unlinked: None, items, asked: keys.clone(), sent: false })
}

/// Reads an owner's items and some others. If the owner's name is linked, the items of the link's conversation are read.
pub(crate) async fn read(
    processor: &Processor,
    owner: &Owner,
    keys: &BTreeSet<ItemKey>,
    elsewhere: &BTreeSet<Place>,
) -> Result<View, Failure> {
    let link = Place::new(owner.name(), ItemKey::Link);
    let mut places = places_of(owner.name(), keys);
    places.extend(elsewhere.iter().cloned().chain([link.clone()]));
    let items = load(processor, places).await?;
    let unlinked = match owner {
        Owner::Conversation(_) => None,
        Owner::Identity(_) => Some(link),
    };
    let view = View { partition: owner.name().to_owned(), unlinked, items, asked: keys.clone(), sent: false };
    follow(processor, view, keys, elsewhere).await
}

/// Replaces the items of a name by those of the conversation that it is linked to. A conversation with identities is
/// linked to itself.
async fn follow(
    processor: &Processor,
    mut view: View,
    keys: &BTreeSet<ItemKey>,
    elsewhere: &BTreeSet<Place>,
) -> Result<View, Failure> {
    let Some(conversation) = view.link(&view.partition).map(str::to_owned) else { return Ok(view) };
    view.unlinked = None;
    if conversation != view.partition {
        let theirs = load(processor, places_of(&conversation, keys)).await?;
        view.items.retain(|place, _| elsewhere.contains(place));
        view.items.extend(theirs);
        view.partition = conversation;
    }
    Ok(view)
}

fn places_of(partition: &str, keys: &BTreeSet<ItemKey>) -> BTreeSet<Place> {
    keys.iter().map(|key| Place::new(partition, key.clone())).collect()
}
