//! The publisher of `dev`: outbound webhooks to the endpoints of `endpoints.yaml` and to those that `tidings endpoints add`
//! registered, and the sinks of `sinks.yaml`. It may reach this machine's loopback addresses, which a deployed one can't.

use super::cloud::Cloud;
use super::sending::{ChannelsTo, host, nobody};
use crate::style::{FAINT, NAME, paint, say, short};
use async_trait::async_trait;
use publisher::{Ports, Publisher};
use std::sync::Arc;
use tidings_config::endpoint::Endpoint;
use tidings_core::aws::{Http, Outbound, SqsPublished};
use tidings_core::ports::{Answered, Call, CallError, HttpsCall, Publish, Unavailable};
use tidings_outgoing::{AwsIdentity, ConfiguredSink, Expected, SinkFile, Verdict};
use tidings_project::{sink, sink_names};

/// The stack's own secret here. It is public, as the demo secrets of sources are.
pub(super) const MASTER: &str = "a public secret of tidings dev, which signs for tests alone";

/// The queue of Kafka where requests go to nobody. No function of `dev` takes events from it.
const KAFKA_QUEUE: &str = "arn:aws:sqs:eu-central-1:000000000000:tidings-kafka.fifo";

/// A publisher wired as in `functions/publisher/src/main.rs`. It reads the endpoints for each event, so that one that was just
/// added gets the next event. Endpoints are called; sinks are too, with `--channels real`.
pub(super) fn publisher(cloud: &Cloud, endpoints: Vec<Endpoint>, sinks: Vec<ConfiguredSink>, to: ChannelsTo) -> Publisher {
    let outbound = Outbound::with_loopback(&Http::default());
    let (https, role, queue): (Arc<dyn HttpsCall>, _, _) = match to {
        ChannelsTo::Mock => (Arc::new(MockSinks { outbound }), Some(nobody()), Some(KAFKA_QUEUE)),
        ChannelsTo::Real => (Arc::new(outbound), AwsIdentity::of_environment(&|name: &str| std::env::var(name).ok()), None),
    };
    let ports = Ports {
        endpoints: Arc::new(cloud.endpoints()),
        deliveries: Arc::new(cloud.deliveries()),
        queue: Arc::new(cloud.deliveries_queue()),
        published: Arc::new(cloud.published()),
        https,
        secrets: Arc::new(cloud.endpoint_secrets()),
        clock: Arc::clone(&cloud.clock) as _,
    };
    Publisher::new(endpoints, ports).with_sinks(sinks, role, queue).reading_endpoints_each_time()
}

/// Endpoints as they are, and sinks answering as their vectors do.
#[derive(Debug)]
struct MockSinks {
    outbound: Outbound,
}

#[async_trait]
impl HttpsCall for MockSinks {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        // An endpoint has no header of this name.
        if !call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            return self.outbound.call(call).await;
        }
        let at = host(&call.url);
        let Some(reply) = sink_names().filter_map(sink).find_map(|file| success(file, at)) else {
            return Err(CallError::Forbidden(format!("no vector of a sink calls {at}")));
        };
        let body = String::from_utf8_lossy(&call.body);
        say!("{}  {} {}", paint(FAINT, "mock"), paint(NAME, at), paint(FAINT, short(&body, 100)));
        Ok(Answered { status: reply.status, headers: reply.headers(), body: reply.body.clone().into_bytes() })
    }
}

/// The success that a file's vectors have, if it is called at this service, in whatever region.
fn success(file: &'static SinkFile, at: &str) -> Option<&'static Expected> {
    let service = |host: &str| host.split('.').next().map(str::to_owned);
    let of_service =
        file.vectors.iter().filter(|vector| vector.sends.as_ref().is_some_and(|sends| service(host(&sends.url)) == service(at)));
    of_service.flat_map(|vector| &vector.replies).find(|reply| reply.is == Verdict::Sent)
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
