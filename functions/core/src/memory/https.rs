//! Addresses in memory.

use super::faults::{Call, Faults};
use crate::ports::{Get, GetError, HttpsGet};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// [`HttpsGet`] in memory: what isn't there is answered 404.
#[derive(Debug)]
pub struct MemoryHttps {
    faults: Arc<Faults>,
    answers: Mutex<BTreeMap<String, Result<Vec<u8>, u16>>>,
    asked: Mutex<Vec<(String, Option<String>)>>,
}

impl MemoryHttps {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, answers: Mutex::default(), asked: Mutex::default() }
    }

    pub fn put(&self, url: &str, document: impl Into<Vec<u8>>) {
        self.answers.lock().expect("no test panics while it holds this").insert(url.to_owned(), Ok(document.into()));
    }

    /// It is answered with this status, which isn't a 2xx.
    pub fn answer(&self, url: &str, status: u16) {
        self.answers.lock().expect("no test panics while it holds this").insert(url.to_owned(), Err(status));
    }

    /// What was asked for, in turn.
    pub fn asked(&self) -> Vec<String> {
        self.requests().into_iter().map(|(url, _)| url).collect()
    }

    /// The same, each with the header that it was asked with, as `name: value`.
    pub fn requests(&self) -> Vec<(String, Option<String>)> {
        self.asked.lock().expect("no test panics while it holds this").clone()
    }
}

#[async_trait]
impl HttpsGet for MemoryHttps {
    async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError> {
        let header = get.header.map(|(name, value)| format!("{name}: {}", *value.0));
        self.asked.lock().expect("no test panics while it holds this").push((get.url.to_owned(), header));
        if let Some(fault) = self.faults.meet(Call::Get) {
            return Err(GetError::NoAnswer(format!("{fault:?}")));
        }
        let answers = self.answers.lock().expect("no test panics while it holds this");
        match answers.get(get.url).unwrap_or(&Err(404)) {
            Err(status) => Err(GetError::Status(*status)),
            Ok(document) if document.len() > get.at_most => Err(GetError::NoAnswer("length limit exceeded".to_owned())),
            Ok(document) => Ok(document.clone()),
        }
    }
}
