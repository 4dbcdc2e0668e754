//! A store whose calls happen when a search lets them, each with the fate that the search chooses.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tidings_core::claim::ClaimKey;
use tidings_core::claim::decide::{Committed, RecordedEffect};
use tidings_core::commit_plan::CommitPlan;
use tidings_core::context::{Content, Item, ItemKey, Place};
use tidings_core::memory::MemoryStore;
use tidings_core::ports::{Commit, ContextStore, DeadLetter, DeadLettered, Loaded, Rewrite, Unavailable};

/// Whose writes are made how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// As the processor chooses.
    Chosen,
    /// Facts and claim always together.
    Together,
    /// A counter outside of its claim's transaction: wrong.
    Apart,
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    Refused,
    AnswerLost,
    DiesBefore,
    DiesAfter,
}

pub(crate) const FAULTS: [Fate; 4] = [Fate::Refused, Fate::AnswerLost, Fate::DiesBefore, Fate::DiesAfter];

/// One processor's view of the store: each of its calls waits until the search lets it happen.
#[derive(Debug)]
pub(crate) struct Stepped {
    /// Another one in each run.
    inner: Mutex<Arc<MemoryStore>>,
    writes: Writes,
    pub(crate) waits: AtomicBool,
    pub(crate) next: Mutex<Option<Fate>>,
    /// With [`Writes::Together`]: facts that wait for their claim.
    facts: Mutex<BTreeMap<Place, Item>>,
}

impl Stepped {
    pub(crate) fn new(writes: Writes) -> Arc<Self> {
        let (inner, next, facts) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { inner, writes, waits: AtomicBool::new(false), next, facts })
    }

    pub(crate) fn begin(&self, store: &Arc<MemoryStore>) {
        *self.inner.lock().unwrap() = Arc::clone(store);
        self.waits.store(false, Ordering::SeqCst);
        *self.next.lock().unwrap() = None;
        self.facts.lock().unwrap().clear();
    }

    fn inner(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.inner.lock().unwrap())
    }

    async fn turn(&self) -> Fate {
        let fate = poll_fn(|_| match self.next.lock().unwrap().take() {
            Some(fate) => Poll::Ready(fate),
            None => {
                self.waits.store(true, Ordering::SeqCst);
                Poll::Pending
            }
        });
        let fate = fate.await;
        self.waits.store(false, Ordering::SeqCst);
        fate
    }

    /// Makes the call as its fate is. `None`: it has no answer.
    async fn call<R>(&self, effect: impl Future<Output = R>) -> Option<R> {
        match self.turn().await {
            Fate::Answered => Some(effect.await),
            Fate::Refused => None,
            Fate::AnswerLost => {
                effect.await;
                None
            }
            Fate::DiesBefore => std::future::pending().await,
            Fate::DiesAfter => {
                effect.await;
                std::future::pending().await
            }
        }
    }

    async fn committed(&self, effect: impl Future<Output = Committed>) -> Committed {
        self.call(effect).await.unwrap_or(Committed::Unknown("no answer".to_owned()))
    }
}

const fn silent() -> Unavailable {
    Unavailable { call: "dynamodb", cause: String::new() }
}

#[async_trait]
impl ContextStore for Stepped {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        if places.is_empty() {
            return self.inner().load(places).await;
        }
        self.call(self.inner().load(places)).await.unwrap_or(Err(silent()))
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        self.call(self.inner().load_with_effect(places, key)).await.unwrap_or(Err(silent()))
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.call(self.inner().effect(key)).await.unwrap_or(Err(silent()))
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let mut commit = commit.clone();
        match self.writes {
            Writes::Together => commit.items.append(&mut self.facts.lock().unwrap()),
            Writes::Apart if CommitPlan::of(&commit) == CommitPlan::Transaction => {
                let puts = std::mem::take(&mut commit.items);
                let facts = Rewrite { puts, deletes: BTreeMap::new(), at: commit.processed };
                match self.committed(self.inner().rewrite(&facts)).await {
                    Committed::Yes => {}
                    other @ (Committed::Before(_) | Committed::ContextMoved | Committed::Contended | Committed::Unknown(_)) => {
                        return other;
                    }
                }
            }
            Writes::Chosen | Writes::Apart => {}
        }
        self.committed(self.inner().commit(&commit)).await
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.call(self.inner().first(partition, at_most)).await.unwrap_or(Err(silent()))
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        let are_facts = rewrite.puts.values().all(|item| matches!(item.content, Content::Facts(_)));
        if self.writes == Writes::Together && are_facts {
            *self.facts.lock().unwrap() = rewrite.puts.clone();
            return Committed::Yes;
        }
        self.committed(self.inner().rewrite(rewrite)).await
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        self.call(self.inner().dead_letter(dead_letter)).await.unwrap_or(Err(silent()))
    }
}
