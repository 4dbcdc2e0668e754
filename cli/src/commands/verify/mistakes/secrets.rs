//! Secrets that are stored in another form than the scheme's, or that belong to another source.

use super::Mended;
use crate::commands::verify::attempt::Attempt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tidings_config::limits::MAX_SECRETS_PER_SOURCE;
use tidings_config::scheme::{Algorithm, KeyEncoding, Written};
use tidings_config::source::OWN;

pub(super) fn mended<'a>(attempt: &'a Attempt, document: &str) -> impl Iterator<Item = Mended> + use<'a> {
    spelt(attempt).into_iter().chain(forms(attempt)).chain(keys(attempt)).chain(others(attempt, document))
}

/// White space and quotes around a secret, and other ways to write a token.
fn spelt(attempt: &Attempt) -> Vec<Mended> {
    let each = |hint: &str, change: &dyn Fn(&str) -> String| {
        (hint.to_owned(), attempt.with(|a| a.secrets.iter_mut().for_each(|secret| *secret = change(secret))))
    };
    let mut mended = vec![
        each("the secret has white space around it: store it without white space", &|secret| secret.trim().to_owned()),
        each("the secret has quotation marks around it: store it without them", &|secret| {
            secret.trim_matches(['"', '\'']).to_owned()
        }),
    ];
    if attempt.source.scheme.algorithm == Algorithm::Token {
        mended.push(each(
            "the secret is stored as user:password, but the request contains its base64 form: store that form",
            &|secret| STANDARD.encode(secret),
        ));
        mended.push(each(
            "the secret is stored as base64, but the request contains the decoded value: store the decoded value",
            &|secret| {
                let decoded = STANDARD.decode(secret).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                decoded.unwrap_or_default()
            },
        ));
        if let Written::Prefix(prefix) = &attempt.source.scheme.signature.written {
            let hint = format!("the secret is stored with the prefix {prefix:?}: store it without the prefix");
            mended.push(each(&hint, &|secret| secret.strip_prefix(prefix.as_str()).unwrap_or(secret).to_owned()));
        }
    }
    mended
}

/// The forms of the key that providers use for secrets that look alike.
fn forms(attempt: &Attempt) -> Vec<Mended> {
    let forms = [
        ("the sender uses the secret as text, without decoding it", KeyEncoding::Utf8, None),
        ("the sender uses the part of the secret after whsec_ as text, not as base64", KeyEncoding::Utf8, Some("whsec_")),
        ("the sender decodes the part of the secret after whsec_ from base64", KeyEncoding::Base64, Some("whsec_")),
        ("the sender decodes the secret from hexadecimal", KeyEncoding::Hex, None),
        ("the sender decodes the secret from base64", KeyEncoding::Base64, None),
    ];
    let mended = |(hint, encoding, prefix): (&str, KeyEncoding, Option<&str>)| {
        let changed = attempt.with(|a| {
            a.source.scheme.key.encoding = encoding;
            a.source.scheme.key.strip_prefix = prefix.map(str::to_owned);
        });
        let what_to_do = if attempt.source.provider == OWN {
            "set `key` of the scheme accordingly, or sign with the secret as it is stored"
        } else {
            "it looks like a secret of another provider"
        };
        (format!("{hint}: {what_to_do}"), changed)
    };
    let is_there = |prefix: Option<&str>| prefix.is_none_or(|prefix| attempt.secrets.iter().any(|s| s.starts_with(prefix)));
    forms.into_iter().filter(|(_, _, prefix)| is_there(*prefix)).map(mended).collect()
}

/// Texts that people take for the key instead of the stored secret. A token isn't a key.
fn keys(attempt: &Attempt) -> Vec<Mended> {
    if attempt.source.scheme.algorithm == Algorithm::Token {
        return Vec::new();
    }
    let each = |hint: &str, change: &dyn Fn(&str) -> String| {
        (hint.to_owned(), attempt.with(|a| a.secrets.iter_mut().for_each(|secret| *secret = change(secret))))
    };
    vec![
        each("the secret is stored without its prefix whsec_: store it with the prefix", &|secret| format!("whsec_{secret}")),
        each(
            "the sender uses the base64 form of the secret as the key: store that form, or sign with the secret itself",
            &|secret| STANDARD.encode(secret),
        ),
        each(
            "the sender uses the hexadecimal form of the secret as the key: store that form, or sign with the secret itself",
            &|secret| secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ),
        each("the sender's secret ends with a line feed, as `echo` writes one: remove it at the sender", &|secret| {
            format!("{secret}\n")
        }),
        each("the sender's secret ends with a line end (CRLF): remove it at the sender", &|secret| format!("{secret}\r\n")),
        each("the sender's secret ends with a space: remove it at the sender", &|secret| format!("{secret} ")),
        each("the sender's secret begins with a space: remove it at the sender", &|secret| format!(" {secret}")),
        each("the sender's secret has quotation marks around it: remove them at the sender", &|secret| format!("\"{secret}\"")),
    ]
}

/// Other secrets in the document: those of other sources, and those of this source beyond the number that is tried. One
/// at a time, because each contains a copy of the request.
fn others<'a>(attempt: &'a Attempt, document: &str) -> impl Iterator<Item = Mended> + use<'a> {
    // A document that can't be read was reported before.
    let entries = tidings_core::secrets::parse(document).unwrap_or_default();
    let others = entries.into_iter().filter(|(name, _)| *name != attempt.source.name);
    let mended = others
        .map(|(name, secrets)| (format!("it is signed with the secret of {name:?}"), attempt.with(|a| a.secrets = secrets.0)));
    let beyond = attempt.secrets.get(MAX_SECRETS_PER_SOURCE..).unwrap_or_default().to_vec();
    let hint =
        format!("it is signed with a secret after the first {MAX_SECRETS_PER_SOURCE}, and only those are used: remove old ones");
    mended.chain(std::iter::once_with(move || (hint, attempt.with(|a| a.secrets = beyond))))
}
