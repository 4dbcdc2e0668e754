//! A batch: every record alone, those of one conversation in turn, conversations side by side.

use crate::Processor;
use crate::commit::{Done, Effect, commit, finish};
use crate::decode::Record;
use crate::failure::Failure;
use crate::isolate;
use crate::plan::{Fetched, Plan};
use crate::schema;
use crate::settle::{End, settle, whose};
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use futures::FutureExt;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tidings_config::limits::{ANSWER_RESERVE, BATCH_RESERVE, LAG_OBJECTIVE, STRUGGLING_RECEIVES};
use tidings_config::time::{Timestamp, millis};
use tidings_core::claim::decide::RecordedEffect;
use tidings_core::claim::{ClaimKey, Outcome};
use tidings_core::due::Due;
use tidings_core::envelope::Envelope;
use tidings_core::telemetry::{Metric, STEP, Segment, Shown};
use tokio::time::{Instant, timeout_at};

/// A record and what there is to do for it, or why that can't be said.
type Planned = (Record, Result<Task, Failure>);

/// What there is to do for a record.
enum Task {
    /// Its effect, by this plan.
    Apply(Box<Plan>),
    /// Its effect is there since an earlier receive: what that has left.
    Finish(RecordedEffect),
}

impl Task {
    /// Those of one group are done one after the other.
    fn group(&self) -> Option<&str> {
        match self {
            Self::Apply(plan) => plan.group(),
            Self::Finish(effect) => effect.conversation.as_deref(),
        }
    }
}

/// Until when.
#[derive(Clone, Copy)]
struct Time {
    /// Events are processed.
    work: Instant,
    /// What wasn't is settled.
    settle: Instant,
}

/// Processes the records. The response names those that SQS is to keep.
pub async fn process(processor: &Processor, messages: Vec<SqsMessage>, time_left: Duration) -> SqsBatchResponse {
    let now = Instant::now();
    let time =
        Time { work: now + time_left.saturating_sub(BATCH_RESERVE), settle: now + time_left.saturating_sub(ANSWER_RESERVE) };
    let mut turns = isolate::turns(processor, messages).await;
    let mut given_back = Vec::new();
    for turn in std::mem::take(&mut turns.turns) {
        given_back.extend(together(processor, turn, time).await);
    }
    isolate::survived(processor, &turns, &given_back);
    given_back.append(&mut turns.postponed);

    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = given_back
        .into_iter()
        .map(|message_id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            failure
        })
        .collect();
    response
}

/// Conversations side by side. The ids of the messages that are given back.
async fn together(processor: &Processor, messages: Vec<SqsMessage>, time: Time) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<Planned>> = BTreeMap::new();
    for (record, plan) in join_all(messages.into_iter().map(|message| planned(processor, message, time))).await {
        // What has no plan shares nothing with others: a group of its own.
        let group = plan.as_ref().ok().and_then(Task::group).map_or_else(|| format!("#{}", record.message_id), str::to_owned);
        groups.entry(group).or_default().push((record, plan));
    }
    join_all(groups.into_values().map(|group| one_conversation(processor, group, time))).await.concat()
}

/// One after the other. A failure is no reason to leave out what follows: order doesn't matter to the context.
async fn one_conversation(processor: &Processor, group: Vec<Planned>, time: Time) -> Vec<String> {
    let mut given_back = Vec::new();
    let mut silent = None;
    for (record, task) in group {
        let started = processor.clock.now();
        let done = one_record(processor, &record, task, time.work, silent.clone()).await;
        trace(processor, &record, &done, started);
        if let Err(unsent @ Failure::Undelivered(_)) = &done {
            silent = Some(unsent.clone());
        }
        let end = match done {
            Ok(done) => End::Done(Some(done)),
            Err(failure) => end(processor, &record, &failure, time.settle).await,
        };
        match end {
            End::Done(Some(done)) => tell(processor, &record, &done, started),
            End::Done(None) => {}
            End::GiveBack => given_back.push(record.message_id),
        }
    }
    given_back
}

/// A record that can't even be settled, because the table hangs or something panics, is given back: it costs its own reason
/// and no other record's answer.
async fn end(processor: &Processor, record: &Record, failure: &Failure, until: Instant) -> End {
    let settled = AssertUnwindSafe(settle(processor, record, failure)).catch_unwind();
    match timeout_at(until, settled).await {
        Ok(Ok(end)) => end,
        Ok(Err(_)) | Err(_) => {
            let (message_id, code) = (&record.message_id, failure.code());
            let (reason, cause) = (failure.to_string(), failure.cause());
            tracing::error!(message_id, code, reason, cause, receive_count = record.receive_count, "failed, and not settled");
            End::GiveBack
        }
    }
}

/// A panic costs its own record and no other. What is fetched is fetched for all records at once.
async fn planned(processor: &Processor, message: SqsMessage, time: Time) -> Planned {
    let from = processor.queue_of(&message);
    let record = Record::read(message, from);
    if record.receive_count >= STRUGGLING_RECEIVES {
        Metric::Struggling.count(record.source());
    }
    let plan = match timeout_at(time.work, AssertUnwindSafe(task(processor, &record)).catch_unwind()).await {
        Ok(Ok(task)) => task,
        Ok(Err(_)) => Err(Failure::Panic),
        Err(_) => Err(Failure::Deadline),
    };
    (record, plan)
}

/// A message that comes again may have its effect in the context already: that is asked first. A silent table is no reason to
/// stop here: the transaction asks again.
async fn task(processor: &Processor, record: &Record) -> Result<Task, Failure> {
    if record.receive_count > 1
        && let Some(key) = &record.claim_key
        && let Ok(Some(effect)) = processor.store.effect(key).await
        && (effect.links.is_some() || effect.conversation.is_none())
    {
        return Ok(Task::Finish(effect));
    }
    plan(processor, record).await.map(Box::new).map(Task::Apply)
}

async fn plan(processor: &Processor, record: &Record) -> Result<Plan, Failure> {
    let envelope = record.envelope.as_ref().map_err(|error| Failure::Decode(error.clone()))?;
    if let Some(unreadable) = envelope.unreadable() {
        return Err(Failure::Unreadable(unreadable));
    }
    let now = processor.clock.now();
    let finding = schema::hold(&processor.schemas, envelope)?;
    let fetched = fetched(processor, envelope, now).await?;
    let mut plan = processor.planner.plan(envelope, &fetched, now)?;
    if let Plan::Event(plan) = &mut plan {
        plan.off_schema = finding.map(|finding| finding.to_string());
    }
    Ok(plan)
}

/// All that an event's rules need, or nothing of it: an event is never half applied.
async fn fetched(processor: &Processor, envelope: &Envelope, now: Timestamp) -> Result<Fetched, Failure> {
    let mut fetched = Fetched::new();
    for (index, wanted) in processor.planner.wanted(envelope, now)? {
        let object = processor.objects.get(&wanted).await.map_err(|what| {
            Metric::Unfetched.count(envelope.source_name());
            Failure::Unfetched { rule: processor.planner.rule_name(index).to_owned(), api: wanted.api.clone(), what }
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
    let (task, envelope) = (task?, record.envelope.as_ref().map_err(|error| Failure::Decode(error.clone())));
    let work = async {
        match task {
            Task::Apply(plan) => commit(processor, envelope?, record.trace_id(), &plan, silent).await,
            Task::Finish(effect) => match silent {
                Some(unsent) => Err(unsent),
                None => finish(processor, &effect).await,
            },
        }
    };
    timeout_at(until, AssertUnwindSafe(work).catch_unwind()).await.map_err(|_| Failure::Deadline)?.map_err(|_| Failure::Panic)?
}

/// The one line of a record that is done.
fn tell(processor: &Processor, record: &Record, done: &Done, started: Timestamp) {
    let Ok(envelope) = &record.envelope else {
        let claim_key = record.claim_key.as_ref().map(ClaimKey::as_str);
        tracing::info!(claim_key, outcome = done.outcome, receive_count = record.receive_count, "processed");
        return;
    };
    let Done { outcome, conversation, .. } = done;
    let source = envelope.source_name();
    let now = processor.clock.now();
    let duration_ms = millis(now.since(started));
    let lag = now.since(envelope.receivedtime);
    count(done, envelope, duration_ms, lag);
    let (rules, actions) = (done.rules.join(","), done.actions.join("; "));
    tracing::info!(
        claim_key = %envelope.claimkey, event_id = %Shown(&envelope.id), source, event_type = %Shown(&envelope.event_type),
        conversation = %Shown(conversation), outcome, rules, actions, receive_count = record.receive_count, duration_ms,
        lag_ms = millis(lag), trace_id = record.trace_id(), "processed"
    );
    if Due::read(envelope).is_none() {
        tracing::debug!(target: STEP, step = "processed", source, claim_key = %envelope.claimkey, conversation, outcome, rules, actions);
    }
}

/// What became of it, in the trace of the request that brought it, if that is recorded. What is no envelope has nothing to be
/// found by.
fn trace(processor: &Processor, record: &Record, done: &Result<Done, Failure>, started: Timestamp) {
    let trace = record.trace.as_ref().filter(|trace| trace.sampled().is_some());
    let (Ok(envelope), Some(trace)) = (&record.envelope, trace) else { return };
    let (outcome, conversation) = match done {
        Ok(done) => (done.outcome, Some(done.conversation.clone())),
        Err(failure) => (failure.code(), whose(processor, envelope)),
    };
    let segment = Segment {
        name: "process",
        claim_key: &envelope.claimkey,
        event_id: &envelope.id,
        source: envelope.source_name(),
        conversation: conversation.as_deref(),
        outcome,
        fault: done.is_err(),
        started,
        ended: processor.clock.now(),
    };
    segment.add_to(trace);
}

/// An event of our own is late by design: it has no lag.
fn count(done: &Done, envelope: &Envelope, duration_ms: u64, lag: Duration) {
    let source = envelope.source_name();
    Metric::CommitLatency.measure(duration_ms);
    match done.effect {
        None => {}
        Some(Effect::Before) => Metric::Repeated.count(source),
        Some(Effect::Now(outcome)) => {
            Metric::Processed.count(source);
            if outcome == Outcome::Stale {
                Metric::Stale.count(source);
            }
            if Due::read(envelope).is_none() {
                Metric::ProcessingLag.record(source, millis(lag));
                Metric::Late.measure(u64::from(lag > LAG_OBJECTIVE));
            }
        }
    }
}
