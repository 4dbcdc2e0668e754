//! Runs a seed: chooses one step after the other, then lets everything end.
//!
//! A step opens a gate, starts an invocation, kills one, or moves time; or an operator acts. Nothing else chooses: not a
//! thread, not a wall clock, not the order of a hash table. So a seed is one schedule.

mod choose;
mod quiesce;
mod start;

use crate::broken::Broken;
use crate::executor::{Running, TaskId};
use crate::plan::Plan;
use crate::rules::Edition;
use crate::shared::{Shared, Skewed};
use crate::states::State;
use crate::system::System;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use fastrand::Rng;
use processor::Processor;
use receiver::Receiver;
use sender::Sender;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::memory::{Call, Side};

/// Processes of each kind.
const EACH: usize = 2;

/// The end of an invocation.
#[derive(Debug)]
enum Ended {
    Answered(u16),
    Batch(SqsBatchResponse),
    Swept,
}

/// What an invocation is about.
#[derive(Debug)]
enum Work {
    Request { delivery: usize },
    Batch { event: SqsEvent },
    Sweep,
    Say { event: SqsEvent },
}

#[derive(Debug)]
struct Invocation {
    running: Running<Ended>,
    work: Work,
    /// The n-th process of its kind.
    process: usize,
    /// When Lambda stops it.
    deadline: Timestamp,
}

/// A process: its code with its memory, and its clock.
#[derive(Debug)]
struct Process<T> {
    code: Arc<T>,
    clock: Arc<Skewed>,
    edition: Edition,
    is_fresh: bool,
    busy: Option<TaskId>,
}

/// A simulation.
#[derive(Debug)]
pub(crate) struct Scheduler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) system: System,
    pub(crate) plan: Plan,
    rng: Rng,
    tasks: BTreeMap<TaskId, Invocation>,
    next_task: TaskId,
    receivers: Vec<Process<Receiver>>,
    processors: Vec<Process<Processor>>,
    senders: Vec<Process<Sender>>,
    /// Messages that were received lately: the queue may deliver them again.
    recent: VecDeque<SqsMessage>,
    pub(crate) steps: u64,
    pub(crate) faults: u64,
    pub(crate) deaths: u64,
    redrives: u32,
    pub(crate) has_expired: bool,
    pub(crate) has_ended: bool,
}

impl Scheduler {
    pub(crate) fn new(seed: u64, broken: Option<Broken>, is_traced: bool) -> Self {
        // What the functions themselves draw: pauses and the numbers of writers.
        fastrand::seed(seed);
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::new(&mut rng);
        let shared = Shared::new(broken, is_traced);
        let system = System::new(&shared, plan.presets.clone(), plan.max_receives);
        let mut scheduler = Self {
            shared,
            system,
            plan,
            rng,
            tasks: BTreeMap::new(),
            next_task: 0,
            receivers: Vec::new(),
            processors: Vec::new(),
            senders: Vec::new(),
            recent: VecDeque::new(),
            steps: 0,
            faults: 0,
            deaths: 0,
            redrives: 0,
            has_expired: false,
            has_ended: false,
        };
        for _ in 0..EACH {
            let process = scheduler.new_receiver(0);
            scheduler.receivers.push(process);
            let process = scheduler.new_processor(Edition::Before, 0);
            scheduler.processors.push(process);
            let process = scheduler.new_sender(0);
            scheduler.senders.push(process);
        }
        scheduler
    }

    fn trace(&self, line: impl FnOnce() -> String) {
        self.shared.trace(line);
    }

    /// Runs the schedule.
    pub(crate) async fn run(&mut self) {
        self.trace_plan();
        for _ in 0..self.plan.steps {
            self.steps += 1;
            self.step().await;
            self.poll();
        }
        self.trace(|| "the faults end".to_owned());
        self.has_ended = self.quiesce().await;
    }

    fn trace_plan(&self) {
        for (nth, delivery) in self.plan.deliveries.iter().enumerate() {
            let preset = self.plan.presets[delivery.preset];
            let request = &preset.requests[delivery.request];
            self.trace(|| {
                let forged = if delivery.is_forged { ", forged" } else { "" };
                let keys: Vec<&str> = request.keys.iter().map(|key| key.as_str()).collect();
                format!("delivery {nth}{forged}: {} {}: {}", preset.signable.source.name, request.sample.name, keys.join(" "))
            });
        }
    }

    /// Runs what was woken, until everything waits.
    fn poll(&mut self) {
        loop {
            let woken = self.tasks.iter().find(|(_, task)| task.running.is_woken()).map(|(id, _)| *id);
            let Some(id) = woken else { return };
            let ended = self.tasks.get_mut(&id).and_then(|task| task.running.poll(id, &self.shared.gates));
            if let Some(ended) = ended
                && let Some(task) = self.tasks.remove(&id)
            {
                self.ended(id, task, ended);
            }
        }
    }

    fn ended(&mut self, id: TaskId, task: Invocation, ended: Ended) {
        match (task.work, ended) {
            (Work::Request { delivery }, Ended::Answered(status)) => {
                self.receivers[task.process].busy = None;
                self.receivers[task.process].is_fresh = false;
                self.trace(|| format!("#{id} answers {status} to delivery {delivery}"));
                self.answered(delivery, status);
            }
            (Work::Batch { event }, Ended::Batch(response)) => {
                self.processors[task.process].busy = None;
                let response =
                    if self.shared.is_broken(Broken::FailedIsDeleted) { SqsBatchResponse::default() } else { response };
                let failed = self.system.queue.settle(&event, &response);
                self.trace(|| format!("#{id} ends, returned: {}", failed.join(" ")));
            }
            (Work::Say { event }, Ended::Batch(response)) => {
                self.senders[task.process].busy = None;
                let failed = self.system.actions.queue.settle(&event, &response);
                self.trace(|| format!("#{id} ends, returned: {}", failed.join(" ")));
            }
            (Work::Sweep, Ended::Swept) => {
                self.processors[task.process].busy = None;
                self.trace(|| format!("#{id} has swept"));
            }
            (work, ended) => self.shared.violate(format!("{work:?} ended as {ended:?}")),
        }
    }

    fn answered(&mut self, nth: usize, status: u16) {
        let delivery = &mut self.plan.deliveries[nth];
        delivery.in_flight -= 1;
        let is_accepted = (200..300).contains(&status);
        if delivery.is_forged {
            if is_accepted {
                self.shared.violate(format!("the forged delivery {nth} is answered {status}"));
            } else if status == 401 {
                let (preset, request) = (delivery.preset, delivery.request);
                let is_twin = |one: &crate::plan::Delivery| !one.is_forged && one.preset == preset && one.request == request;
                self.shared.reach(State::ForgedRefused);
                let has_twin = self.plan.deliveries.iter().any(is_twin);
                self.shared.reach_if(has_twin, State::ForgedTwin);
            }
            return;
        }
        let has_failed = self.plan.queue_outage;
        if is_accepted {
            self.shared.reach_if(delivery.was_refused, State::AcceptedAfterRefusal);
            delivery.is_acknowledged = true;
            let keys = &self.plan.presets[delivery.preset].requests[delivery.request].keys;
            let is_kept = |key: &tidings_core::claim::ClaimKey| self.system.store.outbox(key).is_some();
            let is_queued = |key: &tidings_core::claim::ClaimKey| self.shared.ledger().queued.contains(key);
            self.shared.reach_if(keys.len() > 1, State::SeveralEvents);
            self.shared.reach_if(has_failed && keys.iter().any(|key| is_kept(key) && is_queued(key)), State::KeptWithoutQueue);
        } else if status >= 500 {
            delivery.was_refused = true;
        }
    }

    /// Ends a process in the middle of an invocation.
    fn kill(&mut self, id: TaskId, why: &str) {
        let Some(task) = self.tasks.remove(&id) else { return };
        self.deaths += 1;
        self.trace(|| format!("#{id} dies: {why}"));
        self.note_death(id, &task);
        let (process, work) = (task.process, task.work);
        drop(task.running);
        match work {
            Work::Request { delivery } => {
                self.plan.deliveries[delivery].in_flight -= 1;
                let skew = self.receivers[process].clock.by_ms();
                self.receivers[process] = self.new_receiver(skew);
            }
            Work::Batch { .. } | Work::Sweep => {
                let (edition, skew) = (self.processors[process].edition, self.processors[process].clock.by_ms());
                self.processors[process] = self.new_processor(edition, skew);
            }
            Work::Say { .. } => {
                let skew = self.senders[process].clock.by_ms();
                self.senders[process] = self.new_sender(skew);
            }
        }
    }

    fn note_death(&self, id: TaskId, task: &Invocation) {
        let waits = self.shared.gates.holds(id);
        let mut ledger = self.shared.ledger();
        let Some(notes) = ledger.notes(id) else { return };
        let at = |call: Call, side: Side| {
            let closed = self.shared.gates.closed(i64::MAX).into_iter().filter_map(|gate| self.shared.gates.get(gate));
            closed.into_iter().any(|gate| gate.task == id && gate.call == call && gate.side == side)
        };
        let reach = |condition, state| self.shared.reach_if(condition, state);
        match &task.work {
            Work::Request { .. } => {
                reach(!notes.claimed, State::ReceiverDiedBeforeClaim);
                reach(notes.claimed && !notes.queued, State::ReceiverDiedAfterClaim);
                reach(notes.queued, State::ReceiverDiedAfterSend);
            }
            Work::Batch { event } => {
                reach(at(Call::Commit, Side::Before), State::DiedBeforeCommit);
                reach(notes.committed && at(Call::Commit, Side::After), State::DiedAfterCommit);
                reach(notes.unswept, State::DiedAfterAction);
                reach(notes.conflicted, State::ConflictThenDeath);
                reach(!waits, State::DiedInPause);
                reach(event.records.len() > 1, State::DiedInBatch);
            }
            Work::Sweep => reach(notes.sent_kept, State::SweepDied),
            Work::Say { .. } => reach(notes.said, State::SenderDied),
        }
    }

    /// Moves time, which ends what has reached its timeout.
    async fn advance(&mut self, by: Duration) {
        self.shared.clock.advance(by);
        tokio::time::advance(by).await;
        self.poll();
        let now = self.shared.now();
        let late: Vec<TaskId> = self.tasks.iter().filter(|(_, task)| task.deadline <= now).map(|(id, _)| *id).collect();
        for id in late {
            self.shared.reach(State::TimedOut);
            self.kill(id, "its time is over");
        }
    }
}
