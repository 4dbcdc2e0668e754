//! `Content-Digest` (RFC 9530): the body's digests in a header that the signature covers.

use super::super::{Rejection, mac};
use super::{bytes_of, dictionary};
use crate::delivery::Delivery;
use sha2::{Digest, Sha256, Sha512};
use tidings_config::CONTENT_DIGEST;

/// Why the digests don't prove the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestFault {
    #[error("the body has another sha-256 than content-digest")]
    Sha256,
    #[error("the body has another sha-512 than content-digest")]
    Sha512,
    #[error("content-digest has neither sha-256 nor sha-512")]
    NoneKnown,
    #[error("content-digest isn't a dictionary of digests")]
    Malformed,
}

/// Compares each known digest with the bytes as sent, in constant time. Older algorithms prove nothing and are ignored
/// (RFC 9530, section 5).
pub(in super::super) fn check(delivery: &Delivery) -> Result<(), Rejection> {
    let malformed = || Rejection::ContentDigest(DigestFault::Malformed);
    if !delivery.headers.contains_key(CONTENT_DIGEST) {
        return Err(Rejection::MissingHeader(CONTENT_DIGEST.to_owned()));
    }
    let digests = dictionary(&delivery.headers, CONTENT_DIGEST).map_err(|_| malformed())?;
    let mut known = 0;
    for (algorithm, fault) in [("sha-256", DigestFault::Sha256), ("sha-512", DigestFault::Sha512)] {
        let Some(entry) = digests.get(algorithm) else { continue };
        known += 1;
        let signed = bytes_of(entry).ok_or_else(malformed)?.to_vec();
        let made = match fault {
            DigestFault::Sha512 => Sha512::digest(&delivery.body).to_vec(),
            DigestFault::Sha256 | DigestFault::NoneKnown | DigestFault::Malformed => Sha256::digest(&delivery.body).to_vec(),
        };
        if !mac::equals_any(&made, &[signed]) {
            return Err(Rejection::ContentDigest(fault));
        }
    }
    if known == 0 { Err(Rejection::ContentDigest(DigestFault::NoneKnown)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn checked(digests: &[&str], body: &str) -> Result<(), Rejection> {
        let mut headers = HeaderMap::new();
        for line in digests {
            headers.append(CONTENT_DIGEST, line.parse().unwrap());
        }
        check(&Delivery { method: "POST".to_owned(), query: String::new(), headers, body: body.to_owned().into() })
    }

    /// RFC 9530, appendix D.1 and RFC 9421, appendix B.2.
    const SHA_256: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const SHA_512: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    const BODY: &str = r#"{"hello": "world"}"#;

    #[test]
    fn both_published_digests_are_those_of_the_body() {
        for lines in [vec![SHA_256], vec![SHA_512], vec![SHA_256, SHA_512], vec!["md5=:AAAA:", SHA_256]] {
            assert_eq!(checked(&lines, BODY), Ok(()), "{lines:?}");
        }
    }

    #[test]
    fn another_body_is_refused_and_the_digest_is_named() {
        assert_eq!(checked(&[SHA_256], "{}"), Err(Rejection::ContentDigest(DigestFault::Sha256)));
        assert_eq!(checked(&[SHA_512], "{}"), Err(Rejection::ContentDigest(DigestFault::Sha512)));
    }

    #[test]
    fn every_known_digest_must_fit() {
        let wrong = "sha-512=:AAAA:";
        assert_eq!(checked(&[SHA_256, wrong], BODY), Err(Rejection::ContentDigest(DigestFault::Sha512)));
    }

    #[test]
    fn a_digest_that_proves_nothing_is_refused() {
        for lines in [vec!["md5=:AAAA:"], vec!["sha=:AAAA:, crc32c=:AA==:"], vec![""]] {
            assert_eq!(checked(&lines, BODY), Err(Rejection::ContentDigest(DigestFault::NoneKnown)), "{lines:?}");
        }
        for lines in [vec!["sha-256=text"], vec!["sha-256"], vec!["sha-256=(:AAAA:)"], vec!["="]] {
            assert_eq!(checked(&lines, BODY), Err(Rejection::ContentDigest(DigestFault::Malformed)), "{lines:?}");
        }
        assert_eq!(checked(&[], BODY), Err(Rejection::MissingHeader(CONTENT_DIGEST.to_owned())));
    }
}
