//! Pseudonyms: the same value has the same one as long as this lives, other values have others.
//!
//! A pseudonym has the shape of what it stands for: as many bytes, and for each character one of its kind (a digit, a capital, a
//! small letter, of the same script), so that what fails by a length or by a script fails in a capture too.
//!
//! They are made with a random key that nobody writes down. Without it nobody can try all telephone numbers until one fits; and
//! two folders don't agree on any.

use crate::Failure;
use ring::hmac;
use ring::rand::SystemRandom;
use std::collections::{HashMap, HashSet};

/// Further tries for a pseudonym that nobody else has. Of the shortest words there aren't enough for everybody.
const MAX_TRIES: u32 = 64;

/// Digits of a long number that stay: of a telephone number the country's code.
const KEPT_DIGITS: usize = 2;

/// From this length on a number keeps them.
const LONG_NUMBER: usize = 10;

pub(super) struct Pseudonyms {
    key: hmac::Key,
    /// By the word in lower case.
    given: HashMap<String, String>,
    taken: HashSet<String>,
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

impl Pseudonyms {
    pub(super) fn new() -> Result<Self, Failure> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let key = key.map_err(|_| Failure::new("the system has no random bytes"))?;
        Ok(Self { key, given: HashMap::new(), taken: HashSet::new() })
    }

    /// Of one word: a name's, an id's, a number. Upper case, lower case and digits stay where they are, so that a word is the same
    /// person's however it is written.
    pub(super) fn word(&mut self, word: &str) -> String {
        let folded: String = word.chars().map(lower).collect();
        let known = self.given.get(&folded).cloned();
        let pseudonym = known.unwrap_or_else(|| self.choose(&folded));
        let cased = word.chars().zip(pseudonym.chars());
        cased.map(|(was, is)| if was.is_uppercase() { capital(was, is) } else { is }).collect()
    }

    fn choose(&mut self, folded: &str) -> String {
        let mut tries = (0..MAX_TRIES).map(|n| self.shaped(folded, n));
        let free = tries.find(|pseudonym| pseudonym != folded && !self.taken.contains(pseudonym));
        let pseudonym = free.unwrap_or_else(|| self.shaped(folded, MAX_TRIES));
        self.taken.insert(pseudonym.clone());
        self.given.insert(folded.to_owned(), pseudonym.clone());
        pseudonym
    }

    fn shaped(&self, folded: &str, n: u32) -> String {
        let is_number = folded.bytes().all(|b| b.is_ascii_digit());
        let kept = if is_number && folded.len() >= LONG_NUMBER { KEPT_DIGITS } else { 0 };
        let mut random = self.stream("word", folded, n);
        let one = |(place, was): (usize, char)| {
            let random = random();
            match was {
                _ if place < kept => was,
                // A number stays as long as it is.
                '1'..='9' if is_number && place == 0 => char::from(b'1' + random % 9),
                '0' if is_number && place == 0 => was,
                '0'..='9' => char::from(b'0' + random % 10),
                'a'..='z' => char::from(b'a' + random % 26),
                other => of_its_kind(other, random),
            }
        };
        folded.chars().enumerate().map(one).collect()
    }

    /// Each word of a text by itself.
    pub(super) fn words(&mut self, text: &str) -> String {
        each_word(text, |word| Some(self.word(word)))
    }

    /// The digits of a text as one number, laid into what stands between them.
    pub(super) fn number(&mut self, text: &str) -> String {
        let pseudonym = self.word(&digits(text));
        let mut new = pseudonym.chars();
        text.chars().map(|c| if c.is_ascii_digit() { new.next().unwrap_or(c) } else { c }).collect()
    }

    /// Of a text as a whole: what people wrote. Its words have no pseudonyms of their own, by which they could be guessed.
    pub(super) fn text(&self, text: &str) -> String {
        let mut random = self.stream("text", text, 0);
        let one = |c: char| match c {
            '0'..='9' => char::from(b'0' + random() % 10),
            'A'..='Z' => char::from(b'A' + random() % 26),
            'a'..='z' => char::from(b'a' + random() % 26),
            c if c.is_alphanumeric() => of_its_kind(c, random()),
            other => other,
        };
        text.chars().map(one).collect()
    }

    /// Of a key, a token, an id that nobody reads: of the same characters, in no order that tells anything.
    pub(super) fn opaque(&self, text: &str) -> String {
        let has = |is: fn(&u8) -> bool| text.bytes().any(|b| is(&b));
        let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
        let hex = text.bytes().all(|b| !b.is_ascii_alphanumeric() || b.is_ascii_hexdigit());
        let alphabet: &[u8] = match (upper, lower, hex) {
            (false, false, _) => b"0123456789",
            (false, true, true) => b"0123456789abcdef",
            (true, false, true) => b"0123456789ABCDEF",
            (false, true, false) => b"0123456789abcdefghijklmnopqrstuvwxyz",
            (true, false, false) => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            (true, true, _) => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        };
        let mut random = self.stream("opaque", text, 0);
        let one = |c: char| match c {
            c if c.is_ascii_alphanumeric() => char::from(alphabet[usize::from(random()) % alphabet.len()]),
            c if c.is_alphanumeric() => of_its_kind(c, random()),
            other => other,
        };
        text.chars().map(one).collect()
    }

    /// Bytes that follow from the key and from what they are for.
    fn stream(&self, what: &str, of: &str, n: u32) -> impl FnMut() -> u8 + use<> {
        let key = self.key.clone();
        let seed = hmac::sign(&key, format!("{what}\n{n}\n{of}").as_bytes());
        let (mut block, mut left) = (0_u64, Vec::new());
        move || {
            if left.is_empty() {
                let mut context = hmac::Context::with_key(&key);
                context.update(seed.as_ref());
                context.update(&block.to_be_bytes());
                left = context.sign().as_ref().to_vec();
                block += 1;
            }
            left.pop().unwrap_or_default()
        }
    }
}

/// Characters that stand together in Unicode: of one script, more or less.
const NEIGHBOURS: u32 = 128;

/// Another character of the same script, length and kind, as far as there is one; else any of that length.
fn of_its_kind(c: char, random: u8) -> char {
    let first = u32::from(c) / NEIGHBOURS * NEIGHBOURS;
    let neighbours = (first..first + NEIGHBOURS).filter_map(char::from_u32);
    let alike: Vec<char> =
        neighbours.filter(|other| *other != c && kind(*other) == kind(c) && has_one_case_back(*other)).collect();
    match alike.len() {
        0 => ['a', 'ø', '中', '𠀀'][c.len_utf8() - 1],
        n => alike[usize::from(random) % n],
    }
}

/// What stays of a character: its bytes, and whether it is a letter, a number, a capital, a small letter.
fn kind(c: char) -> (usize, bool, bool, bool, bool) {
    (c.len_utf8(), c.is_alphabetic(), c.is_numeric(), c.is_uppercase(), c.is_lowercase())
}

/// Whether it is the same again, and as long, when it was written in the other case in between.
fn has_one_case_back(c: char) -> bool {
    let mut upper = c.to_uppercase();
    upper.len() == 1
        && upper
            .next()
            .is_some_and(|upper| upper.len_utf8() == c.len_utf8() && (upper == c || lower(upper) == c || lower(c) != c))
}

/// The capital of a letter of a pseudonym, as long as the capital that it stands for.
fn capital(was: char, is: char) -> char {
    let upper = is.to_uppercase().next().unwrap_or(is);
    if upper.len_utf8() == was.len_utf8() && upper.is_uppercase() { upper } else { of_its_kind(was, u32::from(is) as u8) }
}

/// One character for one.
pub(super) fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Gives each word of a text (letters and digits) to `replace`, which may leave it. What is percent-encoded belongs to no word.
pub(super) fn each_word(text: &str, mut replace: impl FnMut(&str) -> Option<String>) -> String {
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if !word.is_empty() {
            new.push_str(&replace(word).unwrap_or_else(|| word.to_owned()));
        }
        let escape = after.as_bytes().first() == Some(&b'%')
            && after.as_bytes().get(1..3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let between = if escape { 3 } else { after.chars().next().map_or(0, char::len_utf8) };
        new.push_str(&after[..between]);
        rest = &after[between..];
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_the_same_and_others_are_others() {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        let words: Vec<String> = (0..2_000).map(|n| format!("{n:06}")).collect();
        let made: HashSet<String> = words.iter().map(|word| pseudonyms.word(word)).collect();
        assert_eq!(made.len(), words.len(), "no two have the same");
        assert!(words.iter().all(|word| pseudonyms.word(word) == pseudonyms.word(word) && pseudonyms.word(word) != *word));
        assert_ne!(Pseudonyms::new().unwrap().word("lena.vogt"), pseudonyms.word("lena.vogt"), "another folder, another key");
    }

    #[test]
    fn the_shape_stays() {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        let (upper, lower) = (pseudonyms.word("LENA"), pseudonyms.word("Lena"));
        assert_eq!(upper.to_ascii_lowercase(), lower.to_ascii_lowercase());
        assert!(lower.starts_with(|c: char| c.is_ascii_uppercase()) && lower[1..].bytes().all(|b| b.is_ascii_lowercase()));
        let (plain, written) = (pseudonyms.number("491713920012"), pseudonyms.number("+49 171 392-0012"));
        assert_eq!((digits(&written), &written[..3], plain.len()), (plain.clone(), "+49", 12));
        assert!(pseudonyms.opaque("7f3a-4a10").bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()));
        assert_eq!(
            pseudonyms.text("Wo ist, bitte, #1042?").chars().filter(|c| !c.is_alphanumeric()).collect::<String>(),
            "  ,  , #?".replace("  ,  , ", " , , ")
        );
        assert_eq!(pseudonyms.words("李 O'Neil").chars().count(), "李 O'Neil".chars().count());
    }

    #[test]
    fn every_script_keeps_its_bytes_and_its_kind() {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        for text in [
            "Привет мир",
            "ЁЛКА",
            "Ελλάδα",
            "Zoë Łukasz Straße",
            "مرحبا ١٢٣",
            "नमस्ते",
            "李小龙",
            "Հայաստան",
            "𐐨𐐀",
            "İstanbul",
            "𠮷野",
        ] {
            let others = [pseudonyms.text(text), pseudonyms.words(text), pseudonyms.opaque(text)];
            for other in &others {
                assert_eq!(other.len(), text.len(), "{text}: {other}");
                let kinds =
                    |text: &str| text.chars().map(|c| (c.len_utf8(), c.is_alphanumeric(), c.is_ascii())).collect::<Vec<_>>();
                assert_eq!(kinds(other), kinds(text), "{text}: {other}");
                assert_ne!(other, text);
            }
            for other in &others[..2] {
                let capitals = |text: &str| text.chars().map(char::is_uppercase).collect::<Vec<_>>();
                assert_eq!(capitals(other), capitals(text), "{text}: {other}");
            }
        }
        let (small, capital) = (pseudonyms.word("лена"), pseudonyms.word("ЛЕНА"));
        assert_eq!(capital.chars().map(lower).collect::<String>(), small, "however it is written, it is the same person's");
    }

    #[test]
    fn every_letter_has_another_of_its_length() {
        for c in ('\u{80}'..=char::MAX).filter(|c| c.is_alphanumeric() && (*c < '\u{3000}' || u32::from(*c) % 41 == 0)) {
            for random in [0, 77] {
                let other = of_its_kind(c, random);
                assert!(other.len_utf8() == c.len_utf8() && other.is_alphanumeric(), "{c:?} {other:?}");
                assert_eq!(capital(c, other).len_utf8(), c.len_utf8(), "{c:?} {other:?}");
            }
        }
    }

    #[test]
    fn words_are_found_between_anything() {
        let seen = |text: &str| {
            let mut words = Vec::new();
            let same = each_word(text, |word| {
                words.push(word.to_owned());
                None
            });
            assert_eq!(same, text);
            words
        };
        assert_eq!(seen("tel=%2B49171&a_b.c"), ["tel", "49171", "a", "b", "c"]);
        assert_eq!(
            (seen("50%"), seen("ä-%zz"), seen("")),
            (vec!["50".to_owned()], vec!["ä".to_owned(), "zz".to_owned()], vec![])
        );
    }
}
