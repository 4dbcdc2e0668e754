//! `Content-Encoding`: decodes a compressed body.
//!
//! Promises: at most [`MAX_BODY_BYTES`] plus one byte are inflated, for any sender. The header isn't signed, so bytes
//! that don't fit it are used unchanged. The source's [`SignedBody`] says which bytes are signed.

use crate::delivery::Delivery;
use crate::raw_body::RawBody;
use crate::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::CONTENT_ENCODING;
use std::io::Read;
use tidings_config::limits::MAX_BODY_BYTES;
use tidings_config::source::SignedBody;
use tidings_core::envelope::Envelope;
use tidings_core::unreadable::Packed;

/// A delivery, and its decoded content.
#[derive(Debug)]
pub(crate) struct Opened {
    sent: Delivery,
    inside: Inside,
}

#[derive(Debug)]
enum Inside {
    /// It isn't compressed.
    Same,
    Inflated(Box<Delivery>),
    /// It begins as its encoding does, and can't be inflated to its end.
    Broken,
}

/// The result of inflating.
#[derive(Debug, PartialEq, Eq)]
enum Inflated {
    /// The bytes aren't compressed in this way.
    Not,
    Bytes(Vec<u8>),
    Broken,
    TooLarge,
}

impl Opened {
    /// `Err`: the decoded content exceeds the largest body.
    pub(crate) fn of(sent: Delivery) -> Result<Self, Reply> {
        let inside = match inflate(&encoding(&sent), &sent.body) {
            Inflated::Not => Inside::Same,
            Inflated::Bytes(body) => {
                let (method, query, headers) = (sent.method.clone(), sent.query.clone(), sent.headers.clone());
                Inside::Inflated(Box::new(Delivery { method, query, headers, body: body.into() }))
            }
            Inflated::Broken => Inside::Broken,
            Inflated::TooLarge => return Err(Reply::TooLarge),
        };
        Ok(Self { sent, inside })
    }

    /// The delivery with the decoded content; as sent if it couldn't be inflated.
    pub(crate) fn content(&self) -> &Delivery {
        match &self.inside {
            Inside::Inflated(delivery) => delivery,
            Inside::Same | Inside::Broken => &self.sent,
        }
    }

    /// The bytes that may be signed, the likelier first: HTTP stacks that inflate do so before the application sees the body.
    pub(crate) fn signed(&self, signed: SignedBody) -> Vec<&Delivery> {
        match (&self.inside, signed) {
            (Inside::Inflated(plain), SignedBody::Either) => vec![plain, &self.sent],
            (Inside::Inflated(plain), SignedBody::Plain) => vec![plain],
            (Inside::Inflated(_), SignedBody::Compressed) | (Inside::Same | Inside::Broken, _) => vec![&self.sent],
        }
    }

    /// What an event is read from. `None`: it couldn't be inflated.
    pub(crate) fn inside(&self) -> Option<&RawBody> {
        match &self.inside {
            Inside::Broken => None,
            Inside::Inflated(_) | Inside::Same => Some(&self.content().body),
        }
    }
}

/// The bytes of an unreadable delivery, as sent. `None`: it is an event, or the bytes can't be unpacked.
pub fn unpacked(envelope: &Envelope) -> Option<Vec<u8>> {
    envelope.unreadable()?;
    let bytes = STANDARD.decode(envelope.data_base64.as_ref()?).ok()?;
    match envelope.datapacked {
        None => Some(bytes),
        Some(Packed::Gzip) => match read(MultiGzDecoder::new(&bytes[..])) {
            Inflated::Bytes(bytes) => Some(bytes),
            Inflated::Not | Inflated::Broken | Inflated::TooLarge => None,
        },
    }
}

/// In lower case. Empty: there is none.
fn encoding(delivery: &Delivery) -> String {
    let value = delivery.headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim().to_ascii_lowercase()
}

fn inflate(encoding: &str, body: &[u8]) -> Inflated {
    match encoding {
        "gzip" | "x-gzip" if body.starts_with(&[0x1f, 0x8b]) => read(MultiGzDecoder::new(body)),
        // The name stands for zlib's format; some senders use raw deflate.
        "deflate" if is_zlib(body) => read(ZlibDecoder::new(body)),
        "deflate" => {
            let mut decoder = DeflateDecoder::new(body);
            let inflated = read(&mut decoder);
            let is_all = decoder.total_in() == body.len() as u64;
            match inflated {
                Inflated::Bytes(bytes) if is_all => Inflated::Bytes(bytes),
                Inflated::TooLarge => Inflated::TooLarge,
                Inflated::Bytes(_) | Inflated::Broken | Inflated::Not => Inflated::Not,
            }
        }
        _ => Inflated::Not,
    }
}

/// RFC 1950: the method is 8, and the first two bytes are a multiple of 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

/// A decompression bomb is detected by its first byte beyond the limit.
fn read(decoder: impl Read) -> Inflated {
    let mut bytes = Vec::new();
    match decoder.take(MAX_BODY_BYTES as u64 + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() > MAX_BODY_BYTES => Inflated::TooLarge,
        Ok(_) => Inflated::Bytes(bytes),
        Err(_) => Inflated::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn content_is_decoded_in_each_encoding() {
        let json = br#"{"type":"a.b"}"#;
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(json).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(json).unwrap();
        let two_members = [gzip(&json[..5]), gzip(&json[5..])].concat();
        for (encoding, body) in [
            ("gzip", gzip(json)),
            ("x-gzip", gzip(json)),
            ("gzip", two_members),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
        ] {
            assert_eq!(inflate(encoding, &body), Inflated::Bytes(json.to_vec()), "{encoding}");
            assert_eq!(inflate("", &body), Inflated::Not, "only with the header");
        }
    }

    #[test]
    fn an_uncompressed_body_is_used_unchanged() {
        for encoding in ["", "identity", "gzip", "deflate", "br", "gzip, gzip"] {
            for body in [&b""[..], b"{", br#"{"type":"a.b"}"#, b"[1,2,3]", b"a=b&c=d", "\u{feff}{}".as_bytes()] {
                assert_eq!(inflate(encoding, body), Inflated::Not, "{encoding} {body:?}");
            }
        }
    }

    #[test]
    fn a_truncated_or_changed_body_is_broken() {
        let whole = gzip(&[b'x'; 4_000]);
        for cut in 2..whole.len() {
            assert_eq!(inflate("gzip", &whole[..cut]), Inflated::Broken, "{cut}");
        }
        let mut changed = whole.clone();
        let checksum = changed.len() - 5;
        changed[checksum] ^= 1;
        assert_eq!(inflate("gzip", &changed), Inflated::Broken);
        assert_eq!(inflate("gzip", &[whole, b"more".to_vec()].concat()), Inflated::Broken);
    }

    #[test]
    fn a_decompression_bomb_is_refused_at_the_limit() {
        let largest = vec![b' '; MAX_BODY_BYTES];
        assert!(matches!(inflate("gzip", &gzip(&largest)), Inflated::Bytes(bytes) if bytes == largest));
        assert_eq!(inflate("gzip", &gzip(&vec![b' '; MAX_BODY_BYTES + 1])), Inflated::TooLarge);
        // A member of one MiB of blanks, a thousand times: a gigabyte in a megabyte.
        let bomb = gzip(&largest).repeat(1_000);
        assert!(bomb.len() < 2 << 20);
        assert_eq!(inflate("gzip", &bomb), Inflated::TooLarge);
    }
}
