//! The token of a `dev`. Each start makes a new one. It is printed, and written to a file that only its owner can read,
//! named after the port.

use crate::Failure;
use axum::http::Uri;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use subtle::ConstantTimeEq;

/// The length of a SHA-256 key.
pub(crate) const TOKEN_BYTES: usize = 32;

/// The variable with the token if there is no token file, as for another user's `dev` or a forwarded port.
const TOKEN_VARIABLE: &str = "TIDINGS_DEV_TOKEN";

/// The secret that callers must know.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    pub(crate) fn new() -> Result<Self, Failure> {
        let mut bytes = [0; TOKEN_BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Failure::new("the operating system returned no random bytes for a token"))?;
        let mut text = String::new();
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// The token of the `dev` at a loopback address, if it is known here.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        if !is_here(uri.host()?) {
            return None;
        }
        if let Some((ports, token)) = OURS.get()
            && uri.port_u16().is_some_and(|port| ports.contains(&port))
        {
            return Some(token.clone());
        }
        if let Ok(token) = std::env::var(TOKEN_VARIABLE) {
            return Some(Self(token));
        }
        let text = std::fs::read_to_string(file(&folder()?, uri.port_u16()?)).ok()?;
        Some(Self(text.trim().to_owned()))
    }
}

/// The ports and the token of the `dev` that runs in this process.
static OURS: OnceLock<(Vec<u16>, Token)> = OnceLock::new();

/// Makes the token of this process's `dev` known to commands that run in it.
pub(crate) fn know(ports: &[u16], token: &Token) {
    let _ = OURS.set((ports.to_owned(), token.clone()));
}

pub(crate) fn folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_RUNTIME_DIR").or_else(|| Some(set("HOME")?.join(".cache"))).map(|folder| folder.join("tidings"))
}

pub(crate) fn file(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!("dev-{port}.token"))
}

/// Whether a host name can only be this machine.
pub(crate) fn is_here(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
