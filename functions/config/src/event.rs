//! Where to find the fields of an event, as data.

use super::rules::TypePattern;
use super::scheme::TimeUnit;
use super::{JsonPath, OneOrMany, Part, Reference, Template};
use crate::limits::MAX_COALESCE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where to find the fields of an event. Of several templates, the first whose values all exist is used. A missing,
/// null or blank value doesn't exist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    /// The list of events, if one delivery carries many. `[*]` in the other paths then stands for the current event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<JsonPath>,
    /// The entry applies to events with these values: `*` for any value, a list for one of several. Of the entries
    /// with the same `each`, or without `each`, the first that matches is used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<Reference, OneOrMany<String>>,
    /// The event's identity: the provider's id of it, or the object and what happened to it. It is the event key if
    /// the signature covers it.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub id: OneOrMany<Template>,
    /// The provider's id of the delivery, which is the same in its retries and isn't signed. If no `id` is the event
    /// key, the event key is the SHA-256 of the signed bytes and this id.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub delivery_id: OneOrMany<Template>,
    /// Fields that each retry writes again, such as its own time or number. They are left out of the hash of the
    /// signed bytes. Allowed: `json:PATH` of the body; `header:NAME`, `query:NAME` or `sig:NAME` of the signed
    /// message.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub retry_fields: OneOrMany<Reference>,
    #[serde(rename = "type")]
    pub event_type: OneOrMany<Template>,
    /// Where the event's own time is. The first that can be read is used.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub time: OneOrMany<EventTime>,
    /// Types from low to high. The order decides between events of the same time. `*` alone matches every type that
    /// no other entry matches. A type without an entry is the lowest.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub rank: OneOrMany<TypePattern>,
    /// The entity that the event is about.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub subject: OneOrMany<Template>,
    /// Whose conversation the event belongs to. `rules.yaml` takes precedence.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub conversation: OneOrMany<Template>,
    /// A number that grows with every event of the entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Reference>,
    /// The payload's version: a version of a schema in `schemas/`, or a URI that ends in one.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub dataschema: OneOrMany<Template>,
    /// Other parts of the body to store with each event of a delivery, by their names in `data`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, JsonPath>,
    /// For providers that send the same bytes when the same thing happens again. The same bytes within this many
    /// seconds are one event; later they are another event. For events without an id that only say "look again".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coalesce_seconds: Option<u64>,
}

/// Places of the event's own time. All use one format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTime {
    pub from: OneOrMany<Reference>,
    #[serde(default)]
    pub unit: TimeUnit,
}

impl EventSpec {
    /// Every problem with this configuration, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.event_type.is_empty() {
            problems.push("`type` is an empty list: an event needs a type".to_owned());
        }
        if self.each.as_ref().is_some_and(|each| each.each_count() == 0) {
            problems.push("`each` has no [*]: it is for deliveries of many events".to_owned());
        }
        if self.references().any(|reference| *reference == Reference::Secret) {
            problems.push("an event's field contains {secret}: it would be stored and logged".to_owned());
        }
        problems.extend(self.id.0.iter().filter_map(unseparated));
        if let Some(other) = self.retry_fields.0.iter().find(|reference| !is_retry_field(reference)) {
            problems.push(format!("`retry_fields` contains {other}, allowed: json:PATH, header:NAME, query:NAME, sig:NAME"));
        }
        if self.time.0.iter().any(|time| time.from.is_empty()) {
            problems.push("`time.from` is an empty list: name the place of the time".to_owned());
        }
        if let Some(seconds) = self.coalesce_seconds {
            let most = MAX_COALESCE.as_secs();
            if !(1..=most).contains(&seconds) {
                problems.push(format!("`coalesce_seconds` is {seconds}, allowed: 1 to {most}"));
            }
            if !self.id.is_empty() {
                problems.push("`coalesce_seconds` is for events without an id: an id already distinguishes them".to_owned());
            }
        }
        for path in self.paths().chain(self.of_retries()) {
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

    /// Every reference in the fields.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let templates = [&self.id, &self.delivery_id, &self.event_type, &self.subject, &self.conversation, &self.dataschema];
        let in_templates = templates.into_iter().flat_map(|list| list.0.iter().flat_map(Template::references));
        let in_time = self.time.0.iter().flat_map(|time| time.from.0.iter());
        in_templates.chain(in_time).chain(&self.sequence).chain(self.when.keys())
    }

    /// The rank of a type among events of the same time; 0 is the lowest.
    pub fn rank_of(&self, event_type: &str) -> u32 {
        let named = |pattern: &TypePattern| !pattern.is_any() && pattern.matches(event_type);
        let place = self.rank.0.iter().position(named).or_else(|| self.rank.0.iter().position(TypePattern::is_any));
        place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(0)
    }

    fn of_retries(&self) -> impl Iterator<Item = &JsonPath> {
        self.retry_fields.0.iter().filter_map(Reference::json)
    }

    fn paths(&self) -> impl Iterator<Item = &JsonPath> {
        self.references().filter_map(Reference::json).chain(self.with.values())
    }
}

fn is_retry_field(reference: &Reference) -> bool {
    matches!(reference, Reference::Json(_) | Reference::Header(_) | Reference::Query(_) | Reference::Signature(_))
}

/// Finds two values of an id without a separator: `1` and `23` would give the same text as `12` and `3`.
fn unseparated(id: &Template) -> Option<String> {
    let values: Vec<usize> = (0..id.0.len()).filter(|at| matches!(id.0[*at], Part::Value(_))).collect();
    let held_apart = |pair: &[usize]| id.0[pair[0] + 1..pair[1]].iter().any(|part| part.separates());
    let run_together = values.windows(2).any(|pair| !held_apart(pair));
    run_together
        .then(|| format!("`id` {id} has values without a separator: put a sign between them, as in {{json:a}}:{{json:b}}"))
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
    fn values_of_an_id_need_a_separator() {
        let problems =
            |id: &str| toml::from_str::<EventSpec>(&format!("type = \"t\"\nid = \"{id}\"")).unwrap().problems().join("");
        for id in ["{json:a}{json:b}", "{json:a}and{json:b}", "x:{json:a}1{json:b}"] {
            assert!(problems(id).contains("without a separator"), "{id}");
        }
        for id in ["{json:a}", "{json:a}:{json:b}", "x{json:a}", "{json:a} and {json:b}"] {
            assert_eq!(problems(id), "", "{id}");
        }
    }

    #[test]
    fn a_rank_is_the_position_of_the_entry_that_names_the_type() {
        let spec: EventSpec = toml::from_str("type = \"t\"\nrank = [\"*.created\", \"*\", \"*.deleted\"]").unwrap();
        assert_eq!(["a.created", "a.updated", "a.b.c", "a.deleted"].map(|t| spec.rank_of(t)), [1, 2, 2, 3]);
        let spec: EventSpec = toml::from_str("type = \"t\"\nrank = [\"sent\", \"read\"]").unwrap();
        assert_eq!(["sent", "read", "failed"].map(|t| spec.rank_of(t)), [1, 2, 0]);
    }

    #[test]
    fn a_field_that_a_retry_rewrites_is_in_the_request() {
        let problems = |field: &str| {
            toml::from_str::<EventSpec>(&format!("type = \"t\"\nretry_fields = \"{field}\"")).unwrap().problems().join("")
        };
        for field in ["json:meta.attempt", "header:x-time", "sig:t", "query:n"] {
            assert_eq!(problems(field), "", "{field}");
        }
        for field in ["body", "secret", "form", "json:a[*].b"] {
            assert!(!problems(field).is_empty(), "{field}");
        }
    }

    #[test]
    fn a_coalesce_window_is_bounded_and_for_events_without_an_id() {
        let problems = |seconds: u64, id: &str| {
            let text = format!("type = \"t\"\n{id}coalesce_seconds = {seconds}");
            toml::from_str::<EventSpec>(&text).unwrap().problems().join("")
        };
        assert_eq!((problems(1, ""), problems(MAX_COALESCE.as_secs(), "")), (String::new(), String::new()));
        assert!(problems(0, "").contains("allowed: 1 to") && problems(MAX_COALESCE.as_secs() + 1, "").contains("allowed: 1 to"));
        assert!(problems(60, "id = \"{json:id}\"\n").contains("without an id"));
    }
}
