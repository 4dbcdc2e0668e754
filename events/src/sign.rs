//! A case as a signed request, or one that is tampered with.

use crate::Case;
use http::{HeaderMap, HeaderName, HeaderValue};
use receiver::delivery::Delivery;
use receiver::verify::{Key, KeyError, SignError, sign, verify};
use serde::Deserialize;
use std::time::Duration;
use tidings_core::claim::ClaimKey;
use tidings_core::config::source::Source;
use tidings_core::envelope::Envelope;
use tidings_core::time::Timestamp;

/// What is done to a request so that it mustn't be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tamper {
    /// Signed with a secret that isn't the source's.
    Signature,
    /// Signed rightly, too long ago.
    Timestamp,
    /// Changed after it was signed.
    Body,
}

/// A request as a provider would send it.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    pub source: String,
    pub method: &'static str,
    /// `/webhooks/{source}`, with a query where the scheme has one.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why there is no such request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("{0} signs no timestamp: there is none to tamper with")]
    NoTimestamp(String),
    #[error("the secret of {0} can't be used: {1}")]
    Secret(String, KeyError),
    #[error("{0:?} is no header")]
    Header(String),
    #[error("can't be signed: {0}")]
    Sign(#[from] SignError),
}

impl SignedRequest {
    /// The claim keys of its events, as the receiver makes them. None, if the receiver would refuse it.
    pub fn claim_keys(&self, source: &Source, secret: &str, now: Timestamp) -> Vec<ClaimKey> {
        self.events(source, secret, now).into_iter().map(|event| event.claimkey).collect()
    }

    /// Its events, as the receiver would queue them.
    pub fn events(&self, source: &Source, secret: &str, now: Timestamp) -> Vec<Envelope> {
        let (headers, body) = (self.headers.clone(), self.body.clone());
        let query = self.path.split_once('?').map_or("", |(_, query)| query).to_owned();
        let delivery = Delivery { method: self.method.to_owned(), query, headers, body };
        let key = Key::prepare(&source.scheme, secret).ok();
        let verified = key.and_then(|key| verify(source, &[key], &delivery, now).ok());
        let events = verified.and_then(|verified| receiver::extract::events(&verified, now).ok());
        events.into_iter().flatten().map(|event| event.envelope().clone()).collect()
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
        let mut headers = HeaderMap::new();
        let content_type = source.content_types.0.first().map_or("application/json", String::as_str).to_owned();
        let defaults = [("content-type".to_owned(), content_type)];
        for (name, value) in defaults.iter().map(|(n, v)| (n, v)).chain(&self.headers) {
            let bad = || RequestError::Header(name.clone());
            let header: HeaderName = name.parse().map_err(|_| bad())?;
            headers.insert(header, HeaderValue::from_str(value).map_err(|_| bad())?);
        }
        let body = body.unwrap_or_else(|| self.body());
        let mut delivery = Delivery { method: "POST".to_owned(), query: String::new(), headers, body };

        let key = match tamper {
            Some(Tamper::Signature) => Ok(Key::stranger()),
            Some(Tamper::Timestamp | Tamper::Body) | None => Key::prepare(&source.scheme, secret),
        };
        let key = key.map_err(|error| RequestError::Secret(source.name.clone(), error))?;
        let signed_at = match (tamper, &source.scheme.timestamp) {
            (Some(Tamper::Timestamp), None) => return Err(RequestError::NoTimestamp(source.name.clone())),
            (Some(Tamper::Timestamp), Some(timestamp)) => {
                let age = Duration::from_secs(timestamp.tolerance_seconds + 60);
                Timestamp::from_unix_ms(now.unix_ms() - age.as_millis() as i64)
            }
            (Some(Tamper::Signature | Tamper::Body) | None, _) => now,
        };
        sign(source, &key, &mut delivery, signed_at)?;
        if tamper == Some(Tamper::Body) {
            // Still the same JSON: only the raw bytes tell.
            delivery.body.push(b'\n');
        }
        let query = if delivery.query.is_empty() { String::new() } else { format!("?{}", delivery.query) };
        let path = format!("/webhooks/{}{query}", source.name);
        Ok(SignedRequest { source: source.name.clone(), method: "POST", path, headers: delivery.headers, body: delivery.body })
    }
}
