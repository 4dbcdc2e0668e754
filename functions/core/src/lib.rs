//! What the receiver, the processor and the commands share: the protocol between them, the configuration, the rules' language, and
//! the adapters to AWS.
//!
//! Promises: every decision of the claim protocol is a pure function ([`claim::decide`]); every limit has a name
//! ([`limits`]); time comes from a [`time::Clock`] and I/O only through the [`ports`]. Never: a wall clock in logic, an
//! environment variable read outside [`settings`], a fake in a deployed binary (features `memory` and `files` are off there).

pub mod action;
pub mod claim;
pub mod config;
pub mod context;
#[cfg(feature = "schema")]
pub mod contract;
pub mod due;
pub mod envelope;
pub mod kept;
pub mod limits;
pub mod manual;
pub mod ports;
#[cfg(feature = "rules")]
pub mod rules;
#[cfg(feature = "schemas")]
pub mod schemas;
pub mod secrets;
pub mod settings;
pub mod telemetry;
pub mod text;
pub mod time;
pub mod told;
pub mod trace;
pub mod unreadable;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "memory")]
pub mod memory;
