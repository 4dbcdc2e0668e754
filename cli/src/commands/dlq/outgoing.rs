//! `tidings dlq outgoing`: lists, shows and redrives what was dead-lettered on its way to endpoints and sinks.
//!
//! Promises: as [`super::outgoing_walk`]. A message that is then in both queues has one effect: an event is stored once for each
//! endpoint, a delivery's record knows which attempts were made, and a record of Kafka has the event's id. Never: the content
//! of a message that wasn't asked for.

use super::outgoing_walk::{Asked, Words, walked};
use crate::Failure;
use crate::confirm::Confirm;
use crate::limits::DEAD_LETTERS_WALK;
use crate::stack::OutgoingLetter;
use crate::style::{FAINT, NAME, data_of, paint, pretty, say, short};
use crate::target::{TargetOptions, outgoing_letters};
use clap::Args;
use publisher::delivery::DeliveryMessage;
use serde::Serialize;
use serde_json::Value;
use std::process::ExitCode;
use tidings_config::rules::TypePattern;
use tidings_config::time::Timestamp;
use tidings_core::published::Published;
use tidings_outgoing::KAFKA_SINK_ATTRIBUTE;

#[derive(Debug, Args)]
#[command(
    after_help = "Without --yes a redrive shows what would be moved. A message leaves the dead-letter queue only after the other \
        queue has acknowledged it, so the command can be interrupted and run again. Correct the cause first: the function's log \
        names it.\n\
        Messages that are read stay invisible to other consumers until the command ends.\n\n\
        Exit status: 0 every matching message was listed or moved, 1 some were left.\n\nExamples:\n  \
        tidings dlq outgoing published --stack tidings\n  \
        tidings dlq outgoing deliveries --to ep_crm --redrive \\\n      --stack tidings\n  \
        tidings dlq outgoing kafka --to sink_log --redrive --yes \\\n      --stack tidings"
)]
pub struct DlqOutgoing {
    /// Whose dead letters
    #[arg(value_enum, value_name = "QUEUE")]
    pub queue: OutgoingQueue,
    /// The message with this id, or with an id that begins so: an event's key, an action's id, a delivery, an event of Kafka
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Only events and actions of these types. A delivery's message has no type
    #[arg(long = "type", value_name = "PATTERN")]
    pub event_type: Option<TypePattern>,
    /// Only what is for this endpoint or sink. What is published is for nobody yet
    #[arg(long, value_name = "ENDPOINT")]
    pub to: Option<String>,
    /// Also print each message with its content
    #[arg(long)]
    pub payload: bool,
    /// Send them to their queue again
    #[arg(long)]
    pub redrive: bool,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// A queue of the ways out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OutgoingQueue {
    /// Committed events and sent actions that reached no endpoint
    Published,
    /// Attempts at an endpoint or a sink
    Deliveries,
    /// Events for the topics of Kafka
    Kafka,
}

impl OutgoingQueue {
    const fn words(self) -> Words {
        match self {
            Self::Published => Words { messages: "dead-lettered published messages", queue: "the published queue" },
            Self::Deliveries => Words { messages: "dead-lettered deliveries", queue: "the deliveries queue" },
            Self::Kafka => Words { messages: "dead-lettered events for Kafka", queue: "the queue of Kafka" },
        }
    }
}

/// A dead-lettered message. What can't be read has no more than its time.
#[derive(Debug, Default, Serialize)]
pub(super) struct DeadMessage {
    id: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// The endpoint or the sink.
    to: Option<String>,
    /// Which attempt it was.
    attempt: Option<u32>,
    /// When it was sent to its queue.
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Value>,
}

impl DeadMessage {
    pub(super) fn of(queue: OutgoingQueue, letter: &OutgoingLetter) -> Self {
        let read = match queue {
            OutgoingQueue::Published => Self::of_published(&letter.body),
            OutgoingQueue::Deliveries => Self::of_delivery(&letter.body),
            OutgoingQueue::Kafka => Self::of_kafka(letter),
        };
        Self { at: letter.sent, message: serde_json::from_str(&letter.body).ok(), ..read }
    }

    fn of_published(body: &str) -> Self {
        let Ok(published) = Published::decode(body) else { return Self::default() };
        let id = match &published {
            Published::Event(event) => event.claimkey.to_string(),
            Published::Action(action) => action.id.to_string(),
        };
        Self { id: Some(id), event_type: Some(published.event_type().to_owned()), ..Self::default() }
    }

    fn of_delivery(body: &str) -> Self {
        let Some(message) = DeliveryMessage::decode(body) else { return Self::default() };
        let key = message.key();
        let to = Some(key.endpoint.to_string());
        Self { id: Some(key.delivery), to, attempt: Some(message.attempt), ..Self::default() }
    }

    fn of_kafka(letter: &OutgoingLetter) -> Self {
        let event: Value = serde_json::from_str(&letter.body).unwrap_or_default();
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        let to = letter.attributes.get(KAFKA_SINK_ATTRIBUTE).map(|sink| format!("sink_{sink}"));
        Self { id: text("id"), event_type: text("type"), to, ..Self::default() }
    }

    pub(super) fn is_wanted(&self, options: &DlqOutgoing) -> bool {
        options.id.as_ref().is_none_or(|id| self.id.as_ref().is_some_and(|own| own.starts_with(id.as_str())))
            && options.to.as_ref().is_none_or(|to| self.to.as_ref() == Some(to))
            && options.event_type.as_ref().is_none_or(|types| self.event_type.as_ref().is_some_and(|own| types.matches(own)))
    }

    pub(super) fn without_content(mut self, keep: bool) -> Self {
        self.message = self.message.filter(|_| keep);
        self
    }
}

pub(crate) async fn run(options: DlqOutgoing) -> Result<ExitCode, Failure> {
    let letters = outgoing_letters(&options.target.at, options.queue).await?.hiding(DEAD_LETTERS_WALK);
    let asked = Asked { redrive: options.redrive, confirm: options.confirm, json: options.target.json };
    let wanted = |letter: &OutgoingLetter| Some(DeadMessage::of(options.queue, letter)).filter(|dead| dead.is_wanted(&options));
    walked(&letters, &asked, &options.queue.words(), wanted, |dead| show(dead, &options)).await
}

pub(super) fn show(dead: DeadMessage, options: &DlqOutgoing) -> Result<(), Failure> {
    let dead = dead.without_content(options.payload);
    if options.target.json {
        return data_of(&dead).map(|_| ());
    }
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
    let attempt = dead.attempt.map(|number| format!("attempt {number}")).unwrap_or_default();
    say!(
        "{}  {}  {:<24} {}  {}",
        super::print::when(dead.at),
        paint(NAME, short(&or(&dead.id, "unreadable"), 44)),
        short(&or(&dead.event_type, "-"), 24),
        short(&or(&dead.to, "-"), 64),
        paint(FAINT, attempt)
    );
    if let Some(message) = &dead.message {
        pretty(message);
    }
    Ok(())
}
