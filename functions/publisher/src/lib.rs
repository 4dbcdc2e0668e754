//! published event or action → endpoints and sinks that match → one delivery each → signed request → again by a schedule.
//!
//! Promises: each matching endpoint gets each committed event at least once, under one `webhook-id`, or its delivery is stored
//! as failed or held with the reasons of its attempts, for 30 days. Endpoints don't wait for each other: each delivery is a
//! message of its own. Order isn't promised. Never: a request to an address that isn't public, a redirect, a secret or a
//! payload in a log.
//!
//! The flow, one file each: [`lambda`] → `fan_out` ([`select`]) → `attempt` ([`delivery`] and [`schedule`] decide, [`body`],
//! [`sign`], `sink`) → [`endpoint`] → `notice`. Each minute [`sweep`] sends what waits longer than a queue can.

mod attempt;
pub mod aws;
pub mod body;
mod book;
mod configuration;
pub mod delivery;
pub mod endpoint;
mod fan_out;
pub mod lambda;
pub mod limits;
#[cfg(feature = "memory")]
pub mod memory;
pub mod notice;
pub mod operate;
pub mod portal;
pub mod ports;
mod publisher;
pub mod schedule;
pub mod secrets;
pub mod select;
pub mod sign;
mod sink;
pub mod sweep;

pub use book::Book;
pub use configuration::PublisherPart;
pub use publisher::{Ports, Publisher};
