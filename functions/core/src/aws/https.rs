//! Fetching public keys and confirming subscriptions, with the HTTP client that the SDK brings: no second one in the binary.

use super::CONNECT_TIMEOUT;
use crate::limits::{FETCH_TIMEOUT, MAX_FETCHED_BYTES};
use crate::ports::{HttpsGet, Unavailable};
use async_trait::async_trait;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::shared::IntoShared;
use http_body_util::{BodyExt, Limited};
use std::sync::OnceLock;

/// [`HttpsGet`] over TLS with the system's roots.
#[derive(Debug, Default)]
pub struct Https {
    /// Made with the first request: most receivers never need one.
    connector: OnceLock<SharedHttpConnector>,
}

impl Https {
    fn connector(&self) -> &SharedHttpConnector {
        self.connector.get_or_init(|| {
            let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
            let tls = Connector::builder().connector_settings(settings).tls_provider(Provider::Rustls(CryptoMode::Ring));
            tls.build().into_shared()
        })
    }

    async fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        let mut request = HttpRequest::empty();
        request.set_uri(url).map_err(|_| "no address".to_owned())?;
        let response = self.connector().call(request).await.map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(format!("answered {}", response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), MAX_FETCHED_BYTES).collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl HttpsGet for Https {
    async fn get(&self, url: &str) -> Result<Vec<u8>, Unavailable> {
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, self.fetch(url)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", FETCH_TIMEOUT.as_secs())));
        fetched.map_err(|cause| Unavailable { call: "GET", cause })
    }
}
