//! Forms of an idempotency key. All are made of the action's id, so that a repeated request has the same one.

use sha2::{Digest, Sha256};
use tidings_config::words;

words! {
    /// The form of a key that a provider takes.
    KeyForm {
        /// A UUID (version 8) of the id's first digits.
        Uuid = "uuid",
        /// The id: 64 hexadecimal digits.
        Id = "id",
        /// Its first 32 digits.
        Id32 = "id32",
        /// Its first 24 digits.
        Id24 = "id24",
    }
}

impl KeyForm {
    /// The key of an id.
    pub fn of(self, id: &str) -> String {
        match self {
            Self::Uuid => uuid_of(id),
            Self::Id => id.to_owned(),
            Self::Id32 => id.chars().take(32).collect(),
            Self::Id24 => id.chars().take(24).collect(),
        }
    }
}

/// A UUID of version 8 (RFC 9562: a form of one's own) of a hexadecimal id. An id that isn't hexadecimal is hashed first.
pub fn uuid_of(id: &str) -> String {
    let digits = id.as_bytes().get(..32).filter(|digits| digits.iter().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    let mut digits = digits.map_or_else(|| hex::encode(&Sha256::digest(id)[..16]).into_bytes(), <[u8]>::to_vec);
    digits[12] = b'8';
    let variant = char::from(digits[16]).to_digit(16).unwrap_or_default();
    digits[16] = b"89ab"[variant as usize & 3];
    let text = |range: std::ops::Range<usize>| String::from_utf8_lossy(&digits[range]).into_owned();
    [text(0..8), text(8..12), text(12..16), text(16..20), text(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_from_the_id() {
        let id = "9f4a8cfa91d1aa61b2acfebad0da00b54a44d80ff195ef3088e8cd9a294cf45a";
        assert_eq!(KeyForm::Uuid.of(id), "9f4a8cfa-91d1-8a61-b2ac-febad0da00b5");
        assert_eq!((KeyForm::Id.of(id).len(), KeyForm::Id32.of(id).as_str()), (64, &id[..32]));
        for other in ["", "short", "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ", &id.to_uppercase()] {
            assert_eq!(uuid_of(other).len(), 36, "{other}");
        }
    }
}
