//! A turn: the events of a burst, which become one action. The state of one rule's turns for one owner and key.
//!
//! Promises: each event is in one turn, and each turn ends once. A turn's events are in the order of events, whatever
//! order they came in. It is bounded: it ends before it would be too large, so no event is dropped.
//!
//! A turn has the name of the event that opened it, not a number: a number would begin again after the item's TTL or
//! an erasure, and a claim of then would swallow an end of now. After its end the item stays, empty, so that its version
//! goes on counting.
//!
//! Time is the processor's clock, as for every debounce: it is about how events come. A turn's end needs no rules, so
//! one that waits survives a change of its rule.

use super::{Owner, Tie, Waits};
use crate::action::{ActionId, ClosedBy, Intent, PlannedAction, Turn as TurnData, TurnMessage, Wrote};
use crate::claim::{ClaimKey, Sha256Hex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidings_config::limits::{CLAIM_LIFETIME, MAX_ACTION_BYTES, MAX_DEFERRED_PROPOSAL_BYTES, MAX_TURN_BYTES};
use tidings_config::rules::{CapOverflow, Priority, TurnTerms};
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TurnState {
    /// The turn that collects now. `None`: the last one has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Turn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The event that opened it: the turn's name.
    pub opened_by: ClaimKey,
    pub opened: Timestamp,
    /// When its latest event came.
    pub last: Timestamp,
    pub terms: TurnTerms,
    pub rule: String,
    pub action_type: String,
    pub priority: Priority,
    /// The entity that all its events are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The emitted values that are the provider's in each of its events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_provider: Vec<String>,
    /// Its timer had no room in the outbox: the next event sets it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_no_timer: bool,
    /// In the order of events.
    pub events: Vec<TurnEvent>,
}

/// An event of a turn, with what its rule emits for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnEvent {
    pub time: Timestamp,
    #[serde(default, skip_serializing_if = "Tie::is_default")]
    pub tie: Tie,
    pub key: ClaimKey,
    pub data: Map<String, Value>,
}

/// A turn that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedTurn {
    pub turn: Turn,
    pub by: ClosedBy,
}

/// What an event does to the turns of its key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// The turns that it ends, in order: the one before, and its own.
    pub ended: Vec<EndedTurn>,
    /// When the timer of the turn that is open now must fire, if one must be set.
    pub timer: Option<Timestamp>,
}

impl TurnState {
    /// Adds what an event's rule emits. `owner` is the event's. A turn that was to end before now ends first, whether its timer was
    /// lost or is only late.
    #[must_use]
    pub fn collect(&mut self, proposal: &PlannedAction, terms: TurnTerms, owner: &Owner, now: Timestamp) -> Collected {
        let mut collected = Collected::default();
        let Some(new) = Turn::opened(proposal, terms, now) else { return collected };
        let mut open = self.open.take();
        if let Some(over) = open.take_if(|turn| turn.due().0 <= now) {
            let by = over.due().1;
            collected.ended.push(EndedTurn { turn: over, by });
        }
        let before = open.clone();
        let is_new = open.is_none();
        let mut turn = match open {
            Some(turn) => turn.with(new.clone()),
            None => new.clone(),
        };
        let mut sets_timer = is_new || turn.has_no_timer;
        if let Some(before) = before
            && !turn.fits(owner)
        {
            collected.ended.push(EndedTurn { turn: before, by: ClosedBy::Size });
            (turn, sets_timer) = (new, true);
        }
        if turn.events.len() >= turn.terms.collect as usize {
            collected.ended.push(EndedTurn { turn, by: ClosedBy::Collect });
        } else if !turn.fits(owner) {
            collected.ended.push(EndedTurn { turn, by: ClosedBy::Size });
        } else {
            turn.has_no_timer = false;
            collected.timer = sets_timer.then_some(turn.due().0);
            self.open = Some(turn);
        }
        collected
    }

    /// The open turn, if it has this name.
    pub fn named(&self, opened_by: &ClaimKey) -> Option<&Turn> {
        self.open.as_ref().filter(|turn| turn.opened_by == *opened_by)
    }

    /// When DynamoDB may delete it.
    pub fn expires(&self, written: Timestamp) -> Timestamp {
        written.plus(CLAIM_LIFETIME)
    }
}

impl Turn {
    /// `None`: the action isn't one that a rule emits.
    fn opened(proposal: &PlannedAction, terms: TurnTerms, now: Timestamp) -> Option<Self> {
        let Intent::Emit { action_type, data: Value::Object(data) } = &proposal.intent else { return None };
        let event =
            TurnEvent { time: proposal.time.unwrap_or(now), tie: proposal.tie, key: proposal.cause.clone(), data: data.clone() };
        Some(Self {
            opened_by: proposal.cause.clone(),
            opened: now,
            last: now,
            terms,
            rule: proposal.rule.clone(),
            action_type: action_type.clone(),
            priority: proposal.priority,
            entity: proposal.entity.clone(),
            traceparent: proposal.traceparent.clone(),
            by_provider: proposal.by_provider.clone(),
            has_no_timer: false,
            events: vec![event],
        })
    }

    /// The same turn with the event of a turn that it would have opened.
    fn with(mut self, new: Self) -> Self {
        self.last = self.last.max(new.last);
        self.entity = self.entity.filter(|entity| new.entity.as_ref() == Some(entity));
        self.by_provider.retain(|name| new.by_provider.contains(name));
        for event in new.events {
            let at = self.events.partition_point(|known| known.place() < event.place());
            self.events.insert(at, event);
        }
        self
    }

    /// When it ends, and why.
    pub fn due(&self) -> (Timestamp, ClosedBy) {
        let quiet = self.last.plus(self.terms.quiet.duration());
        let latest = self.opened.plus(self.terms.at_most.duration());
        if quiet <= latest { (quiet, ClosedBy::Quiet) } else { (latest, ClosedBy::AtMost) }
    }

    /// Whether it can be stored, and its action be sent. Without a link, the action of an identity waits among its
    /// deferred ones, where there is less room.
    fn fits(&self, owner: &Owner) -> bool {
        let json = |value: serde_json::Result<String>| value.map_or(usize::MAX, |json| json.len());
        let ended = EndedTurn { turn: self.clone(), by: ClosedBy::Collect };
        let planned = ended.planned("", &self.opened_by, self.last);
        json(serde_json::to_string(self)) <= MAX_TURN_BYTES
            && match owner {
                Owner::Conversation(_) => json(serde_json::to_string(&planned)) <= MAX_ACTION_BYTES - AROUND,
                Owner::Identity(_) => {
                    let waits = Waits { until: None, proposal: planned };
                    json(serde_json::to_string(&waits)) <= MAX_DEFERRED_PROPOSAL_BYTES - AROUND
                }
            }
    }
}

/// What may stand around an action where it is stored: its sequence, and a longer cause.
const AROUND: usize = 2_560;

impl TurnEvent {
    fn place(&self) -> (Timestamp, Tie, &ClaimKey) {
        (self.time, self.tie, &self.key)
    }
}

impl EndedTurn {
    /// The action. `partition` is that of its turns. `cause` is the message that ends it; the action's id follows from
    /// the turn alone.
    pub fn planned(&self, partition: &str, cause: &ClaimKey, now: Timestamp) -> PlannedAction {
        let Self { turn, by } = self;
        let messages =
            turn.events.iter().map(|event| TurnMessage { event: event.key.clone(), at: event.time, data: event.data.clone() });
        let data = TurnData { messages: messages.collect(), opened: turn.opened, closed_by: *by };
        PlannedAction {
            id: ActionId::new(&turn_cause(partition, &turn.opened_by), &turn.rule, "emit"),
            rule: turn.rule.clone(),
            entity: turn.entity.clone(),
            time: None,
            tie: Tie::default(),
            nth: 0,
            wrote: Wrote::default(),
            overflow: CapOverflow::default(),
            since: now,
            cause: cause.clone(),
            priority: turn.priority,
            traceparent: turn.traceparent.clone(),
            by_provider: TurnData::by_provider(&turn.by_provider),
            intent: Intent::Emit { action_type: turn.action_type.clone(), data: data.into_data() },
        }
    }
}

/// The partition of a rule's turns for one owner and one value of `by`. It can't equal a conversation's name: it
/// contains a hash of all three.
pub fn turn_partition(rule: &str, owner: &Owner, by: Option<&str>) -> String {
    let named = serde_json::to_string(&(rule, owner, by)).expect("they are texts");
    format!("turn#{rule}#{}", Sha256Hex::of(named.as_bytes()).digits())
}

/// The claim key of the message that ends a turn when its time has come. Each turn has its own, and one.
pub fn turn_cause(partition: &str, opened_by: &ClaimKey) -> ClaimKey {
    ClaimKey::from(format!("@{partition}#{}", Sha256Hex::of(opened_by.as_str().as_bytes()).digits()))
}

#[cfg(test)]
mod tests;
