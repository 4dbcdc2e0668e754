//! The channels of `functions/sender/channels/`, embedded in the program. A file is parsed at its first use.

use super::{Diagnostic, Report};
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};
use tidings_config::source::is_name;
use tidings_outgoing::ChannelFile;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../functions/sender/channels");

struct Shipped {
    file: &'static str,
    text: &'static str,
    read: OnceLock<ChannelFile>,
}

static CHANNELS: LazyLock<BTreeMap<&'static str, Shipped>> = LazyLock::new(|| {
    let channel = |file: &'static include_dir::File<'_>| {
        let (path, text) = (file.path().to_str()?, file.contents_utf8()?);
        Some((path.strip_suffix(".toml")?, Shipped { file: path, text, read: OnceLock::new() }))
    };
    FILES.files().filter_map(channel).collect()
});

/// The names of all channels, in order.
pub fn channel_names() -> impl Iterator<Item = &'static str> {
    CHANNELS.keys().copied()
}

/// The channel of this name.
pub fn channel(name: &str) -> Option<&'static ChannelFile> {
    let Shipped { file, text, read } = CHANNELS.get(name)?;
    Some(read.get_or_init(|| read_channel(file, text).unwrap_or_else(|report| panic!("a test reads every channel: {report}"))))
}

/// Reads a channel's data file.
pub fn read_channel(file: &str, text: &str) -> Result<ChannelFile, Report> {
    let at = |offset: usize, message: String| {
        let before = &text[..offset.min(text.len())];
        let line = 1 + before.matches('\n').count() as u64;
        let column = 1 + before.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u64;
        Diagnostic { file: file.to_owned(), line, column, message }
    };
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
    use std::path::Path;

    /// `include_dir` doesn't see a new file. If this fails, touch this file and build again.
    #[test]
    fn every_file_of_the_channels_folder_is_embedded_and_its_vectors_hold() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/sender/channels");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, channel_names().collect::<Vec<_>>());
        let mut problems = Vec::new();
        for (name, Shipped { file, text, .. }) in CHANNELS.iter() {
            match read_channel(file, text) {
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
            for request in &file.requests {
                let has =
                    file.vectors.iter().any(|vector| vector.request.as_ref() == Some(&request.name) && vector.sends.is_some());
                assert!(has, "{name}: the request {:?} has no vector", request.name);
            }
            let replies = || file.vectors.iter().flat_map(|vector| &vector.replies);
            for (nth, answer) in file.answers.iter().enumerate() {
                assert!(
                    replies().any(|reply| reply.answered_by(file) == Some(nth)),
                    "{name}: answer {} ({}) has no vector",
                    nth + 1,
                    answer.is
                );
            }
        }
    }
}
