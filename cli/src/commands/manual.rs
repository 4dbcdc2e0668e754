//! What the commands that change contexts by hand share: the processor that they call with the operator's own
//! credentials, and the texts that they print about a change.
//!
//! A dry run executes the same code. Its tables keep writes in memory, and its queues only record what would be sent.

use crate::Failure;
use crate::clients::https;
use crate::confirm::Confirmed;
use crate::limits::MANUAL_TRIES;
use crate::style::{FAINT, NAME, paint, say, short};
use crate::target::Place;
use crate::target::{Tables, identity, unreadable};
use async_trait::async_trait;
use processor::commit::Done;
use processor::failure::{Failure as Unprocessed, FailureKind};
use processor::manual::Work;
use processor::{Ports, Processor};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tidings_config::limits::{CONFLICT_PAUSE, MAX_MANUAL_TEXT_BYTES};
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::time::SystemClock;
use tidings_core::action::{Action, ActionNote};
use tidings_core::aws::DynamoContexts;
use tidings_core::claim::ClaimKey;
use tidings_core::claim::decide::{Committed, RecordedEffect};
use tidings_core::context::{Item, ItemKey, Place as ItemPlace};
use tidings_core::manual::FactChange;
use tidings_core::ports::{
    ActionQueue, Commit, ContextStore, DeadLetter, DeadLettered, Loaded, Rewrite, TimerQueue, Unavailable,
};

/// The operator: the name of `--by` or the user's name, and for a stack also the ARN of the credentials.
pub(crate) async fn operator(at: &Place, by: Option<&str>) -> Result<String, Failure> {
    let user =
        || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let named = by.map(str::to_owned).or_else(user);
    let text = match (named, identity(at).await) {
        (Some(name), Some(arn)) => format!("{name} ({arn})"),
        (Some(name), None) => name,
        (None, Some(arn)) => arn,
        (None, None) => return Err(Failure::new("your user name is unknown").hint("give your name with --by")),
    };
    Ok(text.get(..text.floor_char_boundary(MAX_MANUAL_TEXT_BYTES)).unwrap_or_default().to_owned())
}

/// The processor of a manual change, and the record of what it has done.
pub(crate) struct ManualProcessor {
    processor: Processor,
    store: Arc<Watched>,
    remembered: Arc<Remembered>,
    is_dry: bool,
}

/// The result of one change.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct AppliedChange {
    /// The same claim was applied before.
    pub(crate) done_before: bool,
    pub(crate) conversation: String,
    pub(crate) outcome: String,
    pub(crate) changes: Vec<FactChange>,
    /// Facts that are newer in the context, and stay.
    pub(crate) overtaken: Vec<String>,
    /// The results of its actions, and the actions that were dropped for lack of room.
    pub(crate) actions: Vec<ActionNote>,
    /// In a dry run: the texts that would be sent at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) texts: Vec<String>,
    /// The change is applied, but its actions are still in the outbox: the conversation's next event sends them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unsent: bool,
}

impl ManualProcessor {
    /// A dry run on these tables. It records what would be sent, and sends nothing.
    pub(crate) fn dry(tables: &Tables, (rules, schemas): (Rules, EventSchemas)) -> Self {
        let remembered = Arc::<Remembered>::default();
        Self::new(tables, (rules, schemas), true, (Arc::clone(&remembered) as _, Arc::clone(&remembered) as _), remembered)
    }

    pub(crate) fn real(
        tables: &Tables,
        (rules, schemas): (Rules, EventSchemas),
        queues: Option<(Arc<dyn ActionQueue>, Arc<dyn TimerQueue>)>,
        _: Confirmed,
    ) -> Self {
        let queues = queues.unwrap_or_else(|| (Arc::new(NoQueue), Arc::new(NoQueue)));
        Self::new(tables, (rules, schemas), false, queues, Arc::default())
    }

    fn new(
        tables: &Tables,
        (rules, schemas): (Rules, EventSchemas),
        is_dry: bool,
        (actions, timers): (Arc<dyn ActionQueue>, Arc<dyn TimerQueue>),
        remembered: Arc<Remembered>,
    ) -> Self {
        let store = Arc::new(Watched { tables: tables.contexts(), is_dry, seen: Mutex::default() });
        let ports = Ports {
            store: Arc::clone(&store) as _,
            actions,
            timers,
            https: Arc::new(https()),
            api_secrets: None,
            clock: Arc::new(SystemClock),
        };
        // A correction is stored with its claim, so that a replay includes it. An event that is applied again is stored
        // with its original claim.
        let processor = Processor::new(rules, schemas, ports, NonZeroU32::MIN);
        Self { processor, store, remembered, is_dry }
    }

    /// The same, but stores what it applies with its claim.
    pub(crate) fn keeping(self) -> Self {
        Self { processor: self.processor.storing_events(true), ..self }
    }

    pub(crate) fn processor(&self) -> &Processor {
        &self.processor
    }

    /// Applies the change, or in a dry run returns what it would do. If a table doesn't answer, it tries again,
    /// `MANUAL_TRIES` times in all.
    pub(crate) async fn apply(&self, work: &Work) -> Result<AppliedChange, Unprocessed> {
        self.store.lock().last = None;
        let mut tries = 1;
        let done = loop {
            match self.processor.apply(work).await {
                Err(failure) if failure.is_transient() && tries < MANUAL_TRIES => {
                    tokio::time::sleep(CONFLICT_PAUSE.saturating_mul(1 << (2 * tries).min(8)).min(Duration::from_secs(2))).await;
                    tries += 1;
                }
                Err(failure) if failure.is_unsent() => break None,
                done => break Some(done?),
            }
        };
        Ok(self.came(work.claim_key(), done))
    }

    fn came(&self, key: &ClaimKey, done: Option<Done>) -> AppliedChange {
        let texts = if self.is_dry { self.remembered.texts(key) } else { Vec::new() };
        let unsent = done.is_none();
        let conversation = done.map(|done| done.conversation).unwrap_or_default();
        match self.store.lock().last.take().filter(|commit| commit.key == *key) {
            None => AppliedChange {
                done_before: true,
                conversation,
                outcome: "applied before".to_owned(),
                unsent,
                ..AppliedChange::default()
            },
            Some(commit) => AppliedChange {
                done_before: false,
                conversation: commit.conversation,
                outcome: commit.outcome.to_string(),
                changes: commit.manual.map(|manual| manual.changes).unwrap_or_default(),
                overtaken: commit.overtaken,
                actions: commit.actions,
                texts,
                unsent,
            },
        }
    }
}

/// The error for a change that wasn't applied.
pub(crate) fn not_done(at: &Place, failure: &Unprocessed) -> Failure {
    if let FailureKind::Unavailable(error) = &failure.kind
        && !failure.is_unsent()
    {
        return unreadable(at, error);
    }
    Failure::new(failure.to_string())
}

/// A change of a fact, in one line, for people.
pub(crate) fn line(change: &FactChange) -> String {
    let value = |value: &serde_json::Value| {
        if value.is_null() { "(not known)".to_owned() } else { short(&value.to_string(), 48) }
    };
    format!("{}  {} → {}", paint(NAME, &change.what), value(&change.before), value(&change.after))
}

/// Prints the line and the origin of the value before.
pub(crate) fn tell(change: &FactChange) {
    say!("  {}", line(change));
    if let (Some(by), Some(time)) = (&change.before_by, change.before_time) {
        say!("    {}", paint(FAINT, format!("it was set by {by} at {time}")));
    }
}

/// The tables, and what was written last. In a dry run, writes stay in memory here.
#[derive(Debug)]
struct Watched {
    tables: DynamoContexts,
    is_dry: bool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// `None`: the item was deleted.
    items: BTreeMap<ItemPlace, Option<Item>>,
    claims: BTreeMap<ClaimKey, RecordedEffect>,
    last: Option<Commit>,
    /// A commit that got no answer. If the claim exists at the next try, this commit succeeded.
    unanswered: Option<Commit>,
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Seen {
    fn write<'a>(&mut self, puts: &BTreeMap<ItemPlace, Item>, deletes: impl Iterator<Item = &'a ItemPlace>) {
        for (place, item) in puts {
            let written = Item { version: Some(item.version.unwrap_or(0) + 1), content: item.content.clone() };
            self.items.insert(place.clone(), Some(written));
        }
        self.items.extend(deletes.map(|place| (place.clone(), None)));
    }
}

#[async_trait]
impl ContextStore for Watched {
    async fn load(&self, places: &BTreeSet<ItemPlace>) -> Result<BTreeMap<ItemPlace, Item>, Unavailable> {
        let mut items = self.tables.load(places).await?;
        let seen = self.lock();
        for place in places {
            match seen.items.get(place) {
                Some(Some(item)) => drop(items.insert(place.clone(), item.clone())),
                Some(None) => drop(items.remove(place)),
                None => {}
            }
        }
        Ok(items)
    }

    async fn load_with_effect(&self, places: &BTreeSet<ItemPlace>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        let effect = self.effect(key).await?;
        Ok((self.load(places).await?, effect))
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        let here = self.lock().claims.get(key).cloned();
        match here {
            Some(effect) => Ok(Some(effect)),
            None => self.tables.effect(key).await,
        }
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let committed = if self.is_dry {
            match self.effect(&commit.key).await {
                Ok(Some(effect)) => Committed::Before(effect),
                Ok(None) => Committed::Yes,
                Err(error) => Committed::Unknown(error.cause),
            }
        } else {
            self.tables.commit(commit).await
        };
        let mut seen = self.lock();
        match &committed {
            Committed::Unknown(_) => seen.unanswered = Some(commit.clone()),
            Committed::Before(_) => seen.last = seen.unanswered.take().filter(|unanswered| unanswered.key == commit.key),
            Committed::Yes | Committed::ContextMoved | Committed::Contended => {}
        }
        if committed == Committed::Yes {
            if self.is_dry {
                seen.write(&commit.items, commit.deletes.keys());
                let effect =
                    RecordedEffect { conversation: Some(commit.conversation.clone()), links: Some(commit.links.clone()) };
                seen.claims.insert(commit.key.clone(), effect);
            }
            seen.last = Some(commit.clone());
        }
        committed
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        let mut items = self.tables.first(partition, at_most).await?;
        for (place, item) in self.lock().items.iter().filter(|(place, _)| place.partition == partition) {
            match item {
                Some(item) => drop(items.insert(place.key.clone(), item.clone())),
                None => drop(items.remove(&place.key)),
            }
        }
        Ok(items)
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        if self.is_dry {
            self.lock().write(&rewrite.puts, rewrite.deletes.keys());
            Committed::Yes
        } else {
            self.tables.rewrite(rewrite).await
        }
    }

    async fn dead_letter(&self, _: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        Err(Unavailable { call: "dynamodb:UpdateItem", cause: "a failed manual change is reported, and not recorded".to_owned() })
    }
}

/// Records what would be sent.
#[derive(Debug, Default)]
struct Remembered(Mutex<Vec<Action>>);

impl Remembered {
    /// The texts that an event would have sent.
    fn texts(&self, cause: &ClaimKey) -> Vec<String> {
        let actions = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let text = |action: &Action| match action.data["text"].as_str() {
            Some(text) => text.to_owned(),
            None => format!("{} {}", action.action_type, action.data),
        };
        actions.iter().filter(|action| action.cause == *cause).map(text).collect()
    }
}

#[async_trait]
impl ActionQueue for Remembered {
    async fn send(&self, _: &str, _: u64, action: &Action) -> Result<(), Unavailable> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(action.clone());
        Ok(())
    }
}

#[async_trait]
impl TimerQueue for Remembered {
    async fn send(&self, _: &str, _: Duration) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// Queues that can't be reached: actions stay in the outbox.
#[derive(Debug)]
struct NoQueue;

fn nowhere() -> Unavailable {
    Unavailable { call: "sqs:SendMessage", cause: "this command sends no messages".to_owned() }
}

#[async_trait]
impl ActionQueue for NoQueue {
    async fn send(&self, _: &str, _: u64, _: &Action) -> Result<(), Unavailable> {
        Err(nowhere())
    }
}

#[async_trait]
impl TimerQueue for NoQueue {
    async fn send(&self, _: &str, _: Duration) -> Result<(), Unavailable> {
        Err(nowhere())
    }
}
