//! A sender that dies at a call: it never gets the answer, and nothing after it is done.

use async_trait::async_trait;
use std::future::pending;
use std::sync::{Arc, Mutex};
use tidings_core::memory::{MemoryCalls, MemoryForwards, MemoryQueue, MemorySecrets, MemorySends};
use tidings_core::ports::{
    Answered, Call, CallError, ForwardQueue, Forwarded, Hide, HttpsCall, MessageVisibility, SecretStore, SendStore, Unavailable,
    Wrote,
};
use tidings_core::send::SendRecord;
use zeroize::Zeroizing;

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

    /// It lives on. Returns whether it would have died later.
    pub(crate) fn goes_on(&self) -> bool {
        self.0.lock().unwrap().take().is_some()
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
    pub(crate) fn of(inner: &Arc<T>, life: &Arc<Life>) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), life: Arc::clone(life) })
    }

    async fn live<R>(&self, effect: impl Future<Output = R>) -> R {
        match self.life.next() {
            None => {
                // Others may run between two calls.
                tokio::task::yield_now().await;
                effect.await
            }
            Some(Side::Before) => pending().await,
            Some(Side::After) => {
                effect.await;
                pending().await
            }
        }
    }
}

#[async_trait]
impl SendStore for Crashing<MemorySends> {
    async fn put(&self, record: &SendRecord, seen: Option<u32>) -> Result<Wrote, Unavailable> {
        self.live(self.inner.put(record, seen)).await
    }
}

#[async_trait]
impl ForwardQueue for Crashing<MemoryForwards> {
    async fn forward(&self, message: &Forwarded) -> Result<(), Unavailable> {
        self.live(self.inner.forward(message)).await
    }
}

#[async_trait]
impl MessageVisibility for Crashing<MemoryQueue> {
    async fn hide(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>> {
        self.live(self.inner.hide(messages)).await
    }
}

#[async_trait]
impl SecretStore for Crashing<MemorySecrets> {
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable> {
        self.live(self.inner.fetch()).await
    }
}

#[async_trait]
impl HttpsCall for Crashing<MemoryCalls> {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        self.live(self.inner.call(call)).await
    }
}
