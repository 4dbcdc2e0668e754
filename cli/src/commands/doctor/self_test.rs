//! Sends a signed event of the corpus to the endpoint, and follows it to the context.

use super::check::{Check, Status};
use super::options::DoctorOptions;
use crate::Failure;
use crate::delivery::post;
use crate::limits::SELF_TEST_WAIT;
use crate::target::{Place, reader, unreadable};
use receiver::verify::can_sign;
use std::time::Duration;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_events::{Case, corpus, secrets_of};
use tidings_project::did_you_mean;
use zeroize::Zeroizing;

const NAME: &str = "self-test";

/// Pause between two reads of its claim.
const PAUSE: Duration = Duration::from_millis(250);

/// A case whose events must be processed.
pub(super) fn case(name: &str) -> Result<&'static Case, Failure> {
    let case = corpus().case(name);
    let case = case.ok_or_else(|| {
        Failure::new(format!(
            "the corpus has no case {name:?}{}",
            did_you_mean(name, corpus().cases.iter().map(|c| c.name.as_str()))
        ))
        .hint("`tidings send --list` lists the cases")
    })?;
    let processed = case.expect.is_accepted() && case.expect.events.iter().all(|event| event.dead.is_none());
    if processed {
        Ok(case)
    } else {
        Err(Failure::new(format!("case {name} isn't an accepted event")).hint("`tidings send --list` shows which are accepted"))
    }
}

pub(super) async fn check(options: &DoctorOptions, sources: &[Source], url: &str, secrets: Option<Zeroizing<String>>) -> Check {
    let Some(secrets) = secrets else { return Check::skipped(NAME, "there are no secrets to sign with: give --secrets FILE") };
    match send(options, sources, url, &secrets).await {
        Ok(check) => check,
        Err(failure) => Check::failed(NAME, failure),
    }
}

async fn send(options: &DoctorOptions, sources: &[Source], url: &str, secrets: &str) -> Result<Check, Failure> {
    let chosen = match &options.case {
        Some(name) => Some(case(name)?),
        None => sources.iter().filter(|source| can_sign(&source.scheme)).find_map(|source| {
            let has_secret = secrets_of(secrets, &source.name).is_ok_and(|secrets| !secrets.is_empty());
            corpus().typical(&source.name).filter(|case| has_secret && self::case(&case.name).is_ok())
        }),
    };
    let Some(case) = chosen else {
        return Ok(Check::skipped(NAME, "no source has both a secret and an event in the corpus"));
    };
    let source = crate::sources::configured(&case.source)?;
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", case.name));
    let secret = secrets_of(secrets, &source.name).map_err(|error| failed(&error))?.into_iter().next();
    let secret = Zeroizing::new(secret.ok_or_else(|| failed(&"its source has no secret"))?);
    let began = SystemClock.now();
    let request = case.request(&source, &secret, began, None, None).map_err(|error| failed(&error))?;
    let keys = request.claim_keys(&source, &secret, began);
    let reply = post(url, &request)?;
    if !(200..300).contains(&reply.status) {
        let next = format!("find the reason with: tidings send --case {} --dry-run --json, and tidings verify", case.name);
        return Ok(Check::bad(NAME, format!("{} is answered {} {}", case.name, reply.status, reply.word()), next));
    }
    let mut last = Err(failed(&"it contains no event"));
    // Events of one request may end differently, so each is checked.
    for key in keys {
        let claim = settled(options, &key).await?;
        let check = said(&key, claim, reply.word() == "duplicate", SystemClock.now().since(began), &options.target.at);
        if check.status == Status::Bad {
            return Ok(check);
        }
        last = Ok(check);
    }
    last
}

/// Waits until the claim reaches a final state or the time is over, and returns the claim.
async fn settled(options: &DoctorOptions, key: &ClaimKey) -> Result<Option<Claim>, Failure> {
    let reader = reader(&options.target).await?;
    let until = SystemClock.now().plus(SELF_TEST_WAIT);
    loop {
        let claim = reader.claim(key).await.map_err(|error| unreadable(&options.target.at, &error))?;
        let ended = match claim.as_ref().map(|claim| claim.state) {
            Some(ClaimState::Processed | ClaimState::Dead) => true,
            Some(ClaimState::Received | ClaimState::Enqueued) | None => false,
        };
        if ended || SystemClock.now() >= until {
            return Ok(claim);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn said(key: &ClaimKey, claim: Option<Claim>, duplicate: bool, took: Duration, at: &Place) -> Check {
    let Some(claim) = claim else {
        return Check::bad(
            NAME,
            format!("{key} was accepted, but has no claim"),
            "check that --url is the address of this stack",
        );
    };
    match claim.state {
        ClaimState::Processed if duplicate => Check::good(
            NAME,
            format!("{key} was already processed: only its claim was read. For a full test choose another case with --case NAME"),
        ),
        ClaimState::Processed => {
            let outcome = claim.outcome.map_or("processed", |outcome| outcome.as_str());
            let conversation = claim.conversation.unwrap_or_default();
            Check::good(NAME, format!("{key} {outcome} after {:.1} s, in {conversation}", took.as_secs_f64()))
        }
        ClaimState::Dead => Check::bad(
            NAME,
            format!("{key} was dead-lettered: {}", claim.reason.unwrap_or_default()),
            at.command(&format!("tidings rules explain '{key}'")),
        ),
        ClaimState::Received | ClaimState::Enqueued => Check::bad(
            NAME,
            format!("{key} is still {} after {} s", claim.state, SELF_TEST_WAIT.as_secs()),
            "check that the processor's event source mapping is enabled, and read its log",
        ),
    }
}
