//! `tidings reconcile`: which events does the provider have that never arrived?
//!
//! Promises: without `--send` it only reads, at the provider and of the claims table. What it sends is signed with the
//! source's own secret and goes through the receiver, which verifies and claims it: nothing that the receiver doesn't verify
//! is trusted, and an event that arrives meanwhile takes effect once. An event whose key can't be made for certain is named
//! and never sent. Never: a token in an argument, a message or a request to another host.

mod api;
mod exact;
mod found;
mod list;
mod options;
mod said;

pub(crate) use options::ReconcileOptions;

use crate::Failure;
use crate::commands::pace::{Pace, progress};
use crate::commands::send::only_the_provider;
use crate::delivery::post;
use crate::limits::{MAX_MISSING_BYTES, MAX_TOKEN_FILE_BYTES};
use crate::style::note;
use crate::target::{Place, dev_places, reader_at, sources_secret, unreadable, webhook_url};
use crate::{files, sources};
use api::Api;
use found::{Comparison, Found, Missing};
use list::Lister;
use receiver::verify::can_sign;
use said::{Report, Sent};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use tidings_config::reconcile::{KnownBy, Reconcile};
use tidings_config::rules::Span;
use tidings_config::source::{OWN, Source};
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::ports::SecretStore;
use tidings_project::presets;
use zeroize::Zeroizing;

pub(crate) async fn run(options: ReconcileOptions) -> Result<ExitCode, Failure> {
    let source = sources::configured(&options.source)?;
    let list = list_of(&source)?;
    if !can_sign(&source.scheme) {
        return Err(only_the_provider(&source));
    }
    // The provider's time, not that of a `dev` whose clock is ahead.
    let now = SystemClock.now();
    let (since, until) = (options.since.from(now), options.until.map_or(now, |until| until.from(now)));
    check_times(&list, since, until, now)?;
    let params = list::params(&list, &options.of)?;
    let base = options.api.clone().unwrap_or_else(|| list::base(&list, &params));
    let api = Api::new(&base, list::headers(&list, &token(&options, &list)?), list.per_second)?;
    let (url, at) = place(&options).await?;
    let secrets = secrets(&options, &source).await?;
    let reader = reader_at(&at).await?;
    let subjects = match list.known_by {
        KnownBy::Key => BTreeMap::new(),
        KnownBy::Subject => reader.newest_by_subject(&source.name, since).await.map_err(|error| unreadable(&at, &error))?,
    };
    let compared =
        Comparison { source: &source, secrets: &secrets, list: &list, types: &options.types, at: &at, reader, now, subjects };
    let found = compare(&compared, Lister::new(&list, api, params, since, until)).await?;
    let sent = if options.send { Some(send(&options, &source, &secrets[0], &url, &found.missing).await) } else { None };
    let report = Report { source: &source, url: &url, since, until, found: &found, sent: sent.as_deref() };
    if options.target.json {
        report.print_json();
    } else {
        report.print();
    }
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The list of the source's provider.
fn list_of(source: &Source) -> Result<Reconcile, Failure> {
    let none = |what: String| {
        let with: Vec<String> = presets().into_iter().filter(|one| one.reconcile.is_some()).map(|one| one.name).collect();
        Failure::new(what).hint(format!("allowed: a source of {}", with.join(", ")))
    };
    if source.provider == OWN {
        return Err(none(format!("{} has a scheme of its own: no list of its events is known", source.name)));
    }
    let preset = sources::preset(&source.provider)?;
    preset.reconcile.ok_or_else(|| none(format!("no list of {}'s events is known", preset.title)))
}

fn check_times(list: &Reconcile, since: Timestamp, until: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let most = Duration::from_secs(list.listed_for_seconds);
    if now.since(since) > most {
        let failure =
            Failure::new(format!("--since {since}, allowed: at most {} ago, as the provider lists no more", Span::new(most)));
        return Err(failure.status(2));
    }
    if until < since {
        return Err(Failure::new(format!("--until {until} is before --since {since}")).status(2));
    }
    Ok(())
}

/// The provider's token, of its file or its environment variable.
fn token(options: &ReconcileOptions, list: &Reconcile) -> Result<Zeroizing<String>, Failure> {
    let text = match &options.token_file {
        Some(path) => files::text(path, MAX_TOKEN_FILE_BYTES)?,
        None => std::env::var(&list.token_env).unwrap_or_default(),
    };
    let text = Zeroizing::new(text);
    let token = Zeroizing::new(text.trim().to_owned());
    let hint = || format!("set {} or give --token-file FILE: {}", list.token_env, list.token);
    if token.is_empty() {
        return Err(Failure::new("the provider's token is missing").hint(hint()));
    }
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::new("the provider's token has characters that no header may have").hint(hint()));
    }
    Ok(token)
}

/// The receiver's address, and where its claims are.
async fn place(options: &ReconcileOptions) -> Result<(String, Place), Failure> {
    let at = &options.target.at;
    if at.stack.is_none() {
        return Ok(dev_places(options.url.as_deref(), at).await);
    }
    let of_stack = match &options.url {
        Some(url) => return Ok((url.clone(), at.clone())),
        None => webhook_url(at).await?.filter(|url| !url.is_empty()),
    };
    let unknown = || {
        Failure::new("the address of the receiver is unknown: the stack has no WebhookUrl")
            .hint("give it with --url, without /webhooks/ and what follows")
    };
    Ok((of_stack.ok_or_else(unknown)?, at.clone()))
}

/// The source's secrets, newest first: of the file, of the stack, or the public demo secrets.
async fn secrets(options: &ReconcileOptions, source: &Source) -> Result<Vec<String>, Failure> {
    let at = &options.target.at;
    let of_stack = match (&options.secrets, sources_secret(at).await) {
        (None, Ok(Some(store))) => Some(store.fetch().await.map_err(|error| {
            let failure = unreadable(at, &error);
            failure.hint("give --secrets FILE, or let your credentials read the stack's secret")
        })?),
        (None, Err(failure)) => return Err(failure),
        (Some(_), _) | (None, Ok(None)) => None,
    };
    let document = match of_stack {
        Some(document) => document.to_string(),
        None => files::secrets_document(options.secrets.as_deref(), std::slice::from_ref(source))?,
    };
    files::secrets(&document, source, None)
}

async fn compare(compared: &Comparison<'_>, mut lister: Lister<'_>) -> Result<Found, Failure> {
    let (mut found, bar) = (Found::default(), progress(0));
    while let Some(entries) = lister.page().await? {
        let entries_read = entries.len() as u64;
        bar.inc_length(entries_read);
        compared.page(&mut lister, entries, &mut found).await?;
        bar.inc(entries_read);
    }
    bar.finish_and_clear();
    if found.left > 0 {
        note(&format!("more is missing than {} MiB: run it again after it was sent", MAX_MISSING_BYTES >> 20));
    }
    // A list is newest first. What happened first is sent first.
    found.missing.sort_by_key(|delivery| delivery.events.first().map(|event| event.time));
    Ok(found)
}

/// Sends each missing delivery, oldest first, and stops at the first without an answer.
async fn send(options: &ReconcileOptions, source: &Source, secret: &str, url: &str, missing: &[Missing]) -> Vec<Sent> {
    let (mut sent, mut pace, bar) = (Vec::new(), Pace::new(options.rate), progress(missing.len() as u64));
    for delivery in missing {
        let reply = match delivery.sample.sign(source, secret, SystemClock.now(), None) {
            Err(error) => Err(Failure::new(error.to_string())),
            Ok(request) => {
                let url = url.to_owned();
                let posted = tokio::task::spawn_blocking(move || post(&url, &request)).await;
                posted.map_err(|error| Failure::new(error.to_string())).flatten()
            }
        };
        let is_lost = reply.is_err();
        sent.push(Sent::of(reply));
        if is_lost {
            break;
        }
        bar.inc(1);
        pace.keep(1).await;
    }
    bar.finish_and_clear();
    sent
}
