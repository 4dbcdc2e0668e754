//! An AWS service with responses written by a test, for the real SDK clients in this process.

use aws_config::{Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use std::fmt;
use std::sync::Arc;
use tidings_core::aws::{Http, config};

/// A service: status and body for each operation, named as in `x-amz-target`.
pub trait Service: Send + Sync + 'static {
    fn answer(&self, operation: &str, body: &[u8]) -> (u16, String);
}

struct Connector<S>(Arc<S>);

impl<S> fmt::Debug for Connector<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl<S: Service> HttpConnector for Connector<S> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            // Lets other calls run before each response.
            tokio::task::yield_now().await;
            let operation = request.headers().get("x-amz-target").expect("an operation");
            let (status, body) = service.answer(operation, request.body().bytes().expect("a body that isn't a stream"));
            let status = status.try_into().expect("an HTTP status");
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

/// The configuration of the deployed clients, with this service behind it.
pub async fn answered_by<S: Service>(service: &Arc<S>) -> SdkConfig {
    let connector = SharedHttpConnector::new(Connector(Arc::clone(service)));
    config(&Http::default(), &|_| None)
        .into_builder()
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
        .region(Region::from_static("eu-central-1"))
        .build()
}
