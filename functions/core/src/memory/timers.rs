//! The timers table in memory.

use super::faults::{Call, Fault, Faults};
use crate::ports::{TimerStore, Unavailable};
use crate::stored_timer::{Progress, StoredTimer, Sweeps, TimerKey};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::time::Timestamp;

/// [`TimerStore`] in memory. Timers stay: nothing plays the table's TTL.
#[derive(Debug, Default)]
pub struct MemoryTimers {
    faults: Arc<Faults>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    timers: BTreeMap<TimerKey, StoredTimer>,
    progress: Progress,
}

impl MemoryTimers {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// As if sweeps had run for long enough, the last one now.
    pub fn proven(&self, now: Timestamp) {
        self.state().progress.sweeps = Some(Sweeps { since: now.minus(tidings_config::limits::SWEEP_PROVEN), last: now });
    }

    /// The timers that were ever stored, in the order of their times.
    pub fn stored(&self) -> Vec<StoredTimer> {
        let mut timers: Vec<StoredTimer> = self.state().timers.values().cloned().collect();
        timers.sort_by(|a, b| a.key.sort.cmp(&b.key.sort));
        timers
    }

    /// The timers that no sweep has sent, in the order of their times.
    pub fn unsent(&self) -> Vec<StoredTimer> {
        let sent = self.state().progress.sent.clone();
        let waits = |timer: &StoredTimer| sent.get(&timer.key.partition).is_none_or(|sent| *sent < timer.key.sort);
        self.stored().into_iter().filter(waits).collect()
    }

    /// When the first of them is due.
    pub fn first_due(&self) -> Option<Timestamp> {
        self.unsent().first().and_then(StoredTimer::due)
    }

    /// Whether a sweep was ever complete.
    pub fn are_swept(&self) -> bool {
        self.state().progress.sweeps.is_some()
    }

    /// As if no sweep had ever run.
    pub fn unproven(&self) {
        self.state().progress.sweeps = None;
    }

    fn call<T>(&self, call: Call, name: &'static str, work: impl FnOnce(&mut State) -> T) -> Result<T, Unavailable> {
        let fault = self.faults.meet(call);
        let refused = |fault: Fault| Unavailable { call: name, cause: format!("{fault:?}") };
        match fault {
            None => Ok(work(&mut self.state())),
            Some(fault @ Fault::LoseAnswer) => {
                work(&mut self.state());
                Err(refused(fault))
            }
            Some(fault @ (Fault::Refuse | Fault::Conflict)) => Err(refused(fault)),
        }
    }
}

#[async_trait]
impl TimerStore for MemoryTimers {
    async fn put(&self, timer: &StoredTimer, _now: Timestamp) -> Result<(), Unavailable> {
        self.call(Call::StoreTimer, "dynamodb:PutItem", |state| {
            state.timers.insert(timer.key.clone(), timer.clone());
        })
    }

    async fn due(
        &self,
        partition: u8,
        after: Option<&str>,
        by: Timestamp,
        at_most: usize,
    ) -> Result<Vec<StoredTimer>, Unavailable> {
        self.call(Call::DueTimers, "dynamodb:Query", |state| {
            let last = TimerKey::after_all(by);
            let is_due =
                |key: &TimerKey| key.partition == partition && key.sort <= last && after.is_none_or(|after| *after < *key.sort);
            state.timers.iter().filter(|(key, _)| is_due(key)).map(|(_, timer)| timer.clone()).take(at_most).collect()
        })
    }

    async fn progress(&self) -> Result<Progress, Unavailable> {
        self.call(Call::Progress, "dynamodb:Query", |state| state.progress.clone())
    }

    async fn sent(&self, partition: u8, through: &str) -> Result<(), Unavailable> {
        self.call(Call::MarkSent, "dynamodb:PutItem", |state| {
            let sent = state.progress.sent.entry(partition).or_default();
            if **sent < *through {
                through.clone_into(sent);
            }
        })
    }

    async fn swept(&self, sweeps: Sweeps) -> Result<(), Unavailable> {
        self.call(Call::MarkSwept, "dynamodb:PutItem", |state| state.progress.sweeps = Some(sweeps))
    }
}
