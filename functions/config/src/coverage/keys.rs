//! Checks of the key: who has it, and which algorithms it fits.

use crate::address::is_plain;
use crate::scheme::{Algorithm, Certificate, KeyEncoding, RemoteKey, Scheme};
use crate::{OneOrMany, Reference, Template};

impl Scheme {
    /// Problems of the key. It must be one that only the provider has; the secret must be known only to the provider and us.
    pub(super) fn key_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut says = |wrong: bool, problem: &str| {
            if wrong {
                problems.push(problem.to_owned());
            }
        };
        let rsa = matches!(self.algorithm, Algorithm::RsaSha256 | Algorithm::RsaSha256OrSha1);
        let token = self.jwt.as_ref();
        let (remote, jwk) = (self.remote_key.is_some(), self.key.encoding == KeyEncoding::Jwk);
        let public = remote || jwk;
        says(
            token.is_some_and(|jwt| jwt.algorithms.is_empty() || jwt.algorithms.iter().any(|a| a.is_asymmetric() != public)),
            "`jwt.algorithms` are HS256, HS384 or HS512 with a secret, or RS256 or ES256 with a `remote_key` or a `key` that is a jwk",
        );
        says(jwk && (remote || token.is_none()), "a `key` that is a jwk is for a jwt without a `remote_key`");
        says(
            token.is_some_and(|jwt| jwt.is_event != self.signature.from.0.contains(&Reference::Body)),
            "`jwt.is_event` and `signature.from: body` must be used together",
        );
        says(remote && !rsa && token.is_none(), "`remote_key` is for rsa-sha256 and jwt");
        says(
            self.holds(&Reference::Secret) && self.algorithm != Algorithm::Sha256 && !(rsa && remote),
            "`message` contains {secret}: only a plain digest (sha256) or a signature with a `remote_key` may use it",
        );
        let ours = |template: &Template| template.references().any(|r| matches!(r, Reference::Secret));
        let own = |(place, allowed): (&Reference, &OneOrMany<Template>)| {
            let is_audience = *place == Reference::Jwt("aud".to_owned());
            let own =
                |template: &Template| ours(template) || (is_audience && template.references().any(|r| *r == Reference::Url));
            !allowed.is_empty() && allowed.0.iter().all(own)
        };
        let tied = match &self.remote_key {
            None => true,
            Some(RemoteKey::Jwks { url }) if ours(url) => true,
            Some(RemoteKey::Jwks { .. } | RemoteKey::Certificate(_)) => {
                self.message.as_ref().is_some_and(ours) || self.expect.iter().any(own)
            }
        };
        says(
            !tied,
            "the provider signs for all its customers with that key: `expect` a value of your own, such as `{secret}`, or an audience \
             that is `{url}`",
        );
        match &self.remote_key {
            None => {}
            Some(RemoteKey::Certificate(Certificate { addresses, names, .. })) => says(
                addresses.is_empty() || names.is_empty(),
                "a certificate needs `addresses`, where it may be fetched, and `names`, the hosts it may be issued to",
            ),
            Some(RemoteKey::Jwks { url }) => says(
                url.references().next().is_none() && !is_plain(&url.to_string()),
                "`jwks.url` must be https:// with a host name and a path, without user, port, query or fragment",
            ),
        }
        problems
    }
}
