//! `tidings dlq`: lists, shows, redrives and drops dead-lettered events.
//!
//! Promises: every message that isn't moved or dropped becomes visible again. A message is deleted from the queue only
//! after another queue has acknowledged it, so an interrupted command has moved some messages and lost none. A message
//! that is then in both queues has one effect, because its claim rejects the duplicate. The commands never print a
//! payload that wasn't requested.

mod actions;
mod dead;
pub(crate) mod drop;
mod envelopes;
mod filter;
mod group;
pub(crate) mod list;
mod outgoing;
#[cfg(test)]
mod outgoing_tests;
mod outgoing_walk;
mod print;
pub(crate) mod redrive;
pub(crate) mod show;
mod sorted;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use envelopes::{Found, envelopes};
pub(crate) use filter::DlqFilter;
pub(crate) use outgoing::OutgoingQueue;
pub(crate) use redrive::DlqRedrive;

use crate::subcommands::subcommands;
use actions::DlqActions;
use drop::DlqDrop;
use list::DlqList;
use outgoing::DlqOutgoing;
use show::DlqShow;

subcommands! {
    pub enum DlqCommand {
        /// List dead-lettered events by reason
        List(options: DlqList) => list::run(options).await,
        /// Show one dead-lettered event
        Show(options: DlqShow) => show::run(options).await,
        /// Send dead-lettered events to the events queue again
        Redrive(options: DlqRedrive) => redrive::run(options).await,
        /// Permanently delete dead-lettered events
        Drop(options: DlqDrop) => drop::run(options).await,
        /// List, show or redrive dead-lettered actions
        Actions(options: DlqActions) => actions::run(options).await,
        /// List, show or redrive what was dead-lettered on its way to endpoints and sinks
        Outgoing(options: DlqOutgoing) => outgoing::run(options).await,
    }
}
