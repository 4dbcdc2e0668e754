//! All data that the tables hold about one conversation, for export and erasure: its own partition, the partitions of
//! its identities, the claims of their timelines, the joins that those claims name, and the stored timers of both. Reads
//! only, every page. The timers table is read whole, because timers are in the order of their times.
//!
//! It keeps raw rows, so that data of later versions is included. It doesn't include data without a recorded
//! conversation: claims of events that could not be planned, or haven't been yet.

use super::read::Reader;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::time::Timestamp;
use tidings_core::aws::attributes::{Row, claim, get_text, get_texts, kept, text};
use tidings_core::aws::{TIMELINE_INDEX, cause, stored_timer};
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::{Content, ItemKey};
use tidings_core::internal_event::InternalEvent;
use tidings_core::ports::Unavailable;

/// The data of one conversation.
#[derive(Clone, Debug, Default)]
pub struct SubjectData {
    /// The conversation, its identities, and further names linked to those, in the order in which they were found.
    pub names: Vec<String>,
    /// If the name is itself an identity: its conversation. Then the data is there, and nothing is collected here.
    pub linked_to: Option<String>,
    /// By partition and sort key.
    pub(super) items: BTreeMap<(String, String), Row>,
    /// By claim key.
    pub(super) claims: BTreeMap<String, Row>,
    /// Rows of the timers table, by partition and sort key.
    pub(super) timers: BTreeMap<(String, String), Row>,
}

/// The number of items of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub entities: usize,
    pub nodes: usize,
    /// Deferred notifications of a conversation or an identity.
    pub deferred: usize,
    pub outboxes: usize,
    /// Items with the updates of a feed.
    #[serde(skip_serializing_if = "is_none")]
    pub feeds: usize,
    pub joins: usize,
    /// Links, stored both with the identities and with the conversation.
    pub links: usize,
    /// Rows of an unknown version.
    pub unknown: usize,
    pub claims: usize,
    /// Stored timers.
    pub timers: usize,
    /// Notifications that wait in the events queue.
    pub waiting: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

impl Reader {
    /// Collects the data of a conversation, and of names that an earlier pass found.
    pub async fn subject_data(&self, conversation: &str, known: &[String]) -> Result<SubjectData, Unavailable> {
        let mut subject_data = SubjectData::default();
        let mut open: Vec<String> = known.iter().rev().cloned().chain([conversation.to_owned()]).collect();
        while let Some(name) = open.pop() {
            if subject_data.names.contains(&name) {
                continue;
            }
            let rows = self.partition(&name).await?;
            if let Some(to) = linked_to(&rows).filter(|to| *to != name) {
                if name == conversation {
                    return Ok(SubjectData { linked_to: Some(to), ..subject_data });
                }
                // An interrupted erasure removed its link, and it belongs to another conversation now.
                if !subject_data.names.contains(&to) {
                    continue;
                }
            }
            subject_data.names.push(name);
            let keys = rows.iter().filter_map(sort_key).filter_map(|key| ItemKey::parse(&key));
            open.extend(keys.filter_map(|key| key.identity().map(str::to_owned)));
            subject_data.add(rows);
        }
        let mut joins = BTreeSet::new();
        for name in &subject_data.names {
            for row in self.events(name).await? {
                joins.extend(get_texts(&row, "joins"));
                subject_data.claims.extend(get_text(&row, "pk").map(|key| (key, row)));
            }
        }
        for join in &joins {
            subject_data.add(self.partition(join).await?);
        }
        let joins: Vec<String> = joins.into_iter().collect();
        subject_data.timers = self.timers(&subject_data.names, &joins).await?;
        Ok(subject_data)
    }

    /// The stored timers of these conversations and joins' partitions.
    async fn timers(&self, names: &[String], joins: &[String]) -> Result<BTreeMap<(String, String), Row>, Unavailable> {
        let Some(table) = &self.timers_table else { return Ok(BTreeMap::new()) };
        let mut found = BTreeMap::new();
        let mut rows = self.client.scan().table_name(table).consistent_read(true).into_paginator().items().send();
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| Unavailable { call: "dynamodb:Scan", cause: cause(&error) })?;
            if stored_timer(&row).is_some_and(|timer| timer.is_about(names, joins)) {
                found.extend(placed(row));
            }
        }
        Ok(found)
    }

    async fn partition(&self, name: &str) -> Result<Vec<Row>, Unavailable> {
        let query = self.client.query().table_name(&self.context_table).consistent_read(true);
        let query = query.key_condition_expression("pk = :name").expression_attribute_values(":name", text(name));
        query.into_paginator().items().send().collect::<Result<_, _>>().await.map_err(unavailable)
    }

    async fn events(&self, name: &str) -> Result<Vec<Row>, Unavailable> {
        let query = self.client.query().table_name(&self.claims_table).index_name(TIMELINE_INDEX);
        let query = query.key_condition_expression("conversation = :name").expression_attribute_values(":name", text(name));
        query.into_paginator().items().send().collect::<Result<_, _>>().await.map_err(unavailable)
    }
}

fn unavailable<E, R>(error: SdkError<E, R>) -> Unavailable
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    Unavailable { call: "dynamodb:Query", cause: cause(&error) }
}

fn sort_key(row: &Row) -> Option<String> {
    get_text(row, "sk")
}

fn linked_to(rows: &[Row]) -> Option<String> {
    let link = rows.iter().find(|row| sort_key(row).is_some_and(|key| ItemKey::parse(&key) == Some(ItemKey::Link)))?;
    match Content::decode(&ItemKey::Link, &get_text(link, "state")?)? {
        Content::Link(link) => Some(link.conversation),
        Content::Deferred(_)
        | Content::Deliveries(_)
        | Content::Facts(_)
        | Content::Feed(_)
        | Content::FeedPage(_)
        | Content::Join(_)
        | Content::Outbox(_)
        | Content::OutboxPage(_) => None,
    }
}

fn placed(row: Row) -> Option<((String, String), Row)> {
    Some(((get_text(&row, "pk")?, sort_key(&row)?), row))
}

impl SubjectData {
    fn add(&mut self, rows: Vec<Row>) {
        self.items.extend(rows.into_iter().filter_map(placed));
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.claims.is_empty() && self.timers.is_empty()
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts { claims: self.claims.len(), timers: self.timers.len(), ..Counts::default() };
        self.items.keys().for_each(|(_, key)| counts.count_item(key));
        counts.waiting = self.waiting().len();
        counts
    }

    /// Notifications of its events that still wait. Those that were due have claims of their own.
    pub(super) fn waiting(&self) -> BTreeSet<ClaimKey> {
        let waiting = self.claims.values().filter_map(claim).flat_map(|claim| InternalEvent::waiting(&claim));
        waiting.filter(|key| !self.claims.contains_key(key.as_str())).collect()
    }

    /// The document of `tidings context export`: every item and timer as stored, and every claim.
    pub fn export(&self, conversation: &str, at: Timestamp) -> Value {
        let mut items: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for ((partition, key), row) in &self.items {
            let attributes = row.iter().filter(|(name, _)| !["pk", "sk"].contains(&name.as_str()));
            let item = attributes.map(|(name, value)| (name.clone(), plain(value))).collect();
            items.entry(partition).or_default().insert(key.clone(), Value::Object(item));
        }
        let mut timeline: Vec<(Option<String>, Value)> = self.claims.values().map(entry).collect();
        timeline.sort_by(|a, b| a.0.cmp(&b.0));
        let timeline: Vec<Value> = timeline.into_iter().map(|(_, claim)| claim).collect();
        let timers: Vec<Value> = self.timers.values().map(whole).collect();
        json!({
            "version": 1, "conversation": conversation, "at": at, "names": self.names, "items": items, "timeline": timeline,
            "timers": timers
        })
    }
}

impl Counts {
    pub(super) fn count_item(&mut self, sort_key: &str) {
        let counter = match ItemKey::parse(sort_key) {
            Some(ItemKey::Entity(_)) => &mut self.entities,
            Some(ItemKey::Identity(_) | ItemKey::Link) => &mut self.links,
            Some(ItemKey::Join) => &mut self.joins,
            Some(ItemKey::Node) => &mut self.nodes,
            Some(ItemKey::Deferred) => &mut self.deferred,
            Some(ItemKey::Outbox | ItemKey::OutboxPage(_)) => &mut self.outboxes,
            Some(ItemKey::Feed | ItemKey::FeedPage(_)) => &mut self.feeds,
            // A count of deliveries is never in a conversation's partition.
            Some(ItemKey::Deliveries) | None => &mut self.unknown,
        };
        *counter += 1;
    }
}

/// A claim as `tidings events show --json --payload` prints it, or as stored if this version can't read it.
fn entry(row: &Row) -> (Option<String>, Value) {
    let read = claim(row).map(|claim: Claim| claim.with_event(kept(row).as_ref()));
    (get_text(row, "occurred"), read.unwrap_or_else(|| whole(row)))
}

/// A row as stored.
fn whole(row: &Row) -> Value {
    Value::Object(row.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
}

/// An attribute as JSON. JSON inside a text attribute is unwrapped.
fn plain(value: &AttributeValue) -> Value {
    if let Ok(text) = value.as_s() {
        return serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or_else(|| Value::from(text.as_str()));
    }
    if let Ok(number) = value.as_n() {
        return serde_json::from_str(number).unwrap_or_else(|_| Value::from(number.as_str()));
    }
    if let Ok(list) = value.as_l() {
        return list.iter().map(plain).collect();
    }
    if let Ok(map) = value.as_m() {
        return Value::Object(map.iter().map(|(name, value)| (name.clone(), plain(value))).collect());
    }
    // We store no other type. It must be exported anyway.
    Value::from(format!("{value:?}"))
}
