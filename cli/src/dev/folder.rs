//! The folder of `--data`. One `dev` uses it at a time. Only its owner can read its files, whatever the umask is.

use crate::Failure;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

pub(crate) const TABLES: &str = "dynamodb.sqlite";
pub(crate) const QUEUES: &str = "queues.sqlite";
/// The file that the previous version wrote at its end.
pub(crate) const LEFT: &str = "queues.json";
const LOCK: &str = "dev.lock";

/// Suffixes of SQLite's files beside a database.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_FOLDER: u32 = 0o700;

/// A folder locked by this process. The system releases the lock when the process ends, in every case.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder, and creates it if it doesn't exist.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let of_path = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
        make(path).map_err(of_path)?;
        let lock = lock(path)?;
        make_private(path).map_err(of_path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a database. Creates the file, so that SQLite gives the files beside it the same permissions.
    pub(crate) fn database(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        open_private(&path).map(|_| path.clone()).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }
}

/// Opens a file that only its owner can read, for reading and writing. Creates it if it doesn't exist.
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    options.open(path)
}

/// Writes a file atomically, even if the machine stops during the write. Only its owner can read it.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = parent.join(format!(".{name}.{}", std::process::id()));
    let written = write_to(&new, text).and_then(|()| fs::rename(&new, path)).and_then(|()| sync_folder(parent));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_to(path: &Path, text: &str) -> std::io::Result<()> {
    // A file that an earlier process with the same number left.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A rename or a removal is durable after its folder is synced.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Creates a folder and its parents. Only their owner can read them.
pub(crate) fn make(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, PRIVATE_FOLDER);
    builder.create(path)
}

fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join(LOCK);
    let unlocked = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    let mut file = open_private(&path).map_err(unlocked)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(unlocked(error)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim().parse::<u32>().map_or(String::new(), |process| format!(" (process {process})"));
            return Err(Failure::new(format!("{} is in use by another `tidings dev`{holder}", folder.display()))
                .hint("stop that one first, or use another folder with --data"));
        }
    }
    // The number is only for the message above, so a full disk doesn't prevent the start.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}

/// Removes other users' permissions from files that an earlier version, or an open umask, left readable. A folder with
/// other files isn't ours and keeps its permissions.
#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let databases = [TABLES, QUEUES].into_iter().flat_map(|name| BESIDE.map(|end| format!("{name}{end}")));
    let ours: Vec<String> = databases.chain([LEFT.to_owned(), LOCK.to_owned()]).collect();
    let mut only_ours = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if ours.iter().any(|name| entry.file_name() == name.as_str()) {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(PRIVATE_FILE))?;
        } else {
            only_ours = false;
        }
    }
    if only_ours { fs::set_permissions(folder, fs::Permissions::from_mode(PRIVATE_FOLDER)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn make_private(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("tidings-folder-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_new_folder_and_what_is_made_in_it_are_private() {
        let path = scratch("new");
        let folder = Folder::open(&path.join("inner")).unwrap();
        let database = folder.database(TABLES).unwrap();
        let modes = [mode(&path), mode(folder.path()), mode(&database), mode(&folder.path().join(LOCK))];
        assert_eq!(modes, [0o700, 0o700, 0o600, 0o600]);
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_folder_of_the_version_before_becomes_private_and_one_with_other_files_keeps_its_permissions() {
        for (name, other, expected) in [("before", None, 0o700), ("shared", Some("notes.txt"), 0o755)] {
            let path = scratch(name);
            fs::create_dir(&path).unwrap();
            let files: Vec<&str> = ["dynamodb.sqlite", "dynamodb.sqlite-wal", LEFT].into_iter().chain(other).collect();
            for file in &files {
                fs::write(path.join(file), "").unwrap();
                fs::set_permissions(path.join(file), fs::Permissions::from_mode(0o644)).unwrap();
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            let _folder = Folder::open(&path).unwrap();
            assert_eq!(mode(&path), expected, "{name}");
            for file in files {
                let wanted = if Some(file) == other { 0o644 } else { 0o600 };
                assert_eq!(mode(&path.join(file)), wanted, "{file}");
            }
            fs::remove_dir_all(path).unwrap();
        }
    }

    #[test]
    fn a_folder_in_use_is_refused_and_free_again_afterwards() {
        let path = scratch("lock");
        let first = Folder::open(&path).unwrap();
        let refused = Folder::open(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("in use by another `tidings dev` (process {})", std::process::id())), "{refused}");
        drop(first);
        Folder::open(&path).unwrap();
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_file_is_replaced_whole_and_private_and_nothing_is_left_beside_it() {
        let path = scratch("write");
        make(&path).unwrap();
        let file = path.join("token");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&file, "new").unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o600));
        assert!(write_private(&path.join("no/such/folder"), "new").is_err());
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::remove_dir_all(path).unwrap();
    }
}
