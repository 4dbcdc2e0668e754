//! What a run found: the JSON file, which the table, the charts and the page are made of.

use crate::aws::Count;
use crate::machine::Machine;
use crate::programs::{Language, Role};
use serde::Serialize;
use std::collections::BTreeMap;

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) settings: Settings,
    pub(crate) programs: Vec<ProgramResult>,
    pub(crate) cases: Vec<CaseResult>,
}

/// How it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Settings {
    /// The arguments, as they were given to `tests/bench/run`.
    pub(crate) command: String,
    pub(crate) tls: bool,
    pub(crate) starts: usize,
    /// Of each case and program; more where a case has many events in one invocation.
    pub(crate) events: usize,
    pub(crate) rounds: usize,
}

/// What a program is and how it starts.
#[derive(Debug, Serialize)]
pub(crate) struct ProgramResult {
    pub(crate) program: &'static str,
    pub(crate) role: Role,
    pub(crate) language: Language,
    pub(crate) artefact_bytes: u64,
    /// From starting the process to its first `/next`.
    pub(crate) init_ms: Spread,
    /// The first event: an accepted webhook, or a batch of one event with an action.
    pub(crate) first_ms: Spread,
    /// AWS calls of INIT, by operation.
    pub(crate) init_calls: BTreeMap<String, u64>,
    /// Instructions of INIT, loading the program included.
    pub(crate) init_instructions: Option<u64>,
}

/// The middle of several values, and where most of them are.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) p10: f64,
    pub(crate) median: f64,
    pub(crate) p90: f64,
}

/// One case, by program.
#[derive(Debug, Serialize)]
pub(crate) struct CaseResult {
    pub(crate) case: String,
    pub(crate) role: Role,
    /// In one invocation.
    pub(crate) events: usize,
    pub(crate) rows: Vec<Row>,
}

/// What a program did in a case, once it was warm.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) program: &'static str,
    pub(crate) language: Language,
    pub(crate) invocations: usize,
    /// Of an invocation.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of an event.
    pub(crate) cpu_ms: f64,
    pub(crate) peak_rss_bytes: u64,
    /// Of an event.
    pub(crate) log_bytes: f64,
    /// Of all invocations, by operation.
    pub(crate) aws: BTreeMap<String, Count>,
    /// Of an event.
    pub(crate) instructions: Option<u64>,
}

impl Row {
    /// AWS calls of one event.
    pub(crate) fn calls(&self, events: usize) -> f64 {
        let calls: u64 = self.aws.values().map(|count| count.calls).sum();
        calls as f64 / (self.invocations * events) as f64
    }
}

impl CaseResult {
    /// The processor time of the program in this language.
    pub(crate) fn cpu_ms(&self, language: Language) -> Option<f64> {
        self.rows.iter().find(|row| row.language == language).map(|row| row.cpu_ms)
    }
}
