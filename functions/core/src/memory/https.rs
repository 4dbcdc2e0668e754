//! Addresses in memory.

use super::{Call, Faults};
use crate::ports::{HttpsGet, Unavailable};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// [`HttpsGet`] in memory: what isn't there is answered 404.
#[derive(Debug)]
pub struct MemoryHttps {
    faults: Arc<Faults>,
    documents: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
}

impl MemoryHttps {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, documents: Mutex::default(), asked: Mutex::default() }
    }

    pub fn put(&self, url: &str, document: impl Into<Vec<u8>>) {
        self.documents.lock().expect("no test panics while it holds this").insert(url.to_owned(), document.into());
    }

    /// What was asked for, in turn.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics while it holds this").clone()
    }
}

#[async_trait]
impl HttpsGet for MemoryHttps {
    async fn get(&self, url: &str) -> Result<Vec<u8>, Unavailable> {
        self.asked.lock().expect("no test panics while it holds this").push(url.to_owned());
        let failed = |cause: String| Unavailable { call: "GET", cause };
        if let Some(fault) = self.faults.meet(Call::Get) {
            return Err(failed(format!("{fault:?}")));
        }
        let documents = self.documents.lock().expect("no test panics while it holds this");
        documents.get(url).cloned().ok_or_else(|| failed("answered 404".to_owned()))
    }
}
