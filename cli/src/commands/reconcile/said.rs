//! The output of `tidings reconcile`.

use super::found::{Found, Listed};
use crate::Failure;
use crate::delivery::Reply;
use crate::limits::MISSING_SHOWN;
use crate::style::{BAD, FAINT, GOOD, NAME, WARN, count, data, paint, say};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;

/// The answer to a sent delivery, or why there is none.
#[derive(Debug)]
pub(super) struct Sent(Result<(u16, String), String>);

impl Sent {
    pub(super) fn of(reply: Result<Reply, Failure>) -> Self {
        Self(reply.map(|reply| (reply.status, reply.word().to_owned())).map_err(|failure| failure.to_string()))
    }

    fn is_accepted(&self) -> bool {
        self.0.as_ref().is_ok_and(|(status, _)| (200..300).contains(status))
    }

    fn words(&self) -> String {
        match &self.0 {
            Ok((status, word)) => format!("{status} {word}").trim_end().to_owned(),
            Err(said) => said.clone(),
        }
    }

    fn json(&self) -> Value {
        match &self.0 {
            Ok((status, word)) => json!({ "status": status, "reply": word }),
            Err(said) => json!({ "error": said }),
        }
    }
}

pub(super) struct Report<'r> {
    pub(super) source: &'r Source,
    pub(super) url: &'r str,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) found: &'r Found,
    /// One for each missing delivery, in order, up to the first without an answer. `None`: a dry run.
    pub(super) sent: Option<&'r [Sent]>,
}

impl Report<'_> {
    /// Whether nothing is missing now, as far as it can be known.
    pub(super) fn is_complete(&self) -> bool {
        let is_sent = match self.sent {
            None => self.found.missing.is_empty(),
            Some(sent) => sent.len() == self.found.missing.len() && sent.iter().all(Sent::is_accepted),
        };
        is_sent && self.found.left == 0 && self.found.unproven.is_empty()
    }

    pub(super) fn print_json(&self) {
        let missing: Vec<Value> = self
            .found
            .missing
            .iter()
            .enumerate()
            .flat_map(|(n, delivery)| {
                let sent = self.sent.and_then(|sent| sent.get(n)).map(Sent::json);
                delivery.events.iter().map(move |event| {
                    let mut shown = json!(event);
                    if let (Some(shown), Some(sent)) = (shown.as_object_mut(), &sent) {
                        shown.insert("sent".to_owned(), sent.clone());
                    }
                    shown
                })
            })
            .collect();
        let Found { listed, known, pending, unproven, left, .. } = self.found;
        data(&json!({
            "source": self.source.name,
            "provider": self.source.provider,
            "url": self.url,
            "since": self.since,
            "until": self.until,
            "dry_run": self.sent.is_none(),
            "listed": listed,
            "known": known,
            "missing": missing,
            "missing_events": self.found.missing_events(),
            "left": left,
            "pending": pending,
            "unproven": unproven,
        }));
    }

    pub(super) fn print(&self) {
        let found = self.found;
        let missing = found.missing_events();
        let style = if missing == 0 { GOOD } else { BAD };
        let listed = count(found.listed, "event");
        let (since, known) = (paint(FAINT, format!("since {}", self.since)), found.known);
        let counted = paint(style, format!("{missing} without a claim"));
        say!("{}  {listed} {since}: {known} known, {counted}", paint(NAME, &self.source.name));
        for (n, delivery) in found.missing.iter().enumerate().take(MISSING_SHOWN) {
            let sent = self.sent.and_then(|sent| sent.get(n));
            let said = sent.map(|sent| paint(if sent.is_accepted() { GOOD } else { BAD }, sent.words())).unwrap_or_default();
            delivery.events.iter().for_each(|event| line(event, &said));
        }
        let more = missing.saturating_sub(found.missing.iter().take(MISSING_SHOWN).map(|one| one.events.len()).sum());
        if more > 0 {
            say!("  {}", paint(FAINT, format!("and {more} more: --json lists all")));
        }
        if !found.pending.is_empty() {
            let (events, they) = (count(found.pending.len(), "event"), "the provider may still send what is so young: not sent");
            say!("  {}", paint(WARN, format!("{events} without a claim, pending: {they}")));
        }
        if !found.unproven.is_empty() {
            let deliveries = count(found.unproven.len(), "delivery");
            let why = "its bytes can't be made again, so it can't be compared: let the provider deliver it again";
            say!("  {}", paint(WARN, format!("{deliveries} undecided: {why} (docs/reconcile.md)")));
            for one in found.unproven.iter().take(MISSING_SHOWN) {
                let headers: Vec<String> = one.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                say!("  {}  {}", paint(FAINT, one.time), headers.join(", "));
            }
        }
        self.print_sent(missing);
    }

    fn print_sent(&self, missing: usize) {
        match self.sent {
            None if missing > 0 => {
                say!("{}", paint(FAINT, format!("dry run: --send signs and sends what is missing to {}", self.url)));
            }
            None => {}
            Some([]) => {}
            Some(sent) => {
                let mut answers: BTreeMap<String, usize> = BTreeMap::new();
                sent.iter().for_each(|one| *answers.entry(one.words()).or_default() += 1);
                let counted: Vec<String> = answers.iter().map(|(answer, n)| format!("{n} × {answer}")).collect();
                let style = if sent.iter().all(Sent::is_accepted) { GOOD } else { BAD };
                let deliveries = count(sent.len(), "delivery");
                say!("{deliveries} sent to {}: {}", self.url, paint(style, counted.join(", ")));
            }
        }
    }
}

fn line(event: &Listed, said: &str) {
    say!("  {}  {:<28} {}  {said}", paint(FAINT, event.time), event.event_type, event.key);
}
