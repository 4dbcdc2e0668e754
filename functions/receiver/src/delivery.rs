//! One HTTP request from a provider, raw: what its signature is about.

use crate::raw_body::RawBody;
use crate::reply::Reply;
use http::HeaderMap;
use http::Method;
use http::header::CONTENT_TYPE;
use lambda_http::{Body, Request, RequestExt};
use tidings_config::limits::MAX_BODY_BYTES;
use tidings_config::source::Source;

/// A request's query as it was sent, which may be none that a URI can have.
#[derive(Clone, Debug)]
pub(crate) struct RawQuery(pub(crate) String);

/// A request whose size and content type are right. Nothing in it is trusted yet.
#[derive(Clone)]
pub struct Delivery {
    pub method: String,
    /// As sent, without the question mark; empty where there is none.
    pub query: String,
    pub headers: HeaderMap,
    /// The bytes that the provider signed: Lambda's base64 is undone.
    pub body: RawBody,
}

/// The body may hold anything and the headers hold signatures: neither belongs into a log.
impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("method", &self.method).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

impl Delivery {
    /// Checks the size, before a single byte is hashed.
    pub fn read(request: Request) -> Result<Self, Reply> {
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Empty => Vec::new(),
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => return Err(Reply::UnsupportedMediaType),
        };
        if body.len() > MAX_BODY_BYTES {
            return Err(Reply::TooLarge);
        }
        let as_sent = parts.extensions.get::<RawQuery>().map(|RawQuery(query)| query.as_str());
        let query = as_sent.or(parts.uri.query()).unwrap_or_default().to_owned();
        Ok(Self { method: parts.method.as_str().to_owned(), query, headers: parts.headers, body: body.into() })
    }

    /// The request that was read, to this path. `Err` where its method is none.
    pub fn into_request(self, path: &str) -> Result<Request, Reply> {
        let mut request = Request::new(Body::Binary(self.body.into_bytes()));
        *request.method_mut() = Method::from_bytes(self.method.as_bytes()).map_err(|_| Reply::BadRequest)?;
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(RawQuery(self.query));
        Ok(request.with_raw_http_path(path))
    }

    /// Whether the source's events come as this.
    pub fn expect_type(&self, source: &Source) -> Result<(), Reply> {
        let known = self.content_type().is_some_and(|seen| source.content_types.0.contains(&seen));
        if known { Ok(()) } else { Err(Reply::UnsupportedMediaType) }
    }

    /// In lower case, without parameters.
    pub fn content_type(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
    }

    /// A query parameter as it was sent, still percent-encoded: the first of that name.
    pub fn query_parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}
