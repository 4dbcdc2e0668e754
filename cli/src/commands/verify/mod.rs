//! `tidings verify`: does a captured request verify, and if not, why? Never prints a secret.

mod capture;
mod diagnose;

use crate::Failure;
use crate::arguments::VerifyOptions;
use crate::commands::files;
use crate::style::{FAINT, STRONG, paint, say, tick};
use serde_json::json;
use std::io::Read as _;
use std::process::ExitCode;
use tidings_core::config::source::Source;
use tidings_core::time::{Clock, SystemClock, Timestamp};

pub(crate) fn run(options: VerifyOptions) -> Result<ExitCode, Failure> {
    let source = source(&options)?;
    let delivery = capture::read(&text(&options)?)?;
    let document = files::secrets_document(options.secrets.as_deref())?;
    let secrets = files::secrets(&document, &source)?;
    let now = match &options.at {
        None => SystemClock.now(),
        Some(text) => Timestamp::parse_rfc3339(text)
            .ok_or_else(|| Failure::new(format!("--at {text:?}, allowed: RFC 3339, as in 2026-11-20T10:00:00Z")))?,
    };
    let finding = diagnose::diagnose(&source, &secrets, &document, &delivery, now);
    let verified = finding.why.is_none();
    if options.json {
        say!(
            "{}",
            json!({ "source": source.name, "verified": verified, "secret": finding.secret_index, "why": finding.why, "hints": finding.hints })
        );
    } else {
        let said = match (&finding.why, finding.secret_index) {
            (None, Some(0) | None) => "verifies".to_owned(),
            (None, Some(index)) => format!("verifies, with secret {index}: an older one"),
            (Some(why), _) => why.clone(),
        };
        say!("{} {}  {said}", tick(verified), paint(STRONG, &source.name));
        finding.hints.iter().for_each(|hint| say!("  {}", paint(FAINT, hint)));
    }
    Ok(if verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn source(options: &VerifyOptions) -> Result<Source, Failure> {
    let wanted = &options.source;
    let mut source = if options.preset {
        let providers = receiver::configured::providers();
        let provider = providers.iter().find(|p| p.name == *wanted);
        provider
            .ok_or_else(|| Failure::new(format!("no preset {wanted:?}")).hint("tidings providers list shows them"))?
            .source(wanted)
    } else {
        let sources = receiver::configured::sources();
        let names = sources.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        let missing = || {
            Failure::new(format!("no source {wanted:?} in infra/config/sources.yaml"))
                .hint(format!("configured: {names}; or take any preset with --preset"))
        };
        sources.iter().find(|s| s.name == *wanted).cloned().ok_or_else(missing)?
    };
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
