//! `sinks.yaml`: the buses, topics, streams and queues that get committed events and sent actions.

use super::sinks::{sink, sink_names};
use super::subscription::{check_when, report};
use super::{Checker, Report, Spanned, yaml};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidings_config::endpoint::{BodyForm, Endpoint, EndpointId, Subscription};
use tidings_config::kafka::Kafka;
use tidings_config::limits::{MAX_ENDPOINT_DESCRIPTION_BYTES, MAX_ENDPOINT_PATTERNS, MAX_EXPRESSION_BYTES, MAX_SINKS};
use tidings_config::rules::Priority;
use tidings_outgoing::{ConfiguredSink, SinkFile};

/// Where events go as CloudEvents: one entry for each sink.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SinksFile {
    /// The version of this format.
    #[schemars(extend("const" = super::FORMAT_VERSION))]
    version: Spanned<u32>,
    /// By name: 1 to 59 of a-z, 0-9 and -. The sink's id is `sink_` and its name.
    #[schemars(extend("propertyNames" = {"pattern": "^[a-z0-9-]{1,59}$"}))]
    sinks: BTreeMap<String, Spanned<SinkEntry>>,
}

/// One sink: `to` or `kafka`.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct SinkEntry {
    /// The ARN of an EventBridge bus, an SNS topic, an SQS queue, a Kinesis stream or a Firehose stream.
    #[schemars(extend("pattern" = "^arn:aws"))]
    to: Option<Spanned<String>>,
    /// A topic of Kafka.
    kafka: Option<Spanned<Kafka>>,
    /// Event types, as `order.*` or `*`; types of actions, as `action:tidings.notify` or `action:*`.
    #[schemars(length(min = 1, max = MAX_ENDPOINT_PATTERNS))]
    events: Spanned<Vec<Subscription>>,
    /// A condition over `event` and `data`, in the language of rules.
    #[schemars(length(max = MAX_EXPRESSION_BYTES))]
    when: Option<Spanned<String>>,
    /// The sink's place among those of one event: the most urgent is queued first.
    #[serde(default)]
    priority: Priority,
    /// For people.
    #[schemars(length(max = MAX_ENDPOINT_DESCRIPTION_BYTES))]
    description: Option<Spanned<String>>,
}

/// The kind whose queue feeds Kafka. No ARN names it.
const KAFKA: &str = "kafka";

/// Reads `sinks.yaml`, with each sink's data file resolved.
pub fn read_sinks(file: &str, text: &str) -> Result<Vec<ConfiguredSink>, Report> {
    let parsed: SinksFile = yaml(file, text)?;
    let mut checker = Checker::new(file);
    checker.version(&parsed.version);
    let count = parsed.sinks.len();
    if count > MAX_SINKS {
        checker.problem(parsed.version.referenced, format!("there are {count} sinks, allowed: {MAX_SINKS}"));
    }
    let sinks = parsed.sinks.into_iter().filter_map(|(name, entry)| configured(&mut checker, &name, entry)).collect();
    checker.report.into_result(sinks)
}

fn configured(checker: &mut Checker<'_>, name: &str, entry: Spanned<SinkEntry>) -> Option<ConfiguredSink> {
    let Spanned { value: entry, referenced: here } = entry;
    let Ok(id) = EndpointId::of_sink(name) else {
        checker.problem(here, format!("sink {name:?}: allowed: 1 to 59 of a-z, 0-9 and -"));
        return None;
    };
    check_when(checker, &format!("sink {name:?}"), entry.when.as_ref());
    let places = [
        ("events", Some(entry.events.referenced)),
        ("when", entry.when.as_ref().map(|when| when.referenced)),
        ("description", entry.description.as_ref().map(|description| description.referenced)),
    ];
    let (url, settings, of, kafka) = match (entry.to, entry.kafka) {
        (Some(to), None) => {
            let Some((of, settings)) = kind_of(&to.value) else {
                checker.problem(to.referenced, format!("sink {name:?}, to: {:?}, allowed: {}", to.value, allowed()));
                return None;
            };
            (to.value, settings, of, None)
        }
        (None, Some(kafka)) => {
            for problem in kafka.value.problems() {
                checker.problem(kafka.referenced, format!("sink {name:?}, kafka: {problem}"));
            }
            (kafka.value.shown(), BTreeMap::new(), sink(KAFKA)?, Some(kafka.value))
        }
        (Some(_), Some(_)) | (None, None) => {
            checker.problem(here, format!("sink {name:?} has one of `to`, an ARN, and `kafka`"));
            return None;
        }
    };
    let endpoint = Endpoint {
        id,
        url,
        events: entry.events.value,
        when: entry.when.map(|when| when.value),
        priority: entry.priority,
        description: entry.description.map(|description| description.value),
        secret: None,
        format: BodyForm::Cloudevents,
        ed25519: false,
        headers: BTreeMap::new(),
    };
    report(checker, &format!("sink {name:?}"), endpoint.subscription_problems(), &places, here);
    Some(ConfiguredSink { endpoint, settings, sink: of.sink(), kafka })
}

/// The kind whose pattern an ARN matches, and its settings.
fn kind_of(arn: &str) -> Option<(&'static SinkFile, BTreeMap<String, String>)> {
    kinds().find_map(|file| Some((file, file.settings_of(arn)?)))
}

fn kinds() -> impl Iterator<Item = &'static SinkFile> {
    sink_names().filter(|name| *name != KAFKA).filter_map(sink)
}

fn allowed() -> String {
    let about = kinds().flat_map(|file| file.settings.values().map(|setting| setting.about.as_str()));
    about.collect::<Vec<_>>().join("; or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"version: 1
sinks:
  bus: { to: "arn:aws:events:eu-central-1:123456789012:event-bus/orders", events: ["order.*"] }
  lake: { to: "arn:aws:firehose:eu-central-1:123456789012:deliverystream/lake", events: ["*"], when: "data.total > 100" }
  log:
    kafka: { brokers: ["b-1.example.com:9096"], topic: events, sasl: scram-sha-512 }
    events: ["*", "action:*"]
  queue: { to: "arn:aws:sqs:eu-central-1:123456789012:orders", events: ["*"] }
  stream: { to: "arn:aws:kinesis:eu-central-1:123456789012:stream/orders", events: ["*"] }
  topic: { to: "arn:aws:sns:eu-central-1:123456789012:orders.fifo", events: ["*"] }
"#;

    #[test]
    fn an_arn_says_which_kind_of_sink_it_is() {
        let sinks = read_sinks("sinks.yaml", ALL).unwrap();
        let kinds: Vec<_> = sinks.iter().map(|sink| (sink.endpoint.id.as_str(), sink.sink.name.as_str())).collect();
        assert_eq!(
            kinds,
            [
                ("sink_bus", "eventbridge"),
                ("sink_lake", "firehose"),
                ("sink_log", "kafka"),
                ("sink_queue", "sqs"),
                ("sink_stream", "kinesis"),
                ("sink_topic", "sns")
            ]
        );
        assert_eq!(
            (sinks[5].settings["topic.region"].as_str(), sinks[5].settings["topic.fifo"].as_str()),
            ("eu-central-1", ".fifo")
        );
        assert!(!sinks[3].settings.contains_key("queue.fifo"), "a standard queue");
        let json = serde_json::to_string(&sinks).unwrap();
        assert_eq!(serde_json::from_str::<Vec<ConfiguredSink>>(&json).unwrap(), sinks, "as the publisher reads it");
        assert!(!json.contains("vector") && !json.contains("evidence"), "nothing that it doesn't use");
    }
}
