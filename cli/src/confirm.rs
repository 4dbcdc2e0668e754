//! `--yes`: a command that changes or deletes what can't be brought back does it only when it is told so.
//!
//! The functions that do it take a [`Confirmed`], and nothing but [`Confirm::ask`] makes one. So none of them can be called in a dry run.

use clap::Args;

/// Whether the change is applied.
#[derive(Clone, Copy, Debug, Args)]
pub struct Confirm {
    /// Apply the change (without it: dry run)
    #[arg(long)]
    yes: bool,
}

/// The proof that `--yes` was given.
#[derive(Clone, Copy, Debug)]
pub struct Confirmed(());

impl Confirm {
    /// As if `--yes` was given. For tests: a command takes what it was called with (`cli/tests/house.rs`).
    pub const fn given() -> Self {
        Self { yes: true }
    }

    /// `None`: this is a dry run.
    pub const fn ask(self) -> Option<Confirmed> {
        if self.yes { Some(Confirmed(())) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Called {
        #[command(flatten)]
        confirm: Confirm,
    }

    #[test]
    fn only_yes_confirms_a_change() {
        let asked = |arguments: &[&str]| Called::try_parse_from(arguments).unwrap().confirm.ask().is_some();
        assert!(asked(&["command", "--yes"]));
        assert!(!asked(&["command"]));
    }
}
