//! Checks that a stack has the ways out that the project's files ask for, the secrets of its channels, and that no message
//! was dead-lettered on its way out.

use super::check::Check;
use crate::Failure;
use crate::project::{CHANNELS, ENDPOINTS, Location, SINKS, refused};
use crate::target::{Depth, Place, config, output, outputs, unreadable};
use serde_json::{Map, Value};
use tidings_core::aws::SecretsManager;
use tidings_core::ports::SecretStore;
use tidings_outgoing::{ConfiguredChannel, ConfiguredSink};

const NAMES: [&str; 4] = ["channels", "endpoints", "sinks", "dead on the way out"];

/// The dead-letter queues of the ways out: the word of `tidings dlq outgoing`, and the output.
const DEAD: [(&str, &str); 3] = [
    ("published", "PublishedDeadLetterQueueUrl"),
    ("deliveries", "DeliveriesDeadLetterQueueUrl"),
    ("kafka", "KafkaDeadLetterQueueUrl"),
];

/// What the project here asks for.
#[derive(Default)]
struct Asked {
    /// `None`: it has no such file.
    channels: Option<Vec<ConfiguredChannel>>,
    endpoints: bool,
    sinks: Option<Vec<ConfiguredSink>>,
}

/// A check for each of `channels.yaml`, `endpoints.yaml` and `sinks.yaml` that the project here has, and one of what was
/// dead-lettered if it has any.
pub(super) async fn checks(at: &Place, stack: &str) -> Vec<Check> {
    let [channels, ..] = NAMES;
    match asked_for() {
        Err(failure) => vec![Check::failed(channels, failure)],
        Ok(Asked { channels: None, endpoints: false, sinks: None }) => Vec::new(),
        Ok(asked) => {
            let outputs = match outputs(&config(at).await, stack).await {
                Ok(outputs) => outputs,
                Err(failure) => return vec![Check::failed(channels, failure)],
            };
            let mut checks = Vec::new();
            if let Some(configured) = asked.channels {
                checks.push(channels_of(at, stack, &configured, &outputs).await);
            }
            if asked.endpoints {
                checks.push(endpoints_of(stack, &outputs));
            }
            if let Some(sinks) = asked.sinks {
                checks.push(sinks_of(stack, &sinks, &outputs));
            }
            checks.extend(dead_of(at, &outputs).await);
            checks
        }
    }
}

fn asked_for() -> Result<Asked, Failure> {
    let Some(location) = Location::find()? else { return Ok(Asked::default()) };
    let channels = location.optional(CHANNELS)?.map(|file| tidings_project::read_channels(&file.shown, &file.text));
    let sinks = location.optional(SINKS)?.map(|file| tidings_project::read_sinks(&file.shown, &file.text));
    Ok(Asked {
        channels: channels.transpose().map_err(|report| refused(&report))?,
        endpoints: location.optional(ENDPOINTS)?.is_some(),
        sinks: sinks.transpose().map_err(|report| refused(&report))?,
    })
}

fn sinks_of(stack: &str, sinks: &[ConfiguredSink], outputs: &[(String, String)]) -> Check {
    let [_, _, name, _] = NAMES;
    if output(outputs, stack, "EndpointsTableName").is_err() {
        return Check::bad(
            name,
            format!("the project has {SINKS}, but stack {stack} has no publisher: nothing is sent to them"),
            "deploy with Publisher=true: docs/sinks.md",
        );
    }
    let of_kafka = sinks.iter().filter(|sink| sink.kafka.is_some()).count();
    if of_kafka > 0 && output(outputs, stack, "KafkaQueueUrl").is_err() {
        return Check::bad(
            name,
            format!("{of_kafka} of {SINKS} are topics of Kafka, but stack {stack} has no queue for them: their events wait"),
            "deploy with Kafka=true: docs/sinks.md#kafka",
        );
    }
    Check::good(name, format!("{} with what they need", sinks.len()))
}

/// Whether a dead-letter queue of the ways out has a message. `None`: the stack has none of these queues.
async fn dead_of(at: &Place, outputs: &[(String, String)]) -> Option<Check> {
    let [.., name] = NAMES;
    let queues: Vec<_> = DEAD
        .iter()
        .filter_map(|(queue, output)| Some((*queue, outputs.iter().find(|(name, _)| name == output)?.1.clone())))
        .collect();
    let sqs = aws_sdk_sqs::Client::new(&config(at).await);
    let mut depths = Vec::new();
    for (queue, url) in queues {
        match Depth::of(&sqs, &url).await {
            Ok(depth) => depths.push((queue, depth.all())),
            Err(error) => return Some(Check::failed(name, unreadable(at, &error))),
        }
    }
    dead(at, &depths)
}

fn dead(at: &Place, depths: &[(&'static str, u64)]) -> Option<Check> {
    let [.., name] = NAMES;
    let waiting: Vec<_> = depths.iter().filter(|(_, messages)| *messages > 0).collect();
    if depths.is_empty() {
        return None;
    }
    if waiting.is_empty() {
        return Some(Check::good(name, "nothing"));
    }
    let said = waiting.iter().map(|(queue, messages)| format!("{queue}: {messages}")).collect::<Vec<_>>().join(", ");
    let next = waiting.iter().map(|(queue, _)| at.command(&format!("tidings dlq outgoing {queue}")));
    Some(Check::bad_each(name, said, next.collect()))
}

async fn channels_of(at: &Place, stack: &str, channels: &[ConfiguredChannel], outputs: &[(String, String)]) -> Check {
    let [name, ..] = NAMES;
    let Ok(arn) = output(outputs, stack, "ChannelSecretsArn") else {
        return Check::bad(
            name,
            format!("the project has {CHANNELS}, but stack {stack} has no sender: nothing is said"),
            "deploy with Sender=true: docs/channels.md",
        );
    };
    let store = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&config(at).await), arn);
    match store.fetch().await {
        Err(error) => Check::failed(name, unreadable(at, &error)),
        Ok(document) => secrets_of(channels, &document),
    }
}

/// Whether the document has an entry for each channel that needs a secret.
fn secrets_of(channels: &[ConfiguredChannel], document: &str) -> Check {
    let [name, ..] = NAMES;
    let next = "write the secret of the output ChannelSecretsArn: docs/channels.md. Until then their actions wait, for 24 hours";
    let Ok(all) = serde_json::from_str::<Map<String, Value>>(document) else {
        return Check::bad(name, "the channels' secrets aren't a JSON object", next);
    };
    let is_there = |secret: &String| match all.get(secret) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    };
    let needed = channels.iter().filter(|one| one.channel.has_secret);
    let mut missing: Vec<&str> = needed.map(|one| &one.secret).filter(|secret| !is_there(secret)).map(String::as_str).collect();
    missing.dedup();
    if missing.is_empty() {
        return Check::good(name, format!("{} with what they need", channels.len()));
    }
    Check::bad(name, format!("no secret for {}", missing.join(", ")), next)
}

fn endpoints_of(stack: &str, outputs: &[(String, String)]) -> Check {
    let [_, name, ..] = NAMES;
    match output(outputs, stack, "EndpointsTableName") {
        Ok(_) => Check::good(name, "the stack has a publisher"),
        Err(_) => Check::bad(
            name,
            format!("the project has {ENDPOINTS}, but stack {stack} has no publisher: nothing is sent to them"),
            "deploy with Publisher=true: docs/webhooks-out.md",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn channels() -> Vec<ConfiguredChannel> {
        let yaml = "version: 1\nchannels: { telegram: {}, orders-slack: { channel: slack, secret: slack-orders } }\n";
        tidings_project::read_channels("channels.yaml", yaml).unwrap()
    }

    #[test]
    fn a_channel_without_its_secret_is_named_and_no_secret_is() {
        for (document, status, said) in [
            (r#"{"telegram": "hunter2", "slack-orders": ["hunter2"]}"#, Status::Good, "2 with"),
            (r#"{"telegram": "hunter2", "slack-orders": {"token": "hunter2"}}"#, Status::Good, "2 with"),
            (r#"{"telegram": "hunter2"}"#, Status::Bad, "no secret for slack-orders"),
            (r#"{"telegram": "", "slack-orders": []}"#, Status::Bad, "slack-orders, telegram"),
            (r#"{"telegram": "", "slack-orders": null}"#, Status::Bad, "slack-orders, telegram"),
            ("[]", Status::Bad, "aren't a JSON object"),
        ] {
            let check = secrets_of(&channels(), document);
            assert_eq!(check.status, status, "{document}: {}", check.said);
            assert!(check.said.contains(said) && !check.said.contains("hunter2"), "{document}: {}", check.said);
        }
    }

    #[test]
    fn a_stack_without_what_the_project_asks_for_is_bad() {
        let with = [("EndpointsTableName".to_owned(), "t".to_owned())];
        assert_eq!(endpoints_of("shop", &with).status, Status::Good);
        let without = endpoints_of("shop", &[]);
        assert_eq!(without.status, Status::Bad);
        assert!(without.next[0].contains("Publisher=true"));
    }

    #[test]
    fn a_stack_without_what_its_sinks_need_is_bad() {
        let yaml = "version: 1\nsinks:\n  bus: { to: \"arn:aws:events:eu-central-1:123456789012:event-bus/orders\", events: [\"*\"] }\n  \
            log: { kafka: { brokers: [\"b.example.com:9096\"], topic: events }, events: [\"*\"] }\n";
        let sinks = tidings_project::read_sinks("sinks.yaml", yaml).unwrap();
        let has = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect::<Vec<_>>();
        for (outputs, status, said) in [
            (has(&[]), Status::Bad, "no publisher"),
            (has(&["EndpointsTableName"]), Status::Bad, "1 of sinks.yaml are topics of Kafka"),
            (has(&["EndpointsTableName", "KafkaQueueUrl"]), Status::Good, "2 with"),
        ] {
            let check = sinks_of("shop", &sinks, &outputs);
            assert_eq!(check.status, status, "{}", check.said);
            assert!(check.said.contains(said), "{}", check.said);
        }
    }

    #[test]
    fn what_was_dead_lettered_on_its_way_out_is_counted_with_the_command_that_shows_it() {
        let at = Place { stack: Some("shop".to_owned()), ..Place::default() };
        assert!(dead(&at, &[]).is_none());
        assert_eq!(dead(&at, &[("published", 0)]).unwrap().status, Status::Good);
        let check = dead(&at, &[("published", 0), ("deliveries", 2), ("kafka", 1)]).unwrap();
        assert_eq!((check.status, check.said.as_str()), (Status::Bad, "deliveries: 2, kafka: 1"));
        assert_eq!(check.next, ["tidings dlq outgoing deliveries --stack shop", "tidings dlq outgoing kafka --stack shop"]);
    }

    #[tokio::test]
    async fn a_stack_without_a_sender_is_bad_for_a_project_with_channels() {
        let check = channels_of(&Place::default(), "shop", &channels(), &[]).await;
        assert_eq!(check.status, Status::Bad);
        assert!(check.said.contains("no sender") && check.next[0].contains("Sender=true"), "{}", check.said);
    }
}
