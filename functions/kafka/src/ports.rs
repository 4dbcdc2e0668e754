//! What the function needs from the outside beside [`tidings_core::ports`].

use crate::record::Record;
use async_trait::async_trait;
use std::fmt;
use tidings_config::kafka::Kafka;

/// A sink on Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name in `sinks.yaml`.
    pub name: String,
    pub kafka: Kafka,
}

/// Why a record isn't known to be written. Its message is returned to the queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unwritten(pub String);

/// The topics.
#[async_trait]
pub trait Topics: Send + Sync + fmt::Debug {
    /// Writes records to a sink's topic: those of one key into one partition, in their order. A result for each, in the same
    /// order. `Ok`: all in-sync replicas have it. An error says nothing about whether a broker has it.
    async fn write(&self, to: &Target, records: &[Record]) -> Vec<Result<(), Unwritten>>;
}
