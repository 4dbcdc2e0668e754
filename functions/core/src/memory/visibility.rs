//! Messages that stay hidden, in memory.

use super::{Call, Fault, Faults};
use crate::ports::{Hide, MessageVisibility, Unavailable};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};

/// [`MessageVisibility`] in memory: what was hidden, in order.
#[derive(Debug, Default)]
pub struct MemoryVisibility {
    faults: Arc<Faults>,
    hidden: Mutex<Vec<Hide>>,
}

impl MemoryVisibility {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, hidden: Mutex::default() }
    }

    /// Takes all out.
    pub fn drain(&self) -> Vec<Hide> {
        std::mem::take(&mut self.hidden.lock().expect("no test panics while it holds this"))
    }
}

#[async_trait]
impl MessageVisibility for MemoryVisibility {
    async fn hide(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>> {
        let fault = self.faults.meet(Call::Hide);
        let one = |message: &Hide| {
            if fault.is_none() || fault == Some(Fault::LoseAnswer) {
                self.hidden.lock().expect("no test panics while it holds this").push(message.clone());
            }
            match fault {
                None => Ok(()),
                Some(fault) => Err(Unavailable { call: "sqs:ChangeMessageVisibility", cause: format!("{fault:?}") }),
            }
        };
        messages.iter().map(one).collect()
    }
}
