//! Others' servers, in memory.

use super::faults::{Call as Counted, Fault, Faults};
use crate::ports::{Answered, Call, CallError, HttpsCall};
use async_trait::async_trait;
use std::fmt;
use std::sync::{Arc, Mutex};

type Server = dyn Fn(&Call) -> Result<Answered, CallError> + Send + Sync;

/// [`HttpsCall`] in memory: a function answers, and the calls are kept.
pub struct MemoryCalls {
    faults: Arc<Faults>,
    server: Mutex<Arc<Server>>,
    calls: Mutex<Vec<Call>>,
}

impl MemoryCalls {
    pub fn new(faults: Arc<Faults>, server: impl Fn(&Call) -> Result<Answered, CallError> + Send + Sync + 'static) -> Self {
        Self { faults, server: Mutex::new(Arc::new(server)), calls: Mutex::default() }
    }

    /// From now on this answers.
    pub fn answer_with(&self, server: impl Fn(&Call) -> Result<Answered, CallError> + Send + Sync + 'static) {
        *self.server.lock().expect("no test panics while it holds this") = Arc::new(server);
    }

    /// The calls that reached a server, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no test panics while it holds this").clone()
    }
}

impl fmt::Debug for MemoryCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCalls").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpsCall for MemoryCalls {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        let fault = self.faults.meet(Counted::Call);
        if matches!(fault, Some(Fault::Refuse | Fault::Conflict)) {
            return Err(CallError::NotSent("it refuses".to_owned()));
        }
        self.calls.lock().expect("no test panics while it holds this").push(call.clone());
        let server = Arc::clone(&self.server.lock().expect("no test panics while it holds this"));
        let mut answered = server(call)?;
        answered.body.truncate(call.at_most);
        if fault == Some(Fault::LoseAnswer) {
            return Err(CallError::NoAnswer("it is lost".to_owned()));
        }
        Ok(answered)
    }
}
