//! Checks that the endpoint answers, that its clock agrees with ours, and that it refuses forged requests.

use super::check::Check;
use crate::commands::page::{self, Page};
use crate::delivery::{Reply, post};
use crate::limits::MAX_CLOCK_APART;
use crate::project::short_hash;
use receiver::verify::can_sign;
use serde_json::Value;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::telemetry::Shown;
use tidings_events::{Sample, SignedRequest, Tamper, corpus, demo_secrets, secrets_of};
use tidings_project::preset;

pub(super) fn checks(url: &str, sources: &[Source], hash: Option<&str>) -> Vec<Check> {
    match page::get(url, "/health") {
        Ok(Page { status, date, body }) => {
            vec![health(url, status, &body), deployed(&body, hash), clock(date, SystemClock.now()), forged(url, sources)]
        }
        Err(said) => {
            let next = "is it deployed, or is `tidings dev` running? give another address with --url";
            let skipped = [DEPLOYED, "clock", "forged"].map(|name| Check::skipped(name, "the endpoint doesn't respond"));
            std::iter::once(Check::bad("health", said, next)).chain(skipped).collect()
        }
    }
}

fn health(url: &str, status: u16, body: &Value) -> Check {
    match (status, body["version"].as_str()) {
        (200, Some(version)) if version == env!("CARGO_PKG_VERSION") => {
            Check::good("health", format!("{url} answers, version {version}"))
        }
        (200, Some(version)) => {
            Check::good("health", format!("{url} answers, version {version}; this is {}", env!("CARGO_PKG_VERSION")))
        }
        (_, _) => Check::bad(
            "health",
            format!("{url}/health answers {status}, but not in the format of Tidings"),
            "give another address with --url",
        ),
    }
}

/// The check of the deployed configuration.
const DEPLOYED: &str = "deployed";

/// Checks that the endpoint runs the configuration of this project. An endpoint of an earlier version doesn't report
/// its configuration.
fn deployed(body: &Value, here: Option<&str>) -> Check {
    let Some(here) = here else {
        return Check::skipped(DEPLOYED, "this project has problems, so its configuration can't be compared");
    };
    match body["configuration"].as_str() {
        Some(there) if there == here => {
            Check::good(DEPLOYED, format!("configuration {} is deployed, as in the project", short_hash(here)))
        }
        Some(there) => Check::bad(
            DEPLOYED,
            format!("configuration {} is deployed, but the project has {}", Shown(short_hash(there)), short_hash(here)),
            "build and deploy the project, or give the deployed project's folder with --project",
        ),
        None => Check::skipped(DEPLOYED, "the endpoint doesn't report its configuration"),
    }
}

fn clock(date: Option<Timestamp>, now: Timestamp) -> Check {
    let Some(date) = date else { return Check::skipped("clock", "the endpoint's response has no Date header") };
    let apart = date.distance(now).as_secs();
    if date.distance(now) > MAX_CLOCK_APART {
        let said =
            format!("this machine's clock and the endpoint's differ by {apart} s, allowed: {} s", MAX_CLOCK_APART.as_secs());
        Check::bad("clock", said, format!("it is {now} here and {date} there: correct the wrong clock"))
    } else {
        Check::good("clock", format!("within {} s of the endpoint's", MAX_CLOCK_APART.as_secs()))
    }
}

fn forged(url: &str, sources: &[Source]) -> Check {
    let secrets = demo_secrets(sources);
    let requests: Vec<_> = sources.iter().filter_map(|source| forgery(source, &secrets)).collect();
    let mut problems = Vec::new();
    for request in &requests {
        match post(url, request) {
            Ok(Reply { status: 401, .. }) => {}
            Ok(reply) => problems.push(problem(&request.source, &reply)),
            Err(failure) => return Check::failed("forged", failure),
        }
    }
    match (requests.len(), problems.is_empty()) {
        (0, _) => Check::skipped("forged", "no source has a scheme that can be signed here"),
        (all, true) => Check::good("forged", format!("{all} of {} sources were tested: each answers 401", sources.len())),
        (all, false) => Check::bad_each("forged", format!("{} of {all} sources don't answer 401", problems.len()), problems),
    }
}

/// A request of the source that is signed with another secret.
fn forgery(source: &Source, secrets: &str) -> Option<SignedRequest> {
    if !can_sign(&source.scheme) {
        return None;
    }
    let secret = secrets_of(secrets, &source.name).ok()?.into_iter().next()?;
    let sample = match corpus().typical(&source.name) {
        Some(case) => Sample::of_case(case, source),
        None => preset(&source.provider).map(Sample::of_preset)?,
    };
    sample.ok()?.sign(source, &secret, SystemClock.now(), Some(Tamper::Signature)).ok()
}

fn problem(source: &str, reply: &Reply) -> String {
    let next = match reply.status {
        200..300 => "a forged request was accepted: pause the provider's webhook, and deploy again now",
        404 => "the source isn't deployed: build and deploy again",
        429 => "throttled: run it again in a minute",
        503 => "the source has no secret: `tidings rotate` adds one",
        _ => "look for a firewall or a proxy that changes requests",
    };
    format!("{source} answers {} {}: {next}", reply.status, reply.word())
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use std::time::Duration;

    #[test]
    fn clocks_may_differ_by_a_minute_at_most() {
        let at = Timestamp::parse_http_date("Tue, 24 Nov 2026 18:00:00 GMT").expect("a date");
        assert_eq!(at.to_string(), "2026-11-24T18:00:00.000Z");
        let beyond = MAX_CLOCK_APART + Duration::from_millis(1);
        for (now, status) in [
            (at, Status::Good),
            (at.plus(MAX_CLOCK_APART), Status::Good),
            (at.minus(MAX_CLOCK_APART), Status::Good),
            (at.plus(beyond), Status::Bad),
            (at.minus(beyond), Status::Bad),
        ] {
            assert_eq!(clock(Some(at), now).status, status, "{now}");
        }
        assert_eq!(clock(None, at).status, Status::Skipped);
        assert_eq!(Timestamp::parse_http_date("yesterday"), None);
    }

    #[test]
    fn a_request_is_forged_for_every_configured_source_that_can_be_signed() {
        let sources = tidings_events::project::sources();
        let secrets = demo_secrets(&sources);
        for source in sources.iter().filter(|source| can_sign(&source.scheme)) {
            assert!(forgery(source, &secrets).is_some(), "{}", source.name);
        }
    }
}
