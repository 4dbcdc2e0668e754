//! The processor with its dependencies.

use crate::bounded::Bounded;
use crate::decode::Queue;
use crate::enrich::Objects;
use crate::isolate::Isolation;
use crate::message_status::Statuses;
use crate::planner::Planner;
use crate::timer::StoredTimers;
use aws_lambda_events::event::sqs::SqsMessage;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::status::SourceStatus;
use tidings_config::time::Clock;
use tidings_core::ports::{
    ActionQueue, ContextStore, HttpsGet, MessageVisibility, OutboxStore, Publish, SecretStore, StatusStore, TimerQueue,
    TimerStore,
};

/// The ports that the processor needs.
#[derive(Clone, Debug)]
pub struct Ports {
    pub store: Arc<dyn ContextStore>,
    pub actions: Arc<dyn ActionQueue>,
    pub timers: Arc<dyn TimerQueue>,
    /// For rules that fetch.
    pub https: Arc<dyn HttpsGet>,
    /// The secrets of the APIs, if there are any.
    pub api_secrets: Option<Arc<dyn SecretStore>>,
    pub clock: Arc<dyn Clock>,
}

/// The processor with its dependencies.
#[derive(Debug)]
pub struct Processor {
    pub(crate) planner: Arc<Planner>,
    pub(crate) schemas: EventSchemas,
    pub(crate) objects: Objects,
    pub(crate) store: Arc<dyn ContextStore>,
    pub(crate) actions: Arc<dyn ActionQueue>,
    pub(crate) timers: Arc<dyn TimerQueue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) max_receive_count: NonZeroU32,
    pub(crate) keeps_events: bool,
    pub(crate) feed: bool,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) links_queue_arn: Option<String>,
    pub(crate) stored_timers: Option<StoredTimers>,
    pub(crate) outbox: Option<Arc<dyn OutboxStore>>,
    pub(crate) published: Option<Arc<dyn Publish>>,
    pub(crate) statuses: Option<Statuses>,
}

impl Processor {
    /// Payloads are validated against `schemas`. `max_receive_count` is the redrive policy's: a failure on that
    /// receive is recorded as dead-lettered.
    pub fn new(rules: Rules, schemas: EventSchemas, ports: Ports, max_receive_count: NonZeroU32) -> Self {
        Self::of_planner(Arc::new(Planner::new(rules)), schemas, ports, max_receive_count)
    }

    /// The same with rules that another processor may share: compiled once, they keep nothing between events.
    pub fn of_planner(planner: Arc<Planner>, schemas: EventSchemas, ports: Ports, max_receive_count: NonZeroU32) -> Self {
        let Ports { store, actions, timers, https, api_secrets, clock } = ports;
        let objects = Objects::new(planner.rules.apis.clone(), https, api_secrets, Arc::clone(&clock));
        Self {
            planner,
            schemas,
            objects,
            store: Arc::new(Bounded::new(store)),
            actions,
            timers,
            clock,
            max_receive_count,
            keeps_events: false,
            feed: false,
            isolation: None,
            links_queue_arn: None,
            stored_timers: None,
            outbox: None,
            published: None,
            statuses: None,
        }
    }

    /// Stores events with their claims if `keep` is true.
    #[must_use]
    pub fn storing_events(self, keep: bool) -> Self {
        Self { keeps_events: keep, ..self }
    }

    /// Adds the updates of each conversation to its feed if `feed` is true.
    #[must_use]
    pub fn feeding(self, feed: bool) -> Self {
        Self { feed, ..self }
    }

    /// Isolates records that are received again (`isolate.rs`). `visibility_timeout` is the queue's.
    #[must_use]
    pub fn isolating(self, queue: Arc<dyn MessageVisibility>, visibility_timeout: Duration) -> Self {
        Self { isolation: Some(Isolation::new(queue, visibility_timeout)), ..self }
    }

    /// Accepts links from this queue, and nothing else from it. By default no links are accepted.
    #[must_use]
    pub fn taking_links_from(self, queue_arn: impl Into<String>) -> Self {
        Self { links_queue_arn: Some(queue_arn.into()), ..self }
    }

    /// Stores timers that are due much later, and sweeps them. By default every timer is a delayed message.
    #[must_use]
    pub fn storing_timers(self, store: Arc<dyn TimerStore>) -> Self {
        Self { stored_timers: Some(StoredTimers::new(store)), ..self }
    }

    /// Sweeps the events that claims keep. By default there are none.
    #[must_use]
    pub fn sweeping_outbox(self, store: Arc<dyn OutboxStore>) -> Self {
        Self { outbox: Some(store), ..self }
    }

    /// Publishes committed events and sent actions. By default nothing is published.
    #[must_use]
    pub fn publishing(self, published: Arc<dyn Publish>) -> Self {
        Self { published: Some(published), ..self }
    }

    /// Records what these events say of messages that were sent. By default nothing is recorded.
    #[must_use]
    pub fn recording_statuses(self, statuses: Vec<SourceStatus>, store: Arc<dyn StatusStore>) -> Self {
        Self { statuses: Statuses::of(statuses, store), ..self }
    }

    /// The queue of a message, which SQS sets and a sender can't.
    pub(crate) fn queue_of(&self, message: &SqsMessage) -> Queue {
        match (&message.event_source_arn, &self.links_queue_arn) {
            (Some(from), Some(links)) if from == links => Queue::Links,
            (Some(_) | None, Some(_) | None) => Queue::Events,
        }
    }
}
