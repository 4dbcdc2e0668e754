//! Stored events, for replays. Reads only.

use super::read::{Reader, page};
use super::search::Search;
use crate::limits::CLAIMS_PAGE;
use std::collections::BTreeMap;
use tidings_config::time::Timestamp;
use tidings_core::aws::attributes::{Row, claim, kept, text};
use tidings_core::aws::{TIMELINE_INDEX, cause};
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::context::Context;
use tidings_core::ports::Unavailable;
use tidings_core::stored_event::StoredEvent;

/// The events that were found, and the number of claims without an event.
#[derive(Debug, Default)]
pub struct StoredFound {
    /// The events that were processed first, in that order.
    pub events: Vec<StoredEvent>,
    /// If there are more events: when the last of these was processed.
    pub cut: Option<Timestamp>,
    /// Rows that were read.
    pub read: usize,
    /// Claims of matching provider events without a stored event, because the event was dead-lettered.
    pub dead: usize,
    /// Other claims of matching provider events without a stored event.
    pub without: usize,
    /// Rows that this version can't read as claims.
    pub unknown: usize,
}

impl Reader {
    /// An event's claim, and its stored event if there is one.
    pub async fn record(&self, key: &ClaimKey) -> Result<Option<(Claim, Option<StoredEvent>)>, Unavailable> {
        Ok(self.row(key).await?.and_then(|row| Some((claim(&row)?, kept(&row)))))
    }

    /// The matching stored events that were processed first. A search by conversation queries it and each of its
    /// identities; the index may lag behind the claims. A search by key takes one read. Any other search scans the
    /// whole table which is billed. Events are ordered by the time of processing, or else by their earliest recorded
    /// time.
    pub async fn kept(&self, of: Option<&Context>, search: &Search, at_most: usize) -> Result<StoredFound, Unavailable> {
        let mut first = First::new(search, at_most);
        match (of, &search.key) {
            (Some(context), _) => {
                for name in std::iter::once(&context.conversation).chain(&context.identities) {
                    let query = self.client.query().table_name(&self.claims_table).index_name(TIMELINE_INDEX);
                    let query = query.key_condition_expression("conversation = :name");
                    let query =
                        query.expression_attribute_values(":name", text(name)).into_paginator().page_size(page(CLAIMS_PAGE));
                    let mut rows = query.items().send();
                    while let Some(row) = rows.next().await {
                        first.add(&row.map_err(|error| Unavailable { call: "dynamodb:Query", cause: cause(&error) })?);
                    }
                }
            }
            (None, Some(key)) => self.row(key).await?.iter().for_each(|row| first.add(row)),
            (None, None) => {
                let scan = self.client.scan().table_name(&self.claims_table).consistent_read(true);
                let mut rows = scan.into_paginator().page_size(page(CLAIMS_PAGE)).items().send();
                while let Some(row) = rows.next().await {
                    first.add(&row.map_err(|error| Unavailable { call: "dynamodb:Scan", cause: cause(&error) })?);
                }
            }
        }
        Ok(first.into_found())
    }
}

/// Collects the first of any number of events, with a bounded number in memory.
struct First<'a> {
    search: &'a Search,
    at_most: usize,
    events: BTreeMap<(Timestamp, ClaimKey), StoredEvent>,
    cut: bool,
    found: StoredFound,
}

impl<'a> First<'a> {
    fn new(search: &'a Search, at_most: usize) -> Self {
        Self { search, at_most, events: BTreeMap::new(), cut: false, found: StoredFound::default() }
    }

    fn add(&mut self, row: &Row) {
        self.found.read += 1;
        let Some((at, claim)) = claim(row).and_then(|claim| Some((claim.processed.or(claim.came())?, claim))) else {
            self.found.unknown += 1;
            return;
        };
        if !self.search.matches(&claim, at) {
            return;
        }
        match kept(row) {
            Some(event) => {
                self.events.insert((at, claim.key), event);
                if self.events.len() > self.at_most {
                    self.events.pop_last();
                    self.cut = true;
                }
            }
            // Timers are caused again by the replay.
            None if claim.key.is_ours() => {}
            None if claim.state == ClaimState::Dead => self.found.dead += 1,
            None => self.found.without += 1,
        }
    }

    fn into_found(self) -> StoredFound {
        let cut = self.events.keys().next_back().filter(|_| self.cut).map(|(at, _)| *at);
        StoredFound { events: self.events.into_values().collect(), cut, ..self.found }
    }
}
