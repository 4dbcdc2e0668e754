//! The `tidings` command line: run the pipeline here, send signed events, ask what became of them.
//!
//! Promises: every command reads only, but for `dev`, `send`, `replay --url`, `link`, `init`, `build` and, told so, `context set`, `context unset`,
//! `context erase`, `replay --apply`, `dlq redrive`, `dlq drop`, `upgrade`, `rotate` and `doctor --send`; `--json` on every command that says something; colour only on a terminal; an error says what was seen, what is allowed and what to do next.
//! Exit status: 0 done, 1 not done or not as expected, 2 called wrongly; `verify` ends with 1 only if it has looked. The project that a command works with: `project.rs`.

mod captures;
mod commands;
pub mod confirm;
mod delivery;
pub mod dev;
mod dev_client;
mod facts;
mod files;
#[cfg(test)]
mod fuzz;
pub mod limits;
pub mod project;
mod sources;
pub mod stack;
mod style;
mod subcommands;
mod target;

pub use commands::Arguments;

/// What a panic says of itself, written as safely as everything else.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| style::panicked(panic)));
}

use std::process::ExitCode;
use std::time::Duration;

/// Something that keeps a command from being done. The text is for the person who called it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// A line each.
    details: Vec<String>,
    hint: Option<String>,
    /// What the program ends with; 1 where nobody says otherwise.
    status: Option<u8>,
}

impl std::error::Error for Failure {}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n{detail}"))
    }
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), details: Vec::new(), hint: None, status: None }
    }

    /// What it consists of.
    #[must_use]
    pub fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// The program ends with this status, unless one is said already.
    #[must_use]
    pub(crate) fn status(mut self, status: u8) -> Self {
        self.status = self.status.or(Some(status));
        self
    }

    /// What to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Calls that block, and that a command didn't wait for, get this long.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// Runs a command to its exit status.
pub fn run(arguments: Arguments) -> ExitCode {
    project::name(arguments.project);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(arguments.command.run());
            // A request that nobody waits for any more mustn't keep us.
            runtime.shutdown_timeout(LEFT_BEHIND);
            result
        }
        Err(error) => Err(Failure::new(format!("no runtime: {error}"))),
    };
    result.unwrap_or_else(|failure| {
        style::failure(&failure);
        failure.status.map_or(ExitCode::FAILURE, ExitCode::from)
    })
}
