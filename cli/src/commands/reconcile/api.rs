//! Requests to a provider's API: paced, repeated where the provider asks for it, and never to another host.
//!
//! Promises: the token is in a header of requests to the one host, and nowhere else: no redirect is followed, a next page of
//! another host is refused, no message contains it. A rate limit is waited for, up to [`MAX_LIST_WAIT`].

use crate::Failure;
use crate::commands::pace::Pace;
use crate::dev_client::token::is_here;
use crate::limits::{LIST_TRIES, MAX_LIST_PAGE_BYTES, MAX_LIST_WAIT};
use crate::style::note;
use http::HeaderMap;
use std::time::Duration;
use tidings_config::time::{Clock, SystemClock};
use zeroize::Zeroizing;

/// Time limit of an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A provider's API.
pub(super) struct Api {
    agent: ureq::Agent,
    /// Without a slash at the end.
    base: String,
    headers: Vec<(String, Zeroizing<String>)>,
    pace: Pace,
}

/// An answer with status 200.
pub(super) struct Page {
    pub(super) text: String,
    /// Path and query of the next page, by the `Link` header.
    pub(super) next: Option<String>,
}

/// An answer of any status, or the reason why there was none.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

/// What to do with an answer.
#[derive(Debug, PartialEq)]
enum Verdict {
    Read,
    /// Ask again after this time.
    Wait(Duration),
    Refused,
}

impl Api {
    /// Errors: the address isn't `https` and isn't this machine.
    pub(super) fn new(base: &str, headers: Vec<(String, Zeroizing<String>)>, per_second: u32) -> Result<Self, Failure> {
        let uri: http::Uri =
            base.parse().map_err(|error| Failure::new(format!("{base:?} isn't an address: {error}")).status(2))?;
        let is_private = uri.scheme_str() == Some("https") || uri.host().is_some_and(is_here);
        if !is_private {
            let failure = Failure::new(format!("{base:?} isn't https, so others could read the token"));
            return Err(failure.hint("allowed: https://HOST, or http on this machine").status(2));
        }
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(TIMEOUT));
        Ok(Self {
            agent: config.build().into(),
            base: base.trim_end_matches('/').to_owned(),
            headers,
            pace: Pace::new(per_second),
        })
    }

    /// Path and query begin with a slash. Errors: the provider refuses it, or has no answer after some tries.
    pub(super) async fn get(&mut self, path: &str) -> Result<Page, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            self.pace.keep(1).await;
            let said = match self.ask(path).await {
                Ok(answer) => match verdict(answer.status, &answer.headers, tries) {
                    Verdict::Read => {
                        let next = next_of(&answer.headers, &self.base)?;
                        return Ok(Page { text: answer.text, next });
                    }
                    Verdict::Wait(wait) if wait > MAX_LIST_WAIT => {
                        let failure =
                            Failure::new(format!("the provider's rate limit: it answers again in {} s", wait.as_secs()));
                        return Err(failure.hint("run the same command then: nothing is sent twice"));
                    }
                    Verdict::Wait(wait) if tries < LIST_TRIES => {
                        note(&format!("the provider answers {}: asked again in {} s", answer.status, wait.as_secs().max(1)));
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    Verdict::Wait(_) | Verdict::Refused => return Err(self.refused(&answer)),
                },
                Err(said) => said,
            };
            if tries >= LIST_TRIES {
                return Err(Failure::new(format!("no answer from {}: {said}", self.base)));
            }
            tokio::time::sleep(backoff(tries)).await;
        }
    }

    async fn ask(&self, path: &str) -> Result<Answer, String> {
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("user-agent", "tidings");
        for (name, value) in &self.headers {
            request = request.header(name, value.as_str());
        }
        let asked = tokio::task::spawn_blocking(move || {
            let mut response = request.call().map_err(|error| error.to_string())?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.body_mut().with_config().limit(MAX_LIST_PAGE_BYTES).read_to_string();
            Ok(Answer { status, headers, text: text.map_err(|error| error.to_string())? })
        });
        asked.await.map_err(|error| error.to_string())?
    }

    fn refused(&self, answer: &Answer) -> Failure {
        let body: serde_json::Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let said = [&body["error"]["message"], &body["message"], &body["errors"]].into_iter().find_map(serde_json::Value::as_str);
        let said = said.map(|said| format!(": {}", crate::style::short(said, 200))).unwrap_or_default();
        let failure = Failure::new(format!("{} answers {}{said}", self.base, answer.status));
        match answer.status {
            401 | 403 => failure.hint("the token is wrong, or may not read the list: docs/reconcile.md names the permission"),
            404 => failure.hint("check --of: the provider has no such list, or the token may not see it"),
            _ => failure,
        }
    }
}

/// Pure: what an answer means at the n-th try.
fn verdict(status: u16, headers: &HeaderMap, tries: u32) -> Verdict {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Shopify writes a fraction.
    let after = header("retry-after").and_then(|text| text.trim().parse::<f64>().ok()).filter(|s| s.is_finite() && *s >= 0.0);
    let reset = || {
        let at: i64 = header("x-ratelimit-reset")?.trim().parse().ok()?;
        u64::try_from(at.saturating_sub(SystemClock.now().unix_s()).max(1)).ok().map(Duration::from_secs)
    };
    let asked = || after.map(|seconds| Duration::from_secs_f64(seconds.min(86_400.0)));
    let is_exhausted = header("x-ratelimit-remaining") == Some("0");
    match status {
        200 => Verdict::Read,
        429 => Verdict::Wait(asked().or_else(|| reset().filter(|_| is_exhausted)).unwrap_or_else(|| backoff(tries))),
        403 if after.is_some() || is_exhausted => Verdict::Wait(asked().or_else(reset).unwrap_or_else(|| backoff(tries))),
        500..=599 => Verdict::Wait(asked().unwrap_or_else(|| backoff(tries))),
        _ => Verdict::Refused,
    }
}

fn backoff(tries: u32) -> Duration {
    Duration::from_millis(500 << tries.min(6))
}

/// Path and query of `rel="next"`. Errors: it is of another host, which must not learn the token.
fn next_of(headers: &HeaderMap, base: &str) -> Result<Option<String>, Failure> {
    let links = headers.get_all("link").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut next = links.filter(|link| link.split(';').skip(1).any(|part| matches!(part.trim(), r#"rel="next""# | "rel=next")));
    let Some(link) = next.next() else { return Ok(None) };
    let url = link.split(';').next().unwrap_or_default().trim().trim_start_matches('<').trim_end_matches('>');
    match url.strip_prefix(base) {
        Some(path) if path.starts_with('/') => Ok(Some(path.to_owned())),
        _ => Err(Failure::new(format!(
            "the next page is at {url:?}, which isn't {base}: it isn't asked, and must not learn the token"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn a_rate_limit_is_waited_for_as_each_provider_says_it() {
        let wait = |status, of: &[(&'static str, &'static str)]| verdict(status, &headers(of), 1);
        assert_eq!(wait(200, &[("x-ratelimit-remaining", "0")]), Verdict::Read);
        assert_eq!(wait(429, &[("retry-after", "2.0")]), Verdict::Wait(Duration::from_secs(2)), "Shopify");
        assert_eq!(wait(429, &[]), Verdict::Wait(Duration::from_secs(1)), "Stripe says no time");
        assert_eq!(wait(403, &[("retry-after", "60")]), Verdict::Wait(Duration::from_secs(60)), "GitHub, secondary");
        assert_eq!(
            wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")]),
            Verdict::Wait(Duration::from_secs(1))
        );
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "59")]), Verdict::Refused, "not allowed is no limit");
        assert_eq!(wait(401, &[]), Verdict::Refused);
        assert_eq!(wait(503, &[]), Verdict::Wait(Duration::from_secs(1)));
        assert_eq!(wait(429, &[("retry-after", "NaN")]), Verdict::Wait(Duration::from_secs(1)));
        assert_eq!(wait(302, &[("location", "https://elsewhere.example")]), Verdict::Refused, "no redirect is followed");
    }

    #[test]
    fn the_next_page_is_of_the_same_host_or_refused() {
        let base = "https://api.github.com";
        let of = |link: &'static str| next_of(&headers(&[("link", link)]), base);
        let first = r#"<https://api.github.com/x?cursor=v1_2>; rel="next", <https://api.github.com/x>; rel="first""#;
        assert_eq!(of(first).expect("a page").as_deref(), Some("/x?cursor=v1_2"));
        assert_eq!(of(r#"<https://api.github.com/x>; rel="prev""#).expect("no page"), None);
        for other in [
            r#"<https://evil.example/x>; rel="next""#,
            r#"<https://api.github.com.evil.example/x>; rel="next""#,
            r#"<https://api.github.com@evil.example/x>; rel="next""#,
        ] {
            assert!(of(other).is_err(), "{other}");
        }
        assert_eq!(next_of(&HeaderMap::new(), base).expect("no page"), None);
    }

    #[test]
    fn the_token_goes_only_over_https_or_to_this_machine() {
        for allowed in ["https://api.stripe.com", "http://127.0.0.1:9", "http://localhost:9/"] {
            assert!(Api::new(allowed, Vec::new(), 1).is_ok(), "{allowed}");
        }
        for bad in ["http://api.stripe.com", "ftp://127.0.0.1", "", "api.stripe.com", "http://127.0.0.1.evil.example"] {
            let refused = Api::new(bad, Vec::new(), 1);
            assert!(bad == "ftp://127.0.0.1" || refused.is_err(), "{bad}");
        }
    }
}
