//! Hostile and broken requests, and the right answer to each: the files of `attacks/`.
//!
//! An [`Attack`] is a kind of request, an [`Attempt`] one request of it. The tests send each to each preset's receiver, and
//! `tidings attack` sends them to a running one. A stranger's attempts need no secret; the provider's own, changed or
//! repeated, need the source's.

mod attempt;
mod rewrite;
mod text;

pub use attempt::{Attempt, Made, Victim};
pub use rewrite::Rewrite;

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use std::sync::LazyLock;
use text::Text;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/attacks");

/// A kind of request, with the values that are tried.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attack {
    /// Unique. An attempt is `name/number`.
    pub name: String,
    /// What is wrong with it, in a sentence.
    pub about: String,
    /// Public ids of the vulnerabilities that such requests have used.
    pub classes: Vec<String>,
    /// The schemes that it applies to. Empty: all.
    only: Vec<Only>,
    signed: Signed,
    /// 401 if left out.
    pub right: Right,
    /// Statuses that a HTTP server in front of the receiver may answer instead.
    pub front: Vec<u16>,
    /// Headers of each attempt.
    with: Vec<(String, String)>,
    // The values. Each makes an attempt.
    /// In the signature's place.
    signature: Vec<Text>,
    /// The signature's header as often.
    repeat_signature: Vec<usize>,
    /// The signature, written in another way.
    rewrite: Vec<Rewrite>,
    /// A JSON Web Token with this header and these claims.
    jwt: Vec<Token>,
    /// The secret that signs.
    key: Vec<String>,
    /// In the place of the signing time.
    timestamp: Vec<Text>,
    /// Signed so many seconds from now.
    seconds: Vec<i64>,
    /// Signed so many seconds before the oldest time that is accepted; negative: after the newest.
    beyond_seconds: Vec<i64>,
    method: Vec<String>,
    /// `{source}` is the source's name.
    path: Vec<Text>,
    query: Vec<Text>,
    content_type: Vec<Text>,
    /// A name and a value.
    header: Vec<(String, String)>,
    /// As many headers more.
    repeat_header: Vec<usize>,
    /// The name of a header that is removed.
    without: Vec<String>,
    /// The body, before it is signed.
    body: Vec<Text>,
    /// The same in hexadecimal.
    body_hex: Vec<String>,
    /// The body that is compressed, before it is signed.
    gzip: Vec<Text>,
    /// Appended to the body after it was signed.
    body_after: Vec<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Only {
    Jwt,
}

/// Who signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Signed {
    No,
    /// Somebody who doesn't know the source's secret.
    #[default]
    Stranger,
    /// The source's provider.
    Yes,
}

/// The right answer.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Right {
    /// One of these statuses.
    Status(Vec<u16>),
    Event(Same),
}

/// The right answer to a repeated request.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Same {
    /// It is refused, or it is the event that is known already.
    Known,
}

impl Default for Right {
    fn default() -> Self {
        Self::Status(vec![401])
    }
}

impl Right {
    /// Whether this status is right. Whether an event is the known one, only its claim tells.
    pub fn allows(&self, status: u16) -> bool {
        match self {
            Self::Status(allowed) => allowed.contains(&status),
            Self::Event(Same::Known) => [200, 201, 202, 204, 400, 401, 413, 415].contains(&status),
        }
    }

    /// The allowed statuses, as a reader sees them.
    pub fn shown(&self) -> String {
        match self {
            Self::Status(allowed) => allowed.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
            Self::Event(Same::Known) => "refused, or the same event".to_owned(),
        }
    }
}

/// The parts of a JSON Web Token before they are encoded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    header: String,
    claims: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    attack: Vec<Attack>,
}

static ATTACKS: LazyLock<Vec<Attack>> = LazyLock::new(|| {
    let mut files: Vec<_> = FILES.files().collect();
    files.sort_by_key(|file| file.path());
    let read = |text: &str| toml::from_str::<File>(text).expect("a test reads the attacks").attack;
    files.into_iter().flat_map(|file| read(file.contents_utf8().expect("UTF-8"))).collect()
});

/// All attacks, ordered by file.
pub fn attacks() -> &'static [Attack] {
    &ATTACKS
}

impl Attack {
    /// Whether its attempts need the source's secret: they are the provider's own requests, changed or repeated.
    pub fn needs_secret(&self) -> bool {
        self.signed == Signed::Yes
    }
}
