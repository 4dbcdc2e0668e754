//! Every interleaving of small configurations keeps the promises, and each missing protection is noticed.

use std::collections::BTreeSet;
use tidings_model::broken::Broken;
use tidings_model::configurations::{of, small};
use tidings_model::events::{Protocol, expected};
use tidings_model::report::protocol;

#[test]
fn every_interleaving_keeps_the_promises_and_the_rare_states_are_reached() {
    let mut reached = BTreeSet::new();
    for configuration in small() {
        let explored = protocol(Protocol { configuration, broken: None });
        assert_eq!(explored.violated, Vec::new(), "{}", explored.name);
        reached.extend(explored.reached);
    }
    assert_eq!(reached.len(), 8, "{reached:?}");
}

#[test]
fn each_missing_protection_is_noticed() {
    for broken in Broken::ALL {
        let explored = protocol(Protocol { configuration: of(broken), broken: Some(broken) });
        let violated: BTreeSet<&str> = explored.violated.iter().map(|(name, _)| *name).collect();
        assert!(violated.contains(expected(broken)), "{broken:?}: {violated:?}");
    }
}
