//! Real requests of each preset's provider, as data: `samples/NAME.toml`, one file for each preset. Tests check all
//! of them; `tidings providers` and the documentation show them. Only tools and tests link this crate: no function
//! contains a sample.
//!
//! A file with a problem is refused as a whole, with its first problem, so readers can rely on its content.

mod kinds;

pub use kinds::{Kind, kinds};

use crate::{RequestError, Sample};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tidings_config::provider::{Provider, Vector};
use tidings_config::time::Timestamp;

static SAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/samples");

/// A preset's samples, as in its file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleFile {
    /// Each sender chooses the types and the data of its events: the samples are examples, and a rule about other
    /// types is right, too.
    #[serde(default)]
    sender_chooses_types: bool,
    #[serde(rename = "sample")]
    samples: Vec<PresetSample>,
}

/// One request as the provider sends it, before it is signed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetSample {
    /// Unique among the preset's: a-z, 0-9 and `_`.
    pub name: String,
    /// Headers other than the signature and its time.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Without the question mark.
    #[serde(default)]
    pub query: String,
    /// Default: the preset's first content type.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Without a line feed at either end.
    #[serde(default)]
    pub body: String,
    /// The preset's vector with this request, if only the provider can sign.
    #[serde(default)]
    pub vector: Option<String>,
    /// The expected events, in the receiver's order.
    #[serde(default, rename = "event")]
    pub events: Vec<SampleEvent>,
    /// Requests that differ slightly from it.
    #[serde(default, rename = "other")]
    pub others: Vec<OtherRequest>,
}

/// An expected event. A field that is left out is one that the event doesn't have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleEvent {
    #[serde(rename = "type")]
    pub event_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    pub key: SampleKey,
}

/// How the event is identified.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum SampleKey {
    /// The hash of the signed bytes.
    Content,
    /// The hash of the signed bytes, with the provider's id of the delivery.
    ContentAndDelivery,
    /// No event could be read.
    Unreadable,
    /// An id that the signature covers.
    Id(String),
}

/// A sample with some of its text replaced.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherRequest {
    /// A short description.
    pub what: String,
    /// Old and new text. The old one is replaced everywhere: in the body, a header's value and the query.
    pub change: Vec<(String, String)>,
    /// Whether its events are those of the sample. If not, it shares no claim with it.
    pub same: bool,
}

/// The problem with a preset's samples.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    #[error("{0}")]
    Form(#[from] Box<toml::de::Error>),
    #[error("the name {0:?} has characters other than a-z, 0-9 and _")]
    Name(String),
    #[error("the file has {0} twice")]
    Twice(String),
    #[error("{0}: it has a vector, which is the whole request, and a body, headers, a query, a content type or others")]
    BesideVector(String),
    #[error("{sample}: {what:?} changes nothing")]
    NoChange { sample: String, what: String },
    #[error("{sample}: {what:?} replaces {old:?}, which is nowhere in the body, a header or the query")]
    NotThere { sample: String, what: String, old: String },
}

/// The samples of a preset. Empty: it has no file.
///
/// # Panics
/// If the file can't be read: a test reads all of them.
pub fn of_preset(preset: &str) -> Vec<PresetSample> {
    file_of(preset).map_or_else(Vec::new, |file| file.samples)
}

/// The samples of a preset that show what its provider sends. Empty: it has no file, or each sender chooses the types
/// of its events, so that the samples are only examples.
///
/// # Panics
/// If the file can't be read: a test reads all of them.
pub fn known_of_preset(preset: &str) -> Vec<PresetSample> {
    file_of(preset).filter(|file| !file.sender_chooses_types).map_or_else(Vec::new, |file| file.samples)
}

fn file_of(preset: &str) -> Option<SampleFile> {
    let text = SAMPLES.get_file(format!("{preset}.toml"))?.contents_utf8().expect("a test reads all samples");
    Some(read_file(text).unwrap_or_else(|error| panic!("events/samples/{preset}.toml: {error}")))
}

/// The presets with a file, sorted by name.
pub fn presets() -> Vec<&'static str> {
    let names = SAMPLES.files().filter_map(|file| file.path().to_str()?.strip_suffix(".toml"));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The samples of a file's text.
pub fn read(text: &str) -> Result<Vec<PresetSample>, SamplesError> {
    read_file(text).map(|file| file.samples)
}

fn read_file(text: &str) -> Result<SampleFile, SamplesError> {
    let mut file: SampleFile = toml::from_str(text).map_err(Box::new)?;
    let mut names = BTreeSet::new();
    for sample in &mut file.samples {
        let body = sample.body.strip_prefix('\n').unwrap_or(&sample.body);
        sample.body = body.strip_suffix('\n').unwrap_or(body).to_owned();
        sample.check()?;
        if !names.insert(sample.name.clone()) {
            return Err(SamplesError::Twice(sample.name.clone()));
        }
    }
    Ok(file)
}

impl PresetSample {
    fn check(&self) -> Result<(), SamplesError> {
        let name = || self.name.clone();
        let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.name.is_empty() || !self.name.chars().all(is_fit) {
            return Err(SamplesError::Name(name()));
        }
        let has_own = !self.headers.is_empty() || !self.query.is_empty() || self.content_type.is_some() || !self.body.is_empty();
        if self.vector.is_some() && (has_own || !self.others.is_empty()) {
            return Err(SamplesError::BesideVector(name()));
        }
        for OtherRequest { what, change, .. } in &self.others {
            if change.iter().all(|(old, new)| old == new) {
                return Err(SamplesError::NoChange { sample: name(), what: what.clone() });
            }
            if let Some((old, _)) = change.iter().find(|(old, _)| old.is_empty() || !self.texts().any(|text| text.contains(old)))
            {
                return Err(SamplesError::NotThere { sample: name(), what: what.clone(), old: old.clone() });
            }
        }
        Ok(())
    }

    fn texts(&self) -> impl Iterator<Item = &String> {
        self.headers.values().chain([&self.body, &self.query])
    }

    /// The request without a signature.
    pub fn request(&self, provider: &Provider) -> Result<Sample, RequestError> {
        let mut request = Sample::of_body(&provider.source(&provider.name), self.body.clone().into_bytes());
        request.query.clone_from(&self.query);
        let content_type = self.content_type.iter().map(|value| ("content-type", value));
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value));
        content_type.chain(own).try_for_each(|(name, value)| request.set_header(name, value))?;
        Ok(request)
    }

    /// The signed vector with this request. `None`: the sample names none, or its preset doesn't have it.
    pub fn vector_of<'a>(&self, provider: &'a Provider) -> Option<&'a Vector> {
        provider.vectors.iter().find(|vector| Some(&vector.name) == self.vector.as_ref())
    }

    /// The sample with the other's changes.
    #[must_use]
    pub fn changed(&self, other: &OtherRequest) -> Self {
        let mut changed = Self { others: Vec::new(), ..self.clone() };
        for (old, new) in &other.change {
            let texts = changed.headers.values_mut().chain([&mut changed.body, &mut changed.query]);
            texts.for_each(|text| *text = text.replace(old, new));
        }
        changed
    }
}

impl From<String> for SampleKey {
    fn from(word: String) -> Self {
        match word.as_str() {
            "content" => Self::Content,
            "content+delivery" => Self::ContentAndDelivery,
            "unreadable" => Self::Unreadable,
            _ => Self::Id(word),
        }
    }
}

/// As it is read.
impl Serialize for SampleKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for SampleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "content",
            Self::ContentAndDelivery => "content+delivery",
            Self::Unreadable => "unreadable",
            Self::Id(id) => id,
        })
    }
}
