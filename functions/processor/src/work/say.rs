//! Decides which notifications are sent and which wait. Waiting and new ones are decided together, in the order of
//! the events, so a new one never overtakes one that is ready.

use super::{Work, keys_of_action};
use std::collections::BTreeSet;
use tidings_config::limits::{MAX_DEFERRAL, WAKE_STEP};
use tidings_config::rules::{CapOverflow, Channel, Priority};
use tidings_config::time::Timestamp;
use tidings_core::action::capped::{Capped, Message, Open, capped};
use tidings_core::action::digest::digest;
use tidings_core::action::policy::{Circumstances, caps, decide};
use tidings_core::action::{Became, PlannedAction, Preferences, Verdict, Withheld};
use tidings_core::context::{Facts, Item, ItemKey, Outgoing, PREFERENCES, Waits};
use tidings_core::text::Reader;

/// A notification that is decided now.
struct Candidate {
    proposal: PlannedAction,
    /// `None`: it is new. `Some`: it waited, until this time if it had one.
    waited: Option<Option<Timestamp>>,
    channel: Option<Channel>,
}

impl Candidate {
    fn is_urgent(&self) -> bool {
        self.proposal.priority == Priority::Urgent
    }
}

impl Work<'_> {
    /// Decides the actions of this event. Stale ones are withheld; the others are decided with the waiting ones.
    pub(crate) fn act(&mut self, proposals: &[PlannedAction]) {
        if proposals.is_empty() {
            return;
        }
        let mut new = Vec::new();
        for proposal in proposals {
            if proposal.is_stale(|key| self.facts_in(key)) {
                self.note(proposal, Became::Withheld(Withheld::Stale));
            } else if self.view.unlinked.is_some() {
                // No conversation is known to send it to.
                let became = self.defer(proposal.clone(), None);
                self.note(proposal, became);
            } else {
                new.push(proposal.clone());
            }
        }
        if new.is_empty() {
            return;
        }
        if self.outbox.later && !self.view.knows_deferred() {
            self.applied.missing.insert(ItemKey::Deferred);
        } else if self.deferred.identities.is_empty() {
            self.say(new);
        } else {
            // An identity's notifications may come before these, and its timer fires immediately.
            let (urgent, rest): (Vec<PlannedAction>, Vec<PlannedAction>) =
                new.into_iter().partition(|proposal| proposal.priority == Priority::Urgent);
            let before = std::mem::take(&mut self.deferred.waiting);
            self.say(urgent);
            self.deferred.waiting = before;
            for proposal in rest {
                let became = self.defer(proposal.clone(), Some(self.at.now));
                self.note(&proposal, became);
            }
        }
    }

    /// Decides all waiting and new notifications.
    pub(crate) fn say(&mut self, new: Vec<PlannedAction>) {
        let waiting = std::mem::take(&mut self.deferred.waiting);
        let waited = waiting.into_iter().map(|Waits { until, proposal }| (proposal, Some(until)));
        let mut candidates: Vec<_> = waited.chain(new.into_iter().map(|proposal| (proposal, None))).collect();
        candidates.sort_by(|(one, _), (other, _)| one.place().cmp(&other.place()));
        let preferences = ItemKey::Entity(PREFERENCES.to_owned());
        if !candidates.is_empty() && !self.view.asked.contains(&preferences) {
            self.applied.missing.insert(preferences);
            return;
        }
        let preferences = Preferences::read(self.facts_in(&preferences), self.at.now);
        let (mut open, mut later) = (Vec::new(), Vec::new());
        for (proposal, waited) in candidates {
            let circumstances = Circumstances {
                conversation: &self.view.partition,
                preferences: &preferences,
                now: self.at.now,
                // A deferred notification waited for its time, not in a backlog.
                lag: if waited.is_some() { std::time::Duration::ZERO } else { self.at.now.since(self.at.received) },
            };
            match decide(&proposal, self.at.policy, &circumstances) {
                Verdict::Withhold(why) => self.note(&proposal, Became::Withheld(why)),
                Verdict::Defer { until } => {
                    let room = self.room(&proposal);
                    later.push((Candidate { proposal, waited, channel: None }, room.map_or(until, |room| room.max(until))));
                }
                Verdict::Send { channel } => open.push(Candidate { proposal, waited, channel }),
            }
        }
        let Some(capped) = self.capped(&mut open) else { return };
        for over in &capped.over {
            self.note(&open[*over].proposal, Became::Withheld(Withheld::OverCap));
        }
        let unsaid = self.send_all(&open, &capped);
        let mut now_or_later: Vec<_> = open.into_iter().map(Some).collect();
        for n in unsaid.into_iter().chain(capped.wait.iter().copied()) {
            let Some(candidate) = now_or_later[n].take() else { continue };
            let until = if capped.wait.contains(&n) { self.room(&candidate.proposal) } else { None };
            later.push((candidate, until.unwrap_or(self.at.now)));
        }
        self.postpone(later);
    }

    /// The decision, as far as it can be made; stale notifications are removed first. `None`: items must be read first.
    fn capped(&mut self, open: &mut Vec<Candidate>) -> Option<Capped> {
        loop {
            let looked_at: Vec<Open<'_>> =
                open.iter().map(|one| Open { proposal: &one.proposal, channel: one.channel }).collect();
            let capped = capped(&looked_at, self.at.policy, &self.outbox, &self.deferred.left, self.at.now);
            // If some exceed a cap or form a digest, staleness of all of them matters; otherwise only of those that
            // are sent now.
            let crowded = !capped.over.is_empty() || capped.say.iter().any(Message::is_digest);
            let of_interest: BTreeSet<usize> = if crowded {
                (0..open.len()).collect()
            } else {
                capped.say.iter().take(WAKE_STEP).flat_map(|message| message.members.iter().copied()).collect()
            };
            let waited = of_interest.iter().map(|n| &open[*n]).filter(|one| one.waited.is_some());
            let needed: BTreeSet<ItemKey> = waited.flat_map(|one| keys_of_action(&one.proposal)).collect();
            self.applied.missing.extend(needed.difference(&self.view.asked).cloned());
            if !self.applied.missing.is_empty() {
                return None;
            }
            let stale: BTreeSet<usize> =
                of_interest.into_iter().filter(|n| open[*n].proposal.is_stale(|key| self.facts_in(key))).collect();
            if stale.is_empty() {
                return Some(capped);
            }
            for n in stale.into_iter().rev() {
                let overtaken = open.remove(n);
                self.note(&overtaken.proposal, Became::Withheld(Withheld::Stale));
            }
        }
    }

    /// Sends them in order, as many as one transaction may. Returns the rest.
    fn send_all(&mut self, open: &[Candidate], capped: &Capped) -> Vec<usize> {
        let is_own_urgent = |message: &Message| message.members.iter().all(|n| open[*n].waited.is_none() && open[*n].is_urgent());
        let mut steps = WAKE_STEP.saturating_sub(capped.say.iter().filter(|message| is_own_urgent(message)).count());
        let mut unsaid = Vec::new();
        for message in &capped.say {
            if !is_own_urgent(message) {
                if steps == 0 {
                    unsaid.extend(message.members.iter().copied());
                    continue;
                }
                steps -= 1;
            }
            let members: Vec<&Candidate> = message.members.iter().map(|n| &open[*n]).collect();
            let became = self.send(&members, message);
            let told = if matches!(became, Became::Withheld(_)) {
                members.as_slice()
            } else {
                members.last().map(std::slice::from_ref).unwrap_or_default()
            };
            for member in told {
                self.note(&member.proposal, became);
            }
        }
        unsaid
    }

    /// Puts it into the outbox, if it isn't too large and there is room.
    fn send(&mut self, members: &[&Candidate], message: &Message) -> Became {
        let Some(newest) = members.last() else { return Became::Withheld(Withheld::TooLarge) };
        let now = self.at.now;
        let facts = |entity: &str| self.facts_in(&ItemKey::Entity(entity.to_owned()));
        let preferences = facts(PREFERENCES);
        let reader =
            |proposal: &PlannedAction| Reader::new(preferences, proposal.entity.as_deref().and_then(facts), self.at.policy, now);
        let left: u64 = message.left_of.iter().filter_map(|scope| self.deferred.left.get(scope)).sum();
        let count = u64::try_from(members.len()).unwrap_or(u64::MAX).saturating_add(left);
        let (action, became) = if message.is_digest() && count > 1 {
            let proposals: Vec<&PlannedAction> = members.iter().map(|member| &member.proposal).collect();
            (digest(&proposals, left, newest.channel, reader), Became::Digest { count })
        } else {
            (Some(newest.proposal.action(newest.channel, &reader(&newest.proposal))), Became::Queued)
        };
        let Some(action) = action else { return Became::Withheld(Withheld::TooLarge) };
        if let Err(why) = self.put(Outgoing::Action(Box::new(action))) {
            return Became::Withheld(why);
        }
        for scope in &message.left_of {
            self.deferred.left.remove(scope);
        }
        let mut counted = BTreeSet::new();
        for (scope, cap) in members.iter().flat_map(|member| caps(&member.proposal, self.at.policy)) {
            if counted.insert(scope.to_owned()) {
                self.outbox.count(scope, cap, now);
            }
        }
        became
    }

    /// When its caps have room again. `None`: they have room.
    fn room(&self, proposal: &PlannedAction) -> Option<Timestamp> {
        caps(proposal, self.at.policy).filter_map(|(scope, cap)| self.outbox.room(scope, cap, self.at.now)).max()
    }

    /// Waiting notifications keep waiting, and new ones are deferred.
    fn postpone(&mut self, later: Vec<(Candidate, Timestamp)>) {
        let mut new = Vec::new();
        for (Candidate { proposal, waited, .. }, until) in later {
            if until.since(proposal.since) > MAX_DEFERRAL {
                self.note(&proposal, Became::Withheld(Withheld::Expired));
                continue;
            }
            let Some(before) = waited else {
                new.push((proposal, until));
                continue;
            };
            if before.is_none_or(|before| before <= self.at.now) && until > self.at.now {
                self.note(&proposal, Became::WaitsUntil(until));
            }
            self.deferred.waiting.push(Waits { until: Some(until), proposal });
        }
        self.deferred.waiting.sort_by(|one, other| one.proposal.place().cmp(&other.proposal.place()));
        for (proposal, until) in new {
            let became = self.defer(proposal.clone(), Some(until));
            self.note(&proposal, became);
        }
    }

    /// Forgets the dropped notifications of a scope that has none waiting.
    pub(super) fn forget_scopes(&mut self) {
        let policy = self.at.policy;
        let waiting = self.deferred.waiting.iter();
        let scopes: BTreeSet<&str> = waiting.flat_map(|waits| caps(&waits.proposal, policy)).map(|(scope, _)| scope).collect();
        self.deferred.left.retain(|scope, _| scopes.contains(scope.as_str()));
    }

    /// Defers a notification. `Withheld::NoRoom`: there is no room for it. Dropped notifications are counted.
    pub(crate) fn defer(&mut self, proposal: PlannedAction, until: Option<Timestamp>) -> Became {
        let id = proposal.id.clone();
        if !self.view.knows_deferred() {
            self.applied.missing.insert(ItemKey::Deferred);
            return until.map_or(Became::WaitsForLink, Became::WaitsUntil);
        }
        let mut gone = self.deferred.add(Waits { until, proposal }, self.at.now);
        for proposal in &gone {
            let digests = caps(proposal, self.at.policy).filter(|(_, cap)| cap.overflow == CapOverflow::Digest);
            if let Some((scope, _)) = digests.last() {
                self.deferred.leave(scope, 1);
            }
        }
        let itself = gone.iter().position(|gone| gone.id == id).map(|itself| gone.remove(itself));
        self.applied.evicted.append(&mut gone);
        if itself.is_some() {
            return Became::Withheld(Withheld::NoRoom);
        }
        until.map_or(Became::WaitsForLink, Became::WaitsUntil)
    }

    /// The facts of an item, including this event's changes.
    pub(crate) fn facts_in(&self, key: &ItemKey) -> Option<&Facts> {
        self.merged.items.get(key).or_else(|| self.view.items.get(&self.view.place(key.clone()))).and_then(Item::facts)
    }

    pub(crate) fn note(&mut self, proposal: &PlannedAction, became: Became) {
        self.applied.rules.insert(proposal.rule.clone());
        self.applied.actions.push(proposal.became(became));
    }
}
