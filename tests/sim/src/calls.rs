//! The fault layer: the ports of the memory adapters, with a gate before and after each call's effect.
//!
//! A call's effect itself isn't divided: the tables and queues are as consistent as DynamoDB and SQS promise. What the
//! layer sees is noted in the ledger. [`Broken`] takes a protection away.

mod processing;
mod receiving;
mod sending;
mod timing;

use crate::executor::Verdict;
use crate::shared::Shared;
use std::sync::Arc;
use tidings_core::memory::{Call, Fault, Side};

/// A port of a process.
#[derive(Debug)]
pub(crate) struct Port<T> {
    inner: Arc<T>,
    shared: Arc<Shared>,
}

impl<T> Port<T> {
    pub(crate) fn of(inner: &Arc<T>, shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), shared: Arc::clone(shared) })
    }

    /// Makes a call. The verdict is the scheduler's.
    async fn call<R>(
        &self,
        call: Call,
        about: impl Fn() -> String + Send + Sync,
        effect: impl Future<Output = R> + Send,
    ) -> (R, Option<Fault>) {
        let before = self.shared.gates.at(call, Side::Before, &about);
        let verdict = before.await;
        let fault = match verdict {
            Verdict::Pass => None,
            Verdict::Fail(fault) => Some((call, fault)),
            Verdict::FailInPart(fault) => Some((of_one_message(call), fault)),
        };
        if let Some((call, fault)) = fault {
            self.shared.faults.fail(call, fault, 1);
        }
        // The adapters in memory never wait.
        let result = effect.await;
        self.shared.faults.clear();
        let after = self.shared.gates.at(call, Side::After, about);
        after.await;
        (result, fault.map(|(_, fault)| fault))
    }
}

/// The same fault for the first message of a batch.
fn of_one_message(call: Call) -> Call {
    if call == Call::Send {
        Call::SendEntry
    } else if call == Call::SetTimer {
        Call::SetTimerEntry
    } else {
        call
    }
}
