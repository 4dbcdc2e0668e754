//! The receiver's ports.

use super::Port;
use crate::broken::Broken;
use crate::states::State;
use async_trait::async_trait;
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::{Body, Recorded};
use tidings_core::claim::{ClaimKey, ClaimState, NewClaim, Sha256Hex};
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Call, Fault, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_core::ports::{ClaimStore, EventQueue, SecretStore, Unavailable};
use tidings_core::trace::Trace;
use zeroize::Zeroizing;

#[async_trait]
impl ClaimStore for Port<MemoryStore> {
    async fn record(&self, claim: &NewClaim) -> Recorded {
        let task = self.shared.gates.current();
        let effect = async {
            let recorded = self.inner.record(claim).await;
            if let Some(notes) = self.shared.ledger().notes(task) {
                notes.claimed = true;
            }
            recorded
        };
        let (recorded, fault) = self.call(Call::Record, || claim.key.to_string(), effect).await;
        match fault {
            Some(Fault::Refuse) => self.shared.reach(State::ClaimRefused),
            Some(Fault::LoseAnswer) => self.shared.reach(State::ClaimAnswerLost),
            Some(Fault::Conflict) => self.shared.reach(State::ClaimConflict),
            None => {}
        }
        if let Recorded::Existing { state, body, .. } = &recorded {
            self.shared.reach_if(matches!(body, Body::Other { .. }), State::OtherBody);
            let lost = self.shared.ledger().lost_sends.contains(&claim.key);
            self.shared.reach_if(lost, State::LostThenDuplicate);
            self.shared.reach_if(matches!(state, ClaimState::Enqueued | ClaimState::Processed), State::KnownAlready);
        }
        recorded
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        self.call(Call::MarkEnqueued, || key.to_string(), self.inner.mark_enqueued(key, at)).await.0
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        self.call(Call::NoteBody, || key.to_string(), self.inner.note_body(key, other)).await.0
    }
}

#[async_trait]
impl EventQueue for Port<MemoryQueue> {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let task = self.shared.gates.current();
        let mut fewer = messages.to_vec();
        if self.shared.is_broken(Broken::QueueDrops) {
            fewer.pop();
        }
        let effect = async {
            let before = self.inner.messages().len();
            let mut answers = EventQueue::send(&*self.inner, &fewer, trace).await;
            answers.resize_with(messages.len(), || Ok(()));
            let mut ledger = self.shared.ledger();
            for (message, answer) in messages.iter().zip(&answers) {
                let Some(key) = Envelope::claim_key_of(message) else { continue };
                let is_it = |body: &&String| Envelope::claim_key_of(body).as_ref() == Some(&key);
                let is_twice = !ledger.queued.insert(key.clone()) && self.inner.messages().iter().filter(is_it).count() > 1;
                self.shared.reach_if(is_twice, State::QueuedTwice);
                if answer.is_err() && self.inner.messages().len() > before {
                    ledger.lost_sends.insert(key);
                }
            }
            if let Some(notes) = ledger.notes(task) {
                notes.queued = true;
            }
            answers
        };
        let (mut answers, fault) = self.call(Call::Send, || format!("{} messages", messages.len()), effect).await;
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        match (fault, failed < answers.len()) {
            (None, _) => {}
            (Some(Fault::LoseAnswer), false) => self.shared.reach(State::SendAnswerLost),
            (Some(Fault::LoseAnswer), true) => self.shared.reach(State::SendPartLost),
            (Some(Fault::Refuse | Fault::Conflict), false) => self.shared.reach(State::SendRefused),
            (Some(Fault::Refuse | Fault::Conflict), true) => self.shared.reach(State::SendPartRefused),
        }
        if self.shared.is_broken(Broken::RefusedIsAcknowledged) {
            answers.iter_mut().for_each(|answer| *answer = Ok(()));
        }
        answers
    }
}

#[async_trait]
impl SecretStore for Port<MemorySecrets> {
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable> {
        let (document, fault) = self.call(Call::Fetch, || "secrets".to_owned(), SecretStore::fetch(&*self.inner)).await;
        self.shared.reach_if(fault.is_some(), State::SecretsAway);
        document
    }
}
