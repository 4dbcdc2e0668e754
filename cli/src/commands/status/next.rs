//! The problems, the worst first, and what to do about them. Pure.

use super::alarms::Alarm;
use super::endpoint::{Health, Ready};
use super::heard::Heard;
use super::part::{Part, Unread};
use super::runbook::link;
use super::seen::State;
use super::{Backlog, Status};
use crate::limits::MAX_NEXT_STEPS;
use serde::Serialize;
use serde_json::Value;
use tidings_core::claim::ClaimState;

/// The worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Unreachable,
    NotReady,
    Alarm,
    DeadLetters,
    /// A source is silent for longer than its `expect_every`.
    Silent,
    /// The state is unknown, because it can't be read.
    Unread,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NotReady => "not_ready",
            Self::Alarm => "alarms",
            Self::DeadLetters => "dead_letters",
            Self::Silent => "silent",
            Self::Unread => "unread",
        }
    }
}

#[derive(Debug)]
pub(super) struct Problem {
    pub(super) kind: Kind,
    why: String,
    step: String,
}

/// A command to run, and its purpose.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    #[serde(rename = "do")]
    pub(super) step: String,
    pub(super) why: String,
}

/// Dead-letter queues with their alarms. An alarm fires a minute later.
const DEAD_QUEUES: [(&str, &str); 6] = [
    ("dead letters", "DeadLetterAlarm"),
    ("dead actions", "ActionsAlarm"),
    ("dead links", "LinksAlarm"),
    ("dead published", "PublishedAlarm"),
    ("dead deliveries", "DeliveriesAlarm"),
    ("dead kafka", "KafkaAlarm"),
];

pub(super) fn problems(status: &Status) -> Vec<Problem> {
    let mut problems = of_endpoint(status);
    problems.extend(of_alarms(status));
    problems.extend(of_backlog(status));
    problems.extend(of_sources(status));
    if let Part::Unread(why) = &status.rates {
        problems.push(unread(status, "rates", why));
    }
    problems.sort_by_key(|problem| problem.kind);
    problems
}

fn of_endpoint(status: &Status) -> Vec<Problem> {
    let step = || match status.stack {
        Some(_) => status.commands.always(),
        None => NO_DEV.to_owned(),
    };
    let problem = |kind, why: String| Problem { kind, why, step: step() };
    let health = match &status.endpoint.health {
        Health::Answers { .. } => None,
        Health::Unreachable { said } => Some(problem(Kind::Unreachable, said.clone())),
        Health::Unknown { said } => {
            let step = if status.stack.is_some() { NO_STACK } else { NO_DEV };
            Some(Problem { kind: Kind::Unread, why: (*said).to_owned(), step: step.to_owned() })
        }
    };
    let ready = match &status.endpoint.ready {
        Ready::Yes { .. } | Ready::Absent | Ready::NotAsked => None,
        Ready::No { checks } => {
            let bad = checks.iter().filter(|(_, said)| *said != "ok").map(|(name, said)| format!("{name} {}", words(said)));
            Some(problem(Kind::NotReady, format!("not ready: {}", bad.collect::<Vec<_>>().join(", "))))
        }
        Ready::Unknown { said } => Some(problem(Kind::Unread, said.clone())),
    };
    health.into_iter().chain(ready).collect()
}

/// The value of a check as text.
pub(super) fn words(said: &Value) -> &str {
    said.as_str().unwrap_or_default()
}

const NO_DEV: &str = "start `tidings dev`, or give a deployed stack with --stack";

const NO_STACK: &str = "check --stack, --region and --profile, and let your credentials call cloudformation:DescribeStacks \
                        and cloudformation:DescribeStackResources";

fn of_alarms(status: &Status) -> Vec<Problem> {
    match &status.alarms {
        Part::Unread(why) => vec![unread(status, "alarms", why)],
        Part::Absent { .. } => Vec::new(),
        Part::Read(alarms) => {
            let problem = |one: &Alarm| match (one.counts, one.state) {
                (true, _) => {
                    let why = format!("{}: {}", one.alarm, one.runbook);
                    Some(Problem { kind: Kind::Alarm, why, step: one.next.clone() })
                }
                (false, State::Missing) => {
                    let why = format!("{} no longer exists", one.alarm);
                    Some(Problem { kind: Kind::Unread, why, step: status.commands.drift() })
                }
                (false, State::Alarm | State::InsufficientData | State::Ok) => None,
            };
            alarms.listed.iter().filter_map(problem).collect()
        }
    }
}

fn of_backlog(status: &Status) -> Vec<Problem> {
    match &status.backlog {
        Part::Unread(why) => vec![unread(status, "the backlog", why)],
        Part::Absent { .. } => Vec::new(),
        Part::Read(Backlog::Claims { claims, queues: _ }) => {
            let dead = claims.iter().filter(|claims| claims.state == ClaimState::Dead && claims.events > 0);
            let problem = |claims: &super::Claims| Problem {
                kind: Kind::DeadLetters,
                why: format!("dead: {}", claims.events),
                step: status.commands.of_dev("tidings dlq list"),
            };
            dead.map(problem).collect()
        }
        Part::Read(Backlog::Queues { queues }) => {
            let dead = DEAD_QUEUES.iter().filter_map(|(queue, alarm)| {
                let depth = queues.iter().find(|one| one.queue == *queue)?.depth.read()?;
                let told = status.alarms.read().is_some_and(|alarms| alarms.fires(alarm));
                let problem = || Problem {
                    kind: Kind::DeadLetters,
                    why: format!("{queue}: {}, {}", depth.all(), link(alarm)),
                    step: status.commands.of_alarm(alarm),
                };
                (depth.all() > 0 && !told).then(problem)
            });
            let blind = queues.iter().filter_map(|one| match &one.depth {
                Part::Unread(why) => Some(unread(status, one.queue, why)),
                Part::Read(_) | Part::Absent { .. } => None,
            });
            dead.chain(blind).collect()
        }
    }
}

fn of_sources(status: &Status) -> Vec<Problem> {
    let silent = |one: &Heard| {
        let every = one.expect_every.filter(|_| one.is_late)?;
        let since =
            one.last_heard.map_or_else(|| "not heard lately".to_owned(), |_| format!("last heard {}", one.ago(status.at)));
        let why = format!("{} is silent: {since}, expected every {every}", one.source);
        // An hour more than the silence, in whole hours: events of the time around the last request are found, too.
        let hours = one.last_heard.map_or(24, |last| status.at.since(last).as_secs() / 3_600 + 2);
        let step = match one.has_list {
            true => status.commands.ours(&format!("tidings reconcile {} --since {hours}h", one.source)),
            false => "check at the provider that its webhook is active: docs/reconcile.md".to_owned(),
        };
        Some(Problem { kind: Kind::Silent, why, step })
    };
    match &status.sources {
        Part::Unread(why) => vec![unread(status, "the sources", why)],
        Part::Absent { .. } => Vec::new(),
        Part::Read(sources) => sources.iter().filter_map(silent).collect(),
    }
}

fn unread(status: &Status, what: &str, why: &Unread) -> Problem {
    let step = match (&status.stack, why.needs.starts_with("cloudformation:")) {
        (None, _) => NO_DEV.to_owned(),
        (Some(_), true) => NO_STACK.to_owned(),
        (Some(_), false) => format!("let your credentials call {}", why.needs),
    };
    Problem { kind: Kind::Unread, why: format!("{what} can't be read"), step }
}

/// The first few steps, each once.
pub(super) fn steps(problems: &[Problem]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for Problem { why, step, .. } in problems {
        match steps.iter_mut().find(|known| known.step == *step) {
            Some(known) => known.why = format!("{}; {why}", known.why),
            None => steps.push(Step { step: step.clone(), why: why.clone() }),
        }
    }
    steps.truncate(MAX_NEXT_STEPS);
    steps
}

/// All kinds of problems, in a few words.
pub(super) fn headline(status: &Status, problems: &[Problem]) -> String {
    let mut kinds: Vec<Kind> = problems.iter().map(|problem| problem.kind).collect();
    kinds.dedup();
    let words = kinds.into_iter().map(|kind| {
        let count = problems.iter().filter(|problem| problem.kind == kind).count();
        match kind {
            Kind::Unreachable => "unreachable".to_owned(),
            Kind::NotReady => "not ready".to_owned(),
            Kind::Alarm if count == 1 => "1 alarm".to_owned(),
            Kind::Alarm => format!("{count} alarms"),
            Kind::DeadLetters if status.stack.is_none() => "dead events".to_owned(),
            Kind::DeadLetters => "dead letters".to_owned(),
            Kind::Silent if count == 1 => "a source is silent".to_owned(),
            Kind::Silent => format!("{count} sources are silent"),
            Kind::Unread => "some parts can't be read".to_owned(),
        }
    });
    if problems.is_empty() { "healthy".to_owned() } else { words.collect::<Vec<_>>().join(", ") }
}
