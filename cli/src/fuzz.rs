//! Inputs that are nearly right, for whatever reads files: none of them may end a command by a panic.
//!
//! Files that are read are changed a few times: a part is taken out, doubled, moved to another place, or replaced by what this form
//! gives a meaning to. The changes follow from a seed, which is always the same, so that a failure is there again the next time;
//! what it fails with is made as small as it can be, and printed. `TIDINGS_FUZZ_CASES` tries more of them.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Tries for each reader. Together they take some seconds.
const CASES: u32 = 100;

/// Parts that a part may be repeated at most.
const MAX_REPEATS: usize = 200;

/// What is special in any form, and numbers at the ends of their types.
const TOKENS: [&[u8]; 34] = [
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"\\u0000",
    b"\\ud83d",
    b"$'\\x",
    b"-\xff",
    b" -",
    b"%",
    b"&a=",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"-9223372036854775808",
    b"&a ",
    b"*a",
    b"<<: *a",
    b"!!binary ",
    b"|\n ",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
];

#[derive(Clone, Debug)]
enum Change {
    Take { at: usize, length: usize },
    Repeat { at: usize, length: usize, times: usize },
    Token { at: usize, token: usize },
    Byte { at: usize, byte: u8 },
    Cut { at: usize },
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        let at = || any::<usize>();
        prop_oneof![
            3 => (at(), 1..40_usize).prop_map(|(at, length)| Self::Take { at, length }),
            2 => (at(), 1..40_usize, 1..MAX_REPEATS).prop_map(|(at, length, times)| Self::Repeat { at, length, times }),
            6 => (at(), 0..TOKENS.len()).prop_map(|(at, token)| Self::Token { at, token }),
            3 => (at(), any::<u8>()).prop_map(|(at, byte)| Self::Byte { at, byte }),
            1 => at().prop_map(|at| Self::Cut { at }),
        ]
    }

    fn make(&self, bytes: &mut Vec<u8>) {
        let place = |at: usize| at % (bytes.len() + 1);
        let part = |at: usize, length: usize| place(at)..(place(at) + length).min(bytes.len());
        match *self {
            Self::Take { at, length } => drop(bytes.drain(part(at, length))),
            Self::Repeat { at, length, times } => {
                let (place, repeated) = (place(at), bytes[part(at, length)].repeat(times));
                bytes.splice(place..place, repeated);
            }
            Self::Token { at, token } => {
                let place = place(at);
                bytes.splice(place..place, TOKENS[token].iter().copied());
            }
            Self::Byte { at, byte } => {
                let place = place(at);
                if let Some(there) = bytes.get_mut(place) {
                    *there = byte;
                }
            }
            Self::Cut { at } => bytes.truncate(place(at)),
        }
    }
}

/// Gives `read` what these files may become. Whatever it makes of it, it must come back.
pub(crate) fn never_panics(files: &[&[u8]], read: impl Fn(&[u8])) {
    let cases = std::env::var("TIDINGS_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let inputs = (0..files.len(), prop::collection::vec(Change::any(), 0..8)).prop_map(|(file, changes)| {
        let mut bytes = files[file].to_vec();
        changes.iter().for_each(|change| change.make(&mut bytes));
        Shown(bytes)
    });
    let came_back = runner.run(&inputs, |input| {
        read(&input.0);
        Ok(())
    });
    came_back.unwrap_or_else(|error| panic!("{error}"));
}

/// A text of it, where it is one.
pub(crate) fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

struct Shown(Vec<u8>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

#[test]
#[should_panic(expected = "found it")]
fn what_panics_is_found() {
    never_panics(&[b"{\"a\": 1}"], |bytes| assert!(!bytes.windows(2).any(|two| two == b"-\xff"), "found it"));
}
