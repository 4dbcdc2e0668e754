//! Why a request isn't authentic.

use super::KeyDocument;
use tidings_config::Reference;
use tidings_config::time::Timestamp;

/// Why a request isn't authentic: one variant per way to fail. For our log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("header {0} is missing")]
    MissingHeader(String),
    #[error("header {0} is there more than once")]
    RepeatedHeader(String),
    #[error("the signature in {0} is too long")]
    LongSignature(Reference),
    #[error("the signature isn't written as this provider writes it")]
    MalformedSignature,
    #[error("more signatures than are tried")]
    TooManySignatures,
    #[error("{0}, which is part of what is signed, is missing")]
    MissingValue(Reference),
    #[error("the body, whose fields are what is signed, isn't what this provider sends")]
    MalformedBody,
    #[error("the token is signed in a way that this provider doesn't use")]
    ForeignAlgorithm,
    #[error("{0} isn't what was agreed on")]
    Unexpected(Reference),
    #[error("the timestamp is no time")]
    MalformedTimestamp,
    #[error("signed {age_seconds} s ago, allowed: {tolerance_seconds} s")]
    TooOld { age_seconds: u64, tolerance_seconds: u64 },
    #[error("signed {ahead_seconds} s ahead of our clock, allowed: {tolerance_seconds} s")]
    TooFarAhead { ahead_seconds: u64, tolerance_seconds: u64 },
    #[error("the key's address isn't one of this provider's")]
    ForeignKeyAddress,
    #[error("the certificate is of another host than this provider's")]
    ForeignCertificate,
    #[error("the provider's certificate isn't valid at this time")]
    ExpiredCertificate,
    #[error("what is signed is a text of which a handshake gives a MAC to whoever asks")]
    HandedOut,
    /// Of one request with such a digest anyone makes others, with bytes in them that are no text. What can't be told from those
    /// isn't authentic, and so it isn't kept either.
    #[error("a digest that begins with the secret, of a body that is no UTF-8")]
    Lengthened,
    /// All that could be checked without it is right.
    #[error("the provider's key isn't here")]
    KeyNeeded(NeededKey),
    /// Other secrets could mend it.
    #[error("the signature doesn't match any secret")]
    Mismatch,
}

impl Rejection {
    /// How much could still mend it: a key that is fetched, other secrets, nothing.
    pub(super) const fn hope(&self) -> u8 {
        match self {
            Self::KeyNeeded(_) => 2,
            Self::Mismatch => 1,
            Self::MissingHeader(_)
            | Self::RepeatedHeader(_)
            | Self::LongSignature(_)
            | Self::MalformedSignature
            | Self::TooManySignatures
            | Self::MissingValue(_)
            | Self::MalformedBody
            | Self::ForeignAlgorithm
            | Self::Unexpected(_)
            | Self::MalformedTimestamp
            | Self::TooOld { .. }
            | Self::TooFarAhead { .. }
            | Self::ForeignKeyAddress
            | Self::ForeignCertificate
            | Self::ExpiredCertificate
            | Self::HandedOut
            | Self::Lengthened => 0,
        }
    }

    /// A word for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "missing_header",
            Self::RepeatedHeader(_) => "repeated_header",
            Self::LongSignature(_) => "long_signature",
            Self::MalformedSignature => "malformed_signature",
            Self::TooManySignatures => "too_many_signatures",
            Self::MissingValue(_) => "missing_value",
            Self::MalformedBody => "malformed_body",
            Self::ForeignAlgorithm => "foreign_algorithm",
            Self::Unexpected(_) => "unexpected_value",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::TooOld { .. } => "too_old",
            Self::TooFarAhead { .. } => "too_far_ahead",
            Self::ForeignKeyAddress => "foreign_key_address",
            Self::ForeignCertificate => "foreign_certificate",
            Self::ExpiredCertificate => "expired_certificate",
            Self::HandedOut => "handed_out",
            Self::Lengthened => "lengthened",
            Self::KeyNeeded(_) => "no_such_key",
            Self::Mismatch => "mismatch",
        }
    }
}

/// A public key that isn't here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededKey {
    pub url: String,
    pub kind: KeyDocument,
    /// When its address was last read: it held other keys.
    pub known_since: Option<Timestamp>,
}
