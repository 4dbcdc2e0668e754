//! A project that is edited while `tidings dev` runs.

use crate::support::{Dev, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const SOURCES: &str = "version: 1\nsources:\n  stripe: { provider: stripe }\n";

/// How long a change may stay undetected.
const AT_MOST: Duration = Duration::from_secs(2);

/// Enough for a slow machine to process an event.
const PATIENCE: Duration = Duration::from_secs(20);

fn rules(word: &str) -> String {
    format!(
        "version: 1\nconversations:\n  - {{ on: '*', conversation: \"'bot:1'\" }}\nrules:\n  - name: word\n    on: '*'\n    entity: \"'bot'\"\n    set: {{ word: \"'{word}'\" }}\n"
    )
}

fn project(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("sources.yaml"), SOURCES).expect("a file");
    fs::write(folder.join("rules.yaml"), rules("one")).expect("a file");
    folder
}

/// Sends an event and waits for the expected fact.
fn word(dev: &Dev, expected: &str) {
    let sent = dev.send(&["stripe"]);
    assert!(sent.status.success(), "{sent:?}");
    let until = Instant::now() + PATIENCE;
    loop {
        let context = json(&dev.ask(&["context", "show", "bot:1", "--json"]));
        if context["context"]["entities"]["bot"]["word"]["value"] == expected {
            return;
        }
        assert!(Instant::now() < until, "{expected} isn't in {context}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until `dev` has printed this `times` times, and returns how long that took.
fn says(dev: &Dev, text: &str, times: usize) -> Duration {
    let started = Instant::now();
    while dev.said().matches(text).count() < times {
        assert!(started.elapsed() < PATIENCE, "{text} isn't in {}", dev.said());
        thread::sleep(Duration::from_millis(20));
    }
    started.elapsed()
}

#[test]
fn an_edited_rule_applies_to_the_next_event_and_a_wrong_one_leaves_the_old_rules() {
    let folder = project("reloaded");
    let dev = Dev::start(&["--project", &folder.display().to_string()]);
    word(&dev, "one");
    fs::write(folder.join("rules.yaml"), rules("two")).expect("a file");
    let took = says(&dev, "reloaded", 1);
    assert!(took < AT_MOST, "it took {took:?}");
    word(&dev, "two");
    fs::write(folder.join("rules.yaml"), rules("two") + "    when: data.\n").expect("a file");
    thread::sleep(AT_MOST);
    assert_eq!(dev.said().matches("reloaded").count(), 1, "{}", dev.said());
    word(&dev, "two");
    fs::write(folder.join("rules.yaml"), rules("three")).expect("a file");
    says(&dev, "reloaded", 2);
    word(&dev, "three");
}
