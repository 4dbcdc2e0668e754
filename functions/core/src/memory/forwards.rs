//! A queue that takes on messages, in memory.

use super::faults::{Call, Fault, Faults};
use crate::ports::{ForwardQueue, Forwarded, Unavailable};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};

/// [`ForwardQueue`] in memory: what was sent, in order. It knows no duplicates.
#[derive(Debug, Default)]
pub struct MemoryForwards {
    faults: Arc<Faults>,
    sent: Mutex<Vec<Forwarded>>,
}

impl MemoryForwards {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, sent: Mutex::default() }
    }

    pub fn sent(&self) -> Vec<Forwarded> {
        self.sent.lock().expect("no test panics while it holds this").clone()
    }

    /// Takes everything out.
    pub fn drain(&self) -> Vec<Forwarded> {
        std::mem::take(&mut self.sent.lock().expect("no test panics while it holds this"))
    }
}

#[async_trait]
impl ForwardQueue for MemoryForwards {
    async fn forward(&self, message: &Forwarded) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::Forward);
        if fault.is_none() || fault == Some(Fault::LoseAnswer) {
            self.sent.lock().expect("no test panics while it holds this").push(message.clone());
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(Unavailable { call: "sqs:SendMessage", cause: format!("{fault:?}") }),
        }
    }
}
