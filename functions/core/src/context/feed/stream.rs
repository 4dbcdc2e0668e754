//! Messages that come in parts: what a language model says, as it says it. A bot's backend appends each part with its
//! place in the message. A part that comes again changes nothing, and one that comes too early isn't taken. So viewers
//! see the parts once each, in their order.

use super::{Feed, FeedPage, News, UpdateKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidings_config::limits::MAX_FEED_STREAMS;
use tidings_config::time::Timestamp;

/// A message as far as it was appended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The place of the next part.
    pub next: u64,
    /// When the last part came.
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The message's id, which the backend chooses.
    pub id: String,
    /// The place of the part in the message, from 0.
    pub sequence: u64,
    pub text: String,
    /// Whether it is the last one.
    pub done: bool,
}

/// Why a part wasn't appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAppended {
    /// It was appended before.
    #[error("this part was appended before")]
    Before,
    #[error("the next part of this message is {next}")]
    Early { next: u64 },
    #[error("this message is done")]
    Done,
}

impl Feed {
    /// Appends a part. `Some`: the page that must be written with the head.
    pub fn append(&mut self, part: Part, now: Timestamp) -> Result<Option<(u64, FeedPage)>, NotAppended> {
        let Part { id, sequence, text, done } = part;
        let (next, is_done) = self.streams.get(&id).map_or((0, false), |stream| (stream.next, stream.done));
        if sequence < next {
            return Err(NotAppended::Before);
        }
        if is_done {
            return Err(NotAppended::Done);
        }
        if sequence > next {
            return Err(NotAppended::Early { next });
        }
        self.make_room(&id);
        let data = json!({ "id": id, "sequence": sequence, "text": text, "done": done });
        self.streams.insert(id, Stream { next: sequence + 1, at: now, done });
        Ok(self.add(vec![News { event: UpdateKind::Message, data }], 0, now))
    }

    /// Forgets the message that is done for the longest time; if none is, the one that had no part for the longest time.
    fn make_room(&mut self, id: &str) {
        while self.streams.len() >= MAX_FEED_STREAMS && !self.streams.contains_key(id) {
            let oldest = self.streams.iter().min_by_key(|(_, stream)| (!stream.done, stream.at)).map(|(id, _)| id.clone());
            let Some(oldest) = oldest else { return };
            self.streams.remove(&oldest);
        }
    }
}
