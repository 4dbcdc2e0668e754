//! A receiver that dies at an AWS call.

use async_trait::async_trait;
use futures::FutureExt;
use std::sync::Arc;
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::Recorded;
use tidings_core::claim::{ClaimKey, NewClaim, Sha256Hex};
use tidings_core::memory::{Life, MemoryQueue, MemoryStore};
use tidings_core::ports::{ClaimStore, EventQueue, Unavailable};
use tidings_core::trace::Trace;
use tidings_events::SignedRequest;

use crate::support::{Answer, Harness, secrets};

#[derive(Debug)]
pub(crate) struct Crashing<T> {
    inner: Arc<T>,
    life: Arc<Life>,
}

#[async_trait]
impl ClaimStore for Crashing<MemoryStore> {
    async fn record(&self, claim: &NewClaim) -> Recorded {
        self.life.makes(self.inner.record(claim)).await
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        self.life.makes(self.inner.mark_enqueued(key, at)).await
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        self.life.makes(self.inner.note_body(key, other)).await
    }
}

#[async_trait]
impl EventQueue for Crashing<MemoryQueue> {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        self.life.makes(self.inner.send(messages, trace)).await
    }
}

/// A warm receiver that can die.
pub(crate) async fn crashing() -> (Harness, Arc<Life>) {
    let life = Arc::new(Life::default());
    let of = Arc::clone(&life);
    let harness = Harness::with(&secrets().to_string(), |store, queue| {
        let life = Arc::clone(&of);
        (Arc::new(Crashing { inner: store, life: of }), Arc::new(Crashing { inner: queue, life }))
    });
    harness.receiver.warm_up().await;
    (harness, life)
}

/// `None`: it died. Memory's stores answer at once, so what isn't ready never will be.
pub(crate) fn send_or_die(harness: &Harness, request: &SignedRequest) -> Option<Answer> {
    harness.send(request).now_or_never()
}
