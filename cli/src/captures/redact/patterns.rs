//! What gives itself away wherever it stands: addresses, numbers and keys in the middle of a text.

use super::pseudonyms::{Pseudonyms, digits, each_word};
use regex::{Captures, Regex};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// One alternative a kind, the first that fits at a place is taken. `regex` has no backtracking: the time is linear.
const PATTERNS: &str = concat!(
    r"(?P<pem>-----BEGIN [^-]{1,40}-----[\s\S]*?(?:-----END [^-]{1,40}-----|$))",
    r"|(?P<jwt>\beyJ[\w-]{8,}\.[\w-]+\.?[\w-]*)",
    r"|(?P<bearer>(?i:\b(?:bearer|basic)\s+)[\w.~+/=-]{6,})",
    r"|(?P<userinfo>://[^\s/@:]+:[^\s/@]+@)",
    r#"|(?P<assigned>(?i:\b[\w-]{0,32}(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|signature|credential|otp|cookie|authorization)[\w-]{0,32})["']?\s*[=:]\s*["']?(?:(?i:bearer|basic)\s+)?[^\s&"',;<>]+)"#,
    r"|(?P<mailbox>\p{Lu}[^<>@\n,;:]{0,80}<[^<>\s@]+@[^<>\s]+>)",
    r"|(?P<email>[\p{L}\p{N}._%+'-]*[\p{L}\p{N}](?:@|%40)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)",
    r"|(?P<v4>\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b)",
    r"|(?P<v6>(?i:\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}))",
    r"|(?P<iban>\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b)",
    r"|(?P<card>\b\d(?:[ -]?\d){12,18}\b)",
    r"|(?P<phone>(?:\+|%2B)\d[\d ()./-]{5,20}\d|\(\d{3}\) ?\d{3}[-. ]\d{4}\b|\b\d{3}[-.]\d{3}[-.]\d{4}\b",
    r"|\b\d{2,5}(?: \d{2,5}){2,4}\b|\b0\d{2,4}[ /-]\d{5,9}\b)",
    r"|(?P<key>\b(?:[sprk]k_(?:live|test)_|whsec_|gh[pousr]_|github_pat_|xox[a-z]-|AKIA|ASIA|AIza|shp[a-z]{2}_|glpat-|npm_|SG\.)[\w.-]{8,})",
    r"|(?P<opaque>[A-Za-z0-9_-]{20,}=*)",
);

static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(PATTERNS).expect("a test compiles it"));

/// A whole text of base64, which may hold `+` and `/`.
static BASE64: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[A-Za-z0-9+/_-]{20,}={0,2}$").expect("a test compiles it"));

/// What begins an id and says no more than what it is of: `evt_`, `wamid.`
static PREFIX: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[a-z]{2,8}[_.]").expect("a test compiles it"));

/// The text with pseudonyms for all that is found, and with `other` of what stands between.
pub(super) fn rewrite(text: &str, pseudonyms: &mut Pseudonyms, mut other: impl FnMut(&str, &mut Pseudonyms) -> String) -> String {
    if BASE64.is_match(text) && looks_random(text) {
        return opaque(text, pseudonyms);
    }
    let mut new = String::with_capacity(text.len());
    let mut end = 0;
    for found in PATTERN.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let Some(pseudonym) = pseudonym(&found, pseudonyms) else { continue };
        new.push_str(&other(&text[end..whole.start()], pseudonyms));
        new.push_str(&pseudonym);
        end = whole.end();
    }
    new.push_str(&other(&text[end..], pseudonyms));
    new
}

/// The numbers of telephones in a text, their digits alone; and the names that stand before addresses: `Lena Vogt <…>`.
pub(super) fn persons(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for found in PATTERN.captures_iter(text) {
        let of = |name: &str| found.name(name).map(|found| found.as_str());
        words.extend(of("phone").map(|phone| digits(phone.trim_start_matches("%2B"))).filter(|digits| is_phone(digits)));
        if let Some((name, _)) = of("mailbox").and_then(|text| text.split_once('<')) {
            each_word(name, |word| {
                words.push(word.to_owned());
                None
            });
        }
    }
    words
}

/// `None`: it only looks like it.
fn pseudonym(found: &Captures<'_>, pseudonyms: &mut Pseudonyms) -> Option<String> {
    let of = |name: &str| found.name(name).map(|found| found.as_str());
    if let Some(text) = of("pem").or_else(|| of("jwt")) {
        return Some(pseudonyms.opaque(text));
    }
    if let Some(text) = of("bearer") {
        let (word, token) = text.split_at(text.rfind(char::is_whitespace)? + 1);
        return Some(format!("{word}{}", pseudonyms.opaque(token)));
    }
    if let Some(text) = of("userinfo") {
        return Some(format!("://{}", pseudonyms.opaque(text.trim_start_matches("://"))));
    }
    if let Some(text) = of("assigned") {
        let (name, value) = text.split_at(text.find(['=', ':'])? + 1);
        return Some(format!("{name}{}", pseudonyms.opaque(value)));
    }
    if let Some((name, address)) = of("mailbox").and_then(|text| text.split_once('<')) {
        let address = email(address.trim_end_matches('>'), pseudonyms)?;
        return Some(format!("{}<{address}>", pseudonyms.words(name)));
    }
    if let Some(text) = of("email") {
        return email(text, pseudonyms);
    }
    if let Some(text) = of("v4") {
        let _: Ipv4Addr = text.parse().ok()?;
        return Some(pseudonyms.v4(text));
    }
    if let Some(text) = of("v6") {
        let _: Ipv6Addr = text.parse().ok()?;
        return Some(pseudonyms.v6(text));
    }
    if let Some(text) = of("iban") {
        return is_iban(text).then(|| format!("{}{}", &text[..2], pseudonyms.opaque(&text[2..])));
    }
    if let Some(text) = of("card") {
        return is_card(&digits(text)).then(|| pseudonyms.number(text));
    }
    if let Some(text) = of("phone") {
        let (plus, number) = text.strip_prefix("%2B").map_or(("", text), |number| ("%2B", number));
        return is_phone(&digits(number)).then(|| format!("{plus}{}", pseudonyms.number(number)));
    }
    if let Some(text) = of("key") {
        return Some(opaque(text, pseudonyms));
    }
    of("opaque").filter(|text| looks_random(text)).map(|text| opaque(text, pseudonyms))
}

/// An id or a key; what it is of stays.
fn opaque(text: &str, pseudonyms: &Pseudonyms) -> String {
    let (prefix, rest) = text.split_at(PREFIX.find(text).map_or(0, |prefix| prefix.end()));
    format!("{prefix}{}", pseudonyms.opaque(rest))
}

/// The name's words and the domain each have their own.
fn email(text: &str, pseudonyms: &mut Pseudonyms) -> Option<String> {
    let at = if text.contains('@') { "@" } else { "%40" };
    let (name, domain) = text.rsplit_once(at)?;
    Some(format!("{}{at}{}", pseudonyms.words(name), pseudonyms.domain(domain)))
}

fn is_phone(digits: &str) -> bool {
    // ITU-T E.164: at most 15.
    (7..=15).contains(&digits.len())
}

/// A number that a card may have: its first digits, its length, and Luhn's sum (ISO/IEC 7812).
pub(super) fn is_card(digits: &str) -> bool {
    let begins = |starts: &[&str]| starts.iter().any(|start| digits.starts_with(start));
    let network = match digits.len() {
        13 => begins(&["4"]),
        14 => begins(&["30", "36", "38", "39"]),
        15 => begins(&["34", "37"]),
        16 => begins(&["2", "3", "4", "5", "6"]),
        17..=19 => begins(&["4", "6"]),
        _ => false,
    };
    let luhn = |(place, b): (usize, u8)| {
        let digit = u32::from(b - b'0');
        match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        }
    };
    network && digits.bytes().rev().enumerate().map(luhn).sum::<u32>().is_multiple_of(10)
}

/// ISO 13616: the check digits are right.
fn is_iban(text: &str) -> bool {
    let text: String = text.chars().filter(|c| *c != ' ').collect();
    let Some((head, rest)) = text.split_at_checked(4) else { return false };
    let value = |c: char| c.to_digit(36).unwrap_or_default();
    let add = |sum: u32, c: char| (sum * if value(c) > 9 { 100 } else { 10 } + value(c)) % 97;
    (15..=34).contains(&text.len()) && rest.chars().chain(head.chars()).fold(0, add) == 1
}

/// Digits among letters, or letters of both kinds without a pause: nobody wrote that to be read.
fn looks_random(text: &str) -> bool {
    let text = &text[PREFIX.find(text).map_or(0, |prefix| prefix.end())..];
    let count = |is: fn(&u8) -> bool| text.bytes().filter(&is).count();
    let (digits, upper, lower) = (count(u8::is_ascii_digit), count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let pauses = text.contains(['-', '_', '/']);
    (digits >= 3 && upper + lower >= 3) || (upper > 1 && lower > 1 && text.len() >= 20 && !pauses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        rewrite(text, &mut Pseudonyms::new().unwrap(), |between, _| between.to_owned())
    }

    #[test]
    fn what_gives_itself_away_is_gone() {
        for (text, gone) in [
            ("write to Lena.Vogt+x@shop.example.com!", "Vogt"),
            ("write to Lena.Vogt+x@shop.example.com!", "shop"),
            ("https://x.example/?u=lena%40vogt.de", "vogt"),
            ("call +49 (171) 392-00 12 now", "(171) 392"),
            ("tel=%2B491713920012", "3920012"),
            ("call (555) 010-4477", "010-4477"),
            ("call 600 700 800", "600 700"),
            ("call 0171 3920012", "3920012"),
            ("from 203.0.113.24 today", "203.0.113.24"),
            ("from 2001:db8:0:1::17", "0:1::17"),
            ("card 4242 4242 4242 4242 ok", "4242 4242"),
            ("DE89 3704 0044 0532 0130 00", "3704 0044"),
            ("Authorization: Bearer abc.def-123", "def-123"),
            ("https://ann:hunter2@x.example/", "hunter2"),
            ("password=hunter2&x=1", "hunter2"),
            ("my_api_key: 'k-1a2b3c4d'", "1a2b3c4d"),
            ("Cookie: a=hunter2", "hunter2"),
            ("Authorization: Basic aHVudGVyMg==", "aHVudGVyMg"),
            ("token: Bearer hunter2", "hunter2"),
            ("Lena Vogt <info@shop.example.com>", "Vogt"),
            ("x sk_live_abcdefgh1", "abcdefgh1"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJsZW5hIn0.c2ln", "eyJzdWIi"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----", "MIIE"),
            ("wamid.HBgMNDkxNzEzOTIwMDEyFQIAEhggMzE0NA==", "NDkxNzEz"),
            ("/w+TGVuYSBWb2d0/TGVuYSBWb2d0123+==", "TGVuYSBWb2d0"),
            ("7f3a4a10-c5a1-11f1-9d2e-1042c0ffee07", "c5a1-11f1"),
        ] {
            let new = rewritten(text);
            assert!(!new.contains(gone), "{text}: {new}");
            assert_ne!(new, text);
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for text in [
            "2026-11-20T11:00:04+01:00",
            "10:00:04",
            "1795168800",
            "checkout.session.completed",
            "order/1042",
            "https://api.github.com/repos/x/deployments/2210000042/statuses",
            "4242424242424241",
            "DE90370400440532013000 no",
            "Nordlicht Espresso, 1 kg",
            "payment_intent_payment_failed",
            "999.1.1.1",
        ] {
            assert_eq!(rewritten(text), text);
        }
    }

    #[test]
    fn what_it_becomes_is_of_its_kind() {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        let mut one = |text: &str| rewrite(text, &mut pseudonyms, |between, _| between.to_owned());
        assert!(one("lena@vogt.de").ends_with(".qz") && one("lena@vogt.de") == one("lena@vogt.de"));
        assert!(one("Lena@Shop.Vogt.COM").ends_with(".QZX") && one("lena@vogt.museum").ends_with(".qzxxxx"));
        assert!(one("203.0.113.24").starts_with("2") && one("203.0.113.24") != one("203.0.113.25"));
        for address in ["203.0.113.24", "8.8.8.8", "10.1.20.255", "192.168.1.17", "0.0.0.0", "255.255.255.255"] {
            let new: Ipv4Addr = one(address).parse().unwrap();
            assert!([0, 10].contains(&new.octets()[0]) || new.octets()[0] >= 240, "{address}: {new} is nobody's");
            assert_eq!(new.to_string().len(), address.len(), "{address}: {new}");
        }
        for address in ["2001:db8::17", "2A02:8109:b680:1::1", "fe80::1", "::1", "2001:0db8:0000:0000:0000:0000:0000:0017"] {
            let new = one(address);
            assert!(new.parse::<Ipv6Addr>().is_ok_and(|new| new.segments()[0] >> 13 != 1), "{address}: {new} is nobody's");
            assert_eq!(new.len(), address.len(), "{address}: {new}");
        }
        assert!(one("evt_1TidingsCheckout1042abc").starts_with("evt_"));
    }
}
