//! `tidings context`: what is kept of a conversation. Shown, corrected, written out, erased.

pub(crate) mod correct;
pub(crate) mod erase;
pub(crate) mod export;
pub(crate) mod show;
mod subject;

use clap::Subcommand;
use correct::{ContextSet, ContextUnset};
use erase::ContextErase;
use export::ContextExport;
use show::ContextShow;

#[derive(Debug, Subcommand)]
pub enum ContextCommand {
    /// Facts, dialogue node and timeline of a conversation
    Show(ContextShow),
    /// Set facts, or where the dialogue stands, by hand; without --yes say what would change
    Set(ContextSet),
    /// Forget facts, or where the dialogue stands, by hand; without --yes say what would change
    Unset(ContextUnset),
    /// All that is kept of a conversation, as one JSON document
    Export(ContextExport),
    /// Delete all that is kept of a conversation; without --yes say what that is
    Erase(ContextErase),
}
