//! The tenants table in memory.

use super::faults::{Call, Fault, Faults};
use crate::ports::{Replaced, TenantPage, TenantReader, TenantStore, Unavailable};
use crate::tenant::{TenantKey, TenantRecord};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// [`TenantReader`] and [`TenantStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryTenants {
    faults: Arc<Faults>,
    records: Mutex<BTreeMap<TenantKey, TenantRecord>>,
}

impl MemoryTenants {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, records: Mutex::default() }
    }

    /// A table with these tenants.
    pub fn holding(tenants: impl IntoIterator<Item = (TenantKey, TenantRecord)>) -> Self {
        let stored = |(key, record)| (key, TenantRecord { version: Some(0), ..record });
        Self { faults: Arc::default(), records: Mutex::new(tenants.into_iter().map(stored).collect()) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantKey, TenantRecord>> {
        self.records.lock().expect("no test panics while it holds this")
    }

    /// Meets a fault of a call that reads.
    fn read(&self, call: &'static str) -> Result<(), Unavailable> {
        let fault = self.faults.meet(Call::ReadTenant);
        fault.map_or(Ok(()), |fault| Err(Unavailable { call, cause: format!("{fault:?}") }))
    }
}

#[async_trait]
impl TenantReader for MemoryTenants {
    async fn tenant(&self, key: &TenantKey) -> Result<Option<TenantRecord>, Unavailable> {
        self.read("dynamodb:GetItem")?;
        Ok(self.lock().get(key).cloned())
    }
}

#[async_trait]
impl TenantStore for MemoryTenants {
    async fn list(&self, source: Option<&str>, from: Option<&TenantKey>, at_most: usize) -> Result<TenantPage, Unavailable> {
        self.read("dynamodb:Scan")?;
        let records = self.lock();
        let mut after = records.iter().filter(|(key, _)| from.is_none_or(|from| *key > from));
        let read: Vec<_> = after.by_ref().take(at_most).collect();
        let next = after.next().and(read.last()).map(|(key, _)| (*key).clone());
        let is_its = |(key, _): &(&TenantKey, &TenantRecord)| source.is_none_or(|source| key.source == source);
        let tenants = read.into_iter().filter(is_its).map(|(key, record)| (key.clone(), record.clone())).collect();
        Ok(TenantPage { tenants, next })
    }

    async fn put(&self, key: &TenantKey, record: &TenantRecord) -> Result<Replaced, Unavailable> {
        let fault = self.faults.meet(Call::PutTenant);
        let mut replaced = Replaced::Changed;
        if fault.is_none() || fault == Some(Fault::LoseAnswer) {
            let mut records = self.lock();
            if records.get(key).and_then(|stored| stored.version) == record.version {
                let version = Some(record.version.map_or(0, |seen| seen + 1));
                records.insert(key.clone(), TenantRecord { version, ..record.clone() });
                replaced = Replaced::Yes;
            }
        }
        fault.map_or(Ok(replaced), |fault| Err(Unavailable { call: "dynamodb:PutItem", cause: format!("{fault:?}") }))
    }

    async fn delete(&self, key: &TenantKey) -> Result<(), Unavailable> {
        self.lock().remove(key);
        Ok(())
    }
}
