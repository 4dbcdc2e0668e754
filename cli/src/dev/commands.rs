//! Commands for a running `dev`: `tidings dev advance` and `tidings dev env`.

use super::clock::MAX_ADVANCE;
use crate::Failure;
use crate::dev_client::about::{advance, ask};
use crate::dev_client::aws::environment;
use crate::dev_client::dev_url;
use crate::dev_client::token::Token;
use crate::style::{FAINT, GOOD, data, data_of, paint, say};
use crate::subcommands::subcommands;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;
use tidings_config::rules::Span;

subcommands! {
    pub enum DevCommand {
        /// Advance the clock of a running `dev`: timers, joins and quiet hours act as if that time had passed
        Advance(options: DevAdvance) => advance_clock(options).await,
        /// Print the environment variables with which an AWS SDK finds the queues and tables of a running `dev`
        Env(options: DevEnv) => env(options).await,
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "It advances the clock of the receiver, the processor and the queues, which can't be moved back; with --data \
        the clock keeps its time after a restart. A signature is accepted if it is valid by that clock or by this machine's, so \
        both `tidings send` and a provider are accepted.\n\nExamples:\n  \
        tidings dev advance 45m       a join that waits for 45 minutes runs out\n  \
        tidings dev advance 12h       the quiet hours are over\n  \
        tidings dev advance 1d --url http://127.0.0.1:9700"
)]
pub struct DevAdvance {
    /// Duration, as in 90s, 45m, 12h, 7d
    #[arg(value_name = "SPAN", value_parser = by)]
    pub by: Span,
    /// Address of `tidings dev`
    #[arg(long, default_value_t = dev_url(), env = "TIDINGS_URL")]
    pub url: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        eval \"$(tidings dev env)\"\n  \
        aws sqs receive-message --endpoint-url \"$AWS_ENDPOINT_URL_SQS\" \\\n    --queue-url \"$ACTIONS_QUEUE_URL\" --attribute-names All\n  \
        tidings dev env --json")]
pub struct DevEnv {
    /// Address of `tidings dev`
    #[arg(long, default_value_t = dev_url(), env = "TIDINGS_URL")]
    pub url: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn by(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if span.duration() <= MAX_ADVANCE { Ok(span) } else { Err(format!("allowed: at most {}", Span::new(MAX_ADVANCE))) }
}

async fn advance_clock(options: DevAdvance) -> Result<ExitCode, Failure> {
    let known = advance(&options.url, options.by.duration()).await?;
    if options.json {
        data_of(&known)?;
    } else {
        let ahead = Span::new(Duration::from_secs(known.ahead_seconds));
        say!("{} the clock is at {}, {ahead} ahead", paint(GOOD, "advanced"), known.now);
        say!("{}", paint(FAINT, "timers that are due are processed now; `tidings dev` shows the results"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn env(options: DevEnv) -> Result<ExitCode, Failure> {
    const HINT: &str = "is `tidings dev` running? start it, or give its address with --url";
    let known = ask(&options.url).await;
    let found = known.and_then(|known| Some((Token::of(&options.url)?, known)));
    let (token, known) = found.ok_or_else(|| Failure::new(format!("no `tidings dev` responds at {}", options.url)).hint(HINT))?;
    let environment = environment(&known.aws, token.as_str());
    if options.json {
        let object: serde_json::Map<String, Value> =
            environment.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        data(&object.into());
    } else {
        environment.iter().for_each(|(name, value)| say!("export {name}={value}"));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::by;

    #[test]
    fn the_clock_moves_ahead_and_no_further_than_its_bound() {
        assert!(by("1s").is_ok() && by("400d").is_ok());
        for bad in ["401d", "0s", "-5m", "45", ""] {
            assert!(by(bad).is_err(), "{bad}");
        }
    }
}
