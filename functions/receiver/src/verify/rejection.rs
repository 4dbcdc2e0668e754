//! Why a request isn't authentic.

use super::KeyDocument;
use super::http_message::{ComponentFault, DigestFault};
use tidings_config::time::Timestamp;
use tidings_config::{Component, Reference};

/// Why a request isn't authentic, with one variant for each failure. Only for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("header {0} is missing")]
    MissingHeader(String),
    #[error("header {0} occurs more than once")]
    RepeatedHeader(String),
    #[error("the signature in {0} is too long")]
    LongSignature(Reference),
    #[error("the signature header is malformed")]
    MalformedSignature,
    #[error("the request has more signatures than are tried")]
    TooManySignatures,
    #[error("{0}, which is signed, is missing")]
    MissingValue(Reference),
    #[error("the body, whose fields are signed, doesn't have this provider's format")]
    MalformedBody,
    #[error("the signature doesn't cover {0}, which this source requires")]
    NotCovered(Component),
    /// A component that a signature lists. The name is the sender's, shortened.
    #[error("the signed component {name} {fault}")]
    Component { name: String, fault: ComponentFault },
    #[error("the request has no signature with the label {0}")]
    NoLabel(String),
    /// The signature is valid, and the body isn't the signed one.
    #[error("{0}")]
    ContentDigest(DigestFault),
    #[error("the signature's algorithm isn't one that this provider uses")]
    ForeignAlgorithm,
    #[error("{0} isn't the expected value")]
    Unexpected(Reference),
    #[error("the timestamp isn't a number or an RFC 3339 time")]
    MalformedTimestamp,
    #[error("signed {age_seconds} s ago, allowed: {tolerance_seconds} s")]
    TooOld { age_seconds: u64, tolerance_seconds: u64 },
    #[error("signed {ahead_seconds} s ahead of our clock, allowed: {tolerance_seconds} s")]
    TooFarAhead { ahead_seconds: u64, tolerance_seconds: u64 },
    #[error("the key's address isn't one of this provider's")]
    ForeignKeyAddress,
    #[error("the certificate belongs to another host than this provider's")]
    ForeignCertificate,
    #[error("the provider's certificate isn't valid at this time")]
    ExpiredCertificate,
    #[error("a handshake gives a MAC of this signed text to any caller")]
    HandedOut,
    /// From one request with such a digest, anyone can make others with bytes that aren't UTF-8. A request that can't
    /// be distinguished from those isn't authentic, so it isn't stored either.
    #[error("the digest begins with the secret, and the body isn't UTF-8")]
    Lengthened,
    /// Every other check has passed.
    #[error("the provider's key isn't loaded")]
    KeyNeeded(NeededKey),
    #[error("the source has no tenant of this name")]
    UnknownTenant,
    #[error("the tenant is disabled")]
    DisabledTenant,
    /// Other secrets might fit.
    #[error("the signature doesn't match any secret")]
    Mismatch,
}

impl Rejection {
    /// Of two, the one that is easier to correct.
    pub(super) fn easier(so_far: Option<Self>, why: Self) -> Self {
        match so_far {
            Some(so_far) if so_far.hope() >= why.hope() => so_far,
            Some(_) | None => why,
        }
    }

    /// What could still make it verify: a fetched key, other secrets, or nothing.
    const fn hope(&self) -> u8 {
        match self {
            Self::KeyNeeded(_) | Self::ContentDigest(_) => 2,
            Self::Mismatch => 1,
            Self::MissingHeader(_)
            | Self::RepeatedHeader(_)
            | Self::LongSignature(_)
            | Self::MalformedSignature
            | Self::TooManySignatures
            | Self::MissingValue(_)
            | Self::MalformedBody
            | Self::NotCovered(_)
            | Self::Component { .. }
            | Self::NoLabel(_)
            | Self::ForeignAlgorithm
            | Self::Unexpected(_)
            | Self::MalformedTimestamp
            | Self::TooOld { .. }
            | Self::TooFarAhead { .. }
            | Self::ForeignKeyAddress
            | Self::ForeignCertificate
            | Self::ExpiredCertificate
            | Self::HandedOut
            | Self::Lengthened
            | Self::UnknownTenant
            | Self::DisabledTenant => 0,
        }
    }

    /// The code for metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "missing_header",
            Self::RepeatedHeader(_) => "repeated_header",
            Self::LongSignature(_) => "long_signature",
            Self::MalformedSignature => "malformed_signature",
            Self::TooManySignatures => "too_many_signatures",
            Self::MissingValue(_) => "missing_value",
            Self::MalformedBody => "malformed_body",
            Self::NotCovered(_) => "not_covered",
            Self::Component { .. } => "signed_component",
            Self::NoLabel(_) => "no_such_label",
            Self::ContentDigest(_) => "content_digest",
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
            Self::UnknownTenant => "unknown_tenant",
            Self::DisabledTenant => "disabled_tenant",
            Self::KeyNeeded(_) => "no_such_key",
            Self::Mismatch => "mismatch",
        }
    }
}

/// A public key that isn't loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededKey {
    pub url: String,
    pub kind: KeyDocument,
    /// When its address was last read; it had other keys.
    pub known_since: Option<Timestamp>,
}
