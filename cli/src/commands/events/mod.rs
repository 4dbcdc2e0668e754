//! `tidings events`: what became of events.

mod find;
pub(crate) mod list;
mod message;
pub(crate) mod show;
pub(crate) mod tail;

use clap::Subcommand;
use list::EventsList;
use show::EventsShow;
use tail::EventsTail;

#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// An event's claim: how far it got, and what came of it
    Show(EventsShow),
    /// The newest events, newest first
    List(EventsList),
    /// Events as they come and as they get further, until Ctrl-C
    Tail(EventsTail),
}
