//! The processor's ports for timers, the outbox of claims and the visibility of messages.

use super::Port;
use crate::broken::Broken;
use crate::states::State;
use async_trait::async_trait;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::claim::{ClaimKey, OutboxEntry, OutboxMessage};
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Call, Fault, MemoryQueue, MemoryStore, MemoryTimers};
use tidings_core::ports::{Delayed, Hide, MessageVisibility, OutboxStore, TimerQueue, TimerStore, Unavailable};
use tidings_core::stored_timer::{Progress, StoredTimer, Sweeps};

impl Port<MemoryQueue> {
    fn note(&self, task: u32, message: &str) {
        let Some(key) = Envelope::claim_key_of(message) else { return };
        let mut ledger = self.shared.ledger();
        if !key.is_ours()
            && let Some(notes) = ledger.notes(task)
        {
            notes.sent_kept = true;
        }
        ledger.queued.insert(key);
    }

    fn see(&self, fault: Option<Fault>) {
        self.shared.reach_if(matches!(fault, Some(Fault::Refuse | Fault::Conflict)), State::TimerRefused);
        self.shared.reach_if(fault == Some(Fault::LoseAnswer), State::TimerAnswerLost);
    }
}

#[async_trait]
impl TimerQueue for Port<MemoryQueue> {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        let task = self.shared.gates.current();
        let effect = async {
            self.note(task, message);
            if self.shared.is_broken(Broken::TimersDropped) {
                return Ok(());
            }
            TimerQueue::send(&*self.inner, message, delay).await
        };
        let (sent, fault) = self.call(Call::SetTimer, || format!("in {} s", delay.as_secs()), effect).await;
        self.see(fault);
        sent
    }

    async fn send_batch(&self, messages: &[Delayed]) -> Vec<Result<(), Unavailable>> {
        let task = self.shared.gates.current();
        let effect = async {
            messages.iter().for_each(|message| self.note(task, &message.message));
            TimerQueue::send_batch(&*self.inner, messages).await
        };
        let (sent, fault) = self.call(Call::SetTimer, || format!("{} stored timers", messages.len()), effect).await;
        self.see(fault);
        self.shared.reach_if(sent.iter().any(Result::is_ok), State::TimerSwept);
        sent
    }
}

#[async_trait]
impl MessageVisibility for Port<MemoryQueue> {
    async fn hide(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>> {
        let (hidden, fault) = self.call(Call::Hide, || format!("{} messages", messages.len()), self.inner.hide(messages)).await;
        self.shared.reach(if fault.is_some() { State::HideFailed } else { State::Postponed });
        hidden
    }
}

#[async_trait]
impl OutboxStore for Port<MemoryStore> {
    async fn waiting(
        &self,
        partition: u8,
        from: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> Result<Vec<OutboxEntry>, Unavailable> {
        let about = || format!("partition {partition}");
        self.call(Call::Waiting, about, self.inner.waiting(partition, from, until, at_most)).await.0
    }

    async fn message(&self, key: &ClaimKey) -> Result<Option<OutboxMessage>, Unavailable> {
        self.call(Call::OutboxMessage, || key.to_string(), OutboxStore::message(&*self.inner, key)).await.0
    }

    async fn queued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        let (queued, _) = self.call(Call::MarkEnqueued, || key.to_string(), self.inner.queued(key, at)).await;
        self.shared.reach(State::SweptKept);
        queued
    }
}

#[async_trait]
impl TimerStore for Port<MemoryTimers> {
    async fn put(&self, timer: &StoredTimer, now: Timestamp) -> Result<(), Unavailable> {
        let (put, fault) = self.call(Call::StoreTimer, || "a timer".to_owned(), self.inner.put(timer, now)).await;
        self.shared.reach_if(fault.is_none(), State::TimerStored);
        put
    }

    async fn due(
        &self,
        partition: u8,
        after: Option<&str>,
        by: Timestamp,
        at_most: usize,
    ) -> Result<Vec<StoredTimer>, Unavailable> {
        let about = || format!("partition {partition}");
        self.call(Call::DueTimers, about, self.inner.due(partition, after, by, at_most)).await.0
    }

    async fn progress(&self) -> Result<Progress, Unavailable> {
        self.call(Call::Progress, || "of sweeps".to_owned(), self.inner.progress()).await.0
    }

    async fn sent(&self, partition: u8, through: &str) -> Result<(), Unavailable> {
        self.call(Call::MarkSent, || format!("partition {partition}"), self.inner.sent(partition, through)).await.0
    }

    async fn swept(&self, sweeps: Sweeps) -> Result<(), Unavailable> {
        self.call(Call::MarkSwept, || "a sweep".to_owned(), self.inner.swept(sweeps)).await.0
    }
}
