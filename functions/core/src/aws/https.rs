//! HTTPS requests: public keys, subscription confirmations, objects for rules. They share the HTTP client and its
//! connections with the calls of AWS.

use super::{Http, chain};
use crate::ports::{Get, GetError, HttpsGet};
use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::{BodyExt, Limited};

/// [`HttpsGet`] by a connector, which decides whom it trusts.
#[derive(Clone, Debug)]
pub struct Https {
    connector: SharedHttpConnector,
}

impl Https {
    pub fn new(connector: impl HttpConnector + 'static) -> Self {
        Self { connector: SharedHttpConnector::new(connector) }
    }

    async fn fetch(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError> {
        let no_answer = |cause: &dyn ToString| GetError::NoAnswer(cause.to_string());
        let mut request = HttpRequest::empty();
        request.set_uri(get.url).map_err(|_| no_answer(&"invalid address"))?;
        if let Some((name, value)) = get.header {
            let appended = request.headers_mut().try_append(name.to_owned(), value.0.to_string());
            appended.map_err(|_| no_answer(&"the secret contains characters that a header can't contain"))?;
        }
        let response = self.connector.call(request).await.map_err(|error| no_answer(&chain(&error)))?;
        if !response.status().is_success() {
            return Err(GetError::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), get.at_most).collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| no_answer(&error))
    }
}

impl Default for Https {
    /// Trusts the compiled-in authorities.
    fn default() -> Self {
        Self::new(Http::default())
    }
}

#[async_trait]
impl HttpsGet for Https {
    async fn get(&self, get: &Get<'_>) -> Result<Vec<u8>, GetError> {
        let fetched = tokio::time::timeout(get.within, self.fetch(get)).await;
        fetched.unwrap_or_else(|_| Err(GetError::NoAnswer(format!("no answer within {} s", get.within.as_secs()))))
    }
}
