//! Emitted metrics and their uses: docs/metrics.md is generated from the enum. The dashboard, the alarms and the
//! runbook are checked against it, against AWS's metrics, and against each other.

mod dashboard;
mod runbook;

use dashboard::on_the_dashboard;
use serde_json::Value;
use std::fmt::Write as _;
use tidings_config::limits::LAG_OBJECTIVE;
use tidings_core::telemetry::{By, Kind, Metric};
use tidings_tests::golden::{check_between, root};
use tidings_tests::template::{FrontDoor, Template};

const BEGIN: &str = "<!-- made by tests/watched/main.rs -->";
const END: &str = "<!-- end -->";

/// The namespace of our metrics, as the template writes it.
const OURS: &str = "Tidings/${AWS::StackName}";

/// AWS's metrics, from its documentation: namespace, dimension, names.
const AWS: &[(&str, &str, &[&str])] = &[
    ("AWS/ApiGateway", "ApiId", &["4xx", "5xx", "Count", "Latency"]),
    (
        "AWS/DynamoDB",
        "TableName",
        &["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"],
    ),
    (
        "AWS/Lambda",
        "FunctionName",
        &[
            "ConcurrentExecutions",
            "Duration",
            "Errors",
            "Invocations",
            "Throttles",
            "Url4xxCount",
            "Url5xxCount",
            "UrlRequestCount",
            "UrlRequestLatency",
        ],
    ),
    ("AWS/Events", "RuleName", &["Invocations"]),
    ("AWS/Logs", "LogGroupName", &["IncomingBytes"]),
    (
        "AWS/SQS",
        "QueueName",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
            "NumberOfEmptyReceives",
            "NumberOfMessagesSent",
        ],
    ),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails unless the code or AWS emits this metric with these dimensions. Returns our metric, if it is one.
fn emitted(place: &str, namespace: &str, name: &str, dimensions: &[&str]) -> Option<Metric> {
    if namespace == OURS {
        let metric = Metric::parse(name).unwrap_or_else(|| panic!("{place}: no metric {name}"));
        assert!(metric.by().dimensions().contains(&dimensions), "{place}: {name} has no dimensions {dimensions:?}");
        return Some(metric);
    }
    // Lambda counts by function, and by function and alias.
    let by = if namespace == "AWS/Lambda" { dimensions.strip_suffix(&["Resource"]).unwrap_or(dimensions) } else { dimensions };
    let known = AWS.iter().any(|(space, dimension, names)| *space == namespace && [*dimension] == by && names.contains(&name));
    assert!(known, "{place}: AWS has no {namespace} {name} by {dimensions:?} that we know of");
    None
}

#[test]
fn the_metrics_page_agrees_with_the_enum() {
    let mut page = String::from("| metric | what | unit | by |\n|---|---|---|---|\n");
    for metric in Metric::ALL {
        let unit = match metric.kind() {
            Kind::Count => "count",
            Kind::Milliseconds => "ms",
            Kind::Share => "share",
            Kind::Index => "index",
        };
        let by = match metric.by() {
            By::All => "all",
            By::Source => "all; `source`",
            By::Each => "`source`",
            By::State => "`source`, `state`",
            By::Reason => "`source`, `reason`",
            By::Field => "`source`, `field`",
            By::Function => "`function`",
        };
        writeln!(page, "| `{}` | {} | {unit} | {by} |", metric.name(), metric.meaning().trim()).expect("a string");
    }
    check_between("docs/metrics.md", BEGIN, END, &page);
    let objective = format!("{} s after their receipt", LAG_OBJECTIVE.as_secs());
    assert!(Metric::SloMiss.meaning().contains(&objective), "{objective}");
}

/// Alarms and composite alarms, by name.
fn alarms(template: &Template) -> Vec<(&str, &Value)> {
    let of = |kind: &'static str| template.resources().filter(move |(_, r)| r["Type"] == kind);
    of("AWS::CloudWatch::Alarm").chain(of("AWS::CloudWatch::CompositeAlarm")).map(|(name, r)| (name.as_str(), r)).collect()
}

#[test]
fn every_metric_is_used_and_no_unknown_one_is() {
    for door in [FrontDoor::HttpApi, FrontDoor::FunctionUrl] {
        every_metric_of(door);
    }
}

fn every_metric_of(door: FrontDoor) {
    let template = Template::behind(door);
    let mut seen = on_the_dashboard(door);
    for (name, alarm) in alarms(&template) {
        let properties = &alarm["Properties"];
        let Some(namespace) = properties["Namespace"].as_str() else { continue };
        let dimensions = properties["Dimensions"].as_array().map_or(&[][..], Vec::as_slice);
        let dimensions: Vec<&str> = dimensions.iter().filter_map(|d| d["Name"].as_str()).collect();
        let metric = emitted(name, namespace, properties["MetricName"].as_str().expect("a metric"), &dimensions);
        if let Some(metric) = metric {
            let statistics: &[&str] = match metric.kind() {
                Kind::Count => &["Sum"],
                Kind::Share => &["Average"],
                Kind::Index => &["SampleCount"],
                Kind::Milliseconds => &["p90", "p99"],
            };
            let looks_at = properties["Statistic"].as_str().or(properties["ExtendedStatistic"].as_str());
            assert!(looks_at.is_some_and(|statistic| statistics.contains(&statistic)), "{name}: {looks_at:?}");
        }
        seen.extend(metric);
    }
    seen.extend(of_silence());
    let unseen: Vec<_> = Metric::ALL.iter().filter(|metric| !seen.contains(metric)).collect();
    assert!(unseen.is_empty(), "neither on the dashboard nor in an alarm: {unseen:?}");
}

/// The metrics of the alarms that `tidings build` writes for sources with `expect_every`.
fn of_silence() -> Vec<Metric> {
    let stripe = tidings_project::preset("stripe").expect("a preset").source("stripe");
    let expecting = tidings_config::source::Source { expect_every: Some("6h".parse().expect("a span")), ..stripe };
    let template: Value = serde_json::from_str(&tidings_cli::silence::template(&[expecting]).expect("a template")).expect("JSON");
    let resources = template["Resources"].as_object().expect("resources");
    let of = |(name, alarm): (&String, &Value)| {
        let properties = &alarm["Properties"];
        assert_eq!(properties["Namespace"]["Fn::Sub"], OURS.replace("AWS::StackName", "Stack"), "{name}");
        let dimension = properties["Dimensions"][0]["Name"].as_str().expect("a dimension");
        assert_eq!(properties["Statistic"], "Sum", "{name}");
        emitted(name, OURS, properties["MetricName"].as_str().expect("a metric"), &[dimension])
    };
    resources.iter().filter_map(of).collect()
}

#[test]
fn every_alarm_notifies_somebody() {
    let template = Template::read();
    let all = alarms(&template);
    let rules: Vec<&str> = all.iter().filter_map(|(_, r)| r["Properties"]["AlarmRule"].as_str()).collect();
    for rule in &rules {
        for name in rule.split("${").skip(1).map(|rest| rest.split('}').next().expect("a name")) {
            // tests/policy/test_parameters.py checks in which stacks they exist. This checks that they exist at all.
            assert!(all.iter().any(|(alarm, _)| *alarm == name), "{rule}: {name}");
        }
    }
    for (name, alarm) in &all {
        let notifies = !alarm["Properties"]["AlarmActions"].is_null();
        assert!(notifies || rules.iter().any(|rule| rule.contains(&format!("${{{name}}}"))), "{name} notifies nobody");
    }
}

#[test]
fn the_objective_is_the_alarms_threshold() {
    let template = Template::read();
    let seconds = format!("{} s after their receipt", LAG_OBJECTIVE.as_secs());
    assert!(template.text("LateFastAlarm", "/AlarmDescription").contains(&seconds));
    for (alarm, burn) in [("LateFastAlarm", 14.4), ("LateSlowAlarm", 6.0)] {
        let threshold = template.property(alarm, "/Threshold").as_f64().expect("a number");
        assert!((threshold - burn / 100.0).abs() < 1e-9, "{alarm}: of the 1 % that may be late, {burn} times");
    }
}
