//! Measures the receiver and the processor beside what users would write instead: the same Lambda runtime API, the same AWS, the
//! same events, in turn.
//!
//! Promises: a program sees what Lambda shows it and nothing of the harness; every answer is checked, and one that isn't as expected
//! ends the run; programs take turns in short rounds, so that noise meets all of them alike. It never compares a time with a limit.

mod arguments;
mod aws;
mod batches;
mod budgets;
mod calls;
mod cases;
mod child;
mod deliveries;
mod failure;
mod instructions;
mod machine;
mod measure;
mod programs;
mod results;
mod statistics;
mod table;
mod tls;

use arguments::Arguments;
use clap::Parser;
use failure::Failure;
use std::io::Write;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Not where something is timed: counting takes time.
    let counter = arguments.allocations.as_deref().filter(|_| arguments.budgets.is_some());
    let world = child::World::new(&arguments.work, !arguments.no_tls, counter)?;
    let programs = programs::all(arguments)?;
    let cases: Vec<_> = cases::all().into_iter().filter(|case| arguments.wants(case)).collect();
    if cases.is_empty() {
        return Err(Failure::NoCase(cases::all().iter().map(cases::Case::name).collect()));
    }
    if arguments.check {
        calls::check(&world, &programs, &cases, &arguments.calls).await?;
    }
    if let Some(file) = &arguments.budgets {
        budgets::check(&world, &programs, &cases, arguments.profile, file).await?;
    }
    if arguments.check || arguments.budgets.is_some() {
        return Ok(());
    }
    let results = measure::all(&world, &programs, &cases, arguments).await?;
    let json = serde_json::to_string_pretty(&results).map_err(|error| Failure::Other(error.to_string()))?;
    std::fs::write(&arguments.out, json + "\n").map_err(|error| Failure::file(&arguments.out, error))?;
    write!(std::io::stdout(), "{}", table::print(&results)).map_err(|error| Failure::Other(error.to_string()))
}

/// Progress, on stderr: stdout has the table.
fn say(text: &str) {
    // Nobody may be left to read it.
    drop(writeln!(std::io::stderr(), "{text}"));
}
