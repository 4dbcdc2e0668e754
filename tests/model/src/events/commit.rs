//! The processor's steps up to a message's commit. Each is one call, so a crash may come between any two.

use super::decided::{self, Kind, Written, after_write, failure, is_complete, is_past_horizon, links};
use super::state::{
    CONVERSATION, Claim, Doing, EVENTS, Effect, Entity, IDENTITY, Message, OTHER, Outbox, Partition, State, View, Work,
};
use super::{Events, Fate};
use crate::broken::Broken;
use tidings_core::claim::ClaimState;
use tidings_core::claim::decide::reads_claim_first;
use tidings_core::commit_plan::CommitPlan;

impl Events {
    /// What the rules of today make of an event, and for which partition.
    fn plan(&self, state: &State, event: u8) -> (Kind, u8) {
        let kind = self.setup.kinds[usize::from(event)];
        match (kind, state.rules_changed) {
            (Kind::OfIdentity, _) => (kind, IDENTITY),
            // The new rules link nothing, and know another conversation.
            (Kind::Link, true) => (Kind::Action, OTHER),
            (kind, true) => (kind, OTHER),
            (kind, false) => (kind, CONVERSATION),
        }
    }

    fn effect_of(&self, state: &State, event: u8) -> Option<Effect> {
        let claim = state.claims[usize::from(event)]?;
        (claim.state == ClaimState::Processed).then_some(claim.effect)
    }

    pub(super) fn begin(&self, state: &State, message: Message, fate: Fate) -> Doing {
        let (kind, to) = self.plan(state, message.event);
        let known = self.effect_of(state, message.event).filter(|effect| fate == Fate::Answered && is_complete(*effect));
        if reads_claim_first(message.receives.into(), message.again)
            && let Some(effect) = known
        {
            return self.finish(state, message.event, effect);
        }
        if is_past_horizon(message.age, state.age, state.skew) && !self.is(Broken::NoHorizon) {
            return Doing::Fail { contended: false, unsent: false };
        }
        Doing::Load { kind, to }
    }

    /// The rest of a committed effect, from its record.
    pub(super) fn finish(&self, state: &State, event: u8, effect: Effect) -> Doing {
        if self.is(Broken::FinishIsNothing) {
            return Doing::Delete;
        }
        let effect = if self.is(Broken::RecoveryPlansAgain) {
            let (kind, to) = self.plan(state, event);
            Effect { conversation: Some(to), links: kind == Kind::Link }
        } else {
            effect
        };
        match effect.conversation {
            None => Doing::Delete,
            Some(_) if effect.links => Doing::Adopt { effect },
            Some(_) => Doing::Flush { effect },
        }
    }

    /// Reads the items; with facts that are written first, the claim too.
    pub(super) fn load(&self, state: &State, work: &Work, kind: Kind, to: u8, fate: Fate) -> Doing {
        if fate != Fate::Answered {
            let (contended, unsent) = failure(false, false);
            return Doing::Fail { contended, unsent };
        }
        let facts_first = decided::commit_plan(kind) == CommitPlan::FactsThenClaim;
        if facts_first
            && !self.is(Broken::FactsWithoutClaim)
            && let Some(effect) = self.effect_of(state, work.message.event)
        {
            return self.finish(state, work.message.event, effect);
        }
        let link = state.partitions[usize::from(to)].link;
        let partition = link.unwrap_or(to);
        let Partition { entity, outbox, .. } = state.partitions[usize::from(partition)];
        // Who adds no action doesn't read the outbox.
        let outbox = outbox.filter(|_| kind == Kind::Action);
        let absent = kind == Kind::OfIdentity && link.is_none();
        let view = View { partition, entity, outbox, absent, sent: None, unsent: false };
        let waits = outbox.is_some_and(|outbox| !outbox.is_sent()) && !self.is(Broken::OwnActionsOnly);
        let sends = waits || kind == Kind::Action && self.is(Broken::SendBeforeCommit);
        if sends { Doing::Send { kind, view } } else { Doing::Commit { kind, view } }
    }

    /// Sends what waits, before the new effect is added.
    pub(super) fn send_first(&self, state: &mut State, work: &Work, kind: Kind, mut view: View, fate: Fate) -> Doing {
        if self.is(Broken::SendBeforeCommit) && kind == Kind::Action {
            let sequence = view.outbox.map_or(0, |outbox| outbox.next);
            self.sent(state, view.partition, work.message.event, sequence);
            return Doing::Commit { kind, view };
        }
        let waiting = view.outbox.and_then(|outbox| outbox.first(view.sent));
        let Some((sequence, event)) = waiting else { return Doing::Commit { kind, view } };
        if fate.has_effect() {
            self.sent(state, view.partition, event, sequence);
        }
        if fate != Fate::Answered {
            view.unsent = true;
            return Doing::Commit { kind, view };
        }
        view.sent = Some(sequence);
        match view.outbox.and_then(|outbox| outbox.first(view.sent)) {
            Some(_) => Doing::Send { kind, view },
            None => {
                view.outbox = view.outbox.map(|outbox| Outbox { waiting: [0; EVENTS], ..outbox });
                Doing::Commit { kind, view }
            }
        }
    }

    /// Writes the effect by the writes that the plan names.
    pub(super) fn commit(&self, state: &mut State, work: &mut Work, kind: Kind, view: View, fate: Fate) -> Doing {
        let event = work.message.event;
        let plan = decided::commit_plan(kind);
        let is_known = view.entity.is_some_and(|entity| entity.facts & (1 << event) != 0);
        let facts_first = plan == CommitPlan::FactsThenClaim && !is_known;
        if facts_first && self.is(Broken::ClaimBeforeFacts) {
            let written = self.write(state, event, None, kind, &view, fate);
            let next = self.after(state, work, written, kind, &view);
            return if written == Written::Yes { Doing::FactsLate { view } } else { next };
        }
        if facts_first || plan == CommitPlan::Transaction && self.is(Broken::CommitWithoutClaim) {
            let written = self.rewrite(state, event, kind, &view, fate);
            return match written {
                Written::Yes => Doing::Claim { kind, view },
                other @ (Written::Before(_) | Written::Moved | Written::Conflict | Written::Unknown) => {
                    self.after(state, work, other, kind, &view)
                }
            };
        }
        let items = (plan == CommitPlan::Transaction).then_some(());
        let written = self.write(state, event, items, kind, &view, fate);
        self.after(state, work, written, kind, &view)
    }

    /// The claim alone, after the facts.
    pub(super) fn claim(&self, state: &mut State, work: &mut Work, kind: Kind, view: View, fate: Fate) -> Doing {
        let written = self.write(state, work.message.event, None, kind, &view, fate);
        self.after(state, work, written, kind, &view)
    }

    fn after(&self, state: &State, work: &mut Work, written: Written, kind: Kind, view: &View) -> Doing {
        let (reloads, conflicts) = (work.reloads, work.conflicts);
        match written {
            Written::Moved => work.reloads += 1,
            Written::Conflict => work.conflicts += 1,
            Written::Yes | Written::Before(_) | Written::Unknown => {}
        }
        let written = if self.is(Broken::UnknownIsDone) && written == Written::Unknown { Written::Yes } else { written };
        let failed = |contended| {
            let (contended, unsent) = failure(contended, false);
            Doing::Fail { contended, unsent }
        };
        match after_write(written, reloads, conflicts) {
            decided::Next::Done if view.unsent => {
                let (contended, unsent) = failure(false, true);
                Doing::Fail { contended, unsent }
            }
            decided::Next::Done => {
                let effect = Effect { conversation: Some(view.partition), links: kind == Kind::Link };
                if effect.links { Doing::Adopt { effect } } else { self.deliver_own(view, work.message.event, kind, effect) }
            }
            decided::Next::Finish(effect) => self.finish(state, work.message.event, effect),
            decided::Next::Again => {
                let (kind, to) = match kind {
                    Kind::OfIdentity => (kind, IDENTITY),
                    Kind::Noted | Kind::Facts | Kind::Action | Kind::Link => (kind, view.partition),
                };
                Doing::Load { kind, to }
            }
            decided::Next::Contended => failed(true),
            decided::Next::Unknown => failed(false),
        }
    }

    /// The outbox as this commit wrote it, which isn't read again.
    fn deliver_own(&self, view: &View, event: u8, kind: Kind, effect: Effect) -> Doing {
        match added(view, event, kind) {
            Some(outbox) => Doing::Deliver { effect, outbox, sent: None },
            None => Doing::Delete,
        }
    }

    /// `PutItem` of the facts, guarded by their version.
    fn rewrite(&self, state: &mut State, event: u8, kind: Kind, view: &View, fate: Fate) -> Written {
        if fate == Fate::Conflict {
            return Written::Conflict;
        }
        let mut written = Written::Yes;
        if fate.has_effect() {
            if self.is_moved(state, kind, view) {
                written = Written::Moved;
            } else {
                self.put_items(state, event, kind, view);
            }
        }
        if fate == Fate::Answered { written } else { Written::Unknown }
    }

    /// `TransactWriteItems` of claim and items, or `UpdateItem` of the claim alone.
    fn write(&self, state: &mut State, event: u8, items: Option<()>, kind: Kind, view: &View, fate: Fate) -> Written {
        if fate == Fate::Conflict {
            return Written::Conflict;
        }
        let mut written = Written::Yes;
        if fate.has_effect() {
            let processed = self.effect_of(state, event).filter(|_| !self.is(Broken::CommitWithoutCondition));
            let missing = self.is(Broken::MissingClaimIsProcessed) && state.claims[usize::from(event)].is_none();
            if let Some(effect) = processed {
                written = Written::Before(effect);
            } else if missing {
                written = Written::Before(Effect { conversation: Some(view.partition), links: kind == Kind::Link });
            } else if items.is_some() && self.is_moved(state, kind, view) {
                written = Written::Moved;
            } else {
                let makes = items.is_some() && self.put_items(state, event, kind, view);
                let effect = Effect { conversation: Some(view.partition), links: makes };
                state.claims[usize::from(event)] = Some(Claim { state: ClaimState::Processed, effect, age: state.age });
                state.history.done |= 1 << event;
            }
        }
        if fate == Fate::Answered { written } else { Written::Unknown }
    }

    /// Whether an item that is written isn't as it was read.
    fn is_moved(&self, state: &State, kind: Kind, view: &View) -> bool {
        let stored = &state.partitions[usize::from(view.partition)];
        let version = |entity: &Option<Entity>| entity.map(|entity| entity.version);
        let outbox = |outbox: &Option<Outbox>| outbox.map(|outbox| outbox.version);
        let entity_moved = writes_entity(kind) && version(&stored.entity) != version(&view.entity);
        let outbox_moved = kind == Kind::Action && outbox(&stored.outbox) != outbox(&view.outbox);
        let linked = view.absent && state.partitions[usize::from(IDENTITY)].link.is_some();
        (entity_moved || outbox_moved) && !self.is(Broken::CommitWithoutVersions)
            || linked && !self.is(Broken::IdentityWithoutAbsence)
    }

    /// Writes the items of an effect, merged into what was read. Whether it made a link.
    fn put_items(&self, state: &mut State, event: u8, kind: Kind, view: &View) -> bool {
        let erased = state.history.erased & (1 << event);
        state.history.returned |= erased;
        let mut entity = view.entity.unwrap_or_default();
        entity.version += 1;
        match kind {
            Kind::Noted | Kind::Link => {}
            Kind::Facts => entity.facts |= 1 << event,
            Kind::Action | Kind::OfIdentity => entity.counts[usize::from(event)] += 1,
        }
        if writes_entity(kind) {
            state.partitions[usize::from(view.partition)].entity = Some(entity);
        }
        if let Some(outbox) = added(view, event, kind) {
            state.partitions[usize::from(view.partition)].outbox = Some(outbox);
        }
        let (its_link, link) = (state.partitions[usize::from(view.partition)].link, state.partitions[usize::from(IDENTITY)].link);
        let makes = kind == Kind::Link && links(view.partition, its_link, link);
        if makes {
            state.partitions[usize::from(IDENTITY)].link = Some(view.partition);
            state.partitions[usize::from(view.partition)].link = Some(view.partition);
        }
        makes
    }

    /// The actions queue takes an action; a copy of one that it has is dropped by its id.
    pub(super) fn sent(&self, state: &mut State, partition: u8, event: u8, sequence: u8) {
        let (history, bit) = (&mut state.history, 1 << event);
        if history.sent & bit == 0 {
            let newest = &mut history.newest[usize::from(partition)];
            history.disordered |= *newest > sequence + 1;
            *newest = sequence.saturating_add(1).max(*newest);
        }
        history.sent |= bit;
    }
}

fn writes_entity(kind: Kind) -> bool {
    match kind {
        Kind::Facts | Kind::Action | Kind::OfIdentity => true,
        Kind::Noted | Kind::Link => false,
    }
}

/// The outbox with the event's action. What was sent before the commit has left it.
fn added(view: &View, event: u8, kind: Kind) -> Option<Outbox> {
    if kind != Kind::Action {
        return None;
    }
    let mut outbox = view.outbox.unwrap_or_default();
    outbox.version += 1;
    if let Some(place) = outbox.waiting.get_mut(usize::from(outbox.next)) {
        *place = event + 1;
    }
    outbox.next += 1;
    Some(outbox)
}
