//! Commands whose futures must stay on one thread, called by a server.

use crate::Failure;
use std::future::Future;
use tokio::runtime::Handle;

/// Runs a command whose future must stay on its thread.
pub(crate) async fn on_one_thread<C, T>(command: impl FnOnce() -> C + Send + 'static) -> Result<T, Failure>
where
    C: Future<Output = Result<T, Failure>>,
    T: Send + 'static,
{
    let runtime = Handle::current();
    let ended = tokio::task::spawn_blocking(move || runtime.block_on(command())).await;
    ended.map_err(|error| Failure::new(error.to_string()))?
}
