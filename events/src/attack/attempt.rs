//! One hostile request, made for a source.

use super::{Attack, Only, Rewrite, Signed, Text, Token};
use crate::Sample;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use receiver::delivery::Delivery;
use receiver::verify::{Key, fresh_for, put, sign};
use std::io::Write;
use tidings_config::Reference;
use tidings_config::scheme::{Family, Scheme, Written};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;

/// An attack with one of its values.
#[derive(Debug)]
pub struct Attempt<'a> {
    pub attack: &'a Attack,
    /// Counts from 1.
    pub number: usize,
    value: Value<'a>,
}

#[derive(Debug)]
enum Value<'a> {
    Signature(&'a Text),
    RepeatSignature(usize),
    Rewrite(Rewrite),
    Token(&'a Token),
    Key(&'a str),
    Timestamp(&'a Text),
    Seconds(i64),
    Beyond(i64),
    Method(&'a str),
    Path(&'a Text),
    Query(&'a Text),
    ContentType(&'a Text),
    Header(&'a str, &'a str),
    RepeatHeader(usize),
    Without(&'a str),
    Body(&'a Text),
    BodyHex(&'a str),
    Gzip(&'a Text),
    After(&'a Text),
}

/// The source that is attacked.
#[derive(Debug)]
pub struct Victim<'a> {
    pub source: &'a Source,
    /// A typical request of it, unsigned.
    pub sample: Sample,
    /// `None`: only a stranger's attempts can be made.
    pub secret: Option<&'a str>,
    /// The receiver's time.
    pub now: Timestamp,
}

/// What is sent.
#[derive(Debug)]
pub struct Made {
    /// The genuine request that a repeated one repeats, to send before it.
    pub first: Option<Request<Vec<u8>>>,
    pub request: Request<Vec<u8>>,
}

impl Attack {
    /// One attempt for each value, in the order of the file.
    pub fn attempts(&self) -> Vec<Attempt<'_>> {
        let mut values: Vec<Value<'_>> = Vec::new();
        values.extend(self.signature.iter().map(Value::Signature));
        values.extend(self.repeat_signature.iter().map(|times| Value::RepeatSignature(*times)));
        values.extend(self.rewrite.iter().map(|rewrite| Value::Rewrite(*rewrite)));
        values.extend(self.jwt.iter().map(Value::Token));
        values.extend(self.key.iter().map(|key| Value::Key(key)));
        values.extend(self.timestamp.iter().map(Value::Timestamp));
        values.extend(self.seconds.iter().map(|seconds| Value::Seconds(*seconds)));
        values.extend(self.beyond_seconds.iter().map(|seconds| Value::Beyond(*seconds)));
        values.extend(self.method.iter().map(|method| Value::Method(method)));
        values.extend(self.path.iter().map(Value::Path));
        values.extend(self.query.iter().map(Value::Query));
        values.extend(self.content_type.iter().map(Value::ContentType));
        values.extend(self.header.iter().map(|(name, value)| Value::Header(name, value)));
        values.extend(self.repeat_header.iter().map(|times| Value::RepeatHeader(*times)));
        values.extend(self.without.iter().map(|name| Value::Without(name)));
        values.extend(self.body.iter().map(Value::Body));
        values.extend(self.body_hex.iter().map(|hex| Value::BodyHex(hex)));
        values.extend(self.gzip.iter().map(Value::Gzip));
        values.extend(self.body_after.iter().map(Value::After));
        values.into_iter().zip(1..).map(|(value, number)| Attempt { attack: self, number, value }).collect()
    }
}

impl Attempt<'_> {
    pub fn name(&self) -> String {
        format!("{}/{}", self.attack.name, self.number)
    }

    /// The value that is tried, for a reader. Control characters are escaped.
    pub fn shown(&self) -> String {
        match &self.value {
            Value::Signature(text) => format!("signature {}", text.shown()),
            Value::RepeatSignature(times) => format!("the signature's header {times} times"),
            Value::Rewrite(rewrite) => format!("signature rewritten: {rewrite:?}"),
            Value::Token(token) => format!("token {:?} {:?}", token.header, token.claims),
            Value::Key(key) => format!("signed with {key:?}"),
            Value::Timestamp(text) => format!("time {}", text.shown()),
            Value::Seconds(seconds) => format!("signed {seconds} s from now"),
            Value::Beyond(seconds) => format!("signed {seconds} s beyond the limit"),
            Value::Method(method) => format!("method {method:?}"),
            Value::Path(text) => format!("path {}", text.shown()),
            Value::Query(text) => format!("query {}", text.shown()),
            Value::ContentType(text) => format!("content type {}", text.shown()),
            Value::Header(name, value) => format!("{name}: {value:?}"),
            Value::RepeatHeader(times) => format!("{times} headers more"),
            Value::Without(name) => format!("no {name}"),
            Value::Body(text) => format!("body {}", text.shown()),
            Value::BodyHex(hex) => format!("body of the bytes {hex:?}"),
            Value::Gzip(text) => format!("compressed {}", text.shown()),
            Value::After(text) => format!("after the signed body {}", text.shown()),
        }
    }

    /// The request. `None`: this source has no such part, only its provider can sign, or HTTP has no such value.
    pub fn made(&self, victim: &Victim<'_>) -> Option<Made> {
        let Victim { source, sample, now, .. } = victim;
        let scheme = &source.scheme;
        if self.attack.only.contains(&Only::Jwt) && scheme.algorithm.family() != Family::Jwt {
            return None;
        }
        let Sample { headers, query, body } = sample.clone();
        let mut delivery = Delivery { method: Method::POST.as_str().to_owned(), query, headers, body: body.into() };
        for (name, value) in &self.attack.with {
            delivery.headers.insert(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
        }
        if let Value::Body(text) = &self.value {
            delivery.body = text.written().into();
        } else if let Value::BodyHex(hex) = &self.value {
            delivery.body = hex::decode(hex).ok()?.into();
        } else if let Value::Gzip(text) = &self.value {
            delivery.body = gzip(text.written().as_bytes())?.into();
        }
        match self.attack.signed {
            // The sample's headers and parameters have no signature. A body may have one.
            Signed::No if is_in_body(scheme) => delivery.body = b"{}".to_vec().into(),
            Signed::No => {}
            Signed::Stranger => self.sign_as_stranger(source, &mut delivery, *now)?,
            Signed::Yes => {
                let key = Key::prepare(scheme, victim.secret?).ok()?;
                sign(source, &key, &mut delivery, self.signed_at(scheme, *now)?).ok()?;
            }
        }
        let is_rewritten = matches!(self.value, Value::Rewrite(_) | Value::Header(..) | Value::Query(_));
        let first = if self.attack.needs_secret() && is_rewritten {
            Some(written(Method::POST, &webhook(source), delivery.clone())?)
        } else {
            None
        };
        let (method, path) = self.change(source, &mut delivery)?;
        Some(Made { first, request: written(method, &path, delivery)? })
    }

    /// The time of signing. `None`: the source doesn't check it.
    fn signed_at(&self, scheme: &Scheme, now: Timestamp) -> Option<Timestamp> {
        let mut from_now = 0;
        if let Value::Seconds(seconds) = self.value {
            from_now = seconds;
        } else if let Value::Beyond(seconds) = self.value {
            scheme.timestamp.as_ref()?;
            let fresh = i64::try_from(fresh_for(scheme)?.as_secs()).ok()?;
            from_now = if seconds > 0 { -fresh - seconds } else { fresh - seconds };
        }
        Some(Timestamp::from_unix_ms(now.unix_ms() + from_now * 1_000))
    }

    /// As somebody would who doesn't know the secret. What only the provider can sign has a signature of the right form.
    fn sign_as_stranger(&self, source: &Source, delivery: &mut Delivery, now: Timestamp) -> Option<()> {
        let key = if let Value::Key(secret) = self.value { Key::prepare(&source.scheme, secret).ok()? } else { Key::stranger() };
        let at = self.signed_at(&source.scheme, now)?;
        if sign(source, &key, delivery, at).is_err() {
            for place in &source.scheme.signature.from.0 {
                let text = [prefix(&source.scheme), &"A".repeat(86), "=="].concat();
                // A body that has no such place stays unsigned.
                put(delivery, place, &[], &text).ok();
            }
        }
        Some(())
    }

    /// Changes the signed request. Returns its method and path.
    fn change(&self, source: &Source, delivery: &mut Delivery) -> Option<(Method, String)> {
        let (mut method, mut path) = (Method::POST, webhook(source));
        let places = &source.scheme.signature.from.0;
        match &self.value {
            Value::Signature(text) => put_everywhere(places, delivery, &text.written())?,
            Value::Token(token) => {
                let text = format!("{}{}", prefix(&source.scheme), encoded(token));
                put_everywhere(places, delivery, &text)?;
            }
            Value::RepeatSignature(times) => {
                let name = header_of(places)?;
                let value = delivery.headers.get(&name)?.clone();
                delivery.headers.extend((1..*times).map(|_| (Some(name.clone()), value.clone())));
            }
            Value::Rewrite(rewrite) => rewrite.apply(&mut delivery.headers, &header_of(places)?)?,
            Value::Timestamp(text) => {
                let place = source.scheme.timestamp.as_ref().map(|timestamp| &timestamp.from).filter(|place| place.is_place())?;
                put(delivery, place, &[], &text.written()).ok()?;
            }
            Value::Method(name) => method = name.parse().ok()?,
            Value::Path(text) => path = text.written().replace("{source}", &source.name),
            Value::Query(text) => {
                let query = text.written().replace("{source}", &source.name);
                delivery.query = if delivery.query.is_empty() { query } else { format!("{}&{query}", delivery.query) };
            }
            Value::ContentType(text) => {
                delivery.headers.insert(CONTENT_TYPE, HeaderValue::from_bytes(text.written().as_bytes()).ok()?);
            }
            Value::Header(name, value) => {
                let name: HeaderName = name.parse().ok()?;
                // The signature itself is another attack's.
                if header_of(places).as_ref() == Some(&name) && self.attack.needs_secret() {
                    return None;
                }
                delivery.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
            }
            Value::RepeatHeader(times) => {
                for n in 0..*times {
                    delivery.headers.insert(format!("x-filler-{n}").parse::<HeaderName>().ok()?, HeaderValue::from_static("x"));
                }
            }
            Value::Without(name) => drop(delivery.headers.remove(*name)),
            Value::After(text) => {
                let is_covered = source.schemes().all(|scheme| scheme.covers(&Reference::Body));
                if !is_covered {
                    return None;
                }
                delivery.body.edit().extend(text.written().as_bytes());
            }
            Value::Key(_) | Value::Seconds(_) | Value::Beyond(_) | Value::Body(_) | Value::BodyHex(_) | Value::Gzip(_) => {}
        }
        Some((method, path))
    }
}

fn webhook(source: &Source) -> String {
    format!("/webhooks/{}", source.name)
}

fn prefix(scheme: &Scheme) -> &str {
    match &scheme.signature.written {
        Written::Prefix(prefix) => prefix,
        Written::Plain | Written::Fields { .. } | Written::Positional { .. } | Written::Tagged { .. } => "",
    }
}

fn is_in_body(scheme: &Scheme) -> bool {
    scheme.signature.from.0.iter().any(|place| place.header().is_none() && place.query().is_none())
}

fn header_of(places: &[Reference]) -> Option<HeaderName> {
    places.iter().find_map(Reference::header)?.parse().ok()
}

/// Writes the text at each place that the request has. `None`: it has none.
fn put_everywhere(places: &[Reference], delivery: &mut Delivery, text: &str) -> Option<()> {
    let put = places.iter().filter(|place| put(delivery, place, &[], text).is_ok()).count();
    (put > 0).then_some(())
}

fn encoded(token: &Token) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let is_signed = !token.header.to_lowercase().contains("none");
    let signature = if is_signed { URL_SAFE_NO_PAD.encode([0; 32]) } else { String::new() };
    format!("{}.{}.{signature}", part(&token.header), part(&token.claims))
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn written(method: Method, path: &str, delivery: Delivery) -> Option<Request<Vec<u8>>> {
    let target = if delivery.query.is_empty() { path.to_owned() } else { format!("{path}?{}", delivery.query) };
    let mut request = Request::new(delivery.body.into_bytes());
    *request.method_mut() = method;
    *request.uri_mut() = target.parse::<Uri>().ok()?;
    *request.headers_mut() = delivery.headers;
    Some(request)
}
