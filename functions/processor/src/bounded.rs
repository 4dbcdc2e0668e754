//! Bounds the calls that the records of a batch make at the same time, and with them its connections. Reads of items
//! aren't counted: those of one moment are one call.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidings_config::limits::MAX_TABLE_CALLS_AT_ONCE;
use tidings_core::claim::ClaimKey;
use tidings_core::claim::decide::{Committed, RecordedEffect};
use tidings_core::context::{Item, ItemKey, Place};
use tidings_core::ports::{Commit, ContextStore, DeadLetter, DeadLettered, Loaded, Rewrite, Unavailable};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A store with at most [`MAX_TABLE_CALLS_AT_ONCE`] calls of one item or one transaction under way.
#[derive(Debug)]
pub(crate) struct Bounded {
    store: Arc<dyn ContextStore>,
    calls: Semaphore,
}

impl Bounded {
    pub(crate) fn new(store: Arc<dyn ContextStore>) -> Self {
        Self { store, calls: Semaphore::new(MAX_TABLE_CALLS_AT_ONCE) }
    }

    /// Waits for a turn. In the order of asking, so none waits without end.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.calls.acquire().await.ok()
    }
}

#[async_trait]
impl ContextStore for Bounded {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        self.store.load(places).await
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        self.store.load_with_effect(places, key).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        let _turn = self.turn().await;
        self.store.effect(key).await
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let _turn = self.turn().await;
        self.store.commit(commit).await
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        let _turn = self.turn().await;
        self.store.first(partition, at_most).await
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        let _turn = self.turn().await;
        self.store.rewrite(rewrite).await
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        let _turn = self.turn().await;
        self.store.dead_letter(dead_letter).await
    }
}
