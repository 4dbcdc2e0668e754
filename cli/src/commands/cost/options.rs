//! The arguments of `tidings cost`. Each overrides one number of the template's default stack, or of `--stack`.

use crate::Failure;
use crate::cost::{Architecture, FrontDoor, Share, SinkKind, Variant};
use crate::limits::{MAX_COST_SPAN, MAX_PRICED_EVENTS, MIN_COST_SPAN};
use crate::target::TargetOptions;
use clap::{ArgAction, Args};
use std::path::PathBuf;
use tidings_config::limits::{MAX_BATCH_MESSAGES, MAX_ENDPOINTS};
use tidings_config::rules::Span;

/// Events that `--keep-events` assumes to have this size, if the size isn't given.
const STORED_BYTES: u64 = 2_048;

#[derive(Debug, Args)]
#[command(
    after_help = "Without --stack: the template's defaults, counted calls and bytes, and assumed durations. With it: the stack's own \
        parameters, rates, durations and bytes, of which each option replaces one. Nothing was measured on AWS by us.\n\
        Prices are AWS's list prices of us-east-1, without free tiers; --prices reads those of your region.\n\
        Exit status: 0 done, 1 the stack or a file can't be read, 2 invalid arguments.\n\nExamples:\n  \
        tidings cost --events 1e6\n  \
        tidings cost --events 1e6 --front-door function-url --log-sampling 10\n  \
        tidings cost --events 5e6 --actions-per-event 0.3 --duplicates 5% --forged 1e5\n  \
        tidings cost --events 1e6 --endpoints 2 --sink eventbridge --sink kafka\n  \
        tidings cost --stack tidings --over 7d\n  \
        tidings cost --print-prices > eu-central-1.toml\n  \
        tidings cost --events 1e6 --json | jq -r '.lines[] | [.item, .dollars] | @tsv'"
)]
pub struct CostOptions {
    /// New events a month, as 1000000 or 1e6
    #[arg(long, value_name = "N", value_parser = number)]
    pub events: Option<u64>,
    /// Deliveries of known events, as a share of the events
    #[arg(long, value_name = "SHARE")]
    pub duplicates: Option<Share>,
    /// Forged requests a month
    #[arg(long, value_name = "N", value_parser = number)]
    pub forged: Option<u64>,
    /// Notifications that an event sends, on average
    #[arg(long, value_name = "N", value_parser = average)]
    pub actions_per_event: Option<f64>,
    /// Timers a month: of joins, and of notifications that wait
    #[arg(long, value_name = "N", value_parser = number)]
    pub timers: Option<u64>,
    /// How many hours a timer waits
    #[arg(long, value_name = "HOURS", value_parser = average)]
    pub timer_hours: Option<f64>,
    /// Events of a batch, on average: 1 for few events, up to 10 in a burst
    #[arg(long, value_name = "N", value_parser = batch)]
    pub batch_size: Option<f64>,
    /// Number of sources
    #[arg(long, value_name = "N", value_parser = number)]
    pub sources: Option<u64>,
    /// Parameter FrontDoor
    #[arg(long)]
    pub front_door: Option<FrontDoor>,
    /// Parameter Architecture
    #[arg(long)]
    pub architecture: Option<Architecture>,
    /// Tracing=Active
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    pub tracing: Option<bool>,
    /// Parameter LogLevel
    #[arg(long, value_name = "LEVEL", value_parser = ["debug", "info", "warn", "error"])]
    pub log_level: Option<String>,
    /// Parameter LogSampling: percentage of the events that have lines
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub log_sampling: Option<u8>,
    /// Parameter SourceMetrics
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    pub source_metrics: Option<bool>,
    /// KeepEvents=true, with events of so many bytes
    #[arg(long, value_name = "BYTES", num_args = 0..=1, default_missing_value = "2048", value_parser = number)]
    pub keep_events: Option<u64>,
    /// Parameter FairQueue
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    pub fair_queue: Option<bool>,
    /// Event pollers that run all month: parameter ProcessorMinPollers
    #[arg(long, value_name = "N", value_parser = number)]
    pub provisioned_pollers: Option<u64>,
    /// All alarms, with both topics
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    pub alarms: Option<bool>,
    /// CreateDashboard=true
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    pub dashboard: Option<bool>,
    /// Sender=true: every action is said by it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    pub sender: Option<bool>,
    /// Publisher=true
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    pub publisher: Option<bool>,
    /// Endpoints that get each event. There is a publisher then
    #[arg(long, value_name = "N", value_parser = endpoints)]
    pub endpoints: Option<u64>,
    /// A sink that gets each event, once or more. There is a publisher then, and for Kafka its queue
    #[arg(long = "sink", value_name = "KIND")]
    pub sinks: Vec<SinkKind>,
    /// Bytes of an event as it is published, or kept by an outbox
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub event_bytes: Option<u64>,
    /// Events of sources with durability: outbox, as a share of the events
    #[arg(long, value_name = "SHARE")]
    pub outbox: Option<Share>,
    /// A file of prices, instead of those of us-east-1: --print-prices has its form
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Print the prices with their sources, as a file for --prices
    #[arg(long)]
    pub print_prices: bool,
    /// With --stack: the time whose rates, durations and bytes are taken, as in 24h or 7d
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = over)]
    pub over: Span,
    #[command(flatten)]
    pub target: TargetOptions,
}

impl CostOptions {
    /// The variant of these options: each that is given replaces a number.
    pub(super) fn variant(&self, of: Variant) -> Result<Variant, Failure> {
        let info_lines = self.log_level.as_deref().map(|level| matches!(level, "debug" | "info"));
        let sinks = if self.sinks.is_empty() { of.sinks.clone() } else { self.sinks.clone() };
        let endpoints = self.endpoints.unwrap_or(of.endpoints);
        let goes_out = endpoints > 0 || !sinks.is_empty();
        let variant = Variant {
            events: self.events.unwrap_or(of.events),
            duplicates: self.duplicates.unwrap_or(of.duplicates),
            forged: self.forged.unwrap_or(of.forged),
            actions_per_event: self.actions_per_event.unwrap_or(of.actions_per_event),
            timers: self.timers.unwrap_or(of.timers),
            timer_hours: self.timer_hours.unwrap_or(of.timer_hours),
            batch_size: self.batch_size.unwrap_or(of.batch_size),
            sources: self.sources.unwrap_or(of.sources),
            front_door: self.front_door.unwrap_or(of.front_door),
            architecture: self.architecture.unwrap_or(of.architecture),
            tracing: self.tracing.unwrap_or(of.tracing),
            info_lines: info_lines.unwrap_or(of.info_lines),
            log_sampling: self.log_sampling.unwrap_or(of.log_sampling),
            source_metrics: self.source_metrics.unwrap_or(of.source_metrics),
            stored_event_bytes: self.keep_events.map_or(of.stored_event_bytes, |bytes| (bytes > 0).then_some(bytes)),
            fair_queue: self.fair_queue.unwrap_or(of.fair_queue),
            provisioned_pollers: self.provisioned_pollers.unwrap_or(of.provisioned_pollers),
            alarms: self.alarms.unwrap_or(of.alarms),
            dashboard: self.dashboard.unwrap_or(of.dashboard),
            receiver_memory_mb: of.receiver_memory_mb,
            processor_memory_mb: of.processor_memory_mb,
            gradual_deployment: of.gradual_deployment,
            further_secrets: of.further_secrets,
            sender: self.sender.unwrap_or(of.sender),
            publisher: self.publisher.unwrap_or(of.publisher || goes_out),
            endpoints,
            kafka: of.kafka || sinks.contains(&SinkKind::Kafka),
            sinks,
            event_bytes: self.event_bytes.unwrap_or(of.event_bytes),
            outbox: self.outbox.unwrap_or(of.outbox),
        };
        match variant.events.checked_mul(variant.sources.max(1)) {
            Some(_) => Ok(variant),
            None => Err(Failure::new("so many events of so many sources can't be priced")),
        }
    }
}

/// The size that `KeepEvents` of a stack is priced with.
pub(super) const fn stored_bytes() -> u64 {
    STORED_BYTES
}

/// A whole number, also in the form 1e6.
fn number(text: &str) -> Result<u64, String> {
    let plain = text.replace(['_', ','], "");
    let number = plain.parse::<f64>().ok().filter(|number| (0.0..=MAX_PRICED_EVENTS as f64).contains(number));
    match number {
        Some(number) if number.fract() == 0.0 => Ok(number as u64),
        Some(_) | None => Err(format!("allowed: a whole number from 0 to {:e}, such as 250000 or 1e6", MAX_PRICED_EVENTS as f64)),
    }
}

fn average(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=1_000.0).contains(number));
    number.ok_or_else(|| "allowed: a number from 0 to 1000, such as 0.3".to_owned())
}

fn endpoints(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number <= MAX_ENDPOINTS as u64);
    number.ok_or_else(|| format!("allowed: 0 to {MAX_ENDPOINTS}"))
}

fn batch(text: &str) -> Result<f64, String> {
    let most = MAX_BATCH_MESSAGES as f64;
    let number = text.parse::<f64>().ok().filter(|number| (1.0..=most).contains(number));
    number.ok_or_else(|| format!("allowed: a number from 1 to {most}, such as 1 or 2.5"))
}

fn over(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if (MIN_COST_SPAN..=MAX_COST_SPAN).contains(&span.duration()) {
        Ok(span)
    } else {
        Err(format!("allowed: {} to {}", Span::new(MIN_COST_SPAN), Span::new(MAX_COST_SPAN)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_events_has_one_of_several_forms() {
        for (text, number_of) in
            [("0", 0), ("1000000", 1_000_000), ("1e6", 1_000_000), ("2.5e3", 2_500), ("1_000", 1_000), ("1,000", 1_000)]
        {
            assert_eq!(number(text), Ok(number_of), "{text}");
        }
        for text in ["", "-1", "1.5", "1e13", "nan", "inf", "many"] {
            assert!(number(text).is_err_and(|said| said.contains("allowed")), "{text}");
        }
        assert!(batch("0.5").is_err() && batch("11").is_err() && batch("2.5") == Ok(2.5));
        assert!("5".parse::<Share>().is_err() && "-1%".parse::<Share>().is_err());
        assert_eq!("5%".parse::<Share>(), Ok(Share(0.05)));
    }
}
