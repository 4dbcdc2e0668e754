//! Appends a part of a message to the feed: what a language model says, as it says it.

use super::reply::FeedReply;
use super::token::Viewer;
use super::{FeedApi, unavailable};
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::limits::{CONFLICT_PAUSE, RELOAD_RETRIES};
use tidings_core::claim::decide::Committed;
use tidings_core::context::{Content, Feed, Item, ItemKey, NotAppended, Part, Place};
use tidings_core::ports::{ContextStore, Rewrite, Unavailable};

impl FeedApi {
    pub(super) async fn append(&self, viewer: &Viewer, part: Part) -> Result<FeedReply, FeedReply> {
        if !viewer.may_append() {
            return Err(FeedReply::Forbidden("the token may not append; its scope must have the word append"));
        }
        let store = self.store.as_deref().ok_or(FeedReply::NotFound)?;
        for tried in 0..=RELOAD_RETRIES {
            if tried > 0 {
                tokio::time::sleep(CONFLICT_PAUSE.mul_f64(fastrand::f64())).await;
            }
            let now = self.clock.now();
            let (place, version, mut feed) = head(store, &viewer.conversation).await.map_err(unavailable)?;
            let page = match feed.append(part.clone(), now) {
                Ok(page) => page,
                Err(NotAppended::Before) => return Ok(FeedReply::Appended { again: true }),
                Err(NotAppended::Early { next }) => return Err(FeedReply::Conflict { next: Some(next) }),
                Err(NotAppended::Done) => return Err(FeedReply::Conflict { next: None }),
            };
            let mut puts = BTreeMap::new();
            if let Some((last, page)) = page {
                puts.insert(Place::new(place.partition.clone(), ItemKey::FeedPage(last)), Item::new(Content::FeedPage(page)));
            }
            puts.insert(place, Item { version, content: Content::Feed(feed) });
            match store.rewrite(&Rewrite { puts, deletes: BTreeMap::new(), at: now }).await {
                Committed::Yes => return Ok(FeedReply::Appended { again: false }),
                Committed::ContextMoved | Committed::Contended | Committed::Before(_) => {}
                // If it was written, the same part is answered as a duplicate next time.
                Committed::Unknown(cause) => {
                    return Err(unavailable(Unavailable { call: "dynamodb:TransactWriteItems", cause }));
                }
            }
        }
        Err(FeedReply::Unavailable)
    }
}

/// The head of a conversation's feed. If the name is linked, that of the link's conversation.
async fn head(store: &dyn ContextStore, name: &str) -> Result<(Place, Option<u64>, Feed), Unavailable> {
    let link = Place::new(name, ItemKey::Link);
    let mut place = Place::new(name, ItemKey::Feed);
    let mut items = store.load(&BTreeSet::from([link.clone(), place.clone()])).await?;
    if let Some(Item { content: Content::Link(link), .. }) = items.get(&link)
        && link.conversation != name
    {
        place = Place::new(link.conversation.clone(), ItemKey::Feed);
        items = store.load(&BTreeSet::from([place.clone()])).await?;
    }
    Ok(match items.remove(&place) {
        Some(Item { version, content: Content::Feed(feed) }) => (place, version, feed),
        Some(_) | None => (place, None, Feed::default()),
    })
}
