//! A preset's vector as a request to a source.

use http::{HeaderMap, HeaderName, HeaderValue};
use receiver::delivery::Delivery;
use receiver::verify::{Key, KeyDocument, KeyError, KeySet, Keys, PublicKeys, Rejection, VerifiedRequest, verify};
use std::sync::LazyLock;
use tidings_config::provider::{Provider, Vector};
use tidings_config::scheme::{RemoteKey, Scheme};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

pub(crate) fn source_of(provider: &Provider) -> Source {
    let mut source = provider.source(&provider.name);
    source.public_url = Some(format!("https://hooks.example/webhooks/{}", provider.name));
    source
}

pub(crate) fn headers<'h>(pairs: impl IntoIterator<Item = (&'h String, &'h String)>) -> HeaderMap {
    pairs.into_iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

pub(crate) fn post(headers: HeaderMap, body: Vec<u8>) -> Delivery {
    Delivery { method: "POST".to_owned(), query: String::new(), headers, body: body.into() }
}

/// A vector's request at its source, with all that it takes to verify it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) source: Source,
    /// In which way it is signed.
    pub(crate) scheme: Scheme,
    pub(crate) secret: String,
    pub(crate) public: PublicKeys,
    pub(crate) delivery: Delivery,
    pub(crate) at: Timestamp,
}

impl Case {
    pub(crate) fn of(provider: &Provider, vector: &Vector) -> Self {
        let at = vector.at.as_deref().map_or(NOW, |at| Timestamp::parse_rfc3339(at).expect("`at` is RFC 3339"));
        let mut source = source_of(provider);
        let mut delivery = post(headers(&vector.headers), vector.body.clone().into_bytes());
        delivery.method = vector.method.clone().unwrap_or(delivery.method);
        if let Some((address, query)) = vector.address() {
            source.public_url = Some(address.to_owned());
            delivery.query = query.to_owned();
        }
        let mut public = PublicKeys::default();
        for (url, document) in &vector.fetched {
            let of_url = |scheme: &&Scheme| match &scheme.remote_key {
                Some(RemoteKey::Certificate(_)) => true,
                Some(RemoteKey::Jwks { url: jwks }) => jwks.to_string() == *url || jwks.references().next().is_some(),
                None => false,
            };
            let kind = match source.schemes().find(of_url).and_then(|scheme| scheme.remote_key.as_ref()) {
                Some(RemoteKey::Certificate(certificate)) => KeyDocument::Certificate { chain: certificate.chain },
                Some(RemoteKey::Jwks { .. }) | None => KeyDocument::KeySet,
            };
            let set = KeySet::of(kind, document.as_bytes(), at).unwrap_or_else(|e| panic!("{}: {url}: {e}", provider.name));
            public.insert(url.clone(), set);
        }
        let name = format!("{}/{}", provider.name, vector.name);
        let scheme = source.scheme.clone();
        let mut case = Self { name, source, scheme, secret: vector.secret.clone(), public, delivery, at };
        let ways: Vec<Scheme> = case.source.schemes().cloned().collect();
        // One that verifies in no way is the test's own.
        if let Some(by) = ways.into_iter().find(|scheme| case.by(scheme).verifies()) {
            case.scheme = by;
        }
        case
    }

    /// The same where the provider signs in this way only.
    fn by(&self, scheme: &Scheme) -> Self {
        let source = Source { scheme: scheme.clone(), also: Vec::new(), ..self.source.clone() };
        Self { source, ..self.clone() }
    }

    /// All of all presets.
    pub(crate) fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Case>> =
            LazyLock::new(|| tidings_project::presets().iter().flat_map(|p| p.vectors.iter().map(|v| Case::of(p, v))).collect());
        &ALL
    }

    /// The same whatever the clock says: only the signature is asked.
    pub(crate) fn timeless(&self) -> Self {
        let mut timeless = self.clone();
        let source = &mut timeless.source;
        for scheme in std::iter::once(&mut source.scheme).chain(&mut source.also) {
            scheme.timestamp.iter_mut().for_each(|timestamp| timestamp.tolerance_seconds = 4_000_000_000);
        }
        timeless
    }

    pub(crate) fn key(&self) -> Result<Key, KeyError> {
        Key::prepare(&self.source.scheme, &self.secret)
    }

    pub(crate) fn verify_with(&self, keys: &[Key]) -> Result<VerifiedRequest<'_>, Rejection> {
        verify(&self.source, Keys { secrets: keys, public: &self.public, tenant: None }, &self.delivery, self.at)
    }

    /// Whether it verifies. A secret that makes no key verifies nothing.
    pub(crate) fn verifies(&self) -> bool {
        self.key().is_ok_and(|key| self.verify_with(&[key]).is_ok())
    }
}
