//! Stores with scheduled faults: the n-th AWS call gets the n-th entry.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::action::Action;
use tidings_core::claim::decide::{Committed, Recorded, RecordedEffect};
use tidings_core::claim::{Claim, ClaimKey, ClaimState, NewClaim, Sha256Hex};
use tidings_core::context::{Item, ItemKey, Place};
use tidings_core::memory::{Call, Fault, Faults, MemoryActions, MemoryQueue, MemoryStore};
use tidings_core::ports::{
    ActionQueue, ClaimStore, Commit, ContextStore, DeadLetter, DeadLettered, EventQueue, Loaded, Rewrite, TimerQueue, Unavailable,
};
use tidings_core::trace::Trace;

/// A fault at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Fault(Fault),
    /// Applies only to the first message of a batch. For any other call it applies to all.
    InPart(Fault),
    /// The function crashes before the call has its effect.
    DieBefore,
    /// The function crashes after the effect, and never gets the response.
    DieAfter,
}

impl Trouble {
    pub(crate) const ALL: [Self; 7] = [
        Self::Fault(Fault::Refuse),
        Self::Fault(Fault::LoseAnswer),
        Self::Fault(Fault::Conflict),
        Self::InPart(Fault::Refuse),
        Self::InPart(Fault::LoseAnswer),
        Self::DieBefore,
        Self::DieAfter,
    ];
}

/// The scheduled faults, and the number of effects of each event.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    coming: Mutex<VecDeque<Option<Trouble>>>,
    effects: Mutex<BTreeMap<ClaimKey, u32>>,
    /// The number of turns for other tasks before each call.
    turns: Mutex<Option<u64>>,
    /// Violated invariants. They aren't asserted where they occur, because the processor would treat the panic as a
    /// record's failure.
    violations: Mutex<Vec<String>>,
}

impl Schedule {
    pub(crate) fn set(&self, coming: impl IntoIterator<Item = Option<Trouble>>) {
        *self.coming.lock().unwrap() = coming.into_iter().collect();
    }

    /// Lets other tasks run before each call, for a number of turns that follows from the seed.
    pub(crate) fn let_others_go_first(&self, seed: u64) {
        *self.turns.lock().unwrap() = Some(seed);
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    fn violation(&self, what: String) {
        self.violations.lock().unwrap().push(what);
    }

    pub(crate) fn effects(&self) -> BTreeMap<ClaimKey, u32> {
        self.effects.lock().unwrap().clone()
    }

    /// The number of entries without a call.
    pub(crate) fn left(&self) -> usize {
        self.coming.lock().unwrap().len()
    }

    fn next(&self) -> Option<Trouble> {
        self.coming.lock().unwrap().pop_front().flatten()
    }

    fn turns(&self) -> u64 {
        let mut seed = self.turns.lock().unwrap();
        match &mut *seed {
            None => 0,
            // Knuth's MMIX generator. Its high bits are random enough for a choice of six.
            Some(seed) => {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (*seed >> 33) % 6
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Faulty<T> {
    inner: Arc<T>,
    faults: Arc<Faults>,
    schedule: Arc<Schedule>,
}

impl<T> Faulty<T> {
    pub(crate) fn around(inner: &Arc<T>, faults: &Arc<Faults>, schedule: &Arc<Schedule>) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), faults: Arc::clone(faults), schedule: Arc::clone(schedule) })
    }

    async fn call<R>(&self, call: Call, effect: impl Future<Output = R>) -> R {
        for _ in 0..self.schedule.turns() {
            tokio::task::yield_now().await;
        }
        match self.schedule.next() {
            None => effect.await,
            Some(Trouble::Fault(fault)) => {
                self.faults.fail(call, fault, 1);
                effect.await
            }
            Some(Trouble::InPart(fault)) => {
                self.faults.fail(if call == Call::Send { Call::SendEntry } else { call }, fault, 1);
                effect.await
            }
            Some(Trouble::DieBefore) => pending().await,
            Some(Trouble::DieAfter) => {
                effect.await;
                pending().await
            }
        }
    }
}

#[async_trait]
impl ClaimStore for Faulty<MemoryStore> {
    async fn record(&self, claim: &NewClaim) -> Recorded {
        self.call(Call::Record, self.inner.record(claim)).await
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        self.call(Call::MarkEnqueued, self.inner.mark_enqueued(key, at)).await
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        self.call(Call::NoteBody, self.inner.note_body(key, other)).await
    }
}

#[async_trait]
impl EventQueue for Faulty<MemoryQueue> {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        self.call(Call::Send, EventQueue::send(&*self.inner, messages, trace)).await
    }
}

#[async_trait]
impl ContextStore for Faulty<MemoryStore> {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        if places.is_empty() {
            return self.inner.load(places).await;
        }
        self.call(Call::Load, self.inner.load(places)).await
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        self.call(Call::Load, self.inner.load_with_effect(places, key)).await
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.call(Call::First, self.inner.first(partition, at_most)).await
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        self.call(Call::Rewrite, self.inner.rewrite(rewrite)).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.call(Call::Effect, self.inner.effect(key)).await
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let watched = async {
            let (claim, context) = (self.inner.claim(&commit.key), self.inner.context(&commit.conversation));
            let committed = self.inner.commit(commit).await;
            let (claim_after, context_after) = (self.inner.claim(&commit.key), self.inner.context(&commit.conversation));
            let done = |claim: &Option<Claim>| claim.as_ref().is_some_and(|c| c.state == ClaimState::Processed);
            if done(&claim) && (&claim_after, &context_after) != (&claim, &context) {
                self.schedule.violation(format!("a second effect of {}", commit.key));
            } else if !done(&claim_after) && context_after != context {
                self.schedule.violation(format!("an effect of {} without its claim", commit.key));
            } else if !done(&claim) && done(&claim_after) {
                *self.schedule.effects.lock().unwrap().entry(commit.key.clone()).or_default() += 1;
            }
            committed
        };
        self.call(Call::Commit, watched).await
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        self.call(Call::DeadLetter, self.inner.dead_letter(dead_letter)).await
    }
}

#[async_trait]
impl ActionQueue for Faulty<MemoryActions> {
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable> {
        self.call(Call::Act, self.inner.send(conversation, sequence, action)).await
    }
}

#[async_trait]
impl TimerQueue for Faulty<MemoryQueue> {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        self.call(Call::SetTimer, TimerQueue::send(&*self.inner, message, delay)).await
    }
}
