//! Clients of AWS and of the web on a person's machine: with its profiles and its certificate authorities, among which an
//! employer's proxy may be. The functions have neither (`tidings_core::aws`).

use aws_config::{BehaviorVersion, ConfigLoader};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::sync::OnceLock;
use tidings_core::aws::{CONNECT_TIMEOUT, Https, attempts, timeouts};

/// A configuration loader with the functions' timeouts and attempts. Region and credentials come from where the AWS CLI
/// takes them.
pub(crate) fn loader() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(Builder::new().tls_provider(TLS).build_https())
        .timeout_config(timeouts())
        .retry_config(attempts())
}

/// HTTPS requests.
pub(crate) fn https() -> Https {
    Https::new(Web::default())
}

const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// Reads the machine's authorities with the first request: most commands make none.
#[derive(Debug, Default)]
struct Web {
    connector: OnceLock<Connector>,
}

impl HttpConnector for Web {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let settings = || HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let connector = || Connector::builder().connector_settings(settings()).tls_provider(TLS).build();
        self.connector.get_or_init(connector).call(request)
    }
}
