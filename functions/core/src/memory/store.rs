//! Claims and contexts in memory, under one lock: a transaction is simply one turn.

use super::{Call, Fault, Faults};
use crate::claim::decide::{Committed, Recorded};
use crate::claim::{Claim, ClaimKey, ClaimState, NewClaim, Outcome};
use crate::context::{Context, Item, ItemKey};
use crate::limits::CLAIM_LIFETIME;
use crate::ports::{Burial, Buried, ClaimStore, Commit, ContextStore, Unavailable, same_body};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// [`ClaimStore`] and [`ContextStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    faults: Arc<Faults>,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    claims: BTreeMap<ClaimKey, Claim>,
    items: BTreeMap<(String, ItemKey), Item>,
}

impl MemoryStore {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, tables: Mutex::default() }
    }

    pub fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.lock().claims.get(key).cloned()
    }

    pub fn claims(&self) -> Vec<Claim> {
        self.lock().claims.values().cloned().collect()
    }

    pub fn context(&self, conversation: &str) -> Context {
        let mut context = Context { conversation: conversation.to_owned(), ..Context::default() };
        for ((_, key), item) in self.lock().items.iter().filter(|((of, _), _)| of == conversation) {
            context.add(key.clone(), item.facts.clone());
        }
        context
    }

    /// The newest events of a conversation, in their own order.
    pub fn timeline(&self, conversation: &str) -> Vec<Claim> {
        let mut claims = self.claims();
        claims.retain(|c| c.conversation.as_deref() == Some(conversation));
        claims.sort_by(|a, b| a.occurred.cmp(&b.occurred));
        claims
    }

    /// What DynamoDB's TTL does, some day.
    pub fn delete_claim(&self, key: &ClaimKey) {
        self.lock().claims.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("no test panics while it holds this")
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
                same_body: same_body(old.body_sha256.as_deref(), &new.body_sha256),
            },
            None => {
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
}

#[async_trait]
impl ContextStore for MemoryStore {
    async fn load(&self, conversation: &str, keys: &[ItemKey]) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        if let Some(fault) = self.faults.meet(Call::Load) {
            return Err(refused("dynamodb:BatchGetItem", fault));
        }
        let tables = self.lock();
        let found =
            keys.iter().filter_map(|key| Some((key.clone(), tables.items.get(&(conversation.to_owned(), key.clone()))?.clone())));
        Ok(found.collect())
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let fault = self.faults.meet(Call::Commit);
        match fault {
            Some(Fault::Refuse) => return Committed::Unknown,
            Some(Fault::Conflict) => return Committed::Contended,
            Some(Fault::LoseAnswer) | None => {}
        }
        let mut tables = self.lock();
        let place = |key: &ItemKey| (commit.conversation.clone(), key.clone());
        let committed = if tables.claims.get(&commit.key).is_some_and(|c| c.state == ClaimState::Processed) {
            Committed::Before
        } else if commit.items.iter().any(|(key, item)| tables.items.get(&place(key)).and_then(|i| i.version) != item.version) {
            Committed::ContextMoved
        } else {
            let old = tables.claims.remove(&commit.key);
            tables.claims.insert(commit.key.clone(), processed(commit, old));
            for (key, item) in &commit.items {
                let written = Item { version: Some(item.version.unwrap_or(0) + 1), facts: item.facts.clone() };
                tables.items.insert(place(key), written);
            }
            Committed::Yes
        };
        if fault.is_some() { Committed::Unknown } else { committed }
    }

    async fn bury(&self, burial: &Burial) -> Result<Buried, Unavailable> {
        let fault = self.faults.meet(Call::Bury);
        if let Some(fault) = fault
            && fault != Fault::LoseAnswer
        {
            return Err(refused("dynamodb:UpdateItem", fault));
        }
        let mut tables = self.lock();
        let known = |burial: &Burial| Claim {
            source: burial.source.clone(),
            event_type: burial.event_type.clone(),
            ..blank(&burial.key)
        };
        let claim = tables.claims.entry(burial.key.clone()).or_insert_with(|| known(burial));
        let buried = if claim.state == ClaimState::Processed {
            Buried::Processed
        } else {
            claim.state = ClaimState::Dead;
            claim.reason = Some(burial.reason.clone());
            claim.receive_count = Some(burial.receive_count);
            claim.expires = expiry(burial.at);
            Buried::Yes
        };
        fault.map_or(Ok(buried), |f| Err(refused("dynamodb:UpdateItem", f)))
    }
}

fn expiry(from: Timestamp) -> Option<Timestamp> {
    Timestamp::from_unix_s(from.plus(CLAIM_LIFETIME).unix_s())
}

fn blank(key: &ClaimKey) -> Claim {
    Claim {
        key: key.clone(),
        state: ClaimState::Received,
        source: String::new(),
        event_id: None,
        event_type: String::new(),
        subject: None,
        received: None,
        enqueued: None,
        processed: None,
        conversation: None,
        occurred: None,
        outcome: None::<Outcome>,
        rules: Vec::new(),
        node: None,
        reason: None,
        receive_count: None,
        body_sha256: None,
        expires: None,
    }
}

fn received(new: &NewClaim) -> Claim {
    Claim {
        source: new.source.clone(),
        event_id: Some(new.event_id.clone()),
        event_type: new.event_type.clone(),
        subject: new.subject.clone(),
        received: Some(new.received),
        body_sha256: Some(new.body_sha256.as_str().to_owned()),
        expires: expiry(new.received),
        ..blank(&new.key)
    }
}

fn processed(commit: &Commit, old: Option<Claim>) -> Claim {
    let old = old.unwrap_or_else(|| blank(&commit.key));
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
        node: commit.node.clone().or(old.node),
        reason: None,
        receive_count: None,
        expires: expiry(commit.processed),
        ..old
    }
}
