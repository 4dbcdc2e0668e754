//! `--yes`: a command that changes or deletes data irreversibly does so only with this option.
//!
//! The functions for such changes take a [`Confirmed`], which only [`Confirm::ask`] makes. So a dry run can't call
//! them.

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
    /// As if `--yes` was given. For tests only: commands use their argument (`cli/tests/house.rs`).
    pub const fn given() -> Self {
        Self { yes: true }
    }

    /// `None` in a dry run.
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
