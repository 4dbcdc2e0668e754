//! Counts the SMS messages of a text: GSM 03.38 (3GPP TS 23.038), and TS 23.040 for the parts of a long text.

/// The default alphabet: one septet each.
const ALPHABET: &str = concat!(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
);

/// Its extension: an escape and a septet each.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Septets that fit into a message of 140 bytes, and into a part of a long one, whose header takes six bytes.
const SEPTETS: (usize, usize) = (160, 153);
const UTF16: (usize, usize) = (70, 67);

/// Septets that a character takes. `None`: the character isn't in the alphabet.
fn septets(c: char) -> Option<usize> {
    if ALPHABET.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

pub(super) fn is_gsm(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

/// The number of messages. One character outside GSM's alphabet makes the whole text UTF-16.
pub(super) fn segments(text: &str) -> u32 {
    match text.chars().map(septets).collect::<Option<Vec<_>>>() {
        Some(sizes) => parts(&sizes, SEPTETS),
        None => parts(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), UTF16),
    }
}

/// The number of parts, without splitting a character.
fn parts(sizes: &[usize], (single, part): (usize, usize)) -> u32 {
    if sizes.iter().sum::<usize>() <= single {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > part {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}
