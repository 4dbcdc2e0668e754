//! A sink: a bus, topic, stream or queue that gets events. Each kind has one data file in `functions/publisher/sinks/`.
//!
//! Promises: a sink is called by the same [`render()`](crate::render()) and [`classify`](crate::classify) as a channel, and
//! at its own host only. The request follows from the event alone, so every attempt has the same id and the same group.

use crate::answer::Answer;
use crate::api::Api;
use crate::channel::{HostTemplate, Idempotency, Limits, Setting};
use crate::limits::{MAX_GROUP_BYTES, MAX_SINK_REQUEST_BYTES};
use crate::request::Request;
use crate::values::ROOTS;
use crate::vector::Vector;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tidings_config::endpoint::Endpoint;
use tidings_config::kafka::Kafka;
use tidings_config::provider::Evidence;

/// The attribute of a message in Kafka's queue that names its sink, as `kafka.toml` sends it.
pub const KAFKA_SINK_ATTRIBUTE: &str = "sink";

/// A sink's data file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkFile {
    pub name: String,
    /// Its name for people.
    pub title: String,
    pub docs: String,
    pub setup: Vec<String>,
    pub hosts: Vec<HostTemplate>,
    /// One setting: the ARN, whose named parts are places too, as `{stream.region}`.
    pub settings: BTreeMap<String, Setting>,
    pub evidence: Evidence,
    pub limits: Limits,
    #[serde(default)]
    pub idempotency: Option<Idempotency>,
    #[serde(rename = "request")]
    pub requests: Vec<Request>,
    #[serde(rename = "answer")]
    pub answers: Vec<Answer>,
    #[serde(rename = "vector")]
    pub vectors: Vec<Vector>,
}

/// What the publisher takes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sink {
    pub name: String,
    pub hosts: Vec<HostTemplate>,
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    pub requests: Vec<Request>,
    pub answers: Vec<Answer>,
}

/// A sink of `sinks.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfiguredSink {
    /// Its id, what it subscribes to, and as `url` where it is. Deliveries to it are those of an endpoint.
    pub endpoint: Endpoint,
    /// The ARN and its named parts. A Kafka sink has none until the publisher knows its stack's queue.
    pub settings: BTreeMap<String, String>,
    pub sink: Sink,
    /// Of a Kafka sink: where the function that takes events from the queue writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<Kafka>,
}

impl SinkFile {
    /// Its part for the publisher.
    pub fn sink(&self) -> Sink {
        Sink {
            name: self.name.clone(),
            hosts: self.hosts.clone(),
            limits: self.limits.clone(),
            idempotency: self.idempotency.clone(),
            requests: self.requests.clone(),
            answers: self.answers.clone(),
        }
    }

    /// The settings that an ARN gives: itself, and its named parts as `stream.region`. `None`: it is another kind's.
    pub fn settings_of(&self, arn: &str) -> Option<BTreeMap<String, String>> {
        let (name, setting) = self.settings.iter().next()?;
        let pattern = Regex::new(&setting.pattern).ok()?;
        let found = pattern.captures(arn)?;
        let part = |part: &str| Some((format!("{name}.{part}"), found.name(part)?.as_str().to_owned()));
        let parts = pattern.capture_names().flatten().filter_map(part);
        Some(parts.chain([(name.clone(), arn.to_owned())]).collect())
    }

    /// What is wrong with the file, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.requests.iter().flat_map(Request::problems).collect();
        let known = self.places();
        let places = self.requests.iter().flat_map(Request::places).chain(self.hosts.iter().flat_map(HostTemplate::places));
        for place in places.filter(|place| !known.contains(&place.to_string())) {
            problems.push(format!("{{{place}}} is nothing that a sink's request has: allowed are {}", text(&known)));
        }
        if self.settings.len() != 1 || self.settings.keys().any(|name| ROOTS.contains(&name.as_str())) {
            problems.push("a sink has one setting, the ARN, whose name is no other value's".to_owned());
        }
        for setting in self.settings.values() {
            problems.extend(Regex::new(&setting.pattern).err().map(|error| format!("{:?}: {error}", setting.pattern)));
        }
        if self.limits.bytes.is_none() {
            problems.push("`limits.bytes` is missing: the largest event that it takes".to_owned());
        }
        let names: BTreeSet<&str> = self.requests.iter().map(|request| request.name.as_str()).collect();
        if names.len() != self.requests.len() || names.is_empty() {
            problems.push("a sink has one [[request]] or more, each with a name of its own".to_owned());
        }
        problems
    }

    /// Every place that a request may name.
    fn places(&self) -> BTreeSet<String> {
        let forms = ["json", "base64", "line", "group", "lane", "type", "source", "sink"].map(|form| format!("event.{form}"));
        let ids = ["id", "uuid", "id32", "id24"].map(str::to_owned);
        let parts = self.settings.iter().flat_map(|(name, setting)| {
            let pattern = Regex::new(&setting.pattern);
            let parts: Vec<String> =
                pattern.iter().flat_map(Regex::capture_names).flatten().map(|part| format!("{name}.{part}")).collect();
            parts.into_iter().chain([name.clone()])
        });
        forms.into_iter().chain(ids).chain(parts).collect()
    }
}

fn text(places: &BTreeSet<String>) -> String {
    places.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

impl Sink {
    /// How it is called.
    pub fn api(&self) -> Api<'_> {
        Api {
            hosts: &self.hosts,
            idempotency: self.idempotency.as_ref(),
            requests: &self.requests,
            answers: &self.answers,
            bytes: MAX_SINK_REQUEST_BYTES,
        }
    }
}

/// An event for a sink. Its `Debug` shows none of it: it holds a payload.
#[derive(Clone)]
pub struct SinkEvent<'a> {
    /// The whole event: CloudEvents JSON.
    pub json: &'a str,
    pub event_type: &'a str,
    pub source: &'a str,
    pub conversation: Option<&'a str>,
    /// 64 hexadecimal digits, the same each time.
    pub key: &'a str,
    /// The sink's name in `sinks.yaml`.
    pub sink: &'a str,
}

impl fmt::Debug for SinkEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkEvent").field("key", &self.key).finish_non_exhaustive()
    }
}

impl SinkEvent<'_> {
    /// The forms that requests name as `{event.json}`.
    pub fn values(&self) -> Value {
        json!({
            "json": self.json,
            "base64": STANDARD.encode(self.json),
            "line": STANDARD.encode(format!("{}\n", self.json)),
            "group": self.group(),
            "lane": self.lane(),
            "type": self.event_type,
            "source": self.source,
            "sink": self.sink,
        })
    }

    /// The group among those of one sink: where several sinks share a queue, none of them holds up another.
    fn lane(&self) -> String {
        hex::encode(Sha256::digest(format!("{}\n{}", self.sink, self.group())))
    }

    /// The conversation, or what stands for it where a group or a partition key can't be named so. An event without a
    /// conversation is a group of its own.
    fn group(&self) -> String {
        let Some(conversation) = self.conversation else { return self.key.to_owned() };
        let is_plain = !conversation.is_empty() && conversation.bytes().all(|byte| byte.is_ascii_graphic());
        if is_plain && conversation.len() <= MAX_GROUP_BYTES {
            conversation.to_owned()
        } else {
            hex::encode(Sha256::digest(conversation))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(conversation: Option<&str>) -> String {
        let event = SinkEvent { json: "{}", event_type: "a", source: "/s", conversation, key: "key", sink: "bus" };
        event.values()["group"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_group_is_the_conversation_or_its_digest_and_never_too_long() {
        assert_eq!(group(Some("whatsapp:491713920012")), "whatsapp:491713920012");
        assert_eq!(group(Some(&"a".repeat(MAX_GROUP_BYTES))).len(), MAX_GROUP_BYTES);
        for other in ["", "web:Zoë", "two words", &"a".repeat(MAX_GROUP_BYTES + 1)] {
            assert_eq!(group(Some(other)).len(), 64, "{other}");
        }
        assert_ne!(group(Some("web:Zoë")), group(Some("web:Zoe ")));
        assert_eq!(group(None), "key", "an event without a conversation waits for no other");
    }
}
