//! The sources' secrets in memory.

use super::{Call, Faults};
use crate::ports::{SecretStore, Unavailable};
use async_trait::async_trait;
use std::fmt;
use std::sync::{Arc, Mutex};
use zeroize::Zeroizing;

/// [`SecretStore`] in memory.
pub struct MemorySecrets {
    faults: Arc<Faults>,
    document: Mutex<String>,
}

impl MemorySecrets {
    pub fn new(faults: Arc<Faults>, document: impl Into<String>) -> Self {
        Self { faults, document: Mutex::new(document.into()) }
    }

    pub fn put(&self, document: impl Into<String>) {
        *self.document.lock().expect("no test panics while it holds this") = document.into();
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
        match self.faults.meet(Call::Fetch) {
            None => Ok(Zeroizing::new(self.document.lock().expect("no test panics while it holds this").clone())),
            Some(fault) => Err(Unavailable { call: "secretsmanager:GetSecretValue", cause: format!("{fault:?}") }),
        }
    }
}
