//! The feed of a conversation: its actions and the changes of its context as numbered updates, for viewers that follow
//! it and resume by number.
//!
//! The head (`updates`) has the latest updates and the number of the last one. When they are too large for it, they
//! become a page (`update#…`, by the number of its last update). Every transaction that makes an update writes the
//! head, on the condition of the version that was read. So of several processors each takes the numbers after those of
//! the one before, and an update is never stored below a number that a reader has seen. The number of an update is at
//! least its time in milliseconds: a head that was deleted (30 days without an update, an erasure) starts above all
//! numbers before it.
//!
//! Each page, and the head, names the number before its first update. So a reader knows whether something is missing
//! between two of them ([`FeedRead::after`]).

mod read;
mod stream;
#[cfg(test)]
mod tests;

pub use read::{FeedRead, FeedSlice};
pub use stream::{NotAppended, Part, Stream};

use super::{Facts, ItemKey, NODE_REGISTER};
use crate::action::Action;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tidings_config::limits::{FEED_HEAD_BYTES, FEED_KEPT, MAX_FEED_EVENT_BYTES, MAX_FEED_UPDATE_BYTES};
use tidings_config::time::Timestamp;

/// The head of a feed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// The number of the last update. 0: there was none.
    pub last: u64,
    /// The number before the first of `recent`, or before the next update if there is none.
    pub before: u64,
    /// The latest updates, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<Update>,
    /// Messages of the bot's backend that come in parts, by their id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub streams: BTreeMap<String, Stream>,
}

/// A page: updates that the head had before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedPage {
    /// The number before its first update.
    pub before: u64,
    pub updates: Vec<Update>,
}

/// One update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Its number, which is the cursor of a reader.
    pub n: u64,
    pub event: UpdateKind,
    pub data: Value,
}

/// The kind of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// An action of the bot.
    Action,
    /// Facts or the node have other values.
    Context,
    /// A part of a message that the bot's backend appended.
    Message,
}

impl UpdateKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Context => "context",
            Self::Message => "message",
        }
    }
}

/// An update without its number.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub event: UpdateKind,
    pub data: Value,
}

/// The values that facts have now, by item and fact. `null`: no longer known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changed(BTreeMap<ItemKey, BTreeMap<String, Value>>);

impl Changed {
    /// Adds the differences of one item as readers see them at this time.
    pub fn compare(&mut self, key: &ItemKey, before: Option<&Facts>, after: &Facts, now: Timestamp) {
        let known = |facts: Option<&Facts>, name: &String| {
            facts.and_then(|facts| facts.get(name)).filter(|fact| fact.is_known(now)).map(|fact| fact.value.clone())
        };
        let names = before.into_iter().flat_map(|facts| facts.keys()).chain(after.keys());
        for name in names {
            let (was, is) = (known(before, name), known(Some(after), name));
            if was != is {
                self.0.entry(key.clone()).or_default().insert(name.clone(), is.unwrap_or(Value::Null));
            }
        }
    }

    /// `None`: nothing changed.
    pub fn into_news(self) -> Option<News> {
        let (mut data, mut entities) = (Map::new(), Map::new());
        for (key, mut facts) in self.0 {
            match key {
                ItemKey::Entity(entity) => drop(entities.insert(entity, facts.into_iter().collect())),
                ItemKey::Node => data.extend(facts.remove(NODE_REGISTER).map(|node| ("node".to_owned(), node))),
                ItemKey::Deferred
                | ItemKey::Deliveries
                | ItemKey::Feed
                | ItemKey::FeedPage(_)
                | ItemKey::Identity(_)
                | ItemKey::Join
                | ItemKey::Link
                | ItemKey::Outbox
                | ItemKey::OutboxPage(_)
                | ItemKey::Reminder
                | ItemKey::Turn => {}
            }
        }
        if !entities.is_empty() {
            data.insert("entities".to_owned(), Value::Object(entities));
        }
        (!data.is_empty()).then_some(News { event: UpdateKind::Context, data: Value::Object(data) })
    }
}

impl News {
    /// What a viewer sees of an action: not the rule, nor the event that caused it.
    pub fn action(action: &Action) -> Self {
        let mut data = json!({ "id": action.id, "type": action.action_type });
        if let Some(subject) = &action.subject {
            data["subject"] = json!(subject);
        }
        if let Some(time) = action.time {
            data["time"] = json!(time);
        }
        data["data"] = action.data.clone();
        Self { event: UpdateKind::Action, data }
    }

    /// In its place if it is too large: what it is, without its content. A viewer reads the context, or asks the bot.
    fn note(self) -> Self {
        let mut note = Map::new();
        if let Value::Object(data) = self.data {
            let named =
                |(name, _): &(String, Value)| matches!(name.as_str(), "id" | "type" | "subject" | "time" | "sequence" | "done");
            note.extend(data.into_iter().filter(named));
        }
        note.insert("omitted".to_owned(), Value::Bool(true));
        Self { data: Value::Object(note), ..self }
    }

    fn bytes(&self) -> usize {
        bytes(&self.data)
    }
}

fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |json| json.len())
}

/// The least number of an update at this time.
pub(crate) fn number_at(time: Timestamp) -> u64 {
    u64::try_from(time.unix_ms()).unwrap_or(0)
}

impl Feed {
    /// Adds updates after all that were numbered before, here and up to `above`. `Some`: the page that must be written
    /// with the head, by its number.
    #[must_use]
    pub fn add(&mut self, news: Vec<News>, above: u64, now: Timestamp) -> Option<(u64, FeedPage)> {
        self.forget(now);
        let mut room = MAX_FEED_EVENT_BYTES;
        for one in news {
            let size = one.bytes();
            let fits = size <= MAX_FEED_UPDATE_BYTES && size <= room;
            room -= if fits { size } else { 0 };
            let News { event, data } = if fits { one } else { one.note() };
            let n = self.last.max(above).saturating_add(1).max(number_at(now));
            if self.last == 0 {
                // A reader of an earlier feed of this name has missed what was between.
                self.before = n - 1;
            }
            self.last = n;
            self.recent.push(Update { n, event, data });
        }
        if bytes(&self.recent) <= FEED_HEAD_BYTES {
            return None;
        }
        let page = FeedPage { before: self.before, updates: std::mem::take(&mut self.recent) };
        self.before = self.last;
        Some((self.last, page))
    }

    /// Removes updates that are no longer kept.
    fn forget(&mut self, now: Timestamp) {
        let least = number_at(now.minus(FEED_KEPT));
        let gone = self.recent.partition_point(|update| update.n < least);
        if let Some(last) = self.recent.drain(..gone).next_back() {
            self.before = last.n;
        }
    }
}
