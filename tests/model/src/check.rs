//! Explores a configuration: breadth first, so that a counterexample is short.

use serde::Serialize;
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Instant;

/// What an exploration found.
#[derive(Clone, Debug, Serialize)]
pub struct Explored {
    pub name: &'static str,
    pub states: usize,
    /// The longest way to a state, in steps.
    pub depth: usize,
    pub seconds: f64,
    /// The properties that don't hold, each with a counterexample.
    #[serde(skip)]
    pub failed: Vec<(&'static str, String)>,
}

/// Explores everything; or, if a property is named, until it fails.
pub fn explore<M>(name: &'static str, model: M, until: Option<&'static str>) -> Explored
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Debug + Clone + PartialEq + Send + Sync + 'static,
{
    let begun = Instant::now();
    let mut checker = model.checker().threads(std::thread::available_parallelism().map_or(1, usize::from));
    checker = match until {
        Some(property) => checker.finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property]))),
        None => checker.finish_when(HasDiscoveries::AnyFailures),
    };
    let checked = checker.spawn_bfs().join();
    let failed = checked.discoveries().into_iter().map(|(property, path)| {
        let steps: Vec<String> = path.into_actions().iter().map(|action| format!("  {action:?}")).collect();
        (property, steps.join("\n"))
    });
    Explored {
        name,
        states: checked.unique_state_count(),
        depth: checked.max_depth(),
        failed: failed.collect(),
        seconds: begun.elapsed().as_secs_f64(),
    }
}
