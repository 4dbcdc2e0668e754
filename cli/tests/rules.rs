//! `tidings rules`. The expected output is in `cli/tests/rules/*.txt`; `UPDATE=1` writes it again.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rules(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command
        .arg("rules")
        .args(arguments)
        .current_dir(root())
        .env("TIDINGS_PROJECT", "events/project")
        .output()
        .expect("the binary")
}

/// Compares the output and the exit status with a file.
fn golden(name: &str, arguments: &[&str], status: i32) {
    let output = rules(arguments);
    let seen = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    let seen = seen.replace(env!("CARGO_TARGET_TMPDIR"), "");
    let path = root().join(format!("cli/tests/rules/{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &seen).expect("the file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(seen == expected, "{name}: `UPDATE=1 cargo test -p tidings` writes it anew; it is now:\n{seen}");
    assert_eq!(output.status.code(), Some(status), "{name}");
}

fn json(arguments: &[&str]) -> Value {
    let output = rules(&[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// A changed copy of the shipped rules.
fn changed(name: &str, from: &str, to: &str) -> String {
    let rules = std::fs::read_to_string(root().join("events/project/rules.yaml")).expect("the rules");
    assert!(rules.contains(from), "{from}");
    let path = format!("{}/{name}.yaml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, rules.replacen(from, to, 1)).expect("a file");
    path
}

#[test]
fn an_unknown_type_is_answered_with_similar_ones() {
    let project = PathBuf::from(format!("{}/chat", env!("CARGO_TARGET_TMPDIR")));
    std::fs::create_dir_all(&project).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(project.join(name), text).expect("a file");
    write("sources.yaml", "version: 1\nsources:\n  telegram: { provider: telegram }\n");
    for (wrong, said) in [("message.text", "did you mean message."), ("mesage.private", "did you mean \"message.private\"?")] {
        write(
            "rules.yaml",
            &format!("version: 1\nrules:\n  - name: wrote\n    on: {wrong}\n    source: telegram\n    goto: wrote\n"),
        );
        let output = rules(&["check", "--project", &project.display().to_string()]);
        let seen = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(seen.contains(said) && seen.contains("message.private"), "{wrong}: {seen}");
        // A type that a preset's template can produce is a note. A type that resembles a known one is an error.
        let status = if wrong == "message.text" { 0 } else { 1 };
        assert_eq!(output.status.code(), Some(status), "{wrong}: {seen}");
    }
}

/// CI runs `events/project/tests` by this test.
#[test]
fn the_shipped_rules_pass_their_tests() {
    golden("test", &["test"], 0);
    assert!(json(&["test"]).as_array().unwrap().iter().all(|test| test["differences"].as_array().unwrap().is_empty()));
}

#[test]
fn a_test_that_fails_says_where_and_how() {
    golden("test-failing", &["test", "cli/tests/rules/failing.yaml"], 1);
    let tests = json(&["test", "cli/tests/rules/failing.yaml"]);
    let lines: Vec<u64> = tests[0]["differences"].as_array().unwrap().iter().map(|d| d["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [8, 9, 12, 16, 17, 18], "the lines of the file");
}

#[test]
fn a_dead_lettered_event_fails_its_test_unless_the_test_expects_it() {
    golden("test-dying", &["test", "cli/tests/rules/dying.yaml"], 1);
    let tests = json(&["test", "cli/tests/rules/dying.yaml"]);
    let good = |test: &Value| test["differences"].as_array().unwrap().is_empty();
    let good: Vec<bool> = tests.as_array().unwrap().iter().map(good).collect();
    assert_eq!(good, [false, false, false, false, false, true, true]);
    let first = &tests[0]["differences"][0];
    assert_eq!(first["line"], 5, "where the event is given");
    assert!(first["got"].as_str().unwrap().starts_with("dead: rule order-priced"), "{first}");
}

#[test]
fn a_dead_letter_while_time_passes_fails_the_test_too() {
    let arguments = ["test", "cli/tests/rules/due-test.yaml", "--rules", "cli/tests/rules/due.yaml"];
    golden("test-due", &arguments, 1);
    let tests = json(&arguments);
    assert_eq!((&tests[0]["differences"][0]["line"], tests[1]["differences"].as_array().unwrap().len()), (&6.into(), 0));
}

#[test]
fn an_expectation_without_a_check_fails() {
    golden("test-unseen", &["test", "cli/tests/rules/unseen.yaml"], 1);
    let tests = json(&["test", "cli/tests/rules/unseen.yaml"]);
    let count = |test: &Value, what: &str| test[what].as_array().unwrap().len();
    let counts: Vec<usize> = tests.as_array().unwrap().iter().map(|test| count(test, "differences")).collect();
    assert_eq!(counts, [2, 1, 1, 1, 0, 0]);
    assert_eq!(count(&tests[5], "notes"), 1, "no rule is about it, and nobody said so");
}

#[test]
fn a_test_that_can_not_fail_is_refused() {
    let path = format!("{}/empty.yaml", env!("CARGO_TARGET_TMPDIR"));
    for (tests, said) in [
        ("tests: []\n", ":1:1: it contains no test"),
        (
            "tests:\n  - { name: a, given: [{ corpus: orders-poison }], expect: {} }\n",
            "nothing is expected: give at least one of",
        ),
        ("tests:\n  - { name: a, given: [], expect: { actions: [] } }\n", "no event is given"),
        ("tests:\n  - { name: a, given: [{ wait: 1h }], expect: { actions: [] } }\n", "no event is given"),
        (
            "tests:\n  - { name: a, given: [{ corpus: orders-poison }], expect: { contexts: { x: {} } } }\n",
            "nothing is expected of x",
        ),
        (
            "tests:\n  - { name: a, given: [{ corpus: orders-poison }], expect: { contexts: { x: { facts: { y: {} } } } } }\n",
            "nothing is expected of x",
        ),
    ] {
        std::fs::write(&path, format!("version: 1\n{tests}")).unwrap();
        let output = rules(&["test", &path]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{tests}");
        assert!(complaint.contains(said), "{tests}: {complaint}");
    }
}

#[test]
fn a_test_contains_the_responses_that_rules_fetch() {
    golden("test-enriched", &["test", "cli/tests/rules/enriched.yaml", "--rules", "cli/tests/rules/enriching.yaml"], 0);
}

/// The tests must fail when a rule has another effect.
#[test]
fn a_changed_rule_fails_the_shipped_tests() {
    let path = changed("other", "    if_stale: skip\n", "    if_stale: run\n");
    let tests = json(&["test", "--rules", &path]);
    let failed: Vec<&str> = tests
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| !t["differences"].as_array().unwrap().is_empty())
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["delivered before it was shipped, and nobody hears that it is on its way"]);
}

#[test]
fn the_shipped_rules_have_no_warnings() {
    golden("check", &["check"], 0);
    assert_eq!(json(&["check"])["warnings"].as_array().unwrap().len(), 0);
}

#[test]
fn impossible_conditions_are_found() {
    golden("check-lint", &["check", "--rules", "cli/tests/rules/lint.yaml"], 1);
    golden("check-broken", &["check", "--rules", "cli/tests/rules/broken.yaml"], 1);
}

#[test]
fn a_field_that_may_be_missing_null_or_of_another_type_is_a_warning() {
    golden("check-absent", &["check", "--rules", "cli/tests/rules/absent.yaml"], 1);
    let checked = json(&["check", "--rules", "cli/tests/rules/absent.yaml"]);
    let warnings = checked["warnings"].as_array().unwrap();
    let of = |rule: &str| warnings.iter().filter(|warning| warning["rule"] == rule).cloned().collect::<Vec<_>>();
    let by_schema = &of("unguarded")[0];
    let seen = [&by_schema["field"], &by_schema["path"], &by_schema["reason"], &by_schema["schema"]];
    assert_eq!(seen, ["set.carrier", "data.order.carrier", "missing", "orders/order.shipped/1"]);
    let by_sample = &of("mentioned")[0];
    let seen = [&by_sample["field"], &by_sample["path"], &by_sample["reason"]];
    assert_eq!(seen, ["emit.data.user", "data.event.user", "missing"]);
    assert!(by_sample["sample"].as_str().unwrap().starts_with("slack/"), "{by_sample}");
    assert!(by_sample["without"].as_u64() < by_sample["of"].as_u64(), "{by_sample}");
    let reasons = |rule: &str| of(rule).iter().map(|warning| warning["reason"].clone()).collect::<Vec<_>>();
    assert_eq!(reasons("told"), ["missing", "null", "missing", "null"]);
    assert_eq!(reasons("mixed"), ["missing", "type"]);
    assert_eq!(reasons("some"), ["missing"], "the schema allows it where the rule holds");
    for guarded in ["asked-for", "asked-before", "of-any-type", "null-is-fine"] {
        assert!(of(guarded).is_empty(), "{guarded}: {:?}", of(guarded));
    }
}

/// No event of that type is known.
#[test]
fn schemas_beside_the_rules_are_enough_for_a_warning() {
    golden("check-absent-schema", &["check", "--rules", "cli/tests/rules/absent/rules.yaml"], 1);
    let checked = json(&["check", "--rules", "cli/tests/rules/absent/rules.yaml"]);
    let seen = |rule: &str| {
        let of_it = checked["warnings"].as_array().unwrap().iter().filter(|warning| warning["rule"] == rule);
        of_it.map(|warning| format!("{} {} {}", warning["field"], warning["path"], warning["reason"]).replace('"', "")).collect()
    };
    let expected: [(&str, &[&str]); 7] = [
        ("pieces", &["count.pieces data.order.qty type"]),
        ("whose", &["entity data.order.id type"]),
        ("noted", &["notify.text data.order.note type"]),
        ("refunded", &["set.amount data.order.refund missing"]),
        ("asked", &["when data.kind missing", "set.why data.order.reason missing", "set.why data.order.reason null"]),
        ("unknown", &[]),
        ("guarded", &[]),
    ];
    for (rule, expected) in expected {
        let seen: Vec<String> = seen(rule);
        assert_eq!(seen, expected, "{rule}");
    }
}

#[test]
fn many_warnings_of_one_rule_are_shown_in_part() {
    let set: String = (0..12).map(|n| format!("f{n}: data.order.carrier, ")).collect();
    let path = format!("{}/many.yaml", env!("CARGO_TARGET_TMPDIR"));
    let rule = format!("{{ name: many, on: order.shipped, source: orders, set: {{ {set} }} }}");
    std::fs::write(&path, format!("version: 1\nrules:\n  - {rule}\n")).expect("a file");
    let output = rules(&["check", "--rules", &path]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.matches("may be missing").count(), 8, "{printed}");
    assert!(printed.contains("and 4 more; --json prints all"), "{printed}");
    assert_eq!(json(&["check", "--rules", &path])["warnings"].as_array().unwrap().len(), 12);
}

#[test]
fn an_event_is_explained() {
    golden("explain", &["explain", "orders-shipped-late"], 0);
    golden("explain-dead", &["explain", "orders#ord-evt-3666"], 0);
    let path = changed(
        "condition",
        "    on: order.shipped\n    source: orders\n",
        "    on: order.shipped\n    source: orders\n    when: data.order.carrier == 'UPS'\n",
    );
    let explained = json(&["explain", "orders-shipped-late", "--rules", &path]);
    let rule = explained[0]["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "order-shipped").unwrap();
    assert_eq!(
        (&rule["is_about"], rule["why"].as_str().unwrap()),
        (&Value::Bool(false), "when: data.order.carrier == 'UPS' is false")
    );
    golden("explain-unknown", &["explain", "nobody"], 1);
}

#[test]
fn the_turn_of_an_event_is_explained_and_its_key_is_checked() {
    let path = changed(
        "debounce",
        "    on: order.shipped\n    source: orders\n",
        "    on: order.shipped\n    source: orders\n    emit: { type: order.turn, data: { carrier: data.order.carrier }, \
         debounce: { by: data.thread, quiet: 2s, at_most: 10s } }\n",
    );
    let by_carrier = std::fs::read_to_string(&path).unwrap().replace("by: data.thread", "by: data.order.carrier");
    let checked = json(&["check", "--rules", &path])["warnings"].to_string();
    assert!(checked.contains("rule order-shipped, emit.debounce.by: data.thread"), "{checked}");
    std::fs::write(&path, by_carrier).unwrap();
    let explained = json(&["explain", "orders-shipped-late", "--rules", &path]);
    let actions: Vec<&str> = explained[0]["actions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let turn = actions.iter().find(|action| action.starts_with("order-shipped order.turn to whatsapp:491713920012: "));
    let turn = turn.unwrap_or_else(|| panic!("{actions:?}"));
    assert!(
        turn.contains(r#"{"messages":[{"event":"orders#ord-evt-3001","#) && turn.contains(r#""closed_by":"quiet"}"#),
        "{turn}"
    );
}

#[test]
fn the_reminder_of_an_event_is_explained_and_its_key_is_checked() {
    // The parcels of the corpus are shipped on one day in November 2026.
    for (at, note, is_made) in [
        ("\"'2027-11-01T10:00:00Z'\"", "order-shipped/notify scheduled for 2027-10-31T10:00:00.000Z", true),
        ("\"'2026-01-01T10:00:00Z'\"", "order-shipped/notify withheld: past-date", false),
        ("\"'2036-01-01T10:00:00Z'\"", "order-shipped/notify withheld: far-date", false),
        ("data.order.delivery_day", "order-shipped/notify not scheduled: no date", false),
    ] {
        let path = changed(
            "reminder",
            "    notify: { text: \"Order {data.order.id} is on its way",
            &format!("    notify: {{ at: {at}, before: 24h, by: data.order.id, text: \"Order {{data.order.id}} is on its way"),
        );
        let explained = json(&["explain", "orders-shipped-late", "--rules", &path]);
        let notes = explained[0]["claim"]["actions"].to_string();
        assert!(notes.contains(note), "{note}: {notes}");
        let said = explained[0]["actions"].to_string();
        assert_eq!(said.contains("order-shipped tidings.notify to whatsapp:491713920012: "), is_made, "{note}: {said}");
    }
    let path = changed(
        "reminder-key",
        "    notify: { text: \"Order {data.order.id} is on",
        "    notify: { at: \"'2027-11-01T10:00:00Z'\", by: data.parcel, text: \"Order {data.order.id} is on",
    );
    let checked = json(&["check", "--rules", &path])["warnings"].to_string();
    assert!(checked.contains("rule order-shipped, notify.by: data.parcel"), "{checked}");
}

#[test]
fn a_file_of_events_is_explained_too() {
    let explained = json(&["explain", "events/sqs/batch.json"]);
    assert!(explained.as_array().unwrap().len() >= 16);
}

#[test]
fn other_rules_are_compared() {
    let path = changed("against", "set: { warehouse: data.warehouse }", "set: { store: data.warehouse }");
    // A text may refer only to facts that a rule sets.
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace("facts.warehouse", "facts.store")).unwrap();
    golden("diff", &["diff", "--against", &path], 1);
    golden("diff-none", &["diff", "--against", "events/project/rules.yaml"], 0);
}
