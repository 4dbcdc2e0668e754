//! Prints the result of each event on a line, from the functions' own log events. With `-v`, prints a line for each
//! step.
//!
//! It stores only the types of events in progress, up to a limit.

use crate::style::{BAD, FAINT, GOOD, NAME, WARN, paint, say_short, short};
use crate::target::Place;
use anstyle::Style;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock};
use tidings_config::time::{Clock, SystemClock};
use tidings_core::telemetry::STEP;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The level of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Only warnings of the adapters: the demo's story shows the events.
    Nothing,
    /// A line for the result of each event.
    Lines,
    /// A line for each step.
    Steps,
}

/// The level of the first call, and its current value.
static DETAIL: AtomicU8 = AtomicU8::new(Detail::Lines as u8);

impl Detail {
    /// Changes the level from now on.
    pub(crate) fn set(self) {
        DETAIL.store(self as u8, Ordering::Relaxed);
    }

    fn now() -> Self {
        let now = DETAIL.load(Ordering::Relaxed);
        [Self::Nothing, Self::Lines, Self::Steps].into_iter().find(|detail| *detail as u8 == now).unwrap_or(Self::Lines)
    }
}

/// The `dev` whose events are shown, for the commands that are suggested.
static HERE: OnceLock<Place> = OnceLock::new();

/// Sets the endpoint of the `dev`'s tables and queues.
pub(super) fn at(endpoint: &str) {
    let _ = HERE.set(Place::dev(endpoint));
}

/// Shows events, and all warnings of the functions.
pub(crate) fn init(detail: Detail) {
    detail.set();
    // The functions log their own failures as steps. The adapters log why a call failed.
    let ours = |meta: &tracing::Metadata<'_>| {
        meta.target() == STEP || (meta.level() <= &Level::WARN && meta.target().starts_with("tidings"))
    };
    // A second call, as from a test, changes nothing.
    let _ = tracing_subscriber::registry().with(Shown::default().with_filter(filter_fn(ours))).try_init();
}

/// Events in progress whose type is stored. Further events are shown without their type.
const MAX_ON_THEIR_WAY: usize = 10_000;

#[derive(Default)]
struct Shown {
    on_their_way: Mutex<BTreeMap<String, Arrived>>,
}

/// What the receiver logged about an event.
#[derive(Clone, Default)]
struct Arrived {
    event_type: String,
    /// Its id is known, with another body.
    has_other_body: bool,
    /// The latest note about it.
    note: String,
}

impl<S: Subscriber> Layer<S> for Shown {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if event.metadata().target() != STEP {
            say_short!("{}  {} {}", clock(), paint(BAD, fields.get("message")), paint(FAINT, fields.get("cause")));
            return;
        }
        match Detail::now() {
            Detail::Nothing => {}
            Detail::Lines => self.line(&fields),
            Detail::Steps => step(&fields),
        }
    }
}

impl Shown {
    /// Prints the result of an event, once it is known.
    fn line(&self, fields: &Fields) {
        let key = fields.get("claim_key");
        match fields.get("step") {
            "claimed" => self.arrived(key, |arrived| fields.get("event_type").clone_into(&mut arrived.event_type)),
            "other_body" => self.arrived(key, |arrived| arrived.has_other_body = true),
            // The chatbot shows an action when it performs it, and a retry ends with another step.
            "verified" | "enqueued" | "action" | "retry" => {}
            "duplicate" => {
                let arrived = self.taken(key);
                let what = if arrived.has_other_body {
                    "duplicate: known id with a different body, ignored"
                } else {
                    "duplicate: ignored"
                };
                became(fields, &arrived.event_type, WARN, what);
            }
            "processed" => became(fields, &self.taken(key).event_type, GOOD, &processed(fields)),
            "dead" => {
                became(
                    fields,
                    &self.taken(key).event_type,
                    BAD,
                    &format!("dead-lettered after {} receives", fields.get("receive_count")),
                );
                say_short!("{:>10}{}", "", paint(FAINT, fields.get("reason")));
                let next = format!("tidings events show '{key}'");
                let next = HERE.get().map_or_else(|| next.clone(), |here| here.command(&next));
                say_short!("{:>10}{} {next}", "", paint(FAINT, "next:"));
            }
            "refused" => became(fields, "", BAD, &format!("refused: {}", fields.get("reason"))),
            "handshake" => became(fields, "", GOOD, "a handshake, answered"),
            "not_queued" => became(fields, &self.taken(key).event_type, BAD, "not queued: the provider will retry"),
            "unread" => became(fields, "", WARN, &format!("{} can't be read, and is left out", fields.get("fields"))),
            "early_time" => became(fields, "", WARN, &format!("its time is {}: check `time.unit`", fields.get("time"))),
            // Each receive of the event logs it.
            "off_schema" if self.is_news(key, fields.get("mismatch")) => became(fields, "", WARN, fields.get("mismatch")),
            "off_schema" => {}
            _ => became(fields, "", BAD, fields.get("reason")),
        }
    }

    fn is_news(&self, key: &str, note: &str) -> bool {
        let mut is_news = true;
        self.arrived(key, |arrived| is_news = std::mem::replace(&mut arrived.note, note.to_owned()) != note);
        is_news
    }

    fn arrived(&self, key: &str, change: impl FnOnce(&mut Arrived)) {
        let mut all = self.on_their_way.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if all.len() < MAX_ON_THEIR_WAY || all.contains_key(key) {
            change(all.entry(key.to_owned()).or_default());
        }
    }

    fn taken(&self, key: &str) -> Arrived {
        self.on_their_way.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(key).unwrap_or_default()
    }
}

/// Prints time, source, type and result. A step without its own type is shown with the type of the arrival.
fn became(fields: &Fields, event_type: &str, style: Style, what: &str) {
    let now = SystemClock.now().to_string();
    let at = paint(FAINT, now.get(11..19).unwrap_or(&now));
    let name = match (fields.get("event_type"), event_type) {
        ("", "") => event_of(fields.get("claim_key")),
        ("", arrived) => arrived,
        (own, _) => own,
    };
    say_short!(
        "{at}  {:<9} {:<27} {}",
        fields.get("source"),
        paint(NAME, format!("{:<27}", short(name, 27))),
        paint(style, what)
    );
}

fn processed(fields: &Fields) -> String {
    let whose = match fields.get("conversation") {
        "" => String::new(),
        conversation => format!(" → {conversation}"),
    };
    format!("{}{whose}{}", fields.get("outcome"), kept_back(fields))
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

fn event_of(key: &str) -> &str {
    key.split_once('#').map_or(key, |(_, event)| event)
}

fn step(fields: &Fields) {
    let name = fields.get("step");
    let event = event_of(fields.get("claim_key"));
    let (style, detail): (Style, String) = match name {
        "verified" => (FAINT, String::new()),
        "claimed" => (FAINT, format!("{} ({})", fields.get("event_type"), fields.get("state"))),
        "enqueued" => (NAME, String::new()),
        "duplicate" => (WARN, "nothing to send".to_owned()),
        // The chatbot shows it when it performs it.
        "action" => return,
        "processed" => (GOOD, format!("{} → {}{}", outcome(fields), fields.get("conversation"), kept_back(fields))),
        "other_body" => {
            (WARN, format!("the first body was sha256:{}…, this one is sha256:{}…", fields.get("first"), fields.get("other")))
        }
        "unread" => (WARN, format!("{} can't be read, and is left out", fields.get("fields"))),
        "early_time" => (WARN, format!("its time is {}: check `time.unit`", fields.get("time"))),
        "off_schema" => (WARN, fields.get("mismatch").to_owned()),
        "retry" => (WARN, format!("receive {}: {}", fields.get("receive_count"), fields.get("reason"))),
        "dead" => (BAD, format!("receive {}: {}", fields.get("receive_count"), fields.get("reason"))),
        _ => (BAD, fields.get("reason").to_owned()),
    };
    let label = format!("{name:<10}");
    say_short!(
        "{}  {:<9} {} {:<28} {}",
        clock(),
        fields.get("source"),
        paint(style, label),
        short(event, 28),
        paint(FAINT, detail)
    );
}

fn outcome(fields: &Fields) -> String {
    match fields.get("rules") {
        "" => fields.get("outcome").to_owned(),
        rules => format!("{} by {rules}", fields.get("outcome")),
    }
}

/// Actions that were suppressed or deferred.
fn kept_back(fields: &Fields) -> String {
    let back: Vec<&str> = fields.get("actions").split("; ").filter(|a| !a.is_empty() && !a.ends_with(" queued")).collect();
    if back.is_empty() { String::new() } else { format!("  {}", paint(WARN, back.join("; "))) }
}

/// The time of day.
pub(crate) fn clock() -> String {
    let now = SystemClock.now().to_string();
    paint(FAINT, now.get(11..23).unwrap_or(&now))
}
