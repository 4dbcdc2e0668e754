//! Every published vector verifies, and nothing that differs from what was signed does.
//!
//! The vectors stand in `providers/*.toml`, beside the scheme that they prove. Here is the list of those that must be
//! there, so that none can be lost with a preset's rewrite.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::Index;
use receiver::configured::providers;
use receiver::delivery::Delivery;
use receiver::verify::{Key, KeyError, Rejection, sign, verify};
use tidings_core::config::provider::{Provider, Vector};
use tidings_core::config::scheme::{Algorithm, KeyEncoding, Written};
use tidings_core::config::source::Source;
use tidings_core::config::{Reference, Template};
use tidings_core::time::Timestamp;

/// The published vectors of our providers, by the preset that has them.
const PUBLISHED: &[(&str, &str)] = &[
    ("bitbucket", "docs_hello_world"),
    ("box", "carriage_return_as_signed"),
    ("box", "emoji_as_signed"),
    ("box", "japanese_as_signed"),
    ("box", "made_with_openssl"),
    ("box", "primary"),
    ("circleci", "docs_an_important_request_payload"),
    ("circleci", "docs_foo"),
    ("circleci", "docs_hello_world"),
    ("coinbase-commerce", "sdk_test"),
    ("github", "docs_hello_world"),
    ("github", "octokit_escaped_backslash"),
    ("github", "octokit_sign"),
    ("hubspot-v1", "v1"),
    ("hubspot-v2", "v2"),
    ("hubspot-v2", "v2_get"),
    ("line", "sdk_test"),
    ("meta-messenger", "hexdocs_example"),
    ("openai", "sdk_test"),
    ("paddle-billing", "rotation_two_h1"),
    ("paddle-billing", "special_chars_payload"),
    ("razorpay", "sdk_test"),
    ("sanity", "toolkit_test"),
    ("sendgrid", "sdk_test"),
    ("slack", "docs_slash_command"),
    ("slack-slash", "docs_slash_command"),
    ("square", "sdk_test"),
    ("standard-webhooks", "mixed_v1_v1a_header"),
    ("standard-webhooks", "multi_signature_header"),
    ("standard-webhooks", "sdk_test"),
    ("standard-webhooks-asymmetric", "mixed_v1_v1a_header"),
    ("standard-webhooks-asymmetric", "sign_asymmetric_v1a"),
    ("svix", "standard_webhooks_with_svix_headers"),
    ("whatsapp", "hexdocs_example"),
];

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

fn source_of(provider: &Provider) -> Source {
    let mut source = provider.source(&provider.name);
    source.public_url = Some(format!("https://hooks.example/webhooks/{}", provider.name));
    source
}

fn headers<'h>(pairs: impl IntoIterator<Item = (&'h String, &'h String)>) -> HeaderMap {
    pairs.into_iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

fn post(headers: HeaderMap, body: Vec<u8>) -> Delivery {
    Delivery { method: "POST".to_owned(), query: String::new(), headers, body }
}

/// The preset as a source at the vector's URL, its request, and our clock at the time.
fn request_of(provider: &Provider, vector: &Vector) -> (Source, Delivery, Timestamp) {
    let at = vector.at.as_deref().map_or(NOW, |at| Timestamp::parse_rfc3339(at).expect("`at` is RFC 3339"));
    let mut source = source_of(provider);
    let mut delivery = post(headers(&vector.headers), vector.body.clone().into_bytes());
    delivery.method = vector.method.clone().unwrap_or(delivery.method);
    if let Some(url) = &vector.url {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        source.public_url = Some(address.to_owned());
        delivery.query = query.to_owned();
    }
    (source, delivery, at)
}

#[test]
fn every_vector_of_every_preset_verifies() {
    for provider in providers() {
        for vector in &provider.vectors {
            let name = format!("{}/{}", provider.name, vector.name);
            let (source, delivery, at) = request_of(&provider, vector);
            assert_eq!(vector.at.is_some(), source.scheme.timestamp.is_some(), "{name}: `at` is for schemes with a timestamp");
            let key = Key::prepare(&source.scheme, &vector.secret).unwrap_or_else(|e| panic!("{name}: {e}"));
            let verified = verify(&source, &[key], &delivery, at).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!((verified.body(), verified.secret_index()), (vector.body.as_bytes(), 0), "{name}");
        }
    }
}

#[test]
fn a_vector_verifies_with_its_own_secret_only() {
    for provider in providers() {
        for vector in &provider.vectors {
            let (source, delivery, at) = request_of(&provider, vector);
            let other = Key::stranger();
            let seen = verify(&source, &[other], &delivery, at).unwrap_err();
            assert_eq!(seen, Rejection::Mismatch, "{}/{}", provider.name, vector.name);
        }
    }
}

#[test]
fn every_published_vector_is_in_its_preset() {
    let providers = providers();
    for (preset, name) in PUBLISHED {
        let provider = providers.iter().find(|p| p.name == *preset).unwrap_or_else(|| panic!("no preset {preset}"));
        assert!(provider.vectors.iter().any(|v| v.name == *name), "providers/{preset}.toml has no vector {name}");
    }
}

/// `standard_webhooks/sign_asymmetric_v1a`, which is published: ed25519 is not spoken here, so it isn't let through.
#[test]
fn a_signature_that_is_asymmetric_only_is_refused() {
    let provider = providers().into_iter().find(|p| p.name == "standard-webhooks").unwrap();
    let source = source_of(&provider);
    let pairs = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="),
    ];
    let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let delivery = post(headers(pairs.iter().map(|(n, v)| (n, v))), br#"{"test": 2432232314}"#.to_vec());
    let at = Timestamp::from_unix_s(1_614_265_330).unwrap();

    let key = Key::prepare(&source.scheme, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert_eq!(verify(&source, &[key], &delivery, at).unwrap_err(), Rejection::MalformedSignature);

    let public = Key::prepare(&source.scheme, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    assert_eq!(public.unwrap_err(), KeyError::NotBase64, "a public key is no HMAC secret");
}

/// One small change of one text.
#[derive(Clone, Debug)]
enum Edit {
    /// Another byte in its place: this one, or the next if it is the same.
    Replace(Index, u8),
    Insert(Index, u8),
    Delete(Index),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Replace(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = if bytes[at] == *byte { byte ^ 1 } else { *byte };
            }
            Self::Delete(at) if !bytes.is_empty() => {
                bytes.remove(at.index(bytes.len()));
            }
            Self::Insert(at, byte) | Self::Replace(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
            Self::Delete(_) => bytes.push(b'x'),
        }
    }
}

fn any_edit(byte: impl Strategy<Value = u8>) -> impl Strategy<Value = Edit> {
    (0..3_u8, any::<Index>(), byte).prop_map(|(kind, at, byte)| match kind {
        0 => Edit::Replace(at, byte),
        1 => Edit::Insert(at, byte),
        _ => Edit::Delete(at),
    })
}

/// A byte that may stand in a header, whose neighbour (`^ 1`) may as well, and that no signature header is split at.
fn letter() -> impl Strategy<Value = u8> {
    prop_oneof![b'2'..=b'9', b'b'..=b'y']
}

/// A signed request of any preset, and how it was made.
#[derive(Clone, Debug)]
struct Signed {
    source: Source,
    key: Vec<u8>,
    delivery: Delivery,
}

impl Signed {
    /// The secret as the provider would show it, for these key bytes.
    fn secret(&self, key: &[u8]) -> Key {
        let secret = match self.source.scheme.key.encoding {
            KeyEncoding::Utf8 => String::from_utf8(key.to_vec()).unwrap(),
            KeyEncoding::Hex => key.iter().map(|b| format!("{b:02x}")).collect(),
            KeyEncoding::Base64 => STANDARD.encode(key),
        };
        let prefix = self.source.scheme.key.strip_prefix.as_deref().unwrap_or_default();
        Key::prepare(&self.source.scheme, &format!("{prefix}{secret}")).unwrap()
    }

    fn verify(&self, key: &[u8]) -> Result<usize, Rejection> {
        verify(&self.source, &[self.secret(key)], &self.delivery, NOW).map(|v| v.secret_index())
    }

    /// The values beside the body that the scheme's message holds.
    fn bound(&self) -> Vec<Reference> {
        let references = self.source.scheme.message.iter().flat_map(Template::references);
        references.filter(|r| matches!(r, Reference::Header(_) | Reference::Signature(_))).cloned().collect()
    }

    /// Changes a bound value where the request has it.
    fn edit(&mut self, reference: &Reference, edit: &Edit) {
        let (header, field) = match reference {
            Reference::Header(name) => (name.clone(), None),
            Reference::Signature(field) => (self.source.scheme.signature.header.to_ascii_lowercase(), Some(format!("{field}="))),
            Reference::Body
            | Reference::Url
            | Reference::Method
            | Reference::Query(_)
            | Reference::Json(_)
            | Reference::Form
            | Reference::Secret => {
                panic!("{reference} is no header")
            }
        };
        let separator = match &self.source.scheme.signature.written {
            Written::Fields { separator, .. } => separator.clone(),
            Written::Plain | Written::Prefix(_) | Written::Tagged { .. } => ",".to_owned(),
        };
        let text = self.delivery.headers[&header].to_str().unwrap().to_owned();
        let from = field.map_or(0, |f| text.find(&f).expect("signing wrote it") + f.len());
        let to = if from == 0 { text.len() } else { text[from..].find(&separator).map_or(text.len(), |n| from + n) };
        let mut value = text.as_bytes()[from..to].to_vec();
        edit.apply(&mut value);
        let text = format!("{}{}{}", &text[..from], String::from_utf8(value).unwrap(), &text[to..]);
        let name: HeaderName = header.parse().unwrap();
        self.delivery.headers.insert(name, HeaderValue::from_str(&text).unwrap());
    }
}

/// The presets whose requests can be made here: not those that only the provider's private key can sign, those whose body
/// holds the time, those that sign a form or a hash, and those that sign nothing. Their vectors are changed byte by byte instead.
fn signable() -> Vec<Provider> {
    let mac = |p: &Provider| !matches!(p.scheme.algorithm, Algorithm::Ed25519 | Algorithm::EcdsaP256 | Algorithm::Token);
    let outside = |p: &Provider| p.scheme.timestamp.as_ref().is_none_or(|t| t.from.json().is_none());
    let raw = |p: &Provider| !p.scheme.covers(&Reference::Form) && p.scheme.body_sha256.is_none();
    providers().into_iter().filter(|p| mac(p) && outside(p) && raw(p)).collect()
}

#[test]
fn a_vector_that_differs_in_a_byte_is_refused() {
    for provider in providers() {
        let binds_nothing = provider.scheme.algorithm == Algorithm::Token;
        for vector in &provider.vectors {
            let (mut source, delivery, at) = request_of(&provider, vector);
            if let Some(timestamp) = &mut source.scheme.timestamp {
                // Only the signature is asked here, not the clock.
                timestamp.tolerance_seconds = 4_000_000_000;
            }
            let key = [Key::prepare(&source.scheme, &vector.secret).unwrap()];
            for position in 0..vector.body.len() {
                let mut changed = delivery.clone();
                changed.body[position] ^= 1;
                let verified = verify(&source, &key, &changed, at).is_ok();
                assert_eq!(verified, binds_nothing, "{}/{}, byte {position} of the body", provider.name, vector.name);
            }
        }
    }
}

/// Fields of a signed form can be cut elsewhere without a change of what is signed. It stays the same event.
#[test]
fn a_form_that_is_cut_elsewhere_is_the_same_event() {
    let provider = providers().into_iter().find(|p| p.name == "twilio").unwrap();
    let (source, delivery, at) = request_of(&provider, &provider.vectors[0]);
    let key = [Key::prepare(&source.scheme, &provider.vectors[0].secret).unwrap()];
    let digest = verify(&source, &key, &delivery, at).unwrap().signed_digest();
    let text = String::from_utf8(delivery.body.clone()).unwrap();
    let mut cut = delivery.clone();
    cut.body = text.replace("CallSid=CA1234", "CallSidCA=1234").into_bytes();
    assert_ne!(cut.body, delivery.body);
    assert_eq!(verify(&source, &key, &cut, at).unwrap().signed_digest(), digest);
    assert!(provider.ids().all(|(_, signed)| !signed), "so no field of it makes an event key");
}

prop_compose! {
    fn any_signed()(preset in any::<Index>(), body in proptest::collection::vec(any::<u8>(), 0..120),
                    key in "[!-~]{1,80}", id in "[!-~]{1,40}", age_percent in -100..=100_i64) -> Signed {
        let providers = signable();
        let source = source_of(&providers[preset.index(providers.len())]);
        let mut signed = Signed { source, key: key.into_bytes(), delivery: post(HeaderMap::new(), body) };
        for reference in signed.bound() {
            if let Reference::Header(name) = reference {
                signed.delivery.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&id).unwrap());
            }
        }
        let key = signed.secret(&signed.key);
        // As old, or as far ahead, as the scheme allows.
        let tolerance = signed.source.scheme.timestamp.as_ref().map_or(300, |t| t.tolerance_seconds) as i64;
        let at = Timestamp::from_unix_ms(NOW.unix_ms() - tolerance * age_percent / 100 * 1_000);
        sign(&signed.source, &key, &mut signed.delivery, at).unwrap();
        signed
    }
}

proptest! {
    #[test]
    fn what_was_signed_verifies(signed in any_signed()) {
        prop_assert_eq!(signed.verify(&signed.key), Ok(0));
    }

    #[test]
    fn a_body_that_differs_in_a_byte_is_refused(signed in any_signed(), edit in any_edit(any::<u8>())) {
        let mut signed = signed;
        edit.apply(&mut signed.delivery.body);
        prop_assert_eq!(signed.verify(&signed.key), Err(Rejection::Mismatch));
    }

    #[test]
    fn a_signed_header_or_field_that_differs_in_a_byte_is_refused(
        signed in any_signed(), which in any::<Index>(), edit in any_edit(letter()),
    ) {
        let mut signed = signed;
        let bound = signed.bound();
        prop_assume!(!bound.is_empty());
        signed.edit(&bound[which.index(bound.len())], &edit);
        prop_assert!(signed.verify(&signed.key).is_err());
    }

    #[test]
    fn a_secret_that_differs_in_a_byte_is_refused(signed in any_signed(), edit in any_edit(letter())) {
        let mut key = signed.key.clone();
        edit.apply(&mut key);
        prop_assume!(!key.is_empty());
        prop_assert_eq!(signed.verify(&key), Err(Rejection::Mismatch));
    }

    #[test]
    fn a_time_outside_the_tolerance_is_refused_however_well_it_is_signed(
        signed in any_signed(), beyond_seconds in 1..100_000_i64, ahead in any::<bool>(),
    ) {
        let mut signed = signed;
        let Some(timestamp) = &signed.source.scheme.timestamp else { return Ok(()) };
        let distance = timestamp.tolerance_seconds as i64 + beyond_seconds;
        let offset = if ahead { distance } else { -distance };
        let key = signed.secret(&signed.key);
        sign(&signed.source, &key, &mut signed.delivery, Timestamp::from_unix_ms(NOW.unix_ms() + offset * 1_000)).unwrap();
        let refused = signed.verify(&signed.key).unwrap_err();
        if ahead {
            prop_assert!(matches!(refused, Rejection::TooFarAhead { .. }), "{}", refused);
        } else {
            prop_assert!(matches!(refused, Rejection::TooOld { .. }), "{}", refused);
        }
    }

    #[test]
    fn headers_that_are_not_signed_make_no_difference(
        signed in any_signed(), name in "x-[a-z]{1,12}", value in "[ -~]{0,40}",
    ) {
        let mut signed = signed;
        let scheme = &signed.source.scheme;
        prop_assume!(!scheme.covers(&Reference::Header(name.clone())) && !scheme.signature.header.eq_ignore_ascii_case(&name));
        signed.delivery.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).unwrap());
        prop_assert_eq!(signed.verify(&signed.key), Ok(0));
    }
}
