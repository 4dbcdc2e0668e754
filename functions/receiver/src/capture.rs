//! Secrets that a provider tells by a handshake (Asana, Notion): stored only while the operator has opened a window for it.
//!
//! A window is `{source}.capture` of the secrets' document: a token, and when it ends. The token stands in the address that the
//! provider is given, as `?capture=TOKEN`: whoever doesn't know it can't tell us a secret of theirs, window or not.

use crate::verify::same_token;
use tidings_core::limits::{MAX_CAPTURE_WINDOW, MIN_CAPTURE_TOKEN_BYTES};
use tidings_core::time::Timestamp;
use zeroize::Zeroizing;

/// The query parameter with the token.
pub(crate) const PARAMETER: &str = "capture";

/// A window in which a secret may be told.
pub(crate) struct Window {
    token: Zeroizing<String>,
    until: Timestamp,
}

impl Window {
    /// Of its entry in the document. The error names what is wrong, never what is there.
    pub(crate) fn parse(entry: &[String]) -> Result<Self, &'static str> {
        let [token, until] = entry else {
            return Err("a window is a token and a time: [\"TOKEN\", \"2026-11-24T15:00:00Z\"]");
        };
        let until = Timestamp::parse_rfc3339(until).ok_or("the window's end is no time, as in 2026-11-24T15:00:00Z")?;
        if token.len() < MIN_CAPTURE_TOKEN_BYTES {
            return Err("the window's token is too short to be a secret");
        }
        Ok(Self { token: Zeroizing::new(token.clone()), until })
    }

    /// Whether it is open for whoever knows this token.
    pub(crate) fn is_open(&self, token: Option<&str>, now: Timestamp) -> bool {
        let open = now <= self.until && self.until.since(now) <= MAX_CAPTURE_WINDOW;
        token.is_some_and(|token| same_token(&self.token, token.as_bytes())) && open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_window_is_open_to_its_token_until_its_end() {
        let now = Timestamp::from_unix_ms(1_795_168_800_000);
        let window = |until: Timestamp| Window::parse(&["a-token-of-16-by".to_owned(), until.to_string()]).ok().unwrap();
        let open = |until: Timestamp| window(until).is_open(Some("a-token-of-16-by"), now);
        let ms = Duration::from_millis(1);
        assert!(open(now) && open(now.plus(MAX_CAPTURE_WINDOW)));
        assert!(!open(now.plus(MAX_CAPTURE_WINDOW + ms)) && !window(now).is_open(Some("a-token-of-16-by"), now.plus(ms)));
        assert!(!window(now).is_open(Some("another-token-of"), now) && !window(now).is_open(None, now));
    }

    #[test]
    fn what_is_no_window_is_told_without_its_token() {
        let parse = |entry: &[&str]| Window::parse(&entry.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).err();
        assert!(parse(&["a-token-of-16-by"]).unwrap().contains("a token and a time"));
        assert!(parse(&["a-token-of-16-by", "soon"]).unwrap().contains("no time"));
        assert!(parse(&["a-token-of-15-b", "2026-11-24T15:00:00Z"]).unwrap().contains("too short"));
    }
}
