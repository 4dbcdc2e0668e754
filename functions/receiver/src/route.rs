//! `POST /webhooks/{source}` · `GET /health` · `GET /ready` · other methods only if a source has a handshake by them.

use crate::reply::Reply;
use lambda_http::{Request, RequestExt};
use tidings_config::source::Source;

/// The target of a request.
#[derive(Debug)]
pub enum Route<'a> {
    Health,
    Ready,
    Webhook(&'a Source),
}

impl<'a> Route<'a> {
    pub fn of(request: &Request, sources: &'a [Source]) -> Result<Self, Reply> {
        let raw = request.raw_http_path();
        let path = if raw.is_empty() { request.uri().path() } else { raw };
        let asked = match path {
            "/health" => Some(Self::Health),
            "/ready" => Some(Self::Ready),
            _ => None,
        };
        if let Some(asked) = asked {
            return match request.method().as_str() {
                "GET" | "HEAD" => Ok(asked),
                _ => Err(Reply::MethodNotAllowed { allow: "GET, HEAD" }),
            };
        }
        let name = path.strip_prefix("/webhooks/").ok_or(Reply::NotFound)?;
        let source = sources.iter().find(|s| s.name == name).ok_or(Reply::NotFound)?;
        let method = request.method().as_str();
        if method == "POST" || source.handshakes.iter().any(|handshake| handshake.method.as_str() == method) {
            Ok(Self::Webhook(source))
        } else {
            Err(Reply::MethodNotAllowed { allow: "POST" })
        }
    }
}
