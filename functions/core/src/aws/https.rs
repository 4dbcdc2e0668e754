//! HTTPS requests: public keys, subscription confirmations, objects for rules. They use the SDK's HTTP client, so the
//! binary contains only one.

use super::CONNECT_TIMEOUT;
use crate::ports::{Get, GetError, HttpsGet};
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
    /// Created by the first request: most functions never need it.
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

    async fn fetch(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError> {
        let no_answer = |cause: &dyn ToString| GetError::NoAnswer(cause.to_string());
        let mut request = HttpRequest::empty();
        request.set_uri(get.url).map_err(|_| no_answer(&"invalid address"))?;
        if let Some((name, value)) = get.header {
            let appended = request.headers_mut().try_append(name.to_owned(), value.0.to_string());
            appended.map_err(|_| no_answer(&"the secret contains characters that a header can't contain"))?;
        }
        let response = self.connector().call(request).await.map_err(|error| no_answer(&error))?;
        if !response.status().is_success() {
            return Err(GetError::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), get.at_most).collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| no_answer(&error))
    }
}

#[async_trait]
impl HttpsGet for Https {
    async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError> {
        let fetched = tokio::time::timeout(get.within, self.fetch(get)).await;
        fetched.unwrap_or_else(|_| Err(GetError::NoAnswer(format!("no answer within {} s", get.within.as_secs()))))
    }
}
