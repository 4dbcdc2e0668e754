//! The arguments of `tidings capture`.

use crate::dev_client::DEV_PORT;
use crate::limits::{MAX_CAPTURE_TIME, MAX_CAPTURED};
use clap::Args;
use std::path::PathBuf;
use tidings_config::rules::Span;

#[derive(Debug, Args)]
#[command(
    after_help = "It runs the deployed receiver on 127.0.0.1 with an embedded cloud; a provider reaches it through your tunnel, \
        `tidings send` directly. Each delivery that verifies is written to a file such as 0001-stripe.json, without its \
        signature. Each value is replaced by a pseudonym of the same shape, unless it is known to contain no personal data: \
        docs/captures.md lists what is kept. --keep adds fields to that list.\n\n\
        It stops at --count, after --for, on Ctrl-C, or when the folder is full (64 MiB).\n\
        Exit status: 0 at least one delivery was recorded, 1 none was, or the folder is full, 2 invalid \
        arguments.\n\nExamples:\n  \
        tidings capture stripe --into captures/checkout --count 3 \\\n      --secrets secrets.json\n  \
        tidings capture whatsapp orders --into captures/day --for 1h \\\n      --secrets secrets.json    a person gets the same pseudonym in both\n  \
        tidings capture mailgun --preset --into captures/mail --keep subject\n  \
        tidings replay captures/checkout                          show their results"
)]
pub struct CaptureOptions {
    /// Sources of the project, or with --preset any providers
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// A new folder for the files
    #[arg(long, value_name = "FOLDER")]
    pub into: PathBuf,
    /// Stop after this number of recorded requests
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = count)]
    pub count: usize,
    /// Stop after this time, as in 10m or 1h
    #[arg(long = "for", value_name = "SPAN", default_value = "10m", value_parser = time)]
    pub time: Span,
    /// Port for webhooks on 127.0.0.1; 0: any free port
    #[arg(long, default_value_t = DEV_PORT)]
    pub port: u16,
    /// Take the providers' presets instead of configured sources
    #[arg(long)]
    pub preset: bool,
    /// The URL that the provider was given, for schemes that sign it
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Keep the values of fields of this name, in bodies, headers and queries, and of all fields below them
    #[arg(long, value_name = "FIELD")]
    pub keep: Vec<String>,
    /// Replace the values of fields of this name and of all fields below them, also words of rules and fields that
    /// --keep allows
    #[arg(long, value_name = "FIELD")]
    pub mask: Vec<String>,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets; the public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Print JSON, a line for each request
    #[arg(long)]
    pub json: bool,
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
