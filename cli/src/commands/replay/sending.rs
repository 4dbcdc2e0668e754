//! Replays against a running receiver: signs each delivery again, and posts it as its provider would.

use super::options::ReplayOptions;
use crate::Failure;
use crate::captures::Recorded;
use crate::commands::pace::{Pace, progress};
use crate::confirm::Confirmed;
use crate::delivery::{Reply, post};
use crate::files;
use crate::style::{BAD, FAINT, GOOD, NAME, count, data, paint, say};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock};

pub(super) async fn run(options: &ReplayOptions, url: &str, recorded: &[(String, Recorded)]) -> Result<ExitCode, Failure> {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for (file, one) in recorded {
        let source = one.source(url).map_err(|failure| Failure::new(format!("{file}: {failure}")))?;
        sources.insert(source.name.clone(), source);
    }
    let all: Vec<Source> = sources.values().cloned().collect();
    let document = files::secrets_document(options.secrets.as_deref(), &all)?;
    let mut secrets = BTreeMap::new();
    for source in &all {
        secrets.insert(source.name.clone(), files::secrets(&document, source, None)?.swap_remove(0));
    }
    let Some(to) = Destination::allowed(url, options.confirm.ask()) else {
        return Ok(would(options, url, recorded));
    };
    let bar = progress(recorded.len() as u64);
    let mut pace = Pace::new(options.rate);
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for (n, (file, one)) in recorded.iter().enumerate() {
        let (source, secret) = (&sources[&one.source], &secrets[&one.source]);
        let request =
            one.sign(source, secret, SystemClock.now()).map_err(|failure| Failure::new(format!("{file}: {failure}")))?;
        let to = to.clone();
        let sent = tokio::task::spawn_blocking(move || post(&to.0, &request)).await;
        let reply = sent.map_err(|error| Failure::new(error.to_string())).flatten().map_err(|failure| {
            Failure::new(failure.to_string()).hint(format!(
                "{n} of {} were sent before {file}. Run it again when the endpoint responds: deliveries that were already \
                 received are then duplicates",
                recorded.len()
            ))
        })?;
        *answers.entry(format!("{} {}", reply.status, reply.word()).trim_end().to_owned()).or_default() += 1;
        bar.inc(1);
        if options.file.json {
            lines.push(json!({ "file": file, "source": source.name, "status": reply.status, "reply": reply.body }));
        } else {
            bar.suspend(|| tell(file, source, &reply));
        }
        pace.keep(1).await;
    }
    bar.finish_and_clear();
    let good = answers.keys().all(|answer| answer.starts_with('2'));
    if options.file.json {
        data(&json!({ "deliveries": lines, "answers": answers }));
    } else {
        let counted: Vec<String> = answers.iter().map(|(answer, n)| format!("{n} × {answer}")).collect();
        say!("{} sent to {url}: {}", recorded.len(), paint(if good { GOOD } else { BAD }, counted.join(", ")));
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(file: &str, source: &Source, reply: &Reply) {
    let style = if (200..300).contains(&reply.status) { GOOD } else { BAD };
    let told = if reply.word() == "duplicate" { ": it already had these events, and nothing changed" } else { "" };
    say!("{}  {}  {} {}{told}", paint(NAME, file), source.name, paint(style, reply.status), reply.word());
}

/// Prints what would be sent to another machine.
fn would(options: &ReplayOptions, url: &str, recorded: &[(String, Recorded)]) -> ExitCode {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, one) in recorded {
        *counts.entry(&one.source).or_default() += 1;
    }
    if options.file.json {
        let sources: Value = json!(counts);
        data(&json!({ "dry_run": true, "url": url, "deliveries": recorded.len(), "sources": sources }));
    } else {
        counts.iter().for_each(|(source, n)| say!("{n:>6}  {}", paint(NAME, source)));
        let what = format!("{} would be sent to {url}, {} a second at most", count(recorded.len(), "delivery"), options.rate);
        say!("{}", paint(FAINT, format!("{what}, and their events take effect there: --yes sends them")));
    }
    ExitCode::SUCCESS
}

/// An address to which sending is allowed.
#[derive(Clone, Debug)]
struct Destination(String);

impl Destination {
    /// Allows this machine, and any other that the operator has confirmed.
    fn allowed(url: &str, confirmed: Option<Confirmed>) -> Option<Self> {
        (is_here(url) || confirmed.is_some()).then(|| Self(url.to_owned()))
    }
}

/// Whether the address is this machine.
fn is_here(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(crate::dev_client::token::is_here))
}

#[cfg(test)]
mod tests {
    use super::{Destination, is_here};
    use crate::confirm::Confirm;

    #[test]
    fn this_machine_is_distinguished_from_others() {
        for url in ["http://127.0.0.1:8787", "http://localhost", "http://[::1]:8787/"] {
            assert!(is_here(url), "{url}");
        }
        for url in ["https://hooks.example", "http://127.0.0.1.evil.example", "http://10.0.0.1", "http://localhost.example", ""] {
            assert!(!is_here(url), "{url}");
        }
    }

    #[test]
    fn deliveries_are_sent_to_another_machine_only_after_confirmation() {
        assert!(Destination::allowed("http://127.0.0.1:8787", None).is_some());
        assert!(Destination::allowed("https://hooks.example", None).is_none());
        assert!(Destination::allowed("https://hooks.example", Confirm::given().ask()).is_some());
    }
}
