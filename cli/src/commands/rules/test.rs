//! `tidings rules test`: given events, expected contexts and actions.

use super::case::{self, Case, Expect, ExpectAction, Step};
use super::world::{World, values};
use super::{rules, text};
use crate::Failure;
use crate::arguments::RulesTest;
use crate::style::{BAD, FAINT, GOOD, data_of, paint, say, tick};
use serde::Serialize;
use serde_json::{Value, json};
use serde_saphyr::Location;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tidings_core::action::Action;
use tidings_core::config::rules::Rules;

/// What isn't as a test says, and where it says so.
#[derive(Debug, Serialize)]
struct Difference {
    line: u64,
    column: u64,
    what: String,
    expected: String,
    got: String,
}

#[derive(Debug, Serialize)]
struct Tested {
    file: String,
    name: String,
    differences: Vec<Difference>,
}

pub(crate) async fn run(options: RulesTest) -> Result<ExitCode, Failure> {
    let rules = rules(&options.file.rules, &options.file)?;
    let sources = receiver::configured::sources();
    let mut tested = Vec::new();
    for path in files(&options.files)? {
        let file = path.display().to_string();
        for case in case::read(&file, &text(&path)?, &sources)? {
            let differences = differences(&case, rules.clone()).await;
            tested.push(Tested { file: file.clone(), name: case.name, differences });
        }
    }
    if options.file.json {
        data_of(&tested)?;
    } else {
        tested.iter().for_each(print);
        let good = tested.iter().filter(|test| test.differences.is_empty()).count();
        let style = if good == tested.len() { GOOD } else { BAD };
        say!("{}", paint(style, format!("{good} of {} as they say", tested.len())));
    }
    let all_good = tested.iter().all(|test| test.differences.is_empty());
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The files, and those of the folders, by name.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            let mut inside: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
            inside.retain(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml") && path.is_file());
            inside.sort();
            files.extend(inside);
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        let names: Vec<String> = named.iter().map(|path| Path::display(path).to_string()).collect();
        return Err(Failure::new(format!("no test in {}", names.join(", "))).hint("tests are YAML files: docs/testing-rules.md"));
    }
    Ok(files)
}

async fn differences(case: &Case, rules: Rules) -> Vec<Difference> {
    let mut world = World::new(rules, case.at);
    case.fetch.iter().for_each(|(url, object)| world.put(url, object));
    for step in &case.steps {
        match step {
            Step::Event(event) => world.receive((**event).clone()).await,
            Step::Wait(span) => world.wait(span.duration()).await,
        }
    }
    let mut found = Found(Vec::new());
    found.events(&case.expect, &world);
    found.contexts(&case.expect, &world);
    found.actions(&case.expect, &world.actions());
    found.0.sort_by_key(|difference| (difference.line, difference.column));
    found.0
}

struct Found(Vec<Difference>);

impl Found {
    fn hold(&mut self, at: Location, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        let (what, expected, got) = (what.into(), expected.into(), got.into());
        if expected != got {
            self.0.push(Difference { line: at.line(), column: at.column(), what, expected, got });
        }
    }

    fn events(&mut self, expect: &Expect, world: &World) {
        let claims = world.claims();
        for (id, expected) in &expect.events {
            let (at, event) = (expected.referenced, &expected.value);
            let Some(claim) =
                claims.iter().find(|c| c.event_id.as_deref() == Some(id) || c.key.as_str().ends_with(&format!("#{id}")))
            else {
                self.hold(at, format!("event {id}"), "an event of this id", "none");
                continue;
            };
            let state = claim.outcome.map_or(claim.state.as_str(), |outcome| outcome.as_str());
            let dead = claim.reason.clone().unwrap_or_else(|| state.to_owned());
            if let Some(outcome) = &event.outcome {
                let got = claim.reason.as_ref().map_or_else(|| state.to_owned(), |reason| format!("dead: {reason}"));
                self.hold(at, format!("event {id}, outcome"), outcome, got);
            }
            if let Some(conversation) = &event.conversation {
                self.hold(at, format!("event {id}, conversation"), conversation, claim.conversation.as_deref().unwrap_or("none"));
            }
            if let Some(rules) = &event.rules {
                self.hold(at, format!("event {id}, rules"), rules.join(", "), claim.rules.join(", "));
            }
            if let Some(reason) = event.dead.as_ref().filter(|reason| !dead.starts_with(reason.as_str())) {
                self.hold(at, format!("event {id}, dead"), format!("{reason}…"), dead);
            }
        }
    }

    fn contexts(&mut self, expect: &Expect, world: &World) {
        for (conversation, expected) in &expect.contexts {
            let (node, facts) = values(&world.context(conversation));
            if let Some(wanted) = &expected.node {
                let word = |node: &Option<String>| node.clone().unwrap_or_else(|| "nowhere".to_owned());
                self.hold(wanted.referenced, format!("{conversation}, node"), word(&wanted.value), word(&node));
            }
            for (entity, wanted) in &expected.facts {
                for (name, value) in wanted {
                    let word = |value: Option<&Value>| match value {
                        None | Some(Value::Null) => "not known".to_owned(),
                        Some(value) => value.to_string(),
                    };
                    let got = facts.get(entity).and_then(|facts| facts.get(name));
                    self.hold(value.referenced, format!("{conversation}, {entity}, {name}"), word(Some(&value.value)), word(got));
                }
            }
        }
    }

    /// In their order; a missing or a further one is told as one.
    fn actions(&mut self, expect: &Expect, sent: &[(String, Action)]) {
        let Some(expected) = &expect.actions else { return };
        for (n, wanted) in expected.value.iter().enumerate() {
            let place = format!("action {}", n + 1);
            match sent.get(n) {
                None => self.hold(wanted.referenced, place, described(&wanted.value), "none"),
                Some((to, action)) => self.action(&place, wanted.referenced, &wanted.value, to, action),
            }
        }
        for (n, (to, action)) in sent.iter().enumerate().skip(expected.value.len()) {
            let got = format!("{} {} to {to}: {}", action.rule, action.action_type, action.data);
            self.hold(expected.referenced, format!("action {}", n + 1), "none", got);
        }
    }

    fn action(&mut self, place: &str, at: Location, wanted: &ExpectAction, to: &str, action: &Action) {
        let said = action.data["text"].as_str().unwrap_or("no text");
        for (what, wanted, got) in [
            ("to", &wanted.to, to),
            ("rule", &wanted.rule, action.rule.as_str()),
            ("type", &wanted.action_type, action.action_type.as_str()),
            ("text", &wanted.text, said),
        ] {
            if let Some(wanted) = wanted {
                self.hold(at, format!("{place}, {what}"), wanted, got);
            }
        }
        for (field, value) in &wanted.data {
            self.hold(at, format!("{place}, data.{field}"), value.to_string(), action.data[field].to_string());
        }
    }
}

fn described(action: &ExpectAction) -> String {
    let words = [&action.rule, &action.action_type, &action.text];
    let known: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    if known.is_empty() { json!(action.data).to_string() } else { known.join(" ") }
}

fn print(test: &Tested) {
    say!("{} {}  {}", tick(test.differences.is_empty()), test.name, paint(FAINT, &test.file));
    for Difference { line, column, what, expected, got } in &test.differences {
        say!("    {}:{line}:{column}: {what}", test.file);
        say!("        expected  {}", paint(GOOD, expected));
        say!("        got       {}", paint(BAD, got));
    }
}
