//! How requests are signed, as data. `coverage` computes what a scheme covers and what makes it unsafe.

use super::address::{AddressPattern, NamePattern};
use super::http_message::HttpMessage;
use super::{JsonPath, OneOrMany, Reference, Template};
use crate::limits::DEFAULT_TOLERANCE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How requests are signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    pub algorithm: Algorithm,
    pub signature: Signature,
    #[serde(default)]
    pub key: KeyPreparation,
    /// The signed message, such as `{sig:t}.{body}`. A token signs nothing and has none; a JSON Web Token signs itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Template>,
    /// The list of events, if events are signed one by one. All signatures must be valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<JsonPath>,
    /// The place of the body's SHA-256 in hexadecimal, for schemes that sign it instead of the body. It may be
    /// missing if the body is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<Reference>,
    /// The place of the SHA-256 of the provider's URL for this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_sha256: Option<Reference>,
    /// The forms in which the provider may have signed the URL. Each is tried.
    #[serde(default, skip_serializing_if = "UrlForm::is_given")]
    pub urls: UrlForm,
    /// Required values: each reference must have one of its values, in addition to a valid signature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect: BTreeMap<Reference, OneOrMany<Template>>,
    /// Which JSON Web Tokens are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt>,
    /// Which HTTP message signatures (RFC 9421) are accepted. The message is `{canonical:http-message}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_message: Option<HttpMessage>,
    /// Where the provider's public key is fetched. The secret is then the value that was agreed on with the provider
    /// in addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_key: Option<RemoteKey>,
    /// True: the provider signs only a part of what it sends, and the operator accepts that. Otherwise such a scheme
    /// is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The place of the signing time. Absent if the provider signs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SignedTimestamp>,
}

/// How a signature is made and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Algorithm {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
    /// For old providers. HMAC remains secure despite the weaknesses of SHA-1 and MD5.
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    #[serde(rename = "hmac-md5")]
    HmacMd5,
    /// The secret is the provider's public key.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// With SHA-256; the secret is the provider's public key as SPKI, the signature ASN.1.
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// The same with a signature of two numbers, as HTTP message signatures have it.
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    /// PSS with SHA-512, 2,048 bits or more. The secret is the provider's public key as SPKI.
    #[serde(rename = "rsa-pss-sha512")]
    RsaPssSha512,
    /// PKCS #1 v1.5, 2,048 bits or more. The public key is fetched, or the secret is the public key as SPKI.
    #[serde(rename = "rsa-sha256")]
    RsaSha256,
    /// The same, or with SHA-1.
    #[serde(rename = "rsa-sha256-or-sha1")]
    RsaSha256OrSha1,
    /// A JSON Web Token (RFC 7519); see [`Jwt`].
    #[serde(rename = "jwt")]
    Jwt,
    /// A plain digest of a message that holds `{secret}`.
    #[serde(rename = "sha256")]
    Sha256,
    /// The request contains the secret itself. It proves the sender and protects no part of the request.
    #[serde(rename = "token")]
    Token,
}

impl Algorithm {
    /// The name in configuration files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacMd5 => "hmac-md5",
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::RsaSha256 => "rsa-sha256",
            Self::RsaSha256OrSha1 => "rsa-sha256-or-sha1",
            Self::Jwt => "jwt",
            Self::Sha256 => "sha256",
            Self::Token => "token",
        }
    }

    /// How it proves: all else about an algorithm follows from this.
    pub const fn family(self) -> Family {
        match self {
            Self::HmacSha256 => Family::Digest(Digest::HmacSha256),
            Self::HmacSha512 => Family::Digest(Digest::HmacSha512),
            Self::HmacSha1 => Family::Digest(Digest::HmacSha1),
            Self::HmacMd5 => Family::Digest(Digest::HmacMd5),
            Self::Sha256 => Family::Digest(Digest::Sha256),
            Self::Ed25519 => Family::PublicKey(PublicKeyKind::Ed25519),
            Self::EcdsaP256 => Family::PublicKey(PublicKeyKind::EcdsaP256 { fixed: false }),
            Self::EcdsaP256Sha256 => Family::PublicKey(PublicKeyKind::EcdsaP256 { fixed: true }),
            Self::RsaPssSha512 => Family::PublicKey(PublicKeyKind::RsaPss),
            Self::RsaSha256 => Family::PublicKey(PublicKeyKind::Rsa { or_sha1: false }),
            Self::RsaSha256OrSha1 => Family::PublicKey(PublicKeyKind::Rsa { or_sha1: true }),
            Self::Jwt => Family::Jwt,
            Self::Token => Family::Secret,
        }
    }

    /// The digest that both sides make.
    pub const fn digest(self) -> Option<Digest> {
        match self.family() {
            Family::Digest(digest) => Some(digest),
            Family::PublicKey(_) | Family::Jwt | Family::Secret => None,
        }
    }

    /// The kind of key that verifies what only the provider can sign.
    pub const fn public_key(self) -> Option<PublicKeyKind> {
        match self.family() {
            Family::PublicKey(kind) => Some(kind),
            Family::Digest(_) | Family::Jwt | Family::Secret => None,
        }
    }
}

/// How an algorithm proves that a request is the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Both sides make a digest with the secret.
    Digest(Digest),
    /// The provider signs with a private key.
    PublicKey(PublicKeyKind),
    /// A JSON Web Token, whose algorithms are in [`Jwt`].
    Jwt,
    /// The request holds the secret.
    Secret,
}

/// Which digest. A JSON Web Token has one that no scheme names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    HmacMd5,
    HmacSha1,
    HmacSha256,
    HmacSha384,
    HmacSha512,
    /// Of a message that holds the secret.
    Sha256,
}

/// Which kind of public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKeyKind {
    Ed25519,
    /// `fixed`: the signature is two numbers of 32 bytes. Otherwise it is ASN.1.
    EcdsaP256 {
        fixed: bool,
    },
    /// PSS with SHA-512.
    RsaPss,
    /// PKCS #1 v1.5 with SHA-256. `or_sha1`: or with SHA-1.
    Rsa {
        or_sha1: bool,
    },
}

/// Where the signature is and how it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// `header:NAME`, `query:NAME`, `json:PATH`, `form:FIELD`, or `body` (the body is then the token). With several
    /// places, each may contain a signature.
    pub from: OneOrMany<Reference>,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default)]
    pub written: Written,
}

impl Signature {
    /// Its places, as readable text.
    pub fn places(&self) -> String {
        let place = |place: &Reference| place.header().map_or_else(|| place.to_string(), str::to_owned);
        self.from.0.iter().map(place).collect::<Vec<_>>().join(", ")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// A token as plain text.
    #[default]
    Text,
    Hex,
    /// With or without padding.
    Base64,
    /// URL-safe, with or without padding.
    Base64url,
}

/// How the place contains the signature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Written {
    /// The signature alone.
    #[default]
    Plain,
    /// The signature after a fixed text, compared without case: `sha256=` in `sha256=5f…`.
    Prefix(String),
    /// A list of `key=value`: `t=1,v1=5f…,v1=a0…`. All fields with that key are tried; the others can be used as `sig:t`.
    Fields {
        key: String,
        #[serde(default = "comma")]
        separator: String,
    },
    /// A list by position: `1795168800,5f…,a0…`. The first `skip` entries are fields, `sig:0` and so on; all others are tried.
    Positional {
        skip: usize,
        #[serde(default = "comma")]
        separator: String,
    },
    /// A list of `tag,signature`: `v1,5f… v1a,a0…`. All entries with that tag are tried; `*` tries all.
    Tagged {
        tag: String,
        #[serde(default = "space")]
        separator: String,
        #[serde(default = "comma")]
        tag_separator: String,
    },
}

fn comma() -> String {
    ",".to_owned()
}

fn space() -> String {
    " ".to_owned()
}

/// How the key is made from the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPreparation {
    #[serde(default)]
    pub encoding: KeyEncoding,
    /// A prefix to remove first, if the secret has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_prefix: Option<String>,
    /// The secret is a name and the key, with this text between them: `public|private`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_by: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// The bytes of the text.
    #[default]
    Utf8,
    Hex,
    Base64,
    /// The SHA-1 of the text.
    Sha1,
    /// A public key as a JSON Web Key (RFC 7517), a set of them, or `{"key": …}` around one, as the provider's API gives it.
    Jwk,
}

/// How a provider writes the signed URL, if that can differ from the registered URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UrlForm {
    /// The registered URL, with the query as sent.
    #[default]
    Given,
    /// As registered, or with `%3A %2F %3F %40 %21 %24 %27 %28 %29 %2A %2C %3B` decoded: HubSpot's version 3.
    Decoded,
    /// With and without the port. The query as sent with invalid characters escaped, or decoded and escaped again: Twilio.
    Twilio,
}

impl UrlForm {
    /// For `skip_serializing_if`.
    pub fn is_given(&self) -> bool {
        *self == Self::Given
    }
}

/// Which JSON Web Tokens are accepted. `exp` and `nbf` are always checked if the token has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// The only accepted algorithms. The token's own header can't add one.
    pub algorithms: Vec<JwtAlgorithm>,
    /// Accept tokens without `exp` too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lasting: bool,
    /// The body is the token, and the token's payload is the event.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_event: bool,
}

/// How a JSON Web Token is signed (RFC 7518).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum JwtAlgorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Es256,
}

impl JwtAlgorithm {
    /// The name in the token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// Whether the key is a public key.
    pub const fn is_asymmetric(self) -> bool {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => false,
            Self::Rs256 | Self::Es256 => true,
        }
    }
}

/// Where a provider's public key is fetched: over HTTPS, bounded in size and time, and cached. Requests, which may be
/// forged, cause at most one fetch a minute of one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum RemoteKey {
    /// A JSON Web Key Set (RFC 7517) at this address, which may contain `{secret}`.
    Jwks { url: Template },
    /// A certificate at an address that the request names.
    Certificate(Certificate),
}

/// A certificate at an address that a request names: which addresses may be fetched, and whom the certificate must be
/// issued to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The place of the address in the request.
    pub from: Reference,
    /// The address must match one of these exactly.
    pub addresses: OneOrMany<AddressPattern>,
    /// The certificate must be issued to one of these hosts.
    pub names: OneOrMany<NamePattern>,
    /// True: other certificates may follow it in the document. False: it must be the only one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chain: bool,
}

/// The signing time. It is refused if it is too old or too far ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedTimestamp {
    pub from: Reference,
    #[serde(default)]
    pub unit: TimeUnit,
    #[serde(default = "default_tolerance")]
    pub tolerance_seconds: u64,
}

fn default_tolerance() -> u64 {
    DEFAULT_TOLERANCE.as_secs()
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Seconds since 1970, as a number or digits.
    #[default]
    S,
    /// Milliseconds since 1970, as a number or digits.
    Ms,
    /// `2026-11-20T10:00:00Z`, with any offset. An event's time may have a space for the `T`, ` UTC` or ` -0700`.
    Rfc3339,
    /// A date and a time in UTC, without an offset.
    Utc,
}
