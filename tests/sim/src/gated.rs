//! The fault layer without faults, for the conformance suite of the adapters: it must not change what a store does.

use crate::calls::Port;
use crate::executor::{Running, Verdict};
use crate::shared::Shared;
use std::sync::Arc;
use tidings_core::memory::{MemorySends, MemoryStore, MemoryTimers};
use tidings_core::ports::{ClaimStore, ContextStore, OutboxStore, SendStore, TimerStore};

/// Stores in memory behind gates.
#[derive(Debug)]
pub struct Gated {
    shared: Arc<Shared>,
    /// The store behind the gates of the first three.
    pub store: Arc<MemoryStore>,
    pub claims: Arc<dyn ClaimStore>,
    pub contexts: Arc<dyn ContextStore>,
    pub outbox: Arc<dyn OutboxStore>,
    pub timers: Arc<dyn TimerStore>,
    pub sends: Arc<dyn SendStore>,
}

impl Default for Gated {
    fn default() -> Self {
        let shared = Shared::new(None, false);
        let store = Arc::new(MemoryStore::new(Arc::clone(&shared.faults)));
        let timers = Arc::new(MemoryTimers::new(Arc::clone(&shared.faults)));
        let sends = Arc::new(MemorySends::new(Arc::clone(&shared.faults)));
        let port = Port::of(&store, &shared);
        Self {
            claims: Arc::clone(&port) as Arc<_>,
            contexts: Arc::clone(&port) as Arc<_>,
            outbox: port,
            timers: Port::of(&timers, &shared),
            sends: Port::of(&sends, &shared),
            store,
            shared,
        }
    }
}

impl Gated {
    /// Runs a suite: every gate opens. Returns how many did.
    ///
    /// # Panics
    /// If the suite waits for something else.
    pub fn run(&self, suite: impl Future<Output = ()> + 'static) -> usize {
        let (mut running, mut opened) = (Running::new(suite), 0);
        while running.poll(0, &self.shared.gates).is_none() {
            let closed = self.shared.gates.closed(i64::MAX);
            assert!(!closed.is_empty(), "the suite waits for no call");
            opened += closed.len();
            closed.into_iter().for_each(|gate| self.shared.gates.open(gate, Verdict::Pass));
        }
        opened
    }
}
