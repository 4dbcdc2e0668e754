//! The sources' secrets in memory.

use super::{Call, Fault, Faults};
use crate::ports::{CapturedSecrets, SecretStore, Unavailable};
use async_trait::async_trait;
use std::fmt;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// [`SecretStore`] and [`CapturedSecrets`] in memory.
pub struct MemorySecrets {
    faults: Arc<Faults>,
    document: Mutex<String>,
}

impl MemorySecrets {
    pub fn new(faults: Arc<Faults>, document: impl Into<String>) -> Self {
        Self { faults, document: Mutex::new(document.into()) }
    }

    pub fn set(&self, document: impl Into<String>) {
        *self.document.lock().expect("no test panics while it holds this") = document.into();
    }

    pub fn document(&self) -> String {
        self.document.lock().expect("no test panics while it holds this").clone()
    }

    fn get(&self) -> Result<Zeroizing<String>, Unavailable> {
        match self.faults.meet(Call::Fetch) {
            None => Ok(Zeroizing::new(self.document())),
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
        self.get()
    }
}

#[async_trait]
impl CapturedSecrets for MemorySecrets {
    async fn fetch(&self) -> Result<Zeroizing<String>, Unavailable> {
        self.get()
    }

    async fn put(&self, document: &str) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::PutSecret);
        if fault != Some(Fault::Refuse) {
            self.set(document);
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(Unavailable { call: "secretsmanager:PutSecretValue", cause: format!("{fault:?}") }),
        }
    }
}
