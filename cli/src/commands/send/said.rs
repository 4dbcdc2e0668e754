//! The output of `tidings send`: the answer, the events, and the next commands.

use super::options::SendOptions;
use crate::commands::verify::answer::{Answer, Event};
use crate::commands::verify::said::rows;
use crate::delivery::Reply;
use crate::style::{BAD, FAINT, GOOD, STRONG, WARN, data, note, paint, say};
use crate::target::events_show;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_LENGTH;
use serde_json::{Value, json};
use tidings_config::source::Source;
use tidings_core::claim::ClaimKey;
use tidings_events::{MARK, Renewed, SignedRequest};

/// A request, and how a receiver of this build answers it.
pub(super) struct Sent<'s> {
    pub source: &'s Source,
    pub request: &'s SignedRequest,
    pub answer: &'s Answer,
    pub renewed: Option<Renewed>,
}

impl Sent<'_> {
    /// Prints the answer, and the events of the request.
    pub(super) async fn print(&self, reply: &Reply, keys: &[ClaimKey], options: &SendOptions) {
        let style = if reply.is_success() { GOOD } else { BAD };
        let message = reply.body["message"].as_str().map_or_else(|| reply.body.to_string(), str::to_owned);
        say!("{} {}  {}", paint(style, reply.status), paint(STRONG, reply.word()), paint(FAINT, message));
        if !reply.is_success() {
            return;
        }
        for event in &self.answer.events {
            say!("  {:<13} {}", "event", paint(STRONG, &event.event_type));
            rows(self.source, event).iter().for_each(|(name, value)| say!("  {name:<13} {value}"));
        }
        if let Some(why) = self.not_new(reply, options.same) {
            say!("  {:<13} {}", "", paint(WARN, why));
        }
        for key in keys {
            if let Some(command) = events_show(&options.url, key).await {
                say!("  {} {command}", paint(FAINT, format!("{:<13}", "next")));
            }
        }
    }

    /// A hint for an event that isn't new to the receiver.
    fn not_new(&self, reply: &Reply, is_same: bool) -> Option<String> {
        match (self.renewed, reply.word()) {
            (Some(Renewed::ByMark), _) => Some(format!(
                "{} has no id that can be changed, so a field {MARK} is added to its body to make a new event",
                self.source.name
            )),
            (Some(Renewed::Unchanged), _) => Some(
                "it can't be made a new event, because it has no id and no time that can be changed; change a field with --set"
                    .to_owned(),
            ),
            (None, "duplicate") if is_same => {
                Some("it was already received, and has no effect; without --same a new event is sent".to_owned())
            }
            (None, "duplicate") => Some(
                "it was already received, and has no effect, even with a different body; --new makes it a new event".to_owned(),
            ),
            (Some(Renewed::ById) | None, _) => None,
        }
    }

    pub(super) fn print_json(&self, reply: &Reply, keys: &[ClaimKey]) {
        let Self { request, answer, .. } = self;
        let said = json!({
            "source": request.source, "status": reply.status, "reply": reply.body, "claim_keys": keys, "events": answer.events,
            "new": self.newness(),
        });
        data(&said);
    }

    /// `null` if the named request was sent without changes.
    fn newness(&self) -> Value {
        match self.renewed {
            None => Value::Null,
            Some(Renewed::ById) => json!("id"),
            Some(Renewed::ByMark) => json!(MARK),
            Some(Renewed::Unchanged) => json!(false),
        }
    }

    /// Prints the request, so that it can be sent by other means, and what the receiver would answer.
    pub(super) fn print_dry(&self, json: bool) {
        let Self { request, answer, .. } = self;
        let events: Vec<String> = answer.events.iter().map(Event::line).collect();
        let events = if events.is_empty() { "it contains no event".to_owned() } else { events.join("; ") };
        note(&format!("the receiver would answer {} {}: {events}", answer.status, answer.text()));
        answer.hint.iter().for_each(|hint| note(hint));
        let headers: serde_json::Map<String, Value> =
            request.headers.iter().map(|(n, v)| (n.as_str().to_owned(), json!(String::from_utf8_lossy(v.as_bytes())))).collect();
        if json {
            let body = STANDARD.encode(&request.body);
            let said = json!({
                "source": request.source, "method": request.method, "path": request.path, "headers": headers, "body_base64": body,
                "answer": answer, "new": self.newness(),
            });
            data(&said);
            return;
        }
        say!("{} {}", request.method, request.path);
        for (name, value) in &headers {
            say!("{name}: {}", value.as_str().unwrap_or_default());
        }
        // The length shows a reader where the body ends: a line feed follows it here.
        say!("{CONTENT_LENGTH}: {}", request.body.len());
        say!("");
        String::from_utf8_lossy(&request.body).split('\n').for_each(|line| say!("{line}"));
    }
}
