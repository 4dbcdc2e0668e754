//! How a preset identifies its events, for people: what makes their key, what a retry may change, and which events
//! would be merged. Derived from the preset's data and samples, so that no page can differ from them.

use crate::samples::PresetSample;
use serde::Serialize;
use tidings_config::event::EventSpec;
use tidings_config::provider::Provider;
use tidings_config::scheme::Scheme;
use tidings_config::{JsonPath, Part, Reference, Template};

/// Each list has unique texts, in the order of the preset's events.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Identity {
    /// The parts of the key.
    pub known_by: Vec<String>,
    /// The form of a retry.
    pub retried: Vec<String>,
    /// Events that would be merged into one.
    pub merged: Vec<String>,
    /// Repetitions in the samples, in their own words.
    pub repeated: Vec<String>,
}

impl Identity {
    pub fn of(provider: &Provider, samples: &[PresetSample]) -> Self {
        let mut identity = Self::default();
        for event in &provider.events {
            if event.id.0.iter().any(|id| provider.scheme.covers_all(id)) {
                identity.add_by_id(&provider.scheme, event);
            } else {
                identity.add_by_content(&provider.scheme, event);
            }
        }
        let retries = samples.iter().flat_map(|sample| &sample.others).filter(|other| other.same);
        retries.for_each(|retry| add(&mut identity.repeated, retry.what.clone()));
        identity
    }

    fn add_by_id(&mut self, scheme: &Scheme, event: &EventSpec) {
        for id in event.id.0.iter().filter(|id| scheme.covers_all(id)) {
            add(&mut self.known_by, format!("`{}`", short(id, event.each.as_ref())));
        }
        add(&mut self.retried, "the same id".to_owned());
        add(&mut self.merged, "events with the same id".to_owned());
    }

    fn add_by_content(&mut self, scheme: &Scheme, event: &EventSpec) {
        let each = event.each.as_ref();
        let content = if scheme.message.is_some() { "the signed bytes" } else { "the body" };
        let ids = list(event.delivery_id.0.iter().map(|id| short(id, each)), " or ");
        let left_out = list(event.retry_fields.0.iter().map(ToString::to_string), ", ");
        let without = if left_out.is_empty() { String::new() } else { format!(" without {left_out}") };
        let with = if ids.is_empty() { String::new() } else { format!(" and of {ids}") };
        add(&mut self.known_by, format!("the hash of {content}{without}{with}"));

        let time = time_of_signing(scheme).filter(|time| !event.retry_fields.0.contains(time));
        let at_one_time = time.map_or_else(String::new, |time| format!(", with the same `{time}`"));
        add(&mut self.retried, format!("the same bytes{without}{}{at_one_time}", ids_kept(&ids)));
        add(
            &mut self.merged,
            match (event.coalesce_seconds, ids.is_empty()) {
                (Some(seconds), _) => format!("the same bytes{without} within {seconds} s"),
                (None, true) => format!("the same bytes{without}{at_one_time}"),
                (None, false) => format!("the same bytes{without}, with the same {ids} or none"),
            },
        );
    }
}

fn ids_kept(ids: &str) -> String {
    if ids.is_empty() { String::new() } else { format!(", with the same {ids}") }
}

/// The signed time, because of which a message that is signed again at another time is another message.
fn time_of_signing(scheme: &Scheme) -> Option<&Reference> {
    let signed = &scheme.timestamp.as_ref()?.from;
    scheme.message.as_ref()?.references().find(|reference| *reference == signed)
}

fn add(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

fn list(texts: impl Iterator<Item = String>, separator: &str) -> String {
    texts.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(separator)
}

/// A template with places of the body by path only: relative to the current element, if there is one.
fn short(template: &Template, each: Option<&JsonPath>) -> String {
    let place = |reference: &Reference| {
        let Some(path) = reference.json() else { return reference.to_string() };
        let path = path.to_string();
        let within = each.and_then(|each| path.strip_prefix(&each.to_string()));
        within.map_or_else(|| path.clone(), |rest| rest.trim_start_matches('.').to_owned())
    };
    let parts = template.0.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Value(reference) => format!("{{{}}}", place(reference)),
    });
    parts.collect()
}
