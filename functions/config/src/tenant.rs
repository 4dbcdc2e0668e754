//! The name of a tenant: one of many customers of one provider, each with secrets of its own, behind
//! `/webhooks/{source}/{tenant}`.

use crate::limits::MAX_TENANT_NAME_BYTES;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// 1 to 64 of A-Z, a-z, 0-9, - and _, which begins with a letter or a digit. It has no character that separates the parts
/// of a claim key, and none that a URL escapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"))]
#[serde(try_from = "String", into = "String")]
pub struct TenantName(String);

/// Why a text isn't a tenant's name. A retry doesn't help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a tenant's name; allowed: 1 to {MAX_TENANT_NAME_BYTES} of A-Z, a-z, 0-9, - and _, not beginning with - or _")]
pub struct NotATenantName;

impl TenantName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that the preset gives (a conversation, an entity), as this tenant's own: two tenants never share it.
    pub fn owned(&self, name: &str) -> String {
        format!("tenant/{}/{name}", self.0)
    }
}

impl FromStr for TenantName {
    type Err = NotATenantName;

    fn from_str(text: &str) -> Result<Self, NotATenantName> {
        let mut bytes = text.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let goes_on = bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if begins && goes_on && text.len() <= MAX_TENANT_NAME_BYTES { Ok(Self(text.to_owned())) } else { Err(NotATenantName) }
    }
}

impl TryFrom<String> for TenantName {
    type Error = NotATenantName;

    fn try_from(text: String) -> Result<Self, NotATenantName> {
        text.parse()
    }
}

impl From<TenantName> for String {
    fn from(name: TenantName) -> Self {
        name.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_separator_and_is_bounded() {
        let longest = "a".repeat(MAX_TENANT_NAME_BYTES);
        for good in ["acme", "Acme-2", "acct_1Nv", "0", &longest] {
            assert_eq!(good.parse::<TenantName>().unwrap().as_str(), good);
        }
        let too_long = format!("{longest}a");
        for bad in ["", "-a", "_a", "a.b", "a/b", "a#b", "a:b", "a@b", "a+b", "a%23b", "a b", "é", "..", "a\n", &too_long] {
            assert_eq!(bad.parse::<TenantName>(), Err(NotATenantName), "{bad:?}");
        }
    }
}
