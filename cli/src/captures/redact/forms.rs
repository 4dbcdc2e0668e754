//! Values with a fixed form, which their pseudonyms keep: URLs, addresses, dates, telephone numbers, ids. Other text is
//! replaced word by word.

use super::pseudonyms::{Pseudonyms, each_word};
use super::vocabulary::Vocabulary;
use regex::{Captures, Regex};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// One alternative for each form; the first match wins. `regex` doesn't backtrack, so the time is linear.
const PATTERNS: &str = concat!(
    r"(?P<url>(?i:\b(?:https?|wss?)://)(?:[^\s/?#@]*@)?[^\s/?#:@]*)",
    r"|(?P<email>[\p{L}\p{N}._%+'-]*[\p{L}\p{N}]@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)",
    r"|(?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)",
    r"|(?P<date>\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?\b)",
    r"|(?P<v4>\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b)",
    r"|(?P<v6>(?i:\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}))",
    r"|(?P<phone>(?:\+ ?|\(|\b)[0-9](?:[ ()./-]{0,3}[0-9]){6,18}\b)",
    r"|(?P<decimal>\b[0-9]+\.[0-9]+\b)",
    r"|(?P<id>\b[a-z]{2,8}[_.-](?:[a-z]{2,8}[_.-])*)",
);

static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(PATTERNS).expect("a test compiles it"));

/// The text, with a pseudonym for every word outside the vocabulary.
pub(super) fn rewrite(text: &str, vocabulary: &Vocabulary, pseudonyms: &mut Pseudonyms) -> String {
    let mut new = String::with_capacity(text.len());
    let mut end = 0;
    for found in PATTERN.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let Some(pseudonym) = pseudonym(&found, vocabulary, pseudonyms) else { continue };
        new.push_str(&words(&text[end..whole.start()], vocabulary, pseudonyms));
        new.push_str(&pseudonym);
        end = whole.end();
    }
    new + &words(&text[end..], vocabulary, pseudonyms)
}

fn words(text: &str, vocabulary: &Vocabulary, pseudonyms: &mut Pseudonyms) -> String {
    each_word(text, |word| (!vocabulary.has_word(word)).then(|| pseudonyms.word(word)))
}

/// `None`: the text only resembles the form. It is replaced word by word.
fn pseudonym(found: &Captures<'_>, vocabulary: &Vocabulary, pseudonyms: &mut Pseudonyms) -> Option<String> {
    let of = |name: &str| found.name(name).map(|found| found.as_str());
    if let Some(text) = of("url") {
        let (scheme, rest) = text.split_at(text.find("://")? + 3);
        let (user, host) = rest.split_at(rest.rfind('@').map_or(0, |at| at + 1));
        let user = words(user, vocabulary, pseudonyms);
        return Some(format!("{scheme}{user}{}", domain(host, vocabulary, pseudonyms)));
    }
    if let Some((name, host)) = of("email").and_then(|text| text.rsplit_once('@')) {
        return Some(format!("{}@{}", words(name, vocabulary, pseudonyms), domain(host, vocabulary, pseudonyms)));
    }
    if let Some(text) = of("uuid") {
        return Some(pseudonyms.hexadecimal(text));
    }
    if let Some(text) = of("date") {
        return is_date(text).then(|| pseudonyms.date(text));
    }
    if let Some(text) = of("v4") {
        let _: Ipv4Addr = text.parse().ok()?;
        return Some(pseudonyms.v4(text));
    }
    if let Some(text) = of("v6") {
        let _: Ipv6Addr = text.parse().ok()?;
        return Some(pseudonyms.v6(text));
    }
    if let Some(text) = of("phone") {
        let groups = text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).count();
        // Two adjacent numbers count as two, unless the first begins like a telephone number.
        let is_one = groups != 2 || text.starts_with(['+', '(', '0']);
        return is_one.then(|| pseudonyms.number(text));
    }
    if let Some(text) = of("decimal") {
        return (!vocabulary.has_number(text)).then(|| pseudonyms.number(text));
    }
    let text = of("id")?;
    let ends = text.match_indices(['_', '.', '-']).map(|(at, _)| at + 1).collect::<Vec<_>>();
    let known = ends.into_iter().rev().find(|end| vocabulary.has_prefix(&text[..*end]))?;
    let (prefix, rest) = text.split_at(known);
    Some(format!("{prefix}{}", words(rest, vocabulary, pseudonyms)))
}

/// A host that rules name is kept, because they may compare with it.
fn domain(host: &str, vocabulary: &Vocabulary, pseudonyms: &mut Pseudonyms) -> String {
    if host.split('.').all(|label| vocabulary.has_word(label)) {
        return host.to_owned();
    }
    if host.parse::<Ipv4Addr>().is_ok() {
        return pseudonyms.v4(host);
    }
    if host.contains('.') { pseudonyms.domain(host) } else { pseudonyms.words(host) }
}

/// The position of each two-digit part of a date, with its minimum and maximum: century, month, day, and the parts of a
/// time.
fn parts(date: &str) -> impl Iterator<Item = (usize, u8, u8)> {
    let (has_time, has_seconds) = (date.len() > 10, date.as_bytes().get(16) == Some(&b':'));
    let days = [(2, 0, 99), (5, 1, 12), (8, 1, 31)].into_iter();
    days.chain([(11, 0, 23), (14, 0, 59)].into_iter().filter(move |_| has_time)).chain(has_seconds.then_some((17, 0, 59)))
}

fn part(date: &str, from: usize) -> u8 {
    date.get(from..from + 2).and_then(|part| part.parse().ok()).unwrap_or(u8::MAX)
}

fn is_date(text: &str) -> bool {
    parts(text).all(|(from, least, most)| (least..=most).contains(&part(text, from)))
}

impl Pseudonyms {
    /// A valid date, or date and time (RFC 3339), of the same century, with every other part changed.
    fn date(&self, text: &str) -> String {
        let (mut random, mut new) = (self.stream("date", text, 0), text.to_owned());
        for (from, least, most) in parts(text) {
            // Every month has at least 28 days.
            let many = if most == 31 { 28 } else { most - least + 1 };
            let is = least + (part(text, from) - least + 1 + random() % (many - 1)) % many;
            new.replace_range(from..from + 2, &format!("{is:02}"));
        }
        let fraction = text.bytes().skip(20).take_while(|b| text.as_bytes().get(19) == Some(&b'.') && b.is_ascii_digit()).count();
        (20..20 + fraction).for_each(|at| new.replace_range(at..=at, &(random() % 10).to_string()));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashSet};

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(HashSet::new(), BTreeSet::new()).unwrap()
    }

    #[test]
    fn a_pseudonym_has_the_form_of_its_value() {
        let (none, mut pseudonyms) = (Vocabulary::default(), pseudonyms());
        let mut one = |text: &str| rewrite(text, &none, &mut pseudonyms);
        assert!(one("lena@vogt.de").ends_with(".qz") && one("lena@vogt.de") == one("lena@vogt.de"));
        assert!(one("Lena@Shop.Vogt.COM").ends_with(".QZX") && one("lena@vogt.museum").ends_with(".qzxxxx"));
        assert!(one("see https://ann:hunter2@shop.vogt.de:8443/x?u=lena").contains(" https://"));
        assert!(one("https://shop.vogt.de:8443/lena/7").contains(".qz:"));
        for address in ["203.0.113.24", "8.8.8.8", "10.1.20.255", "192.168.1.17", "0.0.0.0", "255.255.255.255"] {
            let new: Ipv4Addr = one(address).parse().unwrap();
            assert!([0, 10].contains(&new.octets()[0]) || new.octets()[0] >= 240, "{address}: {new} isn't a reserved name");
            assert_eq!(new.to_string().len(), address.len(), "{address}: {new}");
        }
        for address in ["2001:db8::17", "2A02:8109:b680:1::1", "fe80::1", "2001:0db8:0000:0000:0000:0000:0000:0017"] {
            let new = one(address);
            assert!(
                new.parse::<Ipv6Addr>().is_ok_and(|new| new.segments()[0] >> 13 != 1),
                "{address}: {new} isn't a reserved \
                name"
            );
            assert_eq!(new.len(), address.len(), "{address}: {new}");
        }
        for date in ["2026-11-20T11:00:04+01:00", "2024-02-29", "1990-04-01 23:59", "2026-12-31T23:59:59.999Z"] {
            let new = one(date);
            assert!(is_date(&new) && new.len() == date.len() && new[..2] == date[..2], "{date}: {new}");
            assert!(parts(date).all(|(from, ..)| part(date, from) != part(&new, from)), "{date}: {new}");
        }
        assert!(one("7F3A4A10-c5a1-11f1-9d2e-1042c0ffee07").bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()));
    }

    #[test]
    fn a_number_in_a_text_is_the_same_as_elsewhere() {
        let (none, mut pseudonyms) = (Vocabulary::default(), pseudonyms());
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let mut one = |text: &str| rewrite(text, &none, &mut pseudonyms);
        let phone = one("491713920012");
        for text in ["call +49 171 392-0012 now", "(49) 171/3920012", "tel:+491713920012", "49-171-3920012"] {
            assert_eq!(digits(&one(text)), phone, "{text}");
        }
        assert_eq!(one("orders 1042 1043"), format!("{} {} {}", one("orders"), one("1042"), one("1043")));
        assert_eq!(one("it costs 48.90").rsplit(' ').next(), Some(one("48.90").as_str()));
    }
}
