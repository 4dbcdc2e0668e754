//! Fuzz tests with nearly valid inputs, for everything that reads files: no input may cause a panic.
//!
//! Each input is a valid file with a few changes: a part is removed, duplicated, moved, or replaced by a token of the
//! format. The changes follow from a fixed seed, so a failure is reproducible. A failing input is minimised and
//! printed. `TIDINGS_FUZZ_CASES` sets the number of inputs.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Inputs for each reader. Together they take some seconds.
const CASES: u32 = 100;

/// The highest number of copies of one part.
const MAX_REPEATS: usize = 200;

/// Special tokens of all formats, and numbers at the limits of their types.
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

/// Calls `read` with variants of these files. It may return anything, but mustn't panic.
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

/// The input as text; invalid UTF-8 is replaced.
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
fn a_panic_is_found() {
    never_panics(&[b"{\"a\": 1}"], |bytes| assert!(!bytes.windows(2).any(|two| two == b"-\xff"), "found it"));
}
