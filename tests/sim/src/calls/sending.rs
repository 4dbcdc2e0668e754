//! The sender's ports.

use super::Port;
use crate::broken::Broken;
use crate::states::State;
use async_trait::async_trait;
use tidings_core::memory::{Call as Called, Fault, MemoryCalls, MemoryForwards, MemorySends};
use tidings_core::ports::{Answered, Call, CallError, ForwardQueue, Forwarded, HttpsCall, SendStore, Unavailable, Wrote};
use tidings_core::send::{SendRecord, SendState};

#[async_trait]
impl SendStore for Port<MemorySends> {
    async fn put(&self, record: &SendRecord, seen: Option<u32>) -> Result<Wrote, Unavailable> {
        let effect = async {
            let mut seen = seen;
            if self.shared.is_broken(Broken::SendsWithoutVersions) {
                let is_it = |stored: &SendRecord| stored.cause == record.cause && stored.id == record.id;
                seen = self.inner.records().into_iter().find(is_it).map(|stored| stored.version);
            }
            let wrote = self.inner.put(record, seen).await;
            self.shared.reach_if(record.state == SendState::Uncertain, State::Uncertain);
            wrote
        };
        let (wrote, fault) = self.call(Called::PutSend, || format!("{:?}", record.state), effect).await;
        self.shared.reach_if(matches!(fault, Some(Fault::Refuse | Fault::Conflict)), State::SendRecordRefused);
        self.shared.reach_if(fault == Some(Fault::LoseAnswer), State::SendRecordLost);
        wrote
    }
}

#[async_trait]
impl ForwardQueue for Port<MemoryForwards> {
    async fn forward(&self, message: &Forwarded) -> Result<(), Unavailable> {
        let (forwarded, fault) = self.call(Called::Forward, || message.group.clone(), self.inner.forward(message)).await;
        self.shared.reach(if fault.is_some() { State::ForwardFailed } else { State::Forwarded });
        forwarded
    }
}

#[async_trait]
impl HttpsCall for Port<MemoryCalls> {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        let task = self.shared.gates.current();
        let effect = async {
            let answered = self.inner.call(call).await;
            if let Some(notes) = self.shared.ledger().notes(task) {
                notes.said = true;
            }
            answered
        };
        let (answered, fault) = self.call(Called::Call, || call.method.to_owned(), effect).await;
        self.shared.reach_if(fault == Some(Fault::LoseAnswer), State::SaidAnswerLost);
        let is_known = answered.as_ref().is_ok_and(|answered| answered.status == 409);
        self.shared.reach_if(is_known, State::SaidAgainByKey);
        match answered {
            Err(CallError::NoAnswer(cause)) if self.shared.is_broken(Broken::LostIsUnsent) => Err(CallError::NotSent(cause)),
            answered => answered,
        }
    }
}
