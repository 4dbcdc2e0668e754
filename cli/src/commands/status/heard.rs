//! When each source was last heard: its last authentic request, and whether it is late (`expect_every`).
//!
//! Of a stack, the metric `Heard` says it, and for sources without `expect_every` the metric `Accepted` of the source, which
//! exists with `SourceMetrics=true` only. A point is the beginning of the minutes that it covers. Of a `dev`, its claims.

use super::metrics::{named, stat};
use super::part::{Part, Unread};
use super::screen::lasting;
use super::stack::Stack;
use crate::project::Location;
use crate::silence::{Period, is_late, looked_back};
use crate::target::{Place, reader_at};
use aws_sdk_cloudwatch::types::MetricDataQuery;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::rules::Span;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::telemetry::Metric;

/// A source, and when it was last heard.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Heard {
    pub(super) source: String,
    /// `None`: not within the time that was looked at, or not measured.
    pub(super) last_heard: Option<Timestamp>,
    pub(super) expect_every: Option<Span>,
    pub(super) is_late: bool,
    /// Whether its provider has a list of events (`tidings reconcile`).
    #[serde(skip)]
    pub(super) has_list: bool,
}

impl Heard {
    fn of(source: &Source, last_heard: Option<Timestamp>, is_late: bool) -> Self {
        let has_list = tidings_project::preset(&source.provider).is_some_and(|preset| preset.reconcile.is_some());
        Self { source: source.name.clone(), last_heard, expect_every: source.expect_every, is_late, has_list }
    }

    /// How long ago, in words.
    pub(super) fn ago(&self, now: Timestamp) -> String {
        self.last_heard.map_or_else(|| "never".to_owned(), |last| format!("{} ago", lasting(now.since(last))))
    }
}

/// Of a stack. The sources are those of the project here.
pub(super) async fn of_stack(stack: &Stack, now: Timestamp) -> Part<Vec<Heard>> {
    let Ok(Some(location)) = Location::find() else {
        return Part::Absent { absent: "no project here: run it in the project's folder, or give --project" };
    };
    let Ok(sources) = location.sources() else { return Part::Absent { absent: UNREADABLE } };
    let back = looked_back(sources.iter().filter_map(|source| source.expect_every));
    let asked = queries(&stack.namespace(), &sources, back);
    match (stack.newest(asked, now.minus(back), now).await, sources.iter().any(|source| source.expect_every.is_some())) {
        (Ok(newest), _) => Part::Read(read(&sources, &newest, now)),
        (Err(unread), true) => Part::Unread(unread),
        (Err(_), false) => Part::Absent { absent: "not measured: no source has `expect_every`" },
    }
}

const UNREADABLE: &str = "sources.yaml has problems: `tidings check` shows them";

fn id(place: usize) -> String {
    format!("s{place}")
}

/// The period of a source's points: all queries of a call share its time, so a long look back takes long periods.
fn period(source: &Source, back: Duration) -> u64 {
    Period::of(source.expect_every.unwrap_or(Span::new(back))).seconds
}

fn queries(namespace: &str, sources: &[Source], back: Duration) -> Vec<MetricDataQuery> {
    let query = |(place, source): (usize, &Source)| {
        let metric = if source.expect_every.is_some() { Metric::Heard } else { Metric::Accepted };
        let seconds = i32::try_from(period(source, back)).unwrap_or(i32::MAX);
        let metric = named(namespace, metric.name(), Some(("source", &source.name)));
        stat(metric, "Sum", seconds).id(id(place)).build()
    };
    sources.iter().enumerate().map(query).collect()
}

/// A source is late for certain only when the whole period of its last request is long enough ago.
fn read(sources: &[Source], newest: &BTreeMap<String, Timestamp>, now: Timestamp) -> Vec<Heard> {
    let heard = |(place, source): (usize, &Source)| {
        let last = newest.get(&id(place)).copied();
        let late = source.expect_every.is_some_and(|every| {
            let until = last.map(|last| last.plus(Duration::from_secs(Period::of(every).seconds)));
            is_late(until, None, every, now)
        });
        Heard::of(source, last, late)
    };
    sources.iter().enumerate().map(heard).collect()
}

/// Of the `dev` at this place, which started at `since`: nothing could be heard before.
pub(super) async fn of_dev(at: &Place, since: Option<Timestamp>, now: Timestamp) -> Part<Vec<Heard>> {
    const NEEDS: &str = "dynamodb:Scan";
    let Ok(location) = Location::find().map(|found| found.unwrap_or(Location::Demo)) else {
        return Part::Absent { absent: UNREADABLE };
    };
    let Ok(sources) = location.sources() else { return Part::Absent { absent: UNREADABLE } };
    let read = async {
        let reader = reader_at(at).await.map_err(|failure| Unread { unread: failure.message, needs: NEEDS })?;
        Ok::<_, Unread>(reader.all_claims().await?)
    };
    let claims = match read.await {
        Ok(claims) => claims,
        Err(unread) => return Part::Unread(unread),
    };
    let heard = |source: &Source| {
        let last = claims.iter().filter(|claim| claim.source == source.name).filter_map(|claim| claim.received).max();
        Heard::of(source, last, source.expect_every.is_some_and(|every| is_late(last, since, every, now)))
    };
    Part::Read(sources.iter().map(heard).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, every: Option<&str>) -> Source {
        let preset = tidings_project::preset(name).expect("a preset");
        Source { expect_every: every.map(|every| every.parse().expect("a span")), ..preset.source(name) }
    }

    #[test]
    fn a_source_of_a_stack_is_late_when_its_whole_last_period_is_too_long_ago() {
        let at = |seconds: i64| Timestamp::from_unix_ms(seconds * 1_000);
        let sources = [source("stripe", Some("10m")), source("github", None)];
        let late = |newest: &[(usize, i64)], now: i64| {
            let newest = newest.iter().map(|(place, seconds)| (id(*place), at(*seconds))).collect();
            let read = read(&sources, &newest, at(now));
            (read[0].is_late, read[1].is_late, read[0].last_heard)
        };
        assert_eq!(late(&[(0, 300)], 300 + 300 + 599), (false, false, Some(at(300))));
        assert_eq!(late(&[(0, 300)], 300 + 300 + 600), (true, false, Some(at(300))));
        assert_eq!(late(&[], 10), (true, false, None), "silence is the absence of the metric");
    }

    #[test]
    fn only_expecting_sources_are_asked_for_by_the_metric_of_their_alarm() {
        let sources = [source("stripe", Some("6h")), source("github", None), source("slack", Some("3d"))];
        let back = looked_back(sources.iter().filter_map(|source| source.expect_every));
        assert_eq!(back, Duration::from_secs(6 * 86_400));
        let asked: Vec<_> = queries("Tidings/shop", &sources, back)
            .iter()
            .map(|query| {
                let stat = query.metric_stat().expect("a metric");
                let metric = stat.metric().expect("a metric");
                let source = metric.dimensions()[0].value().expect("a source").to_owned();
                (metric.metric_name().expect("a name").to_owned(), source, stat.period().expect("a period"))
            })
            .collect();
        let expected = [("Heard", "stripe", 300), ("Accepted", "github", 3_600), ("Heard", "slack", 3_600)];
        assert_eq!(asked, expected.map(|(metric, source, period)| (metric.to_owned(), source.to_owned(), period)));
    }
}
