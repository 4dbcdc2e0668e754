//! The events queue in memory.

use super::{Call, Fault, Faults};
use crate::ports::{EventQueue, Unavailable};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};

/// [`EventQueue`] in memory: what was sent, in order.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    faults: Arc<Faults>,
    messages: Mutex<Vec<String>>,
}

impl MemoryQueue {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, messages: Mutex::default() }
    }

    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().expect("no test panics while it holds this").clone()
    }

    /// Takes all messages out.
    pub fn drain(&self) -> Vec<String> {
        std::mem::take(&mut self.messages.lock().expect("no test panics while it holds this"))
    }
}

#[async_trait]
impl EventQueue for MemoryQueue {
    async fn send(&self, messages: &[&str]) -> Vec<Result<(), Unavailable>> {
        let whole = self.faults.meet(Call::Send);
        let enqueue = |message: &&str| {
            let fault = whole.or_else(|| self.faults.meet(Call::SendEntry));
            if fault.is_none() || fault == Some(Fault::LoseAnswer) {
                self.messages.lock().expect("no test panics while it holds this").push((*message).to_owned());
            }
            match fault {
                None => Ok(()),
                Some(fault) => Err(Unavailable { call: "sqs:SendMessage", cause: format!("{fault:?}") }),
            }
        };
        messages.iter().map(enqueue).collect()
    }
}
