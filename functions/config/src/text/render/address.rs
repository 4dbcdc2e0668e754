//! Addresses: of the web, of mail, of telephones.

use super::invisible::is_invisible;

/// What a URL can hold, liberally: letters of all languages, and what browsers take. None of these ends a link in a text.
pub(super) fn is_url_char(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || is_invisible(c) || "<>\"`\\".contains(c))
}

/// Whether the whole text is an http(s) URL with a host.
pub(super) fn is_url(text: &str) -> bool {
    let Some(rest) = strip(text, "https://").or_else(|| strip(text, "http://")) else {
        return false;
    };
    rest.starts_with(|c: char| c.is_alphanumeric() || c == '[') && rest.chars().all(is_url_char)
}

/// A link's address in a form that every channel accepts. `None`: it isn't an address.
pub(super) fn target(to: &str) -> Option<String> {
    let mut clean = String::with_capacity(to.len());
    for c in to.trim().chars() {
        if is_url_char(c) {
            clean.push(c);
        } else {
            let mut utf8 = [0; 4];
            clean.extend(c.encode_utf8(&mut utf8).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    let other = ["mailto:", "tel:"].into_iter().any(|scheme| strip(&clean, scheme).is_some_and(|rest| !rest.is_empty()));
    (other || is_url(&clean)).then_some(clean)
}

/// An address as people write it, without `mailto:` and `tel:`.
pub(super) fn shown(to: &str) -> &str {
    let mail = strip(to, "mailto:").map(|rest| rest.split_once('?').map_or(rest, |(address, _)| address));
    mail.or_else(|| strip(to, "tel:")).unwrap_or(to)
}

/// The number of trailing characters that belong to the sentence and not to the address.
pub(super) fn trailing(address: &str) -> usize {
    let mut rest = address;
    while let Some(last) = rest.chars().next_back() {
        let is_unmatched = |open: char| rest.matches(last).count() > rest.matches(open).count();
        let ends = match last {
            ')' => is_unmatched('('),
            ']' => is_unmatched('['),
            '}' => is_unmatched('{'),
            other => ".,:;!?'…’”»".contains(other),
        };
        if !ends {
            break;
        }
        rest = &rest[..rest.len() - last.len_utf8()];
    }
    address.chars().count() - rest.chars().count()
}

fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
