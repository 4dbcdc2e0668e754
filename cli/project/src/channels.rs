//! The channels of `functions/sender/channels/`, embedded in the program. A file is parsed at its first use.

use super::data_files::DataFiles;
use super::{Diagnostic, Report};
use include_dir::{Dir, include_dir};
use std::sync::LazyLock;
use tidings_config::source::is_name;
use tidings_outgoing::ChannelFile;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../functions/sender/channels");

static CHANNELS: LazyLock<DataFiles<ChannelFile>> = LazyLock::new(|| DataFiles::of(&FILES));

/// The names of all channels, in order.
pub fn channel_names() -> impl Iterator<Item = &'static str> {
    CHANNELS.names()
}

/// The channel of this name.
pub fn channel(name: &str) -> Option<&'static ChannelFile> {
    CHANNELS.get(name, read_channel)
}

/// Reads a channel's data file.
pub fn read_channel(file: &str, text: &str) -> Result<ChannelFile, Report> {
    let at = |offset: usize, message: String| Diagnostic::at(file, text, offset, message);
    let channel: ChannelFile = toml::from_str(text)
        .map_err(|error| Report(vec![at(error.span().map_or(0, |span| span.start), error.message().to_owned())]))?;
    let mut report = Report(channel.problems().into_iter().map(|problem| at(0, problem)).collect());
    let stem = file.rsplit(['/', '\\']).next().and_then(|name| name.strip_suffix(".toml"));
    if stem != Some(channel.name.as_str()) || !is_name(&channel.name) {
        report.0.push(at(0, format!("`name` is {:?}: a channel must have the name of its file", channel.name)));
    }
    for (name, setting) in &channel.settings {
        match super::channels_file::pattern(&setting.pattern) {
            Err(problem) => report.0.push(at(0, format!("settings.{name}: {problem}"))),
            Ok(pattern) if setting.default.as_ref().is_some_and(|default| !pattern.is_match(default)) => {
                report.0.push(at(0, format!("settings.{name}: the default doesn't match the pattern")));
            }
            Ok(_) => {}
        }
    }
    if channel.vectors.is_empty() {
        report.0.push(at(0, "the file has no [[vector]]: add an action with what it becomes".to_owned()));
    }
    report.into_result(channel)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn every_file_of_the_channels_folder_is_embedded_and_its_vectors_hold() {
        CHANNELS.expect_those_of("../../functions/sender/channels");
        let mut problems = Vec::new();
        for (name, file) in CHANNELS.all() {
            match read_channel(file.path, file.text) {
                Err(report) => problems.push(report.to_string()),
                Ok(channel) => {
                    for (nth, vector) in channel.vectors.iter().enumerate() {
                        let of = vector.request.as_deref().unwrap_or("answers");
                        problems.extend(
                            vector
                                .problems(&channel)
                                .iter()
                                .map(|problem| format!("{name}, vector {} ({of}): {problem}", nth + 1)),
                        );
                    }
                }
            }
        }
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    }

    #[test]
    fn every_request_and_every_answer_has_a_vector() {
        for name in channel_names() {
            let file = channel(name).unwrap();
            let read = file.channel();
            for request in &file.requests {
                let has =
                    file.vectors.iter().any(|vector| vector.request.as_ref() == Some(&request.name) && vector.sends.is_some());
                assert!(has, "{name}: the request {:?} has no vector", request.name);
            }
            let replies = || file.vectors.iter().flat_map(|vector| &vector.replies);
            for (nth, answer) in file.answers.iter().enumerate() {
                assert!(
                    replies().any(|reply| reply.answered_by(read.api()) == Some(nth)),
                    "{name}: answer {} ({}) has no vector",
                    nth + 1,
                    answer.is
                );
            }
        }
    }
}
