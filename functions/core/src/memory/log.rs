//! What is logged and counted, as lines: every event of every level, by thread, since each test has a thread of its own.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::sync::Once;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Capture;

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| lines.push(line.0));
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("a String takes all");
    }
}

/// Once for all tests of a process: an event's callsite must not be met before there is somebody to listen.
pub fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Capture).expect("nothing else listens"));
}

/// This thread's lines so far.
pub fn lines() -> Vec<String> {
    LINES.with_borrow(Clone::clone)
}

/// How many of this thread's lines hold all of these texts.
pub fn lines_with(texts: &[&str]) -> usize {
    lines().iter().filter(|line| texts.iter().all(|text| line.contains(text))).count()
}

/// What was said of a metric on this thread, in order: source, word and value.
pub fn counted(metric: crate::telemetry::Metric) -> Vec<(String, String, u64)> {
    let name = format!("metric={:?} ", metric.name());
    let read = |line: &String| {
        let field = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}="))?;
            Some(rest.split(' ').next()?.trim_matches('"').to_owned())
        };
        let value = field("value")?.parse().ok()?;
        line.starts_with(&name).then_some((field("source")?, field("word")?, value))
    };
    lines().iter().filter_map(read).collect()
}
