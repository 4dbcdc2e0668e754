//! Which of several entries an event is for.

use tidings_config::Reference;
use tidings_config::event::EventSpec;

/// Whether all that the entry wants is so.
pub(super) fn holds(spec: &EventSpec, value: impl Fn(&Reference) -> Option<String>) -> bool {
    spec.when.iter().all(|(reference, wanted)| {
        let seen = value(reference).filter(|seen| !seen.trim().is_empty());
        seen.is_some_and(|seen| wanted.takes(&seen))
    })
}
