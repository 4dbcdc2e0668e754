//! The receiver of `dev` and of `tidings capture`, on the embedded cloud.

use super::claimed::NotedClaims;
use super::cloud::Cloud;
use crate::clients::https;
use receiver::{Ports, Receiver};
use std::sync::Arc;
use tidings_config::source::Source;
use tidings_config::time::SystemClock;

/// A receiver wired as in `functions/receiver/src/main.rs`.
pub(crate) fn receiver(cloud: &Cloud, sources: Vec<Source>) -> Receiver {
    let (claims, queue) = (Arc::new(cloud.claims()), Arc::new(cloud.queue()));
    let ports = Ports {
        claims: Arc::new(NotedClaims::of(cloud)),
        queue: Arc::clone(&queue) as _,
        secrets: Arc::new(cloud.secret_store()),
        captured: Some(Arc::new(cloud.captured_secrets())),
        https: Arc::new(https()),
        clock: Arc::clone(&cloud.clock) as _,
    };
    // A provider signs by its own clock, which `advance` doesn't change.
    Receiver::new(sources, ports)
        .probing(vec![claims, queue])
        .verifying_by(Arc::new(SystemClock))
        .telling_status_by(Arc::new(cloud.status_secret()))
        .with_tenants(Arc::new(cloud.tenants()))
}

/// Short, so that a poison event reaches the dead-letter queue soon.
pub(crate) const VISIBILITY_TIMEOUT_SECONDS: u32 = 1;
