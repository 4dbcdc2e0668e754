//! `tidings context`: what is kept of a conversation. Shown, corrected, written out, erased.

mod correct;
mod erase;
mod export;
mod show;
mod subject;

use crate::subcommands::subcommands;
use correct::{ContextSet, ContextUnset};
use erase::ContextErase;
use export::ContextExport;
use show::ContextShow;

subcommands! {
    pub enum ContextCommand {
        /// Facts, dialogue node and timeline of a conversation
        Show(options: ContextShow) => show::run(options).await,
        /// Set facts, or where the dialogue stands, by hand; without --yes say what would change
        Set(options: ContextSet) => correct::set(options).await,
        /// Forget facts, or where the dialogue stands, by hand; without --yes say what would change
        Unset(options: ContextUnset) => correct::unset(options).await,
        /// All that is kept of a conversation, as one JSON document
        Export(options: ContextExport) => export::run(options).await,
        /// Delete all that is kept of a conversation; without --yes say what that is
        Erase(options: ContextErase) => erase::run(options).await,
    }
}
