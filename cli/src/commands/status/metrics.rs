//! Recent counts, and the age of the oldest message, in one `GetMetricData`. Our own metrics are named by the enum,
//! AWS's by their names.
//!
//! Counts are sums over minutes. A percentile is the highest of those of five minutes each: percentiles can't be added
//! up. A metric without a point was never emitted; for a count that means 0.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric as Named, MetricDataQuery, MetricDataResult, MetricStat, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::rules::Span;
use tidings_config::time::Timestamp;
use tidings_core::telemetry::{By, Metric};

const COUNT_PERIOD_S: i32 = 60;
const PERCENTILE_PERIOD_S: i32 = 300;

/// Maximum age of a point. SQS reports a queue's metrics once a minute, some minutes late, and stops when the queue
/// hasn't been used for hours. Older points say nothing about the present.
const FRESH: Duration = Duration::from_secs(900);

/// The counted metrics, with their names on the screen.
const COUNTS: [(&str, Metric); 6] = [
    ("received", Metric::Received),
    ("accepted", Metric::Accepted),
    ("duplicates", Metric::Duplicate),
    ("refused", Metric::Refused),
    ("processed", Metric::Processed),
    ("dead", Metric::Dead),
];

/// The front door's own metric: the whole time that a provider waits.
const ANSWER: &str = "answer_p99_ms";
const EFFECT: &str = "effect_p99_ms";

/// The endpoint that providers call: parameter `FrontDoor`.
#[derive(Clone, Copy, Debug)]
pub(super) enum EndpointId<'a> {
    /// The id of the API.
    HttpApi(&'a str),
    /// The name of the function.
    FunctionUrl(&'a str),
}

/// The places in which AWS counts.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) stack: &'a str,
    pub(super) door: Option<EndpointId<'a>>,
    /// The queues: their names here, and their names in SQS.
    pub(super) queues: Vec<(&'static str, String)>,
}

/// A query, and the meaning of its answer.
#[derive(Debug)]
pub(super) struct Asked {
    what: Measure,
    query: MetricDataQuery,
}

#[derive(Clone, Copy, Debug)]
enum Measure {
    Count(&'static str),
    Worst(&'static str),
    Oldest(&'static str),
}

/// In the order of the answers' ids.
pub(super) fn asked(place: &Place<'_>) -> Vec<Asked> {
    let namespace = format!("Tidings/{}", place.stack);
    let counts = COUNTS.map(|(name, metric)| (Measure::Count(name), ours(&namespace, metric, "Sum", COUNT_PERIOD_S)));
    let answer = place.door.map(|door| {
        let metric = match door {
            EndpointId::HttpApi(id) => named("AWS/ApiGateway", "Latency", Some(("ApiId", id))),
            EndpointId::FunctionUrl(function) => named("AWS/Lambda", "UrlRequestLatency", Some(("FunctionName", function))),
        };
        (Measure::Worst(ANSWER), stat(metric, "p99", PERCENTILE_PERIOD_S))
    });
    let effect = (Measure::Worst(EFFECT), ours(&namespace, Metric::ProcessingLag, "p99", PERCENTILE_PERIOD_S));
    let oldest = place.queues.iter().map(|(queue, name)| {
        let metric = named("AWS/SQS", "ApproximateAgeOfOldestMessage", Some(("QueueName", name)));
        (Measure::Oldest(queue), stat(metric, "Maximum", COUNT_PERIOD_S))
    });
    let all = counts.into_iter().chain(answer).chain([effect]).chain(oldest);
    let asked = all.enumerate().map(|(place, (what, query))| Asked { what, query: query.id(id(place)).build() });
    asked.collect()
}

impl Asked {
    pub(super) fn query(&self) -> MetricDataQuery {
        self.query.clone()
    }
}

fn id(place: usize) -> String {
    format!("q{place}")
}

pub(in crate::commands) type Query = aws_sdk_cloudwatch::types::builders::MetricDataQueryBuilder;

/// A metric of ours over all sources. A metric that has values only by dimension is the sum over a search.
pub(in crate::commands) fn ours(namespace: &str, metric: Metric, statistic: &str, period_s: i32) -> Query {
    match metric.by() {
        By::All | By::Source => stat(named(namespace, metric.name(), None), statistic, period_s),
        By::Each | By::State | By::Reason | By::Field | By::Function => {
            let dimensions = metric.by().dimensions().concat().join(",");
            let found = format!("{{\"{namespace}\",{dimensions}}} MetricName=\"{}\"", metric.name());
            MetricDataQuery::builder().expression(format!("SUM(SEARCH('{found}', '{statistic}', {period_s}))"))
        }
    }
}

pub(in crate::commands) fn named(namespace: &str, name: &str, dimension: Option<(&str, &str)>) -> Named {
    let dimension = dimension.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let named = Named::builder().namespace(namespace).metric_name(name);
    dimension.into_iter().fold(named, |named, dimension| named.dimensions(dimension)).build()
}

pub(in crate::commands) fn stat(metric: Named, statistic: &str, period_s: i32) -> Query {
    MetricDataQuery::builder().metric_stat(MetricStat::builder().metric(metric).period(period_s).stat(statistic).build())
}

/// CloudWatch's answer.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) over: Span,
    /// By name, in the order of the screen. `Err`: why the value is missing.
    pub(super) counts: Vec<(&'static str, Result<u64, String>)>,
    /// The same in milliseconds; `None` if nothing was measured.
    pub(super) worst: Vec<(&'static str, Result<Option<u64>, String>)>,
    pub(super) oldest: BTreeMap<&'static str, u64>,
}

impl Measured {
    pub(super) fn read(asked: &[Asked], answered: &[MetricDataResult], now: Timestamp, over: Span) -> Self {
        let mut measured = Self { over, counts: Vec::new(), worst: Vec::new(), oldest: BTreeMap::new() };
        for (place, Asked { what, .. }) in asked.iter().enumerate() {
            let found = answered.iter().find(|result| result.id() == Some(&id(place)));
            let told = told(found);
            match *what {
                Measure::Count(name) => {
                    measured.counts.push((name, told.map(|points| whole(points.iter().map(|(_, n)| n).sum()))))
                }
                Measure::Worst(name) => {
                    let worst = told.map(|points| points.into_iter().map(|(_, value)| value).max_by(f64::total_cmp).map(whole));
                    measured.worst.push((name, worst));
                }
                Measure::Oldest(queue) => {
                    let newest = told.ok().and_then(|points| points.into_iter().max_by_key(|(at, _)| *at));
                    if let Some((_, age)) = newest.filter(|(at, _)| now.since(*at) <= FRESH) {
                        measured.oldest.insert(queue, whole(age));
                    }
                }
            }
        }
        measured
    }

    /// For a stack whose front door is unknown.
    pub(super) fn without_door(mut self) -> Self {
        self.worst.insert(0, (ANSWER, Err("the stack has no output for its API".to_owned())));
        self
    }

    pub(super) fn oldest_s(&self, queue: &str) -> Option<u64> {
        self.oldest.get(queue).copied()
    }
}

/// The points of a metric, or why they are missing.
pub(in crate::commands) fn told(found: Option<&MetricDataResult>) -> Result<Vec<(Timestamp, f64)>, String> {
    let Some(result) = found else { return Err("CloudWatch returned no result for it".to_owned()) };
    if result.status_code() == Some(&StatusCode::InternalError) || result.status_code() == Some(&StatusCode::Forbidden) {
        let said = result.messages().iter().map(|m| format!("{}: {}", m.code().unwrap_or("-"), m.value().unwrap_or("-")));
        let said: Vec<_> = said.collect();
        return Err(if said.is_empty() { "CloudWatch returned an error for it".to_owned() } else { said.join(", ") });
    }
    let points = result.timestamps().iter().zip(result.values());
    Ok(points.map(|(at, value)| (timestamp(at), *value)).collect())
}

pub(in crate::commands) fn timestamp(at: &DateTime) -> Timestamp {
    Timestamp::from_unix_ms(at.to_millis().unwrap_or(i64::MAX))
}

/// A count that arrives as a fraction, as an integer. A value that doesn't fit becomes the maximum.
fn whole(value: f64) -> u64 {
    value.round() as u64
}

impl Serialize for Measured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("over_s", &self.over.duration().as_secs())?;
        let mut unread = BTreeMap::new();
        for (name, count) in &self.counts {
            map.serialize_entry(name, &count.as_ref().ok())?;
            unread.extend(count.as_ref().err().map(|why| (name, why)));
        }
        for (name, worst) in &self.worst {
            map.serialize_entry(name, &worst.as_ref().ok().copied().flatten())?;
            unread.extend(worst.as_ref().err().map(|why| (name, why)));
        }
        if !unread.is_empty() {
            map.serialize_entry("unread", &unread)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudwatch::types::MessageData;

    const NOW_S: i64 = 1_000_000;

    fn place() -> Place<'static> {
        behind(EndpointId::HttpApi("a1b2"))
    }

    fn behind(door: EndpointId<'static>) -> Place<'static> {
        Place { stack: "shop", door: Some(door), queues: vec![("events", "shop-events".to_owned())] }
    }

    fn answer(place: usize, points: &[(i64, f64)]) -> MetricDataResult {
        let result = MetricDataResult::builder().id(id(place)).status_code(StatusCode::Complete);
        points.iter().fold(result, |result, (at, value)| result.timestamps(DateTime::from_secs(*at)).values(*value)).build()
    }

    fn read(answered: &[MetricDataResult]) -> Measured {
        let now = Timestamp::from_unix_s(NOW_S).expect("it fits");
        Measured::read(&asked(&place()), answered, now, Span::new(Duration::from_secs(3_600)))
    }

    #[test]
    fn every_metric_is_asked_for_as_it_is_emitted() {
        let asked = asked(&place());
        let expression = |place: usize| asked[place].query.expression().unwrap_or_default().to_owned();
        let dimensions = |place: usize| {
            let metric = asked[place].query.metric_stat().and_then(|stat| stat.metric()).expect("a metric");
            let dimensions = metric.dimensions().iter().map(|d| (d.name().unwrap_or(""), d.value().unwrap_or("")));
            (metric.namespace().unwrap_or(""), metric.metric_name().unwrap_or(""), dimensions.collect::<Vec<_>>())
        };
        assert_eq!(dimensions(0), ("Tidings/shop", "Received", vec![]));
        assert_eq!(expression(2), r#"SUM(SEARCH('{"Tidings/shop",source,state} MetricName="Duplicate"', 'Sum', 60))"#);
        assert_eq!(expression(3), r#"SUM(SEARCH('{"Tidings/shop",source,reason} MetricName="Refused"', 'Sum', 60))"#);
        assert_eq!(dimensions(6), ("AWS/ApiGateway", "Latency", vec![("ApiId", "a1b2")]));
        assert_eq!(dimensions(7), ("Tidings/shop", "ProcessingLag", vec![]));
        assert_eq!(dimensions(8), ("AWS/SQS", "ApproximateAgeOfOldestMessage", vec![("QueueName", "shop-events")]));
        assert_eq!(asked.len(), 9);
        let ids: std::collections::BTreeSet<_> = asked.iter().map(|one| one.query.id().map(ToOwned::to_owned)).collect();
        assert_eq!(ids.len(), asked.len());
    }

    #[test]
    fn a_function_url_has_its_own_latency() {
        let asked = asked(&behind(EndpointId::FunctionUrl("shop-Receiver-1")));
        let metric = asked[6].query.metric_stat().and_then(|stat| stat.metric()).expect("a metric");
        assert_eq!((metric.namespace(), metric.metric_name()), (Some("AWS/Lambda"), Some("UrlRequestLatency")));
        assert_eq!(metric.dimensions()[0].value(), Some("shop-Receiver-1"));
        assert_eq!(asked.len(), 9);
    }

    #[test]
    fn counts_add_up_and_the_worst_percentile_is_shown() {
        let measured = read(&[answer(0, &[(1, 2.0), (2, 3.0)]), answer(1, &[]), answer(6, &[(1, 80.2), (2, 410.7), (3, 90.0)])]);
        assert_eq!(measured.counts[0], ("received", Ok(5)));
        assert_eq!(measured.counts[1], ("accepted", Ok(0)));
        assert_eq!(measured.worst[0], ("answer_p99_ms", Ok(Some(411))));
        assert!(measured.counts[2].1.is_err(), "left out");
        assert_eq!(measured.oldest_s("events"), None);
    }

    #[test]
    fn a_value_that_cannot_be_read_is_not_zero() {
        let message = MessageData::builder().code("Unsupported").value("no expressions").build();
        let failed = MetricDataResult::builder().id(id(2)).status_code(StatusCode::InternalError).messages(message).build();
        let measured = read(&[failed]);
        assert_eq!(measured.counts[2], ("duplicates", Err("Unsupported: no expressions".to_owned())));
        let json = serde_json::to_value(&measured).expect("JSON");
        assert_eq!(
            (&json["duplicates"], &json["unread"]["duplicates"]),
            (&serde_json::Value::Null, &"Unsupported: no expressions".into())
        );
    }

    #[test]
    fn the_age_of_the_oldest_is_the_newest_point_unless_that_is_stale() {
        let fresh = FRESH.as_secs() as i64;
        for (points, expected) in [
            (vec![(NOW_S - 60, 9.0), (NOW_S - 120, 5.0)], Some(9)),
            (vec![(NOW_S - 120, 5.0), (NOW_S - 60, 9.0)], Some(9)),
            (vec![(NOW_S - fresh, 4.0)], Some(4)),
            (vec![(NOW_S - fresh - 1, 4.0)], None),
        ] {
            assert_eq!(read(&[answer(8, &points)]).oldest_s("events"), expected, "{points:?}");
        }
    }

    #[test]
    fn numbers_that_dont_fit_become_the_maximum() {
        for (value, expected) in [(0.4, 0), (1e15, 1_000_000_000_000_000), (1e30, u64::MAX), (-1.0, 0), (f64::NAN, 0)] {
            assert_eq!(whole(value), expected);
        }
    }
}
