//! The hosts that may be called.

use crate::limits::MAX_URL_BYTES;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A host, in lower case. A label that is `*` stands for any one label: `*.example.com`, `email.*.amazonaws.com`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

/// Why an address isn't called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("the address doesn't begin with https://")]
    NotHttps,
    #[error("the address has more than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Also a port, a user and an address with a number in brackets.
    #[error("the address has a host that isn't a plain name")]
    NoHost,
    #[error("the host {0:?} isn't one of those that the channel calls")]
    Other(String),
    #[error("the address has a character or a path that isn't allowed in one")]
    Path,
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        let (mut ours, mut theirs) = (self.0.split('.'), host.split('.'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some("*"), Some(label)) if !label.is_empty() => {}
                (Some(wanted), Some(label)) if wanted == label => {}
                _ => return false,
            }
        }
    }
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let labels: Vec<&str> = text.split('.').collect();
        let is_label = |label: &&str| *label == "*" || is_label(label);
        // At least a domain under a public suffix must be spelled out.
        let is_bound = labels.len() >= 2 && labels.iter().rev().take(2).all(|label| *label != "*");
        if labels.iter().all(is_label) && is_bound {
            Ok(Self(text))
        } else {
            Err(format!("{text:?}, allowed: a host in lower case, as api.example.com or *.example.com"))
        }
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !label.is_empty() && label.len() <= 63 && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

/// Checks an address after its places are filled: `https`, one of the hosts, no user, no port but 443, no fragment, no dot
/// segment, nothing that a parser could read in another way.
pub(crate) fn check(url: &str, hosts: &[Host]) -> Result<(), HostError> {
    if url.len() > MAX_URL_BYTES {
        return Err(HostError::TooLong);
    }
    let rest = url.strip_prefix("https://").ok_or(HostError::NotHttps)?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.strip_suffix(":443").unwrap_or(authority);
    if host.split('.').count() < 2 || !host.split('.').all(is_label) {
        return Err(HostError::NoHost);
    }
    if !hosts.iter().any(|allowed| allowed.matches(host)) {
        return Err(HostError::Other(host.to_owned()));
    }
    let is_plain = path
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'#' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'));
    let segments = path.split('?').next().unwrap_or_default().split('/');
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let is_empty_path = path.is_empty();
    if is_empty_path || !path.starts_with('/') || !is_plain || segments.into_iter().any(is_dots) {
        return Err(HostError::Path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(all: &[&str]) -> Vec<Host> {
        all.iter().map(|host| Host::try_from((*host).to_owned()).unwrap()).collect()
    }

    #[test]
    fn only_listed_hosts_are_called() {
        let hosts = hosts(&["api.example.com", "*.hooks.example", "email.*.amazonaws.com"]);
        for url in [
            "https://api.example.com/a?b=c%20d",
            "https://api.example.com:443/",
            "https://eu.hooks.example/x",
            "https://email.eu-central-1.amazonaws.com/v2",
        ] {
            assert_eq!(check(url, &hosts), Ok(()), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "HTTPS://api.example.com/",
            "https://api.example.com",
            "https://api.example.com.evil.example/",
            "https://api.example.com@evil.example/",
            "https://user:pw@api.example.com/",
            "https://api.example.com:8443/",
            "https://evil.example/https://api.example.com/",
            "https://a.b.hooks.example/",
            "https://hooks.example/",
            "https://.hooks.example/",
            "https://API.example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://api.example.com\\@evil.example/",
            "https://api.example.com/a b",
            "https://api.example.com/a\r\nb",
            "https://api.example.com/../admin",
            "https://api.example.com/a/%2e%2E/admin",
            "https://api.example.com/é",
            "https://api.example.com#/",
            "https://api.example.com/#x",
            "https://api.example.com?x",
            "//api.example.com/",
            "",
        ] {
            assert!(check(url, &hosts).is_err(), "{url}");
        }
    }

    #[test]
    fn a_host_spells_out_its_domain() {
        for bad in [
            "",
            "*",
            "com",
            "*.com",
            "a.*",
            "API.example.com",
            "a..b",
            "-a.example.com",
            "a.example.com/",
            "a.example.com:443",
            "a_b.example.com",
        ] {
            assert!(Host::try_from(bad.to_owned()).unwrap_err().contains("allowed"), "{bad}");
        }
    }
}
