//! Every vector, changed in every part that its scheme binds: none verifies. What a scheme doesn't bind is said in its preset, and
//! no event's identity hangs on it.

use crate::requests::Case;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::Index;
use receiver::extract;
use receiver::verify::Key;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::scheme::{Algorithm, KeyEncoding, Scheme, UrlForm, Written};
use tidings_config::source::Source;
use tidings_config::{AWS_SNS_FIELDS, Canonical, JsonPath, OneOrMany, Reference, Step, Template};

/// One small change of one text.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Another byte in its place: this one, or the next if it is the same.
    Replace(Index, u8),
    Insert(Index, u8),
    Delete(Index),
}

impl Edit {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
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

pub(crate) fn any_edit(byte: impl Strategy<Value = u8>) -> impl Strategy<Value = Edit> {
    (0..3_u8, any::<Index>(), byte).prop_map(|(kind, at, byte)| match kind {
        0 => Edit::Replace(at, byte),
        1 => Edit::Insert(at, byte),
        _ => Edit::Delete(at),
    })
}

/// A byte that may stand in a header, whose neighbour (`^ 1`) may as well, and that no signature header is split at.
pub(crate) fn letter() -> impl Strategy<Value = u8> {
    prop_oneof![b'2'..=b'9', b'b'..=b'y']
}

/// A part of a request, or the secret, that a scheme binds.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Body,
    /// A field of the body, in each event that has it.
    Field(JsonPath),
    FormField(String),
    Header(String),
    Method,
    Url,
    Query,
    Secret,
}

/// The parts that a scheme binds, as its words say.
fn bound(case: &Case) -> Vec<Part> {
    let scheme = &case.scheme;
    // Where the audience is the URL, the secret may have no part in it.
    let mut parts = if is_of_url_alone(case) { Vec::new() } else { vec![Part::Secret] };
    if scheme.covers(&Reference::Body) {
        parts.push(Part::Body);
    }
    if scheme.covers(&Reference::Url) {
        parts.push(Part::Url);
    }
    if scheme.covers(&"query:any".parse().unwrap()) && !case.delivery.query.is_empty() {
        parts.push(Part::Query);
    }
    if scheme.covers(&Reference::Method) {
        parts.push(Part::Method);
    }
    // A token is all there is, and a JSON Web Token signs itself.
    if matches!(scheme.algorithm, Algorithm::Token | Algorithm::Jwt) {
        parts.extend(scheme.signature.from.0.iter().filter_map(part));
    }
    let timestamp = scheme.timestamp.as_ref().map(|spec| &spec.from);
    let message = scheme.message.iter().flat_map(Template::references);
    parts.extend(message.chain(timestamp).chain(scheme.expect.keys()).filter_map(part));
    parts.extend(fields_of_sns(scheme).map(|field| Part::Field(JsonPath(vec![Step::Key(field.to_owned())]))));
    if scheme.message.iter().flat_map(Template::references).any(|r| *r == Reference::Crc32 || *r == Reference::Form) {
        parts.push(Part::Body);
    }
    parts
}

/// Whether the URL is all that is ours in what the provider signs, so that it verifies whatever the secret is.
pub(crate) fn is_of_url_alone(case: &Case) -> bool {
    case.scheme.remote_key.is_some() && case.verify_with(&[Key::stranger()]).is_ok()
}

fn part(reference: &Reference) -> Option<Part> {
    let header = || reference.header().map(|name| Part::Header(name.to_owned()));
    let field = || reference.json().map(|path| Part::Field(path.clone()));
    let form_field = || reference.form_field().map(|name| Part::FormField(name.to_owned()));
    header().or_else(field).or_else(form_field).or_else(|| reference.query().map(|_| Part::Query))
}

fn fields_of_sns(scheme: &Scheme) -> impl Iterator<Item = &'static str> {
    let sns = scheme.message.iter().flat_map(Template::references).any(|r| *r == Reference::Canonical(Canonical::AwsSns));
    AWS_SNS_FIELDS.into_iter().filter(move |_| sns)
}

/// The bytes of a part, and the same with others in their place. `None` where the request hasn't got it.
fn change(case: &Case, part: &Part, edit: &dyn Fn(&mut Vec<u8>)) -> Option<Case> {
    let mut changed = case.clone();
    let text = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        edit(&mut bytes);
        String::from_utf8(bytes).ok()
    };
    match part {
        Part::Body => edit(changed.delivery.body.edit()),
        Part::Method => changed.delivery.method = text(&case.delivery.method)?,
        Part::Url => changed.source.public_url = Some(text(case.source.public_url.as_deref()?)?),
        Part::Query => changed.delivery.query = text(&case.delivery.query)?,
        Part::Secret => {
            // A key's name isn't the key.
            let name = case
                .scheme
                .key
                .named_by
                .as_ref()
                .and_then(|by| case.secret.split_once(by.as_str()).map(|(n, _)| n.len() + by.len()));
            let (name, key) = case.secret.split_at(name.unwrap_or(0));
            changed.secret = format!("{name}{}", text(key)?);
        }
        Part::Header(name) => {
            let value = text(case.delivery.headers.get(name)?.to_str().unwrap())?;
            changed.delivery.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).ok()?);
        }
        Part::Field(path) => {
            let mut body: Value = serde_json::from_slice(&case.delivery.body).ok()?;
            *first(path, &mut body)? = json!(text(&extract_text(first(path, &mut body)?)?)?);
            changed.delivery.body = body.to_string().into();
        }
        Part::FormField(name) => {
            let fields: Vec<(String, String)> = form_urlencoded::parse(&case.delivery.body).into_owned().collect();
            let value = text(&fields.iter().find(|(field, _)| field == name)?.1)?;
            let edited =
                fields.into_iter().map(|(field, old)| if field == *name { (field, value.clone()) } else { (field, old) });
            changed.delivery.body = form_urlencoded::Serializer::new(String::new()).extend_pairs(edited).finish().into();
        }
    }
    Some(changed)
}

/// The first place of a path.
fn first<'v>(path: &JsonPath, body: &'v mut Value) -> Option<&'v mut Value> {
    path.0.iter().try_fold(body, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(*index),
        Step::Each => value.get_mut(0),
    })
}

fn extract_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| (value.is_number() || value.is_boolean()).then(|| value.to_string()))
}

/// How many bytes a part has, in this request.
fn length(case: &Case, part: &Part) -> usize {
    let length = std::cell::Cell::new(0);
    change(case, part, &|bytes| length.set(bytes.len()));
    length.get()
}

/// Whether a change made the same request with the same key: a repeated letter's twin was deleted, say.
fn same(one: &Case, other: &Case) -> bool {
    let (a, b) = (&one.delivery, &other.delivery);
    bound_body(one) == bound_body(other)
        && bound_headers(one) == bound_headers(other)
        && (&a.query, &a.method) == (&b.query, &b.method)
        && bound_source(one) == bound_source(other)
        && key_bytes(one) == key_bytes(other)
}

/// Of a URL that is signed with or without its port, no port is bound: it is ours, and whoever sends can't choose it.
fn bound_source(case: &Case) -> Source {
    let mut source = case.source.clone();
    if let (UrlForm::Twilio, Some(url)) = (case.scheme.urls, &mut source.public_url) {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        *url = format!("{scheme}://{}/{path}", host.rsplit_once(':').map_or(host, |(host, _)| host));
    }
    source
}

/// A form's fields are bound one after the other, decoded and without what parts them:
/// [`a_form_that_is_split_elsewhere_is_the_same_event`].
fn bound_body(case: &Case) -> Vec<u8> {
    if !case.scheme.message.iter().flat_map(Template::references).any(|r| *r == Reference::Form) {
        return case.delivery.body.to_vec();
    }
    let fields: BTreeSet<_> = form_urlencoded::parse(&case.delivery.body).collect();
    fields.into_iter().map(|(name, value)| format!("{name}{value}")).collect::<String>().into_bytes()
}

/// `Bearer` and `bearer` are one scheme (RFC 9110, 11.1).
fn bound_headers(case: &Case) -> HeaderMap {
    let mut headers = case.delivery.headers.clone();
    if let (Written::Prefix(prefix), Some(value)) = (&case.scheme.signature.written, headers.get_mut("authorization")) {
        let text = value.to_str().unwrap();
        if let Some((head, rest)) = text.split_at_checked(prefix.len()).filter(|(head, _)| head.eq_ignore_ascii_case(prefix)) {
            *value = HeaderValue::from_str(&format!("{}{rest}", head.to_lowercase())).unwrap();
        }
    }
    headers
}

/// What a secret's text says: base64 has digits with spare bits and padding that may be left out, hexadecimal has two cases.
fn key_bytes(case: &Case) -> Vec<u8> {
    let text = case.secret.as_bytes();
    let decoded = match case.scheme.key.encoding {
        KeyEncoding::Utf8 | KeyEncoding::Sha1 => None,
        KeyEncoding::Jwk => serde_json::from_slice(text).ok().map(|jwk: Value| jwk_bytes(&jwk)),
        KeyEncoding::Hex => hex::decode(text).ok(),
        KeyEncoding::Base64 => {
            let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let lenient = GeneralPurpose::new(&STANDARD, config.with_decode_allow_trailing_bits(true));
            let prefix = case.scheme.key.strip_prefix.as_deref().unwrap_or_default();
            lenient.decode(text.strip_prefix(prefix.as_bytes()).unwrap_or(text)).ok()
        }
    };
    decoded.unwrap_or_else(|| text.to_vec())
}

/// The parts of a JSON Web Key that make the key. The rest is for people.
fn jwk_bytes(jwk: &Value) -> Vec<u8> {
    let keys = jwk.get("keys").and_then(Value::as_array).cloned();
    let keys = keys.unwrap_or_else(|| vec![jwk.get("key").unwrap_or(jwk).clone()]);
    let made_of = keys.iter().map(|key| {
        let usage = key.get("use").cloned().unwrap_or_else(|| json!("sig"));
        json!([key.get("kty"), key.get("crv"), key.get("kid"), usage, key.get("x"), key.get("y")])
    });
    json!(made_of.collect::<Vec<_>>()).to_string().into_bytes()
}

#[test]
fn a_vector_with_a_changed_bound_byte_is_refused() {
    let mut changes = 0;
    for case in Case::all().iter().map(Case::timeless) {
        assert!(case.verifies(), "{}", case.name);
        for part in bound(&case) {
            for position in 0..length(&case, &part) {
                let changed = change(&case, &part, &|bytes| bytes[position] ^= 1);
                let Some(changed) = changed.filter(|changed| !same(&case, changed)) else { continue };
                assert!(!changed.verifies(), "{}: byte {position} of {part:?}", case.name);
                changes += 1;
            }
        }
    }
    assert!(changes > 10_000, "only {changes} changes were made");
}

#[test]
fn every_vector_has_every_bound_part() {
    for case in Case::all() {
        let scheme = &case.scheme;
        for part in bound(case) {
            let optional = match &part {
                Part::Field(path) => {
                    let sns = fields_of_sns(scheme).any(|field| path.0 == [Step::Key(field.to_owned())]);
                    sns || scheme
                        .message
                        .iter()
                        .flat_map(Template::references)
                        .any(|r| *r == Reference::JsonOrEmpty(path.clone()))
                }
                // A vector of a GET has no body, and several places may hold a token.
                Part::Body => true,
                Part::Header(_) | Part::FormField(_) | Part::Query => scheme.signature.from.0.len() > 1,
                Part::Method | Part::Url | Part::Secret => false,
            };
            assert!(optional || change(case, &part, &|_| ()).is_some(), "{} has no {part:?}", case.name);
        }
    }
}

/// With a captured request somebody can change what isn't bound: it stays the same event.
#[test]
fn an_unsigned_part_does_not_change_the_event() {
    let mut seen = BTreeSet::new();
    for case in Case::all() {
        let Ok(body) = serde_json::from_slice::<Value>(&case.delivery.body) else { continue };
        let partial = case.scheme.partial && case.scheme.message.is_some();
        if !partial || !body.is_object() || bound(case).contains(&Part::Body) {
            continue;
        }
        let mut changed = case.clone();
        let mut body = body;
        body["added_by_somebody"] = json!({"id": "another"});
        changed.delivery.body = body.to_string().into();
        let keys = |case: &Case| {
            let verified = case.verify_with(&[case.key().unwrap()]).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let events = extract::events(&verified, case.at).ok()?;
            Some(events.into_iter().map(|event| event.envelope().claimkey.clone()).collect::<Vec<_>>())
        };
        // Some published bodies hold what is signed and nothing else.
        if let Some(known) = keys(case) {
            assert_eq!(keys(&changed), Some(known), "{}", case.name);
            seen.insert(case.source.name.as_str());
        }
    }
    assert_eq!(Vec::from_iter(seen), ["adyen-standard", "aws-sns", "mailgun"]);
}

/// Fields of a signed form can be cut elsewhere without a change of what is signed. It stays the same event.
#[test]
fn a_form_that_is_split_elsewhere_is_the_same_event() {
    let case = Case::all().iter().find(|case| case.name == "twilio/form").unwrap();
    let digest = |case: &Case| case.verify_with(&[case.key().unwrap()]).unwrap().signed_digest(&[], &OneOrMany::default());
    let mut cut = case.clone();
    cut.delivery.body =
        String::from_utf8(case.delivery.body.to_vec()).unwrap().replace("CallSid=CA1234", "CallSidCA=1234").into();
    assert_ne!(cut.delivery.body.as_slice(), case.delivery.body.as_slice());
    assert_eq!(digest(&cut), digest(case));
    let ids = case.source.events.iter().flat_map(|event| &event.id.0);
    assert!(ids.into_iter().all(|id| !case.source.scheme.covers_all(id)), "so no field of it makes an event key");
}

proptest! {
    #[test]
    fn no_change_of_a_bound_part_verifies(which in any::<Index>(), part in any::<Index>(), edit in any_edit(letter())) {
        let cases = Case::all();
        let case = cases[which.index(cases.len())].timeless();
        let parts = bound(&case);
        let part = &parts[part.index(parts.len())];
        let changed = change(&case, part, &|bytes| edit.apply(bytes));
        if let Some(changed) = changed.filter(|changed| !same(&case, changed)) {
            prop_assert!(!changed.verifies(), "{}: {:?} {:?}", case.name, part, edit);
        }
    }
}
