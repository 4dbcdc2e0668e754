//! A realistic request without its signature.

use crate::sign::RequestError;
use crate::{Case, corpus};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tidings_config::limits::MAX_REQUEST_HEADERS;
use tidings_config::provider::{Provider, Vector};
use tidings_config::source::{JSON, Source};
use tidings_config::time::Timestamp;

/// A request by `POST` that isn't signed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub headers: HeaderMap,
    /// Without the question mark. Empty: there is no query.
    pub query: String,
    pub body: Vec<u8>,
}

impl Sample {
    /// A request with a body and its source's content type only.
    pub fn of_body(source: &Source, body: Vec<u8>) -> Self {
        let content_type = source.content_types.0.first().map_or(JSON, String::as_str);
        let content_type = HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static(JSON));
        Self { headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]), query: String::new(), body }
    }

    /// A case of the corpus.
    pub fn of_case(case: &Case, source: &Source) -> Result<Self, RequestError> {
        let mut sample = Self::of_body(source, case.body());
        case.headers.iter().try_for_each(|(name, value)| sample.set_header(name, value))?;
        Ok(sample)
    }

    /// The preset's first vector that contains an event, since some vectors are published for their signature alone.
    /// If there is none: the corpus's request for a source of that name.
    pub fn of_preset(provider: &Provider) -> Result<Self, RequestError> {
        for vector in provider.vectors.iter().filter(|vector| vector.method.as_deref().is_none_or(|method| method == "POST")) {
            let sample = Self::of_vector(provider, vector)?;
            if sample.holds_an_event(provider, vector) {
                return Ok(sample);
            }
        }
        let case = corpus().typical(&provider.name).ok_or_else(|| RequestError::NoSample(provider.name.clone()))?;
        Self::of_case(case, &provider.source(&provider.name))
    }

    fn of_vector(provider: &Provider, vector: &Vector) -> Result<Self, RequestError> {
        let source = provider.source(&provider.name);
        let mut sample = Self::of_body(&source, vector.body.clone().into_bytes());
        vector.headers.iter().try_for_each(|(name, value)| sample.set_header(name, value))?;
        let query = vector.url.as_deref().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
        sample.query = query.to_owned();
        sample.remove_signature(&source);
        Ok(sample)
    }

    /// Removes the parts that prove the signer. Those in a JSON body are written again when it is signed.
    pub fn remove_signature(&mut self, source: &Source) {
        for place in &source.scheme.signature.from.0 {
            if let Some(name) = place.header() {
                self.headers.remove(name);
            } else if let Some(name) = place.query() {
                let others = self.query.split('&').filter(|pair| !pair.starts_with(&format!("{name}=")));
                self.query = others.collect::<Vec<_>>().join("&");
            }
        }
    }

    fn holds_an_event(&self, provider: &Provider, vector: &Vector) -> bool {
        let source = Source { public_url: Some("https://hooks.example".to_owned()), ..provider.source(&provider.name) };
        let now = Timestamp::from_unix_ms(0);
        self.sign(&source, &vector.secret, now, None)
            .is_ok_and(|signed| signed.events(&source, &vector.secret, now).iter().any(|event| event.unreadable().is_none()))
    }

    /// Adds a header, or replaces it.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), RequestError> {
        let bad = || RequestError::Header(name.to_owned());
        let header: HeaderName = name.parse().map_err(|_| bad())?;
        let value = HeaderValue::from_str(value).map_err(|_| bad())?;
        if self.headers.len() >= MAX_REQUEST_HEADERS && !self.headers.contains_key(&header) {
            return Err(RequestError::TooManyHeaders);
        }
        self.headers.insert(header, value);
        Ok(())
    }
}
