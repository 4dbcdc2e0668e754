//! Reads stored data, to show what happened to an event. Reads only.

use super::search::{Found, Newest, Search};
use crate::limits::{CLAIMS_PAGE, MAX_EVENTS_LISTED, TIMELINE_SHOWN};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tidings_config::limits::MAX_BATCH_GET_KEYS;
use tidings_config::time::Timestamp;
use tidings_core::aws::attributes::{Row, claim, text};
use tidings_core::aws::{DynamoContextReader, TIMELINE_INDEX, cause, message_status, send_record, status_place};
use tidings_core::claim::{Claim, ClaimKey, TimelineKey};
use tidings_core::context::Context;
use tidings_core::ports::{ContextReader, Unavailable};
use tidings_core::send::{MessageStatus, SendRecord};

/// Calls for keys that a `BatchGetItem` left unprocessed, before it fails.
const BATCH_GETS: usize = 8;

/// Reads claims and contexts.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) client: Client,
    pub(super) claims_table: String,
    pub(super) context_table: String,
    pub(super) timers_table: Option<String>,
    pub(super) sends_table: Option<String>,
    pub(super) deliveries_table: Option<String>,
}

/// A send, and what its provider says of its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Send {
    #[serde(flatten)]
    pub record: SendRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<MessageStatus>,
}

impl Reader {
    pub fn new(client: Client, claims_table: String, context_table: String) -> Self {
        Self { client, claims_table, context_table, timers_table: None, sends_table: None, deliveries_table: None }
    }

    /// Reads the timers table, too. A stack of an earlier version has none.
    #[must_use]
    pub fn with_timers(self, timers_table: Option<String>) -> Self {
        Self { timers_table, ..self }
    }

    /// Reads the sends table, too. A stack without a sender has none.
    #[must_use]
    pub fn with_sends(self, sends_table: Option<String>) -> Self {
        Self { sends_table, ..self }
    }

    /// Reads the deliveries table of outbound webhooks, too. A stack without a publisher has none.
    #[must_use]
    pub fn with_deliveries(self, deliveries_table: Option<String>) -> Self {
        Self { deliveries_table, ..self }
    }

    /// The sends of an event: its actions that the sender has, with what is known of their messages. Empty without a sender.
    pub async fn sends(&self, key: &ClaimKey) -> Result<Vec<Send>, Unavailable> {
        let Some(table) = &self.sends_table else { return Ok(Vec::new()) };
        let records: Vec<SendRecord> = self.send_rows(table, key).await?.iter().filter_map(send_record).collect();
        let keys = records.iter().flat_map(SendRecord::status_keys).map(|key| status_place(&key)).collect();
        let statuses: BTreeMap<_, _> = self.batch_get(table, keys).await?.iter().filter_map(message_status).collect();
        let of = |record: &SendRecord| {
            let known = record.status_keys().into_iter().filter_map(|key| statuses.get(&key));
            known.max_by_key(|status| status.is.rank()).cloned()
        };
        Ok(records.into_iter().map(|record| Send { status: of(&record), record }).collect())
    }

    /// The rows of an event's sends.
    pub(super) async fn send_rows(&self, table: &str, key: &ClaimKey) -> Result<Vec<Row>, Unavailable> {
        let query = self.client.query().table_name(table).key_condition_expression("pk = :cause").consistent_read(true);
        let rows = query.expression_attribute_values(":cause", text(key.as_str())).into_paginator().items().send();
        rows.collect::<Result<_, _>>().await.map_err(|error| Unavailable { call: "dynamodb:Query", cause: cause(&error) })
    }

    /// `None`: the claim doesn't exist, or TTL deleted it.
    pub async fn claim(&self, key: &ClaimKey) -> Result<Option<Claim>, Unavailable> {
        Ok(self.row(key).await?.as_ref().and_then(claim))
    }

    pub(super) async fn row(&self, key: &ClaimKey) -> Result<Option<Row>, Unavailable> {
        let got = self
            .client
            .get_item()
            .table_name(&self.claims_table)
            .key("pk", text(key.as_str()))
            .consistent_read(true)
            .send()
            .await;
        Ok(got.map_err(|error| Unavailable { call: "dynamodb:GetItem", cause: cause(&error) })?.item)
    }

    /// The existing claims of these events. Up to a hundred are read in one call.
    pub async fn claims(&self, keys: &BTreeSet<ClaimKey>) -> Result<Vec<Claim>, Unavailable> {
        let keys = keys.iter().map(|key| Row::from([("pk".to_owned(), text(key.as_str()))])).collect();
        Ok(self.batch_get(&self.claims_table, keys).await?.iter().filter_map(claim).collect())
    }

    /// The existing rows of a table with these keys. Up to a hundred are read in one call.
    pub(super) async fn batch_get(&self, table: &str, keys: Vec<Row>) -> Result<Vec<Row>, Unavailable> {
        let unavailable = |cause: String| Unavailable { call: "dynamodb:BatchGetItem", cause };
        let mut rows = Vec::new();
        for keys in keys.chunks(MAX_BATCH_GET_KEYS) {
            let request = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).consistent_read(true).build();
            let mut requests = HashMap::from([(table.to_owned(), request.expect("keys are set above"))]);
            let mut calls = 0;
            while !requests.is_empty() {
                if calls == BATCH_GETS {
                    return Err(unavailable("throttled: keys were left unprocessed".to_owned()));
                }
                calls += 1;
                let got = self.client.batch_get_item().set_request_items(Some(requests)).send().await;
                let got = got.map_err(|error| unavailable(cause(&error)))?;
                rows.extend(got.responses.into_iter().flatten().flat_map(|(_, rows)| rows));
                requests = got.unprocessed_keys.unwrap_or_default();
            }
        }
        Ok(rows)
    }

    /// When each subject of a source was last received, since a time. Scans the whole table, which is billed.
    pub async fn newest_by_subject(&self, source: &str, since: Timestamp) -> Result<BTreeMap<String, Timestamp>, Unavailable> {
        let scan = self.client.scan().table_name(&self.claims_table).consistent_read(true);
        let mut rows = scan.into_paginator().page_size(page(MAX_EVENTS_LISTED)).items().send();
        let mut newest: BTreeMap<String, Timestamp> = BTreeMap::new();
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| Unavailable { call: "dynamodb:Scan", cause: cause(&error) })?;
            let Some(claim) = claim(&row).filter(|claim| claim.source == source) else { continue };
            if let (Some(subject), Some(received)) = (claim.subject, claim.received.filter(|received| *received >= since)) {
                let known = newest.entry(subject).or_insert(received);
                *known = received.max(*known);
            }
        }
        Ok(newest)
    }

    /// Every claim, by a scan of the table. For small clouds such as `tidings dev`.
    pub async fn all_claims(&self) -> Result<Vec<Claim>, Unavailable> {
        let scan = self.client.scan().table_name(&self.claims_table).consistent_read(true).into_paginator().items().send();
        let rows = scan.collect::<Result<Vec<_>, _>>().await;
        let rows = rows.map_err(|error| Unavailable { call: "dynamodb:Scan", cause: cause(&error) })?;
        Ok(rows.iter().filter_map(claim).collect())
    }

    /// The context under one name at this time, without following its link.
    pub async fn context(&self, conversation: &str, now: Timestamp) -> Result<Context, Unavailable> {
        self.contexts().partition(conversation, now).await
    }

    /// A conversation's context at this time, by its name or by the name of an identity.
    pub async fn conversation(&self, name: &str, now: Timestamp) -> Result<Context, Unavailable> {
        self.contexts().conversation(name, now).await
    }

    fn contexts(&self) -> DynamoContextReader {
        DynamoContextReader::new(self.client.clone(), self.context_table.clone())
    }

    /// The newest events of a conversation and of its identities, in their own order, with one query for each. The
    /// index may lag behind the claims.
    pub async fn timeline(&self, context: &Context) -> Result<Vec<Claim>, Unavailable> {
        let mut claims = self.newest_of(context, &Search::default(), TIMELINE_SHOWN).await?.claims;
        claims.reverse();
        Ok(claims)
    }

    /// The newest matching events of a conversation and of its identities, by their own time. Each takes one query,
    /// which ends when enough are found. The index may lag behind the claims.
    pub async fn newest_of(&self, context: &Context, search: &Search, limit: usize) -> Result<Found, Unavailable> {
        let mut newest = Newest::new(limit);
        let (mut read, mut unknown) = (0, 0);
        let (since, until) = TimelineKey::range(search.since, search.until);
        for name in std::iter::once(&context.conversation).chain(&context.identities) {
            let mut rows = self
                .client
                .query()
                .table_name(&self.claims_table)
                .index_name(TIMELINE_INDEX)
                .key_condition_expression("conversation = :conversation AND occurred BETWEEN :since AND :until")
                .expression_attribute_values(":conversation", text(name))
                .expression_attribute_values(":since", text(&since))
                .expression_attribute_values(":until", text(&until))
                .scan_index_forward(false)
                .into_paginator()
                .page_size(page(limit))
                .items()
                .send();
            let mut found = 0;
            while found < limit
                && let Some(row) = rows.next().await
            {
                read += 1;
                let row = row.map_err(|error| Unavailable { call: "dynamodb:Query", cause: cause(&error) })?;
                match claim(&row).and_then(|claim| Some((claim.happened()?, claim))) {
                    Some((at, claim)) if search.matches(&claim, at) => {
                        found += 1;
                        newest.add((at, claim.key.clone()), claim);
                    }
                    Some(_) => {}
                    None => unknown += 1,
                }
            }
        }
        Ok(Found { claims: newest.into_claims(), read, unknown })
    }

    /// The newest of all matching events by receipt. Scans the whole table, which is billed.
    pub async fn newest(&self, search: &Search, limit: usize) -> Result<Found, Unavailable> {
        let mut newest = Newest::new(limit);
        let (mut read, mut unknown) = (0, 0);
        let scan = self.client.scan().table_name(&self.claims_table).consistent_read(true);
        let mut rows = scan.into_paginator().page_size(page(MAX_EVENTS_LISTED)).items().send();
        while let Some(row) = rows.next().await {
            read += 1;
            let row = row.map_err(|error| Unavailable { call: "dynamodb:Scan", cause: cause(&error) })?;
            match claim(&row).and_then(|claim| Some((claim.came()?, claim))) {
                Some((at, claim)) if search.matches(&claim, at) => newest.add((at, claim.key.clone()), claim),
                Some(_) => {}
                None => unknown += 1,
            }
        }
        Ok(Found { claims: newest.into_claims(), read, unknown })
    }
}

/// The page size for this limit.
pub(super) fn page(limit: usize) -> i32 {
    i32::try_from(limit.clamp(1, CLAIMS_PAGE)).unwrap_or(i32::MAX)
}
