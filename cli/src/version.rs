//! The answer to `--version`: the version, and the commit that the program was built from.
//!
//! A module of `main.rs` alone: a new commit recompiles the program's entry and no library.

include!(concat!(env!("OUT_DIR"), "/commits.rs"));

/// `abc1234 2026-11-30`: the commit and its date, as `infra/release` gives them.
const RELEASED: Option<&str> = option_env!("TIDINGS_COMMIT");

/// As many digits of a commit's hash as git shows.
const SHORT: usize = 7;

const NEWEST: Option<[u8; SHORT]> = newest(REFLOG);

/// `0.2.0 (abc1234 2026-11-30)` of a release, `0.2.0 (abc1234)` of a build in a checkout, `0.2.0` of any other build.
pub(crate) fn version() -> String {
    let number = env!("CARGO_PKG_VERSION");
    match (RELEASED, NEWEST) {
        (Some(commit), _) => format!("{number} ({commit})"),
        (None, Some(hash)) => format!("{number} ({})", String::from_utf8_lossy(&hash)),
        (None, None) => number.to_owned(),
    }
}

/// The hash that the last line of a reflog (`OLD NEW NAME <MAIL> TIME ZONE TAB MESSAGE`) ends at. Evaluated by the
/// compiler, so that the program has this hash and not the names and addresses of the lines.
const fn newest(reflog: &[u8]) -> Option<[u8; SHORT]> {
    let mut start = reflog.len().saturating_sub(1);
    while start > 0 && reflog[start - 1] != b'\n' {
        start -= 1;
    }
    let mut at = start;
    while at < reflog.len() && reflog[at] != b' ' {
        at += 1;
    }
    let mut hash = [0; SHORT];
    let mut digit = 0;
    while digit < SHORT {
        let place = at + 1 + digit;
        if place >= reflog.len() || !reflog[place].is_ascii_hexdigit() {
            return None;
        }
        hash[digit] = reflog[place];
        digit += 1;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_commit_is_the_second_hash_of_the_last_line() {
        let line = |old: &str, new: &str| format!("{old:0<40} {new:0<40} Ann <ann@example.org> 1764489600 +0100\tcommit: x\n");
        let two = [line("0", "abc1234f"), line("abc1234f", "def5678a")].concat();
        assert_eq!(newest(line("0", "abc1234f").as_bytes()), Some(*b"abc1234"));
        assert_eq!(newest(two.as_bytes()), Some(*b"def5678"));
        for other in ["", "\n", "abc1234", "abc1234 def", "abc1234 not-hex-"] {
            assert_eq!(newest(other.as_bytes()), None, "{other:?}");
        }
    }
}
