//! All data that the tables hold about one conversation, for export and erasure: its own partition, the partitions of
//! its identities, the claims of their timelines, the joins that those claims name, and the stored timers of both; what was
//! sent because of those claims; and what was published of it, with its deliveries. Reads only, every page. The timers table is read whole, because timers are in the order of their times.
//!
//! It keeps raw rows, so that data of later versions is included. It doesn't include data without a recorded
//! conversation: claims of events that could not be planned, or haven't been yet.

use super::read::Reader;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use publisher::aws::{deliveries_of, messages_of};
use publisher::delivery::DeliveryKey;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::time::Timestamp;
use tidings_core::aws::attributes::{Row, claim, get_text, get_texts, kept, text};
use tidings_core::aws::{TIMELINE_INDEX, cause, send_record, status_place, stored_timer};
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::{Content, ItemKey};
use tidings_core::internal_event::InternalEvent;
use tidings_core::ports::Unavailable;
use tidings_core::send::SendRecord;

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
    /// Rows of the sends table that say more than that something was sent, and the statuses of messages.
    pub(super) sends: BTreeMap<(String, String), Row>,
    /// Rows of the deliveries table: published messages and their deliveries.
    pub(super) published: BTreeMap<(String, String), Row>,
}

/// What earlier passes of an erasure found, and what may lead to further rows although it is gone.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    names: Vec<String>,
    claims: BTreeSet<ClaimKey>,
}

impl Trail {
    /// With what this pass found.
    #[must_use]
    pub(super) fn with(mut self, found: SubjectData) -> Self {
        self.claims.extend(found.claims.into_keys().map(ClaimKey::from));
        Self { names: found.names, claims: self.claims }
    }
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
    /// Turns of rules with `debounce`.
    #[serde(skip_serializing_if = "is_none")]
    pub turns: usize,
    /// Reminders of rules with `at`.
    #[serde(skip_serializing_if = "is_none")]
    pub reminders: usize,
    /// Links, stored both with the identities and with the conversation.
    pub links: usize,
    /// Rows of an unknown version.
    pub unknown: usize,
    pub claims: usize,
    /// Stored timers.
    pub timers: usize,
    /// Notifications that wait in the events queue.
    pub waiting: usize,
    /// Sends' records with more than their state, and statuses of messages.
    #[serde(skip_serializing_if = "is_none")]
    pub sends: usize,
    /// Published messages, in parts, and their deliveries.
    #[serde(skip_serializing_if = "is_none")]
    pub published: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

impl Reader {
    /// Collects the data of a conversation, and of what earlier passes found.
    pub async fn subject_data(&self, conversation: &str, trail: &Trail) -> Result<SubjectData, Unavailable> {
        let mut subject_data = SubjectData::default();
        let mut open: Vec<String> = trail.names.iter().rev().cloned().chain([conversation.to_owned()]).collect();
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
        // A reminder may wait for longer than the claims of its events live.
        let reminders: BTreeSet<String> =
            subject_data.timers.values().filter_map(stored_timer).filter_map(|timer| timer.reminder()).collect();
        for reminder in reminders.iter().filter(|reminder| !joins.contains(*reminder)) {
            subject_data.add(self.partition(reminder).await?);
        }
        let mut claims = trail.claims.clone();
        claims.extend(subject_data.claims.keys().cloned().map(ClaimKey::from));
        subject_data.sends = self.sends_of(&claims).await?;
        subject_data.published = self.published_of(&subject_data.names).await?;
        Ok(subject_data)
    }

    /// What the sender has recorded of these events, beside that something was sent: it is needed so that no copy is sent.
    async fn sends_of(&self, events: &BTreeSet<ClaimKey>) -> Result<BTreeMap<(String, String), Row>, Unavailable> {
        let Some(table) = &self.sends_table else { return Ok(BTreeMap::new()) };
        let mut rows = Vec::new();
        for event in events {
            rows.extend(self.send_rows(table, event).await?);
        }
        let records = rows.iter().filter_map(send_record);
        let statuses = records.flat_map(|record| record.status_keys()).map(|key| status_place(&key)).collect();
        rows.retain(|row| SendRecord::SAYS_MORE.iter().any(|name| row.contains_key(*name)));
        rows.extend(self.batch_get(table, statuses).await?);
        Ok(rows.into_iter().filter_map(placed).collect())
    }

    /// What was published of these conversations, and its deliveries.
    async fn published_of(&self, names: &[String]) -> Result<BTreeMap<(String, String), Row>, Unavailable> {
        let Some(table) = &self.deliveries_table else { return Ok(BTreeMap::new()) };
        let mut rows = Vec::new();
        for name in names {
            let query = self.client.query().table_name(table).consistent_read(true);
            let query = query.key_condition_expression("pk = :name");
            let query = query.expression_attribute_values(":name", text(messages_of(name))).into_paginator().items().send();
            rows.extend(query.collect::<Result<Vec<_>, _>>().await.map_err(unavailable)?);
        }
        let deliveries = rows.iter().flat_map(deliveries_of);
        let place =
            |key: DeliveryKey| Row::from([("pk".to_owned(), text(key.endpoint.as_str())), ("sk".to_owned(), text(key.delivery))]);
        let deliveries = self.batch_get(table, deliveries.map(place).collect()).await?;
        Ok(rows.into_iter().chain(deliveries).filter_map(placed).collect())
    }

    /// The stored timers of these conversations, and of these partitions of joins, turns and reminders.
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
        | Content::OutboxPage(_)
        | Content::Reminder(_)
        | Content::Turn(_) => None,
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
        let rows = [&self.items, &self.timers, &self.sends, &self.published];
        self.claims.is_empty() && rows.iter().all(|rows| rows.is_empty())
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts { claims: self.claims.len(), timers: self.timers.len(), ..Counts::default() };
        (counts.sends, counts.published) = (self.sends.len(), self.published.len());
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
        let all = |rows: &BTreeMap<(String, String), Row>| rows.values().map(whole).collect::<Vec<Value>>();
        json!({
            "version": 1, "conversation": conversation, "at": at, "names": self.names, "items": items, "timeline": timeline,
            "timers": all(&self.timers), "sends": all(&self.sends), "published": all(&self.published)
        })
    }
}

impl Counts {
    pub(super) fn count_item(&mut self, sort_key: &str) {
        let counter = match ItemKey::parse(sort_key) {
            Some(ItemKey::Entity(_)) => &mut self.entities,
            Some(ItemKey::Identity(_) | ItemKey::Link) => &mut self.links,
            Some(ItemKey::Join) => &mut self.joins,
            Some(ItemKey::Turn) => &mut self.turns,
            Some(ItemKey::Reminder) => &mut self.reminders,
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
    if let Ok(set) = value.as_ss() {
        return set.iter().map(String::as_str).map(Value::from).collect();
    }
    if let Ok(is) = value.as_bool() {
        return Value::from(*is);
    }
    // We store no other type. It must be exported anyway.
    Value::from(format!("{value:?}"))
}
