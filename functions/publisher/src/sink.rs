//! An attempt at a sink: the event as its data file says, signed by the function's role.
//!
//! Promises: the body and the id of an event are the same in every attempt. What an answer means is the data file's: a
//! refused message is given up and says nothing about the sink; a sink that refuses everybody is tried again. Never: a
//! request to another host than the sink's.

use crate::body::body;
use crate::delivery::AttemptResult;
use crate::endpoint::Health;
use crate::limits::ATTEMPT_TIMEOUT;
use crate::publisher::Publisher;
use crate::schedule::{Came, Means};
use std::collections::BTreeMap;
use std::fmt;
use tidings_config::endpoint::{BodyForm, EndpointId};
use tidings_config::time::Timestamp;
use tidings_core::claim::Sha256Hex;
use tidings_core::ports::{Answered, Call, Redacted};
use tidings_core::published::Published;
use tidings_outgoing::limits::MAX_ANSWER_BYTES;
use tidings_outgoing::{AwsIdentity, ConfiguredSink, Outcome, Rendered, Reply, SinkEvent, Values, classify, render};

/// The sinks of the project's file, and the role that signs requests to them.
#[derive(Default)]
pub(crate) struct Sinks {
    all: BTreeMap<EndpointId, ConfiguredSink>,
    role: Option<AwsIdentity>,
}

impl fmt::Debug for Sinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all.keys()).finish()
    }
}

impl Sinks {
    /// `kafka_queue`: the ARN of the queue from which Kafka's function takes events.
    pub(crate) fn new(sinks: Vec<ConfiguredSink>, role: Option<AwsIdentity>, kafka_queue: Option<&str>) -> Self {
        let with_queue = |mut sink: ConfiguredSink| {
            if sink.kafka.is_some() {
                sink.settings = kafka_queue.map(queue_settings).unwrap_or_default();
            }
            (sink.endpoint.id.clone(), sink)
        };
        Self { all: sinks.into_iter().map(with_queue).collect(), role }
    }

    pub(crate) fn get(&self, id: &EndpointId) -> Option<&ConfiguredSink> {
        self.all.get(id)
    }
}

/// `arn:aws:sqs:REGION:ACCOUNT:NAME` as the places of a request.
fn queue_settings(arn: &str) -> BTreeMap<String, String> {
    let parts = ["region", "account", "name"].into_iter().zip(arn.split(':').skip(3));
    parts.map(|(part, value)| (format!("queue.{part}"), value.to_owned())).collect()
}

/// Makes the attempt.
pub(crate) async fn attempt(publisher: &Publisher, to: &ConfiguredSink, published: &Published) -> Came {
    let rendered = match request(to, published, publisher.sinks.role.as_ref(), publisher.clock.now()) {
        Ok(rendered) => rendered,
        Err(Unsent::Later(reason)) => return unsent(reason, Some(Health::Failed), Means::Again { after: None }),
        Err(Unsent::Never(reason)) => return unsent(reason, None, Means::Never),
    };
    let Rendered { method, url, headers, body } = rendered;
    let headers = headers.into_iter().map(|(name, value)| (name, Redacted(value))).collect();
    let call = Call { method, url, headers, body, within: ATTEMPT_TIMEOUT, at_most: MAX_ANSWER_BYTES };
    let answer = publisher.https.call(&call).await;
    match &answer {
        Ok(answered) => answered_by(to, answered, publisher.clock.now()),
        // As at an endpoint: only an answer has a meaning of its own.
        Err(_) => Came::of(&answer, publisher.clock.now()),
    }
}

fn answered_by(to: &ConfiguredSink, answered: &Answered, now: Timestamp) -> Came {
    let Answered { status, headers, body } = answered;
    let with_hint = |reason: String, hint: Option<String>| match hint {
        Some(hint) => format!("{reason}; {hint}"),
        None => reason,
    };
    let (result, health, means, reason) = match classify(to.sink.api(), Reply { status: *status, headers, body }, now) {
        Outcome::Sent { .. } => (AttemptResult::Delivered, Some(Health::Succeeded), Means::Done, None),
        Outcome::Retry { after, reason, hint, blame: _ } => {
            (AttemptResult::Refused, Some(Health::Failed), Means::Again { after }, Some(with_hint(reason, hint)))
        }
        // The sink works: it is this event that it doesn't take.
        Outcome::Refused { reason, hint, blame: _ } => {
            (AttemptResult::Refused, None, Means::Never, Some(with_hint(reason, hint)))
        }
        Outcome::Unsure { reason } => (AttemptResult::Refused, Some(Health::Failed), Means::Again { after: None }, Some(reason)),
    };
    Came { result, health, means, status: Some(*status), reason, answer: body.clone() }
}

fn unsent(reason: String, health: Option<Health>, means: Means) -> Came {
    Came { result: AttemptResult::NotSent, health, means, status: None, reason: Some(reason), answer: Vec::new() }
}

/// Why there is no request.
enum Unsent {
    /// What is missing is ours: a retry helps once it is there.
    Later(String),
    /// It is the event.
    Never(String),
}

fn request(to: &ConfiguredSink, published: &Published, role: Option<&AwsIdentity>, now: Timestamp) -> Result<Rendered, Unsent> {
    let (_, json) = body(published, BodyForm::Cloudevents);
    let json = String::from_utf8(json).map_err(|_| Unsent::Never("the event isn't a text".to_owned()))?;
    if let Some(allowed) = to.sink.limits.bytes.filter(|allowed| json.len() > *allowed) {
        return Err(Unsent::Never(format!("the event has {} bytes, this sink takes {allowed}", json.len())));
    }
    if to.settings.is_empty() {
        return Err(Unsent::Later("the stack has no queue for Kafka: deploy it with Kafka=true".to_owned()));
    }
    let sink = to.endpoint.id.sink().unwrap_or_default();
    let (source, conversation) = match published {
        Published::Event(event) => (event.source.as_str(), event.conversation.as_deref()),
        Published::Action(action) => {
            let source = action.message.get("source").and_then(serde_json::Value::as_str);
            (source.unwrap_or_default(), Some(action.conversation.as_str()))
        }
    };
    let key = published.key();
    let event = SinkEvent { json: &json, event_type: published.event_type(), source, conversation, key: &key, sink };
    let event = event.values();
    let none = serde_json::Value::Null;
    // An id for each sink: those of Kafka share a queue, which removes repeats of an id.
    let id = Sha256Hex::of(format!("{key}\n{sink}").as_bytes()).digits().to_owned();
    let values = Values {
        action: &none,
        id: &id,
        to: None,
        secret: None,
        settings: &to.settings,
        token: None,
        jwt: None,
        event: Some(&event),
    };
    match render(to.sink.api(), &values, role, now) {
        Ok((_, rendered)) => Ok(rendered),
        Err(error) if error.may_pass() => Err(Unsent::Later(error.to_string())),
        Err(error) => Err(Unsent::Never(error.to_string())),
    }
}
