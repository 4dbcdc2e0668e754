//! Files that people name: read, written anew, or told with their names.

use crate::Failure;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use tidings_core::config::source::Source;
use tidings_core::secrets::parse;
use tidings_events::secrets_of;

/// A file's bytes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Writes a file that nobody but its owner can read: it is about a person, or holds a secret. What is there stays.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::new(format!("{}: {error}", path.display())).hint("--output never replaces a file: name one that isn't there")
    })
}

/// The document of secrets: the file's, or the public demo secrets of these sources.
pub(crate) fn secrets_document(path: Option<&Path>, sources: &[Source]) -> Result<String, Failure> {
    path.map_or_else(|| Ok(tidings_events::demo_secrets(sources)), document)
}

/// A file that holds a document of secrets.
pub(crate) fn document(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read(path)?).map_err(|_| Failure::new(format!("{}: not UTF-8", path.display())))?;
    // One that can't be read is better told now than by a 503 for every request.
    match parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
    }
}

/// The secrets of a source, newest first, of which there must be one.
pub(crate) fn secrets(document: &str, source: &Source) -> Result<Vec<String>, Failure> {
    const FORM: &str = "--secrets FILE: a JSON object from source to a secret or a list of secrets";
    let secrets = secrets_of(document, &source.name).map_err(|error| Failure::new(error.to_string()).hint(FORM))?;
    if secrets.is_empty() {
        return Err(Failure::new(format!("no secret for source {:?}", source.name)).hint(FORM));
    }
    Ok(secrets)
}
