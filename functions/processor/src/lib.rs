//! batch → decode → hold against its schema → fetch what rules need → apply rules → commit → deliver → partial response.
//!
//! Promises: every record of a batch has exactly one end, whatever the others do: done, given back to SQS, or recorded as
//! dead with its reason on its last receive and then given back, so that the redrive policy takes it. An event's effect is
//! one transaction, and what it sends is sent before its message is let go. Never: a batch that fails as a whole, an effect without its claim, a payload in a log or a reason.
//!
//! The flow, a file each: [`batch`] → [`decode`] → [`schema`] → `enrich` → [`plan`] (a rule's [`effects`]) → `apply` → [`commit`] → `deliver` →
//! [`failure`].

mod adopt;
mod apply;
pub mod batch;
pub mod commit;
pub mod configured;
pub mod decode;
mod deliver;
pub mod effects;
mod enrich;
mod expression;
pub mod failure;
mod isolate;
mod links;
pub mod manual;
mod notice;
pub mod overflow;
pub mod plan;
pub mod schema;
pub mod settle;
mod tries;
mod view;

use crate::decode::Queue;
use crate::enrich::Objects;
use crate::isolate::Isolation;
use crate::plan::Planner;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::time::Clock;
use tidings_core::ports::{ActionQueue, ContextStore, HttpsGet, MessageVisibility, SecretStore, TimerQueue};
use tidings_core::telemetry;

/// What the processor needs of the world.
#[derive(Clone, Debug)]
pub struct Ports {
    pub store: Arc<dyn ContextStore>,
    pub actions: Arc<dyn ActionQueue>,
    pub timers: Arc<dyn TimerQueue>,
    /// For the rules that fetch.
    pub https: Arc<dyn HttpsGet>,
    /// The secrets of the APIs that they fetch from, if there are any.
    pub api_secrets: Option<Arc<dyn SecretStore>>,
    pub clock: Arc<dyn Clock>,
}

/// The processor with all that it needs.
#[derive(Debug)]
pub struct Processor {
    planner: Planner,
    schemas: EventSchemas,
    objects: Objects,
    store: Arc<dyn ContextStore>,
    actions: Arc<dyn ActionQueue>,
    timers: Arc<dyn TimerQueue>,
    clock: Arc<dyn Clock>,
    max_receive_count: NonZeroU32,
    keeps_events: bool,
    isolation: Option<Isolation>,
    links_queue_arn: Option<String>,
}

impl Processor {
    /// Payloads are held against `schemas`. `max_receive_count` is the redrive policy's: the receive on which a failure is
    /// recorded as dead.
    pub fn new(rules: Rules, schemas: EventSchemas, ports: Ports, max_receive_count: NonZeroU32) -> Self {
        let Ports { store, actions, timers, https, api_secrets, clock } = ports;
        let objects = Objects::new(rules.apis.clone(), https, api_secrets, Arc::clone(&clock));
        Self {
            planner: Planner::new(rules),
            schemas,
            objects,
            store,
            actions,
            timers,
            clock,
            max_receive_count,
            keeps_events: false,
            isolation: None,
            links_queue_arn: None,
        }
    }

    /// The same, where events are kept with their claims if `keep` says so.
    #[must_use]
    pub fn keeping_events(self, keep: bool) -> Self {
        Self { keeps_events: keep, ..self }
    }

    /// The same, where records that come again are isolated (`isolate.rs`). `visibility_timeout` is the queue's.
    #[must_use]
    pub fn isolating(self, queue: Arc<dyn MessageVisibility>, visibility_timeout: Duration) -> Self {
        Self { isolation: Some(Isolation::new(queue, visibility_timeout)), ..self }
    }

    /// The same, taking links from this queue, and from it nothing else. Without one no link is taken.
    #[must_use]
    pub fn taking_links_from(self, queue_arn: impl Into<String>) -> Self {
        Self { links_queue_arn: Some(queue_arn.into()), ..self }
    }

    /// SQS says it, so a sender can't.
    fn queue_of(&self, message: &SqsMessage) -> Queue {
        match (&message.event_source_arn, &self.links_queue_arn) {
            (Some(from), Some(links)) if from == links => Queue::Links,
            (Some(_) | None, Some(_) | None) => Queue::Events,
        }
    }

    /// Processes one batch. What isn't in the response is deleted by SQS. `time_left` is until the function is stopped.
    pub async fn handle(&self, event: SqsEvent, time_left: Duration) -> SqsBatchResponse {
        let response = batch::process(self, event.records, time_left).await;
        telemetry::flush(self.clock.now());
        response
    }
}
