//! A slice of the seeds, and that the checks can fail.

use async_trait::async_trait;
use std::sync::Arc;
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::Context;
use tidings_core::memory::MemoryStore;
use tidings_core::stored_event::StoredEvent;
use tidings_simulation::broken::Broken;
use tidings_simulation::gated::Gated;
use tidings_simulation::states::State;
use tidings_simulation::{report, simulate};
use tidings_tests::conformance::{self, Inspect, Tables};

/// Half a minute on two cores, without optimisation.
const SEEDS: u64 = 1_500;

/// Seeds within which each broken protection must show.
const UNTIL_CAUGHT: u64 = 1_500;

#[test]
fn a_slice_of_the_seeds_holds_and_reaches_every_rare_state() {
    let report = report::run(0..SEEDS, 2, None);
    assert!(report.holds(), "{}", report.failures());
}

#[test]
fn at_least_fifty_rare_states_are_named_each_in_other_words() {
    let texts: std::collections::BTreeSet<&str> = State::ALL.iter().map(|state| state.text()).collect();
    assert!(texts.len() >= 50 && texts.len() == State::ALL.len(), "{}", texts.len());
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
    let is_caught = |broken| (0..UNTIL_CAUGHT).find(|seed| !simulate(*seed, Some(broken), false).violations.is_empty());
    let missed: Vec<Broken> = Broken::ALL.iter().copied().filter(|broken| is_caught(*broken).is_none()).collect();
    assert!(missed.is_empty(), "never caught: {missed:?}");
}

struct Behind(Arc<MemoryStore>);

#[async_trait]
impl Inspect for Behind {
    async fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.0.claim(key)
    }

    async fn kept(&self, key: &ClaimKey) -> Option<StoredEvent> {
        self.0.kept(key)
    }

    async fn context(&self, conversation: &str) -> Context {
        self.0.context(conversation)
    }

    async fn timeline(&self, conversation: &str) -> Vec<Claim> {
        self.0.timeline(conversation)
    }
}

fn tables() -> (Gated, Tables) {
    let gated = Gated::default();
    let tables = Tables {
        claims: Arc::clone(&gated.claims),
        contexts: Arc::clone(&gated.contexts),
        feeds: Arc::clone(&gated.store) as Arc<_>,
        statuses: Arc::clone(&gated.store) as Arc<_>,
        outbox: Arc::clone(&gated.outbox),
        inspect: Arc::new(Behind(Arc::clone(&gated.store))),
    };
    (gated, tables)
}

/// Each suite on stores of its own, with every call through two gates.
macro_rules! conform {
    ($($suite:ident),+) => {$({
        let (gated, tables) = tables();
        let opened = gated.run(async move { conformance::$suite(&tables).await });
        assert!(opened > 2, "{}: {opened} gates", stringify!($suite));
    })+};
}

#[test]
fn the_simulated_stores_pass_the_suite_of_the_real_adapters() {
    conform!(claim_store, other_bodies, context_store, moves, burials, manual, kept, outbox_store, timeline);
    let gated = Gated::default();
    let timers = Arc::clone(&gated.timers);
    assert!(gated.run(async move { conformance::timer_store(&*timers).await }) > 2);
    let sends = Arc::clone(&gated.sends);
    assert!(gated.run(async move { tidings_tests::sends::send_store(&*sends).await }) > 2);
}
