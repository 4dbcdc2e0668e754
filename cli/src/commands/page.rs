//! The endpoint's own reports: `GET /health` and `GET /ready`. Time and length of the answer are limited, because
//! anybody may answer.

use crate::limits::MAX_PAGE_BYTES;
use serde_json::Value;
use std::time::Duration;
use tidings_config::time::Timestamp;

/// Time limit of an answer. A slower answer counts as no answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An answer, with any status.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// The endpoint's clock.
    pub(crate) date: Option<Timestamp>,
    /// Null if the body isn't JSON.
    pub(crate) body: Value,
}

/// `path` begins with a slash; a slash at the end of `url` is ignored. Errors: the reason why there was no answer.
pub(crate) fn get(url: &str, path: &str) -> Result<Page, String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build().into();
    let mut response =
        agent.get(format!("{}{path}", url.trim_end_matches('/'))).call().map_err(|error| format!("{url}: {error}"))?;
    let date = response.headers().get("date").and_then(|date| Timestamp::parse_http_date(date.to_str().ok()?));
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(MAX_PAGE_BYTES).read_to_string();
    let body = text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ok(Page { status, date, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers one request with a JSON text of this length.
    fn endpoint(length: u64) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("its address"));
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let _ = stream.read(&mut [0; 4_096]);
            let body = format!("\"{}\"", "x".repeat(length as usize - 2));
            let head = "HTTP/1.1 503 Service Unavailable\r\nDate: Tue, 24 Nov 2026 18:00:00 GMT\r\n";
            let _ = write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}");
        });
        url
    }

    #[test]
    fn an_answer_has_a_maximum_length() {
        for (length, is_read) in [(MAX_PAGE_BYTES, true), (MAX_PAGE_BYTES + 1, false)] {
            let page = get(&endpoint(length), "/health").expect("an answer");
            assert_eq!((page.status, page.body.is_string()), (503, is_read), "{length}");
            assert_eq!(page.date.map(|date| date.to_string()).as_deref(), Some("2026-11-24T18:00:00.000Z"));
        }
    }
}
