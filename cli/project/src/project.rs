//! The files of a project: `sources.yaml`, `rules.yaml`, `schemas/` and, if there are any, `endpoints.yaml`, `sinks.yaml` and
//! `channels.yaml`.

use super::{
    Report, channel, file_sha256, read_channels, read_endpoints, read_event_schemas, read_rules, read_sinks, read_source_names,
    read_sources_of_presets,
};
use crate::authors;
use std::collections::BTreeMap;
use tidings_config::endpoint::Endpoint;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchema;
use tidings_config::source::Source;
use tidings_config::status::SourceStatus;
use tidings_outgoing::{ConfiguredChannel, ConfiguredSink};

/// A file: its path in the project with `/` as separator, its path for people, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    pub path: String,
    pub shown: String,
    pub text: String,
}

/// A project's files as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFiles {
    pub sources: ProjectFile,
    pub rules: ProjectFile,
    pub schemas: Vec<ProjectFile>,
    /// `endpoints.yaml`.
    pub endpoints: Option<ProjectFile>,
    /// `sinks.yaml`.
    pub sinks: Option<ProjectFile>,
    /// `channels.yaml`.
    pub channels: Option<ProjectFile>,
}

/// A project's checked configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub sources: Vec<Source>,
    pub rules: Rules,
    pub schemas: Vec<EventSchema>,
    /// `None`: the project has no `endpoints.yaml`.
    pub endpoints: Option<Vec<Endpoint>>,
    /// `None`: the project has no `sinks.yaml`.
    pub sinks: Option<Vec<ConfiguredSink>>,
    /// `None`: the project has no `channels.yaml`.
    pub channels: Option<Vec<ConfiguredChannel>>,
    /// The hash of every file by its path in the project: [`file_sha256`].
    pub files: BTreeMap<String, String>,
}

impl Configuration {
    /// The events of its sources that say the status of its channels' messages.
    pub fn statuses(&self) -> Vec<SourceStatus> {
        statuses(&self.sources, self.channels.as_deref().unwrap_or_default())
    }
}

/// The events of these sources that say the status of these channels' messages, each once.
pub fn statuses(sources: &[Source], channels: &[ConfiguredChannel]) -> Vec<SourceStatus> {
    let mut found: Vec<SourceStatus> = Vec::new();
    for file in channels.iter().filter_map(|configured| channel(&configured.channel.name)) {
        // A tenant mustn't say anything of a message to another one.
        let trusted = sources.iter().filter(|source| !source.tenants);
        for status in trusted.flat_map(|source| file.statuses_of(&source.name, &source.provider)) {
            // Channels of one provider have some in common.
            if !found.contains(&status) {
                found.push(status);
            }
        }
    }
    found
}

impl ProjectFiles {
    /// The names of the sources.
    pub fn source_names(&self) -> Result<Vec<String>, Report> {
        read_source_names(&self.sources.shown, &self.sources.text)
    }

    /// The sources, with their presets resolved.
    pub fn read_sources(&self) -> Result<Vec<Source>, Report> {
        read_sources_of_presets(&self.sources.shown, &self.sources.text)
    }

    /// The rules, without who wrote their values: that needs the sources and the schemas, as [`Self::read`] has them.
    pub fn read_rules(&self) -> Result<Rules, Report> {
        read_rules(&self.rules.shown, &self.rules.text, &self.source_names()?)
    }

    /// The event schemas.
    pub fn read_schemas(&self) -> Result<Vec<EventSchema>, Report> {
        let files: Vec<(String, String)> = self.schemas.iter().map(|file| (file.shown.clone(), file.text.clone())).collect();
        read_event_schemas(&files, &self.source_names()?)
    }

    /// The endpoints, if the project has the file.
    pub fn read_endpoints(&self) -> Result<Option<Vec<Endpoint>>, Report> {
        self.endpoints.as_ref().map(|file| read_endpoints(&file.shown, &file.text)).transpose()
    }

    /// The sinks, if the project has the file.
    pub fn read_sinks(&self) -> Result<Option<Vec<ConfiguredSink>>, Report> {
        self.sinks.as_ref().map(|file| read_sinks(&file.shown, &file.text)).transpose()
    }

    /// The channels, if the project has the file.
    pub fn read_channels(&self) -> Result<Option<Vec<ConfiguredChannel>>, Report> {
        self.channels.as_ref().map(|file| read_channels(&file.shown, &file.text)).transpose()
    }

    /// Reads everything. Problems of all files are reported together.
    pub fn read(&self) -> Result<Configuration, Report> {
        let optional = (self.read_endpoints(), self.read_sinks(), self.read_channels());
        match (self.read_sources(), self.read_rules(), self.read_schemas(), optional) {
            (Ok(sources), Ok(mut rules), Ok(schemas), (Ok(endpoints), Ok(sinks), Ok(channels))) => {
                authors::label(&mut rules, &sources, &schemas);
                Ok(Configuration { sources, rules, schemas, endpoints, sinks, channels, files: self.hashes() })
            }
            (sources, rules, schemas, (endpoints, sinks, channels)) => {
                let reports = [sources.err(), rules.err(), schemas.err(), endpoints.err(), sinks.err(), channels.err()];
                let mut problems: Vec<_> = reports.into_iter().flatten().flat_map(|Report(problems)| problems).collect();
                // If the sources file isn't valid YAML, every reader of the sources' names reports it; once is enough.
                problems.dedup();
                Err(Report(problems))
            }
        }
    }

    fn hashes(&self) -> BTreeMap<String, String> {
        let optional = self.endpoints.iter().chain(&self.sinks).chain(&self.channels);
        let files = [&self.sources, &self.rules].into_iter().chain(&self.schemas).chain(optional);
        files.map(|file| (file.path.clone(), file_sha256(&file.text))).collect()
    }
}
