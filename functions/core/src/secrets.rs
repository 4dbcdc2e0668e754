//! The form of a document of secrets: a JSON object from a name (a source, an API) to a secret or a list of secrets, newest first.

use std::collections::BTreeMap;
use tidings_config::OneOrMany;
use tidings_config::limits::MAX_SECRET_DOCUMENT_BYTES;

/// Why a document of secrets can't be read. It names the place and nothing that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("the secrets have {0} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}")]
    TooLong(usize),
    #[error("the secrets are no JSON object from a name to a secret or a list of secrets (line {line} column {column})")]
    Unreadable { line: usize, column: usize },
}

/// Reads a document.
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
    fn a_document_is_as_long_as_it_may_be_and_no_longer() {
        let start = "{\"a\": [\"new\", \"old\"]}";
        let document = |bytes: usize| format!("{start}{}", " ".repeat(bytes - start.len()));
        let read = parse(&document(MAX_SECRET_DOCUMENT_BYTES)).unwrap();
        assert_eq!(read["a"].0, ["new", "old"]);
        assert_eq!(parse(&document(MAX_SECRET_DOCUMENT_BYTES + 1)), Err(DocumentError::TooLong(MAX_SECRET_DOCUMENT_BYTES + 1)));
    }

    #[test]
    fn what_is_no_document_is_told_by_its_place_alone() {
        let error = parse("{\n  \"stripe\": whsec_hunter2 }").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the secrets are no JSON object from a name to a secret or a list of secrets (line 2 column 13)"
        );
    }
}
