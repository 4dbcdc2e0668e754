//! Verifies that a request comes from its provider. Pure: (source, keys, request, now) → [`VerifiedRequest`] or [`Rejection`].
//!
//! Promises: only raw bytes are verified, and parsed fields only if the provider signs nothing else; comparisons take
//! constant time; timestamps are checked both ways and before any hashing; every secret is tried; a remote key is
//! only fetched if every other check passed. Only this module can make a `VerifiedRequest`, and only that can be
//! claimed and queued.

mod canonical;
mod certificate;
mod expect;
mod header;
mod http_message;
mod jwt;
mod key;
mod mac;
mod message;
mod oracle;
mod parsed;
mod proof;
mod public;
mod rejection;
mod retried;
mod shown;
mod sign;
mod signature;
mod timestamp;
mod url;

pub use http_message::{ComponentFault, DigestFault};
pub use key::{Key, KeyError};
pub(crate) use message::form_field;
pub use public::{KeyDocument, KeySet, KeySetError, PublicKey, PublicKeys};
pub use rejection::{NeededKey, Rejection};
pub(crate) use retried::without;
pub use shown::{listed_components, signed_message};
pub use sign::{SignError, can_sign, fresh_for, put, sign};
pub use url::{QUERYSTRING, tenant_url};

use crate::delivery::Delivery;
use crate::raw_body::RawBody;
use http::HeaderMap;
use jwt::Token;
use message::Values;
use parsed::ParsedSignature;
use serde_json::Value;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::LazyLock;
use tidings_config::address::is_plain;
use tidings_config::limits::MAX_SIGNED_EVENTS;
use tidings_config::scheme::{Digest, Encoding, RemoteKey, Scheme};
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;
use tidings_config::{HttpMessage, OneOrMany, Reference, Template};
use tidings_core::claim::{Sha256Hex, sender};

/// The keys of a verification: the secrets of the source or of one tenant, newest first, and fetched public keys.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'k> {
    pub secrets: &'k [Key],
    pub public: &'k PublicKeys,
    /// Whose secrets they are. `None`: the source's own.
    pub tenant: Option<&'k TenantName>,
}

static NONE: LazyLock<PublicKeys> = LazyLock::new(PublicKeys::default);

impl<'k> From<&'k [Key]> for Keys<'k> {
    fn from(secrets: &'k [Key]) -> Self {
        Self { secrets, public: &NONE, tenant: None }
    }
}

impl<'k, const N: usize> From<&'k [Key; N]> for Keys<'k> {
    fn from(secrets: &'k [Key; N]) -> Self {
        Self::from(secrets.as_slice())
    }
}

/// A request that its provider signed with one of our secrets.
#[derive(Debug)]
pub struct VerifiedRequest<'a> {
    source: &'a Source,
    /// The scheme that verified it.
    scheme: &'a Scheme,
    delivery: &'a Delivery,
    /// What an event is read from: the body, or what is inside it. `None`: it couldn't be inflated.
    content: Option<&'a RawBody>,
    /// The body, where the scheme had to look into it.
    json: Option<&'a Value>,
    signature: ParsedSignature,
    token: Option<Token>,
    secret_index: usize,
    url: Option<String>,
    /// Whose secret verified it. `None`: the source's own.
    tenant: Option<TenantName>,
}

/// Verifies a request by one of the schemes of its source.
pub fn verify<'a, 'k>(
    source: &'a Source,
    keys: impl Into<Keys<'k>>,
    delivery: &'a Delivery,
    now: Timestamp,
) -> Result<VerifiedRequest<'a>, Rejection> {
    let keys = keys.into();
    let url = url::given(source, keys.tenant, delivery);
    let form = OnceCell::new();
    let mut rejection: Option<Rejection> = None;
    for scheme in source.schemes() {
        match verify_by(scheme, source, keys, delivery, (url.as_deref(), &form), now) {
            Ok(verified) => return Ok(verified),
            Err(why) => rejection = Some(Rejection::easier(rejection, why)),
        }
    }
    Err(rejection.unwrap_or(Rejection::Mismatch))
}

fn verify_by<'a>(
    scheme: &'a Scheme,
    source: &'a Source,
    keys: Keys<'_>,
    delivery: &'a Delivery,
    (url, form): (Option<&str>, &OnceCell<Vec<u8>>),
    now: Timestamp,
) -> Result<VerifiedRequest<'a>, Rejection> {
    let json = scheme.reads_json_first().then(|| delivery.body.json().map_err(|_| Rejection::MalformedBody)).transpose()?;
    let items = match (&scheme.each, json) {
        (Some(each), Some(json)) => each.places(json, MAX_SIGNED_EVENTS),
        _ => vec![Vec::new()],
    };
    if items.len() > MAX_SIGNED_EVENTS {
        return Err(Rejection::MalformedBody);
    }
    let form = Some(form);
    let mut verified: Option<Proof> = None;
    for indices in &items {
        let values = Values { source, scheme, delivery, json, indices, signature: None, token: None, url, form };
        let proof = verify_one(&values, keys, now)?;
        let oldest = verified.as_ref().map_or(proof.secret_index, |before| proof.secret_index.max(before.secret_index));
        verified = Some(Proof { secret_index: oldest, ..proof });
    }
    let Proof { signature, token, secret_index } = verified.ok_or(Rejection::MalformedBody)?;
    let (signature_ref, token_ref) = (Some(&signature), token.as_ref());
    let values = Values { source, scheme, delivery, json, indices: &[], signature: signature_ref, token: token_ref, url, form };
    check_hashes(&values)?;
    check_late_timestamp(&values, now)?;
    let url = url.map(|url| url::canonical(scheme.urls, url));
    let (content, tenant) = (Some(&delivery.body), keys.tenant.cloned());
    Ok(VerifiedRequest { source, scheme, delivery, content, json, signature, token, secret_index, url, tenant })
}

/// The proof of a request.
struct Proof {
    signature: ParsedSignature,
    token: Option<Token>,
    secret_index: usize,
}

/// Verifies the signatures that may be tried. All are, even after a match, so that the time doesn't reveal which one matched.
fn verify_one(values: &Values<'_>, keys: Keys<'_>, now: Timestamp) -> Result<Proof, Rejection> {
    let (mut proof, mut rejection) = (None, None);
    for signature in ParsedSignature::all(values)? {
        match verify_signature(values, signature, keys, now) {
            Ok(found) => proof = proof.or(Some(found)),
            Err(why) => rejection = Some(Rejection::easier(rejection, why)),
        }
    }
    proof.ok_or_else(|| rejection.unwrap_or(Rejection::MalformedSignature))
}

/// Verifies one signature: cheap checks, then the clock, then expected values, then the proof.
fn verify_signature(values: &Values<'_>, signature: ParsedSignature, keys: Keys<'_>, now: Timestamp) -> Result<Proof, Rejection> {
    let scheme = values.scheme;
    if let Some(spec) = &scheme.http_message {
        http_message::check(spec, scheme, &signature, values.delivery, now)?;
    }
    let token = scheme.jwt.as_ref().map(|jwt| Token::read(jwt, signature.first())).transpose()?;
    let values = Values { signature: Some(&signature), token: token.as_ref(), ..*values };
    if let (Some(jwt), Some(token)) = (&scheme.jwt, &token) {
        token.check_times(jwt, now)?;
    }
    if let Some(spec) = scheme.timestamp.as_ref().filter(|spec| !is_late(&spec.from, &values)) {
        timestamp::check(spec, values.text(&spec.from)?, now)?;
    }
    expect::check_fixed(scheme, &values)?;
    let urls = values.url.map_or_else(Vec::new, |given| url::forms(scheme.urls, given.to_owned()));
    // Every secret is tried, even after a match, so that the time doesn't reveal which one matched.
    let (mut matching, mut without_key) = (None, None);
    for (index, key) in keys.secrets.iter().enumerate() {
        let is_named = scheme.http_message.is_none() || key.is_named_by(signature.field("keyid"));
        if !is_named || !expect::agrees(scheme, &values, key)? {
            continue;
        }
        let remote = scheme.remote_key.as_ref().map(|remote| remote_key(remote, &values, key, keys.public, now)).transpose();
        match remote {
            Ok(remote) if proves(&values, &urls, key, remote)? => matching = matching.or(Some(index)),
            Ok(_) => {}
            Err(rejection) => without_key = without_key.or(Some(rejection)),
        }
    }
    match matching {
        Some(_) if scheme.begins_with_secret() && std::str::from_utf8(&values.delivery.body).is_err() => {
            Err(Rejection::Lengthened)
        }
        Some(index) if oracle::is_handed_out(&values, &keys.secrets[index])? => Err(Rejection::HandedOut),
        Some(secret_index) => Ok(Proof { signature, token, secret_index }),
        None => Err(without_key.unwrap_or(Rejection::Mismatch)),
    }
}

/// Whether a signature is valid for one of the forms of the URL. All are tried, even after a match.
fn proves(values: &Values<'_>, urls: &[String], key: &Key, remote: Option<&PublicKey>) -> Result<bool, Rejection> {
    if urls.is_empty() {
        return proof::matches(values.scheme, key, remote, values);
    }
    let each = urls.iter().map(|url| proof::matches(values.scheme, key, remote, &Values { url: Some(url), ..*values }));
    each.into_iter().try_fold(false, |any, one| Ok(any | one?))
}

/// The provider's fetched key.
fn remote_key<'k>(
    remote: &RemoteKey,
    values: &Values<'_>,
    key: &Key,
    public: &'k PublicKeys,
    now: Timestamp,
) -> Result<&'k PublicKey, Rejection> {
    let secret = key.as_text().unwrap_or_default();
    let (url, kid, kind) = match remote {
        RemoteKey::Jwks { url } => {
            let url = String::from_utf8(values.filled(url, key)?).map_err(|_| Rejection::ForeignKeyAddress)?;
            let is_allowed = is_plain(&url);
            (is_allowed.then_some(url), values.token.and_then(|token| token.kid.as_deref()), KeyDocument::KeySet)
        }
        RemoteKey::Certificate(certificate) => {
            let url = values.text(&certificate.from)?;
            let is_allowed = certificate.addresses.0.iter().any(|address| address.matches(&url, secret));
            (is_allowed.then_some(url), None, KeyDocument::Certificate { chain: certificate.chain })
        }
    };
    let url = url.ok_or(Rejection::ForeignKeyAddress)?;
    let Some((set, found)) = public.get(&url).and_then(|set| Some((set, set.key(kid)?))) else {
        let known_since = public.get(&url).map(|set| set.fetched);
        return Err(Rejection::KeyNeeded(NeededKey { url, kind, known_since }));
    };
    let is_of = |name: &String| match remote {
        RemoteKey::Jwks { .. } => false,
        RemoteKey::Certificate(certificate) => certificate.names.0.iter().any(|wanted| wanted.matches(name, secret)),
    };
    match kind {
        KeyDocument::Certificate { .. } if !set.names().iter().any(is_of) => Err(Rejection::ForeignCertificate),
        KeyDocument::Certificate { .. } if set.is_expired(now) => Err(Rejection::ExpiredCertificate),
        KeyDocument::Certificate { .. } | KeyDocument::KeySet => Ok(found),
    }
}

/// Checks hashes that were signed instead of the data itself.
fn check_hashes(values: &Values<'_>) -> Result<(), Rejection> {
    let scheme = values.scheme;
    if values.signature.and_then(|signature| signature.covered.as_ref()).is_some_and(http_message::Covered::holds_digest) {
        http_message::check_digest(values.delivery)?;
    }
    if let Some(place) = &scheme.body_sha256 {
        let body = &values.delivery.body;
        if let Reference::Query(name) = place
            && !is_last_parameter(&values.delivery.query, name)
        {
            return Err(Rejection::Mismatch);
        }
        let right = match values.text(place) {
            Ok(hash) => proof::is_sha256_of(body, &hash),
            Err(missing) if !body.is_empty() => return Err(missing),
            Err(_) => true,
        };
        if !right {
            return Err(Rejection::Mismatch);
        }
    }
    if let Some(place) = &scheme.url_sha256
        && !proof::is_sha256_of(values.text(&Reference::Url)?.as_bytes(), &values.text(place)?)
    {
        return Err(Rejection::Mismatch);
    }
    Ok(())
}

/// Whether a query ends with this parameter and has it once. A provider that appends a hash to the signed URL adds it
/// at the end. In the middle another sender may have written it, in a form that is signed alike (Twilio: the URL,
/// followed by a form's fields).
fn is_last_parameter(query: &str, name: &str) -> bool {
    let is_it = |pair: &&str| pair.split('=').next() == Some(name);
    query.split('&').filter(is_it).count() == 1 && query.rsplit('&').next().is_some_and(|last| is_it(&last))
}

/// Checks a time inside the body last, unless the body was parsed anyway: a body isn't parsed before its sender is verified.
fn check_late_timestamp(values: &Values<'_>, now: Timestamp) -> Result<(), Rejection> {
    let Some(spec) = values.scheme.timestamp.as_ref().filter(|spec| is_late(&spec.from, values)) else { return Ok(()) };
    // It is authentic, and its time can't be read: it isn't an event either, and a replay of it is known by its bytes.
    let Ok(json) = values.delivery.body.json() else { return Ok(()) };
    timestamp::check(spec, Values { json: Some(json), ..*values }.text(&spec.from)?, now)
}

fn is_late(place: &Reference, values: &Values<'_>) -> bool {
    place.json().is_some() && values.json.is_none()
}

/// Compares a token with the agreed one, in constant time.
pub fn same_token(agreed: &str, seen: &[u8]) -> bool {
    mac::token_equals_any(agreed.as_bytes(), &[seen.to_vec()])
}

/// The HMAC of a value that a handshake asks for, with the scheme's digest. Default: SHA-256.
pub fn mac_of(source: &Source, key: &Key, value: &[u8], encoding: Encoding) -> String {
    let kind = source.scheme.algorithm.digest().unwrap_or(Digest::HmacSha256);
    signature::encode(encoding, &mac::of(kind, key, value))
}

impl<'a> VerifiedRequest<'a> {
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// Whose secret verified it. `None`: the source's own.
    pub fn tenant(&self) -> Option<&TenantName> {
        self.tenant.as_ref()
    }

    /// Who sent it, as claim keys name it.
    pub fn sender(&self) -> Cow<'a, str> {
        sender(&self.source.name, self.tenant())
    }

    pub fn body(&self) -> &'a [u8] {
        &self.delivery.body
    }

    /// Replaces the content by the decoded body. `None`: it couldn't be inflated.
    #[must_use]
    pub(crate) fn holding(self, content: Option<&'a RawBody>) -> Self {
        Self { content, ..self }
    }

    /// What an event is read from. `None`: it couldn't be inflated.
    pub fn content(&self) -> Option<&'a RawBody> {
        self.content
    }

    pub fn headers(&self) -> &'a HeaderMap {
        &self.delivery.headers
    }

    pub fn query(&self) -> &'a str {
        &self.delivery.query
    }

    /// The content type in lower case, without parameters.
    pub fn content_type(&self) -> String {
        self.delivery.content_type().unwrap_or_default()
    }

    /// The event, where the body is a token that holds it.
    /// As text, and parsed.
    pub fn payload(&self) -> Option<(&str, &Value)> {
        let token = self.token.as_ref().filter(|_| self.scheme.jwt.as_ref().is_some_and(|jwt| jwt.is_event))?;
        Some((&token.payload, &token.claims))
    }

    /// The index of the secret that matched; 0 is the newest.
    pub fn secret_index(&self) -> usize {
        self.secret_index
    }

    /// Whether the signature covers all values of the template.
    pub fn covers(&self, template: &Template) -> bool {
        self.scheme.covers_all(template)
    }

    /// A value outside the JSON body, as text. `None`: it doesn't exist or isn't text.
    pub fn value(&self, reference: &Reference) -> Option<String> {
        self.values(&[]).text(reference).ok()
    }

    /// The SHA-256 of the signed bytes: the event key of events whose id isn't covered. If events are signed one by
    /// one, of the event at these indices. For a token, which signs nothing, and a JSON Web Token, which is signed
    /// again for each delivery as an HTTP message is, it is the body's. The hash leaves out a secret in the message, and fields that a
    /// retry rewrites.
    pub fn signed_digest(&self, indices: &[usize], retry_fields: &OneOrMany<Reference>) -> Sha256Hex {
        // An HTTP message signature is made again for each delivery, as a token is, and holds the body's digest.
        let is_made_again = self.scheme.http_message.as_ref().is_some_and(HttpMessage::requires_body);
        let Some(message) = self.scheme.message.as_ref().filter(|_| !is_made_again) else {
            return self.body_digest(retry_fields);
        };
        let body = retried::without(self.hashed_body(retry_fields), retry_fields);
        let mut signed = Vec::with_capacity(body.len() + 64);
        let fed = self.values(indices).feed_but(message, &retry_fields.0, &body, &mut |bytes| signed.extend_from_slice(bytes));
        debug_assert!(fed.is_ok(), "every value was there when it was verified");
        Sha256Hex::of(&signed)
    }

    /// The SHA-256 of the body, without fields that a retry rewrites.
    pub fn body_digest(&self, retry_fields: &OneOrMany<Reference>) -> Sha256Hex {
        Sha256Hex::of(&retried::without(self.hashed_body(retry_fields), retry_fields))
    }

    /// The body as sent; its decoded content if fields must be found in it.
    fn hashed_body(&self, retry_fields: &OneOrMany<Reference>) -> &'a [u8] {
        if self.scheme.jwt.as_ref().is_some_and(|jwt| jwt.is_event) {
            // White space around a token isn't part of it.
            return self.body().trim_ascii();
        }
        if retry_fields.is_empty() { self.body() } else { self.content.map_or(self.body(), RawBody::as_slice) }
    }

    /// Whether each event is signed individually.
    pub fn signs_each(&self) -> bool {
        self.scheme.each.is_some() && self.scheme.message.is_some()
    }

    fn values<'v>(&'v self, indices: &'v [usize]) -> Values<'v> {
        let (source, scheme, delivery, json) = (self.source, self.scheme, self.delivery, self.json);
        let (signature, token, url) = (Some(&self.signature), self.token.as_ref(), self.url.as_deref());
        Values { source, scheme, delivery, json, indices, signature, token, url, form: None }
    }
}
