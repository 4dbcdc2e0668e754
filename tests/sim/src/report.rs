//! Many seeds on all cores, and what they showed.

use crate::states::{Reached, State};
use crate::{Outcome, replay, simulate};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Seeds with violations that are kept.
const MAX_SHOWN: usize = 20;

/// What many seeds showed.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Schedules: each seed is one.
    pub schedules: u64,
    pub steps: u64,
    pub invocations: u64,
    pub faults: u64,
    pub deaths: u64,
    pub effects: u64,
    pub seconds: f64,
    /// In how many schedules each rare state was reached.
    pub states: BTreeMap<&'static str, u64>,
    /// Rare states that were never reached.
    pub missed: Vec<&'static str>,
    /// Seeds and what didn't hold.
    pub violations: Vec<(u64, Vec<String>)>,
    #[serde(skip)]
    reached: Reached,
}

impl Report {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.schedules += 1;
        self.steps += outcome.steps;
        self.invocations += outcome.invocations;
        self.faults += outcome.faults;
        self.deaths += outcome.deaths;
        self.effects += outcome.effects;
        self.reached.merge_once(&outcome.reached);
        if !outcome.violations.is_empty() && self.violations.len() < MAX_SHOWN {
            self.violations.push((seed, outcome.violations));
        }
    }

    fn merge(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.invocations += other.invocations;
        self.faults += other.faults;
        self.deaths += other.deaths;
        self.effects += other.effects;
        self.reached.merge(&other.reached);
        self.violations.extend(other.violations);
    }

    /// Whether everything held and every rare state was reached.
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.missed.is_empty()
    }

    /// What failed, with a command for each seed.
    pub fn failures(&self) -> String {
        let mut text = String::new();
        for (seed, violations) in &self.violations {
            let _ = writeln!(text, "seed {seed}: {}\n  replay: {}", violations.join("; "), replay(*seed));
        }
        for missed in &self.missed {
            let _ = writeln!(text, "never reached: {missed}");
        }
        text
    }

    /// The counts as tables of markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let rate = self.schedules as f64 / self.seconds.max(0.001);
        let _ = writeln!(text, "| schedules | steps | invocations | faults | deaths | effects | seconds | schedules a second |");
        let _ = writeln!(text, "|---|---|---|---|---|---|---|---|");
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {:.0} | {rate:.0} |\n",
            grouped(self.schedules),
            grouped(self.steps),
            grouped(self.invocations),
            grouped(self.faults),
            grouped(self.deaths),
            grouped(self.effects),
            self.seconds
        );
        let _ = writeln!(text, "| rare state | schedules that reached it |\n|---|---|");
        for state in State::ALL {
            let _ = writeln!(text, "| {} | {} |", state.text(), grouped(self.reached.count(*state)));
        }
        text
    }
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Runs these seeds on so many threads. `at_most_seconds`: no further seed begins after this time.
pub fn run(seeds: Range<u64>, threads: usize, at_most_seconds: Option<u64>) -> Report {
    let started = Instant::now();
    let (next, is_over) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let work = || {
        let mut report = Report::default();
        while !is_over.load(Ordering::SeqCst) {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds.end {
                break;
            }
            report.add(seed, simulate(seed, None, false));
            if at_most_seconds.is_some_and(|seconds| started.elapsed().as_secs() >= seconds) {
                is_over.store(true, Ordering::SeqCst);
            }
        }
        report
    };
    let mut all = Report::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            all.merge(thread.join().expect("a simulation doesn't panic"));
        }
    });
    all.violations.sort();
    all.seconds = started.elapsed().as_secs_f64();
    all.states = State::ALL.iter().map(|state| (state.text(), all.reached.count(*state))).collect();
    all.missed = all.reached.missed().into_iter().map(State::text).collect();
    all
}
