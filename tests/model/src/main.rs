//! Explores the small and the large configurations, and prints what was explored as JSON, one configuration a line. Ends
//! with an error if a property fails.

use std::io::{self, Write};
use std::process::ExitCode;
use tidings_model::check::{Explored, explore};
use tidings_model::configurations::{LARGE, SENDS, SMALL};
use tidings_model::events::Events;
use tidings_model::sends::Sends;

fn main() -> io::Result<ExitCode> {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut holds = true;
    for setup in SMALL.iter().copied().chain(LARGE).filter(|setup| wanted(setup.name)) {
        holds &= print(&explore(setup.name, Events { setup: setup.clone(), broken: None }, None))?;
    }
    for setup in SENDS.iter().copied().filter(|setup| wanted(setup.name)) {
        holds &= print(&explore(setup.name, Sends { setup: setup.clone(), broken: None }, None))?;
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether everything holds.
fn print(explored: &Explored) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(explored)?)?;
    out.flush()?;
    let mut errors = io::stderr().lock();
    for (property, steps) in &explored.failed {
        writeln!(errors, "{}: it doesn't hold that {property}:\n{steps}", explored.name)?;
    }
    Ok(explored.failed.is_empty())
}
