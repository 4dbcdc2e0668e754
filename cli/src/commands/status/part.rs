//! A part of the screen: its data, or why it couldn't be read.

use serde::Serialize;
use tidings_core::ports::Unavailable;

/// The data that was read, or why it wasn't.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<T> {
    Read(T),
    Unread(Unread),
    /// The part doesn't exist here, and why.
    Absent {
        absent: &'static str,
    },
}

impl<T> Part<T> {
    pub(super) fn read(&self) -> Option<&T> {
        match self {
            Self::Read(read) => Some(read),
            Self::Unread(_) | Self::Absent { .. } => None,
        }
    }
}

/// Why something can't be read, and the permission that it needs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Unread {
    pub(super) unread: String,
    pub(super) needs: &'static str,
}

impl From<Unavailable> for Unread {
    fn from(error: Unavailable) -> Self {
        Self { unread: error.cause, needs: error.call }
    }
}
