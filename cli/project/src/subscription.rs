//! What an entry of `endpoints.yaml` and one of `sinks.yaml` have in common: each gets events that fit a condition.

use super::{Checker, Location, Spanned};
use tidings_expressions::{Expression, Scope};

/// Checks the condition of the entry that `what` names.
pub(super) fn check_when(checker: &mut Checker<'_>, what: &str, when: Option<&Spanned<String>>) {
    if let Some(when) = when
        && let Err(error) = Expression::parse(&when.value, Scope::Event)
    {
        checker.problem(when.referenced, format!("{what}, when: {error}"));
    }
}

/// Reports problems at the places of their fields. A field without a place is reported at the entry.
pub(super) fn report(
    checker: &mut Checker<'_>,
    what: &str,
    problems: Vec<(&'static str, String)>,
    places: &[(&str, Option<Location>)],
    entry: Location,
) {
    for (field, why) in problems {
        let at = places.iter().find(|(name, _)| *name == field).and_then(|(_, at)| *at).unwrap_or(entry);
        checker.problem(at, format!("{what}, {field}: {why}"));
    }
}
