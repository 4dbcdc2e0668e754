//! A signature, taken apart.

/// Its fields, and the signatures that may match.
#[derive(Debug)]
pub(super) struct ParsedSignature {
    pub(super) fields: Vec<(String, String)>,
    pub(super) candidates: Vec<Vec<u8>>,
}

impl ParsedSignature {
    /// The same with these candidates, for what holds the signature as it is.
    pub(super) fn first(&self) -> &[u8] {
        self.candidates.first().map_or(&[], Vec::as_slice)
    }

    /// What is known of a signature before it is made.
    pub(super) fn of_fields(fields: Vec<(String, String)>) -> Self {
        Self { fields, candidates: Vec::new() }
    }

    /// The signatures that may match.
    pub(super) fn candidates(&self) -> &[Vec<u8>] {
        &self.candidates
    }

    /// A field of a list of `key=value`: the first of that name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
