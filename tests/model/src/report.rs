//! Explores configurations, and counts.

use crate::events::{Configuration, Protocol};
use serde_json::{Value, json};
use stateright::{Checker, Expectation, Model};
use std::collections::BTreeSet;
use std::time::Instant;

/// The result of one exploration.
#[derive(Debug)]
pub struct Explored {
    pub name: String,
    /// Distinct states.
    pub states: usize,
    /// Steps of the longest shortest way to a state.
    pub depth: usize,
    pub seconds: f64,
    /// Properties that must hold always, and don't, each with the steps that lead there.
    pub violated: Vec<(&'static str, String)>,
    /// Rare states that were reached.
    pub reached: BTreeSet<&'static str>,
}

impl Explored {
    pub fn json(&self) -> Value {
        json!({ "name": self.name, "states": self.states, "depth": self.depth, "seconds": (self.seconds * 10.0).round() / 10.0 })
    }
}

/// Explores every state of the protocol in this configuration.
pub fn protocol(protocol: Protocol) -> Explored {
    let Configuration { name, .. } = protocol.configuration;
    explored(name, protocol)
}

/// Explores a model.
pub(crate) fn explored<M>(name: &str, model: M) -> Explored
where
    M: Model + Send + Sync + 'static,
    M::State: std::hash::Hash + Send + Sync + std::fmt::Debug + Clone + PartialEq,
    M::Action: Send + Sync + std::fmt::Debug + Clone + PartialEq,
{
    let began = Instant::now();
    let expected = model.properties().into_iter().map(|property| (property.name, property.expectation)).collect::<Vec<_>>();
    let checker = model.checker().threads(2).spawn_bfs().join();
    let (mut violated, mut reached) = (Vec::new(), BTreeSet::new());
    for (name, path) in checker.discoveries() {
        match expected.iter().find(|(other, _)| *other == name).map(|(_, expectation)| expectation) {
            Some(Expectation::Sometimes) => {
                reached.insert(name);
            }
            Some(Expectation::Always | Expectation::Eventually) | None => {
                violated
                    .push((name, path.into_actions().iter().map(|action| format!("{action:?}")).collect::<Vec<_>>().join(" → ")));
            }
        }
    }
    Explored {
        name: name.to_owned(),
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        seconds: began.elapsed().as_secs_f64(),
        violated,
        reached,
    }
}
