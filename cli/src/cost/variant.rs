//! A stack and its month: the parameters and the numbers of events that a bill depends on.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The endpoint that providers call: parameter `FrontDoor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FrontDoor {
    HttpApi,
    FunctionUrl,
}

/// The processor's instruction set: parameter `Architecture`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
pub enum Architecture {
    #[serde(rename = "arm64")]
    #[value(name = "arm64")]
    Arm64,
    #[serde(rename = "x86_64")]
    #[value(name = "x86_64")]
    X86,
}

/// A kind of sink of `sinks.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    /// A bus of EventBridge
    Eventbridge,
    /// A FIFO topic
    Sns,
    /// A FIFO queue, with one consumer's receives and deletes
    Sqs,
    /// A stream on demand
    Kinesis,
    /// A stream of Firehose
    Firehose,
    /// A topic of Kafka, without the cluster
    Kafka,
}

/// A share of something, as `5%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Share(pub f64);

impl Share {
    fn is_none(&self) -> bool {
        self.0 <= 0.0
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match percent.filter(|percent| (0.0..=1_000.0).contains(percent)) {
            Some(percent) => Ok(Self(percent / 100.0)),
            None => Err("allowed: a share from 0% to 1000%, such as 5%".to_owned()),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 * 100.0)
    }
}

/// What a bill depends on. The default is the template's: a month of a stack whose parameters nobody set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// New events a month.
    pub events: u64,
    /// Deliveries of events that were delivered before, as a share of the events.
    pub duplicates: Share,
    /// Forged requests a month.
    pub forged: u64,
    /// Notifications that an event sends, on average.
    pub actions_per_event: f64,
    /// Timers a month, and how long each waits.
    pub timers: u64,
    pub timer_hours: f64,
    /// Events of a batch of the processor, on average. At most 10.
    pub batch_size: f64,
    pub sources: u64,
    pub front_door: FrontDoor,
    pub architecture: Architecture,
    pub receiver_memory_mb: u64,
    pub processor_memory_mb: u64,
    pub tracing: bool,
    /// Whether lines at `info` are written: parameter `LogLevel`.
    pub info_lines: bool,
    /// Percentage of the events that have lines: parameter `LogSampling`.
    pub log_sampling: u8,
    pub source_metrics: bool,
    /// Bytes of an event that is stored with its claim: parameter `KeepEvents`.
    pub stored_event_bytes: Option<u64>,
    pub fair_queue: bool,
    /// Event pollers of the provisioned mode; 0: the standard mode.
    pub provisioned_pollers: u64,
    /// Alarms with both topics, and those of a gradual deployment.
    pub alarms: bool,
    pub gradual_deployment: bool,
    pub dashboard: bool,
    /// Secrets besides that of the sources, and besides those of a sender and a publisher.
    pub further_secrets: u64,
    /// Whether each action is said by the stack's own sender: parameter `Sender`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sender: bool,
    /// Parameter `Publisher`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub publisher: bool,
    /// Endpoints that get each event, at the first attempt.
    #[serde(skip_serializing_if = "is_zero")]
    pub endpoints: u64,
    /// Sinks, each of which gets each event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<SinkKind>,
    /// Parameter `Kafka`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kafka: bool,
    /// Bytes of an event as it is published, or kept by an outbox.
    pub event_bytes: u64,
    /// The share of the events whose sources have `durability: outbox`.
    #[serde(skip_serializing_if = "Share::is_none")]
    pub outbox: Share,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            events: 1_000_000,
            duplicates: Share(0.0),
            forged: 0,
            actions_per_event: 0.0,
            timers: 0,
            timer_hours: 1.0,
            batch_size: 1.0,
            sources: 3,
            front_door: FrontDoor::HttpApi,
            architecture: Architecture::Arm64,
            receiver_memory_mb: 512,
            processor_memory_mb: 512,
            tracing: false,
            info_lines: true,
            log_sampling: 100,
            source_metrics: false,
            stored_event_bytes: None,
            fair_queue: false,
            provisioned_pollers: 0,
            alarms: false,
            gradual_deployment: false,
            dashboard: false,
            further_secrets: 0,
            sender: false,
            publisher: false,
            endpoints: 0,
            sinks: Vec::new(),
            kafka: false,
            event_bytes: 1_024,
            outbox: Share(0.0),
        }
    }
}
