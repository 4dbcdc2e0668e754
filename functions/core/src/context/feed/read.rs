//! Reading a feed after a cursor. A query isn't one moment: while a transaction is written, it may see the page without
//! the head, or a later head without the page. Each part names the number before its first update, so what doesn't
//! follow is noticed, and the caller reads again.

use super::{Feed, FeedPage, Update, bytes, number_at};
use tidings_config::limits::{FEED_KEPT, MAX_FEED_ANSWER_BYTES, MAX_FEED_ANSWER_UPDATES};
use tidings_config::time::Timestamp;

/// What one query read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedRead {
    /// The conversation that this name is linked to: the feed is there.
    pub linked_to: Option<String>,
    /// The pages that end after the cursor, in order.
    pub pages: Vec<FeedPage>,
    /// `None`: there is none, or there are more pages before it.
    pub head: Option<Feed>,
    /// Whether there are more pages.
    pub more: bool,
}

/// What a viewer gets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedSlice {
    /// Updates after the cursor are no longer there, up to this number.
    pub lost_up_to: Option<u64>,
    /// The updates after the cursor, in order.
    pub updates: Vec<Update>,
    /// Whether there are more of them.
    pub more: bool,
    /// Whether two parts don't follow from each other. The updates before that place are good. After another read it may
    /// be whole; if not, something was deleted.
    pub torn: bool,
}

impl FeedSlice {
    /// The cursor of the next read. `None`: nothing was read.
    pub fn cursor(&self) -> Option<u64> {
        self.updates.last().map(|update| update.n).or(self.lost_up_to)
    }
}

impl FeedRead {
    /// The updates after the cursor. `None`: all that are kept.
    pub fn after(self, cursor: Option<u64>, now: Timestamp) -> FeedSlice {
        let least = number_at(now.minus(FEED_KEPT));
        let mut slice = FeedSlice { more: self.more, ..FeedSlice::default() };
        let (mut reached, mut size) = (cursor, 0);
        let parts = self.pages.into_iter().map(|page| (page.before, page.updates));
        for (mut before, updates) in parts.chain(self.head.map(|head| (head.before, head.recent))) {
            let mut kept = updates.into_iter().peekable();
            while let Some(expired) = kept.next_if(|update| update.n < least) {
                before = expired.n;
            }
            match reached {
                Some(to) if before > to && slice.updates.is_empty() => {
                    (slice.torn, slice.lost_up_to, reached) = (true, Some(before), Some(before));
                }
                Some(to) if before > to => {
                    (slice.torn, slice.more) = (true, true);
                    return slice;
                }
                Some(_) => {}
                None => reached = Some(before),
            }
            for update in kept {
                if reached.is_some_and(|to| update.n <= to) {
                    continue;
                }
                size += bytes(&update);
                let is_full = slice.updates.len() == MAX_FEED_ANSWER_UPDATES || size > MAX_FEED_ANSWER_BYTES;
                if is_full && !slice.updates.is_empty() {
                    slice.more = true;
                    return slice;
                }
                reached = Some(update.n);
                slice.updates.push(update);
            }
        }
        slice
    }
}
