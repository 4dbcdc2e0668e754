//! One HTTP request from a provider, raw, as its signature covers it.

use crate::caller::Caller;
use crate::raw_body::RawBody;
use crate::reply::Reply;
use http::HeaderMap;
use http::Method;
use http::header::CONTENT_TYPE;
use lambda_http::{Body, Request, RequestExt};
use tidings_config::limits::MAX_BODY_BYTES;
use tidings_config::source::Source;

/// What a request can't carry itself.
#[derive(Clone, Debug)]
pub(crate) struct AsSent {
    /// Its query, which may be invalid in a URI.
    pub(crate) query: String,
    pub(crate) caller: Caller,
}

impl AsSent {
    /// Who sent this request. One that no front door converted has none.
    pub(crate) fn caller(request: &Request) -> Caller {
        request.extensions().get::<Self>().map_or(Caller::NoFrontDoor, |sent| sent.caller)
    }
}

/// A request with an accepted size and content type. Nothing in it is trusted yet.
#[derive(Clone)]
pub struct Delivery {
    pub method: String,
    /// As sent, without the question mark. Empty: there is no query.
    pub query: String,
    pub headers: HeaderMap,
    /// The bytes that the provider signed: Lambda's base64 is undone.
    pub body: RawBody,
}

/// The body may contain anything and the headers contain signatures: neither may be logged.
impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("method", &self.method).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

impl Delivery {
    /// Checks the size before any byte is hashed.
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
        let as_sent = parts.extensions.get::<AsSent>().map(|sent| sent.query.as_str());
        let query = as_sent.or(parts.uri.query()).unwrap_or_default().to_owned();
        Ok(Self { method: parts.method.as_str().to_owned(), query, headers: parts.headers, body: body.into() })
    }

    /// Converts it back to a request to this path. `Err`: the method isn't valid.
    pub fn into_request(self, path: &str) -> Result<Request, Reply> {
        let mut request = Request::new(Body::Binary(self.body.into_bytes()));
        *request.method_mut() = Method::from_bytes(self.method.as_bytes()).map_err(|_| Reply::BadRequest)?;
        *request.headers_mut() = self.headers;
        request.extensions_mut().insert(AsSent { query: self.query, caller: Caller::NoFrontDoor });
        Ok(request.with_raw_http_path(path))
    }

    /// Whether the source accepts this content type.
    pub fn expect_type(&self, source: &Source) -> Result<(), Reply> {
        let known = self.content_type().is_some_and(|seen| source.content_types.0.contains(&seen));
        if known { Ok(()) } else { Err(Reply::UnsupportedMediaType) }
    }

    /// The content type in lower case, without parameters.
    pub fn content_type(&self) -> Option<String> {
        let value = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
    }

    /// The first query parameter with this name, as sent and still percent-encoded.
    pub fn query_parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}
