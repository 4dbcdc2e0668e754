//! Checks that the stack has what its template declares, and that these credentials can access it.

use super::check::Check;
use super::{alarms, quotas, ways_out};
use crate::target::Place;
use crate::target::{captured_secret, missing_outputs, queue_counts, reader_at, sources_secret, unreadable};
use receiver::verify::Key;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::claim::ClaimKey;
use tidings_core::ports::Versioned;
use tidings_core::secrets::parse;
use zeroize::Zeroizing;

/// The name of the check of handshake secrets.
const HANDSHAKE_SECRETS: &str = "handshakes";

/// No source may have this name, so nothing is ever stored under it.
const NOTHING: &str = "@doctor";

/// Returns the checks, and the document of secrets if it could be read.
pub(super) async fn checks(at: &Place, sources: &[Source]) -> (Vec<Check>, Option<Zeroizing<String>>) {
    let Some(stack) = &at.stack else {
        let why = "no stack is given; a `tidings dev` has no alarms or quotas";
        let skipped =
            ["outputs", "queues", "secret", HANDSHAKE_SECRETS, "quotas", "alarms"].map(|name| Check::skipped(name, why));
        return (skipped.into_iter().chain([tables(at).await]).collect(), None);
    };
    let outputs = match missing_outputs(at, stack).await {
        Err(failure) => {
            let skipped = ["tables", "queues", "secret", HANDSHAKE_SECRETS, "quotas", "alarms"];
            let skipped = skipped.map(|name| Check::skipped(name, "the stack couldn't be read"));
            return (std::iter::once(Check::failed("outputs", failure)).chain(skipped).collect(), None);
        }
        Ok(missing) if missing.is_empty() => Check::good("outputs", format!("stack {stack} has all outputs")),
        Ok(missing) => Check::bad(
            "outputs",
            format!("stack {stack} has no {}", missing.join(", ")),
            "deploy it with this template.yaml, or give another stack",
        ),
    };
    let (secret, document) = secret(at, stack, sources).await;
    let handshake_secrets = handshake_secrets(at, stack, sources).await;
    let (quotas, alarms) = (quotas::check(at, stack).await, alarms::check(at, stack).await);
    let mut checks = vec![outputs, tables(at).await, queues(at).await, secret, handshake_secrets, quotas, alarms];
    checks.extend(ways_out::checks(at, stack).await);
    (checks, document)
}

async fn tables(at: &Place) -> Check {
    let read = async {
        let reader = reader_at(at).await?;
        reader.claim(&ClaimKey::from(NOTHING.to_owned())).await.map_err(|error| unreadable(at, &error))?;
        reader.context(NOTHING, SystemClock.now()).await.map_err(|error| unreadable(at, &error))
    };
    match read.await {
        Ok(_) => Check::good("tables", "claims and contexts can be read"),
        Err(failure) => Check::failed("tables", failure),
    }
}

async fn queues(at: &Place) -> Check {
    match queue_counts(at).await {
        Ok(counts) => {
            let counts: Vec<_> = counts.iter().map(|count| format!("{} {}", count.queue, count.messages)).collect();
            Check::good("queues", counts.join(", "))
        }
        Err(failure) => Check::failed("queues", failure),
    }
}

async fn secret(at: &Place, stack: &str, sources: &[Source]) -> (Check, Option<Zeroizing<String>>) {
    const NAME: &str = "secret";
    let read = async {
        let Some(store) = sources_secret(at).await? else { return Ok(None) };
        store.versioned().await.map(Some).map_err(|error| unreadable(at, &error))
    };
    match read.await {
        Err(failure) => (Check::failed(NAME, failure), None),
        Ok(None) => (Check::skipped(NAME, "no stack is given"), None),
        Ok(Some(Versioned { document, .. })) => {
            let sources = sources.iter().filter(|source| !source.captures() && !source.tenants);
            let next = format!(
                "tidings rotate SOURCE --stack {stack} --secret-file FILE --yes; until then its requests are answered 503"
            );
            (entries(NAME, &document, sources, "an entry for each source", next), Some(document))
        }
    }
}

/// Checks that a document has a usable entry for each of these sources.
fn entries<'s>(
    check: &'static str,
    document: &str,
    sources: impl IntoIterator<Item = &'s Source>,
    good: &str,
    next: impl Into<String>,
) -> Check {
    match problems(document, sources) {
        Ok(problems) if problems.is_empty() => Check::good(check, good),
        Ok(problems) => Check::bad(check, problems.join("; "), next),
        Err(error) => Check::bad(check, error, "write the secret again: docs/rotation.md shows how"),
    }
}

/// Returns the problems of the entries, with the names of their sources.
fn problems<'s>(document: &str, sources: impl IntoIterator<Item = &'s Source>) -> Result<Vec<String>, String> {
    let all = parse(document).map_err(|error| error.to_string())?;
    let problem = |source: &Source| {
        let secrets = all.get(&source.name).map(|secrets| &secrets.0).filter(|secrets| !secrets.is_empty());
        let Some(secrets) = secrets else { return Some(format!("none for {}", source.name)) };
        let bad = |(place, secret): (usize, &String)| {
            let error = Key::prepare(&source.scheme, secret).err()?;
            Some(format!("{} at position {place}: {error}", source.name))
        };
        secrets.iter().enumerate().find_map(bad)
    };
    Ok(sources.into_iter().filter_map(problem).collect())
}

/// Checks the handshake secrets.
async fn handshake_secrets(at: &Place, stack: &str, sources: &[Source]) -> Check {
    let sources: Vec<&Source> = sources.iter().filter(|source| source.captures()).collect();
    if sources.is_empty() {
        return Check::skipped(HANDSHAKE_SECRETS, "no source has a handshake secret");
    }
    let read = async {
        let Some(store) = captured_secret(at, stack).await? else { return Ok(None) };
        store.versioned().await.map(Some).map_err(|error| unreadable(at, &error))
    };
    match read.await {
        Err(failure) => Check::failed(HANDSHAKE_SECRETS, failure),
        Ok(kept) => handshake_secrets_of(&sources, kept.as_ref().map(|Versioned { document, .. }| document.as_str())),
    }
}

/// All of these sources have handshake secrets. `None`: the stack has no place to store them.
fn handshake_secrets_of(sources: &[&Source], document: Option<&str>) -> Check {
    let Some(document) = document else {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        let said = format!("{}: the stack can't store handshake secrets", names.join(", "));
        return Check::bad(HANDSHAKE_SECRETS, said, "deploy with CaptureSecrets=true");
    };
    let next =
        "open a handshake window and create the webhook: docs/rotation.md shows how. Until then its requests are answered 503";
    let good = "an entry for each source with a handshake";
    entries(HANDSHAKE_SECRETS, document, sources.iter().copied(), good, next)
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_handshake_secret_is_looked_for_where_it_is_stored() {
        let providers = tidings_project::presets();
        let told: Vec<Source> = providers.iter().map(|p| p.source(&p.name)).filter(Source::captures).collect();
        let told: Vec<&Source> = told.iter().collect();
        assert!(!told.is_empty());
        let all: serde_json::Map<String, serde_json::Value> =
            told.iter().map(|source| (source.name.clone(), serde_json::json!(["set-in-a-handshake"]))).collect();
        let whole = serde_json::Value::from(all.clone()).to_string();
        let mut lacking = all;
        lacking.remove(&told[0].name);
        let lacking = serde_json::Value::from(lacking).to_string();
        for (document, status, word) in [
            (Some(whole.as_str()), Status::Good, "an entry for each"),
            (Some(lacking.as_str()), Status::Bad, told[0].name.as_str()),
            (Some("{}"), Status::Bad, "none for"),
            (Some("["), Status::Bad, ""),
            (None, Status::Bad, "can't store"),
        ] {
            let check = handshake_secrets_of(&told, document);
            assert_eq!(check.status, status, "{}", check.said);
            assert!(check.said.contains(word) && !check.said.contains("set-in"), "{}", check.said);
        }
    }
}
