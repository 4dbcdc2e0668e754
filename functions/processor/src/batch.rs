//! Processes a batch. Records of one conversation run one after the other, conversations run concurrently, and a
//! failing record doesn't affect others.

use crate::commit::{Done, commit, finish};
use crate::decode::{Message, Queue, Record};
use crate::failure::{Failure, FailureKind, Stage};
use crate::isolate;
use crate::plan::Plan;
use crate::planner::Fetched;
use crate::processor::Processor;
use crate::report::{Answer, End, Processed, Then, trace};
use crate::schema;
use crate::settle::settle;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use futures::FutureExt;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tidings_config::limits::{ANSWER_RESERVE, BATCH_RESERVE, HIGH_RECEIVE_COUNT};
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::{RecordedEffect, reads_claim_first};
use tidings_core::telemetry::Metric;
use tokio::time::{Instant, timeout_at};

/// A record and its task, or the failure to plan one.
type Planned = (Record, Result<Task, Failure>);

/// The task of a record.
enum Task {
    /// Commit the effect of this plan.
    Apply(Box<Plan>),
    /// An earlier receive committed the effect: finish what is left.
    Finish(RecordedEffect),
}

impl Task {
    /// The conversation that it belongs to, if known.
    fn conversation(&self) -> Option<&str> {
        match self {
            Self::Apply(plan) => plan.conversation(),
            Self::Finish(effect) => effect.conversation.as_deref(),
        }
    }

    /// Tasks of one group run one after the other.
    fn group(&self) -> Option<&str> {
        match self {
            Self::Apply(plan) => plan.group(),
            Self::Finish(effect) => effect.conversation.as_deref(),
        }
    }
}

/// The deadlines of a batch.
#[derive(Clone, Copy)]
struct Time {
    /// The end of processing.
    work: Instant,
    /// The end of settling unfinished records.
    settle: Instant,
}

/// Processes the records. The response lists those that SQS must keep.
pub async fn process(processor: &Processor, messages: Vec<SqsMessage>, time_left: Duration) -> SqsBatchResponse {
    let now = Instant::now();
    let time =
        Time { work: now + time_left.saturating_sub(BATCH_RESERVE), settle: now + time_left.saturating_sub(ANSWER_RESERVE) };
    // Links aren't evaluated, so none of them can abort.
    let are_links = messages.iter().any(|message| processor.queue_of(message) == Queue::Links);
    let isolation = processor.isolation.as_ref().filter(|_| !are_links);
    let mut rounds = isolate::rounds(isolation, messages, processor.max_receive_count.get()).await;
    let mut kept = Vec::new();
    for round in std::mem::take(&mut rounds.rounds) {
        kept.extend(together(processor, round, time).await);
    }
    isolate::survived(processor.isolation.as_ref(), &rounds, &kept);
    kept.append(&mut rounds.postponed);

    let mut response = SqsBatchResponse::default();
    response.set_failures(kept);
    response
}

/// Runs conversations concurrently. Returns the ids of the messages to return to the queue.
async fn together(processor: &Processor, messages: Vec<SqsMessage>, time: Time) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<Planned>> = BTreeMap::new();
    for (record, plan) in join_all(messages.into_iter().map(|message| planned(processor, message, time))).await {
        // A record without a plan shares nothing with others: it is a group of its own.
        let group = plan.as_ref().ok().and_then(Task::group).map_or_else(|| format!("#{}", record.message_id), str::to_owned);
        groups.entry(group).or_default().push((record, plan));
    }
    join_all(groups.into_values().map(|group| one_conversation(processor, group, time))).await.concat()
}

/// Runs records one after the other. A failure doesn't stop the next ones: the context doesn't depend on the order.
async fn one_conversation(processor: &Processor, group: Vec<Planned>, time: Time) -> Vec<String> {
    let mut kept = Vec::new();
    let mut silent = None;
    for (record, task) in group {
        let started = processor.clock.now();
        let done = one_record(processor, &record, task, time.work, silent.clone()).await;
        trace(&record, &done, Processed { started, ended: processor.clock.now() });
        if let Err(unsent) = done.as_ref()
            && unsent.is_unsent()
        {
            silent = Some(unsent.clone());
        }
        let end = match done {
            Ok(done) => End::Done(done),
            Err(failure) => settled(processor, &record, failure, time.settle).await,
        };
        match end.report(&record, Processed { started, ended: processor.clock.now() }) {
            Answer::Delete => {}
            Answer::Keep => kept.push(record.message_id),
        }
    }
    kept
}

/// Settles a failed record. If even that fails, because the table hangs or code panics, the record is returned to the
/// queue: only its own reason is lost.
async fn settled(processor: &Processor, record: &Record, failure: Failure, until: Instant) -> End {
    let settled = AssertUnwindSafe(settle(processor, record, failure.clone())).catch_unwind();
    match timeout_at(until, settled).await {
        Ok(Ok(end)) => end,
        Ok(Err(_)) | Err(_) => End::Failed { failure, then: Then::Unsettled },
    }
}

/// Plans a record. A panic only affects this record. Objects are fetched for all records at once.
async fn planned(processor: &Processor, message: SqsMessage, time: Time) -> Planned {
    let from = processor.queue_of(&message);
    let mut record = Record::read(message, from);
    if record.receive_count >= HIGH_RECEIVE_COUNT {
        Metric::HighReceiveCount.count(record.source());
    }
    let task = match timeout_at(time.work, AssertUnwindSafe(task(processor, &record)).catch_unwind()).await {
        Ok(Ok(task)) => task,
        Ok(Err(_)) => Err(FailureKind::Panic.into()),
        Err(_) => Err(FailureKind::Deadline.into()),
    };
    record.conversation = match &task {
        Ok(task) => task.conversation().map(str::to_owned),
        Err(_) => owner_of(processor, &record),
    };
    if let Ok(message) = &mut record.message {
        message.free_payload();
    }
    (record, task)
}

/// The owner of a failed event. An expression that panicked may panic again; then the owner is left out and the
/// failure is still recorded.
fn owner_of(processor: &Processor, record: &Record) -> Option<String> {
    let message = record.message.as_ref().ok()?;
    catch_unwind(AssertUnwindSafe(|| processor.planner.owner_of_message(message))).ok()?
}

/// The task of a record. A message that is received again, or that the receiver sent again, may have its effect
/// already, so the claim is read first. If the table doesn't respond, planning continues: the commit checks again.
async fn task(processor: &Processor, record: &Record) -> Result<Task, Failure> {
    let is_sent_again = record.envelope().is_some_and(|envelope| envelope.deliveredtime.is_some());
    if reads_claim_first(record.receive_count, is_sent_again)
        && let Some(key) = &record.claim_key
        && let Ok(Some(effect)) = processor.store.effect(key).await
        && effect.is_complete()
    {
        return Ok(Task::Finish(effect));
    }
    plan(processor, record).await.map(Box::new).map(Task::Apply)
}

async fn plan(processor: &Processor, record: &Record) -> Result<Plan, Failure> {
    let message = record.message.as_ref().map_err(|error| FailureKind::Decode(error.clone()))?;
    message.readable()?;
    let now = processor.clock.now();
    let finding = schema::validate(&processor.schemas, message)?;
    let fetched = fetched(processor, message, now).await?;
    let mut plan = processor.planner.plan(message, &fetched, now)?;
    if let Plan::Event(plan) = &mut plan {
        plan.off_schema = finding.map(|finding| finding.to_string());
    }
    Ok(plan)
}

/// All objects that an event's rules need, or a failure: an event is never applied in part.
async fn fetched(processor: &Processor, message: &Message, now: Timestamp) -> Result<Fetched, Failure> {
    let mut fetched = Fetched::new();
    for (index, wanted) in processor.planner.wanted(message, now)? {
        let object = processor.objects.get(&wanted).await.map_err(|what| {
            Metric::FetchFailed.count(message.envelope.source_name());
            FailureKind::FetchFailed { rule: processor.planner.rule_name(index).to_owned(), api: wanted.api.clone(), what }
        })?;
        fetched.insert(index, object);
    }
    Ok(fetched)
}

async fn one_record(
    processor: &Processor,
    record: &Record,
    task: Result<Task, Failure>,
    until: Instant,
    silent: Option<Failure>,
) -> Result<Done, Failure> {
    let task = task?;
    let work = async {
        match task {
            Task::Apply(plan) => {
                let message = record.message.as_ref().map_err(|error| FailureKind::Decode(error.clone()))?;
                commit(processor, &message.envelope, record.trace_id(), &plan, silent).await
            }
            Task::Finish(effect) => match silent {
                Some(unsent) => Err(unsent),
                None => finish(processor, record.envelope(), &effect).await,
            },
        }
    };
    match timeout_at(until, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(FailureKind::Panic.at(Stage::Commit)),
        Err(_) => Err(FailureKind::Deadline.at(Stage::Commit)),
    }
}
