//! The sinks of `functions/publisher/sinks/`, embedded in the program. A file is parsed at its first use.

use super::data_files::DataFiles;
use super::{Diagnostic, Report};
use include_dir::{Dir, include_dir};
use std::sync::LazyLock;
use tidings_outgoing::SinkFile;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../functions/publisher/sinks");

static SINKS: LazyLock<DataFiles<SinkFile>> = LazyLock::new(|| DataFiles::of(&FILES));

/// The names of all kinds, in order.
pub fn sink_names() -> impl Iterator<Item = &'static str> {
    SINKS.names()
}

/// The kind of this name.
pub fn sink(name: &str) -> Option<&'static SinkFile> {
    SINKS.get(name, read_sink)
}

/// Reads a sink's data file.
pub fn read_sink(file: &str, text: &str) -> Result<SinkFile, Report> {
    let at = |offset: usize, message: String| Diagnostic::at(file, text, offset, message);
    let sink: SinkFile = toml::from_str(text)
        .map_err(|error| Report(vec![at(error.span().map_or(0, |span| span.start), error.message().to_owned())]))?;
    let mut report = Report(sink.problems().into_iter().map(|problem| at(0, problem)).collect());
    let stem = file.rsplit(['/', '\\']).next().and_then(|name| name.strip_suffix(".toml"));
    if stem != Some(sink.name.as_str()) {
        report.0.push(at(0, format!("`name` is {:?}: a sink must have the name of its file", sink.name)));
    }
    report.into_result(sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_sinks_folder_is_embedded_and_its_vectors_hold() {
        SINKS.expect_those_of("../../functions/publisher/sinks");
        let mut problems = Vec::new();
        for (name, file) in SINKS.all() {
            let sink = match read_sink(file.path, file.text) {
                Ok(sink) => sink,
                Err(report) => {
                    problems.push(report.to_string());
                    continue;
                }
            };
            for (nth, vector) in sink.vectors.iter().enumerate() {
                let of = vector.request.as_deref().unwrap_or("answers");
                let found = vector.problems_of_sink(&sink);
                problems.extend(found.iter().map(|problem| format!("{name}, vector {} ({of}): {problem}", nth + 1)));
            }
        }
        assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    }

    #[test]
    fn every_request_and_every_answer_of_a_sink_has_a_vector() {
        for name in sink_names() {
            let file = sink(name).unwrap();
            let read = file.sink();
            for request in &file.requests {
                let is_shown = file.vectors.iter().any(|v| v.request.as_ref() == Some(&request.name) && v.sends.is_some());
                assert!(is_shown, "{name}: the request {:?} has no vector", request.name);
            }
            let replies = || file.vectors.iter().flat_map(|vector| &vector.replies);
            for (nth, answer) in file.answers.iter().enumerate() {
                let is_shown = replies().any(|reply| reply.answered_by(read.api()) == Some(nth));
                assert!(is_shown, "{name}: answer {} ({}) has no vector", nth + 1, answer.is);
            }
        }
    }
}
