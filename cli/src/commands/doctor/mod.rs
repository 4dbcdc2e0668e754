//! `tidings doctor`: checks a project and its stack. It prints a line for each check, with what to do next.
//!
//! Promises: every check that can run does run, whatever the other results are. A skipped check prints its reason. It
//! only reads, except with `--send`; its other requests are forged and must be refused. It reads secrets, and prints
//! only the names of their sources.

mod address_lists;
mod alarms;
mod check;
mod configuration;
mod endpoint;
mod key_length;
mod options;
mod public_url;
mod quotas;
mod self_test;
mod stack;
mod ways_out;

pub(crate) use options::DoctorOptions;

use crate::Failure;
use crate::dev_client::dev_url;
use crate::files;
use crate::project::Location;
use crate::style::{BAD, GOOD, WARN, data, paint, say};
use crate::target::{dev_places, webhook_url};
use check::{Check, Status};
use configuration::Known;
use serde_json::json;
use std::process::ExitCode;
use tidings_config::time::{Clock, SystemClock};
use zeroize::Zeroizing;

pub(crate) async fn run(options: DoctorOptions) -> Result<ExitCode, Failure> {
    // A case that can't be sent is a wrong argument: report it before any check runs.
    options.case.as_deref().map(self_test::case).transpose()?;
    let own = options.secrets.as_deref().map(files::document).transpose()?.map(Zeroizing::new);
    let location = if options.target.at.stack.is_some() { Location::here()? } else { Location::here_or_demo()? };
    let (given, at) = match &options.target.at.stack {
        Some(_) => (options.url.clone(), options.target.at.clone()),
        None => {
            let (url, at) = dev_places(options.url.as_deref(), &options.target.at).await;
            (Some(url), at)
        }
    };
    let at = &at;
    let (mut checks, Known { sources, hash }) = configuration::checks(location)?;
    let (of_stack, stored) = stack::checks(at, &sources).await;
    checks.extend(of_stack);
    let url = match (&given, webhook_url(at).await) {
        (Some(url), _) => Some(url.clone()),
        (None, Ok(url)) => Some(url.unwrap_or_else(dev_url)),
        (None, Err(_)) => None,
    };
    match &url {
        Some(url) => checks.extend(endpoint::checks(url, &sources, hash.as_deref())),
        None => {
            checks.push(Check::skipped("endpoint", "the address is unknown: the stack has no output for it. Give it with --url"))
        }
    }
    checks.push(key_length::check(own.as_ref().or(stored.as_ref()), &sources));
    checks.push(public_url::check(&sources));
    checks.extend(address_lists::check(&sources, SystemClock.now()));
    checks.push(match (&url, options.send) {
        (Some(url), true) => {
            let demo = || at.stack.is_none().then(|| Zeroizing::new(tidings_events::demo_secrets(&sources)));
            self_test::check(&options, &sources, url, own.or(stored).or_else(demo)).await
        }
        (None, true) => Check::skipped("self-test", "the address to send to is unknown"),
        (_, false) => Check::skipped(
            "self-test",
            "nothing is sent without --send: it sends a signed event, which leaves facts in a context",
        ),
    });

    let bad = checks.iter().filter(|check| check.status == Status::Bad).count();
    if options.target.json {
        data(&json!({ "good": bad == 0, "checks": checks }));
    } else {
        checks.iter().for_each(Check::print);
        let done = checks.iter().filter(|check| check.status != Status::Skipped).count();
        say!(
            "{}",
            match (bad, checks.iter().filter(|check| check.status == Status::Warning).count()) {
                (0, 0) => paint(GOOD, format!("{done} checks, all good")),
                (0, warnings) => paint(WARN, format!("{done} checks, none bad, {warnings} with a warning")),
                (bad, _) => paint(BAD, format!("{bad} of {done} checks are bad")),
            }
        );
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
