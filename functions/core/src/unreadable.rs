//! What is authentic and can't be read as an event. It is kept whole and moved to the dead-letter queue with its reason, so that
//! nothing that a provider signed disappears.

use serde::{Deserialize, Serialize};
use std::fmt;
use tidings_config::words;

/// CloudEvents `type` of what couldn't be read. What makes it unreadable is the envelope's own attribute, not this text: a
/// provider may send the same.
pub const EVENT_TYPE: &str = "tidings.unreadable";

words! {
    /// Why an authentic delivery, or one element of it, isn't an event.
    Why {
        Empty = "empty_body",
        NotUtf8 = "not_utf8",
        Truncated = "truncated_json",
        NotJson = "not_json",
        NotXml = "not_xml",
        TooDeep = "too_deep",
        /// Its `Content-Encoding` doesn't fit its bytes.
        NotInflated = "not_inflated",
        NoType = "no_type",
        LongType = "long_type",
        /// It has none of the lists that its source's events are in, or a list has an element that none of them describes.
        NoEvent = "no_event",
        /// One element that doesn't fit into a message with what its preset keeps beside it.
        TooLarge = "too_large",
        /// A delivery whose events would be too many bytes, what they share included.
        TooLargeToSplit = "too_large_to_split",
    }
}

impl Why {
    /// For people. It says nothing of what the payload holds.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Empty => "the body is empty",
            Self::NotUtf8 => "the body is not UTF-8",
            Self::Truncated => "the JSON ends before it is complete",
            Self::NotJson => "the body is not JSON",
            Self::NotXml => "the body is not XML, or it has a document type or entities of its own",
            Self::TooDeep => "the body is nested too deep",
            Self::NotInflated => "the body isn't compressed as its Content-Encoding says, or it is cut off",
            Self::NoType => "the event has no type where its source has it",
            Self::LongType => "the event's type is too long",
            Self::NoEvent => "nothing in it is an event as its source describes them",
            Self::TooLarge => "the event doesn't fit into a message",
            Self::TooLargeToSplit => "its events, with what they share, are too many bytes",
        }
    }
}

words! {
    /// How the bytes of `data_base64` were packed before.
    Packed {
        Gzip = "gzip",
    }
}

/// Why, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub why: Why,
    /// A place of numbers and of names that the preset has: `entry[0].messages[2]`, `line 3 column 17`.
    pub at: Option<String>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable: {}", self.why.message())?;
        self.at.iter().try_for_each(|at| write!(f, " ({at})"))
    }
}
