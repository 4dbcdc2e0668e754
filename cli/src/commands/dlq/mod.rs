//! `tidings dlq`: what died, why, and how it comes back.
//!
//! Promises: whatever isn't moved or dropped is shown again; a message leaves the queue only after it was acknowledged elsewhere,
//! so whoever is interrupted has moved some and lost none. One that is in both queues by that has one effect: its claim sees to
//! it. Never: a payload that wasn't asked for.

mod dead;
mod drop;
mod envelopes;
mod filter;
mod group;
mod list;
mod print;
mod redrive;
mod show;
mod sorted;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use envelopes::{Found, envelopes};
pub(crate) use filter::DlqFilter;

use crate::subcommands::subcommands;
use drop::DlqDrop;
use list::DlqList;
use redrive::DlqRedrive;
use show::DlqShow;

subcommands! {
    pub enum DlqCommand {
        /// What died, by reason
        List(options: DlqList) => list::run(options).await,
        /// One dead event
        Show(options: DlqShow) => show::run(options).await,
        /// Send dead events to the events queue again
        Redrive(options: DlqRedrive) => redrive::run(options).await,
        /// Delete dead events for good
        Drop(options: DlqDrop) => drop::run(options).await,
    }
}
