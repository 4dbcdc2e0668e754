//! queue of Kafka → record of a topic: events that the publisher sent for the Kafka sinks of a project.
//!
//! Promises: a message is deleted from the queue after all in-sync replicas have its record, so each event is written at
//! least once, under one `ce_id`. The key of a record is the event's conversation: a conversation is in one partition, and in
//! the order of the queue. A sink whose brokers don't answer holds up no other sink. Never: a payload or a password in a log, a
//! topic that we make.
//!
//! The flow, one file each: [`lambda`] → [`record`] (CloudEvents' binding) → [`ports`] → [`cluster`] ([`partition`],
//! `credentials`).

pub mod cluster;
pub mod configuration;
mod credentials;
pub mod lambda;
pub mod limits;
#[cfg(feature = "memory")]
pub mod memory;
pub mod partition;
pub mod ports;
pub mod record;

pub use lambda::Writer;
