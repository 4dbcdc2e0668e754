//! Pseudonyms: the same value has the same one as long as this lives, other values have others.
//!
//! A pseudonym has the shape of what it stands for: as many bytes, and for each character one of its [`Class`] (a digit, a capital, a
//! small letter, of the same script and width), so that what fails by a length or by a script fails in a capture too.
//!
//! They are made with a random key that nobody writes down. Without it nobody can try all telephone numbers until one fits; and
//! two folders don't agree on any.

use super::class::{Class, of_its_class};
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
        word.chars().zip(pseudonym.chars()).map(|(was, is)| in_the_case_of(was, is)).collect()
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
        let mut digits = Digits::new(n);
        let one = |(place, was): (usize, char)| {
            let random = random();
            match was {
                // What is a number as a whole stays one that doesn't begin with a zero, or does.
                '0' if is_number && place == 0 => digits.take(was, was),
                _ if place < kept => digits.take(was, was),
                '0'..='9' => digits.next(was, random),
                'a'..='z' => digits.take(was, char::from(b'a' + random % 26)),
                other => digits.take(was, of_its_class(other, random)),
            }
        };
        folded.chars().enumerate().map(one).collect()
    }

    /// Each word of a text by itself.
    pub(super) fn words(&mut self, text: &str) -> String {
        each_word(text, |word| Some(self.word(word)))
    }

    /// The digits of a text as one number, laid into what stands between them. The exponent of a JSON number stays.
    pub(super) fn number(&mut self, text: &str) -> String {
        let (mantissa, exponent) = text.split_at(text.find(['e', 'E']).unwrap_or(text.len()));
        let pseudonym = self.word(&digits(mantissa));
        let mut new = pseudonym.chars();
        let number: String = mantissa.chars().map(|c| if c.is_ascii_digit() { new.next().unwrap_or(c) } else { c }).collect();
        number + exponent
    }

    /// Of a text as a whole: what people wrote. Its words have no pseudonyms of their own, by which they could be guessed.
    pub(super) fn text(&self, text: &str) -> String {
        self.scrambled("text", text, b"abcdefghijklmnopqrstuvwxyz")
    }

    /// Of a key, a token, an id that nobody reads: hexadecimal stays hexadecimal.
    pub(super) fn opaque(&self, text: &str) -> String {
        let hex = text.bytes().all(|b| !b.is_ascii_alphanumeric() || b.is_ascii_hexdigit());
        self.scrambled("opaque", text, if hex { b"abcdef" } else { b"abcdefghijklmnopqrstuvwxyz" })
    }

    /// For each letter one of its class, for each digit a digit. What makes a text a URL stays: `https://`, `%C3`.
    fn scrambled(&self, what: &str, text: &str, letters: &[u8]) -> String {
        let once = |n| {
            let (mut random, mut digits) = (self.stream(what, text, n), Digits::new(n));
            let letter = |random: u8| letters[usize::from(random) % letters.len()];
            let mut one = |was: char| match was {
                '0'..='9' => digits.next(was, random()),
                'A'..='Z' => digits.take(was, char::from(letter(random()).to_ascii_uppercase())),
                'a'..='z' => digits.take(was, char::from(letter(random()))),
                was if was.is_alphanumeric() => digits.take(was, of_its_class(was, random())),
                other => digits.take(other, other),
            };
            pieces(text)
                .map(|(piece, stays)| if stays { piece.to_owned() } else { piece.chars().map(&mut one).collect() })
                .collect()
        };
        let mut tries = (0..MAX_TRIES).map(once);
        tries.find(|new: &String| new != text).unwrap_or_else(|| once(MAX_TRIES))
    }

    /// An address of the internet (RFC 791) with as many digits in each of its parts, which nobody has: of 240.0.0.0/4, 10.0.0.0/8 or
    /// 0.0.0.0/8.
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

    /// An address of the internet's sixth version (RFC 4291), group by group, which nobody has: what isn't of 2000::/3 is given to nobody.
    pub(super) fn v6(&self, text: &str) -> String {
        let once = |n| {
            let (mut random, mut digits) = (self.stream("v6", text, n), Digits::new(0));
            let whole_group = text.split(':').next().is_some_and(|group| group.len() == 4);
            let one = |(place, was): (usize, char)| {
                let random = random();
                match was {
                    '0'..='9' if whole_group && place == 0 => digits.take(was, char::from(b'4' + random % 6)),
                    'a'..='f' | 'A'..='F' if whole_group && place == 0 => {
                        digits.take(was, in_the_case_of(was, char::from(b'a' + random % 4)))
                    }
                    '0'..='9' => digits.next(was, random),
                    'a'..='f' | 'A'..='F' => digits.take(was, in_the_case_of(was, char::from(b'a' + random % 6))),
                    other => digits.take(other, other),
                }
            };
            text.chars().enumerate().map(one).collect::<String>()
        };
        let mut tries = (0..MAX_TRIES).map(once);
        tries.find(|new| new != text).unwrap_or_else(|| text.to_owned())
    }

    /// A domain, label by label. Its top-level domain is `qz` and some `x`: no country has it or will (ISO 3166 leaves it to users),
    /// and nobody has a longer one.
    pub(super) fn domain(&mut self, domain: &str) -> String {
        let (labels, top) = domain.rsplit_once('.').map_or((None, domain), |(labels, top)| (Some(labels), top));
        let nobodys = |(place, was): (usize, char)| {
            in_the_case_of(
                was,
                if place == 0 && top.len() > 1 {
                    'q'
                } else if place == 1 {
                    'z'
                } else {
                    'x'
                },
            )
        };
        let top = if top.bytes().all(|b| b.is_ascii_alphabetic()) {
            top.chars().enumerate().map(nobodys).collect()
        } else {
            self.words(top)
        };
        labels.map_or(top.clone(), |labels| format!("{}.{top}", self.words(labels)))
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

/// Digits one after the other: zeros at the beginning stay, and what follows them is none.
struct Digits {
    leading: bool,
    /// Of a number that is nothing but zeros there is no other: after so many tries they may become anything.
    strict: bool,
}

impl Digits {
    fn new(tried: u32) -> Self {
        Self { leading: true, strict: tried < MAX_TRIES / 2 }
    }

    fn next(&mut self, was: char, random: u8) -> char {
        let leading = self.leading;
        self.leading = leading && was == '0';
        match (leading && self.strict, was) {
            (true, '0') => '0',
            (true, _) => char::from(b'1' + random % 9),
            (false, _) => char::from(b'0' + random % 10),
        }
    }

    /// Another character than a digit, or a digit that was chosen: it stands between numbers, or ends the zeros.
    fn take(&mut self, was: char, is: char) -> char {
        self.leading = !was.is_ascii_digit() || (self.leading && was == '0');
        is
    }
}

/// A letter of a pseudonym where another one stood, in the same case; where it has none of that class, another of the class.
fn in_the_case_of(was: char, is: char) -> char {
    let is = if was.is_uppercase() { is.to_uppercase().next().unwrap_or(is) } else { is };
    if Class::of(is) == Class::of(was) { is } else { of_its_class(was, u32::from(is).to_le_bytes()[0]) }
}

/// One character for one.
pub(super) fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

pub(super) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A text in pieces, and whether a piece stays as it is: what is percent-encoded, and the scheme of a URL.
fn pieces(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, stays) = match fixed(rest) {
            0 => {
                let next = rest.char_indices().skip(1).map(|(at, _)| at).find(|at| begins_fixed(rest, *at));
                (&rest[..next.unwrap_or(rest.len())], false)
            }
            length => (&rest[..length], true),
        };
        rest = &rest[piece.len()..];
        (!piece.is_empty()).then_some((piece, stays))
    })
}

/// Whether something begins here that stays. A scheme begins where no word goes on.
fn begins_fixed(text: &str, at: usize) -> bool {
    let goes_on = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    (text[at..].starts_with('%') || !goes_on) && fixed(&text[at..]) > 0
}

/// How many bytes at the beginning stay.
fn fixed(text: &str) -> usize {
    let bytes = text.as_bytes();
    if let [b'%', high, low, ..] = bytes
        && high.is_ascii_hexdigit()
        && low.is_ascii_hexdigit()
    {
        return 3;
    }
    let is_scheme =
        |scheme: &&str| bytes.get(..scheme.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(scheme.as_bytes()));
    ["https://", "http://"].iter().find(|scheme| is_scheme(scheme)).map_or(0, |scheme| scheme.len())
}

/// Gives each word of a text (letters and digits) to `replace`, which may leave it. What [stays](pieces) belongs to no word.
pub(super) fn each_word(text: &str, mut replace: impl FnMut(&str) -> Option<String>) -> String {
    let mut new = String::with_capacity(text.len());
    for (piece, stays) in pieces(text) {
        let mut rest = piece;
        while !rest.is_empty() {
            let end = if stays { 0 } else { rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len()) };
            let (word, after) = rest.split_at(end);
            if !word.is_empty() {
                new.push_str(&replace(word).unwrap_or_else(|| word.to_owned()));
            }
            let between = if stays { after.len() } else { after.chars().next().map_or(0, char::len_utf8) };
            new.push_str(&after[..between]);
            rest = &after[between..];
        }
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
                let classes = |text: &str| text.chars().map(Class::of).collect::<Vec<_>>();
                assert_eq!(classes(other), classes(text), "{text}: {other}");
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
    fn what_makes_a_text_a_url_stays_in_it() {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        let text = "see https://lena.example/caf%C3%A9?u=lena and HTTP://X, xhttps://y, 5%, %zz";
        for new in [pseudonyms.text(text), pseudonyms.words(text), pseudonyms.opaque(text)] {
            assert!(new.contains(" https://") && new.contains("%C3%A9?") && new.contains(" HTTP://"), "{new}");
            assert!(!new.contains("lena") && !new.contains("xhttps"), "{new}");
        }
        let joined: String = pieces(text).map(|(piece, _)| piece).collect();
        assert_eq!(joined, text);
    }

    #[test]
    fn zeros_at_the_beginning_a_sign_and_an_exponent_stay() {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        for (text, begins) in [("007", "00"), ("-0.0512", "-0.0"), ("a0042", "a00"), ("+49 (0) 171", "+"), ("-12.50", "-")] {
            for _ in 0..3 {
                let new = if begins.starts_with('a') { pseudonyms.opaque(text) } else { pseudonyms.number(text) };
                let zeros =
                    |text: &str| text.trim_start_matches(|c: char| !c.is_ascii_digit()).chars().take_while(|c| *c == '0').count();
                assert_eq!((zeros(&new), new.len()), (zeros(text), text.len()), "{text}: {new}");
                assert!(new != text && (begins.starts_with('a') || new.starts_with(begins)), "{text}: {new}");
            }
        }
        let (large, small) = (pseudonyms.number("1.25e300"), pseudonyms.number("7E-12"));
        assert!(large.ends_with("e300") && small.ends_with("E-12") && large != "1.25e300", "{large} {small}");
        assert!(large.parse::<serde_json::Number>().is_ok());
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
