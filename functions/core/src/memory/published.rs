//! The published queue in memory.

use super::faults::{Call, Fault, Faults};
use crate::ports::{Publish, Unavailable};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};

/// [`Publish`] in memory: what was sent, in order.
#[derive(Debug, Default)]
pub struct MemoryPublished {
    faults: Arc<Faults>,
    sent: Mutex<Vec<String>>,
}

impl MemoryPublished {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, sent: Mutex::default() }
    }

    pub fn sent(&self) -> Vec<String> {
        self.sent.lock().expect("no test panics while it holds this").clone()
    }

    /// The same, taken out.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.sent.lock().expect("no test panics while it holds this"))
    }
}

#[async_trait]
impl Publish for MemoryPublished {
    async fn publish(&self, message: String) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::Publish);
        if fault.is_none() || fault == Some(Fault::LoseAnswer) {
            self.sent.lock().expect("no test panics while it holds this").push(message);
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(Unavailable { call: "sqs:SendMessage", cause: format!("{fault:?}") }),
        }
    }
}
