//! A source that must not be silent, in `dev`: said once for each silence, and named by `tidings status`.

use crate::support::{Dev, command, err, json, out, run};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A project whose orders must come every ten minutes.
fn project(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let folder = folder.display().to_string();
    assert!(run(&["init", &folder, "--example", "shop"]).status.success());
    let sources = Path::new(&folder).join("sources.yaml");
    let text = "version: 1\nsources:\n  stripe: { provider: stripe, expect_every: 10m }\n  github: { provider: github }\n";
    std::fs::write(&sources, text).expect("the sources");
    std::fs::write(Path::new(&folder).join("rules.yaml"), "version: 1\n").expect("the rules");
    let _ = std::fs::remove_dir_all(Path::new(&folder).join("schemas"));
    folder
}

/// Waits until `dev` has said this so many times, and a little longer for more of it.
fn said(dev: &Dev, text: &str, times: usize) {
    let until = Instant::now() + Duration::from_secs(20);
    while dev.said().matches(text).count() < times {
        assert!(Instant::now() < until, "not said {times} times: {text}\n{}", dev.said());
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_millis(1_200));
    assert_eq!(dev.said().matches(text).count(), times, "{}", dev.said());
}

#[test]
fn a_silent_source_is_said_once_for_each_silence_and_status_names_it() {
    const SILENT: &str = "silent: no authentic request for 10m";
    let project = project("silence-project");
    let dev = Dev::start(&["--project", &project]);
    let status = |more: &[&str]| {
        let arguments = ["status", "--url", &dev.webhooks, "--project", &project];
        command().args(arguments).args(more).output().expect("the binary")
    };
    let advance = |by: &str| assert!(run(&["dev", "advance", by, "--url", &dev.webhooks]).status.success());
    let stripe = |status: &serde_json::Value| {
        let sources = status["sources"].as_array().expect("the sources").clone();
        sources.into_iter().find(|one| one["source"] == "stripe").expect("the source")
    };

    let fresh = status(&["--json"]);
    assert_eq!(fresh.status.code(), Some(0), "nothing is late when it starts: {}{}", out(&fresh), err(&fresh));
    assert_eq!(stripe(&json(&fresh))["expect_every"], "10m");
    advance("11m");
    said(&dev, SILENT, 1);
    let late = json(&status(&["--json"]));
    assert_eq!((&late["status"], &stripe(&late)["is_late"]), (&"silent".into(), &true.into()), "{late}");
    assert!(late["next"][0]["do"].as_str().expect("a step").starts_with("tidings reconcile stripe --since 24h"), "{late}");
    let screen = status(&[]);
    assert_eq!(screen.status.code(), Some(1));
    assert!(out(&screen).contains("a source is silent") && out(&screen).contains("expected every 10m"), "{}", out(&screen));

    let sent = command().args(["send", "stripe", "--url", &dev.webhooks, "--project", &project]).output().expect("the binary");
    assert!(sent.status.success(), "{}{}", out(&sent), err(&sent));
    let heard = json(&status(&["--json"]));
    assert_eq!((&heard["status"], &stripe(&heard)["is_late"]), (&"healthy".into(), &false.into()), "{heard}");
    assert!(stripe(&heard)["last_heard"].is_string());
    advance("9m");
    assert_eq!(json(&status(&["--json"]))["status"], "healthy");
    advance("2m");
    said(&dev, SILENT, 2);
}
