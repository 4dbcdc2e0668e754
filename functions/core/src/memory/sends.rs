//! The sends table in memory.

use super::faults::{Call, Fault, Faults};
use crate::action::ActionId;
use crate::claim::ClaimKey;
use crate::ports::{Raised, SendStore, StatusStore, Unavailable, Wrote};
use crate::send::{MessageStatus, SendRecord, StatusKey};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::time::Timestamp;

/// [`SendStore`] and [`StatusStore`] in memory. Records stay: nothing plays the table's TTL.
#[derive(Debug, Default)]
pub struct MemorySends {
    faults: Arc<Faults>,
    records: Mutex<BTreeMap<(ClaimKey, ActionId), SendRecord>>,
    statuses: Mutex<BTreeMap<StatusKey, MessageStatus>>,
}

impl MemorySends {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, records: Mutex::default(), statuses: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(ClaimKey, ActionId), SendRecord>> {
        self.records.lock().expect("no test panics while it holds this")
    }

    /// Every record, by event and action.
    pub fn records(&self) -> Vec<SendRecord> {
        self.lock().values().cloned().collect()
    }

    /// Every status of a message.
    pub fn statuses(&self) -> BTreeMap<StatusKey, MessageStatus> {
        self.statuses.lock().expect("no test panics while it holds this").clone()
    }
}

#[async_trait]
impl StatusStore for MemorySends {
    async fn raise(&self, key: &StatusKey, status: &MessageStatus, _now: Timestamp) -> Result<Raised, Unavailable> {
        let fault = self.faults.meet(Call::RaiseStatus);
        let mut raised = Raised::Known;
        if fault.is_none() || fault == Some(Fault::LoseAnswer) {
            let mut statuses = self.statuses.lock().expect("no test panics while it holds this");
            if statuses.get(key).is_none_or(|stored| stored.is.rank() < status.is.rank()) {
                statuses.insert(key.clone(), status.clone());
                raised = Raised::Yes;
            }
        }
        match fault {
            None => Ok(raised),
            Some(fault) => Err(Unavailable { call: "dynamodb:PutItem", cause: format!("{fault:?}") }),
        }
    }
}

#[async_trait]
impl SendStore for MemorySends {
    async fn put(&self, record: &SendRecord, seen: Option<u32>) -> Result<Wrote, Unavailable> {
        let fault = self.faults.meet(Call::PutSend);
        let mut wrote = Wrote::Yes;
        if fault.is_none() || fault == Some(Fault::LoseAnswer) {
            let mut records = self.lock();
            let stored = records.entry((record.cause.clone(), record.id.clone()));
            match stored {
                std::collections::btree_map::Entry::Vacant(free) if seen.is_none() => drop(free.insert(record.clone())),
                std::collections::btree_map::Entry::Vacant(_) => wrote = Wrote::Other(None),
                std::collections::btree_map::Entry::Occupied(mut taken) => {
                    if Some(taken.get().version) == seen {
                        taken.insert(record.clone());
                    } else if taken.get() != record {
                        wrote = Wrote::Other(Some(Box::new(taken.get().clone())));
                    }
                }
            }
        }
        match fault {
            None => Ok(wrote),
            Some(fault) => Err(Unavailable { call: "dynamodb:PutItem", cause: format!("{fault:?}") }),
        }
    }
}
