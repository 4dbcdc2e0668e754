//! Each command has a file or a folder. `page` reads the endpoint's own reports.

pub(crate) mod attack;
pub(crate) mod build;
pub(crate) mod capture;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod context;
pub(crate) mod cost;
pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod endpoints;
pub(crate) mod events;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod link;
pub(crate) mod man;
pub(crate) mod manual;
pub(crate) mod mcp;
pub(crate) mod pace;
pub(crate) mod page;
pub(crate) mod providers;
pub(crate) mod reconcile;
pub(crate) mod replay;
pub(crate) mod rotate;
pub(crate) mod rules;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod tenants;
#[cfg(test)]
mod tests;
pub(crate) mod upgrade;
pub(crate) mod verify;
pub(crate) mod when;

use crate::dev::{self, DevOptions};
use crate::style;
use crate::subcommands::subcommands;
use attack::AttackOptions;
use build::BuildOptions;
use capture::CaptureOptions;
use check::CheckOptions;
use clap::{CommandFactory, FromArgMatches, Parser};
use completions::CompletionsOptions;
use context::ContextCommand;
use cost::CostOptions;
use dlq::DlqCommand;
use doctor::DoctorOptions;
use endpoints::EndpointsCommand;
use events::EventsCommand;
use init::InitOptions;
use inspect::InspectOptions;
use link::LinkOptions;
use man::ManOptions;
use mcp::McpOptions;
use providers::ProvidersCommand;
use reconcile::ReconcileOptions;
use replay::ReplayOptions;
use rotate::RotateOptions;
use rules::RulesCommand;
use send::SendOptions;
use status::StatusOptions;
use std::ffi::OsString;
use std::path::PathBuf;
use tenants::TenantsCommand;
use tidings_core::telemetry::Escaped;
use upgrade::UpgradeOptions;
use verify::VerifyOptions;

/// Webhooks in, chatbot context out.
#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    about,
    after_help = "Examples:\n  \
        tidings dev --demo                       run the pipeline on this machine\n  \
        tidings send stripe                      send a signed event to it\n  \
        tidings verify stripe request.txt        check a captured request\n  \
        tidings send github --tamper signature   send a forged one\n  \
        tidings context show whatsapp:491713920012\n  \
        tidings events show stripe#evt_1TidingsCheckout1042 --stack tidings\n  \
        tidings events tail --stack tidings --state dead\n  \
        tidings status --stack tidings           health, alarms, backlog, rates\n  \
        tidings doctor --stack tidings           find problems"
)]
pub struct Arguments {
    /// Folder of the project; if left out, the nearest one with a sources.yaml, from here upwards
    #[arg(long, global = true, env = "TIDINGS_PROJECT", value_name = "DIR")]
    pub project: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Parses the program's arguments. If they are invalid, it prints the error and exits with 2. The error may quote a
    /// file name that another user chose, so the arguments are escaped first. `version` is the answer to `--version`.
    pub fn given(version: String) -> Self {
        // The program has one version, and clap keeps it as long as the program runs.
        let version: &'static str = version.leak();
        let parse = |given: Vec<OsString>| {
            let matches = Self::command().version(version).try_get_matches_from(given)?;
            Self::from_arg_matches(&matches)
        };
        parse(std::env::args_os().collect()).unwrap_or_else(|error| {
            if !error.use_stderr() {
                style::help(&error);
                std::process::exit(i32::from(style::is_output_lost()))
            }
            let escaped = std::env::args_os().map(|argument| Escaped(&argument.to_string_lossy()).to_string().into());
            match parse(escaped.collect()) {
                Err(error) => error.exit(),
                // The escaped arguments are valid: only the escaped characters were wrong.
                Ok(_) => style::note(&error.to_string()),
            }
            std::process::exit(2)
        })
    }
}

subcommands! {
    pub enum Command {
        /// Run the receiver and the processor here, on an embedded cloud
        Dev(options: DevOptions) => dev::run(options).await,
        /// Sign a realistic event and send it
        Send(options: SendOptions) => send::run(options).await,
        /// Show, correct, export or erase what the chatbot knows of a conversation
        #[command(subcommand)]
        Context(command: ContextCommand) => command.run().await,
        /// One screen: health, alarms, backlog, rates, and what to do next
        Status(options: StatusOptions) => status::run(options).await,
        /// Show a deployment in a browser: events with their whole story, conversations, dead letters, health
        Inspect(options: InspectOptions) => inspect::run(options).await,
        /// Offer these commands as tools to an MCP client, over standard input and output
        Mcp(options: McpOptions) => mcp::run(options).await,
        /// Check a project and its stack, before and after deploying
        Doctor(options: DoctorOptions) => doctor::run(options).await,
        /// What a month costs on AWS, item by item, and what the same events cost elsewhere
        Cost(options: CostOptions) => cost::run(options).await,
        /// Put a new secret of a source in front, or remove the old ones
        Rotate(options: RotateOptions) => rotate::run(options).await,
        /// Add, rotate, disable and remove the tenants of a source
        #[command(subcommand)]
        Tenants(command: TenantsCommand) => command.run().await,
        /// Link an identity to a conversation
        Link(options: LinkOptions) => link::run(options).await,
        /// Show an event, list the newest, or follow new ones
        #[command(subcommand)]
        Events(command: EventsCommand) => command.run().await,
        /// List, show, redrive or drop what is in the dead-letter queue
        #[command(subcommand)]
        Dlq(command: DlqCommand) => command.run().await,
        /// Register, show, test and repair the endpoints of outbound webhooks
        #[command(subcommand)]
        Endpoints(command: EndpointsCommand) => command.run().await,
        /// Show the known providers, and the evidence for each
        #[command(subcommand)]
        Providers(command: ProvidersCommand) => command.run().await,
        /// Check, test, explain and compare what rules.yaml does with events
        #[command(subcommand)]
        Rules(command: RulesCommand) => command.run().await,
        /// Check whether a captured request verifies, what the receiver would answer, and which events it contains
        Verify(options: VerifyOptions) => verify::run(options).await,
        /// Record deliveries as files for tests, without secrets and personal data
        Capture(options: CaptureOptions) => capture::run(options).await,
        /// Send hostile requests to a receiver of yours, and compare each answer with the right one
        Attack(options: AttackOptions) => attack::run(options).await,
        /// Replay recorded deliveries: here, with other rules, or against a running receiver; apply stored events again
        Replay(options: ReplayOptions) => replay::run(options).await,
        /// Find events that the provider has and that never arrived, and send them
        Reconcile(options: ReconcileOptions) => reconcile::run(options).await,
        /// Make a project: sources, rules, schemas, tests, and the files that deploy it
        Init(options: InitOptions) => init::run(&options),
        /// Check the whole project: sources, rules, schemas, tests, secrets.example.json, template, samconfig.toml
        Check(options: CheckOptions) => check::run(&options).await,
        /// Check the project, and write what its functions read when they start
        Build(options: BuildOptions) => build::run(&options),
        /// Compare template.yaml and samconfig.toml with those of this version, and update them
        Upgrade(options: UpgradeOptions) => upgrade::run(&options),
        /// Print a completion script for your shell
        Completions(options: CompletionsOptions) => completions::run(&options, Arguments::command()),
        /// Print a manual page, or write those of all commands
        Man(options: ManOptions) => man::run(&options, &Arguments::command()),
    }
}
