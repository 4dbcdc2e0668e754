//! Compares the screen of plain data, as text without colour and as JSON, with `cli/tests/status/`; `UPDATE=1` writes
//! those files again.

use super::alarms::Alarms;
use super::endpoint::{Endpoint, Health, Ready, health, ready};
use super::heard::Heard;
use super::metrics::Measured;
use super::part::{Part, Unread};
use super::runbook::{Commands, headings};
use super::seen::{Seen, State};
use super::{Backlog, Claims, Queue, Status, next, screen};
use crate::commands::page::Page;
use crate::limits::{MAX_NEXT_STEPS, MAX_READY_CHECKS};
use crate::silence::is_late;
use crate::target::Depth;
use clap::CommandFactory;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tidings_config::rules::Span;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimState;

const URL: &str = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com";

/// The hash of a project.
const CONFIGURATION: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-24T20:41:00Z").expect("a time")
}

fn golden(name: &str, status: &Status, worst: &str) {
    let text = crate::style::plain(&screen::lines(status).join("\n")) + "\n";
    let json = serde_json::to_string_pretty(&status.json()).expect("JSON") + "\n";
    assert_eq!(status.json()["status"], worst, "{name}");
    for (file, seen) in [(format!("{name}.txt"), text), (format!("{name}.json"), json)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/status").join(&file);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &seen).expect("the file");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(seen == expected, "{file}: `UPDATE=1 cargo test -p tidings` updates it; it is now:\n{seen}");
    }
}

fn page(status: u16, body: Value) -> Result<Page, String> {
    Ok(Page { status, date: None, body })
}

fn queues(depths: [(u64, u64, u64, Option<u64>); 4]) -> Part<Backlog> {
    let named = ["events", "dead letters", "actions", "dead actions"].into_iter().zip(depths);
    let queue = |(queue, (visible, in_flight, delayed, oldest_s))| Queue {
        queue,
        depth: Part::Read(Depth { visible, in_flight, delayed }),
        oldest_s,
    };
    Part::Read(Backlog::Queues { queues: named.map(queue).collect() })
}

/// Sources: when each was last heard, in seconds before now, and how often it is expected.
fn heard(sources: &[(&str, Option<u64>, Option<&str>)]) -> Part<Vec<Heard>> {
    let one = |(source, ago, every): &(&str, Option<u64>, Option<&str>)| {
        let last_heard = ago.map(|ago| now().minus(Duration::from_secs(ago)));
        let expect_every: Option<Span> = every.map(|every| every.parse().expect("a span"));
        let is_late = expect_every.is_some_and(|every| is_late(last_heard, None, every, now()));
        Heard { source: (*source).to_owned(), last_heard, expect_every, is_late, has_list: *source == "stripe" }
    };
    Part::Read(sources.iter().map(one).collect())
}

fn rates(counts: [u64; 6], answer: Option<u64>, effect: Option<u64>) -> Part<Measured> {
    let names = ["received", "accepted", "duplicates", "refused", "processed", "dead"];
    Part::Read(Measured {
        over: Span::new(Duration::from_secs(3_600)),
        counts: names.into_iter().zip(counts.map(Ok)).collect(),
        worst: vec![("answer_p99_ms", Ok(answer)), ("effect_p99_ms", Ok(effect))],
        oldest: BTreeMap::new(),
    })
}

/// All alarms of the runbook, in these states and otherwise OK.
fn judged(states: &[(&str, State, u64, &str)]) -> Part<Alarms> {
    let seen = headings().map(|alarm| {
        let (state, ago, reason) = states
            .iter()
            .find(|(name, ..)| *name == alarm)
            .map_or((State::Ok, 0, ""), |(_, state, ago, why)| (*state, *ago, *why));
        Seen { alarm: alarm.to_owned(), state, since: Some(now().minus(Duration::from_secs(ago))), reason: reason.to_owned() }
    });
    Part::Read(Alarms::judge(seen.collect(), &Commands::for_tests("shop")))
}

fn well() -> Status {
    Status {
        stack: Some("shop".to_owned()),
        at: now(),
        endpoint: Endpoint {
            url: Some(URL.to_owned()),
            health: health(page(200, json!({"status": "ok", "version": "0.1.0", "configuration": CONFIGURATION}))),
            ready: ready(page(200, json!({"status": "ready", "checks": {"secret": "ok", "claims": "ok", "queue": "ok"}}))),
        },
        alarms: judged(&[
            ("ProcessorIdleAlarm", State::Alarm, 3_000, "Threshold Crossed: no datapoints were received for 3 periods"),
            ("OldSecretAlarm", State::InsufficientData, 90, "Unchecked: Initial alarm creation"),
        ]),
        backlog: queues([(2, 1, 0, Some(4)), (0, 0, 0, None), (0, 0, 12, Some(75)), (0, 0, 0, None)]),
        sources: heard(&[("stripe", Some(90), Some("6h")), ("orders", Some(40), None), ("slack", None, None)]),
        rates: rates([1_204, 1_180, 17, 7, 1_181, 0], Some(38), Some(412)),
        commands: Commands::for_tests("shop"),
    }
}

#[test]
fn all_is_well() {
    golden("well", &well(), "healthy");
}

/// Only the alarms that CodeDeploy watches exist: the screen says so, and it is no error.
#[test]
fn nobody_is_notified() {
    let seen = ["EnqueueAlarm", "LateFastAlarm"].map(|alarm| Seen {
        alarm: alarm.to_owned(),
        state: State::Ok,
        since: Some(now()),
        reason: String::new(),
    });
    let alarms = Alarms::judge(seen.into(), &Commands::for_tests("shop"));
    golden("unwatched", &Status { alarms: Part::Read(alarms), ..well() }, "healthy");
}

#[test]
fn two_alarms_fire() {
    let crossed = |value, threshold| {
        format!("Threshold Crossed: 1 datapoint [{value} (24/11/26 20:29:00)] was greater than the threshold ({threshold}).")
    };
    let (dead, oldest) = (crossed("3.0", "0.0"), crossed("1412.0", "300.0"));
    let status = Status {
        alarms: judged(&[
            ("DeadLetterAlarm", State::Alarm, 720, &dead),
            ("BacklogAlarm", State::Alarm, 65, &oldest),
            ("PagingAlarm", State::Alarm, 720, "alarm arn:… is in state ALARM"),
        ]),
        backlog: queues([(1_240, 20, 0, Some(1_412)), (3, 0, 0, Some(100_000)), (0, 0, 0, None), (1, 0, 0, Some(8_000))]),
        rates: rates([1_204, 1_180, 17, 7, 60, 3], Some(38), Some(95_412)),
        ..well()
    };
    golden("alarms", &status, "alarms");
}

#[test]
fn late_sources_are_named() {
    let sources = heard(&[
        ("stripe", Some(9 * 3_600), Some("6h")),
        ("orders", Some(8 * 86_400), Some("7d")),
        ("github", Some(60), Some("10m")),
        ("slack", None, Some("1d")),
        ("twilio", None, None),
    ]);
    golden("silent", &Status { sources, ..well() }, "silent");
}

#[test]
fn the_endpoint_is_away() {
    let health = health(Err(format!("{URL}: io: Connection refused")));
    let endpoint = Endpoint { url: Some(URL.to_owned()), health, ready: Ready::NotAsked };
    golden("unreachable", &Status { endpoint, ..well() }, "unreachable");
}

#[test]
fn a_dev_has_no_cloudwatch() {
    let absent = "a `tidings dev` has no CloudWatch metrics: give a deployed stack with --stack";
    let Part::Read(Backlog::Queues { mut queues }) = well().backlog else { panic!("queues") };
    queues.iter_mut().for_each(|queue| queue.oldest_s = None);
    let claims = ClaimState::ALL.iter().zip([0, 2, 21, 1]).map(|(&state, events)| Claims { state, events }).collect();
    let status = Status {
        stack: None,
        endpoint: Endpoint {
            url: Some("http://127.0.0.1:8787".to_owned()),
            ready: ready(page(404, Value::Null)),
            ..well().endpoint
        },
        alarms: Part::Absent { absent },
        backlog: Part::Read(Backlog::Claims { queues, claims }),
        rates: Part::Absent { absent },
        commands: Commands::default(),
        ..well()
    };
    golden("dev", &status, "dead_letters");
}

#[test]
fn numbers_are_huge() {
    let status = Status {
        alarms: judged(&[("BacklogAlarm", State::Alarm, 86_400 * 400, &"crossed ".repeat(50))]),
        backlog: queues([
            (u64::MAX, u64::MAX, 120_000, Some(1_209_600)),
            (0, 0, 0, None),
            (9_999_999, 0, 0, None),
            (0, 0, 0, None),
        ]),
        rates: rates([u64::MAX, 4_000_000_000, 1, 0, 3_999_999_999, 0], Some(29_999), Some(u64::MAX)),
        ..well()
    };
    golden("huge", &status, "alarms");
}

#[test]
fn a_part_that_cannot_be_read_does_not_affect_the_rest() {
    let denied = |call: &'static str| Unread { unread: "AccessDenied: User is not authorized".to_owned(), needs: call };
    let Part::Read(Backlog::Queues { mut queues }) = well().backlog else { panic!("queues") };
    queues[1].depth = Part::Unread(denied("sqs:GetQueueAttributes"));
    let Part::Read(mut measured) = well().rates else { panic!("rates") };
    measured.counts[2].1 = Err("Unsupported: no expressions".to_owned());
    let status = Status {
        endpoint: Endpoint {
            ready: ready(page(
                503,
                json!({"status": "not_ready", "checks": {"secret": "missing: stripe", "claims": "ok", "queue": "ok"}}),
            )),
            ..well().endpoint
        },
        alarms: Part::Unread(denied("cloudwatch:DescribeAlarms")),
        backlog: Part::Read(Backlog::Queues { queues }),
        rates: Part::Read(measured),
        ..well()
    };
    golden("unread", &status, "not_ready");
}

#[test]
fn the_worst_problem_is_first_and_the_number_of_steps_is_limited() {
    let all: Vec<_> = headings().map(|alarm| (alarm, State::Alarm, 60, "crossed")).collect();
    let away = Endpoint { url: None, health: Health::Unreachable { said: "away".to_owned() }, ready: Ready::NotAsked };
    let status = Status { alarms: judged(&all), endpoint: away, ..well() };
    let problems = next::problems(&status);
    let steps = next::steps(&problems);
    assert_eq!(steps.len(), MAX_NEXT_STEPS);
    assert_eq!(steps[0].step, "tidings doctor --stack shop");
    assert!(steps[1].why.starts_with("ReceiverFailedAlarm: docs/runbook.md#receiverfailedalarm"), "{steps:?}");
    assert_eq!(next::headline(&status, &problems), "unreachable, 32 alarms");
    let few =
        Status { alarms: judged(&[("LateFastAlarm", State::Alarm, 1, ""), ("BacklogAlarm", State::Alarm, 1, "")]), ..well() };
    let steps = next::steps(&next::problems(&few));
    assert_eq!(steps.len(), 1, "the same command is one thing to do: {steps:?}");
    assert!(steps[0].why.contains("LateFastAlarm") && steps[0].why.contains("BacklogAlarm"));
}

#[test]
fn an_endpoint_s_answer_is_trusted_only_in_our_own_words() {
    let is_away = |answer| matches!(health(answer), Health::Unreachable { .. });
    assert!(
        is_away(page(200, json!({"status": "ok"})))
            && is_away(page(500, json!({"version": "0.1.0"})))
            && is_away(Err(String::new()))
    );
    for (status, body) in
        [(200, Value::Null), (503, json!({"message": "Service Unavailable"})), (200, json!({"status": "not_ready"}))]
    {
        assert!(matches!(ready(page(status, body)), Ready::Unknown { .. }), "{status}");
    }
    let Ready::No { checks } = ready(page(503, json!({"status": "not_ready", "checks": {"a\u{1b}[2J": "\u{1b}[1A", "n": 3}})))
    else {
        panic!("not ready")
    };
    assert!(!format!("{checks:?}").contains('\u{1b}'));
    assert_eq!(checks["n"], "3");
    for (said, shown) in [(MAX_READY_CHECKS, MAX_READY_CHECKS), (MAX_READY_CHECKS + 1, MAX_READY_CHECKS)] {
        let checks: Map<String, Value> = (0..said).map(|n| (n.to_string(), "ok".into())).collect();
        let Ready::Yes { checks } = ready(page(200, json!({"status": "ready", "checks": checks}))) else { panic!("ready") };
        assert_eq!(checks.len(), shown);
    }
}

#[test]
fn the_time_that_is_counted_over_has_bounds() {
    for valid in ["5m", "300s", "1h", "24h", "1d"] {
        assert!(super::over(valid).is_ok(), "{valid}");
    }
    for bad in ["299s", "86401s", "2d"] {
        assert_eq!(super::over(bad), Err("allowed: 5m to 1d".to_owned()), "{bad}");
    }
    assert!(super::over("soon").is_err_and(|said| said.contains("write it as")));
}

#[test]
fn a_next_step_names_a_stack_where_its_command_takes_one() {
    for alarm in headings() {
        let command = super::runbook::command(alarm).expect("a command");
        if !command.starts_with("tidings ") {
            continue;
        }
        let mut known = crate::Arguments::command();
        for word in command.split_whitespace().skip(1) {
            match known.find_subcommand(word) {
                Some(found) => known = found.clone(),
                None => break,
            }
        }
        let takes_a_stack = known.get_arguments().any(|argument| argument.get_long() == Some("stack"));
        assert_eq!(takes_a_stack, super::runbook::takes_a_stack(command), "{alarm}: {command}");
    }
}
