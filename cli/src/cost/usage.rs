//! What a month takes of AWS, in the units of its price list: from counts, or measured by a stack's own metrics.

use super::counts::Counts;
use super::real;
use super::variant::{FrontDoor, Variant};
use serde::Serialize;

/// A month of 30 days.
const SECONDS: f64 = 30.0 * 86_400.0;
const HOURS: f64 = SECONDS / 3_600.0;

/// Mappings of the template (events, links), and what each polls of an idle queue: five pollers, each of which waits for
/// 20 s (Lambda developer guide, "Using Lambda with Amazon SQS").
const MAPPINGS: f64 = 2.0;
pub(super) const IDLE_POLLS: f64 = 5.0 * SECONDS / 20.0;

/// Lambda samples the first request of each second, and this share of the others. It has no other rate.
const TRACED_SHARE: f64 = 0.05;

/// Alarms of the template: with a topic, or the dashboard; the composite ones, one for each topic; those of a gradual
/// deployment alone. tests/policy counts them.
const ALARMS: f64 = 27.0;
const COMPOSITE_ALARMS: f64 = 2.0;
const ROLLBACK_ALARMS: f64 = 4.0;

/// A sweep of the timers' table: every five minutes, a consistent read of each of eight partitions and of the progress, and
/// its record. tests/policy counts the schedule.
const SWEEPS: f64 = SECONDS / 300.0;
const READS_OF_A_SWEEP: f64 = 9.0;

/// A timer that is due sooner is a delayed message, sent again every quarter of an hour; another one is stored, and sent
/// once.
const STORED_FROM_HOURS: f64 = 0.5;
const DELAYS_AN_HOUR: f64 = 4.0;

/// Weeks that a timer is stored after it was due, as a part of a month.
const STORED_AFTER: f64 = 14.0 / 30.0;

/// Requests that SQS bills to receive and delete a batch, or an action: one each.
pub(super) const RECEIVE_AND_DELETE: f64 = 2.0;

/// What an action takes of the sender: a write before its request and one after it, and its own invocation of the template's
/// memory. How long a provider takes to answer is assumed. Its queue is FIFO: a poll costs as much as so many of a standard queue.
const WRITES_OF_A_SEND: f64 = 2.0;
const SEND_MS: f64 = 300.0;
const SENDER_MB: u64 = 256;
pub(super) const FIFO_POLL: f64 = 1.25;

/// What a publisher takes in a month without an event: it polls two queues, and a sweep each minute queries four partitions of an
/// index, half a unit each.
const PUBLISHER_MAPPINGS: f64 = 2.0;
const DELIVERY_SWEEPS: f64 = SECONDS / 60.0;
const READS_OF_A_DELIVERY_SWEEP: f64 = 2.0;

const GB: f64 = 1e9;
const MS: f64 = 1_000.0;
const MB_OF_A_GB: f64 = 1_024.0;

/// Quantities of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Requests that the HTTP API takes.
    pub http_requests: f64,
    pub invocations: f64,
    pub gb_seconds: f64,
    pub event_queue_requests: f64,
    pub idle_polls: f64,
    pub action_queue_requests: f64,
    /// Of the requests to the events queue: those that a fair queue adds its price to.
    pub fair_requests: f64,
    pub write_units: f64,
    pub read_units: f64,
    /// Tables and index at the end of the time for which claims are stored.
    pub table_gb: f64,
    pub backup_gb: f64,
    pub log_gb: f64,
    pub stored_log_gb: f64,
    pub traces: f64,
    pub metrics: f64,
    pub alarms: f64,
    pub composite_alarms: f64,
    pub dashboards: f64,
    pub secrets: f64,
    pub poller_hours: f64,
    /// Requests to the published queue and the deliveries queue.
    pub outgoing_queue_requests: f64,
    pub bus_events: f64,
    pub topic_publishes: f64,
    pub sink_queue_requests: f64,
    pub stream_gb: f64,
    pub stream_hours: f64,
    pub firehose_gb: f64,
    pub kafka_queue_requests: f64,
}

impl Usage {
    /// From what the code takes for an event.
    pub fn counted(variant: &Variant, counts: &Counts) -> Self {
        let (counted, assumed) = (&counts.counted, &counts.assumed);
        let (events, forged) = (real(variant.events), real(variant.forged));
        let duplicates = events * variant.duplicates.0;
        let batches = events / variant.batch_size.max(1.0);
        let timers = messages_of_timers(variant);
        let stored = if is_stored(variant) { real(variant.timers) } else { 0.0 };
        let requests = events + duplicates + forged;
        // An event with more than one action writes them in one transaction, and sends each.
        let with_action = events * variant.actions_per_event.min(1.0);
        let without_action = events - with_action;
        let actions = events * variant.actions_per_event;

        let [receiver_ms, processor_ms] = Self::milliseconds(variant, counts);
        let memory = |ms: f64, megabytes: u64| ms / MS * real(megabytes) / MB_OF_A_GB;

        let stored_kb = variant.stored_event_bytes.map_or(0.0, |bytes| (real(bytes) / 1_024.0).ceil());
        let added_by_a_stored_kb = (counted.processed_stored.write_units - counted.processed.write_units)
            / (real(counted.stored_event_bytes) / 1_024.0).ceil().max(1.0);
        let write_units = events * counted.accepted.write_units
            + duplicates * counted.duplicate.write_units
            + without_action * counted.processed.write_units
            + with_action * counted.processed_with_action.write_units
            + events * stored_kb * added_by_a_stored_kb
            + stored * assumed.timer_write_units;
        let read_units = without_action * counted.processed.read_units
            + with_action * counted.processed_with_action.read_units
            + timers * counted.processed.read_units;

        let claim_bytes = real(counted.claim_bytes) + variant.stored_event_bytes.map_or(0.0, real);
        let entities = real(counted.entity_bytes) / real(assumed.events_an_entity).max(1.0);
        let months = real(assumed.claim_days) / 30.0;
        let (claims_gb, entities_gb) = (events * claim_bytes * months / GB, events * entities / GB);
        let timers_gb = stored * real(assumed.timer_bytes) * (variant.timer_hours / HOURS + STORED_AFTER) / GB;

        let lines = if variant.info_lines { f64::from(variant.log_sampling) / 100.0 } else { 0.0 };
        let one_in_a_batch = real(counted.processed.metric_bytes);
        let ten_in_a_batch = real(counted.processed_in_batch_of_ten.metric_bytes);
        // The metrics of a batch are one line for each source: what each further event adds is little.
        let (first, further) = ((one_in_a_batch - ten_in_a_batch) * 10.0 / 9.0, (10.0 * ten_in_a_batch - one_in_a_batch) / 9.0);
        let log_bytes = events * real(counted.accepted.metric_bytes)
            + duplicates * real(counted.duplicate.metric_bytes)
            + forged * real(counted.forged.metric_bytes)
            + batches * first
            + events * further
            + with_action * (real(counted.processed_with_action.metric_bytes) - one_in_a_batch).max(0.0)
            + lines
                * (events * real(counted.accepted.line_bytes)
                    + duplicates * real(counted.duplicate.line_bytes)
                    + without_action * real(counted.processed.line_bytes)
                    + with_action * real(counted.processed_with_action.line_bytes));
        let access_bytes = match variant.front_door {
            FrontDoor::HttpApi => requests * real(assumed.access_line_bytes),
            FrontDoor::FunctionUrl => 0.0,
        };
        let log_gb = (log_bytes + access_bytes) / GB;

        let invocations = requests + batches + timers;
        let event_queue_requests = events * counted.accepted.calls_of("sqs") + (batches + timers) * RECEIVE_AND_DELETE + timers;
        let series = counted.series;
        let of_a_source = series.of_a_source + if variant.source_metrics { series.of_a_source_with_source_metrics } else { 0 };
        let metrics = if variant.events == 0 { 0 } else { series.over_all + variant.sources * of_a_source };
        Self {
            http_requests: match variant.front_door {
                FrontDoor::HttpApi => requests,
                FrontDoor::FunctionUrl => 0.0,
            },
            invocations,
            gb_seconds: memory(receiver_ms, variant.receiver_memory_mb) + memory(processor_ms, variant.processor_memory_mb),
            event_queue_requests,
            action_queue_requests: actions * (1.0 + RECEIVE_AND_DELETE),
            fair_requests: if variant.fair_queue { event_queue_requests } else { 0.0 },
            write_units,
            read_units,
            table_gb: 2.0 * claims_gb + entities_gb + timers_gb,
            backup_gb: claims_gb + entities_gb + timers_gb,
            log_gb,
            stored_log_gb: log_gb * assumed.stored_share_of_logs,
            traces: if variant.tracing { sampled(requests) + sampled(batches + timers) } else { 0.0 },
            metrics: real(metrics),
            ..Self::idle(variant)
        }
        .swept(variant, counts)
        .said(variant, actions)
        .with_ways_out(variant)
    }

    /// Adds what the sender takes for these actions.
    fn said(self, variant: &Variant, actions: f64) -> Self {
        if !variant.sender {
            return self;
        }
        Self {
            invocations: self.invocations + actions,
            gb_seconds: self.gb_seconds + actions * SEND_MS / MS * real(SENDER_MB) / MB_OF_A_GB,
            write_units: self.write_units + actions * WRITES_OF_A_SEND,
            ..self
        }
    }

    /// How long receiver and processor run.
    pub fn milliseconds(variant: &Variant, counts: &Counts) -> [f64; 2] {
        let assumed = &counts.assumed;
        let (events, forged) = (real(variant.events), real(variant.forged));
        let batches = events / variant.batch_size.max(1.0);
        let receiver = events * (assumed.accepted_ms + variant.duplicates.0 * assumed.duplicate_ms) + forged * assumed.forged_ms;
        let processor = batches * assumed.processed_ms
            + (events - batches) * assumed.further_event_ms
            // The actions of a batch are sent at once.
            + batches * variant.actions_per_event.min(1.0) * assumed.action_ms
            + messages_of_timers(variant) * assumed.timer_ms;
        [receiver, processor]
    }

    /// What the stack takes in a month in which nothing happens.
    pub fn idle(variant: &Variant) -> Self {
        let pollers = real(variant.provisioned_pollers);
        let alarms = match (variant.alarms || variant.dashboard, variant.gradual_deployment) {
            (true, _) => ALARMS,
            (false, true) => ROLLBACK_ALARMS,
            (false, false) => 0.0,
        };
        let [sender, publisher] = [variant.sender, variant.publisher].map(|has| if has { 1.0 } else { 0.0 });
        Self {
            idle_polls: (MAPPINGS + sender * FIFO_POLL + publisher * PUBLISHER_MAPPINGS) * IDLE_POLLS,
            poller_hours: pollers * HOURS,
            secrets: 1.0 + real(variant.further_secrets) + sender + publisher,
            alarms,
            composite_alarms: if variant.alarms { COMPOSITE_ALARMS } else { 0.0 },
            dashboards: if variant.dashboard { 1.0 } else { 0.0 },
            ..Self::default()
        }
        .idle_ways_out(variant)
    }

    /// Adds the sweeps of the timers' table, which run whether there are timers or not.
    fn swept(self, variant: &Variant, counts: &Counts) -> Self {
        let gb_of_a_sweep = counts.assumed.sweep_ms / MS * real(variant.processor_memory_mb) / MB_OF_A_GB;
        let of_deliveries = if variant.publisher { DELIVERY_SWEEPS } else { 0.0 };
        Self {
            invocations: self.invocations + SWEEPS + of_deliveries,
            gb_seconds: self.gb_seconds + SWEEPS * gb_of_a_sweep,
            write_units: self.write_units + SWEEPS,
            read_units: self.read_units + SWEEPS * READS_OF_A_SWEEP + of_deliveries * READS_OF_A_DELIVERY_SWEEP,
            ..self
        }
    }
}

/// Messages of all timers, those that were sent again included.
fn messages_of_timers(variant: &Variant) -> f64 {
    let each = if is_stored(variant) { 1.0 } else { (variant.timer_hours * DELAYS_AN_HOUR).ceil().max(1.0) };
    real(variant.timers) * each
}

fn is_stored(variant: &Variant) -> bool {
    variant.timer_hours >= STORED_FROM_HOURS
}

/// Traces of requests that come evenly over the month, by a Poisson process: the first of each second, and 5 % of the
/// others.
fn sampled(requests: f64) -> f64 {
    let first = SECONDS * (1.0 - (-requests / SECONDS).exp());
    first + TRACED_SHARE * (requests - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_requests_a_month_are_nearly_all_the_first_of_their_second() {
        let share = |requests: f64| sampled(requests) / requests;
        assert!((share(1e6) - 0.84).abs() < 0.01, "{}", share(1e6));
        assert!((share(1e9) - 0.05).abs() < 0.01, "{}", share(1e9));
        assert!(sampled(0.0).abs() < 1e-9);
    }

    #[test]
    fn a_batch_saves_requests_and_invocations_and_writes_the_same() {
        let counts = Counts::shipped().expect("counts");
        let one = Usage::counted(&Variant::default(), &counts);
        let ten = Usage::counted(&Variant { batch_size: 10.0, ..Variant::default() }, &counts);
        assert_eq!((one.write_units, one.http_requests), (ten.write_units, ten.http_requests));
        assert!((one.event_queue_requests - ten.event_queue_requests - 1.8e6).abs() < 1.0);
        assert!((one.invocations - ten.invocations - 0.9e6).abs() < 1.0);
        assert!(ten.log_gb < one.log_gb && ten.gb_seconds < one.gb_seconds);
    }

    #[test]
    fn what_is_off_takes_nothing() {
        let counts = Counts::shipped().expect("counts");
        let off = Usage::counted(&Variant::default(), &counts);
        let zero = [off.fair_requests, off.traces, off.alarms, off.composite_alarms, off.dashboards, off.poller_hours];
        assert_eq!((zero, off.action_queue_requests), ([0.0; 6], 0.0));
        let none = Usage::counted(&Variant { events: 0, ..Variant::default() }, &counts);
        let idle = Usage { idle_polls: none.idle_polls, secrets: 1.0, ..Usage::default() };
        assert_eq!(none, idle.swept(&Variant::default(), &counts), "the sweeps of no timers, which are always on");
    }

    /// The numbers of docs/channels.md and docs/webhooks-out.md.
    #[test]
    fn a_sender_and_a_publisher_take_what_their_pages_say() {
        let (counts, prices) = (Counts::shipped().expect("counts"), super::super::Prices::shipped().expect("prices"));
        let dollars = |variant: &Variant| super::super::Bill::of(&Usage::counted(variant, &counts), variant, &prices).dollars();
        let near = |seen: f64, said: f64| assert!((seen - said).abs() < 0.011, "{seen}, not {said}");
        let idle = Variant { events: 0, ..Variant::default() };
        near(dollars(&Variant { sender: true, ..idle.clone() }) - dollars(&idle), 0.40 + 0.32);
        // Without the time of its sweeps.
        near(dollars(&Variant { publisher: true, ..idle.clone() }) - dollars(&idle), 0.52 + 0.40 + 0.02);
        let saying = Variant { actions_per_event: 1.0, ..Variant::default() };
        let said = dollars(&Variant { sender: true, ..saying.clone() }) - dollars(&saying);
        near(said, 0.40 + 0.32 + 1.25 + 1.20);
    }

    #[test]
    fn more_of_anything_never_costs_less() {
        let counts = Counts::shipped().expect("counts");
        let prices = super::super::Prices::shipped().expect("prices");
        let dollars = |variant: &Variant| super::super::Bill::of(&Usage::counted(variant, &counts), variant, &prices).dollars();
        let base = Variant { events: 100_000, ..Variant::default() };
        for more in [
            Variant { events: 200_000, ..base.clone() },
            Variant { duplicates: super::super::Share(0.05), ..base.clone() },
            Variant { forged: 1_000, ..base.clone() },
            Variant { actions_per_event: 0.5, ..base.clone() },
            Variant { timers: 1_000, ..base.clone() },
            Variant { sources: 4, ..base.clone() },
            Variant { tracing: true, ..base.clone() },
            Variant { source_metrics: true, ..base.clone() },
            Variant { stored_event_bytes: Some(2_048), ..base.clone() },
            Variant { fair_queue: true, ..base.clone() },
            Variant { provisioned_pollers: 2, ..base.clone() },
            Variant { alarms: true, ..base.clone() },
            Variant { gradual_deployment: true, ..base.clone() },
            Variant { dashboard: true, ..base.clone() },
            Variant { further_secrets: 1, ..base.clone() },
            Variant { sender: true, ..base.clone() },
            Variant { publisher: true, ..base.clone() },
        ] {
            assert!(dollars(&more) > dollars(&base), "{more:?}");
        }
        for less in [
            Variant { front_door: FrontDoor::FunctionUrl, ..base.clone() },
            Variant { log_sampling: 10, ..base.clone() },
            Variant { info_lines: false, ..base.clone() },
            Variant { batch_size: 5.0, ..base.clone() },
        ] {
            assert!(dollars(&less) < dollars(&base), "{less:?}");
        }
    }
}
