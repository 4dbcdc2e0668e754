//! `tidings dlq`: what died, why, and how it comes back.
//!
//! Promises: whatever isn't moved or dropped is shown again; a message leaves the queue only after it was acknowledged elsewhere,
//! so whoever is interrupted has moved some and lost none. One that is in both queues by that has one effect: its claim sees to
//! it. Never: a payload that wasn't asked for.

pub(crate) mod drop;
mod envelopes;
mod filter;
pub(crate) mod list;
mod print;
pub(crate) mod redrive;
pub(crate) mod show;
mod sorted;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use envelopes::{Found, envelopes};
pub(crate) use filter::DlqFilter;

use clap::Subcommand;
use drop::DlqDrop;
use list::DlqList;
use redrive::DlqRedrive;
use show::DlqShow;

#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// What died, by reason
    List(DlqList),
    /// One dead event
    Show(DlqShow),
    /// Send dead events to the events queue again
    Redrive(DlqRedrive),
    /// Delete dead events for good
    Drop(DlqDrop),
}
