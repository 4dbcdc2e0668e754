//! The environment variables, parsed once into types. All problems are reported together.

use crate::telemetry::{Sampling, Written};
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use tidings_config::artefact::ARTEFACT;

/// A source of strings: the process's environment in `main`, a map in tests.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The receiver's environment variables, as the template sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSettings {
    /// `CLAIMS_TABLE`: name of the claims table.
    pub claims_table: String,
    /// `EVENTS_QUEUE_URL`: URL of the events queue.
    pub events_queue_url: String,
    /// `FAIR_QUEUE`: whether messages name their source as their group. Absent: they don't.
    pub fair_queue: bool,
    /// `SECRET_ARN`: ARN or name of the sources' secret.
    pub secret_arn: String,
    /// `CAPTURED_SECRET_ARN`: ARN or name of the secret for handshake secrets. Absent: no source accepts one.
    pub captured_secret_arn: Option<String>,
    /// `STATUS_SECRET_ARN`: ARN or name of the secret for status URLs. Absent: no response has one.
    pub status_secret_arn: Option<String>,
    /// `TENANTS_TABLE`: name of the tenants table. Absent: no source has tenants.
    pub tenants_table: Option<String>,
    /// `METRICS_NAMESPACE`, `SOURCE_METRICS`, `LOG_SAMPLING`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
    /// `tidings.json` in `LAMBDA_TASK_ROOT`, which Lambda sets itself: the folder of the function's package.
    pub artefact: PathBuf,
}

/// The processor's environment variables, as the template sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessorSettings {
    /// `CLAIMS_TABLE`: name of the claims table.
    pub claims_table: String,
    /// `CONTEXT_TABLE`: name of the context table.
    pub context_table: String,
    /// `TIMERS_TABLE`: name of the timers table.
    pub timers_table: String,
    /// `EVENTS_QUEUE_URL`: URL of the events queue, for timers.
    pub events_queue_url: String,
    /// `LINKS_QUEUE_ARN`: ARN of the queue for external links, which accepts nothing else.
    pub links_queue_arn: String,
    /// `ACTIONS_QUEUE_URL`: URL of the actions queue.
    pub actions_queue_url: String,
    /// `API_SECRET_ARN`: ARN or name of the secret for the APIs that rules fetch from. Absent: no API needs one.
    pub api_secret_arn: Option<String>,
    /// `PUBLISHED_QUEUE_URL`: URL of the published queue. Absent: nothing is published.
    pub published_queue_url: Option<String>,
    /// `SENDS_TABLE`: name of the sends table. Absent: there is no sender, and no message has a status.
    pub sends_table: Option<String>,
    /// `KEEP_EVENTS`: whether events are stored with their claims.
    pub keep_events: bool,
    /// `FEED`: whether updates are added to the conversations' feeds. Absent: they aren't.
    pub feed: bool,
    /// `MAX_RECEIVE_COUNT`: the redrive policy's limit.
    pub max_receive_count: NonZeroU32,
    /// `METRICS_NAMESPACE`, `SOURCE_METRICS`, `LOG_SAMPLING`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
    /// `tidings.json` in `LAMBDA_TASK_ROOT`, which Lambda sets itself: the folder of the function's package.
    pub artefact: PathBuf,
}

/// The reader's environment variables, as the template sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderSettings {
    /// `CONTEXT_TABLE`: name of the context table.
    pub context_table: String,
    /// `CONTEXT_API`: who may read. With `token`, `CONTEXT_TOKENS_SECRET_ARN`: ARN or name of the secret with the tokens.
    pub access: ReaderAccess,
    /// `METRICS_NAMESPACE`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
}

/// The sender's environment variables, as the template sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSettings {
    /// `SENDS_TABLE`: name of the sends table.
    pub sends_table: String,
    /// `ACTIONS_QUEUE_URL`: URL of the actions queue, whose messages it hides.
    pub actions_queue_url: String,
    /// `BOT_ACTIONS_QUEUE_URL`: URL of the bot's own queue.
    pub bot_actions_queue_url: String,
    /// `ACTIONS_DEAD_LETTER_QUEUE_URL`: URL of the actions' dead-letter queue.
    pub dead_letter_queue_url: String,
    /// `CHANNEL_SECRETS_ARN`: ARN or name of the channels' secret.
    pub secret_arn: String,
    /// `SENDER_CONCURRENCY`: the most senders at a time, which share the channels' rates.
    pub concurrency: NonZeroU32,
    /// `METRICS_NAMESPACE`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
    /// `tidings.json` in `LAMBDA_TASK_ROOT`, which Lambda sets itself: the folder of the function's package.
    pub artefact: PathBuf,
}

/// The feed's environment variables, as the template sets them. It is the reader's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// `CLAIMS_TABLE`: name of the claims table, for status URLs and with what is appended.
    pub claims_table: String,
    /// `CONTEXT_TABLE`: name of the context table.
    pub context_table: String,
    /// `FEED_SECRET_ARN`: ARN or name of the secret with the keys of viewers' tokens. Only the feed has this variable.
    pub secret_arn: String,
    /// `STATUS_SECRET_ARN`: ARN or name of the secret for status URLs.
    pub status_secret_arn: String,
    /// `FEED_ORIGINS`: the origins of the pages that may read, with commas between them, or `*`. Absent: none.
    pub origins: String,
    /// `METRICS_NAMESPACE`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
}

/// The publisher's environment variables, as the template sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherSettings {
    /// `ENDPOINTS_TABLE`: name of the endpoints table.
    pub endpoints_table: String,
    /// `DELIVERIES_TABLE`: name of the deliveries table.
    pub deliveries_table: String,
    /// `PUBLISHED_QUEUE_URL`: URL of the published queue, for notices.
    pub published_queue_url: String,
    /// `DELIVERIES_QUEUE_URL`: URL of the deliveries queue.
    pub deliveries_queue_url: String,
    /// `ENDPOINTS_SECRET_ARN`: ARN or name of the secret for the endpoints' secrets.
    pub endpoints_secret_arn: String,
    /// `KAFKA_QUEUE_ARN`: the queue from which Kafka's function takes events. `None`: the stack has none.
    pub kafka_queue_arn: Option<String>,
    /// `METRICS_NAMESPACE`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
    /// `tidings.json` in `LAMBDA_TASK_ROOT`, which Lambda sets itself: the folder of the function's package.
    pub artefact: PathBuf,
}

/// The environment variables of the endpoints' API, which is the publisher's program, as the template sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalSettings {
    /// `ENDPOINTS_TABLE`: name of the endpoints table.
    pub endpoints_table: String,
    /// `DELIVERIES_TABLE`: name of the deliveries table.
    pub deliveries_table: String,
    /// `DELIVERIES_QUEUE_URL`: URL of the deliveries queue.
    pub deliveries_queue_url: String,
    /// `ENDPOINTS_SECRET_ARN`: ARN or name of the secret for the endpoints' secrets.
    pub endpoints_secret_arn: String,
    /// `PORTAL_TOKENS_ARN`: ARN or name of the secret with the tokens of backends. Only the API has this variable.
    pub tokens_arn: String,
    /// `METRICS_NAMESPACE`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
    /// `tidings.json` in `LAMBDA_TASK_ROOT`, which Lambda sets itself: the folder of the function's package.
    pub artefact: PathBuf,
}

/// The environment variables of Kafka's function, as the template sets them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `KAFKA_SECRET_ARN`: ARN or name of the secret for users and passwords of brokers.
    pub kafka_secret_arn: String,
    /// `METRICS_NAMESPACE`, and `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
    pub written: Written,
    /// `tidings.json` in `LAMBDA_TASK_ROOT`, which Lambda sets itself: the folder of the function's package.
    pub artefact: PathBuf,
}

/// Who may read contexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderAccess {
    /// `iam`: callers that may invoke the route. API Gateway checks the signature.
    Iam,
    /// `token`: callers with a bearer token of this secret.
    Token { secret_arn: String },
}

/// A variable that is missing or wrong. Its value is never shown: it may be a secret, put there by mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub name: &'static str,
    pub what: &'static str,
    pub example: &'static str,
}

/// All problems of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment is incomplete:")?;
        for Problem { name, what, example } in &self.0 {
            write!(f, "\n  {name} {what}; example: {name}={example}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

const TASK_ROOT: Variable = Variable { name: "LAMBDA_TASK_ROOT", example: "/var/task" };
const CLAIMS_TABLE: Variable = Variable { name: "CLAIMS_TABLE", example: "tidings-claims" };
const CONTEXT_TABLE: Variable = Variable { name: "CONTEXT_TABLE", example: "tidings-context" };
const TIMERS_TABLE: Variable = Variable { name: "TIMERS_TABLE", example: "tidings-timers" };
const EVENTS_QUEUE_URL: Variable =
    Variable { name: "EVENTS_QUEUE_URL", example: "https://sqs.eu-central-1.amazonaws.com/123456789012/tidings-events" };
const LINKS_QUEUE_ARN: Variable =
    Variable { name: "LINKS_QUEUE_ARN", example: "arn:aws:sqs:eu-central-1:123456789012:tidings-links" };
const ACTIONS_QUEUE_URL: Variable =
    Variable { name: "ACTIONS_QUEUE_URL", example: "https://sqs.eu-central-1.amazonaws.com/123456789012/tidings-actions.fifo" };
const SECRET_ARN: Variable =
    Variable { name: "SECRET_ARN", example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-AbCdEf" };
const CAPTURED_SECRET_ARN: Variable = Variable {
    name: "CAPTURED_SECRET_ARN",
    example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-captured-AbCdEf",
};
const API_SECRET_ARN: Variable =
    Variable { name: "API_SECRET_ARN", example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-apis-AbCdEf" };
const SENDS_TABLE: Variable = Variable { name: "SENDS_TABLE", example: "tidings-sends" };
const BOT_ACTIONS_QUEUE_URL: Variable = Variable {
    name: "BOT_ACTIONS_QUEUE_URL",
    example: "https://sqs.eu-central-1.amazonaws.com/123456789012/tidings-bot-actions.fifo",
};
const ACTIONS_DEAD_LETTER_QUEUE_URL: Variable = Variable {
    name: "ACTIONS_DEAD_LETTER_QUEUE_URL",
    example: "https://sqs.eu-central-1.amazonaws.com/123456789012/tidings-actions-dead.fifo",
};
const CHANNEL_SECRETS_ARN: Variable = Variable {
    name: "CHANNEL_SECRETS_ARN",
    example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-channels-AbCdEf",
};
const SENDER_CONCURRENCY: Variable = Variable { name: "SENDER_CONCURRENCY", example: "5" };
const CONTEXT_API: Variable = Variable { name: "CONTEXT_API", example: "iam" };
const CONTEXT_TOKENS_SECRET_ARN: Variable = Variable {
    name: "CONTEXT_TOKENS_SECRET_ARN",
    example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-context-AbCdEf",
};
const PUBLISHED_QUEUE_URL: Variable =
    Variable { name: "PUBLISHED_QUEUE_URL", example: "https://sqs.eu-central-1.amazonaws.com/123456789012/tidings-published" };
const ENDPOINTS_TABLE: Variable = Variable { name: "ENDPOINTS_TABLE", example: "tidings-endpoints" };
const DELIVERIES_TABLE: Variable = Variable { name: "DELIVERIES_TABLE", example: "tidings-deliveries" };
const DELIVERIES_QUEUE_URL: Variable =
    Variable { name: "DELIVERIES_QUEUE_URL", example: "https://sqs.eu-central-1.amazonaws.com/123456789012/tidings-deliveries" };
const ENDPOINTS_SECRET_ARN: Variable = Variable {
    name: "ENDPOINTS_SECRET_ARN",
    example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-endpoints-AbCdEf",
};
const PORTAL_TOKENS_ARN: Variable = Variable {
    name: "PORTAL_TOKENS_ARN",
    example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-portal-AbCdEf",
};
const KAFKA_QUEUE_ARN: Variable =
    Variable { name: "KAFKA_QUEUE_ARN", example: "arn:aws:sqs:eu-central-1:123456789012:tidings-kafka.fifo" };
const KAFKA_SECRET_ARN: Variable = Variable {
    name: "KAFKA_SECRET_ARN",
    example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-kafka-AbCdEf",
};
const KEEP_EVENTS: Variable = Variable { name: "KEEP_EVENTS", example: "false" };
const TENANTS_TABLE: Variable = Variable { name: "TENANTS_TABLE", example: "tidings-tenants" };
const STATUS_SECRET_ARN: Variable = Variable {
    name: "STATUS_SECRET_ARN",
    example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-status-AbCdEf",
};
const FEED_SECRET_ARN: Variable =
    Variable { name: "FEED_SECRET_ARN", example: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-feed-AbCdEf" };
const FEED_ORIGINS: Variable = Variable { name: "FEED_ORIGINS", example: "https://shop.example" };
const FEED: Variable = Variable { name: "FEED", example: "false" };
const METRICS_NAMESPACE: Variable = Variable { name: "METRICS_NAMESPACE", example: "Tidings/tidings" };
const SOURCE_METRICS: Variable = Variable { name: "SOURCE_METRICS", example: "false" };
const LOG_SAMPLING: Variable = Variable { name: "LOG_SAMPLING", example: "100" };
const FAIR_QUEUE: Variable = Variable { name: "FAIR_QUEUE", example: "false" };
const MAX_RECEIVE_COUNT: Variable = Variable { name: "MAX_RECEIVE_COUNT", example: "5" };

impl ReceiverSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] = &[
        CLAIMS_TABLE.name,
        EVENTS_QUEUE_URL.name,
        FAIR_QUEUE.name,
        SECRET_ARN.name,
        CAPTURED_SECRET_ARN.name,
        STATUS_SECRET_ARN.name,
        TENANTS_TABLE.name,
        METRICS_NAMESPACE.name,
        SOURCE_METRICS.name,
        LOG_SAMPLING.name,
    ];

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings = Self {
            claims_table: reader.text(CLAIMS_TABLE),
            events_queue_url: reader.url(EVENTS_QUEUE_URL),
            fair_queue: reader.optional_switch(FAIR_QUEUE).unwrap_or_default(),
            secret_arn: reader.text(SECRET_ARN),
            captured_secret_arn: reader.optional(CAPTURED_SECRET_ARN),
            status_secret_arn: reader.optional(STATUS_SECRET_ARN),
            tenants_table: reader.optional(TENANTS_TABLE),
            written: reader.written(),
            artefact: reader.artefact(),
        };
        reader.finish(settings)
    }
}

impl ProcessorSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] = &[
        CLAIMS_TABLE.name,
        CONTEXT_TABLE.name,
        TIMERS_TABLE.name,
        EVENTS_QUEUE_URL.name,
        LINKS_QUEUE_ARN.name,
        ACTIONS_QUEUE_URL.name,
        API_SECRET_ARN.name,
        PUBLISHED_QUEUE_URL.name,
        SENDS_TABLE.name,
        KEEP_EVENTS.name,
        FEED.name,
        MAX_RECEIVE_COUNT.name,
        METRICS_NAMESPACE.name,
        SOURCE_METRICS.name,
        LOG_SAMPLING.name,
    ];

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings = Self {
            claims_table: reader.text(CLAIMS_TABLE),
            context_table: reader.text(CONTEXT_TABLE),
            timers_table: reader.text(TIMERS_TABLE),
            events_queue_url: reader.url(EVENTS_QUEUE_URL),
            links_queue_arn: reader.arn(LINKS_QUEUE_ARN),
            actions_queue_url: reader.url(ACTIONS_QUEUE_URL),
            api_secret_arn: reader.optional(API_SECRET_ARN),
            published_queue_url: reader.optional_url(PUBLISHED_QUEUE_URL),
            sends_table: reader.optional(SENDS_TABLE),
            keep_events: reader.switch(KEEP_EVENTS),
            feed: reader.optional_switch(FEED).unwrap_or(false),
            max_receive_count: reader.count(MAX_RECEIVE_COUNT),
            written: reader.written(),
            artefact: reader.artefact(),
        };
        reader.finish(settings)
    }
}

impl ReaderSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] =
        &[CONTEXT_TABLE.name, CONTEXT_API.name, CONTEXT_TOKENS_SECRET_ARN.name, METRICS_NAMESPACE.name];

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings =
            Self { context_table: reader.text(CONTEXT_TABLE), access: reader.access(), written: reader.written_by_the_reader() };
        reader.finish(settings)
    }
}

impl SenderSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] = &[
        SENDS_TABLE.name,
        ACTIONS_QUEUE_URL.name,
        BOT_ACTIONS_QUEUE_URL.name,
        ACTIONS_DEAD_LETTER_QUEUE_URL.name,
        CHANNEL_SECRETS_ARN.name,
        SENDER_CONCURRENCY.name,
        METRICS_NAMESPACE.name,
    ];

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings = Self {
            sends_table: reader.text(SENDS_TABLE),
            actions_queue_url: reader.url(ACTIONS_QUEUE_URL),
            bot_actions_queue_url: reader.url(BOT_ACTIONS_QUEUE_URL),
            dead_letter_queue_url: reader.url(ACTIONS_DEAD_LETTER_QUEUE_URL),
            secret_arn: reader.text(CHANNEL_SECRETS_ARN),
            concurrency: reader.count(SENDER_CONCURRENCY),
            written: reader.written_by_the_reader(),
            artefact: reader.artefact(),
        };
        reader.finish(settings)
    }
}

impl FeedSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] = &[
        CLAIMS_TABLE.name,
        CONTEXT_TABLE.name,
        FEED_SECRET_ARN.name,
        STATUS_SECRET_ARN.name,
        FEED_ORIGINS.name,
        METRICS_NAMESPACE.name,
    ];

    /// Whether the environment is the feed's.
    pub fn are_in(lookup: Lookup<'_>) -> bool {
        lookup(FEED_SECRET_ARN.name).is_some()
    }

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings = Self {
            claims_table: reader.text(CLAIMS_TABLE),
            context_table: reader.text(CONTEXT_TABLE),
            secret_arn: reader.text(FEED_SECRET_ARN),
            status_secret_arn: reader.text(STATUS_SECRET_ARN),
            origins: reader.optional(FEED_ORIGINS).unwrap_or_default(),
            written: reader.written_by_the_reader(),
        };
        reader.finish(settings)
    }
}

impl PublisherSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] = &[
        ENDPOINTS_TABLE.name,
        DELIVERIES_TABLE.name,
        PUBLISHED_QUEUE_URL.name,
        DELIVERIES_QUEUE_URL.name,
        ENDPOINTS_SECRET_ARN.name,
        KAFKA_QUEUE_ARN.name,
        METRICS_NAMESPACE.name,
    ];

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings = Self {
            endpoints_table: reader.text(ENDPOINTS_TABLE),
            deliveries_table: reader.text(DELIVERIES_TABLE),
            published_queue_url: reader.url(PUBLISHED_QUEUE_URL),
            deliveries_queue_url: reader.url(DELIVERIES_QUEUE_URL),
            endpoints_secret_arn: reader.text(ENDPOINTS_SECRET_ARN),
            kafka_queue_arn: reader.optional(KAFKA_QUEUE_ARN),
            written: reader.written_by_the_reader(),
            artefact: reader.artefact(),
        };
        reader.finish(settings)
    }
}

impl PortalSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] = &[
        ENDPOINTS_TABLE.name,
        DELIVERIES_TABLE.name,
        DELIVERIES_QUEUE_URL.name,
        ENDPOINTS_SECRET_ARN.name,
        PORTAL_TOKENS_ARN.name,
        METRICS_NAMESPACE.name,
    ];

    /// Whether the environment is the API's.
    pub fn are_in(lookup: Lookup<'_>) -> bool {
        lookup(PORTAL_TOKENS_ARN.name).is_some()
    }

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings = Self {
            endpoints_table: reader.text(ENDPOINTS_TABLE),
            deliveries_table: reader.text(DELIVERIES_TABLE),
            deliveries_queue_url: reader.url(DELIVERIES_QUEUE_URL),
            endpoints_secret_arn: reader.text(ENDPOINTS_SECRET_ARN),
            tokens_arn: reader.text(PORTAL_TOKENS_ARN),
            written: reader.written_by_the_reader(),
            artefact: reader.artefact(),
        };
        reader.finish(settings)
    }
}

impl KafkaSettings {
    /// The names of all variables that the template sets, for the test that compares both.
    pub const VARIABLES: &'static [&'static str] = &[KAFKA_SECRET_ARN.name, METRICS_NAMESPACE.name];

    pub fn read(lookup: Lookup<'_>) -> Result<Self, Problems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let settings = Self {
            kafka_secret_arn: reader.text(KAFKA_SECRET_ARN),
            written: reader.written_by_the_reader(),
            artefact: reader.artefact(),
        };
        reader.finish(settings)
    }
}

#[derive(Clone, Copy)]
struct Variable {
    name: &'static str,
    example: &'static str,
}

struct Reader<'a> {
    lookup: Lookup<'a>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn text(&mut self, variable: Variable) -> String {
        match (self.lookup)(variable.name) {
            None => self.problem(variable, "is missing"),
            Some(value) if value.trim().is_empty() => self.problem(variable, "is empty"),
            Some(value) => value,
        }
    }

    /// An emulator may leave the variable out. Then the file is beside the bootstrap, which is the same place on Lambda.
    fn artefact(&self) -> PathBuf {
        let beside = || Some(std::env::current_exe().ok()?.parent()?.to_owned());
        self.optional(TASK_ROOT).map(PathBuf::from).or_else(beside).unwrap_or_default().join(ARTEFACT)
    }

    fn written(&mut self) -> Written {
        Written {
            source_metrics: self.optional_switch(SOURCE_METRICS).unwrap_or(true),
            sampling: self.sampling(),
            ..self.written_by_the_reader()
        }
    }

    /// It has no event of a source: nothing to sample, and no variable for it.
    fn written_by_the_reader(&mut self) -> Written {
        let (namespace, xray_daemon) = (self.text(METRICS_NAMESPACE), self.xray_daemon());
        Written { namespace, source_metrics: true, sampling: Sampling::FULL, xray_daemon }
    }

    /// Absent, as in templates from before the variable: every event has lines.
    fn sampling(&mut self) -> Sampling {
        let Some(value) = self.optional(LOG_SAMPLING) else { return Sampling::FULL };
        let sampling = value.parse().ok().and_then(Sampling::percent);
        sampling.unwrap_or_else(|| {
            drop(self.problem(LOG_SAMPLING, "is not a percentage from 0 to 100"));
            Sampling::FULL
        })
    }

    /// `None`: the variable is absent, as in templates from before it.
    fn optional_switch(&mut self, variable: Variable) -> Option<bool> {
        self.optional(variable).map(|_| self.switch(variable))
    }

    /// Without a valid address there are no traces.
    fn xray_daemon(&self) -> Option<SocketAddr> {
        (self.lookup)("AWS_XRAY_DAEMON_ADDRESS").and_then(|address| address.parse().ok())
    }

    /// `None`: the variable is absent or empty.
    fn optional(&self, variable: Variable) -> Option<String> {
        (self.lookup)(variable.name).filter(|value| !value.trim().is_empty())
    }

    fn url(&mut self, variable: Variable) -> String {
        let value = self.text(variable);
        if value.is_empty() || value.starts_with("https://") || value.starts_with("http://") {
            value
        } else {
            self.problem(variable, "is not a URL")
        }
    }

    /// `None`: the variable is absent or empty.
    fn optional_url(&mut self, variable: Variable) -> Option<String> {
        self.optional(variable).map(|_| self.url(variable))
    }

    fn arn(&mut self, variable: Variable) -> String {
        let value = self.text(variable);
        if value.is_empty() || value.starts_with("arn:") { value } else { self.problem(variable, "is not an ARN") }
    }

    fn count(&mut self, variable: Variable) -> NonZeroU32 {
        let value = self.text(variable);
        if !value.is_empty() && value.parse::<NonZeroU32>().is_err() {
            self.problem(variable, "is not a number from 1 on");
        }
        value.parse().unwrap_or(NonZeroU32::MIN)
    }

    fn switch(&mut self, variable: Variable) -> bool {
        let value = self.text(variable);
        if !value.is_empty() && value.parse::<bool>().is_err() {
            self.problem(variable, "is neither true nor false");
        }
        value.parse().unwrap_or(false)
    }

    /// There is no default: a reader without this setting doesn't start.
    fn access(&mut self) -> ReaderAccess {
        match self.text(CONTEXT_API).as_str() {
            "" | "iam" => {}
            "token" => return ReaderAccess::Token { secret_arn: self.text(CONTEXT_TOKENS_SECRET_ARN) },
            _ => drop(self.problem(CONTEXT_API, "is neither iam nor token")),
        }
        ReaderAccess::Iam
    }

    fn problem(&mut self, Variable { name, example }: Variable, what: &'static str) -> String {
        self.problems.push(Problem { name, what, example });
        String::new()
    }

    fn finish<T>(self, settings: T) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(settings) } else { Err(Problems(self.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_reported_together_without_values() {
        let lookup = |name: &str| match name {
            "CLAIMS_TABLE" => Some(" ".to_owned()),
            "MAX_RECEIVE_COUNT" => Some("whsec_oops".to_owned()),
            "KEEP_EVENTS" => Some("True".to_owned()),
            "LINKS_QUEUE_ARN" => Some("https://sqs.example/oops".to_owned()),
            _ => None,
        };
        let text = ProcessorSettings::read(&lookup).unwrap_err().to_string();
        assert!(text.contains("CLAIMS_TABLE is empty"), "{text}");
        assert!(text.contains("CONTEXT_TABLE is missing; example: CONTEXT_TABLE=tidings-context"), "{text}");
        assert!(text.contains("MAX_RECEIVE_COUNT is not a number"), "{text}");
        assert!(text.contains("KEEP_EVENTS is neither true nor false; example: KEEP_EVENTS=false"), "{text}");
        assert!(text.contains("LINKS_QUEUE_ARN is not an ARN; example: LINKS_QUEUE_ARN=arn:aws:sqs:"), "{text}");
        assert!(!text.contains("oops"), "{text}");
    }

    #[test]
    fn variables_that_older_templates_do_not_set_have_the_meaning_that_those_had() {
        let written = |given: &[(&str, &str)]| {
            let given: std::collections::BTreeMap<_, _> = given.iter().copied().collect();
            let lookup = |name: &str| match name {
                "SOURCE_METRICS" | "LOG_SAMPLING" | "FAIR_QUEUE" => given.get(name).map(|value| (*value).to_owned()),
                "EVENTS_QUEUE_URL" => Some(EVENTS_QUEUE_URL.example.to_owned()),
                _ => Some("x".to_owned()),
            };
            let settings = ReceiverSettings::read(&lookup).map_err(|problems| problems.to_string())?;
            Ok::<_, String>((settings.written.source_metrics, settings.written.sampling, settings.fair_queue))
        };
        assert_eq!(written(&[]), Ok((true, Sampling::FULL, false)));
        let given = [("SOURCE_METRICS", "false"), ("LOG_SAMPLING", "10"), ("FAIR_QUEUE", "true")];
        assert_eq!(written(&given), Ok((false, Sampling::percent(10).unwrap(), true)));
        for (name, value) in [("SOURCE_METRICS", "no"), ("LOG_SAMPLING", "101"), ("LOG_SAMPLING", "-1"), ("FAIR_QUEUE", "1")] {
            assert!(written(&[(name, value)]).unwrap_err().contains(name), "{name}={value}");
        }
    }

    #[test]
    fn keep_events_is_required() {
        let keeps = |word: Option<&str>| {
            let example = |v: &Variable| (v.name, v.example.to_owned());
            let (tables, queues) =
                ([CLAIMS_TABLE, CONTEXT_TABLE, TIMERS_TABLE], [EVENTS_QUEUE_URL, LINKS_QUEUE_ARN, ACTIONS_QUEUE_URL]);
            let all = [&tables[..], &queues, &[MAX_RECEIVE_COUNT, METRICS_NAMESPACE]].concat();
            let mut given: std::collections::BTreeMap<_, _> = all.iter().map(example).collect();
            given.extend(word.map(|word| (KEEP_EVENTS.name, word.to_owned())));
            ProcessorSettings::read(&|name| given.get(name).cloned()).map(|settings| settings.keep_events).ok()
        };
        assert_eq!((keeps(Some("true")), keeps(Some("false"))), (Some(true), Some(false)));
        for neither in [None, Some(""), Some("yes"), Some("1"), Some("TRUE"), Some(" true")] {
            assert_eq!(keeps(neither), None, "{neither:?}");
        }
    }

    #[test]
    fn a_reader_without_an_access_setting_does_not_start() {
        let access = |api: &str, secret: Option<&str>| {
            let secret = secret.map(str::to_owned);
            let lookup = |name: &str| match name {
                "CONTEXT_API" => Some(api.to_owned()),
                "CONTEXT_TOKENS_SECRET_ARN" => secret.clone(),
                _ => Some("x".to_owned()),
            };
            ReaderSettings::read(&lookup).map(|settings| settings.access).map_err(|problems| problems.to_string())
        };
        assert_eq!(access("iam", Some("")), Ok(ReaderAccess::Iam));
        assert_eq!(access("token", Some("arn")), Ok(ReaderAccess::Token { secret_arn: "arn".to_owned() }));
        for api in ["", "false", "IAM", "none"] {
            assert!(access(api, Some("arn")).is_err(), "{api:?}");
        }
        for secret in [None, Some(""), Some(" ")] {
            assert!(access("token", secret).is_err_and(|said| said.contains("CONTEXT_TOKENS_SECRET_ARN")), "{secret:?}");
        }
    }

    #[test]
    fn examples_are_valid() {
        let lookup = |name: &str| {
            let tables = [CLAIMS_TABLE, CONTEXT_TABLE, TIMERS_TABLE];
            let others = [
                EVENTS_QUEUE_URL,
                LINKS_QUEUE_ARN,
                ACTIONS_QUEUE_URL,
                SECRET_ARN,
                CAPTURED_SECRET_ARN,
                API_SECRET_ARN,
                PUBLISHED_QUEUE_URL,
                KEEP_EVENTS,
                MAX_RECEIVE_COUNT,
                METRICS_NAMESPACE,
                CONTEXT_API,
                CONTEXT_TOKENS_SECRET_ARN,
                ENDPOINTS_TABLE,
                DELIVERIES_TABLE,
                DELIVERIES_QUEUE_URL,
                ENDPOINTS_SECRET_ARN,
                PORTAL_TOKENS_ARN,
                FEED_SECRET_ARN,
                STATUS_SECRET_ARN,
                FEED_ORIGINS,
                SENDS_TABLE,
                BOT_ACTIONS_QUEUE_URL,
                ACTIONS_DEAD_LETTER_QUEUE_URL,
                CHANNEL_SECRETS_ARN,
                SENDER_CONCURRENCY,
            ];
            let all = tables.into_iter().chain(others).collect::<Vec<_>>();
            all.iter().find(|v| v.name == name).map(|v| v.example.to_owned())
        };
        ReceiverSettings::read(&lookup).expect("the receiver's examples");
        ReaderSettings::read(&lookup).expect("the reader's examples");
        PublisherSettings::read(&lookup).expect("the publisher's examples");
        PortalSettings::read(&lookup).expect("the examples of the endpoints' API");
        assert!(PortalSettings::are_in(&lookup) && !PortalSettings::are_in(&|_| None));
        FeedSettings::read(&lookup).expect("the feed's examples");
        assert!(FeedSettings::are_in(&lookup) && !FeedSettings::are_in(&|_| None));
        SenderSettings::read(&lookup).expect("the sender's examples");
        assert_eq!(ProcessorSettings::read(&lookup).expect("the processor's examples").max_receive_count.get(), 5);
    }
}
