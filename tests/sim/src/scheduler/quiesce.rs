//! Lets everything end: no faults any more, providers send again, queues are drained, sweeps run, timers fire, and an
//! operator redrives what is dead-lettered.

use super::Scheduler;
use crate::executor::Verdict;
use std::time::Duration;
use tidings_config::limits::{OUTBOX_AGE, OUTBOX_PARTITIONS, SWEEP_PAGE};
use tidings_config::time::Timestamp;
use tidings_core::ports::OutboxStore;

/// More than any schedule takes.
const MAX_ROUNDS: u32 = 20_000;

/// Redrives of an operator, after which what is left can't be processed.
const MAX_REDRIVES: u32 = 3;

/// The processes' own pauses are shorter.
const PAUSE: Duration = Duration::from_millis(250);

impl Scheduler {
    /// Whether everything ended.
    pub(super) async fn quiesce(&mut self) -> bool {
        self.poll();
        for round in 0..MAX_ROUNDS {
            self.steps += 1;
            let now = self.shared.now();
            if let Some(id) = self.shared.gates.closed(now.unix_ms()).first().copied() {
                if let Some(gate) = self.shared.gates.get(id) {
                    self.trace(|| format!("#{} {:?} {:?} {}", gate.task, gate.call, gate.side, gate.about));
                }
                self.shared.gates.open(id, Verdict::Pass);
                self.poll();
            } else if !self.tasks.is_empty() {
                self.advance(PAUSE).await;
            } else if !self.start_what_is_left(round).await {
                return true;
            }
        }
        false
    }

    /// Whether something was left.
    async fn start_what_is_left(&mut self, round: u32) -> bool {
        let (now, process) = (self.shared.now(), round as usize % 2);
        if let Some(nth) = self.unacknowledged() {
            self.advance(Duration::from_secs(1)).await;
            self.deliver(nth, process);
            self.poll();
            return true;
        }
        if self.system.queue.first_visible().is_some_and(|visible| visible <= now) {
            self.receive(process, 10);
            self.poll();
            return true;
        }
        if self.say_what_is_visible(process) {
            return true;
        }
        if self.redrives < MAX_REDRIVES && self.redrive() {
            self.redrives += 1;
            return true;
        }
        if self.is_kept().await {
            self.advance(OUTBOX_AGE + Duration::from_secs(1)).await;
            self.sweep(process);
            self.poll();
            return true;
        }
        let timer = self.system.timers.first_due();
        let hidden = [self.system.queue.first_visible(), self.system.actions.queue.next_visible(), timer];
        let Some(next) = hidden.into_iter().flatten().min() else { return false };
        let wait = next.since(now) + Duration::from_millis(1);
        // Processes' clocks differ, so a timer may be early for one of them.
        self.advance(wait).await;
        if timer.is_some() {
            self.sweep(process);
            self.poll();
        }
        true
    }

    /// A delivery that its provider still sends.
    fn unacknowledged(&self) -> Option<usize> {
        let is_open = |delivery: &&crate::plan::Delivery| {
            let comes = delivery.attempts == 0 || self.plan.presets[delivery.preset].retries && !delivery.is_acknowledged;
            !delivery.is_forged && comes && delivery.attempts < 40
        };
        let open = self.plan.deliveries.iter().position(|delivery| is_open(&delivery));
        open.filter(|_| !self.has_expired)
    }

    fn say_what_is_visible(&mut self, process: usize) -> bool {
        let before = self.tasks.len();
        if self.system.actions.queue.first_visible().is_some_and(|visible| visible <= self.shared.now()) {
            self.say(process, 10);
            self.poll();
        }
        self.tasks.len() > before
    }

    async fn is_kept(&self) -> bool {
        for partition in 0..OUTBOX_PARTITIONS {
            let beginning = Timestamp::from_unix_ms(0);
            let kept = self.system.store.waiting(partition, beginning, self.shared.now(), SWEEP_PAGE).await;
            if kept.is_ok_and(|kept| !kept.is_empty()) {
                return true;
            }
        }
        false
    }
}
