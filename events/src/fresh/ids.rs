//! Another id of the same form.

/// The fewest random characters of an id: with fewer, two sends would soon share an id. A shorter id is extended.
const MIN_RANDOM: usize = 9;

/// Whether a value may be the id of one event: it has a digit, or is too long for a word that people chose.
pub(super) fn is_like_one(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() > 24
}

/// A new id. The text before the first part with a digit, such as `evt_` and `ord-evt-`, stays. A digit is replaced
/// by a digit, a letter by a letter of its case, and a hexadecimal letter by a hexadecimal one.
pub(super) fn like(id: &str, random: &mut dyn FnMut() -> u8) -> String {
    let (head, tail) = id.split_at(prefix(id));
    let is_hex = tail.chars().all(|c| !c.is_alphanumeric() || c.is_ascii_hexdigit());
    let is_uuid = is_hex && tail.len() == 36 && [8, 13, 18, 23].iter().all(|at| tail.as_bytes()[*at] == b'-');
    let mut new = head.to_owned();
    let mut drawn = 0;
    for (n, c) in tail.chars().enumerate() {
        // The version and the variant of a UUID aren't random.
        let stays = is_uuid && (n == 14 || n == 19);
        let drawn_now = if stays { None } else { another(c, is_hex, n == 0, random) };
        drawn += usize::from(drawn_now.is_some());
        new.push(drawn_now.unwrap_or(c));
    }
    // Appends digits to an id with too few random characters.
    while drawn < MIN_RANDOM {
        new.push(digit(random));
        drawn += 1;
    }
    new
}

/// The length of the prefix: parts of letters only, each with the sign after it; or a few letters before a digit.
fn prefix(id: &str) -> usize {
    let mut end = 0;
    for part in id.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let is_word = part.ends_with(|c: char| !c.is_alphanumeric()) && !part.contains(|c: char| c.is_ascii_digit());
        if !is_word || part.len() > 12 {
            break;
        }
        end += part.len();
    }
    let letters = id[end..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(0);
    if letters <= 3 && id[end + letters..].starts_with(|c: char| c.is_ascii_digit()) { end + letters } else { end }
}

/// `None`: it is neither a digit nor a letter, and stays.
fn another(c: char, is_hex: bool, is_first: bool, random: &mut dyn FnMut() -> u8) -> Option<char> {
    let letter = |first: u8, random: &mut dyn FnMut() -> u8| char::from(first + random() % if is_hex { 6 } else { 26 });
    match c {
        // A number doesn't begin with a zero, and keeps its length.
        '0' if is_first => Some('0'),
        '1'..='9' if is_first => Some(char::from(b'1' + random() % 9)),
        '0'..='9' => Some(digit(random)),
        'a'..='z' => Some(letter(b'a', random)),
        'A'..='Z' => Some(letter(b'A', random)),
        _ => None,
    }
}

fn digit(random: &mut dyn FnMut() -> u8) -> char {
    char::from(b'0' + random() % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudorandom bytes, the same in each run.
    fn random() -> impl FnMut() -> u8 {
        let mut state = 1_u32;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        }
    }

    /// Digits as `0`, letters as `a` and `A`.
    fn form(id: &str) -> String {
        let of = |c: char| match c {
            '0'..='9' => '0',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            other => other,
        };
        id.chars().map(of).collect()
    }

    #[test]
    fn a_new_id_has_the_form_of_the_old_one() {
        let mut random = random();
        for (id, prefix) in [
            ("evt_1TidingsCheckout1042", "evt_"),
            ("msg_p5jXN8AQM9LWM0D4loKWxJek", "msg_"),
            ("cs_test_b1TidingsKaffee", "cs_test_"),
            ("Ev0TIDINGS001", "Ev"),
            ("01EVTIDINGS0TRIGGERED0042", ""),
            ("wamid.HBgMNDkxNzEzOTIwMDEyFQIA", "wamid."),
            ("7f3a4a10-c5a1-11f1-9d2e-1042c0ffee07", ""),
            ("4c9ab4d4bf3fb2b8d9e4a6e1c3", ""),
            ("987654321", ""),
        ] {
            let (one, other) = (like(id, &mut random), like(id, &mut random));
            assert!(one != id && one != other, "{id}: {one}, {other}");
            assert_eq!(form(&one), form(id));
            assert!(one.starts_with(prefix), "{id}: {one}");
        }
        let uuid = like("7f3a4a10-c5a1-41f1-9d2e-1042c0ffee07", &mut random);
        assert_eq!((&uuid[14..15], &uuid[19..20]), ("4", "9"), "{uuid}");
        assert!(uuid.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{uuid}");
    }

    #[test]
    fn a_short_id_is_extended_so_that_ids_are_unique() {
        let mut random = random();
        let new = like("ord-evt-3001", &mut random);
        assert!(new.starts_with("ord-evt-") && new["ord-evt-".len()..].parse::<u64>().is_ok_and(|n| n >= 100_000_000), "{new}");
        let ids: std::collections::BTreeSet<String> = (0..1_000).map(|_| like("1", &mut random)).collect();
        assert_eq!(ids.len(), 1_000);
    }

    #[test]
    fn a_word_is_not_an_id() {
        for (text, expected) in [("delivered", false), ("orders/fulfilled", false), ("wamid.x1", true), ("42", true)] {
            assert_eq!(is_like_one(text), expected, "{text}");
        }
    }
}
