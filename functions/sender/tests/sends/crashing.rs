//! A sender that dies at a call.

use async_trait::async_trait;
use std::sync::Arc;
use tidings_core::memory::{Life, MemoryCalls, MemoryForwards, MemoryQueue, MemorySecrets, MemorySends};
use tidings_core::ports::{
    Answered, Call, CallError, ForwardQueue, Forwarded, Hide, HttpsCall, MessageVisibility, SecretStore, SendStore, Unavailable,
    Wrote,
};
use tidings_core::send::SendRecord;
use zeroize::Zeroizing;

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
        // Others may run between two calls.
        tokio::task::yield_now().await;
        self.life.makes(effect).await
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
