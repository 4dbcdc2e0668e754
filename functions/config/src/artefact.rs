//! `tidings.json`: a project's configuration, checked by `tidings build`, in a function's package beside `bootstrap`.
//!
//! Promises: the same project gives the same bytes. A function reads its own part and skips the rest. A file that is
//! missing, too large, damaged or of another format is an error before the first event; the error says what was seen,
//! what is allowed and what to do. Never: a preset's evidence or vectors, a secret, a YAML parser in a function.

use crate::limits::MAX_ARTEFACT_BYTES;
use crate::rules::Rules;
use crate::schemas::EventSchema;
use crate::source::Source;
use crate::status::SourceStatus;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The name of the file in a function's task root.
pub const ARTEFACT: &str = "tidings.json";

/// The format that `tidings build` writes. Functions read no other: a function and its artefact are deployed in one package.
pub const FORMAT: u32 = 2;

/// The parts behind the first line, each a line.
pub const FILES: &str = "files";
pub const SOURCES: &str = "sources";
pub const RULES: &str = "rules";
pub const SCHEMAS: &str = "schemas";
/// Only if the project has `endpoints.yaml`.
pub const ENDPOINTS: &str = "endpoints";
/// Only if the project has `sinks.yaml`.
pub const SINKS: &str = "sinks";
/// Only if a source keeps its events with their claims: `true`.
pub const OUTBOX: &str = "outbox";
/// Only if the project has `channels.yaml`.
pub const CHANNELS: &str = "channels";
/// Only if a source's events say the status of a channel's messages.
pub const STATUSES: &str = "statuses";

/// What the receiver takes of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ReceiverPart {
    /// SHA-256 of the configuration, in hex. Comments in the project's files don't change it.
    pub hash: String,
    /// Every endpoint, with its preset resolved.
    pub sources: Vec<Source>,
}

/// The processor's part of the artefact.
#[derive(Clone, Debug, Deserialize)]
pub struct ProcessorPart {
    /// SHA-256 of the configuration, in hex. Comments in the project's files don't change it.
    pub hash: String,
    pub rules: Rules,
    pub schemas: Vec<EventSchema>,
    /// Whether a source keeps its events with their claims, which a sweep then looks for.
    #[serde(default)]
    pub outbox: bool,
    /// The events that say the status of messages. Empty unless they were asked for.
    #[serde(default)]
    pub statuses: Vec<SourceStatus>,
}

/// The first field. Every format has it.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// Why an artefact can't be read. A retry doesn't help: the function's package must be built again.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}. Run `tidings build`, and deploy what it writes beside the bootstrap", path.display())]
pub struct ArtefactError {
    pub path: PathBuf,
    #[source]
    pub what: Unusable,
}

/// The problem with the file.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("it can't be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("it has more than {MAX_ARTEFACT_BYTES} bytes, allowed: {MAX_ARTEFACT_BYTES}")]
    TooLarge,
    #[error("it is of format {0}, allowed: {FORMAT}. The function and the file are of different versions")]
    Format(u32),
    #[error("it isn't what `tidings build` writes: {0}")]
    Damaged(#[from] serde_json::Error),
}

impl ReceiverPart {
    /// Reads the receiver's part. Errors: see [`ArtefactError`].
    pub fn read(path: &Path) -> Result<Self, ArtefactError> {
        read(path, &[SOURCES])
    }
}

impl ProcessorPart {
    /// Reads the processor's part. `has_sender`: with the statuses of messages. Errors: see [`ArtefactError`].
    pub fn read(path: &Path, has_sender: bool) -> Result<Self, ArtefactError> {
        read(path, if has_sender { &[RULES, SCHEMAS, OUTBOX, STATUSES] } else { &[RULES, SCHEMAS, OUTBOX] })
    }
}

/// Reads the part of a function whose types another crate has. Errors: see [`ArtefactError`].
pub fn read_part<T: DeserializeOwned>(path: &Path, parts: &[&str]) -> Result<T, ArtefactError> {
    read(path, parts)
}

fn read<T: DeserializeOwned>(path: &Path, parts: &[&str]) -> Result<T, ArtefactError> {
    let of_path = |what: Unusable| ArtefactError { path: path.to_owned(), what };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_ARTEFACT_BYTES as u64 + 1).read_to_string(&mut text));
    read.map_err(|error| of_path(error.into()))?;
    parse(&text, parts).map_err(of_path)
}

/// The format is looked at first: what else is in the file of another one, nobody here knows.
fn parse<T: DeserializeOwned>(text: &str, parts: &[&str]) -> Result<T, Unusable> {
    if text.len() > MAX_ARTEFACT_BYTES {
        return Err(Unusable::TooLarge);
    }
    match begins_as_ours(text) {
        // What can't be read by its lines is read as a whole: somebody may have written it in another way, or damaged it.
        true => match lines_of(text, parts).and_then(|own| serde_json::from_str(&own).ok()) {
            Some(part) => Ok(part),
            None => Ok(serde_json::from_str(text)?),
        },
        false => match serde_json::from_str::<Version>(text)?.format {
            FORMAT => Ok(serde_json::from_str(text)?),
            other => Err(Unusable::Format(other)),
        },
    }
}

/// The first line and those of these parts, as a file of their own: nothing else is looked at. `None` where the file hasn't a line for
/// each.
fn lines_of(text: &str, parts: &[&str]) -> Option<String> {
    let text = text.trim_end().strip_suffix('}')?;
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let lines = ends.scan(0, |start, end| Some(&text[std::mem::replace(start, end + 1)..end]));
    let mut lines = lines.map(|line| line.strip_suffix(',').unwrap_or(line));
    let head = lines.next()?;
    let is_own = |line: &&str| {
        let name = line.strip_prefix('"').and_then(|line| line.split_once('"'));
        name.is_some_and(|(name, _)| parts.contains(&name))
    };
    let own: Vec<&str> = lines.filter(is_own).collect();
    (own.len() == parts.len()).then(|| format!("{head},{}}}", own.join(",")))
}

/// Whether the text begins as `tidings build` writes it, so that it needn't be read twice.
fn begins_as_ours(text: &str) -> bool {
    text.strip_prefix("{\"format\":2").is_some_and(|rest| rest.starts_with(','))
}

const _: () = assert!(FORMAT == 2, "begins_as_ours names the format");

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse::<ReceiverPart>(text, &[SOURCES]).unwrap_err().to_string()
    }

    #[test]
    fn a_function_skips_the_other_parts() {
        let text = r#"{"format":2,"tidings":"0.1.0","hash":"ab","files":{"a":"b"},"sources":[],"rules":[["later"]],"schemas":7}"#;
        let part: ReceiverPart = parse(text, &[SOURCES]).unwrap();
        assert_eq!((part.hash.as_str(), part.sources.len()), ("ab", 0));
        let spaced: ReceiverPart = parse(&text.replace(':', " : "), &[SOURCES]).unwrap();
        assert_eq!(spaced, part, "whoever formatted the file changed nothing");
    }

    #[test]
    fn a_function_reads_its_own_lines_alone() {
        let head = r#"{"format":2,"tidings":"0.2.0","hash":"ab""#;
        let text = format!("{head},\n\"files\":{{}},\n\"sources\":[],\n\"rules\":this isn't read,\n\"schemas\":[]}}\n");
        let part: ReceiverPart = parse(&text, &[SOURCES]).unwrap();
        assert_eq!((part.hash.as_str(), part.sources.len()), ("ab", 0));
        assert!(parse::<ProcessorPart>(&text, &[RULES, SCHEMAS]).is_err(), "what is its own is read");
        let cut = &text[..text.len() - 3];
        assert!(parse::<ReceiverPart>(cut, &[SOURCES]).is_err(), "a file that is cut off");
    }

    #[test]
    fn a_part_may_stand_on_the_line_of_another() {
        let head = r#"{"format":2,"tidings":"0.2.0","hash":"ab""#;
        for text in [
            format!("{head},\n\"sources\":[],\"rules\":{{}}}}"),
            format!("{head},\"files\":{{}},\n\"rules\":{{}},\"sources\":[]}}"),
            format!("{head},\n  \"sources\": []}}"),
        ] {
            assert!(parse::<ReceiverPart>(&text, &[SOURCES]).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_file_of_another_format_or_no_format_is_refused_by_name() {
        for text in [r#"{"format":1}"#, r#"{"format":1,"sources":{"in":"another shape"}}"#, r#"{"format":10,"sources":[]}"#] {
            assert!(refused(text).contains("allowed: 2"), "{text}: {}", refused(text));
        }
        for text in ["", "{", "[]", "{}", r#"{"format":2,"hash":"ab""#, r#"{"format":2,"hash":"ab","sources":[{}]}"#] {
            assert!(refused(text).contains("isn't what `tidings build` writes"), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn a_file_is_bounded_in_size() {
        let text = r#"{"format":2,"hash":"ab","sources":[]}"#;
        let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
        assert!(parse::<ReceiverPart>(&padded(MAX_ARTEFACT_BYTES), &[SOURCES]).is_ok());
        assert!(refused(&padded(MAX_ARTEFACT_BYTES + 1)).contains("allowed: 4194304"));
    }

    #[test]
    fn an_error_names_a_missing_file_and_the_next_step() {
        let said = ReceiverPart::read(Path::new("/nowhere/tidings.json")).unwrap_err().to_string();
        assert!(said.starts_with("/nowhere/tidings.json: it can't be read") && said.contains("Run `tidings build`"), "{said}");
    }
}
