//! The bill: an item for each price, and their sum.

use super::prices::{Price, Prices};
use super::usage::Usage;
use super::variant::{Architecture, Variant};
use serde::Serialize;

/// The items, in the order of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    FrontDoor,
    Invocations,
    Duration,
    EventsQueue,
    FairQueue,
    ActionsQueue,
    OutgoingQueues,
    Bus,
    Topic,
    SinkQueue,
    Stream,
    Firehose,
    KafkaQueue,
    Writes,
    Reads,
    Tables,
    Backups,
    Logs,
    StoredLogs,
    Traces,
    Metrics,
    Alarms,
    CompositeAlarms,
    Dashboard,
    Secrets,
    IdlePolls,
    Pollers,
    StreamHours,
}

impl Item {
    /// Its name on the screen and in the docs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FrontDoor => "HTTP API",
            Self::Invocations => "Lambda, invocations",
            Self::Duration => "Lambda, duration",
            Self::EventsQueue => "SQS, events",
            Self::FairQueue => "SQS, fair queue",
            Self::ActionsQueue => "SQS, actions",
            Self::OutgoingQueues => "SQS, endpoints and sinks",
            Self::Bus => "EventBridge",
            Self::Topic => "SNS",
            Self::SinkQueue => "SQS, sinks",
            Self::Stream => "Kinesis, data",
            Self::Firehose => "Firehose",
            Self::KafkaQueue => "SQS, Kafka",
            Self::Writes => "DynamoDB, writes",
            Self::Reads => "DynamoDB, reads",
            Self::Tables => "DynamoDB, storage",
            Self::Backups => "DynamoDB, backups",
            Self::Logs => "logs",
            Self::StoredLogs => "logs, storage",
            Self::Traces => "X-Ray",
            Self::Metrics => "metrics",
            Self::Alarms => "alarms",
            Self::CompositeAlarms => "paging alarms",
            Self::Dashboard => "dashboard",
            Self::Secrets => "secrets",
            Self::IdlePolls => "SQS, idle polling",
            Self::Pollers => "event pollers",
            Self::StreamHours => "Kinesis, streams",
        }
    }

    /// Whether it grows with the events, so that it has a price a million of them.
    pub const fn is_per_event(self) -> bool {
        match self {
            Self::FrontDoor
            | Self::Invocations
            | Self::Duration
            | Self::EventsQueue
            | Self::FairQueue
            | Self::ActionsQueue
            | Self::OutgoingQueues
            | Self::Bus
            | Self::Topic
            | Self::SinkQueue
            | Self::Stream
            | Self::Firehose
            | Self::KafkaQueue
            | Self::Writes
            | Self::Reads
            | Self::Tables
            | Self::Backups
            | Self::Logs
            | Self::StoredLogs
            | Self::Traces => true,
            Self::Metrics
            | Self::Alarms
            | Self::CompositeAlarms
            | Self::Dashboard
            | Self::Secrets
            | Self::IdlePolls
            | Self::Pollers
            | Self::StreamHours => false,
        }
    }
}

/// An item with its quantity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub item: Item,
    pub quantity: f64,
    pub unit: String,
    pub dollars: f64,
}

/// A month's bill. Items of which nothing is used are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bill {
    pub lines: Vec<Line>,
}

impl Bill {
    pub fn of(usage: &Usage, variant: &Variant, prices: &Prices) -> Self {
        let second = match variant.architecture {
            Architecture::Arm64 => &prices.lambda_gb_second_arm64,
            Architecture::X86 => &prices.lambda_gb_second_x86_64,
        };
        let lines = [
            (Item::FrontDoor, usage.http_requests, &prices.http_request),
            (Item::Invocations, usage.invocations, &prices.lambda_request),
            (Item::Duration, usage.gb_seconds, second),
            (Item::EventsQueue, usage.event_queue_requests, &prices.sqs_request),
            (Item::FairQueue, usage.fair_requests, &prices.sqs_fair_request),
            (Item::ActionsQueue, usage.action_queue_requests, &prices.sqs_fifo_request),
            (Item::OutgoingQueues, usage.outgoing_queue_requests, &prices.sqs_request),
            (Item::Bus, usage.bus_events, &prices.custom_event),
            (Item::Topic, usage.topic_publishes, &prices.sns_fifo_publish),
            (Item::SinkQueue, usage.sink_queue_requests, &prices.sqs_fifo_request),
            (Item::Stream, usage.stream_gb, &prices.kinesis_gb),
            (Item::Firehose, usage.firehose_gb, &prices.firehose_gb),
            (Item::KafkaQueue, usage.kafka_queue_requests, &prices.sqs_fifo_request),
            (Item::Writes, usage.write_units, &prices.write_unit),
            (Item::Reads, usage.read_units, &prices.read_unit),
            (Item::Tables, usage.table_gb, &prices.table_gb_month),
            (Item::Backups, usage.backup_gb, &prices.backup_gb_month),
            (Item::Logs, usage.log_gb, &prices.log_gb),
            (Item::StoredLogs, usage.stored_log_gb, &prices.log_gb_month),
            (Item::Traces, usage.traces, &prices.trace),
            (Item::Metrics, usage.metrics, &prices.metric),
            (Item::Alarms, usage.alarms, &prices.alarm),
            (Item::CompositeAlarms, usage.composite_alarms, &prices.composite_alarm),
            (Item::Dashboard, usage.dashboards, &prices.dashboard),
            (Item::Secrets, usage.secrets, &prices.secret),
            (Item::IdlePolls, usage.idle_polls, &prices.sqs_request),
            (Item::Pollers, usage.poller_hours, &prices.poller_hour),
            (Item::StreamHours, usage.stream_hours, &prices.kinesis_stream_hour),
        ];
        let used = lines.into_iter().filter(|(_, quantity, _)| *quantity > 0.0);
        Self { lines: used.map(|(item, quantity, price)| line(item, quantity, price)).collect() }
    }

    pub fn dollars(&self) -> f64 {
        sum(self.lines.iter())
    }

    /// The dollars of one item.
    pub fn of_item(&self, item: Item) -> f64 {
        sum(self.lines.iter().filter(|line| line.item == item))
    }

    /// The sum of what grows with the events.
    pub fn of_events(&self) -> f64 {
        sum(self.lines.iter().filter(|line| line.item.is_per_event()))
    }
}

fn line(item: Item, quantity: f64, price: &Price) -> Line {
    Line { item, quantity, unit: price.unit.clone(), dollars: price.of(quantity) }
}

/// From 0 on: the sum of no numbers is -0.
fn sum<'l>(lines: impl Iterator<Item = &'l Line>) -> f64 {
    lines.fold(0.0, |sum, line| sum + line.dollars)
}
