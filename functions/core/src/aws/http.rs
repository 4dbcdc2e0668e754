//! The functions' HTTP client: one pool of connections and one TLS configuration for AWS and for the web. Trusted are the
//! authorities that are compiled in (`webpki-roots`, Mozilla's list), and those of `AWS_CA_BUNDLE`. No file is searched and
//! no certificate parsed at start unless that variable is set: docs/decisions/0060-compiled-in-roots.md.
//!
//! It speaks HTTP/1.1, as DynamoDB, SQS and Secrets Manager do.

use super::CONNECT_TIMEOUT;
use crate::settings::Lookup;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector as Tcp, HttpInfo, capture_connection};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The client. Its clones share connections.
#[derive(Clone)]
pub struct Http {
    pool: Client<HttpsConnector<Tcp>, SdkBody>,
    tls: ClientConfig,
}

/// `AWS_CA_BUNDLE` names a file that can't be used. Without its authorities no call would succeed where they are needed.
#[derive(Debug, thiserror::Error)]
#[error("AWS_CA_BUNDLE={}: {why}; allowed: a file of certificates in PEM", path.display())]
pub struct UnusableBundle {
    path: PathBuf,
    why: String,
}

impl Http {
    /// A client that also trusts the authorities of the file that `AWS_CA_BUNDLE` names, in PEM.
    ///
    /// # Errors
    ///
    /// The file can't be read, has no certificate, or has one that can't be parsed.
    pub fn of(lookup: Lookup<'_>) -> Result<Self, UnusableBundle> {
        let mut roots = compiled_in();
        if let Some(path) = lookup("AWS_CA_BUNDLE").filter(|path| !path.trim().is_empty()).map(PathBuf::from) {
            add(&mut roots, &path).map_err(|why| UnusableBundle { path, why })?;
        }
        Ok(Self::with_roots(roots))
    }

    fn with_roots(roots: RootCertStore) -> Self {
        let tls = tls(roots);
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // The TLS handshake has the attempt's timeout, which is as long.
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // The template names AWS endpoints of https; `dev`, tests and emulators have others.
        let https = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1().wrap_connector(tcp);
        Self { pool: Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https), tls }
    }

    /// Whom it trusts, and how. Clones share resumed sessions.
    pub(super) fn tls(&self) -> ClientConfig {
        self.tls.clone()
    }
}

impl Default for Http {
    /// Trusts the compiled-in authorities alone.
    fn default() -> Self {
        Self::with_roots(compiled_in())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// TLS for another protocol than HTTP: it trusts the authorities in PEM alone, or the compiled-in ones.
///
/// # Errors
///
/// The text has no certificate, or one that can't be parsed. It isn't repeated.
pub fn tls_trusting(pem: Option<&str>) -> Result<ClientConfig, String> {
    let Some(pem) = pem else { return Ok(tls(compiled_in())) };
    let mut roots = RootCertStore::empty();
    take(&mut roots, CertificateDer::pem_slice_iter(pem.as_bytes()))?;
    Ok(tls(roots))
}

fn tls(roots: RootCertStore) -> ClientConfig {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites of both versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn compiled_in() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn add(roots: &mut RootCertStore, bundle: &Path) -> Result<(), String> {
    take(roots, CertificateDer::pem_file_iter(bundle).map_err(unreadable)?)
}

fn take(
    roots: &mut RootCertStore,
    certificates: impl Iterator<Item = Result<CertificateDer<'static>, PemError>>,
) -> Result<(), String> {
    let before = roots.len();
    for certificate in certificates {
        roots.add(certificate.map_err(unreadable)?).map_err(|error| format!("a certificate is no authority: {error}"))?;
    }
    if roots.len() == before { Err("it has no certificate".to_owned()) } else { Ok(()) }
}

fn unreadable(error: PemError) -> String {
    if let PemError::Io(error) = &error { error.to_string() } else { format!("not PEM: {error}") }
}

impl HttpClient for Http {
    /// The SDK's timeouts of an attempt and of an operation end a call. All services have this one pool.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some(Cow::Borrowed("1.x"))))
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = capture_connection(&mut request);
        if let Some(asked) = request.extensions().get::<CaptureSmithyConnection>() {
            asked.set_connection_retriever(move || metadata(&connection));
        }
        let answered = self.pool.request(request);
        HttpConnectorFuture::new(async move {
            let response = answered.await.map_err(classified)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// A request's connection. The SDK poisons one that an attempt has failed on, and the next attempt opens another.
fn metadata(captured: &CaptureConnection) -> Option<ConnectionMetadata> {
    let connected = captured.connection_metadata();
    let connected = connected.as_ref()?;
    let mut extras = http::Extensions::new();
    connected.get_extras(&mut extras);
    let address = extras.get::<HttpInfo>();
    let captured = captured.clone();
    let poison = move || {
        if let Some(connected) = captured.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    let mut metadata = ConnectionMetadata::builder().proxied(false).poison_fn(poison);
    metadata.set_local_addr(address.map(HttpInfo::local_addr)).set_remote_addr(address.map(HttpInfo::remote_addr));
    Some(metadata.build())
}

/// The kind of a failure, which decides whether the SDK tries again: `aws-smithy-http-client` classifies alike.
fn classified(error: ClientError) -> ConnectorError {
    let cause = source::<hyper::Error>(&error);
    let is_io = || source::<std::io::Error>(&error).is_some();
    match cause {
        Some(cause) if cause.is_timeout() => ConnectorError::timeout(error.into()),
        Some(cause) if cause.is_user() => ConnectorError::user(error.into()),
        Some(cause) if cause.is_closed() || cause.is_canceled() || is_io() => ConnectorError::io(error.into()),
        Some(cause) if cause.is_incomplete_message() => ConnectorError::other(error.into(), Some(ErrorKind::TransientError)),
        None if error.is_connect() || is_io() => ConnectorError::io(error.into()),
        Some(_) | None => ConnectorError::other(error.into(), None),
    }
}

/// The first error of this type in the chain.
pub(super) fn source<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
