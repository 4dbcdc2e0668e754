//! Signs a sample, or makes an invalid request from it.

use crate::{Case, Sample};
use http::HeaderMap;
use receiver::delivery::Delivery;
use receiver::verify::{Key, KeyError, Keys, SignError, fresh_for, sign, tenant_url, verify};
use serde::Deserialize;
use std::time::Duration;
use tidings_config::limits::MAX_REQUEST_HEADERS;
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::Envelope;

/// How much older an outdated request is than the oldest that is accepted.
const STALE_BY: Duration = Duration::from_secs(60);

/// The manipulation of a request that must not be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tamper {
    /// Signed with a secret that doesn't belong to the source.
    Signature,
    /// Correctly signed, but too long ago.
    Timestamp,
    /// Changed after it was signed.
    Body,
}

/// A request as a provider would send it.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    pub source: String,
    pub method: &'static str,
    /// `/webhooks/{source}` or `/webhooks/{source}/{tenant}`, with a query if the scheme has one.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why the request can't be made.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("{0} signs no timestamp, so it can't be changed")]
    NoTimestamp(String),
    #[error("the signature of {0} doesn't cover the body, so a changed body would be accepted")]
    UnsignedBody(String),
    #[error("the secret of {0} can't be used: {1}")]
    Secret(String, KeyError),
    #[error("{0:?} is not a header")]
    Header(String),
    #[error("more than {MAX_REQUEST_HEADERS} headers, allowed: {MAX_REQUEST_HEADERS}")]
    TooManyHeaders,
    #[error("preset {0} has no vector with an event, and the corpus has no request for it")]
    NoSample(String),
    #[error("{0} can't be set: {1}")]
    NoPlace(String, String),
    #[error("can't be signed: {0}")]
    Sign(#[from] SignError),
}

impl SignedRequest {
    /// The claim keys of its events, as the receiver makes them. Empty: the receiver would refuse it.
    pub fn claim_keys(&self, source: &Source, secret: &str, now: Timestamp) -> Vec<ClaimKey> {
        self.events(source, secret, now).into_iter().map(|event| event.claimkey).collect()
    }

    /// Its events, as the receiver would queue them.
    pub fn events(&self, source: &Source, secret: &str, now: Timestamp) -> Vec<Envelope> {
        let delivery = self.delivery();
        let key = Key::prepare(&source.scheme, secret).ok();
        let tenant = self.tenant();
        let keys = |key: &'_ [Key; 1]| verify(source, Keys { tenant: tenant.as_ref(), ..Keys::from(key) }, &delivery, now).ok();
        let key = key.map(|key| [key]);
        let verified = key.as_ref().and_then(keys);
        let events = verified.and_then(|verified| receiver::extract::events(&verified, now).ok());
        events.into_iter().flatten().map(|event| event.envelope().clone()).collect()
    }

    /// The tenant that its path names. `None`: it is its source's own.
    pub fn tenant(&self) -> Option<TenantName> {
        tenant_of(&self.path)
    }

    /// As the receiver reads it.
    pub fn delivery(&self) -> Delivery {
        let query = self.path.split_once('?').map_or("", |(_, query)| query).to_owned();
        Delivery { method: self.method.to_owned(), query, headers: self.headers.clone(), body: self.body.clone().into() }
    }
}

/// The tenant in `/webhooks/{source}/{tenant}`, with or without a query. `None`: the path names none.
pub fn tenant_of(path: &str) -> Option<TenantName> {
    let path = path.split('?').next().unwrap_or(path);
    path.strip_prefix("/webhooks/")?.split_once('/')?.1.parse().ok()
}

impl Sample {
    /// As [`Self::sign`], sent to a tenant of the source. `None`: to the source itself.
    pub fn sign_for(
        &self,
        source: &Source,
        tenant: Option<&TenantName>,
        secret: &str,
        now: Timestamp,
        tamper: Option<Tamper>,
    ) -> Result<SignedRequest, RequestError> {
        let Some(tenant) = tenant else { return self.sign(source, secret, now, tamper) };
        let public_url = source.public_url.as_ref().map(|url| tenant_url(url, tenant));
        let request = self.sign(&Source { public_url, ..source.clone() }, secret, now, tamper)?;
        let own = format!("/webhooks/{}", source.name);
        let path = request.path.replacen(&own, &format!("{own}/{tenant}"), 1);
        Ok(SignedRequest { path, ..request })
    }

    /// Signs it as the source's provider would at `now`.
    pub fn sign(
        &self,
        source: &Source,
        secret: &str,
        now: Timestamp,
        tamper: Option<Tamper>,
    ) -> Result<SignedRequest, RequestError> {
        let Self { headers, query, body } = self.clone();
        let mut delivery = Delivery { method: "POST".to_owned(), query, headers, body: body.into() };

        let own = Key::prepare(&source.scheme, secret).map_err(|error| RequestError::Secret(source.name.clone(), error))?;
        let key = match tamper {
            Some(Tamper::Signature) => &Key::stranger(),
            Some(Tamper::Timestamp | Tamper::Body) | None => &own,
        };
        let signed_at = match (tamper, fresh_for(&source.scheme)) {
            (Some(Tamper::Timestamp), None) => return Err(RequestError::NoTimestamp(source.name.clone())),
            (Some(Tamper::Timestamp), Some(fresh)) => {
                Timestamp::from_unix_ms(now.unix_ms() - (fresh + STALE_BY).as_millis() as i64)
            }
            (Some(Tamper::Signature | Tamper::Body) | None, _) => now,
        };
        sign(source, key, &mut delivery, signed_at)?;
        if tamper == Some(Tamper::Body) {
            // Still the same JSON: only the raw bytes tell.
            delivery.body.edit().push(b'\n');
            if verify(source, &[own], &delivery, now).is_ok() {
                return Err(RequestError::UnsignedBody(source.name.clone()));
            }
        }
        let query = if delivery.query.is_empty() { String::new() } else { format!("?{}", delivery.query) };
        let path = format!("/webhooks/{}{query}", source.name);
        Ok(SignedRequest {
            source: source.name.clone(),
            method: "POST",
            path,
            headers: delivery.headers,
            body: delivery.body.into_bytes(),
        })
    }
}

impl Case {
    /// Signs the case's body, or another one, as the source's provider would at `now`.
    pub fn request(
        &self,
        source: &Source,
        secret: &str,
        now: Timestamp,
        tamper: Option<Tamper>,
        body: Option<Vec<u8>>,
    ) -> Result<SignedRequest, RequestError> {
        let mut sample = Sample::of_case(self, source)?;
        sample.body = body.unwrap_or(sample.body);
        sample.sign(source, secret, now, tamper)
    }
}
