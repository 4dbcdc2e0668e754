//! Why an event couldn't be processed. What becomes of it then is in [`crate::settle`].

use tidings_config::limits::{DELIVERIES_WINDOW, MAX_DELIVERIES_PER_BODY, MAX_EVENT_AGE};
use tidings_config::schemas::Finding;
use tidings_config::time::Timestamp;
use tidings_core::envelope::DecodeError;
use tidings_core::ports::Unavailable;
use tidings_core::unreadable::Unreadable;

/// One variant per way to fail. The text is the reason that is recorded with a dead event: it names rules, fields and
/// types, never what is in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// The receiver kept it, because nothing that is authentic disappears.
    #[error("{0}")]
    Unreadable(Unreadable),
    #[error("the payload is not JSON")]
    Payload,
    #[error("{0}")]
    OffSchema(Finding),
    #[error("received {received}, longer ago than {} days: its claim may be gone, so a second effect couldn't be told from a first", MAX_EVENT_AGE.as_secs() / 86_400)]
    PastHorizon { received: Timestamp },
    #[error("conversation {expression:?}: {what}")]
    Conversation { expression: String, what: String },
    #[error("rule {rule}, {field}: {what}")]
    Rule { rule: String, field: String, what: String },
    #[error("rule {rule}, enrich: {api}: {what}")]
    Unfetched { rule: String, api: String, what: String },
    #[error("{seen} {what}, allowed: {allowed}")]
    TooMany { what: &'static str, seen: usize, allowed: usize },
    #[error("its body was that of {MAX_DELIVERIES_PER_BODY} events before it in {} days, under other delivery ids that aren't signed; the count begins again at {again}", DELIVERIES_WINDOW.as_secs() / 86_400)]
    RepeatedBody { again: Timestamp },
    #[error("the link target is itself an identity that is linked to a conversation")]
    LinkTarget,
    #[error("the name to link has identities of its own: it is a conversation")]
    LinkedTo,
    /// A manual change that can't be made as it is.
    #[error("{0}")]
    Manual(String),
    #[error("the tables did not answer: {}", .0.call)]
    Unavailable(#[source] Unavailable),
    #[error("not all resulting messages were sent: {} failed", .0.call)]
    Undelivered(#[source] Unavailable),
    #[error("other events of the conversation were faster every time")]
    Contended,
    #[error("no time was left")]
    Deadline,
    #[error("the processor panicked; its log says where")]
    Panic,
}

impl Failure {
    /// A word for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(_) => "undecodable",
            Self::Unreadable(_) => "unreadable",
            Self::Payload => "payload",
            Self::OffSchema(_) => "off_schema",
            Self::PastHorizon { .. } => "past_horizon",
            Self::Conversation { .. } => "conversation",
            Self::Rule { .. } => "rule",
            Self::Unfetched { .. } => "unfetched",
            Self::TooMany { .. } => "too_large",
            Self::RepeatedBody { .. } => "repeated_body",
            Self::LinkTarget | Self::LinkedTo => "link_target",
            Self::Manual(_) => "manual",
            Self::Undelivered(_) => "undelivered",
            Self::Unavailable(_) => "unavailable",
            Self::Contended => "contended",
            Self::Deadline => "deadline",
            Self::Panic => "panic",
        }
    }
}

impl Failure {
    /// The same after the effect is in the context: the tables' silence then means that something isn't sent.
    #[must_use]
    pub fn undelivered(self) -> Self {
        if let Self::Unavailable(unavailable) = self { Self::Undelivered(unavailable) } else { self }
    }

    /// What is behind it, for the log alone: it may say more than a claim should.
    pub fn cause(&self) -> Option<&str> {
        if let Self::Unavailable(unavailable) | Self::Undelivered(unavailable) = self { Some(&unavailable.cause) } else { None }
    }
}
