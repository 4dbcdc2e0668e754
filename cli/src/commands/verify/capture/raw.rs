//! A raw HTTP request, or pasted headers and body.

use super::{Captured, Form, captured, head_too_long, unreadable};
use crate::Failure;
use crate::limits::MAX_REQUEST_HEAD_BYTES;

/// Headers, an empty line, the body. A first line like `POST /webhooks/x HTTP/1.1`, or the pseudo-headers of HTTP/2,
/// may come first.
pub(super) fn read(bytes: &[u8]) -> Result<Captured, Failure> {
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle).map(|at| (at, at + needle.len()));
    let (end, start) = match (find(b"\r\n\r\n"), find(b"\n\n")) {
        (Some(crlf), Some(lf)) => crlf.min(lf),
        (one, other) => one.or(other).ok_or_else(|| unreadable("no empty line between headers and body"))?,
    };
    if end > MAX_REQUEST_HEAD_BYTES {
        return Err(head_too_long());
    }
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| unreadable("headers that aren't text"))?;
    let (mut method, mut url) = ("POST".to_owned(), String::new());
    let mut pairs = Vec::new();
    for (n, line) in head.lines().enumerate() {
        if n == 0
            && let Some((first, target)) = request_line(line)
        {
            (method, url) = (first.to_owned(), target.to_owned());
            continue;
        }
        let (pseudo, rest) = line.strip_prefix(':').map_or((false, line), |rest| (true, rest));
        let (name, value) =
            rest.split_once(':').ok_or_else(|| unreadable(&format!("line {} before the body isn't a header", n + 1)))?;
        match (pseudo, name) {
            (false, _) => pairs.push((name.to_owned(), value.to_owned())),
            (true, "method") => value.trim().clone_into(&mut method),
            (true, "path") => value.trim().clone_into(&mut url),
            (true, "authority") => pairs.push(("host".to_owned(), value.to_owned())),
            (true, _) => {}
        }
    }
    let body = within(&bytes[start..], &pairs);
    captured(Form::Raw, &method, &url, pairs.into_iter(), body.to_vec())
}

/// Cuts the body to its Content-Length if only line ends follow: editors, shells and print commands add one.
fn within<'b>(bytes: &'b [u8], pairs: &[(String, String)]) -> &'b [u8] {
    let said = pairs.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"));
    let body = said.and_then(|(_, length)| bytes.get(..length.trim().parse().ok()?));
    body.filter(|body| bytes[body.len()..].iter().all(|byte| matches!(byte, b'\r' | b'\n'))).unwrap_or(bytes)
}

/// Method and target of `POST /webhooks/x HTTP/1.1`.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let is_method = method.bytes().all(|b| b.is_ascii_uppercase());
    let is_target = target.starts_with('/') || target.contains("://");
    (is_method && is_target && words.count() <= 1).then_some((method, target))
}
