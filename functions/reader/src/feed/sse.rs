//! Server-sent events, as browsers' `EventSource` reads them (HTML Living Standard, section 9.2).
//!
//! ```text
//! retry: 2000
//!
//! id: 1795168800250
//! event: action
//! data: {"id":"…","type":"tidings.notify","data":{"text":"Your order is on its way."}}
//! ```

use super::Batch;
use serde_json::json;
use std::fmt::Write;
use std::time::Duration;
use tidings_config::limits::{FEED_RETRY, FEED_RETRY_MORE};

/// A comment, which readers ignore. It keeps a connection open.
pub const HEARTBEAT: &str = ": \n\n";

/// An answer that ends after what there is now. The browser asks again after `retry`.
pub(super) fn buffered(batch: &Batch) -> String {
    format!("{}{}", retry(if batch.more { FEED_RETRY_MORE } else { FEED_RETRY }), events(batch))
}

/// How long a browser waits before it connects again.
pub fn retry(after: Duration) -> String {
    format!("retry: {}\n\n", after.as_millis())
}

/// The updates as events. JSON has no line breaks of its own.
pub fn events(batch: &Batch) -> String {
    let mut text = String::new();
    if let Some(lost) = batch.lost_up_to {
        let _ = write!(text, "id: {lost}\nevent: reset\ndata: {}\n\n", json!({ "lost_up_to": lost }));
    }
    for update in &batch.updates {
        let _ = write!(text, "id: {}\nevent: {}\ndata: {}\n\n", update.n, update.event.as_str(), update.data);
    }
    let last = batch.updates.last().map(|update| update.n).or(batch.lost_up_to);
    if let Some(cursor) = batch.cursor.filter(|cursor| last.is_none_or(|last| *cursor > last) && batch.has_moved) {
        // An id without data moves the cursor past updates that this viewer doesn't see.
        let _ = write!(text, "id: {cursor}\n\n");
    }
    text
}
