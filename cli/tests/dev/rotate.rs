//! `tidings rotate`: its changes to the stack's secret, its output, and that it never prints a secret.

use crate::stack::{Interfering, Stack, THEIRS};
use crate::support::{Dev, err, golden, out, run, run_at_root};
use serde_json::json;
use std::path::{Path, PathBuf};

const SECRET: &str = r#"{"orders":"hunter1","stripe":["whsec_hunter2"]}"#;

fn file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rotate-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn with_secret(name: &str, secret: &str) -> String {
    let path = file(name);
    std::fs::write(&path, secret).expect("a file");
    path.display().to_string()
}

#[test]
fn a_new_secret_is_added_first_and_the_old_one_is_removed() {
    let dev = Dev::start(&[]);
    let stack = Stack::around(&dev, SECRET);
    let new = with_secret("new", "hunter3\n");
    golden("rotate-would", &stack.ask(&["rotate", "orders", "--secret-file", &new]), 0);
    assert_eq!(stack.secret().1, 0, "nothing is written without --yes");
    golden("rotate", &stack.ask(&["rotate", "orders", "--secret-file", &new, "--yes"]), 0);
    assert_eq!(stack.secret().0, json!({"orders": ["hunter3", "hunter1"], "stripe": ["whsec_hunter2"]}));
    golden("rotate-again", &stack.ask(&["rotate", "orders", "--secret-file", &new, "--yes"]), 1);

    golden("rotate-would-drop", &stack.ask(&["rotate", "orders", "--drop-old"]), 0);
    let dropped = stack.ask_json(&["rotate", "orders", "--drop-old", "--yes"]);
    assert_eq!(dropped, json!({"source": "orders", "rotated": true, "before": 2, "after": 1, "warning": null}));
    assert_eq!(stack.secret(), (json!({"orders": "hunter3", "stripe": ["whsec_hunter2"]}), 2));
    let none = stack.ask(&["rotate", "orders", "--drop-old", "--yes"]);
    assert!(none.status.code() == Some(1) && err(&none).contains("there is no old one"), "{}", err(&none));
}

#[test]
fn a_generated_secret_is_shown_once_to_its_owner_alone() {
    let dev = Dev::start(&[]);
    let stack = Stack::around(&dev, SECRET);
    let would = stack.ask(&["rotate", "orders", "--generate"]);
    assert_eq!((would.status.code(), stack.secret().1), (Some(0), 0), "{}", err(&would));
    let piped = stack.ask(&["rotate", "orders", "--generate", "--yes"]);
    assert!(piped.status.code() == Some(1) && err(&piped).contains("--output FILE"), "{}", err(&piped));
    assert_eq!(stack.secret().1, 0, "what can't be told isn't written");

    let path = file("generated");
    let arguments = ["rotate", "orders", "--generate", "--yes", "--output", path.to_str().unwrap()];
    let rotated = stack.ask(&arguments);
    assert!(rotated.status.success(), "{}", err(&rotated));
    let told = std::fs::read_to_string(&path).expect("the file");
    let secret = told.trim_end();
    assert!(secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()), "32 bytes in hex");
    assert_eq!(stack.secret().0["orders"], json!([secret, "hunter1"]));
    assert!(!(out(&rotated) + &err(&rotated)).contains(secret), "it is in the file alone");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
    let again = stack.ask(&arguments);
    assert!(err(&again).contains("never replaces a file"), "{}", err(&again));
    assert_eq!(stack.secret().1, 1, "the file comes first");
}

#[test]
fn another_writers_document_is_not_overwritten_unseen() {
    let dev = Dev::start(&[]);
    let new = with_secret("raced", "hunter3");
    let arguments = ["rotate", "orders", "--secret-file", &new, "--yes"];

    let stack = Stack::around(&dev, SECRET);
    stack.meddle(Interfering::BeforeTheLook);
    golden("rotate-changed", &stack.ask(&arguments), 1);
    assert_eq!(stack.secret(), (serde_json::from_str(THEIRS).unwrap(), 1));
    let path = file("unused");
    stack.meddle(Interfering::BeforeTheLook);
    let refused = stack.ask(&["rotate", "orders", "--generate", "--yes", "--output", path.to_str().unwrap()]);
    assert!(refused.status.code() == Some(1) && !path.exists(), "a secret that doesn't count isn't left lying about");

    let stack = Stack::around(&dev, SECRET);
    stack.meddle(Interfering::BeforeItCounts);
    golden("rotate-changed", &stack.ask(&arguments), 1);
    assert_eq!(stack.secret().0, serde_json::from_str::<serde_json::Value>(THEIRS).unwrap(), "what they wrote counts");
}

#[test]
fn no_secret_is_ever_printed() {
    let dev = Dev::start(&[]);
    let stack = Stack::around(&dev, SECRET);
    let (new, held) = (with_secret("canary", "hunter3"), with_secret("held", "hunter1"));
    let long = with_secret("long", &"hunter".repeat(11_000));
    for arguments in [
        &["--secret-file", &new][..],
        &["--secret-file", &held],
        &["--secret-file", &long],
        &["--secret-file", &new, "--yes"],
        &["--drop-old"],
        &["--drop-old", "--yes", "--json"],
        &["--drop-old", "--yes"],
    ] {
        let output = stack.ask(&[&["rotate", "orders"], arguments].concat());
        assert!(!(out(&output) + &err(&output)).contains("hunter"), "{arguments:?}: {}{}", out(&output), err(&output));
    }
}

#[test]
fn wrong_usage_is_explained() {
    let dev = Dev::start(&[]);
    let stack = Stack::around(&dev, SECRET);
    let not_ours = stack.ask(&["rotate", "stripe", "--generate"]);
    assert_eq!(not_ours.status.code(), Some(1));
    assert!(
        err(&not_ours).contains("the provider generates the secret") && err(&not_ours).contains("Workbench"),
        "{}",
        err(&not_ours)
    );
    for (arguments, code, said) in [
        (&["rotate", "orders"][..], 2, "--secret-file"),
        (&["rotate", "orders", "--generate", "--drop-old"], 2, "cannot be used with"),
        (&["rotate", "orders", "--drop-old", "--output", "a"], 2, "cannot be used with"),
        (&["rotate", "nobody", "--generate"], 1, "allowed: github, orders"),
        (&["rotate", "orders", "--generate"], 1, "--stack NAME"),
        (&["rotate", "orders", "--secret-file", "nowhere"], 1, "nowhere"),
    ] {
        let output = run_at_root(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{arguments:?}: {}", err(&output));
    }
    assert!(out(&run(&["rotate", "--help"])).contains("--drop-old --yes"));
}

/// Presets whose secret is any long text that the operator chooses.
const CHOSEN: [&str; 23] = [
    "auth0-event-stream",
    "azure-event-grid",
    "bitbucket",
    "calcom",
    "calendly",
    "circleci",
    "cloudevents-http",
    "datadog",
    "easypost",
    "github",
    "gitlab-token",
    "jira",
    "klaviyo",
    "lemon-squeezy",
    "ms-graph",
    "netlify",
    "razorpay",
    "sanity",
    "telegram",
    "twitch-eventsub",
    "typeform",
    "webex",
    "woocommerce",
];

#[test]
fn the_presets_with_a_chosen_secret_are_listed() {
    let providers = tidings_project::presets();
    let choose: Vec<&str> = providers.iter().filter(|p| p.lets_choose()).map(|p| p.name.as_str()).collect();
    assert_eq!(choose, CHOSEN);
}
