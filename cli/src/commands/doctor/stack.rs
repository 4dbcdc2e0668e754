//! Whether the stack has what its template says, and whether it can be reached with these credentials.

use super::Check;
use crate::arguments::Place;
use crate::target::{missing_outputs, queue_counts, reader_at, sources_secret, unreadable};
use receiver::verify::Key;
use tidings_core::aws::Versioned;
use tidings_core::claim::ClaimKey;
use tidings_core::config::source::Source;
use tidings_core::secrets::parse;
use tidings_core::time::{Clock, SystemClock};
use zeroize::Zeroizing;

/// No source may have this name, so nothing is ever there.
const NOTHING: &str = "@doctor";

/// The checks, and the document of secrets if it could be read.
pub(super) async fn checks(at: &Place) -> (Vec<Check>, Option<Zeroizing<String>>) {
    let Some(stack) = &at.stack else {
        let why = "no stack is named, and nobody else sees those of a `tidings dev`";
        let skipped = ["outputs", "queues", "secret"].map(|name| Check::skipped(name, why));
        return (skipped.into_iter().chain([tables(at).await]).collect(), None);
    };
    let outputs = match missing_outputs(at, stack).await {
        Err(failure) => {
            let skipped = ["tables", "queues", "secret"].map(|name| Check::skipped(name, "the stack doesn't say where they are"));
            return (std::iter::once(Check::failed("outputs", failure)).chain(skipped).collect(), None);
        }
        Ok(missing) if missing.is_empty() => Check::good("outputs", format!("stack {stack} has all")),
        Ok(missing) => Check::bad(
            "outputs",
            format!("stack {stack} has no {}", missing.join(", ")),
            "deploy it of this template.yaml, or name another stack",
        ),
    };
    let (secret, document) = secret(at, stack).await;
    (vec![outputs, tables(at).await, queues(at).await, secret], document)
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

async fn secret(at: &Place, stack: &str) -> (Check, Option<Zeroizing<String>>) {
    const NAME: &str = "secret";
    let read = async {
        let Some(store) = sources_secret(at).await? else { return Ok(None) };
        store.versioned().await.map(Some).map_err(|error| unreadable(at, &error))
    };
    match read.await {
        Err(failure) => (Check::failed(NAME, failure), None),
        Ok(None) => (Check::skipped(NAME, "no stack is named"), None),
        Ok(Some(Versioned { document, .. })) => {
            let problems = problems(&document, &receiver::configured::sources());
            let check = match problems {
                Ok(problems) if problems.is_empty() => Check::good(NAME, "an entry for each source"),
                Ok(problems) => Check::bad(
                    NAME,
                    problems.join("; "),
                    format!("tidings rotate SOURCE --stack {stack} --secret-file FILE --yes; until then its requests are 503"),
                ),
                Err(error) => Check::bad(NAME, error, "write it anew: docs/rotation.md says how"),
            };
            (check, Some(document))
        }
    }
}

/// What is wrong with the entries, by the names of their sources. What a provider tells by a handshake is kept elsewhere.
fn problems(document: &str, sources: &[Source]) -> Result<Vec<String>, String> {
    let all = parse(document).map_err(|error| error.to_string())?;
    let problem = |source: &Source| {
        let secrets = all.get(&source.name).map(|secrets| &secrets.0).filter(|secrets| !secrets.is_empty());
        let Some(secrets) = secrets else { return Some(format!("none for {}", source.name)) };
        let bad = |(place, secret): (usize, &String)| {
            let error = Key::prepare(&source.scheme, secret).err()?;
            Some(format!("{} at place {place}: {error}", source.name))
        };
        secrets.iter().enumerate().find_map(bad)
    };
    Ok(sources.iter().filter(|source| !source.captures()).filter_map(problem).collect())
}
