//! `tidings attack` against a running `dev`, and against receivers that are wrong.

use crate::support::{Dev, err, json, out, run};
use axum::Router;
use axum::http::StatusCode;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A receiver that answers each request with the next of these, again and again.
fn answering(answers: &'static [(StatusCode, &'static str)]) -> (String, tokio::runtime::Runtime) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let app = Router::new().fallback(async move || answers[NEXT.fetch_add(1, Relaxed) as usize % answers.len()]);
    runtime.spawn(async move { axum::serve(listener, app).await });
    (url, runtime)
}

#[test]
fn every_source_of_a_dev_answers_every_hostile_request_right() {
    let dev = Dev::start(&[]);
    let done = run(&["attack", "--url", &dev.webhooks, "--rate", "5000", "--json"]);
    let report = json(&done);
    assert_eq!(report["wrong"], Value::Array(Vec::new()), "{}", err(&done));
    assert_eq!(report["refusals_differ"], Value::Array(Vec::new()));
    let sources = report["sources"].as_array().expect("a list").len() as u64;
    assert!(report["requests"].as_u64() > Some(500 * sources) && sources >= 8, "{report}");
    assert!(done.status.success());
}

#[test]
fn a_receiver_that_takes_a_forged_request_is_told_with_the_request() {
    let (url, _runtime) = answering(&[(StatusCode::ACCEPTED, "{}")]);
    let done = run(&["attack", "orders", "--url", &url, "--only", "another-key", "--rate", "5000"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(out(&done).contains("orders another-key/1: 202, right: 401; body"), "{}", out(&done));
    assert!(out(&done).contains("0 answered right, 16 wrong"), "{}", out(&done));
}

#[test]
fn refusals_that_differ_are_told() {
    let (url, _runtime) = answering(&[(StatusCode::UNAUTHORIZED, "no signature"), (StatusCode::UNAUTHORIZED, "too old")]);
    let done = run(&["attack", "orders", "--url", &url, "--only", "another-key", "--rate", "5000", "--json"]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(json(&done)["refusals_differ"], serde_json::json!(["orders"]));
}

#[test]
fn nothing_is_sent_to_another_machine_without_yes() {
    let done = run(&["attack", "orders", "--url", "https://hooks.invalid"]);
    assert!(done.status.success() && out(&done).contains("nothing was sent"), "{}", out(&done));
    let done = run(&["attack", "orders", "--url", "https://hooks.invalid", "--json"]);
    assert_eq!(json(&done)["dry_run"], true);
}

#[test]
fn wrong_arguments_and_a_silent_address_are_told() {
    let done = run(&["attack", "--only", "replays"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(err(&done).contains("no attack \"replays\"") && err(&done).contains("replay"), "{}", err(&done));
    let done = run(&["attack", "--url", "hooks"]);
    assert!(err(&done).contains("allowed: an address"), "{}", err(&done));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    drop(listener);
    let done = run(&["attack", "orders", "--url", &url]);
    assert!(err(&done).contains("is `tidings dev` running?"), "{}", err(&done));
}
