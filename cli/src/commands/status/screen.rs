//! The screen, for people.

use super::alarms::{Alarm, Alarms};
use super::endpoint::{Endpoint, Health, Ready};
use super::metrics::Measured;
use super::next::{headline, problems, steps, words};
use super::part::{Part, Unread};
use super::runbook::PAGING;
use super::seen::State;
use super::{Backlog, Claims, Queue, Status};
use crate::limits::MAX_EVENTS_LISTED;
use crate::project::short_hash;
use crate::style::{BAD, FAINT, GOOD, NAME, STRONG, WARN, paint, short};
use anstyle::Style;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimState;

/// Maximum length of the reason that CloudWatch gives for a state.
const REASON_WIDTH: usize = 100;

/// The lines with styles. Printing removes the styles if the output isn't a terminal.
pub(super) fn lines(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    let problems = problems(status);
    let what = status.stack.as_ref().map_or_else(|| "tidings dev".to_owned(), |stack| format!("stack {stack}"));
    let (mark, style) = if problems.is_empty() { ("✓", GOOD) } else { ("✗", BAD) };
    let said = format!("{mark} {what}: {}", headline(status, &problems));
    lines.push(format!("{}  {}", paint(style.bold(), said), paint(FAINT, status.at)));
    endpoint(&status.endpoint, &mut lines);
    alarms(status, &mut lines);
    backlog(status, &mut lines);
    sources(status, &mut lines);
    rates(&status.rates, &mut lines);
    lines.extend([String::new(), paint(STRONG, "next")]);
    let steps = steps(&problems);
    if steps.is_empty() {
        lines.push("  nothing to do".to_owned());
    }
    for (place, step) in steps.iter().enumerate() {
        lines.push(format!("  {}. {}", place + 1, paint(NAME, &step.step)));
        lines.push(paint(FAINT, format!("     {}", step.why)));
    }
    lines
}

fn heading(name: &str, said: impl std::fmt::Display, lines: &mut Vec<String>) {
    lines.extend([String::new(), format!("{}  {said}", paint(STRONG, format!("{name:<8}"))).trim_end().to_owned()]);
}

fn line(style: Style, mark: &str, name: &str, said: &str) -> String {
    format!("  {} {name:<8} {said}", paint(style, mark))
}

fn unread(Unread { unread, needs }: &Unread) -> String {
    format!("can't be read: {unread}; required: {needs}")
}

fn endpoint(endpoint: &Endpoint, lines: &mut Vec<String>) {
    heading("endpoint", endpoint.url.as_deref().unwrap_or(""), lines);
    lines.push(match &endpoint.health {
        Health::Answers { version, configuration } => {
            let configuration = configuration.as_deref().map(|hash| format!(", configuration {}", short_hash(hash)));
            line(GOOD, "✓", "health", &format!("answers, version {version}{}", configuration.unwrap_or_default()))
        }
        Health::Unreachable { said } => line(BAD, "✗", "health", said),
        Health::Unknown { said } => line(WARN, "?", "health", said),
    });
    lines.push(match &endpoint.ready {
        Ready::Yes { checks } => line(GOOD, "✓", "ready", &listed(checks)),
        Ready::No { checks } => line(BAD, "✗", "ready", &listed(checks)),
        Ready::Absent => line(FAINT, "–", "ready", "no such path: the deployed version doesn't have it"),
        Ready::Unknown { said } => line(WARN, "?", "ready", said),
        Ready::NotAsked => line(FAINT, "–", "ready", "not asked"),
    });
}

fn listed(checks: &Map<String, Value>) -> String {
    checks.iter().map(|(name, said)| format!("{name} {}", words(said))).collect::<Vec<_>>().join(", ")
}

fn alarms(status: &Status, lines: &mut Vec<String>) {
    match &status.alarms {
        Part::Absent { absent } => heading("alarms", paint(FAINT, absent), lines),
        Part::Unread(why) => heading("alarms", paint(WARN, unread(why)), lines),
        Part::Read(Alarms { watched, note, firing, listed }) => {
            heading("alarms", format!("{firing} of {watched}"), lines);
            lines.extend(note.map(|note| format!("  {} {note}", paint(WARN, "!"))));
            let width = listed.iter().map(|one| one.alarm.len()).max().unwrap_or_default();
            listed.iter().for_each(|one| alarm(one, width, status.at, lines));
        }
    }
}

fn alarm(one: &Alarm, width: usize, now: Timestamp, lines: &mut Vec<String>) {
    let (style, mark, said) = match (one.counts, one.state) {
        (true, _) => (BAD, "✗", short(&one.reason, REASON_WIDTH)),
        (false, State::Alarm) if one.alarm == PAGING => (FAINT, "–", "part of an alarm above; it pages".to_owned()),
        (false, State::Alarm) => (FAINT, "–", "normal at times: needs no action by itself".to_owned()),
        (false, State::InsufficientData) => (WARN, "?", format!("no data yet: {}", short(&one.reason, REASON_WIDTH))),
        (false, State::Missing) => (WARN, "?", one.reason.clone()),
        (false, State::Ok) => (GOOD, "✓", String::new()),
    };
    let since = one.since.map_or_else(|| "-".to_owned(), |since| lasting(now.since(since)));
    lines.push(format!("  {} {:<width$}  {since:>7}  {said}", paint(style, mark), one.alarm));
    if one.counts {
        lines.push(format!("    {:width$}  {:>7}  {}", "", "", paint(FAINT, &one.runbook)));
        lines.push(format!("    {:width$}  {:>7}  {}", "", "", paint(NAME, &one.next)));
    }
}

fn backlog(status: &Status, lines: &mut Vec<String>) {
    match &status.backlog {
        Part::Absent { absent } => heading("backlog", paint(FAINT, absent), lines),
        Part::Unread(why) => heading("backlog", paint(WARN, unread(why)), lines),
        Part::Read(Backlog::Claims { queues, claims }) => {
            table(queues, lines);
            heading("events", paint(FAINT, "the newest claims, by state"), lines);
            let width = claims.iter().map(|one| number(one.events).len()).max().unwrap_or_default();
            for Claims { state, events } in claims {
                let style = if *state == ClaimState::Dead && *events > 0 { BAD } else { Style::new() };
                lines.push(format!("  {:<14} {}", state.as_str(), paint(style, format!("{:>width$}", number(*events)))));
            }
            if claims.iter().map(|one| one.events).sum::<u64>() >= MAX_EVENTS_LISTED as u64 {
                lines.push(paint(FAINT, format!("  of the newest {}", number(MAX_EVENTS_LISTED as u64))));
            }
        }
        Part::Read(Backlog::Queues { queues }) => table(queues, lines),
    }
}

fn sources(status: &Status, lines: &mut Vec<String>) {
    let sources = match &status.sources {
        Part::Absent { absent } => return heading("sources", paint(FAINT, absent), lines),
        Part::Unread(why) => return heading("sources", paint(WARN, unread(why)), lines),
        Part::Read(sources) => sources,
    };
    heading("sources", paint(FAINT, "last heard"), lines);
    let width = sources.iter().map(|one| one.source.len()).max().unwrap_or_default();
    let is_measured = status.stack.is_none();
    for one in sources {
        let (style, mark) = match (one.expect_every, one.is_late) {
            (Some(_), true) => (BAD, "✗"),
            (Some(_), false) => (GOOD, "✓"),
            (None, _) => (FAINT, "–"),
        };
        let ago = match (one.expect_every, one.last_heard) {
            (None, None) if !is_measured => "not measured".to_owned(),
            _ => one.ago(status.at),
        };
        let every = one.expect_every.map(|every| paint(FAINT, format!("expected every {every}"))).unwrap_or_default();
        lines.push(format!("  {} {:<width$}  {ago:<12}  {every}", paint(style, mark), one.source).trim_end().to_owned());
    }
}

fn table(queues: &[Queue], lines: &mut Vec<String>) {
    const HEAD: [&str; 4] = ["visible", "in flight", "delayed", "oldest"];
    let cells = |one: &Queue| {
        let depth = one.depth.read()?;
        let oldest = one.oldest_s.map_or_else(|| "-".to_owned(), |age| lasting(Duration::from_secs(age)));
        Some([number(depth.visible), number(depth.in_flight), number(depth.delayed), oldest])
    };
    let rows: Vec<_> = queues.iter().map(|one| (one, cells(one))).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|(_, cells)| cells.as_ref()).map(|cells| cells[column].len());
        cells.chain([HEAD[column].len()]).max().unwrap_or_default()
    };
    let row = |cells: [&str; 4]| {
        cells.iter().enumerate().fold(String::new(), |mut row, (column, cell)| {
            let _ = write!(row, "  {cell:>width$}", width = width(column));
            row
        })
    };
    heading("backlog", paint(FAINT, format!("{:6}{}", "", row(HEAD))), lines);
    for (one, cells) in &rows {
        let dead = one.queue.contains("dead") && one.depth.read().is_some_and(|depth| depth.all() > 0);
        let said = match (cells, &one.depth) {
            (Some(cells), _) => row(cells.each_ref().map(String::as_str)),
            (None, Part::Unread(why)) => format!("  {}", paint(WARN, unread(why))),
            (None, Part::Read(_) | Part::Absent { .. }) => String::new(),
        };
        let said = if dead { paint(BAD, said) } else { said };
        lines.push(format!("  {:<14}{said}", one.queue));
    }
}

fn rates(rates: &Part<Measured>, lines: &mut Vec<String>) {
    let measured = match rates {
        Part::Absent { absent } => return heading("rates", paint(FAINT, absent), lines),
        Part::Unread(why) => return heading("rates", paint(WARN, unread(why)), lines),
        Part::Read(measured) => measured,
    };
    heading("rates", paint(FAINT, format!("in the last {}", measured.over)), lines);
    let minutes = measured.over.duration().as_secs_f64() / 60.0;
    let told = measured.counts.iter().filter_map(|(_, count)| count.as_ref().ok());
    let width = told.map(|count| number(*count).len()).max().unwrap_or_default().max("12.3 ms".len());
    for (name, count) in &measured.counts {
        lines.push(match count {
            Ok(count) => {
                let rate = paint(FAINT, format!("{} a minute", rate(*count as f64 / minutes)));
                format!("  {name:<14} {:>width$}  {rate}", number(*count))
            }
            Err(why) => format!("  {name:<14} {:>width$}  {}", "?", paint(WARN, why)),
        });
    }
    for (name, worst) in &measured.worst {
        let name = name.trim_end_matches("_p99_ms");
        let said = match worst {
            Ok(Some(ms)) => format!("{:>width$}", took(*ms)),
            Ok(None) => format!("{:>width$}", "-"),
            Err(why) => format!("{:>width$}  {}", "?", paint(WARN, why)),
        };
        lines.push(format!("  {:<14} {said}  {}", format!("{name}, p99"), paint(FAINT, "of the worst five minutes")));
    }
}

/// With a comma at each thousand.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let groups = digits.as_bytes()[head..].chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let head = (head > 0).then(|| digits[..head].to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// A small rate has one decimal.
fn rate(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { number(rate.round() as u64) }
}

fn took(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", number(ms / 1_000), ms % 1_000 / 100) }
}

/// In the largest unit of which there are at least two.
pub(super) fn lasting(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = time.as_secs();
    let (size, unit) = UNITS.into_iter().find(|(size, _)| seconds >= 2 * size).unwrap_or((1, "s"));
    format!("{} {unit}", number(seconds / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_times_have_a_unit() {
        for (n, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (u64::MAX, "18,446,744,073,709,551,615")] {
            assert_eq!(number(n), expected);
        }
        for (seconds, expected) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_800, "2 d"),
            (1_209_600, "14 d"),
        ] {
            assert_eq!(lasting(Duration::from_secs(seconds)), expected);
        }
        assert_eq!([took(0), took(999), took(1_000), took(65_432)], ["0 ms", "999 ms", "1.0 s", "65.4 s"]);
        assert_eq!([rate(0.0), rate(99.94), rate(12_345.6)], ["0.0", "99.9", "12,346"]);
    }
}
