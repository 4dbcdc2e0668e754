//! An authentic delivery that can't be read as an event. It is stored whole and moved to the dead-letter queue with
//! its reason, so that no signed delivery is lost.

use std::fmt;
use tidings_config::words;

/// CloudEvents `type` of an unreadable delivery. The envelope's attribute `unreadable` decides, not this text, which
/// a provider might send as well.
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
        /// It has none of the lists that contain its source's events, or a list has an element that no event spec matches.
        NoEvent = "no_event",
        /// One element that doesn't fit into a message together with the parts that its preset stores with it.
        TooLarge = "too_large",
        /// A delivery whose events would have too many bytes in total, with their shared parts.
        TooLargeToSplit = "too_large_to_split",
    }
}

impl Why {
    /// The message for people. It reveals nothing of the payload.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Empty => "the body is empty",
            Self::NotUtf8 => "the body is not UTF-8",
            Self::Truncated => "the JSON ends before it is complete",
            Self::NotJson => "the body is not JSON",
            Self::NotXml => "the body is not XML, or it has a document type or entities of its own",
            Self::TooDeep => "the body is nested too deep",
            Self::NotInflated => "the body isn't compressed as its Content-Encoding says, or it is cut off",
            Self::NoType => "the event has no type where its source defines it",
            Self::LongType => "the event's type is too long",
            Self::NoEvent => "it contains no event as its source defines them",
            Self::TooLarge => "the event doesn't fit into a message",
            Self::TooLargeToSplit => "its events with their shared parts have too many bytes",
        }
    }
}

words! {
    /// How the bytes of `data_base64` were compressed.
    Packed {
        Gzip = "gzip",
    }
}

/// The reason and the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub why: Why,
    /// The place, made of numbers and of names in the preset: `entry[0].messages[2]`, `line 3 column 17`.
    pub at: Option<String>,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable: {}", self.why.message())?;
        self.at.iter().try_for_each(|at| write!(f, " ({at})"))
    }
}
