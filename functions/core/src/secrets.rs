//! The format of a document of secrets: a JSON object from a name (a source, an API) to a secret or a list of
//! secrets, newest first.

use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::OneOrMany;
use tidings_config::limits::{MAX_SECRET_DOCUMENT_BYTES, SECRETS_REFRESH, SECRETS_RETRY, SECRETS_RETRY_EMPTY};
use tidings_config::time::Timestamp;

/// Why a document of secrets can't be read. It names the place and no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("the secrets have {0} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}")]
    TooLong(usize),
    #[error("the secrets aren't a JSON object from a name to a secret or a list of secrets (line {line} column {column})")]
    Unreadable { line: usize, column: usize },
}

/// When a document of secrets was fetched, which decides when it is fetched again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetches {
    /// The last fetch that succeeded.
    pub loaded: Option<Timestamp>,
    /// The last fetch, successful or not.
    pub tried: Option<Timestamp>,
}

impl Fetches {
    /// Whether the document must be fetched before its secrets are used: after [`SECRETS_REFRESH`], but not within
    /// [`SECRETS_RETRY`] of the last fetch. If no secret is known: after [`SECRETS_RETRY_EMPTY`].
    pub fn is_due(&self, is_empty: bool, now: Timestamp) -> bool {
        if is_empty {
            is_past(self.tried, SECRETS_RETRY_EMPTY, now)
        } else {
            is_past(self.loaded, SECRETS_REFRESH, now) && self.may_retry(now)
        }
    }

    /// Whether the document may be fetched because no secret fits: at most once in [`SECRETS_RETRY`].
    pub fn may_retry(&self, now: Timestamp) -> bool {
        is_past(self.tried, SECRETS_RETRY, now)
    }
}

fn is_past(at: Option<Timestamp>, limit: Duration, now: Timestamp) -> bool {
    at.is_none_or(|at| now.since(at) >= limit)
}

/// Parses a document.
pub fn parse(document: &str) -> Result<BTreeMap<String, OneOrMany<String>>, DocumentError> {
    if document.len() > MAX_SECRET_DOCUMENT_BYTES {
        return Err(DocumentError::TooLong(document.len()));
    }
    serde_json::from_str(document).map_err(|error| DocumentError::Unreadable { line: error.line(), column: error.column() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_bounded_in_length() {
        let start = "{\"a\": [\"new\", \"old\"]}";
        let document = |bytes: usize| format!("{start}{}", " ".repeat(bytes - start.len()));
        let read = parse(&document(MAX_SECRET_DOCUMENT_BYTES)).unwrap();
        assert_eq!(read["a"].0, ["new", "old"]);
        assert_eq!(parse(&document(MAX_SECRET_DOCUMENT_BYTES + 1)), Err(DocumentError::TooLong(MAX_SECRET_DOCUMENT_BYTES + 1)));
    }

    #[test]
    fn a_document_is_fetched_again_at_its_limits_and_not_before() {
        let at = |ms: u128| Timestamp::from_unix_ms(i64::try_from(ms).unwrap());
        let fetches = |loaded: u128, tried: u128| Fetches { loaded: Some(at(loaded)), tried: Some(at(tried)) };
        let (refresh, retry, empty) = (SECRETS_REFRESH.as_millis(), SECRETS_RETRY.as_millis(), SECRETS_RETRY_EMPTY.as_millis());
        assert!(Fetches::default().is_due(false, at(0)) && Fetches::default().is_due(true, at(0)));
        assert!(fetches(0, 0).is_due(false, at(refresh)) && !fetches(0, 0).is_due(false, at(refresh - 1)));
        assert!(!fetches(0, refresh).is_due(false, at(refresh + retry - 1)), "a fetch failed just now");
        assert!(fetches(0, 0).is_due(true, at(empty)) && !fetches(0, 0).is_due(true, at(empty - 1)));
        assert!(fetches(0, 0).may_retry(at(retry)) && !fetches(0, 0).may_retry(at(retry - 1)));
    }

    #[test]
    fn an_error_names_only_the_place_in_a_document() {
        let error = parse("{\n  \"stripe\": whsec_hunter2 }").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the secrets aren't a JSON object from a name to a secret or a list of secrets (line 2 column 13)"
        );
    }
}
