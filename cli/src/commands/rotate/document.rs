//! Changes the document of secrets for a rotation. Pure. Its messages contain places and counts, never a secret.

use crate::Failure;
use receiver::verify::Key;
use serde_json::{Map, Value};
use tidings_config::limits::{MAX_SECRET_DOCUMENT_BYTES, MAX_SECRETS_PER_SOURCE};
use tidings_config::source::{OWN, Source};
use tidings_core::secrets::parse;
use zeroize::Zeroizing;

/// The new document.
pub(super) struct Change {
    pub(super) document: Zeroizing<String>,
    /// The number of secrets of the source before the change.
    pub(super) before: usize,
    /// The number of secrets after the change.
    pub(super) after: usize,
    /// The length of the new secret's key in bytes, if it is too short.
    pub(super) short: Option<usize>,
}

/// Returns the document with a new secret before the source's other secrets.
pub(super) fn in_front(document: &str, source: &Source, secret: &str) -> Result<Change, Failure> {
    let name = &source.name;
    if let Err(error) = Key::prepare(&source.scheme, secret) {
        let hint = match source.provider.as_str() {
            OWN => "its form is described by `key` of the source's scheme in sources.yaml".to_owned(),
            preset => format!("what the secret is, and where to get it: tidings providers show {preset}"),
        };
        return Err(Failure::new(format!("it isn't a valid secret for {name}: {error}")).hint(hint));
    }
    let secrets = secrets(document, name)?;
    if let Some(place) = secrets.iter().position(|held| held == secret) {
        return Err(Failure::new(format!("{name} already has that secret, at position {place}"))
            .hint("position 0 is the newest. Nothing was changed"));
    }
    if secrets.len() >= MAX_SECRETS_PER_SOURCE {
        return Err(Failure::new(format!("{name} has {} secrets, allowed: {MAX_SECRETS_PER_SOURCE}", secrets.len()))
            .hint("remove the old ones first with --drop-old"));
    }
    let before = secrets.len();
    let all = std::iter::once(secret.to_owned()).chain(secrets).collect();
    Ok(Change { short: Key::is_short(&source.scheme, secret), ..written(document, name, all, before)? })
}

/// Returns the document with only the newest secret of the source.
pub(super) fn newest_alone(document: &str, name: &str) -> Result<Change, Failure> {
    let mut secrets = secrets(document, name)?;
    let before = secrets.len();
    if before < 2 {
        return Err(Failure::new(format!("{name} has {before} secrets, so there is no old one")).hint("nothing was changed"));
    }
    secrets.truncate(1);
    written(document, name, secrets, before)
}

fn secrets(document: &str, name: &str) -> Result<Vec<String>, Failure> {
    let mut all = parse(document).map_err(|error| Failure::new(format!("the stack's secret: {error}")))?;
    Ok(all.remove(name).unwrap_or_default().0)
}

/// Writes the source's entry. Everything else in the document stays the same.
fn written(document: &str, name: &str, mut secrets: Vec<String>, before: usize) -> Result<Change, Failure> {
    let mut all: Map<String, Value> = serde_json::from_str(document).map_err(|error| Failure::new(error.to_string()))?;
    let after = secrets.len();
    let value = if after == 1 { Value::String(secrets.remove(0)) } else { Value::from(secrets) };
    all.insert(name.to_owned(), value);
    let document = Zeroizing::new(Value::Object(all).to_string());
    if document.len() > MAX_SECRET_DOCUMENT_BYTES {
        let bytes = document.len();
        return Err(Failure::new(format!("the secrets would have {bytes} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}"))
            .hint("remove old ones first with --drop-old"));
    }
    Ok(Change { document, before, after, short: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources;
    use tidings_config::limits::MIN_KEY_BYTES;

    fn front(document: &str, secret: &str) -> Result<String, String> {
        let change = in_front(document, &sources::configured("orders").expect("a source"), secret);
        change.map(|change| change.document.to_string()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_new_secret_is_put_in_front_and_nothing_else_changes() {
        let others = r#""orders.verify_token":"token","stripe":["whsec_a","whsec_b"]"#;
        for (before, after) in [
            (format!("{{{others}}}"), format!(r#"{{{others},"orders":"new"}}"#)),
            (format!(r#"{{"orders":"old",{others}}}"#), format!(r#"{{"orders":["new","old"],{others}}}"#)),
            (format!(r#"{{"orders":["old","older"],{others}}}"#), format!(r#"{{"orders":["new","old","older"],{others}}}"#)),
        ] {
            assert_eq!(front(&before, "new"), Ok(after), "{before}");
        }
    }

    #[test]
    fn limits_hold_on_both_sides_and_no_error_shows_a_secret() {
        let held = |n: usize| {
            let secrets: Vec<_> = (0..n).map(|n| format!("hunter{n}")).collect();
            serde_json::json!({ "orders": secrets }).to_string()
        };
        assert!(front(&held(MAX_SECRETS_PER_SOURCE - 1), "new").is_ok());
        for (document, secret, said) in [
            (held(MAX_SECRETS_PER_SOURCE), "new", "orders has 8 secrets, allowed: 8"),
            (held(2), "hunter1", "orders already has that secret, at position 1"),
            (held(2), "", "it isn't a valid secret for orders"),
            (r#"{"orders": hunter2}"#.to_owned(), "new", "JSON object from a name to a secret"),
        ] {
            let error = front(&document, secret).unwrap_err();
            assert!(error.contains(said) && !error.contains("hunter"), "{error}");
        }
        let padded = |bytes: usize| {
            let start = r#"{"a":""#;
            format!("{start}{}\"}}", "x".repeat(bytes - start.len() - 2))
        };
        let adds = r#","orders":"new""#.len();
        assert!(front(&padded(MAX_SECRET_DOCUMENT_BYTES - adds), "new").is_ok());
        let error = front(&padded(MAX_SECRET_DOCUMENT_BYTES - adds + 1), "new").unwrap_err();
        assert!(error.contains("would have 65537 bytes, allowed: 65536"), "{error}");
    }

    #[test]
    fn a_short_key_is_reported_and_accepted() {
        let orders = sources::configured("orders").expect("a source");
        let short =
            |secret: &str| in_front("{}", &orders, secret).map(|change| change.short).map_err(|failure| failure.to_string());
        assert_eq!(short(&"k".repeat(MIN_KEY_BYTES - 1)), Ok(Some(MIN_KEY_BYTES - 1)));
        assert_eq!(short(&"k".repeat(MIN_KEY_BYTES)), Ok(None));
        for refused in [" ", "<secret>", "changeme"] {
            assert!(short(refused).unwrap_err().contains("it isn't a valid secret for orders"), "{refused}");
        }
        assert_eq!(newest_alone(r#"{"orders":["k","old"]}"#, "orders").map(|change| change.short).ok(), Some(None));
    }

    #[test]
    fn no_document_of_secrets_makes_a_command_panic() {
        let source = sources::configured("orders").expect("a source");
        crate::fuzz::never_panics(&[br#"{"orders":["new","old"],"stripe":"whsec_aGk=","a.verify_token":"\u00e9"}"#], |bytes| {
            let document = crate::fuzz::text(bytes);
            let _ = (in_front(&document, &source, "another"), newest_alone(&document, "orders"));
        });
    }

    #[test]
    fn the_old_secrets_are_removed_if_there_are_any() {
        let dropped = |document: &str| newest_alone(document, "orders").map(|change| change.document.to_string());
        assert_eq!(dropped(r#"{"a":["1","2"],"orders":["new","old"]}"#).unwrap(), r#"{"a":["1","2"],"orders":"new"}"#);
        for none in [r#"{"orders":"new"}"#, r#"{"orders":[]}"#, "{}"] {
            assert!(dropped(none).unwrap_err().to_string().contains("there is no old one"), "{none}");
        }
    }
}
