//! Percent-encoded texts, as in URLs: decoded, replaced, and encoded in the same way.

/// Decodes the text, calls `replace`, and encodes the result. `replace` must keep the number of characters and the
/// bytes of each.
pub(super) fn decoded(text: &str, replace: impl FnOnce(&str) -> String) -> String {
    let read = characters(text);
    if read.iter().all(|(_, written)| *written == Written::Plain) {
        return replace(text);
    }
    let new = replace(&read.iter().map(|(c, _)| *c).collect::<String>());
    let mut written = String::with_capacity(text.len());
    for ((was, how), is) in read.iter().zip(new.chars()) {
        match how {
            Written::Plain => written.push(is),
            // An octet can't represent a character beyond Latin-1.
            Written::Octet => written += &encoded(&[u8::try_from(is).or(u8::try_from(*was)).unwrap_or_default()]),
            Written::Encoded => written += &encoded(is.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    written
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Plain,
    /// Percent-encoded UTF-8.
    Encoded,
    /// A byte that isn't valid UTF-8, read as Latin-1.
    Octet,
}

fn characters(text: &str) -> Vec<(char, Written)> {
    let mut read = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let bytes = octets(rest);
        if bytes.is_empty() {
            read.push((first, Written::Plain));
            rest = &rest[first.len_utf8()..];
            continue;
        }
        rest = &rest[3 * bytes.len()..];
        for chunk in bytes.utf8_chunks() {
            read.extend(chunk.valid().chars().map(|c| (c, Written::Encoded)));
            read.extend(chunk.invalid().iter().map(|byte| (char::from(*byte), Written::Octet)));
        }
    }
    read
}

/// The percent-encoded bytes at the beginning.
fn octets(text: &str) -> Vec<u8> {
    let octet = |three: &[u8]| {
        let digits = std::str::from_utf8(three.strip_prefix(b"%")?).ok().filter(|digits| !digits.starts_with('+'))?;
        u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
    };
    text.as_bytes().chunks(3).map_while(octet).collect()
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_text_is_decoded_replaced_and_encoded_again() {
        let upper = |text: &str| text.to_uppercase();
        for (text, new) in [
            ("u=lena%40vogt.de", "U=LENA%40VOGT.DE"),
            ("caf%C3%A9", "CAF%C3%89"),
            ("%D0%9B%d0%b5", "%D0%9B%D0%95"),
            ("%6Cena 5% %zz %+1", "%4CENA 5% %ZZ %+1"),
            ("m%FCller", "M%DCLLER"),
            ("plain", "PLAIN"),
        ] {
            assert_eq!(decoded(text, upper), new);
        }
    }
}
