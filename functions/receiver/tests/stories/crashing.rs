//! A function that dies at an AWS call: it never gets the answer, and nothing after it is done.

use async_trait::async_trait;
use futures::FutureExt;
use std::future::pending;
use std::sync::{Arc, Mutex};
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::Recorded;
use tidings_core::claim::{ClaimKey, NewClaim, Sha256Hex};
use tidings_core::memory::{MemoryQueue, MemoryStore};
use tidings_core::ports::{ClaimStore, EventQueue, Unavailable};
use tidings_core::trace::Trace;
use tidings_events::SignedRequest;

use crate::support::{Answer, Harness, secrets};

/// On which side of a call's effect it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// How many calls it still makes, and on which side of the next one it dies. `None`: it lives.
#[derive(Debug, Default)]
pub(crate) struct Life(Mutex<Option<(u32, Side)>>);

impl Life {
    pub(crate) fn ends_at(&self, call: u32, side: Side) {
        *self.0.lock().unwrap() = Some((call, side));
    }

    fn next(&self) -> Option<Side> {
        let mut life = self.0.lock().unwrap();
        match &mut *life {
            None => None,
            Some((0, side)) => {
                let side = *side;
                *life = None;
                Some(side)
            }
            Some((calls, _)) => {
                *calls -= 1;
                None
            }
        }
    }
}

#[derive(Debug)]
pub(crate) struct Crashing<T> {
    inner: Arc<T>,
    life: Arc<Life>,
}

impl<T> Crashing<T> {
    async fn live<R>(&self, effect: impl Future<Output = R>) -> R {
        match self.life.next() {
            None => effect.await,
            Some(Side::Before) => pending().await,
            Some(Side::After) => {
                effect.await;
                pending().await
            }
        }
    }
}

#[async_trait]
impl ClaimStore for Crashing<MemoryStore> {
    async fn record(&self, claim: &NewClaim) -> Recorded {
        self.live(self.inner.record(claim)).await
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        self.live(self.inner.mark_enqueued(key, at)).await
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        self.live(self.inner.note_body(key, other)).await
    }
}

#[async_trait]
impl EventQueue for Crashing<MemoryQueue> {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        self.live(self.inner.send(messages, trace)).await
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
