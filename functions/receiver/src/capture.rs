//! Handshake secrets, which a provider sends in a handshake (Asana, Notion). They are stored only while an operator
//! has opened a capture window.
//!
//! A window is the entry `{source}.capture` of the secrets' document: a token and an end time. The token is part of
//! the URL that is registered with the provider, as `?capture=TOKEN`. A sender without the token can't store a
//! secret, even while a window is open.

use crate::verify::same_token;
use std::collections::BTreeMap;
use tidings_config::OneOrMany;
use tidings_config::limits::{
    MAX_CAPTURE_TRIES, MAX_CAPTURE_WINDOW, MAX_CAPTURED_SECRETS_PER_SOURCE, MAX_SECRET_DOCUMENT_BYTES, MIN_CAPTURE_TOKEN_BYTES,
};
use tidings_config::time::Timestamp;
use tidings_core::ports::{HandshakeSecrets, Replaced, Unavailable};
use tidings_core::secrets::{DocumentError, parse};
use zeroize::Zeroizing;

/// The query parameter with the token.
pub(crate) const PARAMETER: &str = "capture";

/// A window in which a handshake secret is accepted.
pub(crate) struct Window {
    token: Zeroizing<String>,
    until: Timestamp,
}

impl Window {
    /// Parses an entry of the document. The error names the problem, never the content.
    pub(crate) fn parse(entry: &[String]) -> Result<Self, &'static str> {
        let [token, until] = entry else {
            return Err("a window must be a token and a time: [\"TOKEN\", \"2026-11-24T15:00:00Z\"]");
        };
        let until = Timestamp::parse_rfc3339(until).ok_or("the window's end isn't a time such as 2026-11-24T15:00:00Z")?;
        if token.len() < MIN_CAPTURE_TOKEN_BYTES {
            return Err("the window's token is too short to be a secret");
        }
        Ok(Self { token: Zeroizing::new(token.clone()), until })
    }

    /// Whether it is open for a sender with this token.
    pub(crate) fn is_open(&self, token: Option<&str>, now: Timestamp) -> bool {
        let open = now <= self.until && self.until.since(now) <= MAX_CAPTURE_WINDOW;
        token.is_some_and(|token| same_token(&self.token, token.as_bytes())) && open
    }
}

/// Why a received secret isn't stored. The provider is asked to send it again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStored {
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    /// The document is never overwritten: a person wrote it and can correct it.
    #[error("the captured secrets can't be read, so no secret is added: {0}")]
    Unreadable(#[from] DocumentError),
    #[error(
        "the source has {MAX_CAPTURED_SECRETS_PER_SOURCE} captured secrets, which is the limit, and none is replaced: remove \
         those of webhooks that no longer exist"
    )]
    TooMany,
    #[error("the captured secrets would have {bytes} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}")]
    TooLong { bytes: usize },
    #[error("other containers wrote first {MAX_CAPTURE_TRIES} times")]
    Contended,
}

impl NotStored {
    /// The reason in the metric.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Unreadable(_) => "unreadable",
            Self::TooMany => "too_many",
            Self::TooLong { .. } => "too_long",
            Self::Contended => "contended",
        }
    }
}

/// Adds a secret to those of its source, the newest first. Secrets that other containers add at the same time are kept.
pub(crate) async fn store(captured: &dyn HandshakeSecrets, source: &str, secret: &str) -> Result<(), NotStored> {
    for _ in 0..MAX_CAPTURE_TRIES {
        let read = captured.fetch().await?;
        let Some(document) = with(parse(&read.document)?, source, secret)? else { return Ok(()) };
        match captured.replace(&document, &read.version).await? {
            Replaced::Yes => return Ok(()),
            Replaced::Changed => {}
        }
    }
    Err(NotStored::Contended)
}

/// The document with one more secret. `None`: it has the secret already.
fn with(
    mut document: BTreeMap<String, OneOrMany<String>>,
    source: &str,
    secret: &str,
) -> Result<Option<Zeroizing<String>>, NotStored> {
    let of_source = &mut document.entry(source.to_owned()).or_default().0;
    if of_source.iter().any(|known| known == secret) {
        return Ok(None);
    }
    if of_source.len() >= MAX_CAPTURED_SECRETS_PER_SOURCE {
        return Err(NotStored::TooMany);
    }
    of_source.insert(0, secret.to_owned());
    let text = Zeroizing::new(serde_json::to_string(&document).expect("it has string keys and holds only texts"));
    if text.len() > MAX_SECRET_DOCUMENT_BYTES { Err(NotStored::TooLong { bytes: text.len() }) } else { Ok(Some(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_secret_is_added_up_to_the_limits_and_never_replaces_another() {
        let of = |secrets: usize, others: usize| {
            let mut document = BTreeMap::from([("other".to_owned(), OneOrMany(vec!["o".repeat(others)]))]);
            document.insert("asana".to_owned(), OneOrMany((0..secrets).map(|n| format!("s{n}")).collect()));
            document
        };
        let added = with(of(MAX_CAPTURED_SECRETS_PER_SOURCE - 1, 1), "asana", "new").unwrap().unwrap();
        let added = parse(&added).unwrap();
        assert_eq!((added["asana"].0.len(), added["asana"].0[0].as_str()), (MAX_CAPTURED_SECRETS_PER_SOURCE, "new"));
        assert!(matches!(with(of(MAX_CAPTURED_SECRETS_PER_SOURCE, 1), "asana", "new"), Err(NotStored::TooMany)));
        assert!(with(of(MAX_CAPTURED_SECRETS_PER_SOURCE, 1), "asana", "s63").unwrap().is_none(), "it is there");

        let frame = with(of(0, 0), "asana", "new").unwrap().unwrap().len();
        let fits = MAX_SECRET_DOCUMENT_BYTES - frame;
        assert_eq!(with(of(0, fits), "asana", "new").unwrap().unwrap().len(), MAX_SECRET_DOCUMENT_BYTES);
        assert!(matches!(with(of(0, fits + 1), "asana", "new"), Err(NotStored::TooLong { .. })));
    }

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
    fn an_error_about_a_window_does_not_contain_its_token() {
        let parse = |entry: &[&str]| Window::parse(&entry.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).err();
        assert!(parse(&["a-token-of-16-by"]).unwrap().contains("a token and a time"));
        assert!(parse(&["a-token-of-16-by", "soon"]).unwrap().contains("isn't a time"));
        assert!(parse(&["a-token-of-15-b", "2026-11-24T15:00:00Z"]).unwrap().contains("too short"));
    }
}
