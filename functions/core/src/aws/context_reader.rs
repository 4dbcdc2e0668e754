//! [`ContextReader`] on DynamoDB, shared by the read API, the commands and `tidings dev`.

use super::attributes::text;
use super::cause;
use super::load::item;
use crate::context::Context;
use crate::ports::{ContextReader, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use tidings_config::time::Timestamp;

/// The sort keys that a reader needs (`entity#…`, `identity#…`, `link` and `node`) are in this range. Pending items
/// (`outbox`, `deferred`) are outside it, so they are neither read nor billed.
const FIRST_SORT_KEY: &str = "entity";
const LAST_SORT_KEY: &str = "node";

/// Reads contexts, and nothing else.
#[derive(Clone, Debug)]
pub struct DynamoContextReader {
    client: Client,
    context_table: String,
}

impl DynamoContextReader {
    pub fn new(client: Client, context_table: String) -> Self {
        Self { client, context_table }
    }
}

#[async_trait]
impl ContextReader for DynamoContextReader {
    async fn partition(&self, name: &str, now: Timestamp) -> Result<Context, Unavailable> {
        let mut context = Context::new(name);
        let mut rows = self
            .client
            .query()
            .table_name(&self.context_table)
            .consistent_read(true)
            .key_condition_expression("pk = :name AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":name", text(name))
            .expression_attribute_values(":first", text(FIRST_SORT_KEY))
            .expression_attribute_values(":last", text(LAST_SORT_KEY))
            .into_paginator()
            .items()
            .send();
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| Unavailable { call: "dynamodb:Query", cause: cause(&error) })?;
            if let Some((place, item)) = item(&row) {
                context.add(place.key, item.content, now);
            }
        }
        Ok(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::ItemKey;

    /// Compares bytes, as DynamoDB compares sort keys.
    #[test]
    fn the_query_reads_facts_node_and_links_and_skips_pending_items() {
        let is_read = |key: ItemKey| (FIRST_SORT_KEY..=LAST_SORT_KEY).contains(&key.to_string().as_str());
        for key in [
            ItemKey::Entity(String::new()),
            ItemKey::Entity("\u{10FFFF}".into()),
            ItemKey::Identity("customer:cus_1".into()),
            ItemKey::Link,
            ItemKey::Node,
        ] {
            assert!(is_read(key.clone()), "{key}");
        }
        for key in
            [ItemKey::Deferred, ItemKey::Deliveries, ItemKey::Feed, ItemKey::FeedPage(0), ItemKey::Outbox, ItemKey::OutboxPage(0)]
        {
            assert!(!is_read(key.clone()), "{key}");
        }
    }
}
