//! A parsed signature.

use super::http_message::Covered;

/// Its fields, and the candidate signatures.
#[derive(Debug)]
pub(super) struct ParsedSignature {
    pub(super) fields: Vec<(String, String)>,
    pub(super) candidates: Vec<Vec<u8>>,
    /// What an HTTP message signature covers.
    pub(super) covered: Option<Covered>,
}

impl ParsedSignature {
    /// The first candidate, for places that contain only one.
    pub(super) fn first(&self) -> &[u8] {
        self.candidates.first().map_or(&[], Vec::as_slice)
    }

    /// The fields of a signature that isn't made yet.
    pub(super) fn of_fields(fields: Vec<(String, String)>) -> Self {
        Self { fields, candidates: Vec::new(), covered: None }
    }

    /// The candidate signatures.
    pub(super) fn candidates(&self) -> &[Vec<u8>] {
        &self.candidates
    }

    /// A field of a list of `key=value`: the first with that name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
