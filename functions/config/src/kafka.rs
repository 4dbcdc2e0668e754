//! Where a Kafka sink writes (`sinks.yaml`).

use crate::limits::{MAX_KAFKA_BROKERS, MAX_KAFKA_CA_BYTES, MAX_KAFKA_TOPIC_BYTES};
use crate::words;
use serde::{Deserialize, Serialize};

/// A topic of a cluster, and how its brokers are spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// Brokers to begin with, `host:port`: they tell the others.
    #[schemars(length(min = 1, max = MAX_KAFKA_BROKERS))]
    pub brokers: Vec<String>,
    /// The topic. It must exist.
    #[schemars(length(min = 1, max = MAX_KAFKA_TOPIC_BYTES))]
    pub topic: String,
    /// `false`: without TLS, for brokers in a network of yours.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub tls: bool,
    /// Certificates in PEM of an authority of yours. Left out: the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_KAFKA_CA_BYTES))]
    pub ca: Option<String>,
    /// How we say who we are. Left out: the brokers ask nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl: Option<Sasl>,
    /// The name of user and password in the document of Kafka's secrets. Left out: the sink's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

words! {
    /// A mechanism of SASL.
    Sasl {
        Plain = "plain",
        ScramSha256 = "scram-sha-256",
        ScramSha512 = "scram-sha-512",
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_yes(yes: &bool) -> bool {
    *yes
}

impl Kafka {
    /// Where it is, for people: `kafka://host:port/topic`.
    pub fn shown(&self) -> String {
        format!("kafka://{}/{}", self.brokers.first().map_or("", String::as_str), self.topic)
    }

    /// What is wrong with it, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.brokers.is_empty() || self.brokers.len() > MAX_KAFKA_BROKERS {
            problems.push(format!("there are {} brokers, allowed: 1 to {MAX_KAFKA_BROKERS}", self.brokers.len()));
        }
        let wrong = self.brokers.iter().filter(|broker| !is_broker(broker));
        problems.extend(wrong.map(|broker| format!("{broker:?} isn't a broker, allowed: host:port, as b-1.example.com:9096")));
        let is_topic = |topic: &str| {
            let is_plain = topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
            is_plain && !topic.is_empty() && topic.len() <= MAX_KAFKA_TOPIC_BYTES && !matches!(topic, "." | "..")
        };
        if !is_topic(&self.topic) {
            let topic = &self.topic;
            problems.push(format!("{topic:?} isn't a topic, allowed: 1 to {MAX_KAFKA_TOPIC_BYTES} letters, digits, ., _ and -"));
        }
        if self.ca.as_ref().is_some_and(|_| !self.tls) {
            problems.push("`ca` is of TLS, and `tls` is false".to_owned());
        }
        if let Some(bytes) = self.ca.as_ref().map(String::len).filter(|bytes| *bytes > MAX_KAFKA_CA_BYTES) {
            problems.push(format!("`ca` has {bytes} bytes, allowed: {MAX_KAFKA_CA_BYTES}"));
        }
        if self.ca.as_ref().is_some_and(|ca| !ca.contains("-----BEGIN CERTIFICATE-----")) {
            problems.push("`ca` isn't a certificate in PEM".to_owned());
        }
        if self.sasl == Some(Sasl::Plain) && !self.tls {
            problems.push("`sasl: plain` shows the password to everybody on the way: it needs TLS".to_owned());
        }
        if let Some(name) = self.secret.as_ref().filter(|name| !crate::source::is_name(name)) {
            problems.push(format!("{name:?} isn't a name of a secret; allowed: 1 to 64 of a-z, 0-9 and -"));
        }
        problems
    }
}

fn is_broker(broker: &str) -> bool {
    let Some((host, port)) = broker.rsplit_once(':') else { return false };
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kafka() -> Kafka {
        Kafka {
            brokers: vec!["b-1.example.com:9096".to_owned()],
            topic: "orders".to_owned(),
            tls: true,
            ca: None,
            sasl: Some(Sasl::ScramSha512),
            secret: None,
        }
    }

    #[test]
    fn a_kafka_sink_is_bounded_and_says_no_password_without_tls() {
        assert_eq!(kafka().problems(), [""; 0]);
        assert_eq!(kafka().shown(), "kafka://b-1.example.com:9096/orders");
        let wrong = |change: fn(&mut Kafka)| {
            let mut kafka = kafka();
            change(&mut kafka);
            kafka.problems().len()
        };
        assert_eq!(wrong(|k| k.brokers.clear()), 1);
        assert_eq!(wrong(|k| k.brokers = vec!["b:1".to_owned(); MAX_KAFKA_BROKERS]), 0);
        assert_eq!(wrong(|k| k.brokers = vec!["b:1".to_owned(); MAX_KAFKA_BROKERS + 1]), 1);
        for broker in ["", "b", "b:", "b:0", "b:70000", "b c:1", "https://b:1", "b/x:1"] {
            assert_eq!(Kafka { brokers: vec![broker.to_owned()], ..kafka() }.problems().len(), 1, "{broker}");
        }
        assert_eq!(wrong(|k| k.topic = "a".repeat(MAX_KAFKA_TOPIC_BYTES)), 0);
        assert_eq!(wrong(|k| k.topic = "a".repeat(MAX_KAFKA_TOPIC_BYTES + 1)), 1);
        for topic in ["", ".", "..", "a/b", "a b"] {
            assert_eq!(Kafka { topic: topic.to_owned(), ..kafka() }.problems().len(), 1, "{topic}");
        }
        assert_eq!(wrong(|k| k.tls = false), 0, "SCRAM tells no password");
        assert_eq!(wrong(|k| (k.tls, k.sasl) = (false, Some(Sasl::Plain))), 1);
        assert_eq!(wrong(|k| k.ca = Some("no certificate".to_owned())), 1);
        assert_eq!(wrong(|k| (k.tls, k.ca) = (false, Some("-----BEGIN CERTIFICATE-----".to_owned()))), 1);
        assert_eq!(wrong(|k| k.secret = Some("@x".to_owned())), 1);
    }
}
