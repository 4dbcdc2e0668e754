//! Data files that are embedded in the program, one for each provider or channel. A file is parsed at its first use.

use super::Report;
use include_dir::{Dir, File};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The TOML files of a folder, by their names without the ending.
pub(crate) struct DataFiles<T>(BTreeMap<&'static str, DataFile<T>>);

pub(crate) struct DataFile<T> {
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
    read: OnceLock<T>,
}

impl<T> DataFiles<T> {
    pub(crate) fn of(folder: &'static Dir<'static>) -> Self {
        let file = |file: &'static File<'static>| {
            let (path, text) = (file.path().to_str()?, file.contents_utf8()?);
            Some((path.strip_suffix(".toml")?, DataFile { path, text, read: OnceLock::new() }))
        };
        Self(folder.files().filter_map(file).collect())
    }

    /// The names of all, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.keys().copied()
    }

    /// The file of this name as `read` reads it, which a test has tried with each.
    pub(crate) fn get(&self, name: &str, read: fn(&str, &str) -> Result<T, Report>) -> Option<&T> {
        let file = self.0.get(name)?;
        Some(
            file.read
                .get_or_init(|| read(file.path, file.text).unwrap_or_else(|report| panic!("a test reads every file: {report}"))),
        )
    }
}

#[cfg(test)]
impl<T> DataFiles<T> {
    /// `include_dir` doesn't see a new file. If this fails, touch the file with the `include_dir!`, and build again.
    pub(crate) fn expect_those_of(&self, folder: &str) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, self.names().collect::<Vec<_>>());
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &DataFile<T>)> {
        self.0.iter().map(|(name, file)| (*name, file))
    }
}
