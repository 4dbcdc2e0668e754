//! What can be called, and how.

mod build;
mod captures;
mod check;
mod dev;
mod dlq;
mod events;
mod init;
mod man;
mod manual;
mod operate;
mod providers;
mod upgrade;

pub use build::BuildOptions;
pub use captures::{CaptureOptions, ReplayOptions};
pub use check::CheckOptions;
pub use dev::{DevAdvance, DevCommand, DevEnv};
pub use dlq::{DlqCommand, DlqDrop, DlqFilter, DlqList, DlqRedrive, DlqShow};
pub use events::{EventsCommand, EventsFilter, EventsList, EventsShow, EventsTail, When};
pub use init::{Example, InitOptions};
pub use man::ManOptions;
pub use manual::{Assignment, ContextSet, ContextUnset, ManualOptions};
pub use operate::{DoctorOptions, RotateOptions, StatusOptions, dev_aws_url, dev_url};
pub use providers::{ProvidersCommand, ProvidersList, ProvidersShow};
pub use upgrade::UpgradeOptions;

use crate::dev::actions::ActionsTo;
use crate::dev::local_apis::LocalApi;
use crate::style;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use tidings_core::telemetry::Escaped;
use tidings_events::Tamper;

/// Where `tidings dev` listens, and where `tidings send` sends to.
pub const DEV_PORT: u16 = 8787;

/// Webhooks in, chatbot context out.
#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    about,
    after_help = "Examples:\n  \
        tidings dev --demo                       watch the whole pipeline work, here\n  \
        tidings send stripe                      send a signed event to it\n  \
        tidings verify stripe request.txt        what becomes of a captured request, and why\n  \
        tidings send github --tamper signature   send a forged one\n  \
        tidings context show whatsapp:491713920012\n  \
        tidings events show stripe#evt_1TidingsCheckout1042 --stack tidings\n  \
        tidings events tail --stack tidings --state dead\n  \
        tidings status --stack tidings           health, alarms, backlog, rates, and what to do next\n  \
        tidings doctor --stack tidings           what is wrong, and what to do about it"
)]
pub struct Arguments {
    /// Folder of the project; the nearest one with a sources.yaml, from here upwards, if left out
    #[arg(long, global = true, env = "TIDINGS_PROJECT", value_name = "DIR")]
    pub project: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Those that the program was called with. Where they are wrong, that is said and the program ends with 2; an argument that is
    /// quoted then may be a file's name that somebody else chose, so they are escaped first. `version` is the answer to `--version`.
    pub fn given(version: String) -> Self {
        // The program has one version, and clap keeps it as long as the program runs.
        let version: &'static str = version.leak();
        let parse = |given: Vec<OsString>| {
            let matches = Self::command().version(version).try_get_matches_from(given)?;
            Self::from_arg_matches(&matches)
        };
        parse(std::env::args_os().collect()).unwrap_or_else(|error| {
            if !error.use_stderr() {
                error.exit();
            }
            let escaped = std::env::args_os().map(|argument| Escaped(&argument.to_string_lossy()).to_string().into());
            match parse(escaped.collect()) {
                Err(error) => error.exit(),
                // They are wrong for what was escaped alone.
                Ok(_) => style::note(&error.to_string()),
            }
            std::process::exit(2)
        })
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the receiver and the processor here, on an embedded cloud
    Dev(DevOptions),
    /// Sign a realistic event and send it
    Send(SendOptions),
    /// What the chatbot knows of a conversation: show it, correct it, export it, erase it
    #[command(subcommand)]
    Context(ContextCommand),
    /// One screen: health, alarms, backlog, rates, and what to do next
    Status(StatusOptions),
    /// Whether all is as it must be, before and after deploying
    Doctor(DoctorOptions),
    /// Put a new secret of a source in front, or take the old ones away
    Rotate(RotateOptions),
    /// Say whose conversation an identity is
    Link(LinkOptions),
    /// What became of events: one, the newest, those that come
    #[command(subcommand)]
    Events(EventsCommand),
    /// What is in the dead-letter queue, why, and how it comes back
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// The providers that are known, and what that rests on
    #[command(subcommand)]
    Providers(ProvidersCommand),
    /// What rules.yaml makes of events: check it, test it, explain it, compare it
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Whether a captured request verifies, what the receiver would answer, and which events would come of it
    Verify(VerifyOptions),
    /// Record deliveries as files for tests, without what is secret or personal
    Capture(CaptureOptions),
    /// Play recorded deliveries: here, by other rules, or against a running receiver; apply kept events again
    Replay(ReplayOptions),
    /// Make a project: sources, rules, schemas, tests, and what deploys it
    Init(InitOptions),
    /// Check the whole project: sources, rules, schemas, tests, secrets.example.json, template, samconfig.toml
    Check(CheckOptions),
    /// Check the project, and write what its functions read when they start
    Build(BuildOptions),
    /// Compare template.yaml and samconfig.toml with those of this version, and update them
    Upgrade(UpgradeOptions),
    /// Print a completion script for your shell
    Completions { shell: clap_complete::Shell },
    /// Print a manual page, or write those of all commands
    Man(ManOptions),
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        tidings dev                        listen, and show what became of each event\n  \
        tidings dev -v                     show each step of its way\n  \
        tidings dev --demo                 tell a story first: what arrives, what the bot says\n  \
        tidings dev --demo --exit          the same as a test: status 1 unless all came out right\n  \
        tidings dev --data .tidings        keep everything on disk\n  \
        tidings dev --presets              listen as every provider that is known\n  \
        tidings dev --actions-to http://127.0.0.1:3000/actions   post each action to your bot\n  \
        tidings dev --actions-to - | your-bot                    a line of JSON each\n  \
        tidings dev --actions-to queue     leave them in their queue, for an AWS SDK\n  \
        tidings dev --api orders=file:tests/api                  `enrich` reads files instead of the API\n  \
        tidings dev advance 45m            move the clock of the one that runs\n  \
        eval \"$(tidings dev env)\"         let an AWS SDK find the one that runs\n\n\
        With --data, what was answered 202 is on the disk: events, timers, dead letters and actions outlive kill -9, and a full disk \
        is answered 503. One `dev` uses a folder at a time. An action counts as said when its line was written.\n\
        Ctrl-C and SIGTERM finish what is in flight and end with 0; a second one ends at once (130, 143).\n\
        Webhooks need their signature, everything else the token that is printed: other commands of this machine find it."
)]
pub struct DevOptions {
    #[command(subcommand)]
    pub command: Option<DevCommand>,
    /// Send the corpus: real signatures, a duplicate, forged ones, a poison event
    #[arg(long)]
    pub demo: bool,
    /// Show each step of each event, and everything that the demo knows in the end
    #[arg(long, short)]
    pub verbose: bool,
    /// End after the demo; the status says whether all came out as the corpus says
    #[arg(long, requires = "demo")]
    pub exit: bool,
    /// Port for webhooks on 127.0.0.1; DynamoDB and SQS answer on the next one. 0: any two that are free
    #[arg(long, default_value_t = DEV_PORT)]
    pub port: u16,
    /// Keep tables, queues, timers and the clock in this folder, which only you can read; in memory if left out
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Keep events with their claims, as a stack with KeepEvents=true does: `tidings replay --endpoint-url` plays them again
    #[arg(long)]
    pub keep_events: bool,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets. A source that isn't in it has its public demo
    /// secret, if there is one
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Secrets of the APIs that rules fetch from: a JSON object from API to a secret
    #[arg(long, value_name = "FILE")]
    pub api_secrets: Option<PathBuf>,
    /// Fetch from this API on this machine: NAME=http://127.0.0.1:PORT, or NAME=file:DIR. rules.yaml stays as it is deployed
    #[arg(long = "api", value_name = "NAME=URL")]
    pub local_apis: Vec<LocalApi>,
    /// Who takes the actions: `terminal` shows them, `-` prints each as a line of JSON on standard output (all else is on standard
    /// error), an address gets each as a POST, `queue` leaves them for an AWS SDK
    #[arg(long, alias = "actions", value_name = "WHERE", default_value = "terminal")]
    pub actions_to: ActionsTo,
    /// Listen as every preset too, under its own name: for trying a provider before it is configured. Without --secrets each has
    /// its public demo secret, which is that of its first vector
    #[arg(long)]
    pub presets: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings send stripe                      a new event each time\n  \
        tidings send stripe --same               the same event: a duplicate at the second time\n  \
        tidings send stripe --set data.object.amount_total=500\n  \
        tidings send slack --tamper timestamp\n  \
        tidings send orders --file my-order.json --url https://abc123.execute-api.eu-central-1.amazonaws.com --secrets secrets.json\n  \
        tidings send mailgun --preset            any provider, to `tidings dev --presets`\n  \
        tidings send --capture captures/0001-stripe.json   what `tidings capture` has recorded\n  \
        tidings send shopify --lambda > event.json && sam local invoke Receiver --event event.json\n  \
        tidings send --list")]
pub struct SendOptions {
    /// A source of the project, or with --preset any provider: a new event of its most typical kind
    #[arg(required_unless_present_any = ["case", "list", "capture"], conflicts_with = "case")]
    pub provider: Option<String>,
    /// Take the provider's preset instead of a configured source: its request is one of the preset's vectors, signed again
    #[arg(long, conflicts_with_all = ["case", "list"])]
    pub preset: bool,
    /// One case of the corpus instead
    #[arg(long, value_name = "NAME")]
    pub case: Option<String>,
    /// A delivery that `tidings capture` has recorded instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["provider", "case", "preset", "file"])]
    pub capture: Option<PathBuf>,
    /// List the cases of the corpus
    #[arg(long)]
    pub list: bool,
    /// Where to: the address before /webhooks/…
    #[arg(long, default_value_t = dev_url(), env = "TIDINGS_URL")]
    pub url: String,
    /// Another body
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Set a field of the body before it is signed, as in data.object.amount=5: JSON where the value is JSON, else a text
    #[arg(long = "set", value_name = "PATH=VALUE", conflicts_with = "list")]
    pub set: Vec<String>,
    /// Send the very same event again, which is a duplicate at the second time. Without it a source's event has a new id and the
    /// time of now
    #[arg(long, conflicts_with_all = ["new", "list"])]
    pub same: bool,
    /// Make a new event of a case, a file or a capture too; without it they are sent as they are
    #[arg(long, conflicts_with = "list")]
    pub new: bool,
    /// Make it one that mustn't be accepted
    #[arg(long, value_enum)]
    pub tamper: Option<TamperWith>,
    /// Further or other headers, added before it is signed
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub headers: Vec<String>,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets. The public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Sign it, print it, say what the receiver would answer, send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print it as the event that API Gateway gives to the receiver, send nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub lambda: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What is tampered with.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TamperWith {
    /// Signed with another secret
    Signature,
    /// Signed too long ago
    Timestamp,
    /// Changed after it was signed
    Body,
}

impl From<TamperWith> for Tamper {
    fn from(with: TamperWith) -> Self {
        match with {
            TamperWith::Signature => Self::Signature,
            TamperWith::Timestamp => Self::Timestamp,
            TamperWith::Body => Self::Body,
        }
    }
}

/// Which deployment is asked.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// A deployed stack; `tidings dev` if left out
    #[arg(long, env = "TIDINGS_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// Where the AWS API is, for an emulated cloud or a `dev` on another port
    #[arg(long, env = "TIDINGS_ENDPOINT_URL", value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

/// Which deployment is asked, and how it is answered.
#[derive(Clone, Debug, Args)]
pub struct TargetOptions {
    #[command(flatten)]
    pub at: Place,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

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

#[derive(Debug, Args)]
#[command(after_help = "The document's form, and what it holds: docs/privacy.md\n\nExamples:\n  \
        tidings context export whatsapp:491713920012\n  \
        tidings context export whatsapp:491713920012 --stack tidings --output export.json")]
pub struct ContextExport {
    /// As rules.yaml and the presets name it
    pub conversation: String,
    /// Write it to a new file, which only you can read, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "What goes, what stays, and what it can't reach: docs/privacy.md\n\nExamples:\n  \
        tidings context erase whatsapp:491713920012 --stack tidings          say what would go\n  \
        tidings context erase whatsapp:491713920012 --stack tidings --yes    delete it")]
pub struct ContextErase {
    /// As rules.yaml and the presets name it
    pub conversation: String,
    /// Do it. There is no way back
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings context show whatsapp:491713920012\n  \
        tidings context show slack:C0SUPPORT1 --stack tidings --json")]
pub struct ContextShow {
    /// As rules.yaml and the presets name it
    pub conversation: String,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings link customer:cus_123 whatsapp:491713920012\n  \
        tidings link order:1042 whatsapp:491713920012 --stack tidings\n  \
        tidings link phone:491713920012 whatsapp:4915112345678 --move")]
pub struct LinkOptions {
    /// As `identity` of rules.yaml gives it
    pub identity: String,
    /// As `conversation` of rules.yaml gives it
    pub conversation: String,
    /// Also if the identity belongs to another conversation until now, as after a change of number. What is known there stays
    /// there
    #[arg(long = "move")]
    pub moves: bool,
    /// Where `tidings dev` is, if it isn't a stack that is asked
    #[arg(long, default_value_t = dev_url(), env = "TIDINGS_URL")]
    pub url: String,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The request is a file: a raw HTTP request (headers, an empty line, the body), a HAR, a curl command (as browsers copy \
        it for bash), an API Gateway event, or what `tidings send --dry-run` prints. Of it nothing is printed but \
        what its events are called, and no secret. The answer is that of the receiver itself, which runs over stores in memory.\n\
        Exit status: 0 it verifies, is answered with a 2xx, and its events can be read, 1 it is refused or unreadable, 2 it couldn't be looked at: called wrongly, no such file or source, not a request, \
        no secret, or the provider's key is needed and isn't here.\n\nExamples:\n  \
        tidings verify stripe request.txt --secrets secrets.json\n  \
        tidings send stripe --dry-run --json > request.json && tidings verify stripe request.json\n  \
        tidings verify github --preset captured.har --entry 3 --secrets secrets.json --at 2026-11-20T10:00:00Z\n  \
        tidings verify twilio --preset request.txt --secrets secrets.json --public-url https://hooks.example/webhooks/twilio\n  \
        tidings verify aws-sns --preset request.txt --secrets secrets.json --fetch-keys"
)]
pub struct VerifyOptions {
    /// A source of the project, or with --preset any provider
    pub source: String,
    /// The captured request; standard input if it is -
    pub request: PathBuf,
    /// Which entry of a HAR, counted from 1; its first POST if left out
    #[arg(long, value_name = "NUMBER")]
    pub entry: Option<usize>,
    /// Take the provider's preset instead of a configured source
    #[arg(long)]
    pub preset: bool,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets. The public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Our clock at the time, RFC 3339; now if left out
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The URL that the provider was given, for schemes that sign it
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// The provider's certificate (PEM) or key set (JSON), for schemes whose key is published
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Show what the scheme signs of this request, byte for byte, so that it can be held beside what was signed
    #[arg(long)]
    pub show_signed: bool,
    /// Fetch it from where the provider publishes it
    #[arg(long, conflicts_with = "key")]
    pub fetch_keys: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which rules.
#[derive(Clone, Debug, Args)]
pub struct RulesFile {
    /// The rules; the project's rules.yaml if left out. Schemas are those of a folder schemas beside it, or else the project's
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The sources that they name; the project's sources.yaml if left out
    #[arg(long, value_name = "FILE")]
    pub sources: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// What is wrong with them, what can never happen, which fields may be missing, and what expressions cost
    Check(RulesCheck),
    /// Given events, expected contexts and actions
    Test(RulesTest),
    /// Which rules are about an event, and why the others aren't
    Explain(RulesExplain),
    /// What other rules would make of the same events
    Diff(RulesDiff),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidings rules check\n  tidings rules check --rules new.yaml --json")]
pub struct RulesCheck {
    #[command(flatten)]
    pub file: RulesFile,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The files' form: docs/testing-rules.md. An event that dies fails its test unless the test expects it.\n\nExamples:\n  \
        tidings rules test\n  \
        tidings rules test tests/orders.yaml --rules new.yaml"
)]
pub struct RulesTest {
    /// Files, or folders of them; the project's tests if left out
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub file: RulesFile,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings rules explain orders-shipped-late\n  \
        tidings rules explain message.json --rules new.yaml\n  \
        tidings rules explain orders#ord-evt-3666\n  \
        tidings rules explain orders#ord-evt-3666 --stack tidings              as it is on record there\n  \
        tidings rules explain orders#ord-evt-3666 --endpoint-url http://127.0.0.1:8788")]
pub struct RulesExplain {
    /// A case of the corpus, a claim key of one of its events, or a file: an envelope, a batch as SQS gives it, or a captured delivery. With --stack or
    /// --endpoint-url a claim key of an event there
    pub event: String,
    #[command(flatten)]
    pub at: Place,
    #[command(flatten)]
    pub file: RulesFile,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Over what a stack has had: tidings replay --stack S --against FILE --diff, of the events that it has kept (KeepEvents=true), \
        or with --dlq of those that died.\n\nExamples:\n  \
        tidings rules diff --against new.yaml\n  \
        git show HEAD~1:./rules.yaml > old.yaml && tidings rules diff --rules old.yaml --against rules.yaml"
)]
pub struct RulesDiff {
    /// The other rules
    #[arg(long, value_name = "FILE")]
    pub against: PathBuf,
    /// Events instead of the corpus': envelopes, batches as SQS gives them, or captured deliveries
    #[arg(long = "events", value_name = "FILE")]
    pub events: Vec<PathBuf>,
    #[command(flatten)]
    pub file: RulesFile,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_arguments_hold_together() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    /// Pages tell people what to call at three in the morning.
    #[test]
    fn the_docs_name_commands_that_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let docs = std::fs::read_dir(root.join("docs")).expect("the docs").map(|entry| entry.expect("an entry").path());
        let pages: Vec<PathBuf> =
            docs.filter(|path| path.is_file()).chain([root.join("README.md"), root.join("events/README.md")]).collect();
        let command = <Arguments as clap::CommandFactory>::command();
        let mut named = 0;
        for page in pages {
            let text = std::fs::read_to_string(&page).expect("a page");
            let after = text.split("`tidings ").skip(1).chain(text.lines().filter_map(|line| line.strip_prefix("tidings ")));
            for words in after.map(|rest| rest.split(['`', '\n', ' ']).collect::<Vec<_>>()) {
                let Some(word) = words.first().filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
                else {
                    continue;
                };
                let found =
                    command.find_subcommand(word).unwrap_or_else(|| panic!("{}: no command `tidings {word}`", page.display()));
                let second = words.get(1).filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
                if let Some(second) = second.filter(|_| found.has_subcommands()) {
                    assert!(found.find_subcommand(second).is_some(), "{}: no command `tidings {word} {second}`", page.display());
                }
                named += 1;
            }
        }
        assert!(named > 30, "{named} commands were found in the docs");
    }
}
