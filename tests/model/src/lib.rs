//! Checks the protocol by exploring every interleaving of small configurations, with faults.
//!
//! The model is the environment: providers, SQS, DynamoDB's conditions, crashes, lost answers, clocks, operators. Each
//! decision is made by the function that is deployed: [`tidings_core::claim::decide`], [`tidings_core::commit_plan`],
//! [`tidings_core::context`], [`processor::failure`], [`receiver::reply`] and [`sender::decide`]. The model never repeats
//! one of them.
//!
//! [`broken::Broken`] takes one protection away. A protection that can be taken away without a counterexample would prove
//! nothing, so the test names the property that each of them breaks.

pub mod broken;
pub mod check;
pub mod configurations;
pub mod events;
pub mod sends;
