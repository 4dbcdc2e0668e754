//! What operators call beside the events: `tidings status`, `tidings doctor` and `tidings rotate`.

use super::{DEV_PORT, TargetOptions};
use clap::{ArgGroup, Args};
use std::path::PathBuf;
use tidings_config::limits::{MAX_STATUS_SPAN, MIN_STATUS_SPAN};
use tidings_config::rules::Span;

#[derive(Debug, Args)]
#[command(
    after_help = "One screen: the endpoint, the alarms that fire, what waits, how much came, and what to do next, the worst first. It \
        reads only. What can't be read is said, with the permission that it needs; the rest is shown all the same.\n\
        Exit status: 0 healthy, 1 something is wrong or can't be read, 2 called wrongly.\n\nExamples:\n  \
        tidings status                              of a running `tidings dev`\n  \
        tidings status --stack tidings\n  \
        tidings status --stack tidings --over 24h\n  \
        tidings status --stack tidings --json | jq -r '.next[].do'"
)]
pub struct StatusOptions {
    /// Count over this time, as in 15m, 1h or 24h
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = over)]
    pub over: Span,
    /// The address before /webhooks/…; the stack's own, or that of `tidings dev`, if left out
    #[arg(long, env = "TIDINGS_URL", value_name = "URL")]
    pub url: Option<String>,
    #[command(flatten)]
    pub target: TargetOptions,
}

fn over(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if (MIN_STATUS_SPAN..=MAX_STATUS_SPAN).contains(&span.duration()) {
        Ok(span)
    } else {
        Err(format!("allowed: {} to {}", Span::new(MIN_STATUS_SPAN), Span::new(MAX_STATUS_SPAN)))
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "A line a check: ✓ good, ✗ not, with what to do next, – not looked at, with why. Nothing is changed without --send.\n\
        Exit status: 0 no ✗, 1 at least one, 2 called wrongly.\n\nExamples:\n  \
        tidings doctor                              of a running `tidings dev`\n  \
        tidings doctor --stack tidings\n  \
        tidings doctor --stack tidings --url https://hooks.example\n  \
        tidings doctor --stack tidings --send       and an event's way from end to end; it leaves facts in a context"
)]
pub struct DoctorOptions {
    /// The address before /webhooks/…; the stack's own, or that of `tidings dev`, if left out
    #[arg(long, env = "TIDINGS_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Send a signed event of the corpus, and wait until it is processed
    #[arg(long)]
    pub send: bool,
    /// Which event that is; the first whose source has a secret if left out
    #[arg(long, value_name = "NAME", requires = "send")]
    pub case: Option<String>,
    /// Webhook secrets, if they aren't the stack's own or, of `tidings dev`, the public demo secrets
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// Where `tidings dev` is.
pub fn dev_url() -> String {
    format!("http://127.0.0.1:{DEV_PORT}")
}

/// Where its DynamoDB and SQS are.
pub fn dev_aws_url() -> String {
    format!("http://127.0.0.1:{}", DEV_PORT + 1)
}

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["secret_file", "generate", "drop_old"]),
    after_help = "Step by step, with what to do at the provider: docs/rotation.md. Secrets are never printed, but for one that was \
        generated: once, to a terminal or into a file.\n\nExamples:\n  \
        tidings rotate stripe --stack tidings --secret-file new.txt               say what would change\n  \
        tidings rotate stripe --stack tidings --secret-file new.txt --yes         put it in front\n  \
        tidings rotate orders --stack tidings --generate --output new.txt --yes   choose one\n  \
        tidings rotate orders --stack tidings --drop-old --yes                    when SecretAgeIndex is silent"
)]
pub struct RotateOptions {
    /// A source of the project
    pub source: String,
    /// The new secret, from a file; standard input if it is -. A line feed at its end doesn't count
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// A new secret of 32 random bytes in hex, where it is you who chooses
    #[arg(long)]
    pub generate: bool,
    /// Take away all but the newest
    #[arg(long)]
    pub drop_old: bool,
    /// Write the generated secret to a new file, which only you can read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "drop_old"])]
    pub output: Option<PathBuf>,
    /// Do it
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[cfg(test)]
mod tests {
    use super::over;

    #[test]
    fn the_time_that_is_counted_over_has_bounds() {
        for good in ["5m", "300s", "1h", "24h", "1d"] {
            assert!(over(good).is_ok(), "{good}");
        }
        for bad in ["299s", "86401s", "2d"] {
            assert_eq!(over(bad), Err("allowed: 5m to 1d".to_owned()), "{bad}");
        }
        assert!(over("soon").is_err_and(|said| said.contains("write it as")));
    }
}
