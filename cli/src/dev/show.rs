//! One line per step of each event's way, made of the functions' own log events.

use crate::style::{BAD, FAINT, GOOD, NAME, WARN, paint, say, short};
use anstyle::Style;
use std::collections::BTreeMap;
use std::fmt;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::telemetry::STEP;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Shows steps, and whatever the functions warn of.
pub(crate) fn init() {
    // The functions tell of their own failures as steps; the adapters tell why a call had no answer.
    let ours = |meta: &tracing::Metadata<'_>| {
        meta.target() == STEP || (meta.level() <= &Level::WARN && meta.target().starts_with("tidings"))
    };
    // A second call, as from a test, keeps the first.
    let _ = tracing_subscriber::registry().with(Steps.with_filter(filter_fn(ours))).try_init();
}

struct Steps;

impl<S: Subscriber> Layer<S> for Steps {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if event.metadata().target() == STEP {
            step(&fields);
        } else {
            say!("{}  {} {}", clock(), paint(BAD, fields.get("message")), paint(FAINT, fields.get("cause")));
        }
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

fn step(fields: &Fields) {
    let name = fields.get("step");
    let key = fields.get("claim_key");
    let event = key.split_once('#').map_or(key, |(_, event)| event);
    let (style, detail): (Style, String) = match name {
        "verified" => (FAINT, String::new()),
        "claimed" => (FAINT, format!("{} ({})", fields.get("event_type"), fields.get("state"))),
        "enqueued" => (NAME, String::new()),
        "duplicate" => (WARN, "nothing to send".to_owned()),
        // It is shown when the chatbot does it.
        "action" => return,
        "processed" => (GOOD, format!("{} → {}{}", outcome(fields), fields.get("conversation"), kept_back(fields))),
        "other_body" => {
            (WARN, format!("sha256:{}… is known by it, this is sha256:{}…", fields.get("first"), fields.get("other")))
        }
        "unread" => (WARN, format!("{} can't be read: it goes on without", fields.get("fields"))),
        "off_schema" => (WARN, fields.get("mismatch").to_owned()),
        "retry" => (WARN, format!("receive {}: {}", fields.get("receive_count"), fields.get("reason"))),
        "dead" => (BAD, format!("receive {}: {}", fields.get("receive_count"), fields.get("reason"))),
        _ => (BAD, fields.get("reason").to_owned()),
    };
    let label = format!("{name:<10}");
    say!("{}  {:<9} {} {:<28} {}", clock(), fields.get("source"), paint(style, label), short(event, 28), paint(FAINT, detail));
}

fn outcome(fields: &Fields) -> String {
    match fields.get("rules") {
        "" => fields.get("outcome").to_owned(),
        rules => format!("{} by {rules}", fields.get("outcome")),
    }
}

/// What an event's actions became, where they aren't simply on their way.
fn kept_back(fields: &Fields) -> String {
    let back: Vec<&str> = fields.get("actions").split("; ").filter(|a| !a.is_empty() && !a.ends_with(" queued")).collect();
    if back.is_empty() { String::new() } else { format!("  {}", paint(WARN, back.join("; "))) }
}

/// The time of day: all that is needed to watch.
pub(crate) fn clock() -> String {
    let now = SystemClock.now().to_string();
    paint(FAINT, now.get(11..23).unwrap_or(&now))
}
