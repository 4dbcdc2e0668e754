//! Topics in memory, with troubles that a test can turn on.

use crate::partition::partition_of;
use crate::ports::{Target, Topics, Unwritten};
use crate::record::Record;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a sink's brokers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// They refuse.
    Refuse,
    /// They write, and the answer is lost.
    LoseAnswer,
    /// They never answer.
    Hang,
}

/// [`Topics`] in memory.
#[derive(Debug)]
pub struct MemoryTopics {
    partitions: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    written: BTreeMap<(String, u32), Vec<Record>>,
    troubles: BTreeMap<String, Trouble>,
    /// Ids of records that are refused.
    refused: BTreeSet<String>,
    calls: BTreeMap<String, usize>,
}

impl MemoryTopics {
    pub fn with_partitions(partitions: u32) -> Self {
        Self { partitions, state: Mutex::default() }
    }

    /// What a sink's brokers do from now on. `None`: they work.
    pub fn trouble(&self, sink: &str, trouble: Option<Trouble>) {
        match trouble {
            Some(trouble) => drop(self.state().troubles.insert(sink.to_owned(), trouble)),
            None => drop(self.state().troubles.remove(sink)),
        }
    }

    /// Refuses the record of this id.
    pub fn refuse(&self, id: &str) {
        self.state().refused.insert(id.to_owned());
    }

    /// What a topic holds, by its partitions.
    pub fn written(&self, topic: &str) -> BTreeMap<u32, Vec<Record>> {
        let state = self.state();
        let of_topic = state.written.iter().filter(|((name, _), _)| name == topic);
        of_topic.map(|((_, partition), records)| (*partition, records.clone())).collect()
    }

    /// How often a sink's brokers were called.
    pub fn calls(&self, sink: &str) -> usize {
        self.state().calls.get(sink).copied().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Topics for MemoryTopics {
    async fn write(&self, to: &Target, records: &[Record]) -> Vec<Result<(), Unwritten>> {
        *self.state().calls.entry(to.name.clone()).or_default() += 1;
        let trouble = self.state().troubles.get(&to.name).copied();
        if trouble == Some(Trouble::Hang) {
            std::future::pending::<()>().await;
        }
        let mut state = self.state();
        let write = |record: &Record| {
            let is_refused = state.refused.contains(&record.id) || trouble == Some(Trouble::Refuse);
            if !is_refused {
                let partition = partition_of(record.partition_key(), self.partitions);
                state.written.entry((to.kafka.topic.clone(), partition)).or_default().push(record.clone());
            }
            if is_refused || trouble.is_some() { Err(Unwritten(format!("{trouble:?}"))) } else { Ok(()) }
        };
        records.iter().map(write).collect()
    }
}
