//! Sources that must not be silent (`expect_every`): when one is late, and the alarms that say so on AWS.
//!
//! Promises: the alarms are CloudWatch's own, on the metric `Heard`. They need no function of ours, so they also fire when
//! nothing of ours runs. A project without `expect_every` has no template, no alarm and no metric. Decision 74.

use serde_json::{Map, Value, json};
use std::time::Duration;
use tidings_config::limits::{MAX_EXPECT_EVERY, MAX_EXPECTING_SOURCES, MIN_EXPECT_EVERY};
use tidings_config::rules::Span;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::claim::Sha256Hex;
use tidings_core::telemetry::Metric;

/// The file that `tidings build` writes: a CloudFormation template of its own, with an alarm for each expecting source.
pub const SILENCE: &str = "silence.json";

/// The period of the alarm of a pause of up to a day.
const SHORT: Period = Period { seconds: 300, most: 86_400 };

/// The period of the alarm of a longer pause. CloudWatch evaluates periods of an hour and more over seven days.
const LONG: Period = Period { seconds: 3_600, most: 7 * 86_400 };

/// A period of a metric, and the longest time over which CloudWatch evaluates an alarm with it, in seconds
/// (`PutMetricAlarm`, `Period`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub seconds: u64,
    most: u64,
}

const _: () = {
    assert!(MIN_EXPECT_EVERY.as_secs() >= 2 * SHORT.seconds, "one missing period isn't silence yet");
    assert!(MAX_EXPECT_EVERY.as_secs() <= LONG.most && LONG.seconds >= 3_600);
    assert!(MAX_EXPECTING_SOURCES <= 500, "resources of a template");
};

impl Period {
    /// The period by which a pause of this length is measured.
    pub fn of(every: Span) -> Self {
        if every.duration().as_secs() <= SHORT.most { SHORT } else { LONG }
    }

    /// Periods without a request until the source is late: never sooner than `every`.
    fn evaluated(self, every: Span) -> u64 {
        every.duration().as_secs().div_ceil(self.seconds)
    }
}

/// Whether a source is late: nothing was heard of it for `every`, since the later of the last request and `since`.
pub fn is_late(last: Option<Timestamp>, since: Option<Timestamp>, every: Span, now: Timestamp) -> bool {
    last.max(since).is_none_or(|from| now.since(from) >= every.duration())
}

/// The template of the alarms. `None`: no source has `expect_every`.
pub fn template(sources: &[Source]) -> Option<String> {
    let expecting = sources.iter().filter_map(|source| Some((source, source.expect_every?)));
    let resources: Map<String, Value> =
        expecting.map(|(source, every)| (resource(&source.name), alarm(&source.name, every))).collect();
    if resources.is_empty() {
        return None;
    }
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Tidings: an alarm for each source that must not be silent. Made by `tidings build`.",
        "Parameters": {
            "Stack": {
                "Type": "String",
                "Default": "tidings",
                "AllowedPattern": "^[A-Za-z][A-Za-z0-9-]{0,127}$",
                "Description": "Name of the stack whose sources these are"
            },
            "AlarmTopicArn": {
                "Type": "String",
                "AllowedPattern": "^arn:[a-z0-9-]+:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_-]+$",
                "ConstraintDescription": "the ARN of an SNS topic",
                "Description": "SNS topic that is notified when a source is silent, and when it is heard again"
            }
        },
        "Resources": resources
    });
    Some(format!("{template:#}\n"))
}

/// A logical id: letters and digits only, so the name itself doesn't fit. Another order of the sources doesn't change it.
fn resource(source: &str) -> String {
    format!("Silence{}", &Sha256Hex::of(source.as_bytes()).as_str()[..16])
}

fn alarm(source: &str, every: Span) -> Value {
    let period = Period::of(every);
    let periods = period.evaluated(every);
    let topic = json!([{ "Ref": "AlarmTopicArn" }]);
    json!({
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": { "Fn::Sub": format!("${{Stack}}-silence-{source}") },
            "AlarmDescription": { "Fn::Sub": format!(
                "Source {source} is silent: no authentic request for {every}. Next: `tidings status --stack ${{Stack}}`, then docs/reconcile.md"
            ) },
            "Namespace": { "Fn::Sub": "Tidings/${Stack}" },
            "MetricName": Metric::Heard.name(),
            "Dimensions": [{ "Name": "source", "Value": source }],
            "Statistic": "Sum",
            "Period": period.seconds,
            "EvaluationPeriods": periods,
            "DatapointsToAlarm": periods,
            "ComparisonOperator": "LessThanThreshold",
            "Threshold": 1,
            "TreatMissingData": "breaching",
            "AlarmActions": topic,
            "OKActions": topic
        }
    })
}

/// The time before `now` in which requests of these sources are looked for: long enough to say how late each is.
pub fn looked_back(expected: impl Iterator<Item = Span>) -> Duration {
    const LEAST: Duration = Duration::from_secs(86_400);
    expected.map(|every| 2 * every.duration()).chain([LEAST]).max().unwrap_or(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn source(name: &str, every: Option<&str>) -> Source {
        let preset = tidings_project::preset("stripe").expect("a preset");
        Source { expect_every: every.map(|every| every.parse().expect("a span")), ..preset.source(name) }
    }

    fn alarms(sources: &[Source]) -> Vec<Value> {
        let template: Value = serde_json::from_str(&template(sources).expect("a template")).expect("JSON");
        template["Resources"].as_object().expect("resources").values().map(|one| one["Properties"].clone()).collect()
    }

    #[test]
    fn a_project_that_expects_nothing_has_no_template() {
        assert_eq!(template(&[source("stripe", None)]), None);
        assert_eq!(template(&[]), None);
    }

    #[test]
    fn an_alarm_covers_the_expected_pause_within_the_limits_of_cloudwatch() {
        for (every, period, periods) in
            [("10m", 300, 2), ("11m", 300, 3), ("6h", 300, 72), ("24h", 300, 288), ("1441m", 3_600, 25), ("7d", 3_600, 168)]
        {
            let [alarm] = alarms(&[source("stripe", Some(every)), source("slack", None)]).try_into().expect("one alarm");
            let number = |name: &str| alarm[name].as_u64().expect("a number");
            assert_eq!((number("Period"), number("EvaluationPeriods")), (period, periods), "{every}");
            assert_eq!(number("DatapointsToAlarm"), periods);
            let evaluated = period * periods;
            assert!(evaluated >= every.parse::<Span>().expect("a span").duration().as_secs(), "{every}: never too soon");
            assert!(evaluated <= if period < 3_600 { 86_400 } else { 604_800 }, "{every}");
            assert_eq!(alarm["TreatMissingData"], "breaching");
            assert_eq!(alarm["Dimensions"], json!([{ "Name": "source", "Value": "stripe" }]));
        }
    }

    #[test]
    fn every_source_has_an_alarm_of_its_own() {
        let names = ["a-b", "ab", "a1", "a-1"];
        let sources: Vec<Source> = names.iter().map(|name| source(name, Some("1h"))).collect();
        let seen: BTreeSet<String> = alarms(&sources).iter().map(|alarm| alarm["AlarmName"]["Fn::Sub"].to_string()).collect();
        assert_eq!(seen.len(), names.len());
        let longest = source(&"a".repeat(64), Some("1h"));
        let name = alarms(&[longest])[0]["AlarmName"]["Fn::Sub"].as_str().expect("a name").len();
        assert!(name - "${Stack}".len() + 128 <= 255, "CloudWatch's limit for the name of an alarm");
    }

    #[test]
    fn a_source_is_late_when_the_pause_is_as_long_as_expected() {
        let at = |seconds: i64| Timestamp::from_unix_ms(seconds * 1_000);
        let every = "10m".parse().expect("a span");
        for (last, since, now, expected) in [
            (Some(at(0)), None, 599, false),
            (Some(at(0)), None, 600, true),
            (None, Some(at(100)), 699, false),
            (None, Some(at(100)), 700, true),
            (Some(at(50)), Some(at(100)), 650, false),
            (Some(at(150)), Some(at(100)), 750, true),
            (None, None, 0, true),
        ] {
            assert_eq!(is_late(last, since, every, at(now)), expected, "{last:?} {since:?} {now}");
        }
    }
}
