//! The processor's ports for claims, contexts and actions.

use super::Port;
use crate::broken::Broken;
use crate::ledger::{Effect, Sent};
use crate::states::State;
use crate::system::Actions;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::action::{Action, NOTIFY_TYPE};
use tidings_core::claim::decide::{Committed, RecordedEffect};
use tidings_core::claim::{ClaimKey, ClaimState, TimelineKey};
use tidings_core::context::{Item, ItemKey, Place};
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Call, Fault, MemoryStore};
use tidings_core::ports::{ActionQueue, Commit, ContextStore, DeadLetter, DeadLettered, Loaded, Rewrite, Unavailable};

impl Port<MemoryStore> {
    /// The items with the versions that are stored: as if no write had a condition.
    async fn unconditional(&self, items: &BTreeMap<Place, Item>) -> BTreeMap<Place, Item> {
        let places: BTreeSet<Place> = items.keys().cloned().collect();
        let stored = self.inner.load(&places).await.unwrap_or_default();
        let with_version = |(place, item): (&Place, &Item)| {
            let version = stored.get(place).and_then(|stored| stored.version);
            (place.clone(), Item { version, content: item.content.clone() })
        };
        items.iter().map(with_version).collect()
    }

    fn is_processed(&self, key: &ClaimKey) -> bool {
        self.inner.claim(key).is_some_and(|claim| claim.state == ClaimState::Processed)
    }

    /// Commits, and notes what that did.
    async fn watched(&self, task: u32, commit: &Commit) -> Committed {
        let was_processed = self.is_processed(&commit.key);
        let mut commit = commit.clone();
        if self.shared.is_broken(Broken::ClaimWithoutCondition) {
            self.inner.set_state(&commit.key, ClaimState::Enqueued);
        }
        if self.shared.is_broken(Broken::ItemsWithoutVersions) {
            commit.items = self.unconditional(&commit.items).await;
        }
        let places: BTreeSet<Place> = commit.items.keys().cloned().collect();
        let before = if was_processed { self.stored(&places) } else { BTreeMap::new() };
        let committed = self.inner.commit(&commit).await;
        let is_processed = self.is_processed(&commit.key);
        if was_processed && self.stored(&places) != before {
            self.shared.violate(format!("a second effect of {}", commit.key));
        }
        self.shared.reach_if(committed == Committed::ContextMoved, State::VersionMoved);
        self.shared.reach_if(matches!(committed, Committed::Before(_)), State::EffectBefore);
        if is_processed && !was_processed {
            let links = !commit.links.is_empty();
            self.shared.reach_if(links, State::Linked);
            self.shared.reach_if(commit.event_type == "tidings.join.then", State::JoinThen);
            self.shared.reach_if(commit.event_type == "tidings.join.else", State::JoinElse);
            let mut ledger = self.shared.ledger();
            let was_redriven = ledger.redriven.contains(&commit.key);
            self.shared.reach_if(was_redriven, State::RedrivenApplied);
            let Some(notes) = ledger.notes(task) else { return committed };
            notes.committed = true;
            let message = message_of(&notes.messages, &commit);
            let effect = Effect { task, edition: notes.edition, message };
            ledger.effects.entry(commit.key.clone()).or_default().push(effect);
        } else if is_processed {
            let mut ledger = self.shared.ledger();
            if let Some(notes) = ledger.notes(task) {
                notes.committed = true;
            }
        }
        committed
    }

    fn stored(&self, places: &BTreeSet<Place>) -> BTreeMap<Place, Option<u64>> {
        let items = self.inner.items();
        places.iter().map(|place| (place.clone(), items.get(place).and_then(|item| item.version))).collect()
    }

    fn conflicted(&self, task: u32) {
        if let Some(notes) = self.shared.ledger().notes(task) {
            notes.conflicted = true;
        }
    }
}

#[async_trait]
impl ContextStore for Port<MemoryStore> {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        if places.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (loaded, fault) = self.call(Call::Load, || partition_of(places), self.inner.load(places)).await;
        self.shared.reach_if(fault.is_some(), State::LoadFailed);
        loaded
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        let (loaded, fault) = self.call(Call::Load, || key.to_string(), self.inner.load_with_effect(places, key)).await;
        self.shared.reach_if(fault.is_some(), State::LoadFailed);
        loaded
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        self.call(Call::Effect, || key.to_string(), self.inner.effect(key)).await.0
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        self.call(Call::First, || partition.to_owned(), self.inner.first(partition, at_most)).await.0
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let task = self.shared.gates.current();
        let (committed, fault) = self.call(Call::Commit, || commit.key.to_string(), self.watched(task, commit)).await;
        match fault {
            Some(Fault::Refuse) => self.shared.reach(State::CommitRefused),
            Some(Fault::LoseAnswer) => {
                let is_last = self.shared.ledger().notes(task).is_some_and(|notes| notes.last_receive);
                self.shared.reach(State::CommitAnswerLost);
                self.shared.reach_if(is_last, State::CommitLostOnLastReceive);
            }
            Some(Fault::Conflict) => {
                self.shared.reach(State::CommitConflict);
                self.conflicted(task);
            }
            None => {}
        }
        let is_unknown = matches!(committed, Committed::Unknown(_));
        if is_unknown && self.shared.is_broken(Broken::UnknownIsDone) { Committed::Yes } else { committed }
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        let task = self.shared.gates.current();
        let effect = async {
            let mut rewrite = rewrite.clone();
            if self.shared.is_broken(Broken::ItemsWithoutVersions) {
                rewrite.puts = self.unconditional(&rewrite.puts).await;
            }
            let committed = self.inner.rewrite(&rewrite).await;
            if committed == Committed::Yes
                && let Some(notes) = self.shared.ledger().notes(task)
            {
                notes.unswept = false;
            }
            self.shared.reach_if(committed == Committed::ContextMoved, State::VersionMoved);
            committed
        };
        let about = || partition_of(&rewrite.puts.keys().chain(rewrite.deletes.keys()).cloned().collect());
        let (committed, fault) = self.call(Call::Rewrite, about, effect).await;
        self.shared.reach_if(fault == Some(Fault::Conflict), State::RewriteConflict);
        self.shared.reach_if(fault == Some(Fault::LoseAnswer), State::RewriteAnswerLost);
        committed
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        let (recorded, fault) =
            self.call(Call::DeadLetter, || dead_letter.key.to_string(), self.inner.dead_letter(dead_letter)).await;
        self.shared.reach_if(fault.is_some(), State::DeadUnrecorded);
        match &recorded {
            Ok(DeadLettered::Yes) => self.shared.reach(State::Dead),
            Ok(DeadLettered::Processed(_)) => self.shared.reach(State::DeadWasProcessed),
            Err(_) => {}
        }
        recorded
    }
}

/// The message that a commit is of.
fn message_of(messages: &[String], commit: &Commit) -> Option<String> {
    let is_it = |message: &&String| {
        Envelope::decode(message).is_ok_and(|envelope| {
            envelope.claimkey == commit.key
                && envelope.event_type == commit.event_type
                && envelope.subject == commit.subject
                && envelope.receivedtime == commit.received
                && TimelineKey::new(envelope.order().time, &envelope.claimkey) == commit.occurred
        })
    };
    messages.iter().find(is_it).cloned()
}

fn partition_of(places: &BTreeSet<Place>) -> String {
    places.first().map(|place| place.partition.clone()).unwrap_or_default()
}

#[async_trait]
impl ActionQueue for Port<Actions> {
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable> {
        let task = self.shared.gates.current();
        let effect = async {
            let before = self.inner.log.sent().len();
            let sent = self.inner.log.send(conversation, sequence, action).await;
            if self.inner.log.sent().len() > before && !self.shared.is_broken(Broken::ActionsDropped) {
                let at = self.shared.now();
                let is_news = self.inner.put(conversation, sequence, action, self.shared.is_broken(Broken::ActionsTwice));
                self.shared.reach_if(!is_news, State::ActionSentAgain);
                let text = action.data.get("text").and_then(|text| text.as_str());
                let text = text.filter(|_| action.action_type == NOTIFY_TYPE).map(str::to_owned);
                let mut ledger = self.shared.ledger();
                ledger.actions.push(Sent {
                    conversation: conversation.to_owned(),
                    sequence,
                    id: action.id.clone(),
                    rule: action.rule.clone(),
                    cause: action.cause.clone(),
                    action_type: action.action_type.clone(),
                    text,
                    at,
                    is_news,
                });
                if let Some(notes) = ledger.notes(task) {
                    notes.unswept = true;
                }
            }
            sent
        };
        let (sent, fault) = self.call(Call::Act, || format!("{} of {conversation}", action.rule), effect).await;
        self.shared.reach_if(matches!(fault, Some(Fault::Refuse | Fault::Conflict)), State::ActionRefused);
        self.shared.reach_if(fault == Some(Fault::LoseAnswer), State::ActionAnswerLost);
        sent
    }
}
