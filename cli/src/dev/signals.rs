//! Ctrl-C and SIGTERM: the first ends `dev` in order, a second one at once.

use crate::Failure;
use std::time::Duration;
use tokio::sync::watch;

/// What is in flight gets this long to be finished, before it is left for the next start. A batch takes a few milliseconds; a
/// client that has sent half a request may take for ever.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Turns `true` at the first signal. From then on a second one ends the process.
#[cfg(unix)]
pub(crate) fn listen() -> Result<watch::Receiver<bool>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let unheard = |error: std::io::Error| Failure::new(format!("can't listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    // With a limit on the size of files (`ulimit -f`) this would end us; heard, it is a write that fails, as on a full disk.
    let mut too_large = signal(SignalKind::from_raw(SIGXFSZ)).map_err(unheard)?;
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                _ = interrupt.recv() => SIGINT,
                _ = terminate.recv() => SIGTERM,
                _ = too_large.recv() => continue,
            };
            if tell.send_replace(true) {
                // As a shell says of a process that a signal ended.
                std::process::exit(128 + signal);
            }
        }
    });
    Ok(told)
}

#[cfg(unix)]
const SIGINT: i32 = 2;
#[cfg(unix)]
const SIGTERM: i32 = 15;
/// Of Linux, macOS and the BSDs.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

#[cfg(not(unix))]
pub(crate) fn listen() -> Result<watch::Receiver<bool>, Failure> {
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if tell.send_replace(true) {
                std::process::exit(130);
            }
        }
    });
    Ok(told)
}

/// Waits until `told` turns true.
pub(crate) async fn heard(mut told: watch::Receiver<bool>) {
    // Whoever can't tell any more is no reason to end.
    if told.wait_for(|told| *told).await.is_err() {
        std::future::pending::<()>().await;
    }
}
