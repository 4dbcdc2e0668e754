//! What is emitted, and who looks at it: docs/metrics.md is made of the enum; the dashboard, the alarms and the runbook are held
//! against it, against what AWS counts, and against each other.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use tidings_config::limits::LAG_OBJECTIVE;
use tidings_core::telemetry::{By, Kind, Metric};
use tidings_tests::golden::{check_between, root};
use tidings_tests::template::Template;

const BEGIN: &str = "<!-- made by tests/tests/watched.rs -->";
const END: &str = "<!-- end -->";

/// The namespace of our metrics, as the template writes it.
const OURS: &str = "Tidings/${AWS::StackName}";

/// What AWS counts, as its own pages have it: namespace, dimension, names.
const AWS: &[(&str, &str, &[&str])] = &[
    ("AWS/ApiGateway", "ApiId", &["4xx", "5xx", "Count", "Latency"]),
    (
        "AWS/DynamoDB",
        "TableName",
        &["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"],
    ),
    ("AWS/Lambda", "FunctionName", &["ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"]),
    ("AWS/Logs", "LogGroupName", &["IncomingBytes"]),
    (
        "AWS/SQS",
        "QueueName",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
            "NumberOfEmptyReceives",
            "NumberOfMessagesDeleted",
            "NumberOfMessagesReceived",
            "NumberOfMessagesSent",
        ],
    ),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails unless the code or AWS emits this, with these dimensions. Which metric of ours it is.
fn emitted(place: &str, namespace: &str, name: &str, dimensions: &[&str]) -> Option<Metric> {
    if namespace == OURS {
        let metric = Metric::parse(name).unwrap_or_else(|| panic!("{place}: no metric {name}"));
        assert!(metric.by().dimensions().contains(&dimensions), "{place}: {name} has no dimensions {dimensions:?}");
        return Some(metric);
    }
    let known =
        AWS.iter().any(|(space, dimension, names)| *space == namespace && [*dimension] == dimensions && names.contains(&name));
    assert!(known, "{place}: AWS has no {namespace} {name} by {dimensions:?} that we know of");
    None
}

#[test]
fn the_metrics_page_says_what_the_enum_says() {
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
            By::State => "`source`, `state`",
            By::Reason => "`source`, `reason`",
            By::Field => "`source`, `field`",
            By::Function => "`function`",
        };
        writeln!(page, "| `{}` | {} | {unit} | {by} |", metric.name(), metric.meaning().trim()).expect("a string");
    }
    check_between("docs/metrics.md", BEGIN, END, &page);
    let objective = format!("{} s after its receipt", LAG_OBJECTIVE.as_secs());
    assert!(Metric::Late.meaning().contains(&objective), "{objective}");
}

/// CloudFormation takes a dashboard as one text, and can read it from no file.
#[test]
fn the_template_has_the_dashboard_to_the_letter() {
    let dashboard = read("infra/dashboard.json");
    let indented: String = dashboard.lines().map(|line| format!("        {line}\n")).collect();
    check_between("template.yaml", "      DashboardBody: !Sub |", "\nOutputs:", &indented);
}

/// The metrics of a widget as (namespace, name, dimensions), searches included.
fn shown(widget: &Value) -> Vec<(String, String, Vec<String>)> {
    let metrics = widget["properties"]["metrics"].as_array().map_or(&[][..], Vec::as_slice);
    metrics
        .iter()
        .filter_map(|metric| {
            let metric = metric.as_array().expect("a metric is a list");
            let words: Vec<&str> = metric.iter().filter_map(Value::as_str).collect();
            if let [namespace, name, dimensions @ ..] = words.as_slice() {
                let dimensions = dimensions.iter().step_by(2).map(|d| (*d).to_owned()).collect();
                return Some(((*namespace).to_owned(), (*name).to_owned(), dimensions));
            }
            let expression = metric[0]["expression"].as_str().expect("a metric or an expression");
            let (schema, rest) =
                expression.strip_prefix("SEARCH('{")?.split_once("} MetricName=\"").expect("a search for one name");
            let mut schema = schema.split(',').map(|word| word.trim_matches('"').to_owned());
            let namespace = schema.next().expect("a namespace");
            Some((namespace, rest.split('"').next().expect("a name").to_owned(), schema.collect()))
        })
        .collect()
}

fn on_the_dashboard() -> BTreeSet<Metric> {
    let dashboard: Value = serde_json::from_str(&read("infra/dashboard.json")).expect("infra/dashboard.json is JSON");
    let mut seen = BTreeSet::new();
    for widget in dashboard["widgets"].as_array().expect("widgets") {
        let title = widget["properties"]["title"].as_str().expect("a title");
        for (namespace, name, dimensions) in shown(widget) {
            let dimensions: Vec<&str> = dimensions.iter().map(String::as_str).collect();
            seen.extend(emitted(title, &namespace, &name, &dimensions));
        }
    }
    seen
}

/// Alarms and those that are made of others, by name.
fn alarms(template: &Template) -> Vec<(&str, &Value)> {
    let of = |kind: &'static str| template.resources().filter(move |(_, r)| r["Type"] == kind);
    of("AWS::CloudWatch::Alarm").chain(of("AWS::CloudWatch::CompositeAlarm")).map(|(name, r)| (name.as_str(), r)).collect()
}

#[test]
fn every_metric_is_looked_at_and_nothing_else_is() {
    let template = Template::read();
    let mut seen = on_the_dashboard();
    for (name, alarm) in alarms(&template) {
        let properties = &alarm["Properties"];
        let Some(namespace) = properties["Namespace"].as_str() else { continue };
        let dimensions = properties["Dimensions"].as_array().map_or(&[][..], Vec::as_slice);
        let dimensions: Vec<&str> = dimensions.iter().filter_map(|d| d["Name"].as_str()).collect();
        let metric = emitted(name, namespace, properties["MetricName"].as_str().expect("a metric"), &dimensions);
        if let Some(metric) = metric {
            let statistic = match metric.kind() {
                Kind::Count => "Sum",
                Kind::Share => "Average",
                Kind::Index => "SampleCount",
                Kind::Milliseconds => "p99",
            };
            let looks_at = properties["Statistic"].as_str().or(properties["ExtendedStatistic"].as_str());
            assert_eq!(looks_at, Some(statistic), "{name}");
        }
        seen.extend(metric);
    }
    let unseen: Vec<_> = Metric::ALL.iter().filter(|metric| !seen.contains(metric)).collect();
    assert!(unseen.is_empty(), "neither on the dashboard nor in an alarm: {unseen:?}");
}

/// `tests/dashboard/preview` draws it; a title that is long is in two lines.
#[test]
fn the_picture_in_the_docs_is_of_this_dashboard() {
    let dashboard: Value = serde_json::from_str(&read("infra/dashboard.json")).unwrap();
    let picture = read("docs/dashboard.svg");
    for widget in dashboard["widgets"].as_array().unwrap() {
        let title = widget["properties"]["title"].as_str().unwrap();
        let begins: String = title.chars().take(30).collect();
        assert!(picture.contains(&begins), "docs/dashboard.svg doesn't show {title:?}: draw it again");
    }
}

#[test]
fn every_name_on_the_dashboard_is_in_the_template() {
    let template = Template::read();
    let dashboard = read("infra/dashboard.json");
    let known = template.names();
    for name in dashboard.split("${").skip(1).map(|rest| rest.split(['}', '.']).next().expect("a name")) {
        assert!(name.starts_with("AWS::") || known.contains(name), "infra/dashboard.json: {name}");
    }
    for (alarm, resource) in alarms(&template).iter().filter(|(_, r)| r.get("Condition").is_none()) {
        assert!(dashboard.contains(&format!("${{{alarm}.Arn}}")), "{alarm} isn't on the dashboard: {resource}");
    }
}

#[test]
fn every_alarm_tells_somebody() {
    let template = Template::read();
    let all = alarms(&template);
    let rules: Vec<&str> = all.iter().filter_map(|(_, r)| r["Properties"]["AlarmRule"].as_str()).collect();
    for rule in &rules {
        for name in rule.split("${").skip(1).map(|rest| rest.split('}').next().expect("a name")) {
            assert!(all.iter().any(|(alarm, r)| *alarm == name && r.get("Condition").is_none()), "{rule}: {name}");
        }
    }
    for (name, alarm) in &all {
        let tells = !alarm["Properties"]["AlarmActions"].is_null();
        assert!(tells || rules.iter().any(|rule| rule.contains(&format!("${{{name}}}"))), "{name} tells nobody");
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

#[test]
fn the_runbook_knows_every_alarm() {
    let runbook = read("docs/runbook.md");
    let sections: Vec<&str> = runbook.split("\n### ").skip(1).filter(|text| text.contains("Alarm\n")).collect();
    let named: BTreeSet<&str> =
        sections.iter().filter_map(|text| text.lines().next()).filter(|line| line.ends_with("Alarm")).collect();
    let template = Template::read();
    assert_eq!(named, alarms(&template).iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), "docs/runbook.md");
    for section in sections {
        let text = section.split("\n## ").next().unwrap_or(section);
        for part in ["**Means.**", "**Tell.**", "**Do.**", "**Over.**"] {
            assert!(text.contains(part), "docs/runbook.md: {part} of {}", text.lines().next().unwrap_or_default());
        }
    }
}

/// Who can set an alarm off, from whom one mustn't hear at night to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SetOffBy {
    Stranger,
    OneEvent,
    ManyEvents,
    NobodyOutside,
}

impl SetOffBy {
    fn parse(cell: &str) -> Self {
        let known = [Self::Stranger, Self::OneEvent, Self::ManyEvents, Self::NobodyOutside];
        let named = known.into_iter().find(|one| cell.starts_with(one.as_str()));
        named.unwrap_or_else(|| panic!("docs/runbook.md: {cell:?} says not who"))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "a stranger",
            Self::OneEvent => "one event",
            Self::ManyEvents => "many events",
            Self::NobodyOutside => "nobody outside",
        }
    }

    const fn may_wake_or_roll_back(self) -> bool {
        match self {
            Self::Stranger | Self::OneEvent => false,
            Self::ManyEvents | Self::NobodyOutside => true,
        }
    }
}

/// Who can make a metric of ours what it has to be for its alarm. A metric that is new has to be thought about here.
fn who_moves(metric: Metric, threshold: f64) -> SetOffBy {
    match metric {
        Metric::Received
        | Metric::Refused
        | Metric::Unauthentic
        | Metric::KeyUnavailable
        | Metric::SecretCaptured
        | Metric::ColdStart => SetOffBy::Stranger,
        // One event is received twice within five minutes at most.
        Metric::Struggling if threshold >= 50.0 => SetOffBy::ManyEvents,
        Metric::Struggling
        | Metric::Dead
        | Metric::Retried
        | Metric::Parked
        | Metric::Undelivered
        | Metric::OffSchema
        | Metric::Unfetched
        | Metric::LinkConflict
        | Metric::HoldOverflow
        | Metric::OverCap
        | Metric::PreferenceUnread
        | Metric::Overflow
        | Metric::OffLadder
        | Metric::Unreadable
        | Metric::FieldUnread
        | Metric::OutOfTime
        | Metric::SecretNotStored
        | Metric::Expired
        | Metric::Stale
        | Metric::BodyMismatch
        | Metric::RepeatedBody
        | Metric::Duplicate
        | Metric::Accepted
        | Metric::Processed
        | Metric::Emitted
        | Metric::Deferred
        | Metric::ArrivalLag => SetOffBy::OneEvent,
        Metric::Late | Metric::ProcessingLag | Metric::CommitLatency | Metric::Conflicts | Metric::Shed => SetOffBy::ManyEvents,
        Metric::EnqueueFailed
        | Metric::ClaimUnknown
        | Metric::SecretsUnavailable
        | Metric::SecretAgeIndex
        | Metric::ClaimLatency
        | Metric::EnqueueLatency
        | Metric::Repeated => SetOffBy::NobodyOutside,
    }
}

fn set_off_by(template: &Template, alarm: &str) -> SetOffBy {
    let text = |path: &str| template.text(alarm, path);
    let (namespace, name) = (text("/Namespace"), text("/MetricName"));
    if let Some(metric) = (namespace == OURS).then(|| Metric::parse(name).expect("a metric of ours")) {
        return who_moves(metric, template.property(alarm, "/Threshold").as_f64().expect("a number"));
    }
    let of = template.property(alarm, "/Dimensions/0/Value").as_str().expect("a dimension");
    match (namespace, name) {
        // Whatever a caller is answered, and Lambda's refusals when they are too many at once.
        ("AWS/ApiGateway", "5xx" | "Latency") | ("AWS/Lambda", "Throttles") => SetOffBy::Stranger,
        ("AWS/Lambda", "Errors") => SetOffBy::NobodyOutside,
        // Whoever calls makes more of them.
        ("AWS/Lambda", "Invocations") if text("/ComparisonOperator") == "LessThanThreshold" => SetOffBy::NobodyOutside,
        // Only programs of ours send links.
        ("AWS/SQS", _) if of.starts_with("Links") => SetOffBy::NobodyOutside,
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible") if of.contains("Dead") => SetOffBy::OneEvent,
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible" | "ApproximateAgeOfOldestMessage") => SetOffBy::ManyEvents,
        other => panic!("{alarm}: who can set off {other:?}?"),
    }
}

/// The terms of a composite's rule: it is on when all alarms of one of them are.
fn terms(rule: &str) -> Vec<Vec<&str>> {
    let names = |term| str::split(term, "${").skip(1).map(|rest| rest.split('}').next().expect("a name")).collect();
    rule.split(" OR ").map(names).collect()
}

/// The rows of the runbook's table: alarm, who sets it off, wakes, rolls back.
fn rows(runbook: &str) -> Vec<[&str; 4]> {
    let table = runbook.split("| alarm | set off by | wakes | rolls back |\n").nth(1).expect("docs/runbook.md has the table");
    let lines = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.try_into().unwrap_or_else(|cells| panic!("docs/runbook.md: {cells:?}"))
        })
        .collect()
}

#[test]
fn the_runbooks_table_says_who_sets_an_alarm_off_whom_it_wakes_and_what_it_rolls_back() {
    let (runbook, template) = (read("docs/runbook.md"), Template::read());
    let paging = terms(template.text("PagingAlarm", "/AlarmRule"));
    let rows = rows(&runbook);
    let listed: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let all: BTreeSet<&str> = alarms(&template).iter().map(|(name, _)| *name).filter(|name| *name != "PagingAlarm").collect();
    assert_eq!(listed, all, "docs/runbook.md");
    for [alarm, who, wakes, rolls_back] in rows {
        if alarm == "ProcessorStoppedAlarm" {
            assert_eq!((SetOffBy::parse(who), rolls_back), (SetOffBy::NobodyOutside, "no"));
            assert!(paging.contains(&terms(template.text(alarm, "/AlarmRule")).concat()), "what it is made of wakes");
            continue;
        }
        assert_eq!(SetOffBy::parse(who), set_off_by(&template, alarm), "{alarm}: who sets it off");
        let woken = paging.iter().filter(|term| term.contains(&alarm)).map(|term| {
            let others: Vec<&str> = term.iter().copied().filter(|name| *name != alarm).collect();
            if others.is_empty() { "yes".to_owned() } else { format!("with {}", others.join(" and ")) }
        });
        assert_eq!(wakes, woken.reduce(|one, other| format!("{one}, {other}")).as_deref().unwrap_or("no"), "{alarm}: wakes");
        let watched = |function: &&str| {
            let alarms = template.property(function, "/DeploymentPreference/Alarms").as_array().expect("alarms");
            alarms.iter().any(|one| one == alarm)
        };
        let functions: Vec<String> =
            ["Receiver", "Processor"].iter().copied().filter(|function| watched(function)).map(str::to_lowercase).collect();
        let rolled = if functions.is_empty() { "no".to_owned() } else { functions.join(" and ") };
        assert_eq!(rolls_back, rolled, "{alarm}: rolls back");
    }
}

/// A stranger could wake somebody every night, and stop every deployment, the one with the remedy among them.
#[test]
fn no_alarm_that_a_stranger_or_one_event_can_set_off_wakes_anybody_or_rolls_a_deployment_back() {
    let template = Template::read();
    for term in terms(template.text("PagingAlarm", "/AlarmRule")) {
        let hardest = term.iter().map(|alarm| set_off_by(&template, alarm)).max().expect("an alarm");
        assert!(hardest.may_wake_or_roll_back(), "{term:?} wakes, and {} can set all of it off", hardest.as_str());
    }
    for function in ["Receiver", "Processor"] {
        for alarm in template.property(function, "/DeploymentPreference/Alarms").as_array().expect("alarms") {
            let who = set_off_by(&template, alarm.as_str().expect("a name"));
            assert!(who.may_wake_or_roll_back(), "{alarm} rolls back the {function}, and {} can set it off", who.as_str());
        }
    }
}
