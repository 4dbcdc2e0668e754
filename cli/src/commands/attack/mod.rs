//! `tidings attack`: does a receiver answer hostile requests as it should?
//!
//! Promises: a stranger's attempts contain no secret. Without `--yes` nothing is sent to another machine. Every answer is
//! compared with the right one, and all refusals of a source with each other. No answer is a failure of its own: it is
//! never counted as right.

mod options;
mod said;
mod sending;

pub(crate) use options::AttackOptions;

use crate::Failure;
use crate::commands::pace::{Pace, progress};
use crate::dev_client::about::now_at;
use crate::dev_client::token::is_here;
use crate::project::Location;
use crate::style::note;
use crate::{files, sources};
use said::Report;
use sending::{Agent, Outcome};
use std::process::ExitCode;
use tidings_config::source::{OWN, Source};
use tidings_config::time::Timestamp;
use tidings_events::attack::{Attack, Attempt, Victim, attacks};
use tidings_events::{Sample, corpus};
use tidings_project::did_you_mean;

pub(crate) async fn run(options: AttackOptions) -> Result<ExitCode, Failure> {
    let attacks = wanted(&options.only)?;
    if options.list {
        said::list(&attacks, options.json);
        return Ok(ExitCode::SUCCESS);
    }
    let sources = wanted_sources(&options.sources)?;
    let is_local = is_local(&options.url)?;
    let document = match (&options.secrets, is_local) {
        (None, false) => None,
        (path, _) => Some(files::secrets_document(path.as_deref(), &sources)?),
    };
    let now = now_at(&options.url).await;
    let attacked: Vec<Attacked<'_>> =
        sources.iter().map(|source| Attacked::of(source, document.as_deref())).collect::<Result<_, _>>()?;
    if !is_local && options.confirm.ask().is_none() {
        let attempts = || attacks.iter().flat_map(|attack| attack.attempts());
        let made = |of: &Attacked<'_>| attempts().filter(|attempt| attempt.made(&of.victim(now)).is_some()).count();
        said::dry_run(&options.url, sources.len(), attacked.iter().map(made).sum(), options.json);
        return Ok(ExitCode::SUCCESS);
    }
    if document.is_none() {
        note("only a stranger's requests are sent: the provider's own, changed and repeated, need --secrets");
    }
    let outcomes = send(&attacked, &attacks, now, &options).await?;
    let report = Report { url: &options.url, sources: &sources, attacks: &attacks, outcomes: &outcomes };
    if options.json {
        report.print_json()
    } else {
        report.print()
    }
    Ok(if report.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The named attacks, or all. Errors: one isn't known.
fn wanted(names: &[String]) -> Result<Vec<&'static Attack>, Failure> {
    for name in names {
        if attacks().iter().all(|attack| attack.name != *name) {
            let near = did_you_mean(name, attacks().iter().map(|attack| attack.name.as_str()));
            return Err(Failure::new(format!("no attack {name:?}{near}")).hint("`tidings attack --list` lists them"));
        }
    }
    Ok(attacks().iter().filter(|attack| names.is_empty() || names.contains(&attack.name)).collect())
}

fn wanted_sources(names: &[String]) -> Result<Vec<Source>, Failure> {
    if names.is_empty() {
        // A tenant's requests aren't signed here: their secrets are in a table.
        let sources = Location::here_or_demo()?.sources()?;
        Ok(sources.into_iter().filter(|source| !source.tenants).collect())
    } else {
        names.iter().map(|name| sources::configured(name)).collect()
    }
}

/// Whether the address can only be this machine. Errors: it isn't an address.
fn is_local(url: &str) -> Result<bool, Failure> {
    let uri: http::Uri = url.parse().map_err(|error| Failure::new(format!("--url {url:?}: {error}")))?;
    let host = uri.host().filter(|_| uri.scheme().is_some());
    let host = host.ok_or_else(|| Failure::new(format!("--url {url:?}, allowed: an address such as https://hooks.example")))?;
    Ok(is_here(host))
}

/// A source that is attacked.
struct Attacked<'a> {
    source: &'a Source,
    sample: Sample,
    secret: Option<String>,
}

impl<'a> Attacked<'a> {
    fn of(source: &'a Source, document: Option<&str>) -> Result<Self, Failure> {
        let secret =
            document.map(|document| files::secrets(document, source, None)).transpose()?.map(|mut all| all.swap_remove(0));
        Ok(Self { source, sample: typical(source), secret })
    }

    /// At this time of the receiver.
    fn victim(&self, now: Timestamp) -> Victim<'_> {
        Victim { source: self.source, sample: self.sample.clone(), secret: self.secret.as_deref(), now }
    }
}

/// A typical request of the source, unsigned.
fn typical(source: &Source) -> Sample {
    let of_corpus = corpus().typical(&source.name).and_then(|case| Sample::of_case(case, source).ok());
    let of_preset = || sources::preset(&source.provider).ok().and_then(|preset| Sample::of_preset(&preset).ok());
    let known = of_corpus.or_else(|| if source.provider == OWN { None } else { of_preset() });
    known.unwrap_or_else(|| Sample::of_body(source, b"{}".to_vec()))
}

/// Sends what can be made for each source.
async fn send<'a>(
    attacked: &[Attacked<'_>],
    attacks: &[&'a Attack],
    began: Timestamp,
    options: &AttackOptions,
) -> Result<Vec<Outcome<'a>>, Failure> {
    let agent = Agent::new(&options.url);
    let attempts: Vec<Attempt<'a>> = attacks.iter().flat_map(|attack| attack.attempts()).collect();
    let bar = progress((attacked.len() * attempts.len()) as u64);
    let mut pace = Pace::new(options.rate);
    let mut outcomes = Vec::new();
    for of in attacked {
        for attempt in &attempts {
            bar.inc(1);
            // Signed now: a long run would otherwise send what has become too old.
            if let Some(made) = attempt.made(&of.victim(now_since(began, &bar))) {
                outcomes.push(agent.send(of.source, attempt, made)?);
                pace.keep(1).await;
            }
        }
    }
    bar.finish_and_clear();
    Ok(outcomes)
}

/// The receiver's time, as it was at the beginning and as long as the run takes.
fn now_since(began: Timestamp, bar: &indicatif::ProgressBar) -> Timestamp {
    let elapsed = i64::try_from(bar.elapsed().as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(began.unix_ms().saturating_add(elapsed))
}
