//! [`FeedReader`] on DynamoDB, shared by the feed's function and `tidings dev`.

use super::attributes::{Row, text};
use super::cause;
use super::load::{UNREADABLE, item, key};
use crate::context::{Content, FeedRead, Item, ItemKey, Place};
use crate::ports::{FeedReader, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use tidings_config::limits::MAX_FEED_PAGES_READ;

/// Reads feeds, and nothing else.
#[derive(Clone, Debug)]
pub struct DynamoFeedReader {
    client: Client,
    context_table: String,
}

impl DynamoFeedReader {
    pub fn new(client: Client, context_table: String) -> Self {
        Self { client, context_table }
    }

    /// The conversation that a name is linked to. A conversation with identities is linked to itself.
    async fn link(&self, name: &str) -> Result<Option<String>, Unavailable> {
        let unavailable = |cause: String| Unavailable { call: "dynamodb:GetItem", cause };
        let place = Place::new(name, ItemKey::Link);
        let get = self.client.get_item().table_name(&self.context_table).set_key(Some(key(&place))).consistent_read(true);
        let row = get.send().await.map_err(|error| unavailable(cause(&error)))?.item;
        let Some(row) = row else { return Ok(None) };
        match item(&row) {
            Some((_, Item { content: Content::Link(link), .. })) => Ok(Some(link.conversation).filter(|to| to != name)),
            Some(_) | None => Err(unavailable(UNREADABLE.to_owned())),
        }
    }

    async fn parts(&self, name: &str, after: u64) -> Result<FeedRead, Unavailable> {
        let unavailable = |cause: String| Unavailable { call: "dynamodb:Query", cause };
        let first = ItemKey::FeedPage(after.saturating_add(1)).to_string();
        let query = self
            .client
            .query()
            .table_name(&self.context_table)
            .consistent_read(true)
            .key_condition_expression("pk = :name AND sk BETWEEN :first AND :head")
            .expression_attribute_values(":name", text(name))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":head", text(ItemKey::Feed.to_string()))
            // With one more, so that a feed of so many pages needs no second query for its head.
            .limit(i32::try_from(MAX_FEED_PAGES_READ + 1).unwrap_or(i32::MAX));
        let answer = query.send().await.map_err(|error| unavailable(cause(&error)))?;
        let mut read = FeedRead::default();
        for row in answer.items() {
            match part(row).ok_or_else(|| unavailable(UNREADABLE.to_owned()))? {
                Part::Page(page) => read.pages.push(page),
                Part::Head(feed) => read.head = Some(feed),
            }
        }
        // A query that ends at the head may say that there is more.
        read.more = read.head.is_none() && answer.last_evaluated_key().is_some();
        Ok(read)
    }
}

enum Part {
    Page(crate::context::FeedPage),
    Head(crate::context::Feed),
}

fn part(row: &Row) -> Option<Part> {
    match item(row)? {
        (_, Item { content: Content::FeedPage(page), .. }) => Some(Part::Page(page)),
        (_, Item { content: Content::Feed(feed), .. }) => Some(Part::Head(feed)),
        _ => None,
    }
}

#[async_trait]
impl FeedReader for DynamoFeedReader {
    async fn feed(&self, name: &str, after: u64) -> Result<FeedRead, Unavailable> {
        let (linked_to, parts) = tokio::join!(self.link(name), self.parts(name, after));
        Ok(FeedRead { linked_to: linked_to?, ..parts? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares bytes, as DynamoDB compares sort keys.
    #[test]
    fn a_query_reads_the_pages_in_order_and_then_the_head() {
        let keys =
            [ItemKey::FeedPage(1), ItemKey::FeedPage(10), ItemKey::FeedPage(1_795_168_800_000), ItemKey::FeedPage(u64::MAX)];
        let keys: Vec<String> = keys.into_iter().chain([ItemKey::Feed]).map(|key| key.to_string()).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        for other in [ItemKey::Outbox, ItemKey::OutboxPage(u64::MAX), ItemKey::Node, ItemKey::Link] {
            assert!(other.to_string() < keys[0], "{other}");
        }
    }
}
