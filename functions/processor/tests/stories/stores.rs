//! Stores that panic, take their time or let others go first.

use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_core::claim::ClaimKey;
use tidings_core::claim::decide::{Committed, RecordedEffect};
use tidings_core::context::{Item, ItemKey, Place};
use tidings_core::memory::MemoryStore;
use tidings_core::ports::{Commit, ContextStore, DeadLetter, DeadLettered, Loaded, Rewrite, Unavailable};

/// Panics whenever one conversation's items are read, and when one of its events is dead-lettered.
#[derive(Debug)]
pub(crate) struct Panicking {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) conversation: &'static str,
    /// The claim key whose dead_letter panics.
    pub(crate) burial_of: &'static str,
}

#[async_trait]
impl ContextStore for Panicking {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        assert!(places.iter().all(|place| place.partition != self.conversation), "configured to panic");
        self.inner.load(places).await
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        assert!(places.iter().all(|place| place.partition != self.conversation), "configured to panic");
        self.inner.load_with_effect(places, key).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.inner.effect(key).await
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        self.inner.commit(commit).await
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.inner.first(partition, at_most).await
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        self.inner.rewrite(rewrite).await
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        assert_ne!(dead_letter.key.as_str(), self.burial_of, "configured to panic");
        self.inner.dead_letter(dead_letter).await
    }
}

/// Takes its time with one conversation (all, if there is no name) before or after each effect. Tokio's own clock.
#[derive(Debug)]
pub(crate) struct Slow {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) conversation: &'static str,
    pub(crate) before: Duration,
    pub(crate) after: Duration,
    pub(crate) dead_letter: Duration,
    /// The calls in order, as `load c` and `commit c`.
    pub(crate) calls: Mutex<Vec<String>>,
    /// Commits that are under way, and the most of them so far.
    pub(crate) under_way: Mutex<(usize, usize)>,
}

impl Slow {
    pub(crate) fn new(inner: Arc<MemoryStore>, before: Duration, after: Duration) -> Self {
        Self {
            inner,
            conversation: "",
            before,
            after,
            dead_letter: Duration::ZERO,
            calls: Mutex::default(),
            under_way: Mutex::default(),
        }
    }

    async fn pause(&self, conversation: &str, time: Duration) {
        if self.conversation.is_empty() || self.conversation == conversation {
            tokio::time::sleep(time).await;
        }
    }

    /// The most commits at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.under_way.lock().unwrap().1
    }

    fn begin(&self) {
        let mut under_way = self.under_way.lock().unwrap();
        under_way.0 += 1;
        under_way.1 = under_way.1.max(under_way.0);
    }

    fn note(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

#[async_trait]
impl ContextStore for Slow {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        let conversation = places.first().map_or("", |place| place.partition.as_str());
        self.note(format!("load {conversation}"));
        self.pause(conversation, self.before).await;
        self.inner.load(places).await
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        let conversation = places.first().map_or("", |place| place.partition.as_str());
        self.note(format!("load {conversation}"));
        self.pause(conversation, self.before).await;
        self.inner.load_with_effect(places, key).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.inner.effect(key).await
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        self.begin();
        self.pause(&commit.conversation, self.before).await;
        let committed = self.inner.commit(commit).await;
        self.note(format!("commit {}", commit.conversation));
        self.pause(&commit.conversation, self.after).await;
        self.under_way.lock().unwrap().0 -= 1;
        committed
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.inner.first(partition, at_most).await
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        self.inner.rewrite(rewrite).await
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        tokio::time::sleep(self.dead_letter).await;
        self.inner.dead_letter(dead_letter).await
    }
}

/// Lets others go first: a seeded number of turns before each call, and so between reading and writing.
#[derive(Debug)]
pub(crate) struct Yielding {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) turns: Mutex<fastrand::Rng>,
    /// How often another event committed first.
    pub(crate) moved: Mutex<u32>,
}

impl Yielding {
    pub(crate) fn new(inner: Arc<MemoryStore>, seed: u64) -> Self {
        Self { inner, turns: Mutex::new(fastrand::Rng::with_seed(seed)), moved: Mutex::default() }
    }

    fn count(&self, committed: Committed) -> Committed {
        if committed == Committed::ContextMoved {
            *self.moved.lock().unwrap() += 1;
        }
        committed
    }

    async fn wait(&self) {
        let turns = self.turns.lock().unwrap().u8(0..5);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl ContextStore for Yielding {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        self.wait().await;
        let loaded = self.inner.load(places).await;
        self.wait().await;
        loaded
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        self.wait().await;
        let loaded = self.inner.load_with_effect(places, key).await;
        self.wait().await;
        loaded
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.wait().await;
        self.inner.effect(key).await
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        self.wait().await;
        self.count(self.inner.commit(commit).await)
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.wait().await;
        self.inner.first(partition, at_most).await
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        self.wait().await;
        self.count(self.inner.rewrite(rewrite).await)
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        self.wait().await;
        self.inner.dead_letter(dead_letter).await
    }
}

/// Takes the process with it when one of its conversations is read: from then on nothing is answered. Others of its turn don't get
/// to their effects before.
#[derive(Debug)]
pub(crate) struct Aborting {
    pub(crate) inner: Arc<MemoryStore>,
    /// Conversations begin with it that abort.
    pub(crate) poison: &'static str,
    pub(crate) dead: std::sync::atomic::AtomicBool,
}

impl Aborting {
    fn die_of(&self, places: &BTreeSet<Place>) {
        if places.iter().any(|place| place.partition.starts_with(self.poison)) {
            self.dead.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }

    async fn live(&self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if self.dead.load(std::sync::atomic::Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl ContextStore for Aborting {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        self.die_of(places);
        self.live().await;
        self.inner.load(places).await
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        self.die_of(places);
        self.live().await;
        self.inner.load_with_effect(places, key).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.live().await;
        self.inner.effect(key).await
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        self.live().await;
        self.inner.commit(commit).await
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.live().await;
        self.inner.first(partition, at_most).await
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        self.live().await;
        self.inner.rewrite(rewrite).await
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        self.live().await;
        self.inner.dead_letter(dead_letter).await
    }
}
