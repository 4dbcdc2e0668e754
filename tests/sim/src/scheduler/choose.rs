//! Chooses a step.

use super::Scheduler;
use crate::broken::Broken;
use crate::executor::{TaskId, Verdict};
use crate::rules::{CONVERSATIONS, IDENTITIES};
use crate::states::State;
use std::time::Duration;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_core::claim::ClaimKey;
use tidings_core::context::Place;
use tidings_core::memory::Side;

/// Steps of time, in milliseconds.
const TIMES: [u64; 9] = [1, 20, 20, 300, 2_000, 2_000, 15_000, 61_000, 185_000];

/// The longest stall of a slow call, in milliseconds.
const MAX_STALL: i64 = 80_000;

/// Clocks are wrong by up to this, in milliseconds.
const MAX_SKEW: i64 = 150_000;

impl Scheduler {
    pub(super) async fn step(&mut self) {
        let dice = self.rng.u32(..1_000);
        let done = match dice {
            0..700 => self.open_a_gate() || self.start_something(),
            700..850 => self.start_something() || self.open_a_gate(),
            850..930 => false,
            930..960 => self.operate(),
            _ => self.kill_something() || self.open_a_gate(),
        };
        if !done {
            let by = TIMES[self.rng.usize(..TIMES.len())];
            self.trace(|| format!("{by} ms pass"));
            self.advance(Duration::from_millis(by)).await;
        }
    }

    fn open_a_gate(&mut self) -> bool {
        let now = self.shared.now().unix_ms();
        let closed = self.shared.gates.closed(now);
        if closed.is_empty() {
            return false;
        }
        let id = closed[self.rng.usize(..closed.len())];
        let Some(gate) = self.shared.gates.get(id) else { return false };
        if self.rng.u32(..1_000) < self.plan.stall {
            let stall = self.rng.i64(1_000..MAX_STALL);
            self.shared.gates.stall(id, now + stall);
            self.shared.reach(State::Slow);
            self.trace(|| format!("#{} {:?} {}: slow by {stall} ms", gate.task, gate.call, gate.about));
            return true;
        }
        if gate.side == Side::After {
            self.trace(|| format!("#{} {:?} {}: answered", gate.task, gate.call, gate.about));
            self.shared.gates.open(id, Verdict::Pass);
            return true;
        }
        let verdict = match self.plan.fault(gate.call, &mut self.rng) {
            None => Verdict::Pass,
            Some((fault, true)) => Verdict::FailInPart(fault),
            Some((fault, false)) => Verdict::Fail(fault),
        };
        self.faults += u64::from(verdict != Verdict::Pass);
        self.trace(|| format!("#{} {:?} {}: {verdict:?}", gate.task, gate.call, gate.about));
        self.shared.gates.open(id, verdict);
        true
    }

    fn start_something(&mut self) -> bool {
        let process = self.rng.usize(..2);
        match self.rng.u32(..100) {
            0..35 => self.start_a_delivery(process),
            35..65 => self.start_a_batch(process),
            65..71 => match Self::idle(&self.processors, process) {
                Some(process) => {
                    self.sweep(process);
                    true
                }
                None => false,
            },
            _ => match Self::idle(&self.senders, process).filter(|_| self.system.actions.queue.first_visible().is_some()) {
                Some(process) => {
                    let at_most = self.rng.usize(1..=5);
                    self.say(process, at_most);
                    true
                }
                None => false,
            },
        }
    }

    fn start_a_delivery(&mut self, process: usize) -> bool {
        let Some(process) = Self::idle(&self.receivers, process) else { return false };
        let again = self.rng.u32(..6) == 0;
        let may_come = |delivery: &&crate::plan::Delivery| {
            let is_first = delivery.attempts == 0;
            let retries = self.plan.presets[delivery.preset].retries || delivery.is_forged;
            let pending = !delivery.is_acknowledged && delivery.attempts < 6;
            // Networks and providers repeat what was acknowledged, too.
            is_first || (retries && pending && delivery.in_flight == 0) || (again && delivery.attempts < 8)
        };
        // After a month the event is a new one to us: a limit that docs/proof.md states.
        if self.has_expired {
            return false;
        }
        let open: Vec<usize> =
            self.plan.deliveries.iter().enumerate().filter(|(_, delivery)| may_come(delivery)).map(|(nth, _)| nth).collect();
        if open.is_empty() {
            return false;
        }
        let nth = open[self.rng.usize(..open.len())];
        self.deliver(nth, process);
        true
    }

    fn start_a_batch(&mut self, process: usize) -> bool {
        let Some(process) = Self::idle(&self.processors, process) else { return false };
        if self.plan.copies && !self.has_expired && self.rng.u32(..5) == 0 && !self.recent.is_empty() {
            self.copy(process);
            return true;
        }
        let is_visible = self.system.queue.first_visible().is_some_and(|visible| visible <= self.shared.now());
        if is_visible {
            let at_most = self.rng.usize(1..=6);
            self.receive(process, at_most);
        }
        is_visible
    }

    fn kill_something(&mut self) -> bool {
        if self.tasks.is_empty() || self.rng.u32(..80) >= self.plan.kill {
            return false;
        }
        let ids: Vec<TaskId> = self.tasks.keys().copied().collect();
        let id = ids[self.rng.usize(..ids.len())];
        self.kill(id, "its process");
        true
    }

    /// An operator or a deployment acts, or a clock goes wrong.
    fn operate(&mut self) -> bool {
        match self.rng.u32(..6) {
            0 if self.plan.changes_rules => self.change_rules(),
            1 if self.plan.redrives => self.redrive(),
            2 if self.plan.erases => self.erase(),
            3 if self.plan.expires => self.expire(),
            4 if self.plan.skews => self.skew(),
            _ => false,
        }
    }

    fn change_rules(&mut self) -> bool {
        let process = self.rng.usize(..2);
        let Some(process) = Self::idle(&self.processors, process) else { return false };
        let edition = self.processors[process].edition.other();
        self.processors[process] = self.new_processor(edition, self.processors[process].clock.by_ms());
        self.trace(|| format!("processor {process} has the rules {edition:?}"));
        true
    }

    pub(super) fn redrive(&mut self) -> bool {
        let dead = self.system.queue.dead_letters();
        if dead.is_empty() {
            return false;
        }
        let keys = dead.iter().filter_map(|body| tidings_core::envelope::Envelope::claim_key_of(body));
        self.shared.ledger().redriven.extend(keys);
        self.system.queue.redrive();
        self.trace(|| format!("{} dead letters are redriven", dead.len()));
        true
    }

    /// Erases one conversation, in one step, as an operator does who waits for running invocations.
    fn erase(&mut self) -> bool {
        let which = self.rng.usize(..2);
        let names = [CONVERSATIONS[which], IDENTITIES[which]];
        let claims = self.system.store.claims();
        let of_them: Vec<&tidings_core::claim::Claim> =
            claims.iter().filter(|claim| claim.conversation.as_deref().is_some_and(|name| names.contains(&name))).collect();
        if of_them.is_empty() || !self.shared.ledger().erased_names.is_empty() {
            return false;
        }
        let keys: Vec<ClaimKey> = of_them.iter().map(|claim| claim.key.clone()).collect();
        let joins: Vec<String> = of_them.iter().flat_map(|claim| claim.joins.clone()).collect();
        let is_theirs = |place: &Place| names.contains(&place.partition.as_str()) || joins.contains(&place.partition);
        let mut ledger = self.shared.ledger();
        let in_flight =
            ledger.tasks.iter().any(|(id, notes)| self.tasks.contains_key(id) && keys.iter().any(|key| notes.keys.contains(key)));
        self.shared.reach_if(in_flight, State::ErasedInFlight);
        for key in &keys {
            self.system.store.erase(key, is_theirs);
            if self.shared.is_broken(Broken::ErasureForgets) {
                self.system.store.delete_claim(key);
            }
            ledger.erased.insert(key.clone(), self.next_task + 1);
        }
        ledger.erased_names.extend(names.map(str::to_owned));
        drop(ledger);
        self.trace(|| format!("{} is erased, with {} events", names[0], keys.len()));
        true
    }

    /// A month passes: DynamoDB deletes the claims whose time is over.
    fn expire(&mut self) -> bool {
        let is_waiting = self.system.store.claims().iter().any(|claim| self.system.store.outbox(&claim.key).is_some());
        if self.shared.is_broken(Broken::ClaimsExpireEarly) {
            self.delete_claims(true);
            return true;
        }
        if self.has_expired || is_waiting || !self.tasks.is_empty() {
            return false;
        }
        self.has_expired = true;
        self.recent.clear();
        self.shared.clock.advance(CLAIM_LIFETIME + Duration::from_secs(2 * 86_400));
        self.delete_claims(false);
        self.trace(|| "a month passes".to_owned());
        self.redrive();
        true
    }

    fn delete_claims(&self, all: bool) {
        let now = self.shared.now();
        for claim in self.system.store.claims() {
            if all || claim.expires.is_some_and(|expires| expires <= now) {
                self.system.store.delete_claim(&claim.key);
            }
        }
    }

    fn skew(&mut self) -> bool {
        let by = self.rng.i64(-MAX_SKEW..=MAX_SKEW);
        let process = self.rng.usize(..2);
        match self.rng.u32(..3) {
            0 => self.receivers[process].clock.skew(by),
            1 => self.processors[process].clock.skew(by),
            _ => self.senders[process].clock.skew(by),
        }
        let clocks: Vec<i64> = self
            .receivers
            .iter()
            .map(|one| one.clock.by_ms())
            .chain(self.processors.iter().map(|one| one.clock.by_ms()))
            .collect();
        let apart = clocks.iter().max().unwrap_or(&0) - clocks.iter().min().unwrap_or(&0);
        self.shared.reach_if(apart > 60_000, State::SkewedClocks);
        self.trace(|| format!("a clock is off by {by} ms"));
        true
    }
}
