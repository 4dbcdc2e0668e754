//! Which web pages may read a feed: CORS. A token is needed all the same.

use tidings_config::limits::FEED_KEPT;

/// The origins whose pages may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every page that has a token.
    Any,
    /// Pages of these origins, such as `https://shop.example`. None: no page of another origin.
    Only(Vec<String>),
    /// Pages of this machine, for `tidings dev`.
    Local,
}

impl Origins {
    /// A list with commas, or `*`.
    pub fn read(text: &str) -> Self {
        match text.trim() {
            "*" => Self::Any,
            list => Self::Only(list.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()),
        }
    }

    /// Whether pages of this origin may read.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(list) => list.iter().any(|one| one == origin),
            Self::Local => {
                let host = origin.strip_prefix("http://").map(|rest| rest.rsplit_once(':').map_or(rest, |(host, _)| host));
                matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
            }
        }
    }

    pub(super) fn headers(&self, origin: Option<&str>) -> Vec<(&'static str, String)> {
        // A cache must not give one page's answer to another page.
        let mut headers = vec![("vary", "Origin".to_owned())];
        if let Some(origin) = origin.filter(|origin| self.allows(origin)) {
            headers.extend([
                ("access-control-allow-origin", origin.to_owned()),
                ("access-control-allow-methods", "GET, POST".to_owned()),
                ("access-control-allow-headers", "authorization, content-type, last-event-id".to_owned()),
                ("access-control-max-age", FEED_KEPT.as_secs().to_string()),
            ]);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_may_read() {
        let listed = Origins::read("https://shop.example, https://www.shop.example");
        for (origin, allowed) in [
            ("https://shop.example", true),
            ("https://www.shop.example", true),
            ("http://shop.example", false),
            ("https://shop.example.evil.example", false),
            ("null", false),
        ] {
            assert_eq!(listed.allows(origin), allowed, "{origin}");
            assert_eq!(listed.headers(Some(origin)).len() > 1, allowed, "{origin}");
            assert!(Origins::Any.allows(origin) && !Origins::read("").allows(origin), "{origin}");
        }
        for (origin, allowed) in [
            ("http://localhost:3000", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:8080", true),
            ("http://localhost.evil.example:3000", false),
            ("https://evil.example", false),
            ("null", false),
        ] {
            assert_eq!(Origins::Local.allows(origin), allowed, "{origin}");
        }
    }
}
