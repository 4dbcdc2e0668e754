//! Checks that the sources' keys have the recommended length. A shorter key works, so it gives a warning.

use super::check::Check;
use receiver::verify::Key;
use tidings_config::limits::MIN_KEY_BYTES;
use tidings_config::source::Source;
use tidings_core::secrets::parse;
use zeroize::Zeroizing;

const NAME: &str = "key length";

/// Checks the secrets of this document. Another check reports secrets that aren't valid keys.
pub(super) fn check(document: Option<&Zeroizing<String>>, sources: &[Source]) -> Check {
    let Some(document) = document else {
        return Check::skipped(NAME, "no secrets are available: --secrets FILE reads those of a `tidings dev`");
    };
    let Ok(all) = parse(document) else { return Check::skipped(NAME, "the secrets can't be read") };
    let of_source = |source: &Source| {
        let secrets = all.get(&source.name).map(|secrets| secrets.0.as_slice()).unwrap_or_default();
        let short =
            secrets.iter().enumerate().filter_map(|(place, secret)| Some((place, Key::is_short(&source.scheme, secret)?)));
        short.map(|(place, bytes)| format!("{} at position {place}: {bytes} bytes", source.name)).collect::<Vec<_>>()
    };
    let short: Vec<String> = sources.iter().flat_map(of_source).collect();
    if short.is_empty() {
        return Check::good(NAME, format!("no key is shorter than {MIN_KEY_BYTES} bytes"));
    }
    let next = "a short key can be guessed from one signed request: set a longer one, if the provider allows it, with tidings \
        rotate SOURCE";
    Check::warning(NAME, format!("{}; should be {MIN_KEY_BYTES} or more", short.join("; ")), next)
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn said(document: serde_json::Value) -> (Status, String) {
        let check = check(Some(&Zeroizing::new(document.to_string())), &tidings_events::project::sources());
        (check.status, check.said)
    }

    #[test]
    fn the_warning_of_a_short_key_shows_only_its_place_and_its_length() {
        let long = "k".repeat(MIN_KEY_BYTES);
        assert_eq!(said(serde_json::json!({ "github": long, "orders": [long, long] })).0, Status::Good);
        let (status, said) = said(serde_json::json!({ "github": "hunter2", "orders": [long, "hunter"], "stripe": "" }));
        assert_eq!(status, Status::Warning);
        assert_eq!(said, "github at position 0: 7 bytes; orders at position 1: 6 bytes; should be 16 or more");
    }

    #[test]
    fn without_secrets_the_check_is_skipped() {
        assert_eq!(check(None, &[]).status, Status::Skipped);
        assert_eq!(check(Some(&Zeroizing::new("[".to_owned())), &[]).status, Status::Skipped);
    }
}
