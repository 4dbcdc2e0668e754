//! What is due later, in memory.

use super::{Call, Fault, Faults};
use crate::ports::{TimerQueue, Unavailable};
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// [`TimerQueue`] in memory: what was sent, with its delay.
#[derive(Debug, Default)]
pub struct MemoryTimers {
    faults: Arc<Faults>,
    timers: Mutex<Vec<Timer>>,
}

/// A message that becomes visible later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    pub message: String,
    pub delay: Duration,
}

impl MemoryTimers {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, timers: Mutex::default() }
    }

    /// Takes all out.
    pub fn drain(&self) -> Vec<Timer> {
        std::mem::take(&mut self.timers.lock().expect("no test panics while it holds this"))
    }
}

#[async_trait]
impl TimerQueue for MemoryTimers {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::SetTimer);
        if fault.is_none() || fault == Some(Fault::LoseAnswer) {
            let mut timers = self.timers.lock().expect("no test panics while it holds this");
            timers.push(Timer { message: message.to_owned(), delay });
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(Unavailable { call: "sqs:SendMessage", cause: format!("{fault:?}") }),
        }
    }
}
