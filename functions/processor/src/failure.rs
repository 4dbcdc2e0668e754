//! Why a message couldn't be processed: the kind of failure, its stage and its cause. `settle.rs` decides what
//! happens to the message.

use std::error::Error;
use std::fmt;
use tidings_config::limits::{
    DELIVERIES_WINDOW, MAX_COUNT_STEP, MAX_DELIVERIES_PER_BODY, MAX_EVENT_AGE, MAX_FETCHED_PATH_BYTES, MAX_REASON_BYTES,
    MAX_SUBJECT_BYTES,
};
use tidings_config::schemas::Finding;
use tidings_config::time::Timestamp;
use tidings_core::envelope::DecodeError;
use tidings_core::ports::{GetError, Unavailable};
use tidings_core::secrets::DocumentError;
use tidings_core::unreadable::Unreadable;
use tidings_expressions::EvaluationError;

/// Its text is the reason that is recorded with a dead-lettered event: it names rules, fields and types, never
/// values. Its cause ([`Error::source`]) is only for the log, and may say more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    pub stage: Stage,
}

/// The stage that the message reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Planning: nothing is written.
    Plan,
    /// The transaction: it may be unknown whether the effect is in the context.
    Commit,
    /// The effect is in the context. Its actions are sent and its identities moved.
    Deliver,
}

/// One variant for each kind of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind {
    Decode(DecodeError),
    /// The receiver stored it as unreadable, because no authentic delivery is dropped.
    Unreadable(Unreadable),
    /// The payload is not JSON.
    Payload,
    SchemaViolation(Finding),
    PastHorizon {
        received: Timestamp,
    },
    Conversation {
        expression: String,
        what: RuleError,
    },
    /// A rule or a join can't be evaluated.
    Rule {
        rule: String,
        field: String,
        what: RuleError,
    },
    /// An object that a rule needs can't be fetched.
    FetchFailed {
        rule: String,
        api: String,
        what: FetchError,
    },
    TooMany {
        what: &'static str,
        seen: usize,
        allowed: usize,
    },
    /// Too many events with one body, under unsigned delivery ids.
    RepeatedBody {
        again: Timestamp,
    },
    LinkTarget,
    LinkedTo,
    /// A manual change that can't be applied.
    Manual(String),
    /// A table or a queue didn't respond.
    Unavailable(Unavailable),
    Contended,
    Deadline,
    Panic,
}

/// Why a rule's value can't be used for an event. It names fields and types, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    #[error("gives an empty text")]
    Empty,
    #[error("the text has {bytes} bytes, allowed: {allowed}")]
    LongText { bytes: usize, allowed: usize },
    #[error("doesn't give a text; string(…) converts a number")]
    NoText,
    #[error("doesn't give a time with an offset, as 2026-12-24T18:00:00Z, or seconds since 1970; null is no date")]
    NoTime,
    #[error("doesn't give true or false")]
    NoTruth,
    #[error("gives {seen}, allowed: a whole number from -{MAX_COUNT_STEP} to {MAX_COUNT_STEP}")]
    NoStep { seen: &'static str },
    #[error("gives a list or a map; an element must be a text, a number or a boolean")]
    NoElement,
    #[error("the event has no subject of 1 to {MAX_SUBJECT_BYTES} bytes; give the rule an `entity`")]
    NoEntity,
    #[error("the event has an identity but no conversation to link it to; see `conversations`")]
    NoConversation,
    #[error("the value has no text form; add a fallback, as {{data.carrier|our carrier}}")]
    NoTextValue,
    #[error("gives only dots")]
    OnlyDots,
    #[error("the path has {bytes} bytes or more, allowed: {MAX_FETCHED_PATH_BYTES}")]
    LongPath { bytes: usize },
}

/// Why an object of an API can't be fetched. A retry may help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("the rules don't define this API")]
    UnknownApi,
    #[error("not called for a while: it failed several times in a row")]
    LeftAlone,
    #[error("the response isn't JSON")]
    NotJson(#[source] NotJson),
    #[error("the document of the APIs' secrets has no entry for it")]
    NoSecret,
    #[error("the processor has no secret for APIs; deploy with ApiSecrets=true")]
    NoSecrets,
    #[error("its secret could not be fetched")]
    SecretUnavailable(#[source] Unavailable),
    #[error("its secret could not be fetched")]
    SecretUnreadable(#[source] DocumentError),
    #[error(transparent)]
    Get(#[from] GetError),
}

/// The position where a response stops being JSON. Its content isn't quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}")]
pub struct NotJson {
    pub line: usize,
    pub column: usize,
}

impl Stage {
    /// The name in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Commit => "commit",
            Self::Deliver => "deliver",
        }
    }
}

impl FailureKind {
    pub fn at(self, stage: Stage) -> Failure {
        Failure { kind: self, stage }
    }
}

/// Most kinds depend only on the message and the rules.
impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        kind.at(Stage::Plan)
    }
}

impl Failure {
    /// The tables didn't respond.
    pub fn unavailable(unavailable: Unavailable) -> Self {
        FailureKind::Unavailable(unavailable).at(Stage::Commit)
    }

    /// Not all actions of the effect are sent, or not all identities moved.
    pub fn unsent(unavailable: Unavailable) -> Self {
        FailureKind::Unavailable(unavailable).at(Stage::Deliver)
    }

    /// The same failure, in the stage after the effect is in the context.
    #[must_use]
    pub fn in_delivery(self) -> Self {
        Self { stage: Stage::Deliver, ..self }
    }

    /// Whether the effect is in the context, and one of its messages couldn't be sent.
    pub const fn is_unsent(&self) -> bool {
        matches!((&self.kind, self.stage), (FailureKind::Unavailable(_), Stage::Deliver))
    }

    /// Whether a retry may succeed soon: nothing is written, or it is unknown.
    pub const fn is_transient(&self) -> bool {
        matches!(&self.kind, FailureKind::Contended)
            || matches!((&self.kind, self.stage), (FailureKind::Unavailable(_), Stage::Plan | Stage::Commit))
    }

    /// The field or expression without a usable value for the event, and why, if that is the failure.
    pub fn value(&self) -> Option<(&str, &RuleError)> {
        if let FailureKind::Rule { field: place, what, .. } | FailureKind::Conversation { expression: place, what } = &self.kind {
            Some((place, what))
        } else {
            None
        }
    }

    /// The code for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match &self.kind {
            FailureKind::Decode(_) => "undecodable",
            FailureKind::Unreadable(_) => "unreadable",
            FailureKind::Payload => "payload",
            FailureKind::SchemaViolation(_) => "off_schema",
            FailureKind::PastHorizon { .. } => "past_horizon",
            FailureKind::Conversation { .. } => "conversation",
            FailureKind::Rule { .. } => "rule",
            FailureKind::FetchFailed { .. } => "unfetched",
            FailureKind::TooMany { .. } => "too_large",
            FailureKind::RepeatedBody { .. } => "repeated_body",
            FailureKind::LinkTarget | FailureKind::LinkedTo => "link_target",
            FailureKind::Manual(_) => "manual",
            FailureKind::Unavailable(_) => match self.stage {
                Stage::Plan | Stage::Commit => "unavailable",
                Stage::Deliver => "undelivered",
            },
            FailureKind::Contended => "contended",
            FailureKind::Deadline => "deadline",
            FailureKind::Panic => "panic",
        }
    }

    /// Its text, cut to what a claim records.
    pub fn reason(&self) -> String {
        let mut reason = self.to_string();
        reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
        reason
    }

    /// All causes, only for the log: they may say more than a claim should.
    pub fn causes(&self) -> Option<String> {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        (!causes.is_empty()).then(|| causes.join(": "))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = |time: std::time::Duration| time.as_secs() / 86_400;
        match &self.kind {
            FailureKind::Decode(error) => write!(f, "{error}"),
            FailureKind::Unreadable(unreadable) => write!(f, "{unreadable}"),
            FailureKind::Payload => f.write_str("the payload is not JSON"),
            FailureKind::SchemaViolation(finding) => write!(f, "{finding}"),
            FailureKind::PastHorizon { received } => write!(
                f,
                "received {received}, longer ago than {} days: its claim may have been deleted, so a second effect could not be ruled out",
                days(MAX_EVENT_AGE)
            ),
            FailureKind::Conversation { expression, what } => write!(f, "conversation {expression:?}: {what}"),
            FailureKind::Rule { rule, field, what } => write!(f, "rule {rule}, {field}: {what}"),
            FailureKind::FetchFailed { rule, api, what } => write!(f, "rule {rule}, enrich: {api}: {what}"),
            FailureKind::TooMany { what, seen, allowed } => write!(f, "{seen} {what}, allowed: {allowed}"),
            FailureKind::RepeatedBody { again } => write!(
                f,
                "{MAX_DELIVERIES_PER_BODY} earlier events had the same body in {} days, under other delivery ids that aren't \
                 signed; the next count begins at {again}",
                days(DELIVERIES_WINDOW)
            ),
            FailureKind::LinkTarget => f.write_str("the link target is itself an identity that is linked to a conversation"),
            FailureKind::LinkedTo => f.write_str("the name to link is a conversation: it has identities of its own"),
            FailureKind::Manual(what) => f.write_str(what),
            FailureKind::Unavailable(Unavailable { call, .. }) => match self.stage {
                Stage::Plan | Stage::Commit => write!(f, "the tables did not answer: {call}"),
                Stage::Deliver => write!(f, "not all resulting messages were sent: {call} failed"),
            },
            FailureKind::Contended => f.write_str("other events of the conversation committed first in every try"),
            FailureKind::Deadline => f.write_str("the time of the batch ran out"),
            FailureKind::Panic => f.write_str("the processor panicked; see its log for the place"),
        }
    }
}

/// A cause that the text already names isn't repeated.
impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            FailureKind::Unavailable(unavailable) => Some(unavailable),
            FailureKind::Decode(error) => error.source(),
            FailureKind::Conversation { what, .. } | FailureKind::Rule { what, .. } => what.source(),
            FailureKind::FetchFailed { what, .. } => what.source(),
            FailureKind::Unreadable(_)
            | FailureKind::Payload
            | FailureKind::SchemaViolation(_)
            | FailureKind::PastHorizon { .. }
            | FailureKind::TooMany { .. }
            | FailureKind::RepeatedBody { .. }
            | FailureKind::LinkTarget
            | FailureKind::LinkedTo
            | FailureKind::Manual(_)
            | FailureKind::Contended
            | FailureKind::Deadline
            | FailureKind::Panic => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_kind_its_stage_and_its_causes() {
        let silent = || Unavailable { call: "dynamodb:BatchGetItem", cause: "AccessDenied".into() };
        let (commit, deliver) = (Failure::unavailable(silent()), Failure::unsent(silent()));
        assert_eq!((commit.code(), commit.stage.as_str()), ("unavailable", "commit"));
        assert_eq!((deliver.code(), deliver.stage.as_str()), ("undelivered", "deliver"));
        assert_eq!(commit.clone().in_delivery(), deliver);
        assert_eq!(deliver.to_string(), "not all resulting messages were sent: dynamodb:BatchGetItem failed");
        assert_eq!(deliver.causes().as_deref(), Some("dynamodb:BatchGetItem: AccessDenied"), "a claim doesn't contain it");

        let what = FetchError::SecretUnavailable(Unavailable { call: "secretsmanager:GetSecretValue", cause: "KMS".into() });
        let unfetched = Failure::from(FailureKind::FetchFailed { rule: "r".into(), api: "crm".into(), what });
        assert_eq!(unfetched.to_string(), "rule r, enrich: crm: its secret could not be fetched");
        assert_eq!(unfetched.causes().as_deref(), Some("secretsmanager:GetSecretValue: KMS"));

        let rule = FailureKind::Rule { rule: "r".into(), field: "when".into(), what: EvaluationError::TooLarge(9).into() };
        assert_eq!(Failure::from(rule).causes(), None, "its text names the cause");
    }

    #[test]
    fn a_reason_is_cut_at_a_character() {
        let long = Failure::from(FailureKind::Manual("é".repeat(MAX_REASON_BYTES)));
        assert!(long.reason().len() <= MAX_REASON_BYTES && long.reason().ends_with('é'));
    }
}
