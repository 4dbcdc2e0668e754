//! The path, the method and the query of a request.

use super::reply::Reply;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use tidings_config::endpoint::EndpointId;
use tidings_core::http_api::Request;

/// The path of all endpoints.
pub const PREFIX: &str = "/endpoints";

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    All,
    One(EndpointId),
    Attempts(EndpointId),
    Retry(EndpointId),
    Test(EndpointId),
    Rotate(EndpointId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

/// Each path as the API's document has it, and its methods.
pub const ROUTES: [(&str, &[Method]); 6] = [
    ("/endpoints", &[Method::Get, Method::Post]),
    ("/endpoints/{endpoint}", &[Method::Get, Method::Patch, Method::Delete]),
    ("/endpoints/{endpoint}/attempts", &[Method::Get]),
    ("/endpoints/{endpoint}/retry", &[Method::Post]),
    ("/endpoints/{endpoint}/test", &[Method::Post]),
    ("/endpoints/{endpoint}/rotate", &[Method::Post]),
];

impl Method {
    const ALL: [Self; 4] = [Self::Get, Self::Post, Self::Patch, Self::Delete];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    pub const fn writes(self) -> bool {
        match self {
            Self::Get => false,
            Self::Post | Self::Patch | Self::Delete => true,
        }
    }
}

impl Route {
    /// An id that can't be one is like one that nobody has.
    fn of(path: &str) -> Option<Self> {
        let rest = path.strip_prefix(PREFIX)?;
        if rest.is_empty() {
            return Some(Self::All);
        }
        let mut parts = rest.strip_prefix('/')?.split('/');
        let id = percent_decode_str(parts.next()?).decode_utf8().ok()?.parse().ok()?;
        let route = match parts.next() {
            None => Self::One(id),
            Some("attempts") => Self::Attempts(id),
            Some("retry") => Self::Retry(id),
            Some("test") => Self::Test(id),
            Some("rotate") => Self::Rotate(id),
            Some(_) => return None,
        };
        parts.next().is_none().then_some(route)
    }

    const fn methods(&self) -> &'static [Method] {
        let [all, one, attempts, retry, test, rotate] = ROUTES;
        match self {
            Self::All => all.1,
            Self::One(_) => one.1,
            Self::Attempts(_) => attempts.1,
            Self::Retry(_) => retry.1,
            Self::Test(_) => test.1,
            Self::Rotate(_) => rotate.1,
        }
    }

    /// The parameters that its query may have.
    const fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::All => &["after", "limit"],
            Self::Attempts(_) => &["after", "limit", "state"],
            Self::One(_) | Self::Retry(_) | Self::Test(_) | Self::Rotate(_) => &[],
        }
    }
}

/// A request whose path exists.
pub(super) struct Asked {
    pub(super) route: Route,
    pub(super) method: Method,
    pub(super) query: BTreeMap<String, String>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Result<Self, Reply> {
        let route = Route::of(&request.path).ok_or(Reply::NotFound)?;
        let method = Method::ALL.into_iter().find(|method| method.as_str() == request.method);
        let allowed = route.methods();
        let method = method.filter(|method| allowed.contains(method)).ok_or(Reply::MethodNotAllowed(allowed))?;
        let mut query = BTreeMap::new();
        for parameter in request.query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if !route.parameters().contains(&name) || method != Method::Get {
                let allowed = route.parameters().join(", ");
                return Err(Reply::BadRequest(vec![format!("unknown query parameter; allowed: {allowed}")]));
            }
            query.insert(name.to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned());
        }
        Ok(Self { route, method, query })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> EndpointId {
        "ep_crm".parse().unwrap()
    }

    #[test]
    fn a_path_names_a_route_or_nothing() {
        for (path, route) in [
            ("/endpoints", Some(Route::All)),
            ("/endpoints/ep_crm", Some(Route::One(id()))),
            ("/endpoints/ep%5Fcrm", Some(Route::One(id()))),
            ("/endpoints/ep_crm/attempts", Some(Route::Attempts(id()))),
            ("/endpoints/ep_crm/retry", Some(Route::Retry(id()))),
            ("/endpoints/ep_crm/test", Some(Route::Test(id()))),
            ("/endpoints/ep_crm/rotate", Some(Route::Rotate(id()))),
            ("/endpoints/", None),
            ("/endpoints/ep_crm/", None),
            ("/endpoints/ep_crm/test/more", None),
            ("/endpoints/ep_crm/secret", None),
            ("/endpoints/../context", None),
            ("/endpoints/EP", None),
            ("/endpointsep_crm", None),
            ("/", None),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
