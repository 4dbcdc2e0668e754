//! Runs many seeds and prints their counts, as JSON or markdown; or one seed with its trace. Ends with an error if
//! something doesn't hold or a rare state was never reached.
//!
//! `--seeds N` from `--from S` (0) on `--threads T` (all cores), at most `--seconds N`; `--markdown`. `--seed S`: one, with
//! its trace. `--broken NAME`: the first seed that shows it.

use std::io::{self, Write};
use std::process::ExitCode;
use tidings_simulation::broken::Broken;
use tidings_simulation::{report, simulate};

/// Seeds, unless `--seeds` says otherwise.
const SEEDS: u64 = 10_000;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| -> Option<u64> {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let mut out = io::stdout().lock();
    if let Some(at) = arguments.iter().position(|argument| argument == "--broken") {
        let name = arguments.get(at + 1);
        let broken = Broken::ALL.iter().copied().find(|broken| Some(format!("{broken:?}")).as_ref() == name);
        let caught = broken.and_then(|_| {
            (0..number("--seeds").unwrap_or(SEEDS)).find(|seed| !simulate(*seed, broken, false).violations.is_empty())
        });
        let Some(seed) = caught else { return Ok(ExitCode::FAILURE) };
        let outcome = simulate(seed, broken, true);
        for line in outcome.trace.iter().chain(&outcome.violations) {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "seed {seed}")?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(seed) = number("--seed") {
        let outcome = simulate(seed, None, true);
        for line in &outcome.trace {
            writeln!(out, "{line}")?;
        }
        for violation in &outcome.violations {
            writeln!(out, "doesn't hold: {violation}")?;
        }
        return Ok(if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let from = number("--from").unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let threads = number("--threads").and_then(|threads| usize::try_from(threads).ok()).unwrap_or(cores);
    let seeds = from..from.saturating_add(number("--seeds").unwrap_or(SEEDS));
    let report = report::run(seeds, threads, number("--seconds"));
    if arguments.iter().any(|argument| argument == "--markdown") {
        write!(out, "{}", report.markdown())?;
    } else {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    }
    write!(io::stderr().lock(), "{}", report.failures())?;
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
