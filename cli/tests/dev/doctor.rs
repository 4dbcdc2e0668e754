//! `tidings doctor` for a `dev` and for a stack, healthy and with faults.

use crate::stack::Stack;
use crate::support::{Dev, err, golden, json, out, run};
use serde_json::Value;

fn check<'a>(report: &'a Value, name: &str) -> (&'a str, &'a str) {
    let check = report["checks"].as_array().expect("checks").iter().find(|check| check["check"] == name).expect("the check");
    (check["status"].as_str().expect("a word"), check["said"].as_str().expect("a text"))
}

#[test]
fn a_dev_is_healthy_and_an_event_is_processed() {
    let dev = Dev::start(&[]);
    golden("doctor-dev", &dev.ask(&["doctor", "--url", &dev.webhooks]), 0);
    let send = |more: &[&str]| json(&dev.ask(&[&["doctor", "--url", &dev.webhooks, "--send", "--json"], more].concat()));
    let sent = send(&["--case", "stripe-checkout-completed"]);
    let (status, said) = check(&sent, "self-test");
    assert_eq!((status, &sent["good"]), ("good", &true.into()), "{said}");
    assert!(said.starts_with("stripe#evt_1TidingsCheckout1042 applied after "), "{said}");
    dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
    let again = send(&["--case", "stripe-checkout-completed"]);
    assert!(check(&again, "self-test").1.contains("was already processed"), "{again}");
    assert_eq!(check(&send(&[]), "self-test").0, "good", "the first source that has a secret");
}

#[test]
fn a_stack_is_healthy() {
    let dev = Dev::start(&[]);
    let stack = Stack::around(&dev, tidings_events::SECRETS);
    golden("doctor-stack", &stack.ask(&["doctor"]), 0);
    let sent = stack.ask_json(&["doctor", "--send"]);
    assert_eq!(check(&sent, "self-test").0, "good", "{sent}");
}

#[test]
fn faults_are_named_with_their_remedy() {
    let dev = Dev::start(&[]);
    // The functions use the demo secrets. The stack's document lacks some, and one differs.
    let stack = Stack::around(&dev, r#"{"github": "hunter2", "svix": "whsec_hunter2!"}"#);
    stack.allow(10.0);
    let ill = stack.ask(&["doctor", "--send"]);
    golden("doctor-ill", &ill, 1);
    assert!(!(out(&ill) + &err(&ill)).contains("hunter"));

    // No server listens there.
    let away = stack.ask_json(&["doctor", "--url", "http://127.0.0.1:9"]);
    assert_eq!((check(&away, "health").0, check(&away, "forged").0, check(&away, "tables").0), ("bad", "skipped", "good"));
    let nothing = json(&run(&["doctor", "--url", "http://127.0.0.1:9", "--endpoint-url", "http://127.0.0.1:9", "--json"]));
    assert_eq!((check(&nothing, "tables").0, check(&nothing, "health").0, &nothing["good"]), ("bad", "bad", &false.into()));
    assert_eq!(check(&nothing, "sources").0, "good", "where no project is, the demo's is taken");
}

#[test]
fn a_source_without_a_secret_answers_503_and_is_found() {
    let secrets = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("doctor-{}.json", std::process::id()));
    std::fs::write(&secrets, r#"{"stripe": "whsec_one", "orders": []}"#).expect("a file");
    let secrets = secrets.display().to_string();
    let dev = Dev::start(&["--secrets", &secrets]);
    let report = json(&dev.ask(&["doctor", "--url", &dev.webhooks, "--json"]));
    let (status, said) = check(&report, "forged");
    assert!(status == "bad" && said.contains("sources don't answer 401"), "{said}");
    let next =
        report["checks"].as_array().unwrap().iter().find(|check| check["check"] == "forged").unwrap()["next"].as_str().unwrap();
    assert!(next.contains("orders answers 503 try_again: the source has no secret") && !next.contains("stripe"), "{next}");
}

#[test]
fn wrong_usage_is_explained() {
    for (arguments, code, said) in [
        (&["doctor", "--case", "stripe-checkout-completed"][..], 2, "--send"),
        (&["doctor", "--send", "--case", "nothing"], 1, "tidings send --list"),
        (&["doctor", "--send", "--case", "orders-poison"], 1, "isn't an accepted event"),
        (&["doctor", "--send", "--secrets", "Cargo.toml"], 1, "JSON object from a name to a secret"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{arguments:?}: {}", err(&output));
        assert!(out(&output).is_empty(), "{arguments:?}");
    }
    assert!(out(&run(&["doctor", "--help"])).contains("tidings doctor --stack tidings --send"));
}
