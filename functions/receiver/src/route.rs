//! `POST /webhooks/{source}` · `POST /webhooks/{source}/{tenant}` for a source with tenants · `GET /health` · `GET /ready` ·
//! other methods only if a source has a handshake by them.

use crate::reply::Reply;
use lambda_http::{Request, RequestExt};
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;

/// The target of a request.
#[derive(Debug)]
pub enum Route<'a> {
    Health,
    Ready,
    Webhook(&'a Source, Addressed),
}

/// Whose request it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressed {
    /// The source's own: it has no tenants.
    Source,
    /// A tenant's. Nothing is known about the name yet.
    Tenant(TenantName),
    /// A text that can't be a tenant's name: it is answered as an unknown tenant.
    NoTenant,
}

impl Addressed {
    /// The tenant's name, if it is one.
    pub fn tenant(&self) -> Option<&TenantName> {
        match self {
            Self::Tenant(name) => Some(name),
            Self::Source | Self::NoTenant => None,
        }
    }
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
        let target = path.strip_prefix("/webhooks/").ok_or(Reply::NotFound)?;
        let (name, tenant) = target.split_once('/').map_or((target, None), |(name, tenant)| (name, Some(tenant)));
        let source = sources.iter().find(|s| s.name == name).ok_or(Reply::NotFound)?;
        let addressed = match (source.tenants, tenant) {
            (false, None) => Addressed::Source,
            (true, Some(tenant)) => tenant.parse().map_or(Addressed::NoTenant, Addressed::Tenant),
            (true, None) | (false, Some(_)) => return Err(Reply::NotFound),
        };
        let method = request.method().as_str();
        if method == "POST" || source.handshakes.iter().any(|handshake| handshake.method.as_str() == method) {
            Ok(Self::Webhook(source, addressed))
        } else {
            Err(Reply::MethodNotAllowed { allow: "POST" })
        }
    }
}
