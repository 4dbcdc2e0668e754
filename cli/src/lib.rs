//! The `tidings` command line: run the pipeline here, send signed events, ask what became of them.
//!
//! Promises: every command reads only, but for `dev`, `send`, `replay --url`, `link`, `init`, `build` and, told so, `context set`, `context unset`,
//! `context erase`, `replay --apply`, `dlq redrive`, `dlq drop`, `upgrade`, `rotate` and `doctor --send`; `--json` on every command that says something; colour only on a terminal; an error says what was seen, what is allowed and what to do next.
//! Exit status: 0 done, 1 not done or not as expected, 2 called wrongly; `verify` ends with 1 only if it has looked. The project that a command works with: `project.rs`.

mod captures;
mod commands;
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
mod target;

pub use commands::Arguments;

/// What a panic says of itself, written as safely as everything else.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| style::panicked(panic)));
}

use crate::commands::Command;
use crate::commands::context::ContextCommand;
use crate::commands::dlq::DlqCommand;
use crate::commands::events::EventsCommand;
use crate::commands::providers::ProvidersCommand;
use crate::commands::rules::RulesCommand;
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(dispatch(arguments));
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

async fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    project::name(arguments.project);
    match arguments.command {
        Command::Dev(options) => dev::run(options).await,
        Command::Send(options) => commands::send::run(options).await,
        Command::Context(ContextCommand::Show(options)) => commands::context::show::run(options).await,
        Command::Context(ContextCommand::Set(options)) => commands::context::correct::set(options).await,
        Command::Context(ContextCommand::Unset(options)) => commands::context::correct::unset(options).await,
        Command::Context(ContextCommand::Export(options)) => commands::context::export::run(options).await,
        Command::Context(ContextCommand::Erase(options)) => commands::context::erase::run(options).await,
        Command::Dlq(DlqCommand::List(options)) => commands::dlq::list::run(options).await,
        Command::Dlq(DlqCommand::Show(options)) => commands::dlq::show::run(options).await,
        Command::Dlq(DlqCommand::Redrive(options)) => commands::dlq::redrive::run(options).await,
        Command::Dlq(DlqCommand::Drop(options)) => commands::dlq::drop::run(options).await,
        Command::Events(EventsCommand::Show(options)) => commands::events::show::run(options).await,
        Command::Events(EventsCommand::List(options)) => commands::events::list::run(options).await,
        Command::Events(EventsCommand::Tail(options)) => commands::events::tail::run(options).await,
        Command::Status(options) => commands::status::run(options).await,
        Command::Doctor(options) => commands::doctor::run(options).await,
        Command::Rotate(options) => commands::rotate::run(options).await,
        Command::Link(options) => commands::link::run(options).await,
        Command::Providers(ProvidersCommand::List(options)) => commands::providers::list(options),
        Command::Providers(ProvidersCommand::Show(options)) => commands::providers::show(options),
        Command::Rules(RulesCommand::Check(options)) => commands::rules::check::run(options),
        Command::Rules(RulesCommand::Test(options)) => commands::rules::test::run(options).await,
        Command::Rules(RulesCommand::Explain(options)) => commands::rules::explain::run(options).await,
        Command::Rules(RulesCommand::Diff(options)) => commands::rules::diff::run(options).await,
        Command::Verify(options) => commands::verify::run(options).await,
        Command::Capture(options) => commands::capture::run(options).await,
        Command::Replay(options) => commands::replay::run(options).await,
        Command::Init(options) => commands::init::run(&options),
        Command::Check(options) => commands::check::run(&options).await,
        Command::Build(options) => commands::build::run(&options),
        Command::Upgrade(options) => commands::upgrade::run(&options),
        Command::Completions { shell } => {
            commands::completions::completions(shell);
            Ok(ExitCode::SUCCESS)
        }
        Command::Man(options) => commands::man::run(options),
    }
}
