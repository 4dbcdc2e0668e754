//! A slice of the seeds, and that the checks can fail.

use tidings_simulation::broken::Broken;
use tidings_simulation::{report, simulate};

/// In half a minute without optimisation.
const SEEDS: u64 = 1_500;

/// Seeds in which each broken protection must show.
const UNTIL_CAUGHT: u64 = 400;

#[test]
fn a_slice_of_the_seeds_holds_and_reaches_every_rare_state() {
    let report = report::run(0..SEEDS, 2, None);
    assert!(report.holds(), "{}", report.failures());
}

#[test]
fn one_seed_is_one_schedule() {
    for seed in 0..40 {
        let (one, other) = (simulate(seed, None, true), simulate(seed, None, true));
        assert!(one.trace.len() > 50, "seed {seed}: {} lines", one.trace.len());
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!(one.reached, simulate(seed, None, false).reached, "seed {seed}: a trace changes nothing");
    }
}

#[test]
fn without_any_one_protection_a_seed_fails() {
    let is_caught = |broken| (0..UNTIL_CAUGHT).find_map(|seed| simulate(seed, Some(broken), false).violations.pop().map(|what| (seed, what)));
    let mut missed = Vec::new();
    for broken in Broken::ALL {
        match is_caught(*broken) {
            Some((seed, what)) => println!("{broken:?}: seed {seed}: {what}"),
            None => missed.push(broken),
        }
    }
    assert!(missed.is_empty(), "never caught: {missed:?}");
}
