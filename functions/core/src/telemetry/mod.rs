//! Logs and metrics: JSON lines on standard output. Traces: datagrams to the daemon that Lambda runs beside a function.
//!
//! Promises: every line has `timestamp` and `level` (without them, lines of a custom runtime count as INFO), and
//! lines of an invocation have its `request_id`; every metric is a [`Metric`]; metrics of an invocation are written
//! before it responds, because a frozen process does nothing. Never: a body, a secret or a signature in a line; text
//! of an attacker without escaping (JSON and [`Shown`] escape it) or without a bound. If a line can't be written, the
//! line is lost and the event isn't.

mod metric;
mod panics;
mod sampling;
mod segment;
mod shown;
mod tally;

pub use self::metric::{By, Kind, Metric};
pub use self::sampling::{Sampling, is_sampled};
pub use self::segment::Segment;
pub use self::shown::{Escaped, Shown, is_displayable};

use self::segment::Datagrams;
use self::tally::Tally;
use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;
use tidings_config::artefact::ArtefactError;
use tidings_config::time::{Timestamp, millis};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The target of log events that report an event's progress. `tidings dev` prints them.
pub const STEP: &str = "tidings::step";

/// The target of metrics: see [`Metric`].
const METRIC: &str = "tidings::metric";

/// The target of [`Segment`]s.
const SEGMENT: &str = "tidings::segment";

/// The target of [`invocation`].
const INVOCATION: &str = "tidings::invocation";

/// The most verbose level that is ever written, with any `RUST_LOG`. Below it the runtime and the SDK log their
/// input: whole requests with signatures and bodies.
const FINEST: Level = Level::DEBUG;

/// Replaces the source if there is none, or an unknown one.
pub const UNKNOWN: &str = "unknown";

/// What a function writes besides its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The CloudWatch namespace of its metrics.
    pub namespace: String,
    /// Whether metrics over all sources are also metrics of each source, at $0.30 a month each.
    pub source_metrics: bool,
    /// The share of the events that have lines.
    pub sampling: Sampling,
    /// The daemon that takes segments of traces, if there is one.
    pub xray_daemon: Option<SocketAddr>,
}

/// Writes JSON lines to standard output, at the levels of `RUST_LOG`; default: `info`. Metrics are always written.
/// [`Segment`]s are sent to the X-Ray daemon, if there is one. Call it once, in `main`.
pub fn init(written: Written) {
    written.sampling.set();
    subscriber(written, std::io::stdout).init();
    panics::install_hook();
}

/// The subscriber of [`init`], which writes its lines here. A test counts their bytes with it.
pub fn subscriber<W>(written: Written, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    let Written { namespace, source_metrics, sampling: _, xray_daemon } = written;
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(out.clone())
        .with_filter(levels(std::env::var("RUST_LOG").ok().as_deref()))
        .with_filter(filter_fn(|meta| ![METRIC, SEGMENT].contains(&meta.target()) && *meta.level() <= FINEST));
    let tally = Mutex::new(Tally::new(source_metrics));
    let metrics = MetricLines { namespace, tally, out }.with_filter(filter_fn(|meta| meta.target() == METRIC));
    let segments = xray_daemon.and_then(Datagrams::to).map(|to| to.with_filter(filter_fn(|meta| meta.target() == SEGMENT)));
    tracing_subscriber::registry().with(logs).with(metrics).with(segments)
}

/// The levels of `RUST_LOG`, by target; `info` if it is left out or isn't understood. Lines keep their invocation with any of them.
/// Filters by span and by field, which would need regular expressions, aren't.
fn levels(said: Option<&str>) -> Targets {
    let levels = said.filter(|levels| !levels.trim().is_empty()).and_then(|levels| levels.parse::<Targets>().ok());
    levels.unwrap_or_else(|| Targets::new().with_default(Level::INFO)).with_target(INVOCATION, Level::INFO)
}

/// Adds the invocation's request id to each line within the span, as in the platform's own lines.
pub fn invocation(request_id: &str) -> Span {
    tracing::info_span!(target: INVOCATION, "invocation", request_id)
}

/// Writes the metrics since the last flush. Call it before the response.
pub fn flush(now: Timestamp) {
    tracing::info!(target: METRIC, flush = now.unix_ms());
}

/// Logs that a function is ready for its first event, with its configuration's hash.
pub fn started(function: &'static str, configuration: &str, took: Duration) {
    let duration_ms = millis(took);
    Metric::ColdStart.measure_in(function, duration_ms);
    tracing::info!(function, version = env!("CARGO_PKG_VERSION"), configuration, duration_ms, "started");
}

/// Logs why a function can't start. Lambda itself only reports that it ended.
pub fn unreadable_configuration(error: &ArtefactError) {
    tracing::error!(path = %error.path.display(), reason = %error, "unreadable configuration");
}

/// Collects metrics, and writes them as lines of their own on a flush.
struct MetricLines<W> {
    namespace: String,
    tally: Mutex<Tally>,
    out: W,
}

impl<S: Subscriber, W: for<'w> MakeWriter<'w> + 'static> Layer<S> for MetricLines<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let mut tally = self.tally.lock().expect("nothing panics while it holds this");
        if let Some(metric) = Metric::parse(&said.metric) {
            tally.add(metric, &said.source, &said.word, said.value);
        }
        if let Some(now) = said.flush {
            for line in tally.lines(&self.namespace, now) {
                let _ = self.out.make_writer().write_all(line.as_bytes());
            }
        }
    }
}

/// The fields of the events of [`Metric`] and [`flush`].
#[derive(Default)]
struct Said {
    metric: String,
    source: String,
    word: String,
    value: u64,
    flush: Option<Timestamp>,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "metric" => value.clone_into(&mut self.metric),
            "source" => value.clone_into(&mut self.source),
            "word" => value.clone_into(&mut self.word),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "value" {
            self.value = value;
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "flush" {
            self.flush = Some(Timestamp::from_unix_ms(value));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn levels_are_by_target_and_info_by_default() {
        let shows = |said, target, level| levels(said).would_enable(target, &level);
        for default in [None, Some(""), Some(" "), Some("receiver=loud")] {
            assert!(shows(default, "receiver", Level::INFO) && !shows(default, "receiver", Level::DEBUG), "{default:?}");
        }
        let named = Some("warn,receiver=debug,tidings::step=debug");
        assert!(shows(named, "receiver::accept", Level::DEBUG) && shows(named, "tidings::step", Level::DEBUG));
        assert!(!shows(named, "processor", Level::INFO));
        for silent in ["off", "error", "tidings::invocation=off"] {
            assert!(shows(Some(silent), INVOCATION, Level::INFO), "{silent}: a line keeps its request id");
        }
    }

    #[test]
    fn the_line_of_a_start_says_the_function_its_version_and_its_configuration() {
        let written = Kept::default();
        let to = written.clone();
        let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || to.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            started("receiver", "9f86d081884c7d65", Duration::from_millis(7));
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let line = text.lines().find(|line| line.contains("\"started\"")).expect("a line");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!([&line["function"], &line["configuration"]], ["receiver", "9f86d081884c7d65"]);
        assert_eq!((&line["version"], &line["duration_ms"]), (&env!("CARGO_PKG_VERSION").into(), &7.into()));
    }
}
