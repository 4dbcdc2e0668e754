//! What goes out of a stack: the deliveries of endpoints and sinks, Kafka's queue, and what an outbox keeps.
//!
//! Counted by reading the code: an event is stored once, a delivery is claimed, begun and finished. Each number is of events that
//! are delivered at the first attempt.

use super::real;
use super::usage::{FIFO_POLL, IDLE_POLLS, RECEIVE_AND_DELETE, Usage};
use super::variant::{SinkKind, Variant};

/// Of a delivery: it is claimed, begun and finished, and read with its event.
const WRITES_OF_A_DELIVERY: f64 = 3.0;
const READS_OF_A_DELIVERY: f64 = 3.0;

/// An invocation of the publisher with 256 MB, whose deliveries are made at once. How long a server takes is assumed.
const ATTEMPTS_MS: f64 = 300.0;
const PUBLISHER_MB: f64 = 256.0;
const BATCH: f64 = 10.0;

/// Requests that SQS bills to send a message.
const SEND: f64 = 1.0;

/// An event of EventBridge and a request of SQS are billed by this size.
const CHUNK_BYTES: f64 = 65_536.0;

/// Kinesis rounds a record up to 1 KB, Firehose to 5 KB.
const KINESIS_STEP: f64 = 1_024.0;
const FIREHOSE_STEP: f64 = 5.0 * 1_024.0;
const GIB: f64 = 1_073_741_824.0;
const HOURS: f64 = 720.0;

/// Alarms of the template.
const PUBLISHER_ALARMS: f64 = 5.0;
const KAFKA_ALARMS: f64 = 2.0;

/// The index of an outbox: its key is written with the claim and deleted by the commit. The put and the commit take a unit more for
/// each KB (docs/decisions/0081-durability-outbox.md).
const INDEX_OF_AN_OUTBOX: f64 = 2.0;

impl Usage {
    /// Adds what the events take that go out, and those that an outbox keeps.
    pub(super) fn with_ways_out(self, variant: &Variant) -> Self {
        let events = real(variant.events);
        let kilobytes = (real(variant.event_bytes) / 1_024.0).ceil().max(1.0);
        let kept =
            Self { write_units: self.write_units + events * variant.outbox.0 * (2.0 * kilobytes + INDEX_OF_AN_OUTBOX), ..self };
        if variant.publisher { kept.published(variant, events, kilobytes) } else { kept }
    }

    fn published(mut self, variant: &Variant, events: f64, kilobytes: f64) -> Self {
        let each = real(variant.endpoints) + variant.sinks.len() as f64;
        // Without an endpoint or a sink an event is published, received and deleted, and nothing is stored.
        let (deliveries, stored) = (events * each, if each > 0.0 { events } else { 0.0 });
        // Of a message of one chunk.
        let requests = SEND + RECEIVE_AND_DELETE / variant.batch_size.max(1.0);
        self.write_units += stored * kilobytes + deliveries * WRITES_OF_A_DELIVERY;
        // The event is read with the delivery: a consistent read is a unit for each 4 KB.
        self.read_units += deliveries * (READS_OF_A_DELIVERY - 1.0 + (kilobytes / 4.0).ceil());
        self.outgoing_queue_requests += events * requests * (kilobytes / 64.0).ceil() + deliveries * requests;
        self.fair_requests += deliveries * requests;
        let invocations = (events + deliveries) / variant.batch_size.clamp(1.0, BATCH);
        self.invocations += invocations;
        self.gb_seconds += invocations * ATTEMPTS_MS / 1_000.0 * PUBLISHER_MB / 1_024.0;
        for sink in &variant.sinks {
            self.take(*sink, variant, events);
        }
        self
    }

    fn take(&mut self, sink: SinkKind, variant: &Variant, events: f64) {
        let bytes = real(variant.event_bytes);
        let chunks = (bytes / CHUNK_BYTES).ceil().max(1.0);
        let rounded = |step: f64| events * (bytes / step).ceil().max(1.0) * step / GIB;
        match sink {
            SinkKind::Eventbridge => self.bus_events += events * chunks,
            SinkKind::Sns => self.topic_publishes += events * chunks,
            SinkKind::Sqs => self.sink_queue_requests += events * (SEND * chunks + RECEIVE_AND_DELETE / BATCH),
            SinkKind::Kinesis => {
                self.stream_gb += rounded(KINESIS_STEP);
                self.stream_hours += HOURS;
            }
            SinkKind::Firehose => self.firehose_gb += rounded(FIREHOSE_STEP),
            SinkKind::Kafka => {
                let batch = variant.batch_size.max(1.0);
                self.kafka_queue_requests += events * (SEND * chunks + RECEIVE_AND_DELETE / batch);
                self.invocations += events / batch;
                self.gb_seconds += events / batch * ATTEMPTS_MS / 1_000.0 * PUBLISHER_MB / 1_024.0;
            }
        }
    }

    /// Adds what a stack with a publisher and Kafka takes in a month without an event, besides what [`Usage::idle`] has.
    pub(super) fn idle_ways_out(self, variant: &Variant) -> Self {
        let watched = variant.alarms || variant.dashboard;
        let [publisher, kafka] = [variant.publisher, variant.publisher && variant.kafka].map(|has| if has { 1.0 } else { 0.0 });
        Self {
            idle_polls: self.idle_polls + kafka * FIFO_POLL * IDLE_POLLS,
            secrets: self.secrets + kafka,
            alarms: self.alarms + if watched { publisher * PUBLISHER_ALARMS + kafka * KAFKA_ALARMS } else { 0.0 },
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bill, Counts, Item, Prices, Share};
    use super::*;

    fn bill(variant: &Variant) -> Bill {
        let (counts, prices) = (Counts::shipped().expect("counts"), Prices::shipped().expect("prices"));
        Bill::of(&Usage::counted(variant, &counts), variant, &prices)
    }

    fn near(seen: f64, said: f64) {
        assert!((seen - said).abs() < 0.006, "{seen}, not {said}");
    }

    /// The numbers of docs/sinks.md.
    #[test]
    fn each_sink_costs_what_its_page_says() {
        let plain = Variant { publisher: true, batch_size: 10.0, ..Variant::default() };
        let of = |sink: SinkKind, item: Item| bill(&Variant { sinks: vec![sink], kafka: true, ..plain.clone() }).of_item(item);
        near(of(SinkKind::Eventbridge, Item::Bus), 1.00);
        near(of(SinkKind::Sns, Item::Topic), 0.30);
        near(of(SinkKind::Sqs, Item::SinkQueue), 0.60);
        near(of(SinkKind::Kinesis, Item::Stream), 0.08);
        near(of(SinkKind::Kinesis, Item::StreamHours), 28.80);
        near(of(SinkKind::Firehose, Item::Firehose), 0.14);
        near(of(SinkKind::Kafka, Item::KafkaQueue), 0.60);
    }

    /// The numbers of docs/webhooks-out.md.
    #[test]
    fn a_delivery_costs_what_its_page_says() {
        let plain = Variant { publisher: true, batch_size: 10.0, ..Variant::default() };
        let (before, after) = (bill(&plain), bill(&Variant { endpoints: 1, ..plain.clone() }));
        let more = |item: Item| after.of_item(item) - before.of_item(item);
        near(more(Item::Writes), 2.50);
        near(more(Item::Reads), 0.375);
        near(more(Item::OutgoingQueues) + more(Item::FairQueue), 0.60);
        near(before.of_item(Item::OutgoingQueues), 0.48);
        near(after.dollars() - before.dollars(), 3.60);
    }

    #[test]
    fn an_outbox_costs_what_its_decision_says() {
        let of = |share: f64| bill(&Variant { outbox: Share(share), event_bytes: 2_048, ..Variant::default() }).dollars();
        near(of(1.0) - of(0.0), 3.75);
        near(of(0.5) - of(0.0), 1.875);
    }

    #[test]
    fn what_is_off_takes_nothing_and_what_goes_out_is_a_publishers() {
        let off = bill(&Variant::default());
        let without =
            bill(&Variant { endpoints: 3, sinks: vec![SinkKind::Kafka, SinkKind::Sns], kafka: true, ..Variant::default() });
        assert_eq!(off, without, "there is no publisher");
        for item in [Item::Bus, Item::Topic, Item::SinkQueue, Item::Stream, Item::StreamHours, Item::Firehose, Item::KafkaQueue] {
            near(off.of_item(item), 0.0);
        }
        let idle = Variant { events: 0, publisher: true, ..Variant::default() };
        near(bill(&Variant { kafka: true, ..idle.clone() }).dollars() - bill(&idle).dollars(), 0.26 + 0.40 + 0.064);
    }
}
