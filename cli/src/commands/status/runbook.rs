//! Reads docs/runbook.md, which is built into this program and is the one place that says what to do about an alarm:
//! the first command of the alarm's section, with the stack's own names. A test compares the alarms' descriptions with
//! the same command.

use crate::target::Place;
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../docs/runbook.md");

/// The stack's name in the page.
const STACK: &str = "tidings";

/// The composite of all alarms that can't wait.
pub(super) const PAGING: &str = "PagingAlarm";

/// The link to the alarm's heading in the page.
pub(super) fn link(alarm: &str) -> String {
    format!("docs/runbook.md#{}", alarm.to_lowercase())
}

/// The alarms in the page's order.
pub(super) fn headings() -> impl Iterator<Item = &'static str> {
    PAGE.lines().filter_map(|line| line.strip_prefix("### ")).filter(|heading| heading.ends_with("Alarm"))
}

fn section(alarm: &str) -> Option<&'static str> {
    let (_, rest) = PAGE.split_once(&format!("\n### {alarm}\n"))?;
    rest.split("\n#").next()
}

/// A part of an alarm's section, up to the next part.
fn part(alarm: &str, part: &str) -> &'static str {
    let text = section(alarm).and_then(|text| text.split_once(&format!("**{part}.**"))).map_or("", |(_, text)| text);
    text.split("\n\n").next().unwrap_or(text)
}

/// Whether an alarm is normal at times, and notifies nobody by itself.
pub(super) fn is_sign(alarm: &str) -> bool {
    part(alarm, "Meaning").contains("notifies nobody")
}

/// The alarms that can't wait, the worst first.
pub(super) fn cant_wait() -> Vec<&'static str> {
    let named = part(PAGING, "Meaning").split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.ends_with("Alarm"));
    named.collect()
}

/// The first command in the alarm's section.
pub(super) fn command(alarm: &str) -> Option<&'static str> {
    let spans = section(alarm)?.split('`').skip(1).step_by(2);
    spans.into_iter().find(|span| ["tidings ", "aws ", "sam "].iter().any(|program| span.starts_with(program)))
}

/// The command at the beginning of the page.
fn always() -> &'static str {
    let first = PAGE.split_once("```sh\n").and_then(|(_, block)| block.split("  ").next());
    first.expect("the page begins with it: a test")
}

/// Our commands that take no stack, among those with which the page begins an answer.
const OF_NO_STACK: [&str; 1] = ["tidings verify "];

/// Commands that can be run as they are: they contain the stack's name, its resources and the options of its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Commands {
    stack: Option<String>,
    names: BTreeMap<String, String>,
    /// `--region` and `--profile`, which every command takes.
    place: String,
    /// `--endpoint-url`, which `sam` doesn't take.
    endpoint: String,
    /// The `tidings dev`, without a stack.
    dev: Place,
}

impl Commands {
    pub(super) fn of(at: &Place, stack: &str, names: BTreeMap<String, String>) -> Self {
        let flag = |name: &str, value: &Option<String>| value.as_ref().map_or_else(String::new, |v| format!(" --{name} {v}"));
        Self {
            stack: Some(stack.to_owned()),
            names,
            place: flag("region", &at.region) + &flag("profile", &at.profile),
            endpoint: flag("endpoint-url", &at.endpoint_url),
            dev: Place::default(),
        }
    }

    /// For the `tidings dev` at this place.
    pub(super) fn at_dev(dev: Place) -> Self {
        Self { dev, ..Self::default() }
    }

    /// A command for the `tidings dev`.
    pub(super) fn of_dev(&self, command: &str) -> String {
        self.dev.command(command)
    }

    /// A command of ours, for the stack or for the `tidings dev`.
    pub(super) fn ours(&self, command: &str) -> String {
        if self.stack.is_some() { self.fill(command) } else { self.of_dev(command) }
    }

    #[cfg(test)]
    pub(super) fn for_tests(stack: &str) -> Self {
        Self { stack: Some(stack.to_owned()), ..Self::default() }
    }

    /// The command for an alarm. For an alarm that isn't in the page, it is the command at the beginning of the page.
    pub(super) fn of_alarm(&self, alarm: &str) -> String {
        self.fill(command(alarm).unwrap_or_else(always))
    }

    pub(super) fn always(&self) -> String {
        self.fill(always())
    }

    /// The command that shows manual changes (drift).
    pub(super) fn drift(&self) -> String {
        let stack = self.stack.as_deref().unwrap_or(STACK);
        self.fill(&format!("aws cloudformation detect-stack-drift --stack-name {stack}"))
    }

    fn fill(&self, command: &str) -> String {
        let stack = self.stack.as_deref().unwrap_or(STACK);
        let mut filled = command.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, value) in &self.names {
            filled = filled.replace(&format!("$({name})"), value);
        }
        filled = filled.replace(&format!("--stack {STACK}"), &format!("--stack {stack}"));
        filled = filled.replace(&format!("/aws/lambda/{STACK}/"), &format!("/aws/lambda/{stack}/"));
        if !filled.starts_with("tidings ") {
            let endpoint = if filled.starts_with("aws ") { &self.endpoint } else { "" };
            return filled + &self.place + endpoint;
        }
        if !takes_a_stack(&filled) {
            return filled;
        }
        if !filled.contains(" --stack ") {
            filled = format!("{filled} --stack {stack}");
        }
        filled + &self.place + &self.endpoint
    }
}

/// Whether a command of ours takes a stack.
pub(super) fn takes_a_stack(command: &str) -> bool {
    !OF_NO_STACK.iter().any(|words| command.starts_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn template() -> Vec<(String, Value)> {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).expect("template.yaml");
        let all: Value = serde_saphyr::from_str(&text).expect("YAML");
        let resources = all["Resources"].as_object().expect("resources").clone();
        let is_alarm = |resource: &Value| resource["Type"].as_str().is_some_and(|kind| kind.ends_with("Alarm"));
        resources.into_iter().filter(|(_, resource)| is_alarm(resource)).collect()
    }

    #[test]
    fn every_alarm_has_a_next_step() {
        let alarms = template();
        assert!(alarms.len() > 15);
        for (alarm, _) in &alarms {
            let command = command(alarm).unwrap_or_else(|| panic!("docs/runbook.md names no command for {alarm}"));
            assert!(!command.contains('…'), "{alarm}: the command isn't known: {command}");
            assert!(headings().any(|heading| heading == alarm), "{alarm}");
        }
        assert_eq!(always(), "tidings doctor --stack tidings");
        assert_eq!(command("NobodysAlarm"), None);
    }

    #[test]
    fn the_page_says_notifies_nobody_of_exactly_the_alarms_without_actions() {
        for (alarm, resource) in template() {
            assert_eq!(is_sign(&alarm), resource["Properties"]["AlarmActions"].is_null(), "{alarm}");
        }
    }

    #[test]
    fn the_alarms_that_cant_wait_are_those_that_page() {
        let alarms = template();
        let rule = |name: &str| {
            let (_, resource) = alarms.iter().find(|(alarm, _)| alarm == name).expect("an alarm");
            let rule = resource["Properties"]["AlarmRule"].as_str().expect("a rule");
            rule.split("${").skip(1).filter_map(|rest| rest.split('}').next()).map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        let stopped = rule(super::super::alarms::STOPPED);
        assert_eq!(stopped, super::super::alarms::STOPPED_SIGNS);
        let expected: Vec<String> = rule(PAGING).into_iter().filter(|name| !stopped.contains(name)).collect();
        let paging: Vec<&str> = cant_wait().into_iter().filter(|name| *name != super::super::alarms::STOPPED).collect();
        assert_eq!(paging, expected);
        assert!(cant_wait().contains(&super::super::alarms::STOPPED));
    }

    #[test]
    fn a_command_names_the_stack_and_where_it_is() {
        let commands = Commands {
            stack: Some("shop".to_owned()),
            names: [("resource ProcessorSource".to_owned(), "0a1b".to_owned())].into(),
            place: " --region eu-central-1".to_owned(),
            endpoint: " --endpoint-url http://127.0.0.1:1".to_owned(),
            dev: Place::default(),
        };
        for (alarm, expected) in [
            ("DeadLetterAlarm", "tidings dlq list --stack shop --region eu-central-1 --endpoint-url http://127.0.0.1:1"),
            (
                "ProcessorStoppedAlarm",
                "aws lambda get-event-source-mapping --uuid 0a1b --region eu-central-1 --endpoint-url http://127.0.0.1:1",
            ),
            (
                "EnqueueAlarm",
                "aws logs tail /aws/lambda/shop/receiver --since 15m --filter-pattern '\"not queued\"' --region eu-central-1 \
                 --endpoint-url http://127.0.0.1:1",
            ),
            ("NobodysAlarm", "tidings doctor --stack shop --region eu-central-1 --endpoint-url http://127.0.0.1:1"),
        ] {
            assert_eq!(commands.of_alarm(alarm), expected);
        }
        assert_eq!(commands.fill("sam deploy"), "sam deploy --region eu-central-1");
        assert_eq!(commands.fill("tidings verify SOURCE request.txt"), "tidings verify SOURCE request.txt");
    }
}
