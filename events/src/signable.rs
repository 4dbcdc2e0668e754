//! Signs a preset's samples, and reads their events as the receiver does.

use crate::samples::PresetSample;
use crate::{RequestError, SignedRequest, Tamper};
use receiver::extract::VerifiedEvent;
use receiver::verify::{Key, verify};
use tidings_config::provider::Provider;
use tidings_config::scheme::{Algorithm, Encoding, Family, Jwt, JwtAlgorithm};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;

/// A source of a preset with a secret that signs for it.
#[derive(Clone, Debug)]
pub struct Signable {
    pub provider: Provider,
    pub source: Source,
    secret: String,
}

/// Why a sample isn't accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    Request(#[from] RequestError),
    #[error("refused: {0}")]
    Rejected(#[from] receiver::verify::Rejection),
    #[error("answered {0}")]
    Answered(u16),
}

impl Signable {
    /// If only the provider can sign, a secret of our own is used: the signature's coverage follows from the message,
    /// not from the key.
    pub fn of(provider: Provider) -> Self {
        let public_url = Some(format!("https://hooks.example/webhooks/{}", provider.name));
        let mut source = Source { public_url, ..provider.source(&provider.name) };
        let mut secret = provider.vectors.first().map(|vector| vector.secret.clone()).unwrap_or_default();
        let scheme = &mut source.scheme;
        let is_asymmetric = |jwt: &Jwt| jwt.algorithms.iter().any(|algorithm| algorithm.is_asymmetric());
        let is_private = match scheme.algorithm.family() {
            Family::PublicKey(_) => {
                scheme.algorithm = Algorithm::HmacSha256;
                if scheme.signature.encoding == Encoding::Text {
                    scheme.signature.encoding = Encoding::Hex;
                }
                true
            }
            Family::Jwt if scheme.jwt.as_ref().is_some_and(is_asymmetric) => {
                scheme.jwt.iter_mut().for_each(|jwt| jwt.algorithms = vec![JwtAlgorithm::Hs256]);
                true
            }
            Family::Jwt | Family::Digest(_) | Family::Secret => false,
        };
        if is_private {
            scheme.remote_key = None;
            scheme.key = Default::default();
            scheme.expect.clear();
            "a secret of our own".clone_into(&mut secret);
        }
        Self { provider, source, secret }
    }

    /// The request, signed at that time. A sample with a vector has the vector's headers and body.
    pub fn sign(&self, sample: &PresetSample, at: Timestamp) -> Result<SignedRequest, RequestError> {
        let request = match sample.vector_of(&self.provider) {
            Some(vector) => {
                let (headers, body) = (vector.headers.clone(), vector.body.clone());
                PresetSample { headers, body, vector: None, ..sample.clone() }.request(&self.provider)
            }
            None => sample.request(&self.provider),
        }?;
        request.sign(&self.source, &self.secret, at, None)
    }

    /// The same from a stranger, who doesn't have the secret.
    pub fn forge(&self, sample: &PresetSample, at: Timestamp) -> Result<SignedRequest, RequestError> {
        let request = sample.request(&self.provider)?;
        request.sign(&self.source, &self.secret, at, Some(Tamper::Signature))
    }

    /// The secret that signs.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The events that the receiver reads.
    pub fn events(&self, request: &SignedRequest, at: Timestamp) -> Result<Vec<VerifiedEvent>, Refusal> {
        let delivery = request.delivery();
        let verified = verify(&self.source, &[self.key()?], &delivery, at)?;
        receiver::extract::events(&verified, at).map_err(|reply| Refusal::Answered(reply.status().as_u16()))
    }

    fn key(&self) -> Result<Key, RequestError> {
        let key = Key::prepare(&self.source.scheme, &self.secret);
        key.map_err(|error| RequestError::Secret(self.source.name.clone(), error))
    }
}
