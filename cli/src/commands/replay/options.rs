//! The arguments of `tidings replay`.

use crate::commands::dlq::DlqFilter;
use crate::commands::rules::RulesFile;
use crate::commands::when::When;
use crate::confirm::Confirm;
use crate::target::Place;
use clap::{ArgGroup, Args};
use std::path::PathBuf;
use tidings_config::rules::TypePattern;
use tidings_core::manual::BatchName;

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("changes").args(["url", "apply"]),
    after_help = "Without --url nothing leaves this machine: the deliveries are signed with demo secrets and processed by the \
        deployed receiver and processor code, with stores in memory. With --url they are signed and sent, as the provider \
        does.\n\n\
        With --stack it replays the stack's stored events: those processed since it was deployed with KeepEvents=true, up to 64 \
        KiB each, for 30 days; at most 1,000, in the order in which they were processed. --since and --until are then times of \
        processing. Without --conversation or --key the whole claims table is read, which is billed. --dlq replays the \
        dead-letter queue, and --reason filters it. Nothing changes in the stack, unless --apply is given.\n\n\
        --apply changes contexts: it removes what each event wrote, and applies the rules to the event again, at the event's \
        place in the order. --reason is then recorded. See docs/operating.md.\n\n\
        Exit status: 0 all were accepted and none was dead-lettered, or nothing differs; 1 otherwise; 2 invalid \
        arguments.\n\nExamples:\n  \
        tidings replay captures/checkout\n  \
        tidings replay captures/checkout --against new.yaml --diff\n  \
        tidings replay captures/checkout/0001-stripe.json --url http://127.0.0.1:8787\n  \
        tidings replay captures/checkout --url https://hooks.example \\\n      --secrets secrets.json --rate 5 --yes\n  \
        tidings replay --stack tidings --since 2h --against new.yaml --diff\n  \
        tidings replay --stack tidings --conversation whatsapp:491713920012\n  \
        tidings replay --apply --stack tidings --since 1d --type 'order.*'    dry run\n  \
        tidings replay --apply --stack tidings --since 1d --type 'order.*' \\\n      --as status-fix --reason 'wrong status' --yes\n  \
        tidings replay --dlq --stack tidings --reason set.total \\\n      --against new.yaml --diff"
)]
pub struct ReplayOptions {
    /// Files that `tidings capture` has written, or folders of them
    #[arg(value_name = "FILE_OR_FOLDER", required_unless_present_any = ["dlq", "stack", "endpoint_url"])]
    pub from: Vec<PathBuf>,
    /// Replay with these rules
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub against: Option<PathBuf>,
    /// Print only the differences from what --rules do
    #[arg(long, requires = "against")]
    pub diff: bool,
    /// Sign them again and send them to this address, before /webhooks/…: a `tidings dev`, or a stack
    #[arg(long)]
    pub url: Option<String>,
    /// Webhook secrets to sign with: a JSON object from source to a secret or a list of secrets; the public demo
    /// secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Deliveries a second, at most; with --apply events
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub rate: u32,
    /// Apply the stored events of a stack to its contexts again, with the rules of --rules; facts only, and without
    /// --yes a dry run
    #[arg(long, conflicts_with_all = ["from", "dlq", "url", "against", "diff"])]
    pub apply: bool,
    /// With --apply: under this name each event is applied once, however often the command runs
    #[arg(long = "as", value_name = "NAME", requires = "apply")]
    pub batch: Option<BatchName>,
    /// With --apply: who you are, for the record; the user's name if left out. For a stack, the ARN of the AWS
    /// credentials is added
    #[arg(long, value_name = "NAME", requires = "apply")]
    pub by: Option<String>,
    /// With --apply: also cause their actions and links again, so that texts are sent again
    #[arg(long, requires = "apply")]
    pub with_actions: bool,
    /// With --apply: also apply their counts again
    #[arg(long, requires = "apply")]
    pub with_counts: bool,
    #[command(flatten)]
    pub confirm: Confirm,
    /// Replay what is in the dead-letter queue of --stack; the queue doesn't change
    #[arg(long, conflicts_with_all = ["url", "from"])]
    pub dlq: bool,
    #[command(flatten)]
    pub filter: ReplayFilter,
    #[command(flatten)]
    pub at: Place,
    #[command(flatten)]
    pub file: RulesFile,
}

/// Selects the events of a stack. An event must match all that are given.
#[derive(Clone, Debug, Default, Args)]
pub struct ReplayFilter {
    /// Processed at this time or later, with --dlq dead-lettered: RFC 3339, or how long ago, as in 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Processed at this time or before, with --dlq dead-lettered
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Events of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Events of a type, as rules.yaml names it: order.shipped, order.*
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<TypePattern>,
    /// With --apply: why, for the record. With --dlq: a part of the reason, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Events of this conversation
    #[arg(long, value_name = "NAME")]
    pub conversation: Option<String>,
    /// The event with this claim key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

impl ReplayFilter {
    /// The same for the dead-letter queue.
    pub(super) fn dead_letters(&self) -> DlqFilter {
        let Self { since, until, source, event_type, reason, conversation, key } = self.clone();
        DlqFilter { since, until, source, event_type, reason, conversation, key }
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { since, until, source, event_type, reason, conversation, key } = self;
        let texts = [source, reason, conversation, key];
        since.is_none() && until.is_none() && event_type.is_none() && texts.iter().all(|text| text.is_none())
    }
}
