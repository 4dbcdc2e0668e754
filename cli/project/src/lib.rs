//! Reads the files that people write. A problem is reported with its file, line and column, what was seen and what is
//! allowed. All problems that one pass can find are reported together.

pub mod artefact;
mod authors;
mod channels;
mod channels_file;
mod data_files;
mod edge;
mod endpoints_file;
mod event_schemas;
pub mod limits;
mod presets;
mod project;
mod ranges;
mod rules_file;
mod schema;
mod sinks;
mod sinks_file;
mod sources_file;
mod subscription;
mod wording;

pub use channels::{channel, channel_names, read_channel};
pub use channels_file::read_channels;
pub use endpoints_file::read_endpoints;
pub use event_schemas::{read_event_schema, read_event_schemas};
pub use presets::{preset, preset_names, presets};
pub use project::{Configuration, ProjectFile, ProjectFiles, statuses};
pub use ranges::{PublishedRanges, ranges, ranges_names};
pub use rules_file::read_rules;
pub use schema::{channels_schema, endpoints_schema, provider_schema, rules_schema, sinks_schema, sources_schema};
pub use sinks::{read_sink, sink, sink_names};
pub use sinks_file::read_sinks;
pub use sources_file::{read_provider, read_source_names, read_sources, read_sources_of_presets};
pub use wording::{json_message, yaml_message};

use serde::{Deserialize, Deserializer};
use serde_saphyr::Location;
use sha2::{Digest, Sha256};
use std::fmt;
use strsim::osa_distance;

/// The most letters that differ (missing, added, changed or swapped) between a word and its suggestion.
const MAX_SLIPS: usize = 2;

/// The hash of a file's text in hex. Line endings don't affect it, since Git may change them.
pub fn file_sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.replace("\r\n", "\n")))
}

/// One problem in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub file: String,
    pub line: u64,
    pub column: u64,
    pub message: String,
}

impl Diagnostic {
    /// A problem at this byte of a file's text.
    pub(crate) fn at(file: &str, text: &str, offset: usize, message: String) -> Self {
        let before = &text[..offset.min(text.len())];
        let line = 1 + before.matches('\n').count() as u64;
        let column = 1 + before.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u64;
        Self { file: file.to_owned(), line, column, message }
    }
}

/// All problems of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(pub Vec<Diagnostic>);

impl Report {
    /// `Ok` if there is no problem; otherwise the problems in the order of the file.
    pub fn into_result<T>(mut self, value: T) -> Result<T, Self> {
        self.0.sort_by_key(|problem| (problem.line, problem.column));
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(i, d)| if i == 0 { write!(f, "{d}") } else { write!(f, "\n{d}") })
    }
}

impl std::error::Error for Report {}

/// A value and its position in the file. Our own type, so that a schema can be derived for types that contain it.
#[derive(Clone)]
struct Spanned<T> {
    value: T,
    referenced: Location,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let serde_saphyr::Spanned { value, referenced, .. } = Deserialize::deserialize(deserializer)?;
        Ok(Self { value, referenced })
    }
}

/// The version of the format of our YAML files.
const FORMAT_VERSION: u32 = 1;

/// A file that is being checked.
struct Checker<'a> {
    file: &'a str,
    report: Report,
}

impl<'a> Checker<'a> {
    fn new(file: &'a str) -> Self {
        Self { file, report: Report::default() }
    }

    fn problem(&mut self, at: Location, message: impl Into<String>) {
        self.report.0.push(Diagnostic {
            file: self.file.to_owned(),
            line: at.line(),
            column: at.column(),
            message: message.into(),
        });
    }

    fn version(&mut self, version: &Spanned<u32>) {
        if version.value != FORMAT_VERSION {
            self.problem(
                version.referenced,
                format!("unknown version {} of the format, allowed: {FORMAT_VERSION}", version.value),
            );
        }
    }
}

/// Parses YAML with `serde`. The first syntax problem ends it.
fn yaml<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Report> {
    serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        Report(vec![Diagnostic { file: file.to_owned(), line, column, message: yaml_message(&error) }])
    })
}

/// A suggestion to append to a message about an unknown word: `; did you mean "stripe"?`, or an empty text.
pub fn did_you_mean<'w>(seen: &str, allowed: impl IntoIterator<Item = &'w str>) -> String {
    let nearest = allowed.into_iter().map(|word| (osa_distance(seen, word), word)).min();
    match nearest {
        Some((n, word)) if n <= MAX_SLIPS && n < seen.chars().count() => format!("; did you mean {word:?}?"),
        Some(_) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_gets_a_suggestion_and_an_unknown_word_does_not() {
        let words = ["github", "stripe", "slack"];
        assert_eq!(did_you_mean("strpe", words), "; did you mean \"stripe\"?");
        assert_eq!(did_you_mean("gihub", words), "; did you mean \"github\"?");
        assert_eq!(did_you_mean("stirpe", words), "; did you mean \"stripe\"?", "two swapped letters are one error");
        assert_eq!(did_you_mean("paypal", words), "");
    }
}
