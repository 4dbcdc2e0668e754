//! Claims and contexts in memory, under one lock: a transaction is simply one turn.

use super::faults::{Call, Fault, Faults};
use crate::claim::decide::{Body, Committed, Recorded, RecordedEffect};
use crate::claim::{Claim, ClaimKey, ClaimState, NewClaim, OutboxEntry, OutboxMessage, Sha256Hex, outbox_partition};
use crate::commit_plan::CommitPlan;
use crate::context::{Content, Context, FeedRead, Item, ItemKey, Place};
use crate::ports::{
    ClaimStore, Commit, ContextReader, ContextStore, DeadLetter, DeadLettered, EventStatus, FeedReader, Loaded, OutboxStore,
    Probe, Rewrite, StatusReader, Unavailable,
};
use crate::stored_event::StoredEvent;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::limits::{CLAIM_LIFETIME, MAX_FEED_PAGES_READ, MAX_OTHER_BODIES};
use tidings_config::time::Timestamp;

/// [`ClaimStore`] and [`ContextStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    faults: Arc<Faults>,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    claims: BTreeMap<ClaimKey, Claim>,
    /// The events that are kept with them.
    kept: BTreeMap<ClaimKey, StoredEvent>,
    items: BTreeMap<Place, Item>,
    /// The messages that claims keep until they are processed.
    outbox: BTreeMap<ClaimKey, OutboxMessage>,
    /// The results of events.
    results: BTreeMap<ClaimKey, String>,
}

impl MemoryStore {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, tables: Mutex::default() }
    }

    pub fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.lock().claims.get(key).cloned()
    }

    /// The event that is kept with a claim.
    pub fn kept(&self, key: &ClaimKey) -> Option<StoredEvent> {
        self.lock().kept.get(key).cloned()
    }

    pub fn claims(&self) -> Vec<Claim> {
        self.lock().claims.values().cloned().collect()
    }

    /// What is known of a conversation, what has expired since included.
    pub fn context(&self, conversation: &str) -> Context {
        self.context_at(conversation, Timestamp::from_unix_ms(i64::MIN))
    }

    /// What is known of a conversation at this time.
    pub fn context_at(&self, conversation: &str, now: Timestamp) -> Context {
        let mut context = Context::new(conversation);
        for (place, item) in self.lock().items.iter().filter(|(place, _)| place.partition == conversation) {
            context.add(place.key.clone(), item.content.clone(), now);
        }
        context
    }

    /// Everything in the context table.
    pub fn items(&self) -> BTreeMap<Place, Item> {
        self.lock().items.clone()
    }

    /// The events of a conversation and of its identities, in their own order.
    pub fn timeline(&self, conversation: &str) -> Vec<Claim> {
        let context = self.context(conversation);
        let mut claims = self.claims();
        claims.retain(|c| c.conversation.as_ref().is_some_and(|c| *c == context.conversation || context.identities.contains(c)));
        claims.sort_by(|a, b| a.occurred.cmp(&b.occurred));
        claims
    }

    /// What `tidings context erase` leaves: of a claim its key, processed, and none of these items.
    pub fn erase(&self, key: &ClaimKey, of_them: impl Fn(&Place) -> bool) {
        let mut tables = self.lock();
        tables.claims.insert(key.clone(), Claim { state: ClaimState::Processed, ..Claim::new(key.clone()) });
        tables.kept.remove(key);
        tables.outbox.remove(key);
        tables.results.remove(key);
        tables.items.retain(|place, _| !of_them(place));
    }

    /// The message that a claim keeps until it is processed.
    pub fn outbox(&self, key: &ClaimKey) -> Option<OutboxMessage> {
        self.lock().outbox.get(key).cloned()
    }

    /// A claim in another state, as the processor or the version before left it.
    pub fn set_state(&self, key: &ClaimKey, state: ClaimState) {
        if let Some(claim) = self.lock().claims.get_mut(key) {
            claim.state = state;
        }
    }

    /// What DynamoDB's TTL does, some day.
    pub fn delete_claim(&self, key: &ClaimKey) {
        let mut tables = self.lock();
        tables.claims.remove(key);
        tables.kept.remove(key);
        tables.outbox.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("no test panics while it holds this")
    }
}

impl Tables {
    /// Whether one of these isn't as it was read.
    fn moved(&self, items: &BTreeMap<Place, Item>) -> bool {
        items.iter().any(|(place, item)| self.items.get(place).and_then(|stored| stored.version) != item.version)
    }

    /// Whether one of these isn't there as it was read.
    fn gone(&self, versions: &BTreeMap<Place, u64>) -> bool {
        versions.iter().any(|(place, version)| self.items.get(place).and_then(|item| item.version) != Some(*version))
    }

    /// The effect that a claim records, if its event is processed.
    fn effect(&self, key: &ClaimKey) -> Option<RecordedEffect> {
        self.claims.get(key).filter(|claim| claim.state == ClaimState::Processed).map(effect)
    }

    /// Whether an event is processed, and not erased.
    fn has_effect(&self, event: &ClaimKey) -> bool {
        self.claims.get(event).is_some_and(|claim| claim.state == ClaimState::Processed && claim.conversation.is_some())
    }

    fn delete(&mut self, versions: &BTreeMap<Place, u64>) {
        for place in versions.keys() {
            self.items.remove(place);
        }
    }

    fn write(&mut self, items: &BTreeMap<Place, Item>) {
        for (place, item) in items {
            let written = Item { version: Some(item.version.unwrap_or(0) + 1), content: item.content.clone() };
            self.items.insert(place.clone(), written);
        }
    }
}

fn refused(call: &'static str, fault: Fault) -> Unavailable {
    Unavailable { call, cause: format!("{fault:?}") }
}

#[async_trait]
impl ClaimStore for MemoryStore {
    async fn record(&self, new: &NewClaim) -> Recorded {
        let fault = self.faults.meet(Call::Record);
        match fault {
            Some(Fault::Refuse) => return Recorded::Unknown,
            Some(Fault::Conflict) => return Recorded::Contended,
            Some(Fault::LoseAnswer) | None => {}
        }
        let mut tables = self.lock();
        let recorded = match tables.claims.get(&new.key) {
            Some(old) => Recorded::Existing {
                state: old.state,
                received: old.received,
                body: Body::compare(&new.body_sha256, old.body_sha256.clone(), &old.other_bodies),
                is_kept: tables.outbox.contains_key(&new.key),
            },
            None => {
                if let Some(message) = &new.outbox {
                    tables.outbox.insert(new.key.clone(), message.clone());
                }
                tables.claims.insert(new.key.clone(), received(new));
                Recorded::New
            }
        };
        if fault.is_some() { Recorded::Unknown } else { recorded }
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::MarkEnqueued);
        if fault.is_none_or(|f| f == Fault::LoseAnswer)
            && let Some(claim) = self.lock().claims.get_mut(key)
            && claim.state == ClaimState::Received
        {
            claim.state = ClaimState::Enqueued;
            claim.enqueued = Some(at);
        }
        fault.map_or(Ok(()), |f| Err(refused("dynamodb:UpdateItem", f)))
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::NoteBody);
        if fault.is_none_or(|f| f == Fault::LoseAnswer)
            && let Some(claim) = self.lock().claims.get_mut(key)
            && claim.body_sha256.is_some()
            && claim.other_bodies.len() < MAX_OTHER_BODIES
            && let Err(place) = claim.other_bodies.binary_search_by(|known| known.as_str().cmp(other.as_str()))
        {
            claim.other_bodies.insert(place, other.as_str().to_owned());
        }
        fault.map_or(Ok(()), |f| Err(refused("dynamodb:UpdateItem", f)))
    }
}

#[async_trait]
impl OutboxStore for MemoryStore {
    async fn waiting(
        &self,
        partition: u8,
        from: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> Result<Vec<OutboxEntry>, Unavailable> {
        if let Some(fault) = self.faults.meet(Call::Waiting) {
            return Err(refused("dynamodb:Query", fault));
        }
        let tables = self.lock();
        let of_partition = tables.outbox.keys().filter(|key| outbox_partition(key) == partition);
        let waiting = of_partition.filter_map(|key| tables.claims.get(key)).filter(|claim| claim.state == ClaimState::Received);
        let entries = waiting.filter_map(|claim| Some(OutboxEntry { key: claim.key.clone(), received: claim.received? }));
        let mut entries: Vec<_> = entries.filter(|entry| (from..=until).contains(&entry.received)).collect();
        entries.sort_by_key(|entry| entry.received);
        entries.truncate(at_most);
        Ok(entries)
    }

    async fn message(&self, key: &ClaimKey) -> Result<Option<OutboxMessage>, Unavailable> {
        if let Some(fault) = self.faults.meet(Call::OutboxMessage) {
            return Err(refused("dynamodb:GetItem", fault));
        }
        let tables = self.lock();
        let waits = tables.claims.get(key).is_some_and(|claim| claim.state == ClaimState::Received);
        Ok(tables.outbox.get(key).filter(|_| waits).cloned())
    }

    async fn queued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        self.mark_enqueued(key, at).await
    }
}

#[async_trait]
impl Probe for MemoryStore {
    fn name(&self) -> &'static str {
        "claims"
    }

    async fn probe(&self, at: Timestamp) -> Result<(), Unavailable> {
        self.mark_enqueued(&ClaimKey::of_no_event(), at).await
    }
}

#[async_trait]
impl ContextReader for MemoryStore {
    async fn partition(&self, name: &str, now: Timestamp) -> Result<Context, Unavailable> {
        match self.faults.meet(Call::Load) {
            None => Ok(self.context_at(name, now)),
            Some(fault) => Err(Unavailable { call: "dynamodb:Query", cause: format!("{fault:?}") }),
        }
    }
}

#[async_trait]
impl StatusReader for MemoryStore {
    async fn event_status(&self, event: &ClaimKey) -> Result<Option<EventStatus>, Unavailable> {
        if let Some(fault) = self.faults.meet(Call::Effect) {
            return Err(refused("dynamodb:GetItem", fault));
        }
        let tables = self.lock();
        let known = tables.claims.get(event).filter(|claim| claim.state != ClaimState::Processed || claim.conversation.is_some());
        Ok(known.map(|claim| EventStatus { state: claim.state, result: tables.results.get(event).cloned() }))
    }
}

#[async_trait]
impl FeedReader for MemoryStore {
    async fn feed(&self, name: &str, after: u64) -> Result<FeedRead, Unavailable> {
        if let Some(fault) = self.faults.meet(Call::Load) {
            return Err(refused("dynamodb:Query", fault));
        }
        let tables = self.lock();
        let mut read = FeedRead::default();
        for (place, item) in tables.items.iter().filter(|(place, _)| place.partition == name) {
            match (&place.key, &item.content) {
                (ItemKey::Link, Content::Link(link)) if link.conversation != name => {
                    read.linked_to = Some(link.conversation.clone());
                }
                (ItemKey::FeedPage(last), Content::FeedPage(page)) if *last > after => read.pages.push(page.clone()),
                (ItemKey::Feed, Content::Feed(feed)) => read.head = Some(feed.clone()),
                _ => {}
            }
        }
        if read.pages.len() > MAX_FEED_PAGES_READ {
            read.pages.truncate(MAX_FEED_PAGES_READ);
            (read.head, read.more) = (None, true);
        }
        Ok(read)
    }
}

#[async_trait]
impl ContextStore for MemoryStore {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        if places.is_empty() {
            return Ok(BTreeMap::new());
        }
        if let Some(fault) = self.faults.meet(Call::Load) {
            return Err(refused("dynamodb:BatchGetItem", fault));
        }
        let tables = self.lock();
        Ok(places.iter().filter_map(|place| Some((place.clone(), tables.items.get(place)?.clone()))).collect())
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        if let Some(fault) = self.faults.meet(Call::Load) {
            return Err(refused("dynamodb:BatchGetItem", fault));
        }
        let tables = self.lock();
        let items = places.iter().filter_map(|place| Some((place.clone(), tables.items.get(place)?.clone()))).collect();
        Ok((items, tables.effect(key)))
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        if let Some(fault) = self.faults.meet(Call::Effect) {
            return Err(refused("dynamodb:GetItem", fault));
        }
        Ok(self.lock().effect(key))
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let fault = self.faults.meet(Call::Commit);
        match fault {
            Some(fault @ Fault::Refuse) => return unknown(fault),
            Some(Fault::Conflict) => return Committed::Contended,
            Some(Fault::LoseAnswer) | None => {}
        }
        let mut tables = self.lock();
        let before = tables.claims.get(&commit.key).filter(|claim| claim.state == ClaimState::Processed);
        let committed = if let Some(claim) = before {
            Committed::Before(effect(claim))
        } else if tables.moved(&commit.items)
            || tables.gone(&commit.deletes)
            || CommitPlan::of(commit) != CommitPlan::ClaimOnly
                && commit.absent.iter().any(|place| tables.items.contains_key(place))
            || !commit.manual.iter().filter_map(|manual| manual.again.as_ref()).all(|event| tables.has_effect(event))
        {
            Committed::ContextMoved
        } else {
            if let Some(event) = commit.manual.as_ref().and_then(|manual| manual.again.as_ref())
                && let Some(claim) = tables.claims.get_mut(event)
            {
                claim.applied_again.push(commit.key.clone());
                claim.applied_again.sort();
            }
            let old = tables.claims.remove(&commit.key);
            tables.claims.insert(commit.key.clone(), processed(commit, old));
            tables.outbox.remove(&commit.key);
            tables.results.extend(commit.result.iter().map(|result| (commit.key.clone(), result.clone())));
            tables.kept.extend(commit.event.iter().map(|event| (commit.key.clone(), event.clone())));
            tables.write(&commit.items);
            tables.delete(&commit.deletes);
            Committed::Yes
        };
        fault.map_or(committed, unknown)
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        if let Some(fault) = self.faults.meet(Call::First) {
            return Err(refused("dynamodb:Query", fault));
        }
        let tables = self.lock();
        let mut items: Vec<_> = tables.items.iter().filter(|(place, _)| place.partition == partition).collect();
        items.sort_by_key(|(place, _)| place.key.to_string());
        Ok(items.into_iter().take(at_most).map(|(place, item)| (place.key.clone(), item.clone())).collect())
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        let fault = self.faults.meet(Call::Rewrite);
        match fault {
            Some(fault @ Fault::Refuse) => return unknown(fault),
            Some(Fault::Conflict) => return Committed::Contended,
            Some(Fault::LoseAnswer) | None => {}
        }
        let mut tables = self.lock();
        let committed = if tables.moved(&rewrite.puts) || tables.gone(&rewrite.deletes) {
            Committed::ContextMoved
        } else {
            tables.write(&rewrite.puts);
            tables.delete(&rewrite.deletes);
            Committed::Yes
        };
        fault.map_or(committed, unknown)
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        let fault = self.faults.meet(Call::DeadLetter);
        if let Some(fault) = fault
            && fault != Fault::LoseAnswer
        {
            return Err(refused("dynamodb:UpdateItem", fault));
        }
        let mut tables = self.lock();
        let known = |dead_letter: &DeadLetter| Claim {
            source: dead_letter.source.clone(),
            event_type: dead_letter.event_type.clone(),
            ..Claim::new(dead_letter.key.clone())
        };
        let claim = tables.claims.entry(dead_letter.key.clone()).or_insert_with(|| known(dead_letter));
        let dead_lettered = if claim.state == ClaimState::Processed {
            DeadLettered::Processed(effect(claim))
        } else {
            claim.state = ClaimState::Dead;
            claim.reason = Some(dead_letter.reason.clone());
            claim.receive_count = Some(dead_letter.receive_count);
            claim.dead = Some(dead_letter.at);
            if let Some(entry) = &dead_letter.entry {
                claim.conversation = Some(entry.conversation.clone());
                claim.occurred = Some(entry.occurred.clone());
            }
            claim.trace_id = claim.trace_id.take().or_else(|| dead_letter.trace_id.clone());
            claim.expires = expiry(dead_letter.at);
            tables.outbox.remove(&dead_letter.key);
            DeadLettered::Yes
        };
        fault.map_or(Ok(dead_lettered), |f| Err(refused("dynamodb:UpdateItem", f)))
    }
}

fn unknown(fault: Fault) -> Committed {
    Committed::Unknown(format!("{fault:?}"))
}

fn effect(claim: &Claim) -> RecordedEffect {
    RecordedEffect { conversation: claim.conversation.clone(), links: Some(claim.links.clone()) }
}

fn expiry(from: Timestamp) -> Option<Timestamp> {
    Timestamp::from_unix_s(from.plus(CLAIM_LIFETIME).unix_s())
}

fn received(new: &NewClaim) -> Claim {
    Claim {
        source: new.source.clone(),
        event_id: Some(new.event_id.clone()),
        event_type: new.event_type.clone(),
        subject: new.subject.clone(),
        received: Some(new.received),
        body_sha256: Some(new.body_sha256.as_str().to_owned()),
        trace_id: new.trace_id.clone(),
        unread: new.unread.clone(),
        expires: expiry(new.received),
        ..Claim::new(new.key.clone())
    }
}

fn processed(commit: &Commit, old: Option<Claim>) -> Claim {
    let old = old.unwrap_or_else(|| Claim::new(commit.key.clone()));
    Claim {
        state: ClaimState::Processed,
        source: commit.source.clone(),
        event_id: Some(commit.event_id.clone()),
        event_type: commit.event_type.clone(),
        subject: commit.subject.clone().or(old.subject),
        received: old.received.or(Some(commit.received)),
        processed: Some(commit.processed),
        conversation: Some(commit.conversation.clone()),
        occurred: Some(commit.occurred.clone()),
        outcome: Some(commit.outcome),
        rules: commit.rules.clone(),
        actions: commit.actions.clone(),
        overtaken: commit.overtaken.clone(),
        joins: commit.joins.clone(),
        links: commit.links.clone(),
        node: commit.node.clone().or(old.node),
        off_schema: commit.off_schema.clone().or(old.off_schema),
        reason: None,
        receive_count: None,
        dead: None,
        trace_id: old.trace_id.or_else(|| commit.trace_id.clone()),
        manual: commit.manual.clone(),
        event_bytes: commit.event.as_ref().map(|event| event.as_str().len()),
        expires: expiry(commit.processed),
        ..old
    }
}
