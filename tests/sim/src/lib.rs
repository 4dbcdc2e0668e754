//! The receiver, the processor and the sender under a seeded scheduler, with faults at every call.
//!
//! Promises: one seed is one schedule, so a failure is replayed by its seed; every interleaving of invocations at their port
//! calls can happen; the code that runs is the code that is deployed, on the memory adapters that the conformance suite
//! holds to the real ones. Never: a thread, a wall clock or a hash table's order that changes a schedule.
//!
//! The flow, one file each: `plan` (what a seed decides at once) → `scheduler` (one step after the other, then
//! everything ends) on `executor`, `system` and `calls` (the fault layer) → `checks` against `reference`.
//! `states` counts rare states, and `broken` takes protections away, so that the checks can fail.

pub mod broken;
mod calls;
mod checks;
mod executor;
pub mod gated;
mod ledger;
mod load;
mod plan;
mod reference;
pub mod report;
mod rules;
mod scheduler;
mod shared;
pub mod states;
mod system;

use broken::Broken;
use scheduler::Scheduler;
use states::Reached;

/// What a seed showed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What didn't hold, each a sentence.
    pub violations: Vec<String>,
    /// Every step, if it was asked for.
    pub trace: Vec<String>,
    pub reached: Reached,
    pub steps: u64,
    pub invocations: u64,
    pub faults: u64,
    pub deaths: u64,
    /// Events that took effect, those of our own included.
    pub effects: u64,
}

/// Runs one seed. `is_traced`: with every step.
pub fn simulate(seed: u64, broken: Option<Broken>, is_traced: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime needs nothing of the machine");
    runtime.block_on(async {
        let mut run = Scheduler::new(seed, broken, is_traced);
        run.run().await;
        let violations = checks::check(&run).await;
        let ledger = run.shared.ledger();
        let (invocations, effects) = (ledger.tasks.len() as u64, ledger.effects.len() as u64);
        drop(ledger);
        let (reached, trace) = (run.shared.reached().clone(), run.shared.take_trace());
        Outcome { violations, trace, reached, steps: run.steps, invocations, faults: run.faults, deaths: run.deaths, effects }
    })
}

/// The command that runs a seed again, with its trace.
pub fn replay(seed: u64) -> String {
    format!("cargo run --release --package tidings-simulation --locked -- --seed {seed}")
}
