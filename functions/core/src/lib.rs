//! What the receiver and the processor share: the protocol between them, the context, and the adapters to AWS.
//!
//! Promises: every decision of the claim protocol is a pure function ([`claim::decide`]); time comes from a clock
//! ([`tidings_config::time::Clock`]), and I/O goes only through the [`ports`]. Never: a wall clock in logic, an
//! environment variable read outside [`settings`], a fake in a deployed binary (its feature `memory` is off).

pub mod action;
pub mod bearer;
pub mod breaker;
pub mod claim;
pub mod commit_plan;
pub mod context;
pub mod contract;
pub mod envelope;
pub mod external_link;
pub mod http_api;
pub mod internal_event;
pub mod jwt;
pub mod kept;
pub mod manual;
pub mod ports;
pub mod published;
pub mod secrets;
pub mod send;
pub mod settings;
pub mod status_url;
pub mod stored_event;
pub mod stored_timer;
pub mod telemetry;
pub mod tenant;
pub mod text;
pub mod trace;
pub mod unreadable;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "memory")]
pub mod memory;
