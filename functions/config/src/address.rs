//! Patterns for addresses and host names in a request or a certificate. A pattern fixes the host, the path and the query.
//!
//! Promises: a pattern is compared with the text byte for byte. Nothing is parsed, decoded or normalised. An address
//! with a user, a port, another host, an escape, a fragment or a query that the pattern doesn't contain doesn't
//! match.

use super::WordError;
use super::field::as_text;
use crate::limits::MAX_ADDRESS_PART_BYTES;
use std::fmt;
use std::str::FromStr;

const HTTPS: &str = "https://";

/// An address that may be fetched: `https://sns.{secret:3}.amazonaws.com/SimpleNotificationService-{hex}.pem`.
///
/// `{secret:3}` is part number 3 of the source's secret, split at its colons and counted from zero: lower-case
/// letters, digits and hyphens (the region of a topic's ARN). `{secret}` is the whole secret; `{hex}` 1 to 1,024 of
/// `0-9a-f`; `{word}` as many letters, digits, hyphens and underscores. The host may contain only `{secret:N}`, and
/// its last two parts are fixed.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = super::schema::ADDRESS))]
pub struct AddressPattern(Pattern);

/// A host name in a certificate: `sns.{secret:3}.amazonaws.com`. Its last two parts are fixed.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = super::schema::HOST_NAME))]
pub struct NamePattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hex,
    Word,
    Secret,
    SecretPart(usize),
}

impl AddressPattern {
    /// Whether `url` matches the pattern, for the source that has this secret.
    pub fn matches(&self, url: &str, secret: &str) -> bool {
        self.0.matches(url, secret)
    }
}

impl NamePattern {
    /// Whether a certificate's name matches the pattern. Names are compared without case (RFC 4343).
    pub fn matches(&self, name: &str, secret: &str) -> bool {
        self.0.matches(&name.to_ascii_lowercase(), secret)
    }
}

/// Whether the address has only a host name and a path: HTTPS on the default port, without a user, and not an IP address.
pub fn is_plain(url: &str) -> bool {
    let Some((host, path)) = url.strip_prefix(HTTPS).and_then(|rest| rest.split_once('/')) else { return false };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"/._~@:-".contains(&b);
    is_host(host) && path.bytes().all(allowed) && !path.contains("..")
}

/// Whether the text is a host name: two or more parts, the last of which isn't a number. IP addresses are refused.
fn is_host(host: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.') && host.split('.').all(label) && last.bytes().all(|b| b.is_ascii_alphabetic())
}

impl Pattern {
    fn matches(&self, text: &str, secret: &str) -> bool {
        let rest = self.0.iter().try_fold(text, |rest, piece| match piece {
            Piece::Text(fixed) => rest.strip_prefix(fixed.as_str()),
            Piece::Hex => after_run(rest, |b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
            Piece::Word => after_run(rest, is_word),
            Piece::Secret => rest.strip_prefix(secret).filter(|_| !secret.is_empty()),
            Piece::SecretPart(nth) => rest.strip_prefix(secret.split(':').nth(*nth).filter(|part| is_label(part))?),
        });
        rest == Some("")
    }

    /// Parses a text with placeholders in braces.
    fn read(text: &str) -> Result<Self, WordError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').ok_or_else(|| WordError(format!("{text:?} has an unmatched brace")))?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(word.parse()?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        let mut pairs = pieces.windows(2);
        if pairs.any(|pair| matches!(pair, [Piece::Hex | Piece::Word, next] if !next.ends_a_run())) {
            return Err(WordError(format!(
                "{text:?}: the character after {{hex}} or {{word}} must not be a letter, a digit, `-` or `_`"
            )));
        }
        Ok(Self(pieces))
    }
}

impl Piece {
    /// Whether a run of letters, digits, hyphens and underscores ends where this piece begins.
    fn ends_a_run(&self) -> bool {
        match self {
            Self::Text(text) => text.bytes().next().is_some_and(|first| !is_word(first)),
            Self::Hex | Self::Word | Self::Secret | Self::SecretPart(_) => false,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Whether the text is one label of a host name. A secret with dots or slashes can't lead to another host.
fn is_label(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The text after a run of allowed bytes. `None`: the run is empty or too long.
fn after_run(text: &str, allowed: impl Fn(u8) -> bool) -> Option<&str> {
    let length = text.bytes().take_while(|b| allowed(*b)).count();
    (1..=MAX_ADDRESS_PART_BYTES).contains(&length).then(|| &text[length..])
}

/// Checks that the host of a pattern belongs to the provider: its last two parts are fixed, and a request can't
/// choose any part.
fn check_host(text: &str, host: &str) -> Result<(), WordError> {
    let bad = || {
        WordError(format!(
            "{text:?} doesn't fix the host: a host needs three or more parts; the last two are fixed text, others may be {{secret:N}}"
        ))
    };
    let fixed = |label: &&str| is_label(label);
    let labels: Vec<&str> = host.split('.').collect();
    let (first, last) = labels.split_at(labels.len().saturating_sub(2));
    let pinned = |label: &&str| {
        let inner = label.split_once("{secret:").and_then(|(head, rest)| Some((head, rest.split_once('}')?.1)));
        inner.map_or_else(|| fixed(label), |(head, tail)| [head, tail].iter().all(|part| part.is_empty() || fixed(part)))
    };
    if first.is_empty() || !last.iter().all(fixed) || !first.iter().all(pinned) { Err(bad()) } else { Ok(()) }
}

impl FromStr for Piece {
    type Err = WordError;

    fn from_str(word: &str) -> Result<Self, WordError> {
        match (word, word.strip_prefix("secret:").map(str::parse)) {
            ("hex", _) => Ok(Self::Hex),
            ("word", _) => Ok(Self::Word),
            ("secret", _) => Ok(Self::Secret),
            (_, Some(Ok(nth))) => Ok(Self::SecretPart(nth)),
            (_, Some(Err(_)) | None) => Err(WordError(format!(
                "an address can't contain {{{word}}}; allowed: {{hex}}, {{word}}, {{secret}}, {{secret:N}}"
            ))),
        }
    }
}

impl FromStr for AddressPattern {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let rest = text.strip_prefix(HTTPS).and_then(|rest| rest.split_once('/'));
        let (host, _) = rest
            .ok_or_else(|| WordError(format!("{text:?} isn't an address; write it as https://api.example.com/keys/{{word}}")))?;
        check_host(text, host)?;
        Pattern::read(text).map(Self)
    }
}

impl FromStr for NamePattern {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        check_host(text, text)?;
        Pattern::read(text).map(Self)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Hex => f.write_str("{hex}"),
            Piece::Word => f.write_str("{word}"),
            Piece::Secret => f.write_str("{secret}"),
            Piece::SecretPart(nth) => write!(f, "{{secret:{nth}}}"),
        })
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

as_text!(AddressPattern, NamePattern);

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";

    fn certificate(url: &str) -> bool {
        let pattern = "https://sns.{secret:3}.amazonaws.com/SimpleNotificationService-{hex}.pem";
        pattern.parse::<AddressPattern>().unwrap().matches(url, TOPIC)
    }

    #[test]
    fn an_address_matches_byte_for_byte() {
        assert!(certificate("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"));
        for bad in [
            "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://sns.us-east-2.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://sns.s3.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com:443/SimpleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-0a.pem",
            "https://evil@sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://SNS.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem?x=.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem#x",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0A.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem.pem",
            "https://sns.us-east-1.amazonaws.com/x/../SimpleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com/%53impleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com//SimpleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com\\@evil.example/SimpleNotificationService-0a.pem",
            " https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem\n",
            "",
        ] {
            assert!(!certificate(bad), "{bad}");
        }
    }

    #[test]
    fn a_part_is_bounded_in_length() {
        let url = |bytes| format!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{}.pem", "a".repeat(bytes));
        assert!(certificate(&url(MAX_ADDRESS_PART_BYTES)) && !certificate(&url(MAX_ADDRESS_PART_BYTES + 1)));
    }

    #[test]
    fn a_secret_cannot_change_the_host() {
        let pattern: AddressPattern = "https://sns.{secret:3}.amazonaws.com/{hex}".parse().unwrap();
        for (secret, host) in [
            ("arn:aws:sns:evil.example/:1:t", "sns.evil.example/.amazonaws.com"),
            ("arn:aws:sns::1:t", "sns..amazonaws.com"),
            ("no colon", "sns..amazonaws.com"),
            ("", "sns..amazonaws.com"),
        ] {
            assert!(!pattern.matches(&format!("https://{host}/0a"), secret), "{secret}");
        }
        let whole: AddressPattern = "https://sns.amazonaws.com/?TopicArn={secret}&Token={word}".parse().unwrap();
        assert!(whole.matches(&format!("https://sns.amazonaws.com/?TopicArn={TOPIC}&Token=2336-a_B"), TOPIC));
        assert!(!whole.matches(&format!("https://sns.amazonaws.com/?TopicArn={TOPIC}2&Token=2336"), TOPIC));
        assert!(!whole.matches("https://sns.amazonaws.com/?TopicArn=&Token=2336", ""));
    }

    #[test]
    fn a_name_is_compared_without_case_and_in_full() {
        let name: NamePattern = "sns-signing.{secret:3}.amazonaws.com".parse().unwrap();
        assert!(name.matches("SNS-signing.us-east-1.amazonaws.com", TOPIC));
        for bad in [
            "sns-signing.us-east-2.amazonaws.com",
            "sns-signing.us-east-1.amazonaws.com.evil.example",
            "*.us-east-1.amazonaws.com",
        ] {
            assert!(!name.matches(bad, TOPIC), "{bad}");
        }
    }

    #[test]
    fn a_pattern_that_does_not_fix_the_host_is_refused() {
        for (text, said) in [
            ("http://a.b.example/x", "isn't an address"),
            ("https://a.b.example", "isn't an address"),
            ("https://example.com/x", "doesn't fix the host"),
            ("https://a.{secret:1}.com/x", "doesn't fix the host"),
            ("https://{word}.example.com/x", "doesn't fix the host"),
            ("https://a.b.example:444/x", "doesn't fix the host"),
            ("https://u@a.b.example/x", "doesn't fix the host"),
            ("https://*.b.example/x", "doesn't fix the host"),
            ("https://a.b.example/{hex}{word}", "must not be a letter"),
            ("https://a.b.example/{hex}0", "must not be a letter"),
            ("https://a.b.example/{path}", "allowed: {hex}"),
            ("https://a.b.example/{secret:x}", "allowed: {hex}"),
            ("https://a.b.example/{hex", "unmatched brace"),
        ] {
            let error = text.parse::<AddressPattern>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        for text in ["https://sns-{secret:3}.a.example/{hex}.pem?x={word}", "https://a.b.example/v1/{word}"] {
            assert_eq!(text.parse::<AddressPattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_plain_address_has_only_a_host_name_and_a_path() {
        for good in [
            "https://acme.kinde.com/.well-known/jwks.json",
            "https://www.example.com/v1/jwk/chat@system.example.com",
            "https://a.example/",
        ] {
            assert!(is_plain(good), "{good}");
        }
        for bad in [
            "http://acme.kinde.com/jwks",
            "https://acme.kinde.com",
            "https://acme.kinde.com:444/jwks",
            "https://user@acme.kinde.com/jwks",
            "https://acme.kinde.com/jwks?x=1",
            "https://acme.kinde.com/jwks#x",
            "https://acme.kinde.com/a/../jwks",
            "https://acme.kinde.com/%2e%2e/jwks",
            "https://acme.kinde.com\\@evil.example/jwks",
            "https://169.254.169.254/jwks",
            "https://[::ffff:169.254.169.254]/jwks",
            "https://0xa9fea9fe/jwks",
            "https://2852039166/jwks",
            "https://localhost/jwks",
            "https://a..example/jwks",
            "",
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
