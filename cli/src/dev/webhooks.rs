//! The publisher of `dev`: outbound webhooks to the endpoints of `endpoints.yaml` and to those that `tidings endpoints add`
//! registered. It may reach this machine's loopback addresses, which a deployed one can't.

use super::cloud::Cloud;
use async_trait::async_trait;
use publisher::{Ports, Publisher};
use std::sync::Arc;
use tidings_config::endpoint::Endpoint;
use tidings_core::aws::{Http, Outbound, SqsPublished};
use tidings_core::ports::{Publish, Unavailable};

/// The stack's own secret here. It is public, as the demo secrets of sources are.
pub(super) const MASTER: &str = "a public secret of tidings dev, which signs for tests alone";

/// A publisher wired as in `functions/publisher/src/main.rs`. It reads the endpoints for each event, so that one that was just
/// added gets the next event.
pub(super) fn publisher(cloud: &Cloud, endpoints: Vec<Endpoint>) -> Publisher {
    let ports = Ports {
        endpoints: Arc::new(cloud.endpoints()),
        deliveries: Arc::new(cloud.deliveries()),
        queue: Arc::new(cloud.deliveries_queue()),
        published: Arc::new(cloud.published()),
        https: Arc::new(Outbound::with_loopback(&Http::default())),
        secrets: Arc::new(cloud.endpoint_secrets()),
        clock: Arc::clone(&cloud.clock) as _,
    };
    Publisher::new(endpoints, ports).reading_endpoints_each_time()
}

/// The published queue. Nothing is sent to it while there is no endpoint.
#[derive(Debug)]
pub(super) struct IfAnyone {
    pub(super) publisher: Arc<Publisher>,
    pub(super) queue: SqsPublished,
}

#[async_trait]
impl Publish for IfAnyone {
    async fn publish(&self, message: String) -> Result<(), Unavailable> {
        if self.publisher.endpoints().all().await?.is_empty() {
            return Ok(());
        }
        self.queue.publish(message).await
    }
}
