//! `tidings status` for a `dev`, for a missing one, and for a stack that is only partly readable.

use crate::stack::Stack;
use crate::support::{Dev, err, golden, json, out, run};
use std::path::Path;

#[test]
fn a_dev_is_healthy_until_an_event_is_dead_lettered() {
    let dev = Dev::start(&[]);
    golden("status-dev", &dev.ask(&["status", "--url", &dev.webhooks]), 0);
    dev.send(&["--case", "orders-poison"]);
    dev.claim("orders#ord-evt-3666", "dead");
    let ill = dev.ask(&["status", "--url", &dev.webhooks, "--json"]);
    let said = json(&ill);
    assert_eq!((ill.status.code(), &said["status"]), (Some(1), &"dead_letters".into()), "{said}");
    assert_eq!(said["next"][0]["do"], format!("tidings dlq list --endpoint-url {}", dev.dynamodb()));
    let dead = said["backlog"]["claims"].as_array().expect("claims").iter().find(|one| one["state"] == "dead");
    assert_eq!(dead.expect("the dead")["events"], 1);
}

#[test]
fn the_readable_parts_of_a_stack_are_shown() {
    let dev = Dev::start(&[]);
    let stack = Stack::around(&dev, tidings_events::SECRETS);
    // This stack has neither CloudWatch nor a list of resources.
    golden("status-stack", &stack.ask(&["status", "--over", "15m"]), 1);
}

/// The hash of `tidings build` equals the one that the endpoint reports.
#[test]
fn status_shows_the_hash_of_the_project_that_dev_runs() {
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("status-project");
    let _ = std::fs::remove_dir_all(&project);
    let project = project.display().to_string();
    assert!(run(&["init", &project, "--example", "shop"]).status.success());
    let built = json(&run(&["build", "--project", &project, "--json"]));
    let hash = built["configuration"].as_str().expect("a hash");
    assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");

    let dev = Dev::start(&["--project", &project]);
    let status = |more: &[&str]| dev.ask(&[&["status", "--url", &dev.webhooks], more].concat());
    assert_eq!(json(&status(&["--json"]))["endpoint"]["health"]["configuration"], hash);
    let screen = out(&status(&[]));
    assert!(screen.contains(&format!(", configuration {}\n", &hash[..12])), "{screen}");
    let demo = Dev::start(&[]);
    let other = json(&demo.ask(&["status", "--url", &demo.webhooks, "--json"]));
    assert_ne!(other["endpoint"]["health"]["configuration"], hash, "another project has another hash");
}

#[test]
fn status_without_a_dev_fails() {
    let output = run(&["status", "--url", "http://127.0.0.1:9", "--endpoint-url", "http://127.0.0.1:9", "--json"]);
    let said = json(&output);
    assert_eq!((output.status.code(), &said["status"]), (Some(1), &"unreachable".into()), "{said}");
    assert_eq!(said["next"].as_array().map(Vec::len), Some(1), "{said}");
}

#[test]
fn wrong_usage_is_explained() {
    for (arguments, said) in [(&["status", "--over", "2d"][..], "allowed: 5m to 1d"), (&["status", "--over", "x"], "as 90s")] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{arguments:?}: {}", err(&output));
    }
    assert!(out(&run(&["status", "--help"])).contains("tidings status --stack tidings --over 24h"));
}
