//! Selects the spec of an event.

use tidings_config::Reference;
use tidings_config::event::EventSpec;

/// Whether the event has all values that the spec requires.
pub(super) fn holds(spec: &EventSpec, value: impl Fn(&Reference) -> Option<String>) -> bool {
    spec.when.iter().all(|(reference, wanted)| {
        let seen = value(reference).filter(|seen| !seen.trim().is_empty());
        seen.is_some_and(|seen| wanted.takes(&seen))
    })
}
