//! Which servers of others a request may reach: `https`, a public address, and nothing in the URL that another reader could
//! take for the host. Names are resolved later, so the address is checked again where the connection is made.
//!
//! Never: an address of this machine, of its network, of AWS's metadata service, or one that leads to them in another form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The ports that a request may be sent to.
pub const ALLOWED_PORTS: [u16; 2] = [443, 8443];

/// The longest URL, in bytes.
pub const MAX_URL_BYTES: usize = 2_048;

/// What may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, by `https`.
    Public,
    /// The same, and this machine's loopback addresses by any port, with or without TLS: `tidings dev` and tests.
    Loopback,
}

/// A URL that may be reached, as far as its text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub is_https: bool,
    /// Lower case; an IPv6 address without its brackets.
    pub host: String,
    pub port: u16,
    /// Path and query, from the `/` on.
    pub path: String,
}

impl Target {
    /// Host and port as in the header `Host`.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default = if self.is_https { 443 } else { 80 };
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }
}

impl Reach {
    /// Reads a URL. Errors: what is wrong with it, without the URL, which may hold a secret.
    pub fn target(self, url: &str) -> Result<Target, String> {
        if url.len() > MAX_URL_BYTES {
            return Err(format!("the URL has {} bytes, allowed: {MAX_URL_BYTES}", url.len()));
        }
        if !url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'))
        {
            return Err("the URL contains characters that must be percent-encoded".to_owned());
        }
        let (scheme, rest) = url.split_once("://").ok_or("the URL has no scheme; write it as https://example.com/hooks")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if rest.contains('#') {
            return Err("the URL has a fragment (#…), which is never sent".to_owned());
        }
        let (authority, path) = match rest.find(['/', '?']) {
            None => (rest, "/".to_owned()),
            Some(at) if rest.as_bytes()[at] == b'?' => (&rest[..at], format!("/{}", &rest[at..])),
            Some(at) => (&rest[..at], rest[at..].to_owned()),
        };
        if authority.contains('@') {
            return Err("the URL contains a user name or a password; use a header".to_owned());
        }
        let (host, port) = split(authority)?;
        let port = port.unwrap_or(if is_https { 443 } else { 80 });
        let target = Target { is_https, host: host.to_ascii_lowercase(), port, path };
        if self.is_own_machine(&target.host) {
            return if is_https || scheme.eq_ignore_ascii_case("http") {
                Ok(target)
            } else {
                Err(format!("the scheme is {scheme:?}, allowed: http, https"))
            };
        }
        if !is_https {
            return Err(format!("the scheme is {scheme:?}, allowed: https"));
        }
        if !ALLOWED_PORTS.contains(&port) {
            return Err(format!("the port is {port}, allowed: 443, 8443"));
        }
        match target.host.parse::<IpAddr>() {
            Ok(address) if !self.allows(address) => Err("the address isn't public".to_owned()),
            Ok(_) => Ok(target),
            Err(_) if is_name(&target.host) => Ok(target),
            Err(_) => Err("the host is neither a public DNS name nor an address".to_owned()),
        }
    }

    /// Whether a connection to this address is allowed.
    pub fn allows(self, address: IpAddr) -> bool {
        is_public(address) || self == Self::Loopback && canonical(address).is_loopback()
    }

    fn is_own_machine(self, host: &str) -> bool {
        self == Self::Loopback
            && (host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| canonical(address).is_loopback()))
    }
}

/// Host and port. An IPv6 address is in brackets.
fn split(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or("the IPv6 address has no closing bracket")?;
            if host.parse::<Ipv6Addr>().is_err() {
                return Err("the host in brackets isn't an IPv6 address".to_owned());
            }
            (host, (!after.is_empty()).then(|| after.strip_prefix(':').unwrap_or(":")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok()).flatten();
    match port {
        Some(port) => Ok((host, Some(number(port).ok_or("the port isn't a number from 0 to 65535")?))),
        None => Ok((host, None)),
    }
}

/// A DNS name with a dot whose last label isn't a number: resolvers read `127.1` and `0x7f.1` as addresses.
fn is_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(label)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !last.starts_with("0x")
        && !matches!(last, "localhost" | "local" | "internal" | "localdomain" | "lan" | "home" | "corp" | "intranet")
}

/// An IPv4 address that is written as IPv6 leads to the same host.
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether an address is one of the public Internet: IANA's registries of special-purpose addresses say which aren't.
pub fn is_public(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, loopback.
        (0 | 10 | 127, _, _)
            // Carrier-grade NAT.
            | (100, 64..=127, _)
            // Link-local: the metadata service of AWS is 169.254.169.254.
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            // Protocol assignments, and the relay of 6to4.
            | (192, 0, 0)
            | (192, 88, 99)
            // Benchmarks.
            | (198, 18..=19, _)
            // Documentation.
            | (192, 0, 2)
            | (198, 51, 100)
            | (203, 0, 113)
            // Multicast, reserved, broadcast.
            | (224..=255, _, _)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 leads to the IPv4 address in its last 32 bits.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocol assignments with Teredo, ORCHID and benchmarks; documentation; 6to4, which leads to an IPv4 address.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast. All else is special: loopback, unspecified, unique local, link-local, multicast, IPv4-compatible.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap_or_else(|_| panic!("{address}")))
    }

    #[test]
    fn addresses_of_this_machine_and_its_networks_are_not_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:20::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn addresses_beside_them_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "3ffe:ffff::1",
            "3fff:1000::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn a_url_names_a_public_host_by_https() {
        for (url, authority, path) in [
            ("https://example.com", "example.com", "/"),
            ("HTTPS://Example.COM/a?b=c", "example.com", "/a?b=c"),
            ("https://example.com:8443?x", "example.com:8443", "/?x"),
            ("https://hooks.example.co.uk:443/x%20y", "hooks.example.co.uk", "/x%20y"),
            ("https://8.8.8.8/", "8.8.8.8", "/"),
            ("https://[2606:4700::1111]:8443/x", "[2606:4700::1111]:8443", "/x"),
            ("https://example.com./", "example.com.", "/"),
        ] {
            let target = Reach::Public.target(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((target.authority().as_str(), target.path.as_str()), (authority, path), "{url}");
        }
    }

    #[test]
    fn a_url_that_could_lead_elsewhere_is_refused() {
        for (url, said) in [
            ("http://example.com/", "allowed: https"),
            ("ftp://example.com/", "allowed: https"),
            ("file:///etc/passwd", "allowed: https"),
            ("example.com/x", "no scheme"),
            ("https://user:pass@example.com/", "user name"),
            ("https://example.com@169.254.169.254/", "user name"),
            ("https://example.com/#@x", "fragment"),
            ("https://example.com:22/", "the port is 22, allowed: 443, 8443"),
            ("https://example.com:/", "the port isn't"),
            ("https://example.com:+443/", "the port isn't"),
            ("https://example.com:65536/", "the port isn't"),
            ("https://localhost/", "neither"),
            ("https://db.internal/", "neither"),
            ("https://metadata.google.internal/", "neither"),
            ("https://printer/", "neither"),
            ("https://127.1/", "neither"),
            ("https://2130706433/", "neither"),
            ("https://0x7f.0x0.0x0.0x1/", "neither"),
            ("https://0177.0.0.1/", "neither"),
            ("https://127.0.0.1/", "isn't public"),
            ("https://169.254.169.254/latest/meta-data", "isn't public"),
            ("https://[::1]/", "isn't public"),
            ("https://[::ffff:169.254.169.254]/", "isn't public"),
            ("https://[64:ff9b::a9fe:a9fe]/", "isn't public"),
            ("https://[::1/", "no closing bracket"),
            ("https://[::1%25eth0]/", "isn't an IPv6 address"),
            ("https://[example.com]/", "isn't an IPv6 address"),
            ("https://[::1]x/", "the port isn't"),
            ("https://::1/", "the port isn't"),
            ("https://exam ple.com/", "percent-encoded"),
            ("https://example.com\\@evil.example/", "percent-encoded"),
            ("https://example.com/\r\nX: y", "percent-encoded"),
            ("https://ex\u{e4}mple.com/", "percent-encoded"),
            ("https://", "neither"),
            ("https:///x", "neither"),
            ("https://-example.com/", "neither"),
            ("https://a..example.com/", "neither"),
        ] {
            let refused = Reach::Public.target(url).expect_err(url);
            assert!(refused.contains(said), "{url}: {refused}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES));
        assert!(Reach::Public.target(&long).is_err_and(|said| said.contains("allowed: 2048")));
        assert!(Reach::Public.target(&long[..MAX_URL_BYTES]).is_ok());
    }

    #[test]
    fn development_reaches_this_machine_too_and_no_other_private_address() {
        for url in ["http://127.0.0.1:3000/x", "http://localhost:3000", "https://localhost:8000/", "http://[::1]:9/"] {
            assert!(Reach::Loopback.target(url).is_ok(), "{url}");
            assert!(Reach::Public.target(url).is_err(), "{url}");
        }
        for url in
            ["http://10.0.0.1/", "https://192.168.1.1/", "http://example.com/", "https://169.254.169.254/", "ftp://localhost/"]
        {
            assert!(Reach::Loopback.target(url).is_err(), "{url}");
        }
        assert!(Reach::Loopback.allows([127, 0, 0, 1].into()) && !Reach::Loopback.allows([10, 0, 0, 1].into()));
    }
}
