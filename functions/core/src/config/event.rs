//! Where the fields of an event are, as data.

use super::scheme::TimeUnit;
use super::{JsonPath, OneOrMany, Reference, Template};
use crate::limits::MAX_COALESCE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the fields of an event are. Of several templates the first whose values are all there is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    /// Where a delivery carries many events: the list of them. `[*]` in the other paths is then the one at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<JsonPath>,
    /// The provider's id of the event. It is the event key only if the signature covers it.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub id: OneOrMany<Template>,
    #[serde(rename = "type")]
    pub event_type: OneOrMany<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<EventTime>,
    /// The entity that the event is about.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub subject: OneOrMany<Template>,
    /// Whose context it belongs to; `rules.yaml` has the last word.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub conversation: OneOrMany<Template>,
    /// A number that grows with every event of the entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Reference>,
    /// The payload's version, as the schemas in `infra/config/schemas/` are named, or a URI that ends in it.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub dataschema: OneOrMany<Template>,
    /// Other parts of the body to keep beside an event of many, by the names they get in `data`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, JsonPath>,
    /// Where the provider sends the same bytes for what happens another time: the same within so many seconds is one event,
    /// later it is another. For events without an id that say no more than "look again".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coalesce_seconds: Option<u64>,
}

/// The event's own time: the first of the places that has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventTime {
    pub from: OneOrMany<Reference>,
    #[serde(default)]
    pub unit: TimeUnit,
}

impl EventSpec {
    /// What can't work, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.event_type.is_empty() {
            problems.push("`type` is an empty list: an event needs a type".to_owned());
        }
        if self.each.as_ref().is_some_and(|each| each.each_count() == 0) {
            problems.push("`each` has no [*]: it is for deliveries of many events".to_owned());
        }
        if self.references().any(|reference| *reference == Reference::Secret) {
            problems.push("an event's field holds {secret}: it would be stored and logged".to_owned());
        }
        if let Some(seconds) = self.coalesce_seconds {
            let most = MAX_COALESCE.as_secs();
            if !(1..=most).contains(&seconds) {
                problems.push(format!("`coalesce_seconds` is {seconds}, allowed: 1 to {most}"));
            }
            if !self.id.is_empty() {
                problems.push("`coalesce_seconds` is for events without an id: with one, they are told apart".to_owned());
            }
        }
        for path in self.paths() {
            let follows = match &self.each {
                Some(each) => path.follows(each),
                None => path.each_count() == 0,
            };
            if !follows {
                problems.push(format!("path {path} has a [*] that isn't one of `each`'s"));
            }
        }
        problems
    }

    /// Where its fields come from.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let templates = [&self.id, &self.event_type, &self.subject, &self.conversation, &self.dataschema];
        let in_templates = templates.into_iter().flat_map(|list| list.0.iter().flat_map(Template::references));
        let in_time = self.time.iter().flat_map(|time| time.from.0.iter());
        in_templates.chain(in_time).chain(&self.sequence)
    }

    fn paths(&self) -> impl Iterator<Item = &JsonPath> {
        self.references().filter_map(Reference::json).chain(self.with.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_of_an_event_can_hold_the_secret() {
        let spec: EventSpec = toml::from_str("type = \"t\"\nid = \"{secret}\"").unwrap();
        assert!(spec.problems().join("").contains("stored and logged"));
    }

    #[test]
    fn a_window_is_bounded_and_for_events_without_an_id() {
        let problems = |seconds: u64, id: &str| {
            let text = format!("type = \"t\"\n{id}coalesce_seconds = {seconds}");
            toml::from_str::<EventSpec>(&text).unwrap().problems().join("")
        };
        assert_eq!((problems(1, ""), problems(MAX_COALESCE.as_secs(), "")), (String::new(), String::new()));
        assert!(problems(0, "").contains("allowed: 1 to") && problems(MAX_COALESCE.as_secs() + 1, "").contains("allowed: 1 to"));
        assert!(problems(60, "id = \"{json:id}\"\n").contains("without an id"));
    }
}
