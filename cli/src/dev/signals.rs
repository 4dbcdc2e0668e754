//! Ctrl-C and SIGTERM: the first signal ends `dev` in order, the second one immediately.

use crate::Failure;
use std::time::Duration;
use tokio::sync::watch;

/// How long work in flight may take to finish, before it is left for the next start. A batch takes a few milliseconds.
/// A client that has sent half a request may never finish.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Turns `true` at the first signal. After that, a second signal ends the process.
#[cfg(unix)]
pub(crate) fn listen() -> Result<watch::Receiver<bool>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let unheard = |error: std::io::Error| Failure::new(format!("can't listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    // With a limit on file sizes (`ulimit -f`) this signal would end the process. With a handler, the write fails as on
    // a full disk.
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
                // The exit status that shells use for a process ended by a signal.
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
/// On Linux, macOS and the BSDs.
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
    // A closed channel is no reason to end.
    if told.wait_for(|told| *told).await.is_err() {
        std::future::pending::<()>().await;
    }
}
