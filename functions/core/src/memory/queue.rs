//! The events queue in memory.

use super::{Call, Fault, Faults};
use crate::ports::{EventQueue, Probe, Unavailable};
use crate::trace::Trace;
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use tidings_config::time::Timestamp;

/// [`EventQueue`] in memory: what was sent, in order.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    faults: Arc<Faults>,
    messages: Mutex<Vec<String>>,
    traces: Mutex<Vec<Option<String>>>,
}

impl MemoryQueue {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, messages: Mutex::default(), traces: Mutex::default() }
    }

    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().expect("no test panics while it holds this").clone()
    }

    /// What went with each that was ever sent, as a header.
    pub fn traces(&self) -> Vec<Option<String>> {
        self.traces.lock().expect("no test panics while it holds this").clone()
    }

    /// Takes all messages out.
    pub fn drain(&self) -> Vec<String> {
        std::mem::take(&mut self.messages.lock().expect("no test panics while it holds this"))
    }
}

#[async_trait]
impl EventQueue for MemoryQueue {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let whole = self.faults.meet(Call::Send);
        let enqueue = |message: &&str| {
            let fault = whole.or_else(|| self.faults.meet(Call::SendEntry));
            if fault.is_none() || fault == Some(Fault::LoseAnswer) {
                self.messages.lock().expect("no test panics while it holds this").push((*message).to_owned());
                self.traces.lock().expect("no test panics while it holds this").push(trace.map(ToString::to_string));
            }
            match fault {
                None => Ok(()),
                Some(fault) => Err(Unavailable { call: "sqs:SendMessage", cause: format!("{fault:?}") }),
            }
        };
        messages.iter().map(enqueue).collect()
    }
}

#[async_trait]
impl Probe for MemoryQueue {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn probe(&self, _at: Timestamp) -> Result<(), Unavailable> {
        match self.faults.meet(Call::Probe) {
            None => Ok(()),
            Some(fault) => Err(Unavailable { call: "sqs:GetQueueAttributes", cause: format!("{fault:?}") }),
        }
    }
}
