//! Forged requests: a handshake's answer, used as the signature of its challenge.

use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use lambda_http::{Body, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::scheme::Written;
use tidings_config::source::{BodyFormat, Source};
use tidings_config::{Part, Reference, Template};

/// The parts of an answer that may be a signature.
pub(super) fn told(answer: &Response<Body>) -> Vec<String> {
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    let mut told: Vec<String> = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(fields)) => fields.values().filter_map(Value::as_str).map(str::to_owned).collect(),
        Ok(_) | Err(_) => vec![text],
    };
    told.extend(answer.headers().values().filter_map(|value| value.to_str().ok()).map(str::to_owned));
    let inner: Vec<String> = told.iter().flat_map(|text| text.splitn(2, ['=', '|']).skip(1)).map(str::to_owned).collect();
    told.extend(inner);
    told
}

/// The same bytes in every way in which a signature is written.
pub(super) fn written_out(told: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for text in told {
        let decoded = [hex::decode(text).ok(), STANDARD.decode(text).ok(), URL_SAFE_NO_PAD.decode(text).ok()];
        for bytes in decoded.into_iter().flatten().filter(|bytes| bytes.len() >= 16) {
            all.extend([hex::encode(&bytes), hex::encode_upper(&bytes), STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)]);
        }
    }
    all
}

/// A forged request: what of it is signed is the challenge.
#[derive(Clone, Debug, Default)]
pub(super) struct Forged {
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    body: Option<String>,
}

/// Every way to cut the challenge into what the template holds.
fn cut(parts: &[Part], rest: &str, so_far: &Forged, out: &mut Vec<Forged>) {
    let Some((part, after)) = parts.split_first() else {
        if rest.is_empty() {
            out.push(so_far.clone());
        }
        return;
    };
    let Part::Value(reference) = part else {
        if let Part::Text(text) = part
            && let Some(rest) = rest.strip_prefix(text.as_str())
        {
            cut(after, rest, so_far, out);
        }
        return;
    };
    let ends = if after.is_empty() { vec![rest.len()] } else { (0..=rest.len()).collect() };
    for end in ends.into_iter().filter(|end| rest.is_char_boundary(*end)) {
        let (value, rest) = rest.split_at(end);
        let mut next = so_far.clone();
        let pair = |name: &str| (name.to_owned(), value.to_owned());
        match reference {
            Reference::Body => next.body = Some(value.to_owned()),
            Reference::Header(name) => next.headers.push(pair(name)),
            Reference::Query(name) => next.query.push(pair(name)),
            Reference::FormField(name) => next.fields.push(pair(name)),
            Reference::Json(path) | Reference::JsonOrEmpty(path) => next.fields.push(pair(&path.to_string())),
            Reference::Signature(name) => next.headers.push((format!("sig {name}"), value.to_owned())),
            // One field, cut in two at every place.
            Reference::Form => {
                next.fields.push((value.to_owned(), String::new()));
                for at in 1..value.len() {
                    let mut cut_here = so_far.clone();
                    cut_here.fields.push((value[..at].to_owned(), value[at..].to_owned()));
                    cut(after, rest, &cut_here, out);
                }
            }
            Reference::Method if value == "POST" => {}
            Reference::Method
            | Reference::Url
            | Reference::Jwt(_)
            | Reference::Crc32
            | Reference::Canonical(_)
            | Reference::Secret => continue,
        }
        cut(after, rest, &next, out);
    }
}

/// The requests at a source for which this MAC of the challenge might be the signature.
pub(super) fn forgeries(source: &Source, challenge: &str) -> Vec<Forged> {
    let mut all = Vec::new();
    if let Some(Template(parts)) = &source.scheme.message {
        cut(parts, challenge, &Forged::default(), &mut all);
    }
    all
}

pub(super) async fn deliver(world: &World, source: &Source, forged: &Forged, signature: &str) -> u16 {
    let scheme = &source.scheme;
    let fields: Vec<String> =
        forged.headers.iter().filter_map(|(n, v)| Some(format!("{}={v}", n.strip_prefix("sig ")?))).collect();
    let text = match &scheme.signature.written {
        Written::Plain => signature.to_owned(),
        Written::Prefix(prefix) => format!("{prefix}{signature}"),
        Written::Fields { key, separator } => {
            fields.iter().cloned().chain([format!("{key}={signature}")]).collect::<Vec<_>>().join(separator)
        }
        Written::Positional { skip, separator } => {
            vec!["1795168800"; *skip].into_iter().chain([signature]).collect::<Vec<_>>().join(separator)
        }
        Written::Tagged { tag, tag_separator, .. } => {
            format!("{}{tag_separator}{signature}", if tag == "*" { "integration_public_key" } else { tag })
        }
    };
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut headers = vec![("content-type".to_owned(), source.content_types.0[0].clone())];
    headers.extend(forged.headers.iter().filter(|(name, _)| !name.starts_with("sig ")).cloned());
    let (mut query, mut form) = (forged.query.clone(), forged.fields.clone());
    for place in &scheme.signature.from.0 {
        if let Reference::Header(name) = place {
            headers.push((name.clone(), text.clone()));
        } else if let Reference::Query(name) = place {
            query.push((name.clone(), text.clone()));
        } else if let Reference::FormField(name) = place {
            form.push((name.clone(), text.clone()));
        } else {
            panic!("{place} is no place of a MAC that is forged here");
        }
    }
    let json_fields = || Value::Object(forged.fields.iter().map(|(n, v)| (n.clone(), json!(v))).collect()).to_string();
    let body = match &forged.body {
        Some(body) => body.clone(),
        None if source.format_of(&source.content_types.0[0]) == BodyFormat::Form => {
            form.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect::<Vec<_>>().join("&")
        }
        None => json_fields(),
    };
    let query: Vec<String> = query.iter().map(|(n, v)| format!("{n}={v}")).collect();
    // A text that no header and no URL can contain gives no request.
    let fit = headers.iter().all(|(_, v)| v.bytes().all(|b| (b' '..=b'~').contains(&b)))
        && query.iter().all(|q| q.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>{}|\\^`#".contains(&b)));
    if !fit {
        return 0;
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    world.ask("POST", &format!("{}?{}", source.name, query.join("&")), &headers, body).await.status().as_u16()
}
