//! Pseudonyms: equal values have equal pseudonyms, different values different ones, for the lifetime of this object.
//!
//! A pseudonym has the shape of its value: the same number of bytes, and each character of the same [`Class`] (a digit,
//! a capital, a small letter, of the same script and width). So a text that fails by length or script fails in a
//! capture too.
//!
//! They are made with a random key that is never stored. Without it nobody can recover a telephone number by trying all
//! of them, and the pseudonyms of two folders are unrelated.

use super::class::{Class, of_its_class};
use super::numbers::Decimal;
use crate::Failure;
use ring::hmac;
use ring::rand::SystemRandom;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Further tries to find a pseudonym that isn't in use. There aren't enough short words for all values.
const MAX_TRIES: u32 = 64;

pub(super) struct Pseudonyms {
    pub(super) key: hmac::Key,
    /// Pseudonyms by word in lower case. Keys of numbers: see [`numbers`](super::numbers).
    pub(super) given: HashMap<String, String>,
    pub(super) taken: HashSet<String>,
    /// Numbers that rules compare with. A pseudonym is on the same side of each.
    pub(super) bounds: BTreeSet<Decimal>,
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

/// The set of letters for a pseudonym.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    Any,
    Hexadecimal,
}

impl Pseudonyms {
    /// No pseudonym is one of the `reserved` words, which are in lower case.
    pub(super) fn new(reserved: HashSet<String>, bounds: BTreeSet<Decimal>) -> Result<Self, Failure> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let key = key.map_err(|_| Failure::new("the operating system returned no random bytes"))?;
        Ok(Self { key, given: HashMap::new(), taken: reserved, bounds })
    }

    /// The pseudonym of one word: a name, an id, a number. Case and digits keep their positions, so that all spellings
    /// of a word have the same pseudonym.
    pub(super) fn word(&mut self, word: &str) -> String {
        if word.bytes().all(|b| b.is_ascii_digit()) {
            return self.digits(word, 0);
        }
        let long = word.len() >= MIN_HEX && word.bytes().any(|b| b.is_ascii_digit());
        self.word_of(word, if long && is_hex(word) { Letters::Hexadecimal } else { Letters::Any })
    }

    /// Replaces each word separately. All letters are hexadecimal, as in a UUID.
    pub(super) fn hexadecimal(&mut self, text: &str) -> String {
        each_word(text, |word| {
            let is_number = word.bytes().all(|b| b.is_ascii_digit());
            Some(if is_number { self.digits(word, 0) } else { self.word_of(word, Letters::Hexadecimal) })
        })
    }

    fn word_of(&mut self, word: &str, letters: Letters) -> String {
        let folded: String = word.chars().map(lower).collect();
        let of = if letters == Letters::Any { folded.clone() } else { format!("hex {folded}") };
        let known = self.given.get(&of).cloned();
        let pseudonym = known.unwrap_or_else(|| {
            let tries: Vec<String> =
                (0..MAX_TRIES).map(|n| self.shaped(&folded, letters, n)).filter(|new| *new != folded).collect();
            let free = tries.iter().find(|new| !self.taken.contains(*new)).or(tries.first());
            let pseudonym = free.unwrap_or(&folded).clone();
            self.taken.insert(pseudonym.clone());
            self.given.insert(of, pseudonym.clone());
            pseudonym
        });
        word.chars().zip(pseudonym.chars()).map(|(was, is)| in_the_case_of(was, is)).collect()
    }

    /// Digits stay digits, and leading zeros stay zeros.
    fn shaped(&self, folded: &str, letters: Letters, n: u32) -> String {
        let many = if letters == Letters::Any { 26 } else { 6 };
        let (mut random, mut leading) = (self.stream("word", folded, n), true);
        let one = |was: char| {
            let random = random();
            let leads = leading;
            leading = !was.is_ascii_digit() || (leads && was == '0');
            match was {
                '0' if leads => was,
                '1'..='9' if leads => char::from(b'1' + random % 9),
                '0'..='9' => char::from(b'0' + random % 10),
                'a'..='z' => char::from(b'a' + random % many),
                other => of_its_class(other, random),
            }
        };
        folded.chars().map(one).collect()
    }

    /// Replaces each word of a text separately.
    pub(super) fn words(&mut self, text: &str) -> String {
        each_word(text, |word| Some(self.word(word)))
    }

    /// An IPv4 address (RFC 791) with as many digits in each part. It is never assigned: it is in 240.0.0.0/4,
    /// 10.0.0.0/8 or 0.0.0.0/8.
    pub(super) fn v4(&self, text: &str) -> String {
        let once = |n| {
            let mut random = self.stream("v4", text, n);
            let part = |(place, part): (usize, &str)| {
                let random = random();
                match (part.len(), place) {
                    _ if part == "0" => 0,
                    (1, 0) => 0,
                    (2, 0) => 10,
                    (3, 0) => 240 + random % 16,
                    (1, _) => 1 + random % 9,
                    (2, _) => 10 + random % 90,
                    _ => 100 + random % 156,
                }
            };
            text.split('.').enumerate().map(part).map(|part| part.to_string()).collect::<Vec<_>>().join(".")
        };
        let mut tries = (0..MAX_TRIES).map(once);
        tries.find(|new| new != text).unwrap_or_else(|| text.to_owned())
    }

    /// An IPv6 address (RFC 4291), replaced group by group. It is never assigned: it is outside of 2000::/3.
    pub(super) fn v6(&self, text: &str) -> String {
        let once = |n| {
            let (mut random, mut leading) = (self.stream("v6", text, n), true);
            let whole_group = text.split(':').next().is_some_and(|group| group.len() == 4);
            let one = |(place, was): (usize, char)| {
                let random = random();
                let leads = leading;
                leading = !was.is_ascii_digit() || (leads && was == '0');
                match was {
                    '0'..='9' if whole_group && place == 0 => char::from(b'4' + random % 6),
                    'a'..='f' | 'A'..='F' if whole_group && place == 0 => in_the_case_of(was, char::from(b'a' + random % 4)),
                    '0' if leads => was,
                    '1'..='9' if leads => char::from(b'1' + random % 9),
                    '0'..='9' => char::from(b'0' + random % 10),
                    'a'..='f' | 'A'..='F' => in_the_case_of(was, char::from(b'a' + random % 6)),
                    other => other,
                }
            };
            text.chars().enumerate().map(one).collect::<String>()
        };
        let mut tries = (0..MAX_TRIES).map(once);
        tries.find(|new| new != text).unwrap_or_else(|| text.to_owned())
    }

    /// Replaces a domain label by label. Its top-level domain is `qz` followed by `x`: ISO 3166 reserves the code for
    /// users, so no country has it, and no longer one exists.
    pub(super) fn domain(&mut self, domain: &str) -> String {
        let (labels, top) = domain.rsplit_once('.').map_or(("", domain), |(labels, _)| domain.split_at(labels.len() + 1));
        if !top.bytes().all(|b| b.is_ascii_alphabetic()) {
            return self.words(domain);
        }
        let nobodys = |(place, was): (usize, char)| {
            let letter = match place {
                0 if top.len() > 1 => 'q',
                1 => 'z',
                _ => 'x',
            };
            in_the_case_of(was, letter)
        };
        self.words(labels) + &top.chars().enumerate().map(nobodys).collect::<String>()
    }

    /// Bytes derived from the key and their purpose.
    pub(super) fn stream(&self, what: &str, of: &str, n: u32) -> impl FnMut() -> u8 + use<> {
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

/// A letter of a pseudonym in the case of the replaced letter. Without such a letter in its class: another character of
/// the class.
fn in_the_case_of(was: char, is: char) -> char {
    let is = if was.is_uppercase() { is.to_uppercase().next().unwrap_or(is) } else { is };
    if Class::of(is) == Class::of(was) { is } else { of_its_class(was, u32::from(is).to_le_bytes()[0]) }
}

/// Converts to lower case, one character to one.
pub(super) fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// From this length on, a word of digits and these letters is hexadecimal.
const MIN_HEX: usize = 8;

fn is_hex(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Calls `replace` for each word of a text (letters and digits). `None` keeps the word.
pub(super) fn each_word(text: &str, mut replace: impl FnMut(&str) -> Option<String>) -> String {
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len()));
        if !word.is_empty() {
            new.push_str(&replace(word).unwrap_or_else(|| word.to_owned()));
        }
        let (between, next) = after.split_at(after.find(char::is_alphanumeric).unwrap_or(after.len()));
        new.push_str(between);
        rest = next;
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(HashSet::new(), BTreeSet::new()).unwrap()
    }

    #[test]
    fn equal_values_have_equal_pseudonyms_and_others_differ() {
        let mut pseudonyms = pseudonyms();
        let words: Vec<String> = (1..2_000).map(|n| format!("{n:06}")).collect();
        let made: HashSet<String> = words.iter().map(|word| pseudonyms.word(word)).collect();
        assert_eq!(made.len(), words.len(), "pseudonyms are unique");
        assert!(words.iter().all(|word| pseudonyms.word(word) == pseudonyms.word(word) && pseudonyms.word(word) != *word));
        assert_ne!(Pseudonyms::new(HashSet::new(), BTreeSet::new()).unwrap().word("lena.vogt"), pseudonyms.word("lena.vogt"));
    }

    #[test]
    fn the_shape_stays() {
        let mut pseudonyms = pseudonyms();
        let (upper, lower) = (pseudonyms.word("LENA"), pseudonyms.word("Lena"));
        assert_eq!(upper.to_ascii_lowercase(), lower.to_ascii_lowercase());
        assert!(lower.starts_with(|c: char| c.is_ascii_uppercase()) && lower[1..].bytes().all(|b| b.is_ascii_lowercase()));
        assert!(pseudonyms.word("7f3a4a10").bytes().all(|b| b.is_ascii_hexdigit()));
        let marks = |text: &str| text.chars().filter(|c| !c.is_alphanumeric()).collect::<String>();
        let text = "Wo ist, bitte, #1042?";
        assert_eq!(marks(&pseudonyms.words(text)), marks(text));
        assert_eq!(pseudonyms.words("李 O'Neil").chars().count(), "李 O'Neil".chars().count());
    }

    #[test]
    fn every_script_keeps_its_bytes_and_its_kind() {
        let mut pseudonyms = pseudonyms();
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
            let other = pseudonyms.words(text);
            let classes = |text: &str| text.chars().map(Class::of).collect::<Vec<_>>();
            assert_eq!((other.len(), classes(&other)), (text.len(), classes(text)), "{text}: {other}");
            assert_ne!(other, text);
        }
        let (small, capital) = (pseudonyms.word("лена"), pseudonyms.word("ЛЕНА"));
        assert_eq!(capital.chars().map(lower).collect::<String>(), small, "all spellings have the same pseudonym");
    }

    #[test]
    fn words_are_found_between_any_characters() {
        let seen = |text: &str| {
            let mut words = Vec::new();
            let same = each_word(text, |word| {
                words.push(word.to_owned());
                None
            });
            assert_eq!(same, text);
            words
        };
        assert_eq!(seen("tel=+49171&a_b.c"), ["tel", "49171", "a", "b", "c"]);
        assert_eq!((seen("50%"), seen("ä-"), seen("")), (vec!["50".to_owned()], vec!["ä".to_owned()], vec![]));
    }
}
