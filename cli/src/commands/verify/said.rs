//! The output of `tidings verify`: the signature, the answer, the events.

use super::answer::{Answer, Event, lacks};
use super::capture::Captured;
use super::diagnose::Finding;
use crate::style::{BAD, FAINT, GOOD, STRONG, WARN, data, paint, say, tick};
use serde_json::{Value, json};
use tidings_config::source::Source;

/// All results about a request.
pub(super) struct Verdict<'v> {
    pub captured: &'v Captured,
    pub source: &'v Source,
    pub finding: &'v Finding,
    /// `None`: it depends on a key that is missing.
    pub answer: Option<&'v Answer>,
    /// The message that the scheme signs, with `--show-signed`.
    pub signed: Option<&'v str>,
}

impl Verdict<'_> {
    pub(super) fn verifies(&self) -> bool {
        self.finding.why.is_none()
    }

    /// Whether it is authentic and accepted, and all its events can be processed.
    pub(super) fn is_good(&self) -> bool {
        self.verifies() && self.answer.is_some_and(|answer| answer.is_accepted() && answer.is_readable())
    }

    pub(super) fn print_json(&self) {
        let Captured { form, entry, delivery, .. } = self.captured;
        let request = json!({
            "form": form.as_str(),
            "entry": entry.map(|(number, _)| number),
            "entries": entry.map(|(_, count)| count),
            "method": delivery.method,
            "bytes": delivery.body.len(),
        });
        let mut said = json(self.source, self.finding, self.answer, self.signed);
        said["request"] = request;
        data(&said);
    }

    pub(super) fn print(&self) {
        let Captured { form, entry, delivery, .. } = self.captured;
        let signature = match (&self.finding.why, self.finding.secret_index) {
            (None, Some(0) | None) => "verifies".to_owned(),
            (None, Some(index)) => format!("verifies, with secret {index}: an older one"),
            (Some(why), _) => why.clone(),
        };
        let entry = entry.map_or(String::new(), |(number, count)| format!(", entry {number} of {count}"));
        let read = format!("({}{entry}: {}, body of {} bytes)", form.as_str(), delivery.method, delivery.body.len());
        say!("{} {}  {signature}  {}", tick(self.is_good()), paint(STRONG, &self.source.name), paint(FAINT, read));
        self.finding.hints.iter().for_each(|hint| say!("  {hint}"));
        if let Some(signed) = self.signed {
            // As a JSON text, so that line feeds are visible.
            say!("  {:<8} {}", "signed", Value::from(signed));
        }
        let Some(answer) = self.answer else { return };
        let style = if answer.is_accepted() { GOOD } else { BAD };
        say!("  {:<8} {} {}", "answer", paint(style, answer.status), answer.text());
        answer.hint.iter().for_each(|hint| say!("  {:<8} {hint}", ""));
        if answer.is_accepted() && answer.events.is_empty() {
            let what = if answer.handshake { "a handshake, which contains no event" } else { "it contains no event" };
            say!("  {:<8} {}", "", paint(WARN, what));
        }
        answer.events.iter().for_each(|event| self.event(event));
    }

    fn event(&self, event: &Event) {
        say!("  {:<8} {}  {}", "event", paint(STRONG, &event.key), event.event_type);
        rows(self.source, event).iter().for_each(|(name, value)| say!("  {:<8} {name:<13} {value}", ""));
    }
}

/// The results about a request, as `--json` prints them.
pub(super) fn json(source: &Source, finding: &Finding, answer: Option<&Answer>, signed: Option<&str>) -> Value {
    json!({
        "source": source.name,
        "verified": finding.why.is_none(),
        "accepted": answer.map(Answer::is_accepted),
        "secret": finding.secret_index,
        "why": finding.why,
        "hints": finding.hints,
        "answer": answer,
        "signed": signed,
    })
}

/// The event's type, conversation and time, each with a name. What it lacks has no name.
pub(crate) fn rows(source: &Source, event: &Event) -> Vec<(&'static str, String)> {
    if let Some(why) = &event.unreadable {
        return vec![("unreadable", paint(BAD, format!("{why}: it is stored, and moved to the dead-letter queue")))];
    }
    let mut rows = vec![("id", event.id.clone())];
    let (whose, owner) = match &event.owner {
        Some(by_rules) => by_rules.row(),
        None => ("conversation", event.conversation.clone().unwrap_or_default()),
    };
    let fields = [
        ("subject", event.subject.clone()),
        ("time", event.time.map(|time| time.to_string())),
        (whose, Some(owner).filter(|owner| !owner.is_empty())),
        ("schema", event.dataschema.clone()),
    ];
    rows.extend(fields.into_iter().filter_map(|(name, value)| Some((name, value?))));
    rows.push(("order", order(event)));
    if !event.unread.is_empty() {
        rows.push(("unread", paint(WARN, format!("{}: present, but not readable", event.unread.join(", ")))));
    }
    rows.extend(lacks(source, event).into_iter().map(|lacks| ("", paint(WARN, lacks))));
    rows
}

/// The values by which it is ordered among the events of its entity.
fn order(event: &Event) -> String {
    let time = if event.order.by_receipt { "time of receipt".to_owned() } else { "time".to_owned() };
    let by = event.order.sequence.map_or_else(|| time.clone(), |sequence| format!("sequence {sequence}, then {time}"));
    if event.order.rank == 0 { by } else { format!("{by}, then rank {}", event.order.rank) }
}
