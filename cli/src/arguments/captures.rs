//! Deliveries as files: `tidings capture` and `tidings replay`, as they are called.

use super::{DEV_PORT, DlqFilter, Place, RulesFile};
use clap::{ArgGroup, Args};
use std::path::PathBuf;
use tidings_config::limits::{MAX_CAPTURE_TIME, MAX_CAPTURED};
use tidings_config::rules::Span;
use tidings_core::manual::BatchName;

#[derive(Debug, Args)]
#[command(
    after_help = "It listens on 127.0.0.1 with the receiver as it is deployed, on an embedded cloud; a provider reaches it by your tunnel, \
        `tidings send` directly. Each delivery that verifies becomes a file, 0001-stripe.json, without its signature. Every value has \
        a pseudonym of its shape, unless it is known to tell nothing about anybody: docs/captures.md says what stays. --keep adds to that.\n\n\
        It ends with --count, --for, Ctrl-C, or when the folder is full (64 MiB).\n\
        Exit status: 0 something was recorded, 1 nothing was, or the folder is full, 2 called wrongly.\n\nExamples:\n  \
        tidings capture stripe --into captures/checkout --count 3 --secrets secrets.json\n  \
        tidings capture whatsapp orders --into captures/day --for 1h --secrets secrets.json    the same person is the same in both\n  \
        tidings capture mailgun --preset --into captures/mail --keep subject\n  \
        tidings replay captures/checkout                                                       what becomes of them"
)]
pub struct CaptureOptions {
    /// Sources of the project, or with --preset any providers
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// A new folder for the files
    #[arg(long, value_name = "FOLDER")]
    pub into: PathBuf,
    /// End when so many are recorded
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = count)]
    pub count: usize,
    /// End after this time, as in 10m or 1h
    #[arg(long = "for", value_name = "SPAN", default_value = "10m", value_parser = time)]
    pub time: Span,
    /// Port for webhooks on 127.0.0.1; 0: any that is free
    #[arg(long, default_value_t = DEV_PORT)]
    pub port: u16,
    /// Take the providers' presets instead of configured sources
    #[arg(long)]
    pub preset: bool,
    /// The URL that the provider was given, for schemes that sign it
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Leave the values of fields of this name as they are, in bodies, headers and queries, with all that is below them
    #[arg(long, value_name = "FIELD")]
    pub keep: Vec<String>,
    /// Replace all values of fields of this name, and of all that is below them: words of rules and what --keep allows, too
    #[arg(long, value_name = "FIELD")]
    pub mask: Vec<String>,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets. The public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Print JSON, a line for each request
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("changes").args(["url", "apply"]),
    after_help = "Without --url nothing leaves this machine: the deliveries are signed with demo secrets and go through the receiver and the \
        processor as they are deployed, over stores in memory. With --url they are signed and sent, as their provider would.\n\n\
        Of a stack its timeline can be replayed, as far as its events are kept: those that were processed since it was deployed with \
        KeepEvents=true, up to 64 KiB each, for 30 days; the first 1,000, in the order in which they were processed. --since and \
        --until are then times of processing. Without --conversation or --key the whole claims table is read, and billed so. What \
        died is in the dead-letter queue: --dlq, and --reason with it. Nothing changes in the stack, unless --apply is given.\n\n\
        --apply writes: what each event wrote before goes, and the rules decide again, where it stood among others. --reason \
        is then why, for the record. docs/operating.md\n\n\
        Exit status: 0 all were accepted and none died, or nothing differs; 1 not; 2 called wrongly.\n\nExamples:\n  \
        tidings replay captures/checkout\n  \
        tidings replay captures/checkout --against new.yaml --diff\n  \
        tidings replay captures/checkout/0001-stripe.json --url http://127.0.0.1:8787\n  \
        tidings replay captures/checkout --url https://hooks.example --secrets secrets.json --rate 5 --yes\n  \
        tidings replay --stack tidings --since 2h --against new.yaml --diff\n  \
        tidings replay --stack tidings --conversation whatsapp:491713920012\n  \
        tidings replay --apply --stack tidings --since 1d --type 'order.*'                     say what would change\n  \
        tidings replay --apply --stack tidings --since 1d --type 'order.*' --as status-fix --reason 'wrong status' --yes\n  \
        tidings replay --dlq --stack tidings --reason set.total --against new.yaml --diff"
)]
pub struct ReplayOptions {
    /// What `tidings capture` has written: files, or folders of them
    #[arg(value_name = "FILE_OR_FOLDER", required_unless_present_any = ["dlq", "stack", "endpoint_url"])]
    pub from: Vec<PathBuf>,
    /// Play them by these rules
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub against: Option<PathBuf>,
    /// Say only what those rules make of them otherwise than --rules do
    #[arg(long, requires = "against")]
    pub diff: bool,
    /// Sign them anew and send them to this address, before /webhooks/…: a `tidings dev`, or a stack
    #[arg(long)]
    pub url: Option<String>,
    /// Webhook secrets to sign with: a JSON object from source to a secret or a list of secrets. The public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Deliveries a second, at most; with --apply events
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub rate: u32,
    /// Apply the events that a stack has kept once more, to its contexts, by the rules of --rules. Facts only; without --yes a dry run
    #[arg(long, conflicts_with_all = ["from", "dlq", "url", "against", "diff"])]
    pub apply: bool,
    /// With --apply: under this name each event is applied once, however often it is asked for
    #[arg(long = "as", value_name = "NAME", requires = "apply")]
    pub batch: Option<BatchName>,
    /// With --apply: who you are, for the record; the user's name if left out. Of a stack, AWS adds whose credentials these are
    #[arg(long, value_name = "NAME", requires = "apply")]
    pub by: Option<String>,
    /// With --apply: cause their actions and links again, too, so that what was said is said again
    #[arg(long, requires = "apply")]
    pub with_actions: bool,
    /// With --apply: count once more what they count
    #[arg(long, requires = "apply")]
    pub with_counts: bool,
    /// Send them to another machine; with --apply apply them (without it: dry run)
    #[arg(long, requires = "changes")]
    pub yes: bool,
    /// Replay what is in the dead-letter queue of --stack, which stays as it is
    #[arg(long, conflicts_with_all = ["url", "from"])]
    pub dlq: bool,
    #[command(flatten)]
    pub filter: DlqFilter,
    #[command(flatten)]
    pub at: Place,
    #[command(flatten)]
    pub file: RulesFile,
}

fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_CAPTURED).contains(number));
    number.ok_or_else(|| format!("allowed: 1 to {MAX_CAPTURED}"))
}

fn time(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if span.duration() > MAX_CAPTURE_TIME { Err(format!("allowed: up to {}", Span::new(MAX_CAPTURE_TIME))) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_on_both_sides() {
        assert_eq!((count("1"), count("1000")), (Ok(1), Ok(MAX_CAPTURED)));
        for bad in ["0", "1001", "many"] {
            assert!(count(bad).unwrap_err().contains("1 to 1000"), "{bad}");
        }
        assert!(time("24h").is_ok() && time("1d").is_ok() && time("25h").unwrap_err().contains("up to 1d"));
    }
}
