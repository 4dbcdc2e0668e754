//! `tidings status`: one screen of a whole stack, and what to do next.
//!
//! Promises: it shows everything that can be read, even if other parts can't. For a part that can't be read, it shows
//! the required permission and counts a problem, because the state is unknown. It only reads: `DescribeStacks`,
//! `DescribeStackResources`, `DescribeAlarms`, `GetMetricData` for the rates and for the sources, `GetQueueAttributes` of each
//! queue. It never reads
//! the claims table of a stack, because a scan is billed by the table's size.

mod alarms;
mod dev;
mod endpoint;
mod heard;
pub(in crate::commands) mod metrics;
mod next;
mod part;
mod runbook;
mod screen;
mod seen;
mod stack;
#[cfg(test)]
mod tests;

use crate::Failure;
use crate::dev_client::about;
use crate::limits::{MAX_STATUS_SPAN, MIN_STATUS_SPAN};
use crate::style::{data, say};
use crate::target::TargetOptions;
use crate::target::{Depth, dev_places};
use alarms::Alarms;
use clap::Args;
use endpoint::Endpoint;
use heard::Heard;
use metrics::Measured;
use part::Part;
use runbook::Commands;
use serde::Serialize;
use serde_json::{Value, json};
use std::process::ExitCode;
use tidings_config::rules::Span;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::claim::ClaimState;

#[derive(Debug, Args)]
#[command(
    after_help = "One screen: the endpoint, alarms, backlog, when each source was last heard, rates, and what to do next, most \
        urgent first. It only reads. A source that is silent for longer than its `expect_every` is named. A part that can't be read is named with the permission that it needs; the rest is shown.\n\
        Exit status: 0 healthy, 1 something is wrong or can't be read, 2 invalid arguments.\n\nExamples:\n  \
        tidings status                              a running `tidings dev`\n  \
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

/// The backlog.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Backlog {
    Queues {
        queues: Vec<Queue>,
    },
    /// For a `tidings dev`, which has no metrics: its queues, and its newest claims by state.
    Claims {
        queues: Vec<Queue>,
        claims: Vec<Claims>,
    },
}

/// Number of events in a state.
#[derive(Clone, Copy, Debug, Serialize)]
struct Claims {
    state: ClaimState,
    events: u64,
}

#[derive(Debug, Serialize)]
struct Queue {
    queue: &'static str,
    depth: Part<Depth>,
    /// Age of the oldest message in seconds. SQS reports it to CloudWatch a minute later, and never for an unused
    /// queue.
    oldest_s: Option<u64>,
}

/// The content of the screen, as plain data.
#[derive(Debug)]
struct Status {
    /// The stack's name; `None` for a `tidings dev`.
    stack: Option<String>,
    at: Timestamp,
    endpoint: Endpoint,
    alarms: Part<Alarms>,
    backlog: Part<Backlog>,
    sources: Part<Vec<Heard>>,
    rates: Part<Measured>,
    commands: Commands,
}

impl Status {
    fn json(&self) -> Value {
        let problems = next::problems(self);
        json!({
            "status": problems.first().map_or("healthy", |worst| worst.kind.as_str()),
            "stack": self.stack,
            "at": self.at,
            "endpoint": self.endpoint,
            "alarms": self.alarms,
            "backlog": self.backlog,
            "sources": self.sources,
            "rates": self.rates,
            "next": next::steps(&problems),
        })
    }
}

pub(crate) async fn run(options: StatusOptions) -> Result<ExitCode, Failure> {
    let status = found(&options).await;
    if options.target.json {
        data(&status.json());
    } else {
        screen::lines(&status).iter().for_each(|line| say!("{line}"));
    }
    Ok(if next::problems(&status).is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn found(options: &StatusOptions) -> Status {
    let now = SystemClock.now();
    match &options.target.at.stack {
        Some(stack) => of_stack(options, stack, now).await,
        None => of_dev(options, now).await,
    }
}

/// As `--json` prints it.
pub(crate) async fn json(options: &StatusOptions) -> Value {
    found(options).await.json()
}

async fn of_stack(options: &StatusOptions, name: &str, now: Timestamp) -> Status {
    let at = &options.target.at;
    let found = stack::Stack::find(at, name).await;
    let url = options.url.clone().or_else(|| found.url());
    let commands = Commands::of(at, name, found.names());
    let (endpoint, seen, measured, depths, sources) = tokio::join!(
        endpoint::ask(url),
        found.alarms(),
        found.measured(now, options.over),
        found.depths(),
        heard::of_stack(&found, now)
    );
    let alarms = match seen {
        Ok(seen) => Part::Read(Alarms::judge(seen, &commands)),
        Err(unread) => Part::Unread(unread),
    };
    let oldest = |queue| measured.as_ref().ok().and_then(|measured| measured.oldest_s(queue));
    let queue = |(queue, depth)| Queue { queue, oldest_s: oldest(queue), depth };
    let queues = depths.map(|depths| Backlog::Queues { queues: depths.into_iter().map(queue).collect() });
    Status {
        stack: Some(name.to_owned()),
        at: now,
        endpoint,
        alarms,
        backlog: queues.map_or_else(Part::Unread, Part::Read),
        sources,
        rates: measured.map_or_else(Part::Unread, Part::Read),
        commands,
    }
}

async fn of_dev(options: &StatusOptions, now: Timestamp) -> Status {
    const ABSENT: &str = "a `tidings dev` has no CloudWatch metrics: give a deployed stack with --stack";
    let (url, at) = dev_places(options.url.as_deref(), &options.target.at).await;
    // Its clock can be ahead of this machine's.
    let known = about::ask(&url).await;
    let (since, now) = known.map_or((None, now), |known| (known.started, known.now));
    let heard = heard::of_dev(&at, since, now);
    let (endpoint, claims, queues, sources) =
        tokio::join!(endpoint::ask(Some(url.clone())), dev::claims(&at), dev::queues(&at), heard);
    let backlog = claims.and_then(|claims| Ok(Backlog::Claims { queues: queues?, claims }));
    Status {
        stack: None,
        at: now,
        endpoint,
        alarms: Part::Absent { absent: ABSENT },
        backlog: backlog.map_or_else(Part::Unread, Part::Read),
        sources,
        rates: Part::Absent { absent: ABSENT },
        commands: Commands::at_dev(at),
    }
}
