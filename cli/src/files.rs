//! Reads and writes files that the user names. Errors name the file.

use crate::Failure;
use crate::limits::MAX_FILE_JSON_VALUES;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use tidings_config::limits::MAX_SECRET_DOCUMENT_BYTES;
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_core::claim::sender;
use tidings_core::secrets::parse;
use tidings_events::secrets_of;
use tidings_project::json_message;

/// A file's bytes, up to a limit. A source without a known length (a device, a pipe) is read up to that limit.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > most as u64 {
        return Err(too_long(&path.display(), &length, most));
    }
    bounded(file, &path.display(), most)
}

/// A file of a project, as text. It must be a regular file: reading a pipe could wait forever.
pub(crate) fn regular(path: &Path, most: usize) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Failure::new(format!("{} isn't a regular file", path.display())));
    }
    text(path, most)
}

/// The same for a file, or for standard input if the path is `-`.
pub(crate) fn read_or_stdin(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") { bounded(std::io::stdin().lock(), &"standard input", most) } else { read(path, most) }
}

/// A file's text.
pub(crate) fn text(path: &Path, most: usize) -> Result<String, Failure> {
    String::from_utf8(read(path, most)?).map_err(|_| Failure::new(format!("{}: not UTF-8", path.display())))
}

/// The files of a folder and its subfolders, ordered by name, without files and folders whose name begins with a dot.
/// If there are more than `most`, it returns one more.
pub(crate) fn below(folder: &Path, most: usize) -> Result<Vec<PathBuf>, Failure> {
    let failed = |path: &Path, error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let entry = entry.map_err(|error| failed(&folder, error))?;
            let path = entry.path();
            let is_folder = entry.file_type().map_err(|error| failed(&path, error))?.is_dir();
            match entry.file_name().to_string_lossy().starts_with('.') {
                true => {}
                false if is_folder => folders.push(path),
                false => files.push(path),
            }
            if files.len() + folders.len() > most {
                break;
            }
        }
    }
    files.sort();
    Ok(files)
}

fn bounded(from: impl Read, name: &dyn Display, most: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = from.take(most as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("{name}: {error}")))?;
    if bytes.len() > most { Err(too_long(name, &format!("more than {most}"), most)) } else { Ok(bytes) }
}

fn too_long(name: &dyn Display, bytes: &dyn Display, most: usize) -> Failure {
    Failure::new(format!("{name} has {bytes} bytes, allowed: {most}"))
}

/// Parses a file's JSON text, if it has few enough values to fit in memory.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let values = values(bytes);
    if values > MAX_FILE_JSON_VALUES {
        return Err(format!("it has {values} values, allowed: {MAX_FILE_JSON_VALUES}"));
    }
    serde_json::from_slice(bytes).map_err(|error| json_message(&error))
}

/// The beginning of a file of some editors, which JSON doesn't have.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// An upper bound for the number of values in a JSON text: each but the first follows a comma, a colon or a bracket.
fn values(json: &[u8]) -> usize {
    let (mut values, mut in_string, mut escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b':' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values
}

/// Replaces a file atomically. Creates its folder if it doesn't exist.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.join(format!(".{name}.{}", std::process::id()));
    std::fs::write(&unfinished, content).map_err(|error| failed(&unfinished, error))?;
    std::fs::rename(&unfinished, path).map_err(|error| failed(path, error))
}

/// Writes a new file that only its owner can read, for personal data or secrets. Fails if the file exists.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::new(format!("{}: {error}", path.display())).hint("--output never replaces a file: give one that doesn't exist")
    })
}

/// The document of secrets: the file's, or the public demo secrets of these sources.
pub(crate) fn secrets_document(path: Option<&Path>, sources: &[Source]) -> Result<String, Failure> {
    path.map_or_else(|| Ok(tidings_events::demo_secrets(sources)), document)
}

/// A file that holds a document of secrets.
pub(crate) fn document(path: &Path) -> Result<String, Failure> {
    let text = text(path, MAX_SECRET_DOCUMENT_BYTES)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    // A document that can't be parsed is an error here, instead of a 503 for every request.
    match parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
    }
}

/// The secrets of a source, or of one of its tenants, newest first. At least one must exist.
pub(crate) fn secrets(document: &str, source: &Source, tenant: Option<&TenantName>) -> Result<Vec<String>, Failure> {
    const FORM: &str = "give --secrets FILE: a JSON object from source, or SOURCE/TENANT, to a secret or a list of secrets";
    let sender = sender(&source.name, tenant);
    let secrets = secrets_of(document, &sender).map_err(|error| Failure::new(error.to_string()).hint(FORM))?;
    if secrets.is_empty() {
        return Err(Failure::new(format!("no secret for source {sender:?}")).hint(FORM));
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, bytes: usize) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("tidings-files-{name}-{}", std::process::id()));
        std::fs::write(&path, vec![b' '; bytes]).expect("a file");
        path
    }

    #[test]
    fn a_file_may_have_the_maximum_length() {
        let path = written("length", 100);
        assert_eq!(read(&path, 100).unwrap().len(), 100);
        let said = read(&path, 99).unwrap_err().to_string();
        assert!(said.ends_with("has 100 bytes, allowed: 99"), "{said}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_endless_file_is_read_up_to_the_limit() {
        assert_eq!(bounded(std::io::repeat(0).take(100), &"zeros", 100).unwrap().len(), 100);
        let said = bounded(std::io::repeat(0), &"zeros", 100).unwrap_err().to_string();
        assert_eq!(said, "zeros has more than 100 bytes, allowed: 100");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_and_a_folder_are_errors() {
        let said = read(Path::new("/dev/zero"), 1_000).unwrap_err().to_string();
        assert_eq!(said, "/dev/zero has more than 1000 bytes, allowed: 1000");
        assert!(read(&std::env::temp_dir(), usize::MAX - 1).unwrap_err().to_string().contains("directory"));
    }

    #[test]
    fn a_json_text_has_as_many_values_as_fit() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2)).into_bytes();
        assert_eq!(json::<Vec<u8>>(&list(MAX_FILE_JSON_VALUES)).unwrap().len(), MAX_FILE_JSON_VALUES - 1);
        let said = json::<Vec<u8>>(&list(MAX_FILE_JSON_VALUES + 1)).unwrap_err();
        assert_eq!(said, "it has 1000001 values, allowed: 1000000");
        assert_eq!(values(br#"{"a,:[{\"": [1, "\\"], "b": {}}"#), 8, "the content of a string isn't counted");
    }
}
