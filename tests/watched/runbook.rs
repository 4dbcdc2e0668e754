//! The runbook: a section for each alarm, whose first command is in the alarm's description, and who can trigger it.

use crate::{OURS, alarms, read};
use std::collections::BTreeSet;
use tidings_core::telemetry::Metric;
use tidings_tests::template::{FrontDoor, Template};

/// The first command of an alarm's section, as `tidings status` reads it, with CloudFormation's names for the page's.
fn first_command(section: &str) -> String {
    let mut spans = section.split('`').skip(1).step_by(2);
    let command = spans.find(|span| ["tidings ", "aws ", "sam "].iter().any(|program| span.starts_with(program)));
    let command = command.unwrap_or_else(|| panic!("docs/runbook.md names no command: {section}"));
    let stack = "${AWS::StackName}";
    let mut filled = command.replace("/aws/lambda/tidings/", &format!("/aws/lambda/{stack}/"));
    while let Some((before, rest)) = filled.split_once("$(resource ") {
        let (name, after) = rest.split_once(')').expect("a resource has a name");
        filled = format!("{before}${{{name}}}{after}");
    }
    if filled.starts_with("tidings ") && !filled.contains(" --stack ") {
        return format!("{filled} --stack {stack}");
    }
    filled.replace("--stack tidings", &format!("--stack {stack}"))
}

/// A notification contains only the description.
#[test]
fn an_alarms_description_has_the_runbooks_first_command_and_its_section() {
    let (template, runbook) = (Template::read(), read("docs/runbook.md"));
    for (name, _) in alarms(&template) {
        let description = template.text(name, "/AlarmDescription");
        let section = runbook.split_once(&format!("\n### {name}\n")).expect("a section").1;
        let command = first_command(section.split("\n#").next().unwrap_or(section));
        let expected = format!(" First command: {command} (docs/runbook.md#{})", name.to_lowercase());
        assert!(description.ends_with(&expected), "{name}: {description:?} should end with {expected:?}");
        // CloudWatch's limit is 1,024 characters after the names are filled in.
        assert!(description.len() < 700, "{name}: {} bytes", description.len());
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
        for part in ["**Meaning.**", "**Diagnose.**", "**Act.**", "**Resolved when**"] {
            assert!(text.contains(part), "docs/runbook.md: {part} of {}", text.lines().next().unwrap_or_default());
        }
    }
}

/// Who can trigger an alarm, from anyone on the internet to only the operator and AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trigger {
    Anyone,
    OneEvent,
    ManyEvents,
    OperatorOrAws,
}

impl Trigger {
    fn parse(cell: &str) -> Self {
        let known = [Self::Anyone, Self::OneEvent, Self::ManyEvents, Self::OperatorOrAws];
        let named = known.into_iter().find(|one| cell.starts_with(one.as_str()));
        named.unwrap_or_else(|| panic!("docs/runbook.md: {cell:?} names no known trigger"))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::OneEvent => "one event",
            Self::ManyEvents => "many events",
            Self::OperatorOrAws => "only you or AWS",
        }
    }

    const fn may_page_or_roll_back(self) -> bool {
        match self {
            Self::Anyone | Self::OneEvent => false,
            Self::ManyEvents | Self::OperatorOrAws => true,
        }
    }
}

/// Who can push one of our metrics over its alarm's threshold. A new metric needs a decision here.
fn who_triggers(metric: Metric, threshold: f64) -> Trigger {
    match metric {
        Metric::Received
        | Metric::Refused
        | Metric::Unauthentic
        | Metric::KeyUnavailable
        | Metric::SecretCaptured
        | Metric::ColdStart => Trigger::Anyone,
        // One event is received at most twice within five minutes.
        Metric::HighReceiveCount if threshold >= 50.0 => Trigger::ManyEvents,
        Metric::HighReceiveCount
        | Metric::Dead
        | Metric::Retried
        | Metric::PastHorizon
        | Metric::Undelivered
        | Metric::SchemaViolation
        | Metric::FetchFailed
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
        | Metric::ArrivalLag => Trigger::OneEvent,
        // A person who blocks us, and a channel's outage.
        Metric::Sent | Metric::SendRetried | Metric::SendRefused | Metric::SendUncertain | Metric::MessageFailed => {
            Trigger::Anyone
        }
        Metric::SloMiss | Metric::ProcessingLag | Metric::CommitLatency | Metric::Conflicts | Metric::Shed => Trigger::ManyEvents,
        Metric::WebhookFailed | Metric::EndpointDisabled => Trigger::Anyone,
        // The alarm is for its absence.
        Metric::Heard
        | Metric::EnqueueFailed
        | Metric::ClaimUnknown
        | Metric::SecretsUnavailable
        | Metric::SecretAgeIndex
        | Metric::ClaimLatency
        | Metric::EnqueueLatency
        | Metric::Repeated => Trigger::OperatorOrAws,
    }
}

fn trigger_of(template: &Template, alarm: &str) -> Trigger {
    let text = |path: &str| template.text(alarm, path);
    let (namespace, name) = (text("/Namespace"), text("/MetricName"));
    if let Some(metric) = (namespace == OURS).then(|| Metric::parse(name).expect("a metric of ours")) {
        return who_triggers(metric, template.property(alarm, "/Threshold").as_f64().expect("a number"));
    }
    let of = template.property(alarm, "/Dimensions/0/Value").as_str().expect("a dimension");
    match (namespace, name) {
        // Errors returned to any caller, and Lambda's throttling of too many concurrent calls.
        ("AWS/ApiGateway", "5xx" | "Latency") | ("AWS/Lambda", "Throttles" | "Url5xxCount" | "UrlRequestLatency") => {
            Trigger::Anyone
        }
        ("AWS/Lambda", "Errors") => Trigger::OperatorOrAws,
        // Callers can only increase this metric.
        ("AWS/Lambda" | "AWS/Events", "Invocations") if text("/ComparisonOperator") == "LessThanThreshold" => {
            Trigger::OperatorOrAws
        }
        // Only our own programs send links.
        ("AWS/SQS", _) if of.starts_with("Links") => Trigger::OperatorOrAws,
        // Their messages are our own. What a server answers brings none of them here.
        ("AWS/SQS", _) if of.starts_with("Published") || of.starts_with("Deliveries") => Trigger::OperatorOrAws,
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible") if of.contains("Dead") => Trigger::OneEvent,
        // This is the bot's queue. One slow action is enough; so is one event that a topic refuses.
        ("AWS/SQS", "ApproximateAgeOfOldestMessage") if of.starts_with("Actions") || of.starts_with("Kafka") => Trigger::OneEvent,
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible") => Trigger::ManyEvents,
        other => panic!("{alarm}: who can trigger {other:?}?"),
    }
}

/// The terms of a composite's rule. It is in ALARM if all alarms of one term are.
fn terms(rule: &str) -> Vec<Vec<&str>> {
    let names = |term| str::split(term, "${").skip(1).map(|rest| rest.split('}').next().expect("a name")).collect();
    rule.split(" OR ").map(names).collect()
}

/// The rows of the runbook's table: alarm, who triggers it, pages, rolls back.
fn rows(runbook: &str) -> Vec<[&str; 4]> {
    let table = runbook.split("| alarm | triggered by | pages | rolls back |\n").nth(1).expect("docs/runbook.md has the table");
    let lines = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.try_into().unwrap_or_else(|cells| panic!("docs/runbook.md: {cells:?}"))
        })
        .collect()
}

#[test]
fn the_runbooks_table_says_who_triggers_an_alarm_whether_it_pages_and_what_it_rolls_back() {
    for door in [FrontDoor::HttpApi, FrontDoor::FunctionUrl] {
        table_of(&Template::behind(door));
    }
}

fn table_of(template: &Template) {
    let runbook = read("docs/runbook.md");
    let paging = terms(template.text("PagingAlarm", "/AlarmRule"));
    let rows = rows(&runbook);
    let listed: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let all: BTreeSet<&str> = alarms(template).iter().map(|(name, _)| *name).filter(|name| *name != "PagingAlarm").collect();
    assert_eq!(listed, all, "docs/runbook.md");
    for [alarm, who, pages, rolls_back] in rows {
        if alarm == "ProcessorStoppedAlarm" {
            assert_eq!((Trigger::parse(who), rolls_back), (Trigger::OperatorOrAws, "no"));
            assert!(paging.contains(&terms(template.text(alarm, "/AlarmRule")).concat()), "its parts page");
            continue;
        }
        assert_eq!(Trigger::parse(who), trigger_of(template, alarm), "{alarm}: who triggers it");
        let paged = paging.iter().filter(|term| term.contains(&alarm)).map(|term| {
            let others: Vec<&str> = term.iter().copied().filter(|name| *name != alarm).collect();
            if others.is_empty() { "yes".to_owned() } else { format!("with {}", others.join(" and ")) }
        });
        assert_eq!(pages, paged.reduce(|one, other| format!("{one}, {other}")).as_deref().unwrap_or("no"), "{alarm}: pages");
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

/// Otherwise anyone could page a person every night, and block every deployment, even that of a fix.
#[test]
fn no_alarm_that_anyone_or_one_event_can_trigger_pages_or_rolls_back_a_deployment() {
    let template = Template::read();
    for term in terms(template.text("PagingAlarm", "/AlarmRule")) {
        let hardest = term.iter().map(|alarm| trigger_of(&template, alarm)).max().expect("an alarm");
        assert!(hardest.may_page_or_roll_back(), "{term:?} pages, and {} can trigger all of it", hardest.as_str());
    }
    for function in ["Receiver", "Processor"] {
        for alarm in template.property(function, "/DeploymentPreference/Alarms").as_array().expect("alarms") {
            let who = trigger_of(&template, alarm.as_str().expect("a name"));
            assert!(who.may_page_or_roll_back(), "{alarm} rolls back the {function}, and {} can trigger it", who.as_str());
        }
    }
}
