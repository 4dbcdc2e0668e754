//! Replays of captures. `tidings capture` wrote the files in `cli/tests/captures/`. The expected output is in `*.txt`
//! there; `UPDATE=1` writes it again.

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const FOLDER: &str = "cli/tests/captures";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    for name in ["TIDINGS_URL", "TIDINGS_STACK", "TIDINGS_ENDPOINT_URL", "TIDINGS_SECRETS"] {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(root()).env("TIDINGS_PROJECT", "events/project");
    command
}

fn tidings(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary")
}

fn said(output: &Output) -> String {
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8(both).expect("UTF-8").replace(env!("CARGO_TARGET_TMPDIR"), "")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
}

/// Compares the output and the exit status with a file.
fn golden(name: &str, arguments: &[&str], status: i32) {
    let output = tidings(arguments);
    let seen = said(&output);
    let path = root().join(format!("{FOLDER}/{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &seen).expect("the file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(seen == expected, "{name}: `UPDATE=1 cargo test -p tidings` writes it anew; it is now:\n{seen}");
    assert_eq!(output.status.code(), Some(status), "{name}");
}

/// A changed copy of a file of the folder, in another folder.
fn changed(name: &str, file: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).expect("the file");
    assert!(text.contains(from), "{from}");
    let path = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, text.replace(from, to)).expect("a file");
    path
}

#[test]
fn replayed_deliveries_have_the_same_results() {
    golden("replay", &["replay", FOLDER], 0);
    let played = json(&tidings(&["replay", FOLDER, "--json"]));
    assert_eq!(played["deliveries"].as_array().unwrap().len(), 5);
    assert_eq!(played["events"].as_array().unwrap().len(), 5);
    assert!(played["actions"].as_array().unwrap().iter().any(|action| action["rule"] == "order-ready"), "a join of two sources");
    let last: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join(FOLDER).join("0005-orders.json")).unwrap()).unwrap();
    let shipped = played["events"].as_array().unwrap().iter().find(|event| event["key"] == "orders#ord-evt-3001").unwrap();
    assert_eq!(shipped["received"], last["received"], "at the time at which it was received");
}

#[test]
fn other_rules_can_be_tried_on_captures() {
    let rules = changed("store.yaml", "events/project/rules.yaml", "warehouse: data.warehouse", "store: data.warehouse");
    std::fs::write(&rules, std::fs::read_to_string(&rules).unwrap().replace("facts.warehouse", "facts.store")).unwrap();
    golden("replay-diff", &["replay", FOLDER, "--against", &rules, "--diff"], 1);
    golden("replay-diff-none", &["replay", FOLDER, "--against", "events/project/rules.yaml", "--diff"], 0);
    let rules = changed("silent.yaml", "events/project/rules.yaml", "name: order-delivered", "name: there");
    let played = json(&tidings(&["replay", FOLDER, "--against", &rules, "--json"]));
    assert!(played["actions"].as_array().unwrap().iter().any(|action| action["rule"] == "there"), "by those rules, not by ours");
}

#[test]
fn a_delivery_twice_is_a_duplicate_and_a_dead_event_is_no_success() {
    let file = format!("{FOLDER}/0001-orders.json");
    golden("replay-duplicate", &["replay", &file, &file], 0);
    let priced = changed("priced.json", &format!("{FOLDER}/0004-orders.json"), "order.delivered", "order.priced");
    // A price as a string.
    let text = std::fs::read_to_string(&priced).unwrap().replace("\"carrier\"", "\"total_cents\": \"48,90\", \"carrier\"");
    std::fs::write(&priced, text).unwrap();
    let output = tidings(&["replay", &priced]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("dead: rule order-priced"), "{}", said(&output));
}

#[test]
fn changed_results_are_reported() {
    let file = format!("{FOLDER}/0004-orders.json");
    let other = changed("other.json", &file, r#""type": "order.delivered""#, r#""type": "order.returned""#);
    let output = tidings(&["replay", &other]);
    assert!(said(&output).contains("recorded with order.delivered, now it has order.returned"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn rules_are_tested_and_explained_with_them() {
    let output = tidings(&["rules", "test", &format!("{FOLDER}/delivered.yaml")]);
    assert!(output.status.success(), "{}", said(&output));
    let missing = changed("missing.yaml", &format!("{FOLDER}/delivered.yaml"), "0005-orders.json", "0006-orders.json");
    let said = said(&tidings(&["rules", "test", &missing]));
    assert!(said.contains("/missing.yaml:5:9: /0004-orders.json: No such file"), "{said}");
    let explained = json(&tidings(&["rules", "explain", &format!("{FOLDER}/0004-orders.json"), "--json"]));
    assert_eq!(explained[0]["key"], "orders#ord-evt-3002");
    let differ =
        tidings(&["rules", "diff", "--against", "events/project/rules.yaml", "--events", &format!("{FOLDER}/0004-orders.json")]);
    assert!(String::from_utf8_lossy(&differ.stdout).contains("over 1 event"));
}

#[test]
fn captures_are_signed_again_to_be_sent_and_verified() {
    let file = format!("{FOLDER}/0002-stripe.json");
    let signed = tidings(&["send", "--capture", &file, "--dry-run", "--json"]);
    let mut verify =
        command(&["verify", "stripe", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary");
    verify.stdin.take().unwrap().write_all(&signed.stdout).unwrap();
    let verified = verify.wait_with_output().unwrap();
    assert!(verified.status.success(), "{}{}", said(&signed), said(&verified));
    let forged = tidings(&["send", "--capture", &file, "--dry-run", "--json", "--tamper", "signature"]);
    assert_ne!(json(&forged)["headers"]["stripe-signature"], json(&signed)["headers"]["stripe-signature"]);
    golden("verify", &["verify", "stripe", &file], 2);
}

#[test]
fn wrong_usage_is_explained() {
    golden("replay-elsewhere", &["replay", FOLDER, "--url", "https://hooks.example", "--rate", "5"], 0);
    let file = format!("{FOLDER}/0001-orders.json");
    let newer = changed("newer.json", &file, r#""tidings_capture": 1"#, r#""tidings_capture": 2"#);
    let unknown = changed("unknown.json", &file, r#""received""#, r#""x": 1, "received""#);
    let nobody = changed("nobody.json", &file, r#""source": "orders""#, r#""source": "nobody""#);
    for (arguments, status, expected) in [
        (&["replay"][..], 2, "required"),
        (&["replay", &newer], 1, "version 2 of the format, allowed: 1"),
        (&["replay", &unknown], 1, "unknown field `x`"),
        (&["replay", &nobody], 1, "no source \"nobody\" in events/project/sources.yaml"),
        (&["replay", "events/sqs/batch.json"], 1, "allowed: a file that `tidings capture` wrote"),
        (&["replay", "cli/src"], 1, "contains no .json file"),
        (&["replay", &file, "--since", "2h"], 1, "select events of a stack"),
        (&["replay", "--dlq", "--url", "http://127.0.0.1"], 2, "cannot be used with"),
        (&["replay", "--dlq"], 1, "is `tidings dev` running?"),
        (&["replay", &file, "--diff"], 2, "--against"),
        (&["replay", &file, "--url", "http://127.0.0.1", "--rate", "501"], 2, "1..=500"),
        (&["replay", &file, "--url", "http://127.0.0.1:9"], 1, "no response from"),
        (
            &["capture", "discord-interactions", "--preset", "--into", "x", "--port", "0"],
            1,
            "only the provider has the private key",
        ),
        (&["capture", "nobody", "--into", "x", "--port", "0"], 1, "no source \"nobody\""),
        (&["capture", "orders", "--into", "cli/tests", "--port", "0"], 1, "give a folder that doesn't exist"),
        (&["capture", "orders", "--into", "x", "--count", "1001"], 2, "1 to 1000"),
        (&["capture", "orders"], 2, "--into"),
        (&["send", "stripe", "--capture", &file], 2, "cannot be used with"),
    ] {
        let output = tidings(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{arguments:?}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}: complaints go to standard error");
    }
}
