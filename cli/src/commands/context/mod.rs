//! `tidings context`: shows, corrects, exports and erases the stored data of a conversation.

mod correct;
mod erase;
mod export;
pub(crate) mod for_llm;
pub(crate) mod show;
mod subject;

use crate::subcommands::subcommands;
use correct::{ContextSet, ContextUnset};
use erase::ContextErase;
use export::ContextExport;
use show::ContextShow;

subcommands! {
    pub enum ContextCommand {
        /// Show facts, dialogue node and timeline of a conversation
        Show(options: ContextShow) => show::run(options).await,
        /// Set facts, or the dialogue node, by hand; without --yes print what would change
        Set(options: ContextSet) => correct::set(options).await,
        /// Forget facts, or the dialogue node, by hand; without --yes print what would change
        Unset(options: ContextUnset) => correct::unset(options).await,
        /// Export all stored data of a conversation, as one JSON document
        Export(options: ContextExport) => export::run(options).await,
        /// Delete all stored data of a conversation; without --yes print what would be deleted
        Erase(options: ContextErase) => erase::run(options).await,
    }
}
