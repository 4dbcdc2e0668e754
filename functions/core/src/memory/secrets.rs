//! The sources' secrets in memory.

use super::faults::{Call, Fault, Faults};
use crate::ports::{HandshakeSecrets, Replaced, SecretStore, Unavailable, Versioned};
use async_trait::async_trait;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use zeroize::Zeroizing;

/// [`SecretStore`] and [`HandshakeSecrets`] in memory.
pub struct MemorySecrets {
    faults: Arc<Faults>,
    state: Mutex<State>,
}

struct State {
    document: String,
    version: u64,
}

impl MemorySecrets {
    pub fn new(faults: Arc<Faults>, document: impl Into<String>) -> Self {
        Self { faults, state: Mutex::new(State { document: document.into(), version: 0 }) }
    }

    pub fn set(&self, document: impl Into<String>) {
        let mut state = self.state();
        state.document = document.into();
        state.version += 1;
    }

    pub fn document(&self) -> String {
        self.state().document.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    fn get(&self) -> Result<Versioned, Unavailable> {
        match self.faults.meet(Call::Fetch) {
            None => {
                let state = self.state();
                Ok(Versioned { document: Zeroizing::new(state.document.clone()), version: state.version.to_string() })
            }
            Some(fault) => Err(Unavailable { call: "secretsmanager:GetSecretValue", cause: format!("{fault:?}") }),
        }
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySecrets").finish_non_exhaustive()
    }
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable> {
        self.get().map(|versioned| versioned.document)
    }
}

#[async_trait]
impl HandshakeSecrets for MemorySecrets {
    async fn fetch(&self) -> Result<Versioned, Unavailable> {
        self.get()
    }

    async fn replace(&self, document: &str, seen: &str) -> Result<Replaced, Unavailable> {
        let fault = self.faults.meet(Call::PutSecret);
        let mut replaced = Replaced::Changed;
        if fault != Some(Fault::Refuse) {
            let mut state = self.state();
            if state.version.to_string() == seen {
                *state = State { document: document.to_owned(), version: state.version + 1 };
                replaced = Replaced::Yes;
            }
        }
        match fault {
            None => Ok(replaced),
            Some(fault) => Err(Unavailable { call: "secretsmanager:PutSecretValue", cause: format!("{fault:?}") }),
        }
    }
}
