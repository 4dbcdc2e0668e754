//! batch → decode → validate → fetch what rules need → plan → read, apply, commit → deliver → partial response.
//!
//! Promises: every record of a batch has exactly one end, whatever the others do: done, returned to the queue, or on
//! its last receive recorded as dead-lettered with its reason and then returned, so that the redrive policy moves it.
//! An event takes effect once, and its actions are sent, and it is published, before its message is deleted. Never: a batch that fails as a
//! whole, a claim without its effect, a payload in a log or a reason.
//!
//! The flow, one file each: [`batch`] → [`decode`] → [`schema`] → `enrich` → [`plan`] (by the compiled rules of
//! [`planner`]), which selects the kind of message: [`event`], `notification` or `join` → [`commit`] → `deliver` →
//! `message_status` and `publish`, if they are on.
//! Failures go through `settle`; `report` makes the log line of a record and the response to SQS.
//!
//! On a schedule, [`sweep`] sends the timers that are due soon from their table.

mod adopt;
pub mod batch;
mod bounded;
pub mod commit;
pub mod decode;
mod deliver;
pub mod effects;
mod enrich;
pub mod event;
mod expression;
pub mod failure;
mod isolate;
mod join;
pub mod lambda;
pub mod manual;
mod message_status;
mod notice;
mod notification;
mod outbox;
pub mod overflow;
pub mod plan;
pub mod planner;
mod prepared;
mod processor;
mod publish;
pub mod reminder;
mod report;
pub mod schema;
mod settle;
pub mod sweep;
mod timer;
mod tries;
pub mod turn;
mod view;
mod work;

pub use processor::{Ports, Processor};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use std::time::Duration;
use tidings_core::telemetry;

impl Processor {
    /// Processes one batch. SQS deletes the messages that the response doesn't list. `time_left` is the time until
    /// the function is stopped.
    pub async fn handle(&self, event: SqsEvent, time_left: Duration) -> SqsBatchResponse {
        let response = batch::process(self, event.records, time_left).await;
        telemetry::flush(self.clock.now());
        response
    }
}
