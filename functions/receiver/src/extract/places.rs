//! Finds the events of a delivery that carries many, and detects elements that would be lost.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::event::EventSpec;
use tidings_config::limits::MAX_EVENTS_PER_DELIVERY;
use tidings_config::{JsonPath, Step};

/// The place of an event: its spec, and the indices of the lists that lead to it.
pub(super) type Place<'s> = (&'s EventSpec, Vec<usize>);

/// The events in the lists of the specs, in the order of the specs. Of the specs with the same `each`, the first that
/// matches an element is used.
pub(super) fn of_many<'s>(specs: &'s [EventSpec], body: &Value, holds: &impl Fn(&EventSpec, &[usize]) -> bool) -> Vec<Place<'s>> {
    let mut places = Vec::new();
    let mut taken: BTreeSet<(&JsonPath, Vec<usize>)> = BTreeSet::new();
    for (spec, each) in specs.iter().filter_map(|spec| Some((spec, spec.each.as_ref()?))) {
        let is_shared = specs.iter().filter(|other| other.each.as_ref() == Some(each)).nth(1).is_some();
        for indices in each.places(body, MAX_EVENTS_PER_DELIVERY) {
            if holds(spec, &indices) && (!is_shared || taken.insert((each, indices.clone()))) {
                places.push((spec, indices));
            }
        }
    }
    places
}

/// Whether an element of a list gave no event: its kind is unknown, among others that are known.
pub(super) fn left_out(specs: &[EventSpec], places: &[Place<'_>], body: &Value) -> bool {
    let mut covered: BTreeMap<JsonPath, BTreeSet<&[usize]>> = BTreeMap::new();
    for (spec, indices) in places {
        for list in spec.each.iter().flat_map(lists) {
            let element = &indices[..list.each_count()];
            covered.entry(list).or_default().insert(element);
        }
    }
    let all = specs.iter().filter_map(|spec| spec.each.as_ref()).flat_map(lists);
    all.into_iter().any(|list| {
        let with_events = covered.get(&list);
        let elements = list.places(body, MAX_EVENTS_PER_DELIVERY);
        elements.iter().any(|indices| !with_events.is_some_and(|those| those.contains(indices.as_slice())))
    })
}

/// Whether the body has any of the lists, even an empty one.
pub(super) fn has_lists(specs: &[EventSpec], body: &Value) -> bool {
    let outermost = |each: &JsonPath| {
        let steps = each.0.iter().take_while(|step| **step != Step::Each).cloned().collect();
        JsonPath(steps).find(body, &[]).is_some_and(Value::is_array)
    };
    specs.iter().filter_map(|spec| spec.each.as_ref()).any(outermost)
}

/// The place of an element as readable text: `entry[0].changes[1].value`.
pub(super) fn named(each: &JsonPath, indices: &[usize]) -> String {
    let mut indices = indices.iter();
    let mut at = |step: &Step| match step {
        Step::Each => Step::Index(indices.next().copied().unwrap_or_default()),
        Step::Key(_) | Step::Index(_) => step.clone(),
    };
    JsonPath(each.0.iter().map(&mut at).collect()).to_string()
}

/// The paths to the elements of every list on the way: `entry[*]` and `entry[*].changes[*]` for `entry[*].changes[*].value`.
fn lists(each: &JsonPath) -> Vec<JsonPath> {
    let ends = each.0.iter().enumerate().filter(|(_, step)| **step == Step::Each);
    ends.map(|(at, _)| JsonPath(each.0[..=at].to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn specs() -> Vec<EventSpec> {
        let spec = |each: &str| EventSpec { each: Some(each.parse().unwrap()), ..EventSpec::default() };
        vec![spec("entry[*].changes[*].value.messages[*]"), spec("entry[*].changes[*].value.statuses[*]")]
    }

    #[test]
    fn an_unknown_kind_among_known_ones_is_detected() {
        let specs = specs();
        let known = json!({"value": {"messages": [{"id": 1}]}});
        let unknown = json!({"value": {"errors": [{"code": 1}]}});
        for (changes, lost) in
            [(json!([known]), false), (json!([known, unknown]), true), (json!([unknown]), true), (json!([]), true)]
        {
            let body = json!({"entry": [{"changes": changes}]});
            assert_eq!(left_out(&specs, &of_many(&specs, &body, &|_, _| true), &body), lost, "{body}");
        }
    }

    #[test]
    fn an_element_is_named_by_its_place() {
        let named = |each: &str, indices: &[usize]| named(&each.parse().unwrap(), indices);
        assert_eq!(named("entry[*].changes[*].value.messages[*]", &[0, 1, 12]), "entry[0].changes[1].value.messages[12]");
        assert_eq!(named("[*]", &[3]), "[3]");
    }

    #[test]
    fn an_empty_list_counts_as_a_list() {
        assert!(has_lists(&specs(), &json!({"entry": []})));
        assert!(!has_lists(&specs(), &json!({"challenge": 1})));
    }
}
