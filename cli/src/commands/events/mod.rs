//! `tidings events`: shows, lists and follows events.

mod find;
pub(crate) mod list;
mod message;
pub(crate) mod show;
mod tail;

pub(crate) use find::find;
pub(crate) use tail::Seen;

use crate::subcommands::subcommands;
use list::EventsList;
use show::EventsShow;
use tail::EventsTail;

subcommands! {
    pub enum EventsCommand {
        /// Show an event's claim: its state and its result
        Show(options: EventsShow) => show::run(options).await,
        /// List the newest events, newest first
        List(options: EventsList) => list::run(options).await,
        /// Print events as they arrive and change state, until Ctrl-C
        Tail(options: EventsTail) => tail::run(options).await,
    }
}
