//! Watches files by their modification times and lengths, twice a second. This also detects editors that replace the
//! file, a container's mount and network file systems. The cost for about twenty files is too small to measure.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long a change may stay undetected.
const PERIOD: Duration = Duration::from_millis(500);

/// A file's time and length, or a folder's time. `None`: it doesn't exist.
type Seen = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// Calls `changed` after any of the paths is changed, created or removed, once writing has stopped. The list of paths
/// is read each time, because a project may have more or fewer files later. Runs until it is dropped.
pub(crate) async fn watch<F: Future<Output = ()>>(paths: impl Fn() -> Vec<PathBuf>, mut changed: impl FnMut() -> F) {
    let mut known = look(&paths());
    let mut pending = false;
    loop {
        tokio::time::sleep(PERIOD).await;
        let seen = look(&paths());
        if seen != known {
            known = seen;
            pending = true;
        } else if std::mem::take(&mut pending) {
            changed().await;
        }
    }
}

fn look(paths: &[PathBuf]) -> Seen {
    let state = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    paths.iter().map(|path| (path.clone(), state(path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_changed_replaced_new_or_removed_file_is_reported_once_within_two_seconds() {
        let folder = std::env::temp_dir().join(format!("tidings-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (old, other) = (folder.join("rules.yaml"), folder.join("sources.yaml"));
        std::fs::write(&old, "one").unwrap();
        let told = Arc::new(Notify::new());
        let (tell, paths) = (Arc::clone(&told), vec![old.clone(), other.clone()]);
        let watching = tokio::spawn(watch(
            move || paths.clone(),
            move || {
                tell.notify_one();
                std::future::ready(())
            },
        ));
        tokio::time::sleep(PERIOD / 2).await;
        let changes: [&dyn Fn(); 4] = [
            &|| std::fs::write(&old, "longer").unwrap(),
            &|| {
                std::fs::write(folder.join("new"), "a replaced file").unwrap();
                std::fs::rename(folder.join("new"), &old).unwrap();
            },
            &|| std::fs::write(&other, "made").unwrap(),
            &|| std::fs::remove_file(&old).unwrap(),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            change();
            tokio::time::timeout(Duration::from_secs(2), told.notified()).await.unwrap_or_else(|_| panic!("change {n}"));
            assert!(tokio::time::timeout(3 * PERIOD, told.notified()).await.is_err(), "change {n} is reported once");
        }
        watching.abort();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
