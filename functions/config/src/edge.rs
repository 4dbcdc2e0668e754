//! What a source checks before anything of a request is verified: where it comes from, and how often.
//!
//! Promises: a value of these types is within its limits and has no second way to be written. Never: a decision about a
//! request, which is the receiver's (`functions/receiver/src/gate`); the secret of the origin, of which only a digest is here.

use crate::rate::Rate;
use crate::time::Timestamp;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The checks of a source. A source without any has no `Edge`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The networks that may ask. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_from: Vec<Network>,
    /// The provider's list that is part of `allow_from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<PublishedList>,
    /// Digests of the header that CloudFront adds, one of which must fit. Empty: the header isn't looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origin: Vec<OriginDigest>,
}

impl Edge {
    /// Whether nothing is checked.
    pub fn is_off(&self) -> bool {
        self.rate.is_none() && self.allow_from.is_empty() && self.origin.is_empty()
    }
}

/// Which list of a provider's addresses was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedList {
    /// The file's name in `functions/receiver/ranges/`.
    pub name: String,
    /// When the provider's page was read.
    pub read_on: Timestamp,
}

/// A network or a single address: `10.0.0.0/8`, `203.0.113.7`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    /// Whether the address is in it. An IPv4 address that is written as IPv6 must be canonical before.
    pub fn contains(&self, address: &IpAddr) -> bool {
        self.0.contains(address)
    }

    /// The bits that all its addresses share.
    pub fn prefix_bits(&self) -> u8 {
        self.0.prefix_len()
    }

    pub fn is_ipv4(&self) -> bool {
        self.0.addr().is_ipv4()
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let net = net.map_err(|_| format!("{text:?} isn't a network; write it as 10.0.0.0/8, 203.0.113.7 or 2001:db8::/32"))?;
        if net.trunc() != net {
            return Err(format!("{text:?} has bits behind its prefix; the network is {}", net.trunc()));
        }
        Ok(Self(net))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// SHA-256 of the secret that CloudFront sends with each request, in hex. The secret has 32 random bytes, so its digest
/// tells nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-9a-f]{64}$"))]
#[serde(try_from = "String", into = "String")]
pub struct OriginDigest([u8; 32]);

impl OriginDigest {
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for OriginDigest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        match hex::decode_to_slice(&text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            // What was written may be the secret itself: it isn't repeated.
            Ok(()) | Err(_) => Err("a digest of the origin's secret isn't SHA-256 in hex; allowed: 64 of 0-9 and a-f".to_owned()),
        }
    }
}

impl From<OriginDigest> for String {
    fn from(digest: OriginDigest) -> Self {
        hex::encode(digest.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_own_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.30.252.0/22", "192.30.255.255", "192.31.0.0"),
            ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::7", "2001:db8::7", "2001:db8::8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(&inside.parse().unwrap()), "{inside} in {network}");
            assert!(!network.contains(&outside.parse().unwrap()), "{outside} in {network}");
            assert_eq!(network.to_string().parse(), Ok(network));
        }
    }

    #[test]
    fn a_network_is_written_in_one_way() {
        assert_eq!(
            "10.0.0.1/8".parse::<Network>().unwrap_err(),
            "\"10.0.0.1/8\" has bits behind its prefix; the network is 10.0.0.0/8"
        );
        for bad in
            ["", "provider", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::/129", "10.0.0.1-10.0.0.9", "example.com", "010.0.0.1"]
        {
            assert!(bad.parse::<Network>().unwrap_err().contains("isn't a network"), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_64_hex_digits_and_what_is_wrong_is_not_repeated() {
        let digest = OriginDigest::try_from("ab".repeat(32)).unwrap();
        assert_eq!((digest.bytes(), String::from(digest)), (&[0xab; 32], "ab".repeat(32)));
        for bad in ["ab".repeat(31), "ab".repeat(33), "AB".repeat(32), "a secret".to_owned()] {
            assert!(!OriginDigest::try_from(bad.clone()).unwrap_err().contains(&bad), "{bad}");
        }
    }
}
