//! Explores all configurations and prints what was found, as JSON.

#![allow(clippy::print_stdout, reason = "it is a program for the terminal")]

use tidings_model::configurations::{large, small};
use tidings_model::events::Protocol;
use tidings_model::report::protocol;

fn main() {
    let mut found = Vec::new();
    for configuration in small().into_iter().chain(large()) {
        let explored = protocol(Protocol { configuration, broken: None });
        assert!(explored.violated.is_empty(), "{}: {:?}", explored.name, explored.violated);
        eprintln!("{explored:?}");
        found.push(explored.json());
    }
    println!("{}", serde_json::Value::Array(found));
}
