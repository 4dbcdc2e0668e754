//! `tidings endpoints list`.

use crate::Failure;
use crate::style::{BAD, FAINT, GOOD, WARN, data, note, paint, say};
use crate::target::{TargetOptions, unreadable, webhooks};
use clap::Args;
use publisher::endpoint::{EndpointState, Registered};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Endpoints of the file are those of the project here; their state is the deployment's.\n\nExamples:\n  \
        tidings endpoints list --stack tidings\n  \
        tidings endpoints list --stack tidings --json")]
pub struct EndpointsList {
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: EndpointsList) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let all = webhooks(at).await?.book()?.fresh().await.map_err(|error| unreadable(at, &error))?;
    if options.target.json {
        data(&Value::from(all.iter().map(shown).collect::<Vec<_>>()));
    } else {
        all.iter().for_each(line);
    }
    if all.is_empty() {
        note("there is no endpoint; `tidings endpoints add URL --event PATTERN` registers one");
    }
    Ok(ExitCode::SUCCESS)
}

/// An endpoint as JSON, without its secret.
pub(super) fn shown(one: &Registered) -> Value {
    let mut shown = serde_json::to_value(&one.endpoint).expect("an endpoint has string keys");
    shown["from"] = json!(if one.of_file { "file" } else { "run time" });
    shown["status"] = serde_json::to_value(&one.status).expect("a status has string keys");
    shown
}

/// Its state in a word, and more of it.
pub(super) fn state(one: &Registered) -> String {
    match (&one.status.state, one.status.failing_since) {
        (EndpointState::Active, None) => paint(GOOD, "active"),
        (EndpointState::Active, Some(since)) => paint(WARN, format!("active, failing since {since}")),
        (EndpointState::Disabled { reason, since, .. }, _) => paint(BAD, format!("disabled ({}) since {since}", reason.as_str())),
    }
}

fn line(one: &Registered) {
    let events: Vec<String> = one.endpoint.events.iter().map(ToString::to_string).collect();
    say!("{}  {}  {}  {}", one.endpoint.id, state(one), one.endpoint.url, paint(FAINT, events.join(", ")));
}
