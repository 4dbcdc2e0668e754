//! `tidings cost`: the bill, as text and as JSON, and what it refuses.

use serde_json::Value;
use std::process::{Command, Output};

fn cost(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.arg("cost").args(arguments).env_remove("TIDINGS_STACK").env("NO_COLOR", "1").output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn bill(arguments: &[&str]) -> Value {
    let out = cost(&[arguments, &["--json"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn dollars(bill: &Value, item: &str) -> f64 {
    let lines = bill["lines"].as_array().expect("lines");
    lines.iter().filter(|line| line["item"] == item).map(|line| line["dollars"].as_f64().expect("dollars")).sum()
}

#[test]
fn the_sum_of_a_bill_is_that_of_its_items() {
    let bill = bill(&[
        "--events",
        "1e6",
        "--actions-per-event",
        "1",
        "--duplicates",
        "5%",
        "--forged",
        "1e5",
        "--dashboard",
        "--alarms",
    ]);
    let items: f64 = bill["lines"].as_array().expect("lines").iter().filter_map(|line| line["dollars"].as_f64()).sum();
    assert!((items - bill["dollars"].as_f64().expect("dollars")).abs() < 1e-9);
    assert_eq!(bill["region"], "us-east-1");
    for item in ["writes", "actions_queue", "front_door", "dashboard", "composite_alarms"] {
        assert!(dollars(&bill, item) > 0.0, "{item}: {bill}");
    }
    assert!(bill["elsewhere"].as_array().expect("others").len() >= 6);
}

#[test]
fn an_option_changes_what_it_is_about_and_nothing_else() {
    let plain = bill(&["--events", "1e6"]);
    let changed = |arguments: &[&str]| {
        let other = bill(&[&["--events", "1e6"], arguments].concat());
        let items = |bill: &Value| -> Vec<String> {
            let lines = bill["lines"].as_array().expect("lines");
            lines
                .iter()
                .map(|line| {
                    format!("{} {:.6}", line["item"].as_str().expect("an item"), line["dollars"].as_f64().expect("dollars"))
                })
                .collect()
        };
        let (before, after) = (items(&plain), items(&other));
        let differ = before.iter().filter(|one| !after.contains(one)).chain(after.iter().filter(|one| !before.contains(one)));
        let mut names: Vec<String> = differ.filter_map(|one| one.split(' ').next()).map(ToOwned::to_owned).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(changed(&["--front-door", "function-url"]), ["front_door", "logs", "stored_logs"]);
    assert_eq!(changed(&["--tracing"]), ["traces"]);
    assert_eq!(changed(&["--log-sampling", "10"]), ["logs", "stored_logs"]);
    assert_eq!(changed(&["--log-level", "warn"]), ["logs", "stored_logs"]);
    assert_eq!(changed(&["--keep-events"]), ["backups", "tables", "writes"]);
    assert_eq!(changed(&["--batch-size", "10"]), ["duration", "events_queue", "invocations", "logs", "stored_logs"]);
    assert_eq!(changed(&["--duplicates", "5%"]), ["duration", "front_door", "invocations", "logs", "stored_logs", "writes"]);
    assert_eq!(
        changed(&["--timers", "1000"]),
        ["backups", "duration", "events_queue", "invocations", "reads", "tables", "writes"]
    );
    assert_eq!(changed(&["--timers", "1000", "--timer-hours", "0.4"]), ["duration", "events_queue", "invocations", "reads"]);
    assert_eq!(changed(&["--sources", "9"]), ["metrics"]);
    assert_eq!(changed(&["--source-metrics"]), ["metrics"]);
    assert_eq!(changed(&["--dashboard"]), ["alarms", "dashboard"]);
    assert_eq!(changed(&["--alarms"]), ["alarms", "composite_alarms"]);
    assert_eq!(changed(&["--fair-queue"]), ["fair_queue"]);
    assert_eq!(changed(&["--provisioned-pollers", "2"]), ["pollers"]);
    assert_eq!(changed(&["--architecture", "x86_64"]), ["duration"]);
    assert_eq!(changed(&["--tracing", "false"]), [""; 0]);
}

#[test]
fn the_screen_says_what_is_assumed_and_what_it_costs_elsewhere() {
    let out = cost(&["--events", "1e6"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let screen = text(&out.stdout);
    for part in [
        "1000000 events",
        "us-east-1",
        "durations are assumed",
        "DynamoDB, writes",
        "a million events",
        "Svix",
        "Hookdeck",
        "EventBridge",
        "Python",
    ] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    assert!(screen.contains("from $39.00"), "a rate that isn't published isn't guessed: {screen}");
}

#[test]
fn prices_of_another_region_are_read_and_a_broken_file_is_refused_by_its_entry() {
    let folder = std::env::temp_dir().join(format!("tidings-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("prices.toml");
    let path = file.to_str().expect("UTF-8");
    let shipped = include_str!("../../infra/cost/us-east-1.toml");
    let twice = shipped.replace("us-east-1\"", "elsewhere\"").replace("dollars = 0.625", "dollars = 1.25");
    std::fs::write(&file, twice).expect("the file");
    let (here, there) = (bill(&["--events", "1e6"]), bill(&["--events", "1e6", "--prices", path]));
    assert_eq!(there["region"], "elsewhere");
    assert!((dollars(&there, "writes") - 2.0 * dollars(&here, "writes")).abs() < 1e-9);
    for (broken, word) in [
        (shipped.replace("[write_unit]", "[write_units]"), "write_units"),
        (shipped.replace("dollars = 0.625", "dollars = -1"), "write_unit"),
        ("not TOML".to_owned(), "prices.toml"),
    ] {
        std::fs::write(&file, broken).expect("the file");
        let out = cost(&["--prices", path]);
        assert_eq!(out.status.code(), Some(1));
        let said = text(&out.stderr);
        assert!(said.contains(word) && said.contains("--print-prices"), "{word}: {said}");
    }
    std::fs::remove_dir_all(&folder).expect("it goes");
    assert_eq!(cost(&["--prices", path]).status.code(), Some(1), "there is no such file");
}

#[test]
fn the_prices_that_are_printed_can_be_read_again() {
    let printed = cost(&["--print-prices"]);
    assert_eq!(text(&printed.stdout), include_str!("../../infra/cost/us-east-1.toml"));
    let prices: Value = serde_json::from_slice(&cost(&["--print-prices", "--json"]).stdout).expect("JSON");
    assert_eq!((&prices["region"], &prices["write_unit"]["dollars"]), (&"us-east-1".into(), &0.625.into()));
}

#[test]
fn a_wrong_number_is_refused_with_what_is_allowed() {
    for argument in [
        "--events=many",
        "--events=-1",
        "--events=1.5",
        "--duplicates=5",
        "--batch-size=11",
        "--log-sampling=101",
        "--front-door=websocket",
        "--over=1m",
    ] {
        let out = cost(&[argument]);
        assert_eq!(out.status.code(), Some(2), "{argument}");
        let said = text(&out.stderr);
        assert!(["allowed", "possible values", "not in"].iter().any(|word| said.contains(word)), "{argument}: {said}");
    }
}
