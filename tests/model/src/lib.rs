//! The claim protocol and the sender in a model checker: every interleaving of small configurations, with faults.
//!
//! Promises: what the functions decide is decided here by the functions' own code (`tidings_core::claim::decide`,
//! `tidings_core::commit_plan`, `sender::decide`). What is modelled is the environment: calls that fail, that have an effect
//! and no answer, crashes between any two calls, SQS's repetitions and redrives, providers that retry, operators, and time.
//! Each [`broken::Broken`] takes one protection away; a test shows that the checker notices.

pub mod broken;
pub mod configurations;
pub mod events;
mod plans;
pub mod report;
