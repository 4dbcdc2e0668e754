//! The same signature in other characters.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

/// How a signature's header is written the second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rewrite {
    Same,
    Upper,
    Lower,
    Base64url,
    Base64,
    Unpadded,
    Padded,
    Spaces,
    Tabs,
    Quoted,
    Percent,
    /// Twice in one header, after a comma.
    Listed,
    Semicolons,
    /// In two headers of one name.
    Twice,
    /// Two headers, of which the second is another's.
    FirstOfTwo,
    /// Two headers, of which the first is another's.
    LastOfTwo,
    Shortened,
    Lengthened,
    /// `SHA256=` for `sha256=`.
    UpperPrefix,
}

/// A signature that nobody made.
const ANOTHER: HeaderValue = HeaderValue::from_static("sha256=00");

impl Rewrite {
    /// Writes the header again. `None`: there is no such header, or HTTP has no such value.
    pub(super) fn apply(self, headers: &mut HeaderMap, name: &HeaderName) -> Option<()> {
        let genuine = headers.get(name)?.clone();
        let text = genuine.to_str().ok()?;
        let one = |text: String| HeaderValue::from_str(&text).ok().map(|value| vec![value]);
        let values = match self {
            Self::Same => vec![genuine],
            Self::Upper => one(text.to_uppercase())?,
            Self::Lower => one(text.to_lowercase())?,
            Self::Base64url => one(text.replace('+', "-").replace('/', "_"))?,
            Self::Base64 => one(text.replace('-', "+").replace('_', "/"))?,
            Self::Unpadded => one(text.trim_end_matches('=').to_owned())?,
            Self::Padded => one(format!("{text}="))?,
            Self::Spaces => one(format!("  {text}  "))?,
            Self::Tabs => one(format!("\t{text}\t"))?,
            Self::Quoted => one(format!("\"{text}\""))?,
            Self::Percent => one(text.replace('=', "%3D"))?,
            Self::Listed => one(format!("{text},{text}"))?,
            Self::Semicolons => one(text.replace(',', ";"))?,
            Self::Twice => vec![genuine.clone(), genuine],
            Self::FirstOfTwo => vec![genuine, ANOTHER],
            Self::LastOfTwo => vec![ANOTHER, genuine],
            Self::Shortened => one(text.chars().take(text.chars().count().saturating_sub(1)).collect())?,
            Self::Lengthened => one(format!("{text}0"))?,
            Self::UpperPrefix => one(match text.split_once('=') {
                Some((prefix, rest)) => format!("{}={rest}", prefix.to_uppercase()),
                None => text.to_owned(),
            })?,
        };
        headers.remove(name);
        headers.extend(values.into_iter().map(|value| (Some(name.clone()), value)));
        Some(())
    }
}
