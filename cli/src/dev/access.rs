//! Access to everything that `dev` serves besides the webhooks: only programs on this machine that know its token. Web
//! pages are refused: pages in a browser (`Origin`, `Sec-Fetch-…`), and pages whose host name resolves to this machine
//! (`Host`).
//!
//! Each start makes a new token. It is printed, and written to a file that only its owner can read. The file is named
//! after the port, so that other commands find it.

use super::folder::{make, write_private};
use crate::Failure;
use crate::dev_client::token::{Token, file, folder, is_here};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::path::{Path, PathBuf};

/// The token files of a running `dev`. Dropping this deletes them.
#[derive(Debug)]
pub(crate) struct TokenFiles(Vec<PathBuf>);

impl TokenFiles {
    /// Writes one file for each port.
    pub(crate) fn write(token: &Token, ports: &[u16]) -> Result<Self, Failure> {
        let folder = folder().ok_or_else(|| Failure::new("neither XDG_RUNTIME_DIR nor HOME is set"))?;
        Self::write_into(&folder, token, ports)
            .map_err(|error| Failure::new(format!("the token's file in {}: {error}", folder.display())))
    }

    fn write_into(folder: &Path, token: &Token, ports: &[u16]) -> std::io::Result<Self> {
        make(folder)?;
        let files = Self(ports.iter().map(|port| file(folder, *port)).collect());
        files.0.iter().try_for_each(|path| write_private(path, token.as_str()))?;
        Ok(files)
    }
}

impl Drop for TokenFiles {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Host,
    Browser,
    Token,
}

impl Refused {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Browser => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "the Host header doesn't name this machine, allowed: localhost, 127.0.0.1 or [::1]",
            Self::Browser => "requests of web pages are refused",
            Self::Token => "not the token that this `tidings dev` printed at its start",
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status(), self.as_str()).into_response()
    }
}

/// Checks that a request comes from a program on this machine, with the token in `Authorization: Bearer …`.
pub(crate) fn admit(token: &Token, request: &Parts) -> Result<(), Refused> {
    from_here(request)?;
    let given = only(&request.headers, header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    if given.is_some_and(|given| token.is(given)) { Ok(()) } else { Err(Refused::Token) }
}

/// The same check, with the token as the access key of an AWS client.
pub(crate) fn admit_client(token: &Token, request: &Parts) -> Result<(), Refused> {
    from_here(request)?;
    let given =
        only(&request.headers, header::AUTHORIZATION).and_then(|value| value.split_once("Credential=")?.1.split('/').next());
    if given.is_some_and(|given| token.is(given)) { Ok(()) } else { Err(Refused::Token) }
}

fn from_here(request: &Parts) -> Result<(), Refused> {
    let host = only(&request.headers, header::HOST).filter(|host| !host.contains('@'));
    let host = host.and_then(|host| host.parse::<Uri>().ok());
    let named_here = |uri: &Uri| uri.host().is_some_and(is_here);
    if !host.as_ref().is_some_and(named_here) || request.uri.host().is_some_and(|host| !is_here(host)) {
        return Err(Refused::Host);
    }
    let a_browser = |name: &header::HeaderName| *name == header::ORIGIN || name.as_str().starts_with("sec-fetch-");
    if request.headers.keys().any(a_browser) { Err(Refused::Browser) } else { Ok(()) }
}

/// The text of a header that occurs exactly once.
fn only(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev_client::token::TOKEN_BYTES;
    use axum::http::Request;

    fn asked(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::post(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_a_program_of_this_machine_with_the_token_is_admitted() {
        let token = Token::new().unwrap();
        let bearer = format!("Bearer {}", token.as_str());
        let (here, key) = (("host", "127.0.0.1:8787"), ("authorization", bearer.as_str()));
        for host in ["127.0.0.1:8787", "localhost", "LOCALHOST:8787", "[::1]:8787", "127.9.9.9"] {
            assert_eq!(admit(&token, &asked("/_dev/events", &[("host", host), key])), Ok(()), "{host}");
        }
        let hosts = [
            "evil.example",
            "localhost.evil.example:8787",
            "127.0.0.1.evil.example",
            "0.0.0.0:8787",
            "10.0.0.1",
            "[::]",
            "evil@127.0.0.1",
            "localhost.",
            "",
            "127.0.0.1, evil.example",
        ];
        for host in hosts {
            assert_eq!(admit(&token, &asked("/_dev/events", &[("host", host), key])), Err(Refused::Host), "{host}");
        }
        assert_eq!(admit(&token, &asked("/_dev/events", &[key])), Err(Refused::Host), "none");
        assert_eq!(admit(&token, &asked("/_dev/events", &[here, here, key])), Err(Refused::Host), "two");
        assert_eq!(admit(&token, &asked("http://evil.example/_dev/events", &[here, key])), Err(Refused::Host), "absolute");
        for page in [
            ("origin", "null"),
            ("origin", "http://127.0.0.1:8787"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
        ] {
            assert_eq!(admit(&token, &asked("/_dev/events", &[here, key, page])), Err(Refused::Browser), "{page:?}");
        }
        let cut = &bearer[..bearer.len() - 1];
        for wrong in ["", "Bearer ", cut, token.as_str(), &format!("{bearer}0"), &bearer.to_uppercase()] {
            let request = asked("/_dev/events", &[here, ("authorization", wrong)]);
            assert_eq!(admit(&token, &request), Err(Refused::Token), "{wrong}");
        }
        assert_eq!(admit(&token, &asked("/_dev/events", &[here])), Err(Refused::Token));
        assert_eq!(admit(&token, &asked("/_dev/events", &[here, key, key])), Err(Refused::Token), "two");
    }

    #[test]
    fn an_aws_client_has_the_token_as_its_access_key() {
        let token = Token::new().unwrap();
        let here = ("host", "127.0.0.1:8788");
        let signed =
            |key: &str| format!("AWS4-HMAC-SHA256 Credential={key}/20261120/eu-central-1/dynamodb/aws4_request, Signature=0");
        let right = signed(token.as_str());
        assert_eq!(admit_client(&token, &asked("/", &[here, ("authorization", &right)])), Ok(()));
        for wrong in [signed("embedded"), signed(""), format!("Bearer {}", token.as_str()), String::new()] {
            assert_eq!(admit_client(&token, &asked("/", &[here, ("authorization", &wrong)])), Err(Refused::Token), "{wrong}");
        }
        let page = asked("/", &[here, ("authorization", &right), ("origin", "https://evil.example")]);
        assert_eq!(admit_client(&token, &page), Err(Refused::Browser));
        let rebound = asked("/", &[("host", "evil.example:8788"), ("authorization", &right)]);
        assert_eq!(admit_client(&token, &rebound), Err(Refused::Host));
    }

    #[test]
    fn a_token_is_in_a_file_by_its_port_as_long_as_its_dev_runs() {
        let folder = std::env::temp_dir().join(format!("tidings-token-{}", std::process::id()));
        let token = Token::new().unwrap();
        assert_ne!(token, Token::new().unwrap());
        assert_eq!(token.as_str().len(), 2 * TOKEN_BYTES);
        let files = TokenFiles::write_into(&folder, &token, &[8787, 8788]).unwrap();
        for port in [8787, 8788] {
            assert_eq!(std::fs::read_to_string(file(&folder, port)).unwrap(), token.as_str());
        }
        drop(files);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(folder).unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)", "it isn't in a log");
    }
}
