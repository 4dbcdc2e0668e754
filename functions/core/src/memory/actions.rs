//! The actions queue in memory.

use super::faults::{Call, Fault, Faults};
use crate::action::Action;
use crate::ports::{ActionQueue, Unavailable};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// [`ActionQueue`] in memory: what was sent, in order, with its conversation and its sequence. It knows no duplicates: they
/// are the consumer's to know.
#[derive(Debug, Default)]
pub struct MemoryActions {
    faults: Arc<Faults>,
    sent: Mutex<Vec<(String, u64, Action)>>,
    hangs: Mutex<Duration>,
}

impl MemoryActions {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, sent: Mutex::default(), hangs: Mutex::default() }
    }

    /// From now on each call takes so long and fails, until this is zero. Tokio's own clock.
    pub fn hang(&self, time: Duration) {
        *self.hangs.lock().expect("no test panics while it holds this") = time;
    }

    pub fn sent(&self) -> Vec<(String, u64, Action)> {
        self.sent.lock().expect("no test panics while it holds this").clone()
    }
}

#[async_trait]
impl ActionQueue for MemoryActions {
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable> {
        let hangs = *self.hangs.lock().expect("no test panics while it holds this");
        if hangs > Duration::ZERO {
            tokio::time::sleep(hangs).await;
            return Err(Unavailable { call: "sqs:SendMessage", cause: "it hangs".to_owned() });
        }
        let fault = self.faults.meet(Call::Act);
        if fault.is_none() || fault == Some(Fault::LoseAnswer) {
            let mut sent = self.sent.lock().expect("no test panics while it holds this");
            sent.push((conversation.to_owned(), sequence, action.clone()));
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(Unavailable { call: "sqs:SendMessage", cause: format!("{fault:?}") }),
        }
    }
}
