//! Who called, as the front door says it.

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, de};
use std::fmt;
use std::net::IpAddr;

/// Where a request comes from. No header can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The address that API Gateway or the function URL names in the request's context.
    Address(IpAddr),
    /// The front door named no address.
    Unknown,
    /// There is no front door, and no gate: `tidings dev` and tools.
    NoFrontDoor,
}

/// An address in the request's context; any other text is none. Reading it allocates nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SourceIp(Option<IpAddr>);

impl From<SourceIp> for Caller {
    fn from(SourceIp(address): SourceIp) -> Self {
        address.map_or(Self::Unknown, |address| Self::Address(address.to_canonical()))
    }
}

impl<'de> Deserialize<'de> for SourceIp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = SourceIp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address or null")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SourceIp, E> {
                Ok(SourceIp(text.parse().ok()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<SourceIp, E> {
                Ok(SourceIp::default())
            }
        }

        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_canonical_and_any_other_text_is_none() {
        let read = |json: &str| Caller::from(serde_json::from_str::<SourceIp>(json).unwrap());
        let address = |text: &str| Caller::Address(text.parse().unwrap());
        for (json, caller) in [
            (r#""203.0.113.7""#, address("203.0.113.7")),
            (r#""::ffff:203.0.113.7""#, address("203.0.113.7")),
            (r#""2001:db8::1""#, address("2001:db8::1")),
            (r#""203.0.113.7, 198.51.100.1""#, Caller::Unknown),
            (r#""""#, Caller::Unknown),
            ("null", Caller::Unknown),
        ] {
            assert_eq!(read(json), caller, "{json}");
        }
    }
}
