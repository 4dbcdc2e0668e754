//! `tidings events`: what became of events.

mod find;
mod list;
mod message;
pub(crate) mod show;
mod tail;

use crate::subcommands::subcommands;
use list::EventsList;
use show::EventsShow;
use tail::EventsTail;

subcommands! {
    pub enum EventsCommand {
        /// An event's claim: how far it got, and what came of it
        Show(options: EventsShow) => show::run(options).await,
        /// The newest events, newest first
        List(options: EventsList) => list::run(options).await,
        /// Events as they come and as they get further, until Ctrl-C
        Tail(options: EventsTail) => tail::run(options).await,
    }
}
