//! A certificate authority of this run, and the certificate of its AWS.
//!
//! A program trusts the public authorities and this one: those of boto3 are in a file, those of Node and of our functions in the
//! program.

use crate::failure::Failure;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Where distributions keep the authorities; the first is Amazon Linux's.
const SYSTEM: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];

/// TLS as a run uses it.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The machine's authorities and ours.
    pub(crate) bundle: PathBuf,
    /// Ours alone.
    pub(crate) authority: PathBuf,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("bundle", &self.bundle).finish_non_exhaustive()
    }
}

impl Tls {
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        let (issuer, certificate, key) = certificates().map_err(|error| Failure::Other(format!("a certificate: {error}")))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|versions| versions.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key));
        let mut config = config.map_err(|error| Failure::Other(format!("TLS: {error}")))?;
        // DynamoDB, SQS and Secrets Manager offer no HTTP/2.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];

        let (authority, bundle) = (folder.join("authority.pem"), folder.join("bundle.pem"));
        let system = SYSTEM.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        std::fs::write(&authority, issuer.pem()).map_err(|error| Failure::file(&authority, error))?;
        std::fs::write(&bundle, system + &issuer.pem()).map_err(|error| Failure::file(&bundle, error))?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), bundle, authority })
    }
}

fn certificates() -> Result<(CertifiedIssuer<'static, KeyPair>, rcgen::Certificate, KeyPair), rcgen::Error> {
    let mut ours = CertificateParams::new(Vec::new())?;
    ours.distinguished_name.push(DnType::CommonName, "tidings-bench authority");
    ours.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ours.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let issuer = CertifiedIssuer::self_signed(ours, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    // Another name than the authority's: OpenSSL takes a certificate for self-signed by that.
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok((issuer, certificate, key))
}
