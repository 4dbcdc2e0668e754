//! The command line. `tests/bench/run` gives the paths.

use crate::budgets::Profile;
use crate::cases::Case;
use clap::Parser;
use std::path::PathBuf;

/// Events of an invocation.
const MOST_EVENTS_CHECKED: usize = 10;

/// Measures the functions and their peers. `tests/bench/run` builds and installs what it needs, and starts it.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Folder of the binaries `receiver`, `processor` and `bench-hello`
    #[arg(long, value_name = "DIR")]
    pub(crate) binaries: PathBuf,
    /// Folder with tidings.json, of `tidings build`
    #[arg(long, value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// Folder of the peers' sources
    #[arg(long, value_name = "DIR")]
    pub(crate) peers: PathBuf,
    /// Python, in a virtual environment with the peers' packages; without it there is no Python
    #[arg(long, value_name = "FILE")]
    pub(crate) python: Option<PathBuf>,
    /// Folder of the Node peers' bundles; without it there is no Node
    #[arg(long, value_name = "DIR")]
    pub(crate) node: Option<PathBuf>,
    /// Folder for certificates and the programs' logs
    #[arg(long, value_name = "DIR")]
    pub(crate) work: PathBuf,
    /// Where the results are written, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The expected AWS calls of every case
    #[arg(long, value_name = "FILE")]
    pub(crate) calls: PathBuf,
    /// The budgets of our functions: count what they cost, and fail where it is over them
    #[arg(long, value_name = "FILE", conflicts_with = "quick")]
    pub(crate) budgets: Option<PathBuf>,
    /// How the binaries were compiled, which decides what is counted
    #[arg(long, value_name = "PROFILE", default_value = "release")]
    pub(crate) profile: Profile,
    /// Library that counts allocations, of allocations.c; without it none are counted
    #[arg(long, value_name = "FILE")]
    pub(crate) allocations: Option<PathBuf>,
    /// Measure little: about a minute, and no figures to keep
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure nothing: check that every case is answered as expected, with exactly the expected AWS calls
    #[arg(long, conflicts_with = "quick")]
    pub(crate) check: bool,
    /// Speak plain HTTP to AWS; in production it is TLS
    #[arg(long)]
    pub(crate) no_tls: bool,
    /// Count the instructions of the Rust programs too, by valgrind
    #[arg(long)]
    pub(crate) instructions: bool,
    /// Only the cases whose names contain this; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub(crate) case: Vec<String>,
    /// Starts of each program [default: 20; quick: 3]
    #[arg(long, value_name = "N")]
    pub(crate) starts: Option<usize>,
    /// Events of each case and program, after a tenth as many to warm up [default: 5000; quick: 200]
    #[arg(long, value_name = "N")]
    pub(crate) events: Option<usize>,
    /// Rounds that the programs take turns in [default: 20; quick: 2]
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) starts: usize,
    pub(crate) events: usize,
    pub(crate) rounds: usize,
    /// At least, whatever the number of events in one.
    pub(crate) invocations: usize,
}

impl Arguments {
    /// Unless it is named, a check leaves out what a debug build on a busy machine has no time for: its calls would end at their
    /// timeouts.
    pub(crate) fn wants(&self, case: &Case) -> bool {
        match self.case.as_slice() {
            [] => (!self.check && self.budgets.is_none()) || case.events() <= MOST_EVENTS_CHECKED,
            named => named.iter().any(|text| case.name().contains(text.as_str())),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let (starts, events, rounds, invocations) = if self.quick { (3, 200, 2, 4) } else { (20, 5000, 20, 100) };
        Counts {
            starts: self.starts.unwrap_or(starts).max(1),
            events: self.events.unwrap_or(events).max(1),
            rounds: self.rounds.unwrap_or(rounds).max(1),
            invocations,
        }
    }
}
