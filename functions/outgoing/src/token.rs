//! A token that must be fetched before a request: OAuth 2.0 client credentials, or a signed assertion.

use crate::answer::Reply;
use crate::host;
use crate::limits::{ASSERTION_LIFETIME, DEFAULT_TOKEN_LIFETIME};
use crate::place::Selector;
use crate::render::{Rendered, Unrenderable, json, text};
use crate::template::{Shape, Template};
use crate::values::Values;
use crate::{Channel, Host};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_config::words;
use zeroize::Zeroizing;

/// How the token is fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub url: Template,
    pub form: BTreeMap<String, Template>,
    /// Where the answer has it.
    pub value: Selector,
    /// Where the answer has its lifetime in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<Selector>,
    /// The assertion, which `form` names as `{jwt}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt>,
    #[serde(default, skip_serializing)]
    pub vector: Option<Value>,
}

/// An assertion, signed by us (RFC 7523). `iat` and `exp` are added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    pub algorithm: JwtAlgorithm,
    /// The private key, PKCS#8 in PEM.
    pub key: Template,
    pub claims: Shape,
}

words! {
    /// The algorithm of an assertion's signature.
    JwtAlgorithm {
        Rs256 = "RS256",
    }
}

/// A fetched token. Its `Debug` shows only its lifetime.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    pub value: Zeroizing<String>,
    pub lifetime: Duration,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// Why there is no token. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Unrenderable(#[from] Unrenderable),
    #[error("the private key isn't PKCS#8 in PEM")]
    Key,
    /// 4xx but 408 and 429: the secret is wrong.
    #[error("the token was refused: answered {0}")]
    Refused(u16),
    #[error("no token: answered {0}")]
    NoToken(u16),
}

impl TokenError {
    /// Whether the secret is to blame.
    pub fn is_of_the_secret(&self) -> bool {
        match self {
            Self::Key | Self::Refused(_) => true,
            Self::Unrenderable(_) | Self::NoToken(_) => false,
        }
    }
}

impl Token {
    /// The claims of the assertion, with its times.
    pub fn claims(&self, values: &Values<'_>, now: Timestamp) -> Result<Option<Value>, TokenError> {
        let Some(jwt) = &self.jwt else { return Ok(None) };
        let mut claims = json(&jwt.claims, values)?.unwrap_or_else(|| json!({}));
        if let Value::Object(fields) = &mut claims {
            fields.insert("iat".to_owned(), json!(now.unix_s()));
            fields.insert("exp".to_owned(), json!(now.plus(ASSERTION_LIFETIME).unix_s()));
        }
        Ok(Some(claims))
    }

    /// The request for a token.
    pub fn request(&self, channel: &Channel, values: &Values<'_>, now: Timestamp) -> Result<Rendered, TokenError> {
        let assertion = match (&self.jwt, self.claims(values, now)?) {
            (Some(jwt), Some(claims)) => {
                let key = text(&jwt.key, values)?.unwrap_or_default();
                Some(signed(jwt.algorithm, &key, &claims)?)
            }
            (Some(_) | None, _) => None,
        };
        self.request_with(
            &channel.api().hosts_of(values)?,
            &Values { jwt: assertion.as_ref().map(|jwt| jwt.as_str()), ..values.clone() },
        )
    }

    /// The same with an assertion that is part of the values.
    pub fn request_with(&self, hosts: &[Host], values: &Values<'_>) -> Result<Rendered, TokenError> {
        let url = crate::render::url(&self.url, values)?;
        host::check(&url, hosts).map_err(Unrenderable::from)?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, template) in &self.form {
            if let Some(value) = text(template, values)? {
                form.append_pair(name, &value);
            }
        }
        let content_type = ("content-type".to_owned(), Zeroizing::new("application/x-www-form-urlencoded".to_owned()));
        Ok(Rendered { method: "POST", url, headers: vec![content_type], body: form.finish().into_bytes() })
    }

    /// The token of an answer.
    pub fn read(&self, reply: Reply<'_>) -> Result<Fetched, TokenError> {
        let body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
        let find = |selector: &Selector| match selector {
            Selector::Json(place) => place.of(&body),
            Selector::Header(_) | Selector::Body | Selector::AwsCode | Selector::AwsMessage => None,
        };
        match reply.status {
            200..=299 => {
                let value = find(&self.value).and_then(Value::as_str).filter(|value| !value.is_empty());
                let value = value.ok_or(TokenError::NoToken(reply.status))?;
                let seconds = self.seconds.as_ref().and_then(find);
                let seconds = seconds.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
                let lifetime = seconds.map_or(DEFAULT_TOKEN_LIFETIME, Duration::from_secs);
                Ok(Fetched { value: Zeroizing::new(value.to_owned()), lifetime })
            }
            408 | 429 => Err(TokenError::NoToken(reply.status)),
            400..=499 => Err(TokenError::Refused(reply.status)),
            _ => Err(TokenError::NoToken(reply.status)),
        }
    }
}

fn signed(algorithm: JwtAlgorithm, pem: &str, claims: &Value) -> Result<Zeroizing<String>, TokenError> {
    let header = match algorithm {
        JwtAlgorithm::Rs256 => json!({ "alg": algorithm.as_str(), "typ": "JWT" }),
    };
    let key = RsaKeyPair::from_pkcs8(&der(pem).ok_or(TokenError::Key)?).map_err(|_| TokenError::Key)?;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).map_err(|_| TokenError::Key)?;
    Ok(Zeroizing::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

/// The bytes of a private key in PEM. A JSON document may have its line breaks as `\n`.
fn der(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let pem = Zeroizing::new(pem.replace("\\n", "\n"));
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (base64, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let base64: Zeroizing<String> = Zeroizing::new(base64.split_whitespace().collect());
    STANDARD.decode(base64.as_bytes()).ok().map(Zeroizing::new)
}
