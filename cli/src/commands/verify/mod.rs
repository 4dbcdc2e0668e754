//! `tidings verify`: does a captured request verify, and if not, why? Never prints a secret, nor what it was given.
//!
//! Exit status: 0 it verifies, 1 it was looked at and is refused, 2 it couldn't be looked at. A script that asks whether a request
//! is forged must not take a missing file for an answer.

mod attempt;
mod capture;
mod clock;
mod diagnose;
mod events;
mod keys;
mod mistakes;
mod token;

use crate::arguments::VerifyOptions;
use crate::commands::files;
use crate::style::{self, FAINT, STRONG, paint, say, tick};
use crate::{Failure, sources};
use attempt::Attempt;
use capture::Captured;
use diagnose::Finding;
use receiver::verify::PublicKeys;
use serde_json::json;
use std::io::Read as _;
use std::process::ExitCode;
use tidings_core::aws::Https;
use tidings_core::config::source::Source;
use tidings_core::time::{Clock, SystemClock, Timestamp};

/// As clap says it of arguments.
const NOT_LOOKED_AT: u8 = 2;

pub(crate) async fn run(options: VerifyOptions) -> Result<ExitCode, Failure> {
    Ok(look(&options).await.unwrap_or_else(|failure| complain(&failure, ExitCode::from(NOT_LOOKED_AT))))
}

fn complain(failure: &Failure, code: ExitCode) -> ExitCode {
    style::failure(&failure.message, failure.hint.as_deref());
    code
}

async fn look(options: &VerifyOptions) -> Result<ExitCode, Failure> {
    let source = source(options)?;
    let captured = capture::read(&text(options)?, options.entry)?;
    if let Some(refused) = capture::too_large(&captured) {
        return Ok(complain(&refused, ExitCode::FAILURE));
    }
    let document = files::secrets_document(options.secrets.as_deref(), std::slice::from_ref(&source))?;
    let secrets = files::secrets(&document, &source)?;
    let now = match &options.at {
        None => SystemClock.now(),
        Some(text) => Timestamp::parse_rfc3339(text)
            .ok_or_else(|| Failure::new(format!("--at {text:?}, allowed: RFC 3339, as in 2026-11-20T10:00:00Z")))?,
    };
    let (delivery, url) = (captured.delivery.clone(), captured.url.clone());
    let mut attempt = Attempt { source, secrets, public: PublicKeys::default(), delivery, url, now };
    let key = options.key.as_deref().map(files::read).transpose()?;
    keys::add(&mut attempt, key.as_deref(), options.fetch_keys.then_some(&Https::default())).await?;
    let finding = diagnose::diagnose(&attempt, &document);
    let verified = print(options, &captured, &attempt.source, &finding);
    Ok(match (verified, finding.undecided) {
        (true, _) => ExitCode::SUCCESS,
        (false, false) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(NOT_LOOKED_AT),
    })
}

/// `true` if it verifies.
fn print(options: &VerifyOptions, captured: &Captured, source: &Source, finding: &Finding) -> bool {
    let verified = finding.why.is_none();
    let Captured { form, entry, delivery, .. } = captured;
    if options.json {
        let request = json!({
            "form": form.as_str(),
            "entry": entry.map(|(number, _)| number),
            "entries": entry.map(|(_, count)| count),
            "method": delivery.method,
            "bytes": delivery.body.len(),
        });
        say!(
            "{}",
            json!({
                "source": source.name,
                "verified": verified,
                "secret": finding.secret_index,
                "why": finding.why,
                "hints": finding.hints,
                "request": request,
            })
        );
        return verified;
    }
    let said = match (&finding.why, finding.secret_index) {
        (None, Some(0) | None) => "verifies".to_owned(),
        (None, Some(index)) => format!("verifies, with secret {index}: an older one"),
        (Some(why), _) => why.clone(),
    };
    let entry = entry.map_or(String::new(), |(number, count)| format!(", entry {number} of {count}"));
    let read = format!("({}{entry}: {}, body of {} bytes)", form.as_str(), delivery.method, delivery.body.len());
    say!("{} {}  {said}  {}", tick(verified), paint(STRONG, &source.name), paint(FAINT, read));
    finding.hints.iter().for_each(|hint| say!("  {hint}"));
    verified
}

fn source(options: &VerifyOptions) -> Result<Source, Failure> {
    let name = &options.source;
    let mut source = if options.preset { sources::preset(name)?.source(name) } else { sources::configured(name)? };
    source.public_url = options.public_url.clone().or(source.public_url);
    Ok(source)
}

fn text(options: &VerifyOptions) -> Result<Vec<u8>, Failure> {
    let path = &options.request;
    if path.as_os_str() != "-" {
        return files::read(path);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Failure::new(format!("-: {error}")))?;
    Ok(bytes)
}
