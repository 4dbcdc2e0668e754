//! Starts processes and invocations.

use super::{Ended, Invocation, Process, Scheduler, Work};
use crate::executor::{Running, TaskId};
use crate::ledger::Notes;
use crate::rules::Edition;
use crate::shared::Skewed;
use crate::states::State;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use lambda_http::{Body, Request};
use processor::Processor;
use processor::decode::receive_count;
use receiver::Receiver;
use sender::Sender;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::SENDER_TIMEOUT;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::Envelope;
use tidings_core::memory::sqs_event;
use tidings_events::SignedRequest;

/// The functions' timeouts.
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(10);
const PROCESSOR_TIMEOUT: Duration = Duration::from_secs(60);

/// Messages that may be delivered again.
const RECENT: usize = 8;

impl Scheduler {
    pub(super) fn new_receiver(&self, skew_ms: i64) -> Process<Receiver> {
        let clock = self.new_clock(skew_ms);
        let code = Arc::new(self.system.receiver(&clock));
        Process { code, clock, edition: Edition::Before, is_fresh: true, busy: None }
    }

    pub(super) fn new_processor(&self, edition: Edition, skew_ms: i64) -> Process<Processor> {
        let clock = self.new_clock(skew_ms);
        let code = Arc::new(self.system.processor(&clock, edition));
        Process { code, clock, edition, is_fresh: true, busy: None }
    }

    pub(super) fn new_sender(&self, skew_ms: i64) -> Process<Sender> {
        let clock = self.new_clock(skew_ms);
        let code = Arc::new(self.system.sender(&clock));
        Process { code, clock, edition: Edition::Before, is_fresh: true, busy: None }
    }

    fn new_clock(&self, skew_ms: i64) -> Arc<Skewed> {
        let clock = Skewed::of(&self.shared.clock);
        clock.skew(skew_ms);
        clock
    }

    fn begin(&mut self, work: Work, process: usize, notes: Notes, timeout: Duration, running: Running<Ended>) -> TaskId {
        self.next_task += 1;
        let id = self.next_task;
        self.shared.ledger().tasks.insert(id, notes);
        self.tasks.insert(id, Invocation { running, work, process, deadline: self.shared.now().plus(timeout) });
        id
    }

    /// The first process that is free, of two.
    pub(super) fn idle<T>(processes: &[Process<T>], first: usize) -> Option<usize> {
        [first % 2, (first + 1) % 2].into_iter().find(|nth| processes[*nth].busy.is_none())
    }

    /// A provider sends a delivery.
    pub(super) fn deliver(&mut self, nth: usize, process: usize) {
        let delivery = &mut self.plan.deliveries[nth];
        let preset = self.plan.presets[delivery.preset];
        let request = &preset.requests[delivery.request];
        let now = self.shared.now();
        let signed = if delivery.is_forged {
            preset.signable.forge(&request.sample, now)
        } else {
            preset.signable.sign(&request.sample, now)
        };
        // A forger can't always write a signature at all.
        let Ok(signed) = signed else {
            delivery.attempts += 1;
            return;
        };
        let is_met = delivery.in_flight > 0;
        delivery.attempts += 1;
        delivery.in_flight += 1;
        self.shared.reach_if(is_met && !delivery.is_forged, State::TwoReceivers);
        let Process { code, is_fresh, .. } = &self.receivers[process];
        let (receiver, is_fresh) = (Arc::clone(code), *is_fresh);
        let running = Running::new(async move {
            if is_fresh {
                receiver.warm_up().await;
            }
            let response = receiver.handle(http(signed)).await;
            Ended::Answered(response.status().as_u16())
        });
        let notes = Notes::new(Edition::Before, request.keys.iter().cloned().collect());
        let id = self.begin(Work::Request { delivery: nth }, process, notes, RECEIVER_TIMEOUT, running);
        self.receivers[process].busy = Some(id);
        self.trace(|| format!("#{id} receiver {process} gets delivery {nth}"));
    }

    /// The queue delivers up to so many messages in any order.
    pub(super) fn receive(&mut self, process: usize, at_most: usize) {
        let mut rng = self.rng.clone();
        let before: Vec<String> = self.system.queue.messages();
        let event = self.system.queue.receive_arranged(at_most, |places| rng.shuffle(places));
        self.rng = rng;
        let first = event.records.first().and_then(|record| record.body.clone());
        let is_oldest = first.is_none() || first.as_ref() == before.first();
        self.shared.reach_if(!is_oldest, State::OutOfOrder);
        for record in &event.records {
            self.recent.push_back(record.clone());
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
        if !event.records.is_empty() {
            self.process(process, event, false);
        }
    }

    /// The queue delivers a message that it has delivered before, in use or deleted.
    pub(super) fn copy(&mut self, process: usize) {
        if self.recent.is_empty() {
            return;
        }
        let nth = self.rng.usize(..self.recent.len());
        let record = self.recent[nth].clone();
        let is_deleted = record.body.as_ref().is_some_and(|body| !self.system.queue.messages().contains(body));
        self.shared.reach_if(is_deleted, State::CopyAfterDelete);
        self.process(process, sqs_event(vec![record]), true);
    }

    fn process(&mut self, process: usize, event: SqsEvent, is_copy: bool) {
        let edition = self.processors[process].edition;
        let keys: BTreeSet<ClaimKey> = event.records.iter().filter_map(key_of).collect();
        let mut notes = Notes::new(edition, keys.clone());
        notes.last_receive = event.records.iter().any(|record| receive_count(record) >= self.plan.max_receives);
        notes.messages = event.records.iter().filter_map(|record| record.body.clone()).collect();
        self.note_receive(&event, &keys, edition, is_copy);
        let code = Arc::clone(&self.processors[process].code);
        let batch = event.clone();
        let running = Running::new(async move { Ended::Batch(code.handle(batch, PROCESSOR_TIMEOUT).await) });
        let shown = if self.shared.is_traced { shown(&event) } else { String::new() };
        let id = self.begin(Work::Batch { event }, process, notes, PROCESSOR_TIMEOUT, running);
        self.processors[process].busy = Some(id);
        self.trace(|| format!("#{id} processor {process} ({edition:?}) gets {}{shown}", if is_copy { "a copy of " } else { "" }));
    }

    fn note_receive(&mut self, event: &SqsEvent, keys: &BTreeSet<ClaimKey>, edition: Edition, is_copy: bool) {
        let ids: BTreeSet<&Option<String>> = event.records.iter().map(|record| &record.message_id).collect();
        for task in self.tasks.values() {
            if let Work::Batch { event: held } = &task.work
                && held.records.iter().any(|record| ids.contains(&record.message_id))
            {
                self.shared.reach(State::TwoHold);
                self.shared.reach_if(!is_copy, State::VisibleWhileHeld);
            }
        }
        let retried = self.plan.deliveries.iter().any(|delivery| delivery.was_refused && !delivery.is_acknowledged);
        self.shared.reach_if(retried && keys.iter().any(ClaimKey::is_ours), State::TimerBeforeRetry);
        let mut ledger = self.shared.ledger();
        for key in keys {
            let before = ledger.received_under.insert(key.clone(), edition);
            self.shared.reach_if(before == Some(edition.other()), State::RulesBetween);
            self.shared.reach_if(ledger.erased.contains_key(key), State::CopyAfterErasure);
        }
        drop(ledger);
        if self.has_expired && keys.iter().any(|key| self.shared.ledger().redriven.contains(key)) {
            self.shared.reach(State::ExpiredThenRedriven);
        }
    }

    pub(super) fn sweep(&mut self, process: usize) {
        let others = self.tasks.values().any(|task| matches!(task.work, Work::Sweep));
        self.shared.reach_if(others, State::TwoSweeps);
        let Process { code, edition, .. } = &self.processors[process];
        let (code, edition) = (Arc::clone(code), *edition);
        let running = Running::new(async move {
            // A sweep that fails is followed by another one.
            let _ = code.sweep(PROCESSOR_TIMEOUT).await;
            Ended::Swept
        });
        let id = self.begin(Work::Sweep, process, Notes::new(edition, BTreeSet::new()), PROCESSOR_TIMEOUT, running);
        self.processors[process].busy = Some(id);
        self.trace(|| format!("#{id} processor {process} sweeps"));
    }

    pub(super) fn say(&mut self, process: usize, at_most: usize) {
        let event = self.system.actions.queue.receive(at_most);
        if event.records.is_empty() {
            return;
        }
        let code = Arc::clone(&self.senders[process].code);
        let batch = event.clone();
        let running = Running::new(async move { Ended::Batch(code.handle(batch, SENDER_TIMEOUT).await) });
        let count = event.records.len();
        let notes = Notes::new(Edition::Before, BTreeSet::new());
        let id = self.begin(Work::Say { event }, process, notes, SENDER_TIMEOUT, running);
        self.senders[process].busy = Some(id);
        self.trace(|| format!("#{id} sender {process} gets {count} actions"));
    }
}

fn key_of(record: &SqsMessage) -> Option<ClaimKey> {
    Envelope::claim_key_of(record.body.as_deref()?)
}

fn shown(event: &SqsEvent) -> String {
    let one = |record: &SqsMessage| {
        let key = key_of(record).map(|key| key.to_string()).unwrap_or_default();
        format!("{} ×{} {key}", record.message_id.as_deref().unwrap_or_default(), receive_count(record))
    };
    event.records.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn http(signed: SignedRequest) -> Request {
    let mut http = Request::new(Body::Binary(signed.body));
    *http.method_mut() = signed.method.parse().expect("a signed request has a method");
    *http.uri_mut() = signed.path.parse().expect("a signed request has a path");
    *http.headers_mut() = signed.headers;
    http
}
