//! The `tidings` command line: runs the pipeline locally, sends signed events, and shows their results.
//!
//! Promises: every command is read-only, except `dev`, `send`, `replay --url`, `link`, `init`, `build`, `reconcile --send` and, with
//! `--yes`, `context set`, `context unset`, `context erase`, `replay --apply`, `dlq redrive`, `dlq drop`, `upgrade`,
//! `rotate` and `doctor --send`. `mcp --allow-write` asks for a token instead. Every command with output has `--json`. Colour is only for terminals. An error says
//! what was seen, what is allowed and what to do next. Exit status: 0 done; 1 not done or not as expected; 2 wrong
//! usage. `verify` ends with 1 only if it could check the request. `project.rs` describes which project a command uses.

mod arguments;
mod captures;
mod clients;
mod commands;
pub mod confirm;
pub mod cost;
mod delivery;
pub mod dev;
mod dev_client;
mod facts;
mod fence;
mod files;
#[cfg(test)]
mod fuzz;
mod inspector;
pub mod limits;
mod one_thread;
pub mod project;
pub mod silence;
mod sources;
pub mod stack;
mod style;
mod subcommands;
mod target;

pub use commands::Arguments;

/// Prints panics escaped, like all other output.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| style::panicked(panic)));
}

use std::process::ExitCode;
use std::time::Duration;

/// The reason why a command failed, for its user.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// One line each.
    details: Vec<String>,
    hint: Option<String>,
    /// The exit status. Default: 1.
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

    /// Adds the details of the failure.
    #[must_use]
    pub fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// Sets the exit status, unless it is already set.
    #[must_use]
    pub(crate) fn status(mut self, status: u8) -> Self {
        self.status = self.status.or(Some(status));
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// How long blocking calls that a command left behind may take.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// Runs a command and returns its exit status.
pub fn run(arguments: Arguments) -> ExitCode {
    project::name(arguments.project);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(arguments.command.run());
            // A request without a waiting command mustn't delay the exit.
            runtime.shutdown_timeout(LEFT_BEHIND);
            result
        }
        Err(error) => Err(Failure::new(format!("no runtime: {error}"))),
    };
    match result {
        Ok(_) if style::is_output_lost() => ExitCode::FAILURE,
        Ok(status) => status,
        Err(failure) => {
            style::failure(&failure);
            failure.status.map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}
