//! What a scheme's signature covers, and what makes a scheme unsafe or impossible. Checked when the project is built.

mod keys;

use super::field::Canonical;
use super::scheme::{Algorithm, Certificate, Encoding, Family, KeyEncoding, RemoteKey, Scheme, Written};
use super::{JsonPath, OneOrMany, Reference, Step, Template};
use crate::limits::{MAX_COMPONENTS, MAX_TOLERANCE};

impl Scheme {
    /// Whether another value would need another signature.
    ///
    /// `{form}` doesn't cover single fields: `ab=c` and `a=bc` give the same text, so a captured request could be
    /// sent with another value for a field. The same holds for fields of the body that are joined without a
    /// separator. The signed bytes as a whole stay the same in all these cases.
    pub fn covers(&self, reference: &Reference) -> bool {
        if let Some(signed) = &self.http_message {
            return signed.covers(reference);
        }
        match reference {
            Reference::Json(path) | Reference::JsonOrEmpty(path) if self.canonical().is_some_and(|c| c.covers_field(path)) => {
                true
            }
            Reference::Body
            | Reference::Json(_)
            | Reference::JsonOrEmpty(_)
            | Reference::FormField(_)
            | Reference::Form
            | Reference::Crc32 => {
                self.holds(&Reference::Body)
                    || self.canonical() == Some(Canonical::Contentful)
                    || self.jwt.as_ref().is_some_and(|jwt| jwt.is_event)
                    || self.body_sha256.as_ref().is_some_and(|place| self.covers(place))
            }
            Reference::Query(_) => self.covers(&Reference::Url) || self.canonical() == Some(Canonical::Contentful),
            Reference::Url => self.holds(reference) || self.url_sha256.as_ref().is_some_and(|place| self.covers(place)),
            Reference::Method => self.holds(reference) || self.canonical() == Some(Canonical::Contentful),
            Reference::Jwt(_) => self.algorithm == Algorithm::Jwt,
            Reference::Header(name) => {
                self.holds(reference) || (self.canonical() == Some(Canonical::Contentful) && name == CONTENTFUL_TIMESTAMP)
            }
            Reference::Signature(_) | Reference::Canonical(_) | Reference::Secret => self.holds(reference),
        }
    }

    /// Whether the signature covers all values of the template.
    pub fn covers_all(&self, template: &Template) -> bool {
        template.references().all(|r| self.covers(r))
    }

    /// Whether the message contains the value. Values beside it may be joined to it without a separator.
    fn holds(&self, reference: &Reference) -> bool {
        self.message.iter().flat_map(Template::references).any(|r| r == reference)
    }

    fn canonical(&self) -> Option<Canonical> {
        self.message.iter().flat_map(Template::references).find_map(Reference::canonical)
    }

    /// What is signed, as readable text.
    pub fn signed(&self) -> String {
        let mut said = match (&self.message, &self.jwt) {
            (Some(message), _) => match &self.http_message {
                Some(signed) => format!("an HTTP message signature (RFC 9421) that covers {}", signed.named()),
                None => format!("`{message}`"),
            },
            (None, Some(_)) => "the token itself".to_owned(),
            (None, None) => "nothing; the request has a token".to_owned(),
        };
        let mut add = |what: &str, place: &Reference| said.push_str(&format!(", the {what} by its SHA-256 in `{place}`"));
        self.body_sha256.iter().for_each(|place| add("body", place));
        self.url_sha256.iter().for_each(|place| add("URL", place));
        if let Some(each) = &self.each {
            said.push_str(&format!(", for each of `{each}`"));
        }
        said
    }

    /// Where the provider's key comes from, as readable text. Empty if the secret is the key.
    pub fn key_from(&self) -> String {
        match &self.remote_key {
            None => String::new(),
            Some(RemoteKey::Jwks { url }) => format!("fetched from `{url}`"),
            Some(RemoteKey::Certificate(Certificate { from, addresses, names, .. })) => {
                let one_of = |all: Vec<String>| all.join(" or ");
                let addresses = one_of(addresses.0.iter().map(|address| format!("`{address}`")).collect());
                let names = one_of(names.0.iter().map(|name| format!("`{name}`")).collect());
                format!("the certificate at `{from}`, at one of {addresses}; issued to {names}")
            }
        }
    }

    /// What is required beside the signature, as readable text.
    pub fn expected(&self) -> String {
        let one = |(place, allowed): (&Reference, &OneOrMany<Template>)| {
            let allowed: Vec<String> = allowed.0.iter().map(|template| format!("`{template}`")).collect();
            format!("`{place}` is {}", allowed.join(" or "))
        };
        self.expect.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// Whether the body must be parsed before its sender is verified.
    pub fn reads_json_first(&self) -> bool {
        let certificate = match &self.remote_key {
            Some(RemoteKey::Certificate(certificate)) => Some(&certificate.from),
            Some(RemoteKey::Jwks { .. }) | None => None,
        };
        let templates = self.message.iter().chain(self.expect.values().flat_map(|allowed| &allowed.0));
        let mut places = self.signature.from.0.iter().chain(certificate).chain(self.expect.keys());
        let json = |r: &Reference| r.json().is_some() || *r == Reference::Canonical(Canonical::AwsSns);
        places.any(json) || templates.flat_map(Template::references).any(json)
    }

    /// The place of the secret in the body. The secret is removed before the event is stored.
    pub fn token_in_body(&self) -> Option<&JsonPath> {
        self.signature.from.0.iter().find_map(Reference::json).filter(|_| self.algorithm == Algorithm::Token)
    }

    /// Whether the key is secret. Otherwise it is a public key, or a value that was agreed on in addition to a fetched key.
    pub fn has_secret_key(&self) -> bool {
        match self.algorithm.family() {
            Family::Digest(_) | Family::Secret => true,
            Family::Jwt => self.remote_key.is_none() && self.key.encoding != KeyEncoding::Jwk,
            Family::PublicKey(_) => false,
        }
    }

    /// Whether the provider's URL for this source is signed or expected.
    pub fn needs_url(&self) -> bool {
        let expected = self.expect.values().flat_map(|allowed| &allowed.0).flat_map(Template::references);
        self.url_sha256.is_some()
            || self.holds(&Reference::Url)
            || self.canonical().is_some_and(Canonical::needs_url)
            || expected.into_iter().any(|r| *r == Reference::Url)
    }

    /// Everything that makes the scheme unsafe or impossible, one sentence each.
    pub fn problems(&self, has_public_url: bool) -> Vec<String> {
        let mut problems = self.form();
        problems.extend(self.key_problems());
        for reference in self.message.iter().flat_map(Template::references) {
            if reference.json().is_some() && !self.partial {
                problems.push(format!(
                    "`message` contains {{{reference}}}: a signature covers raw bytes, not parsed fields; use {{body}}, or say \
                     `partial: true` if the provider signs no more"
                ));
            }
            if *reference == Reference::Url && !has_public_url {
                problems.push(
                    "`message` contains {url}: set `public_url` to the URL that is registered with the provider".to_owned(),
                );
            }
            if let Reference::Signature(name) = reference
                && !matches!(self.signature.written, Written::Fields { .. } | Written::Positional { .. })
            {
                problems.push(format!("`message` contains {{sig:{name}}}, but `signature` isn't a list of fields"));
            }
            if reference.claim().is_some() {
                problems.push(format!("`message` contains {{{reference}}}: the token's own signature covers its claims"));
            }
        }
        if self.needs_url() && !self.holds(&Reference::Url) && !has_public_url {
            problems.push("the URL is signed: set `public_url` to the URL that is registered with the provider".to_owned());
        }
        if let Some(timestamp) = &self.timestamp {
            if !self.holds(&timestamp.from) && !self.covers(&timestamp.from) {
                problems.push(format!(
                    "`timestamp` is {}, which `message` doesn't contain: an attacker could choose it",
                    timestamp.from
                ));
            }
            let (seconds, most) = (timestamp.tolerance_seconds, MAX_TOLERANCE.as_secs());
            if !(1..=most).contains(&seconds) {
                problems.push(format!("`tolerance_seconds` is {seconds}, allowed: 1 to {most}"));
            }
        }
        problems
    }

    /// Checks that the algorithm, the message and the encoding fit together.
    fn form(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut says = |wrong: bool, problem: &str| {
            if wrong {
                problems.push(problem.to_owned());
            }
        };
        let (token, jwt) = (self.algorithm == Algorithm::Token, self.algorithm == Algorithm::Jwt);
        let bound = match &self.http_message {
            Some(signed) => signed.is_whole(),
            None => self.covers(&Reference::Body) || self.holds(&Reference::Form),
        };
        says(
            token && (self.message.is_some() || self.timestamp.is_some()),
            "a token has no signature: leave out `message` and `timestamp`",
        );
        says(jwt && self.message.is_some(), "a JSON Web Token signs itself: leave out `message`");
        says(jwt != self.jwt.is_some(), "`jwt` and the algorithm jwt must be used together");
        let signed = self.http_message.as_ref();
        says(
            signed.is_some() != (self.canonical() == Some(Canonical::HttpMessage)),
            "`http_message` and a `message` that is {canonical:http-message} must be used together",
        );
        says(
            signed.is_some_and(|signed| !signed.is_whole()) && !self.partial,
            "`http_message.components` must contain @method, @authority and @path (or @target-uri), and content-digest: without them \
             anyone could use one signature for other requests; set `partial: true` if the provider signs no more",
        );
        says(
            signed.is_some() && (self.algorithm.http_name().is_none() || self.remote_key.is_some()),
            "an HTTP message signature is made with hmac-sha256, ed25519, ecdsa-p256-sha256, rsa-pss-sha512 or rsa-sha256, and \
             verified with the source's secret",
        );
        let place = self.signature.from.0.as_slice() == [Reference::Header("signature".to_owned())];
        let written = self.signature.encoding == Encoding::Base64 && self.signature.written == Written::Plain;
        says(
            signed.is_some() && !(place && written),
            "an HTTP message signature is `from: header:signature` with `encoding: base64` and no `written`",
        );
        says(
            signed.is_some_and(|signed| signed.components.len() > MAX_COMPONENTS),
            "`http_message.components` has more components than a signature may cover",
        );
        says(
            signed.is_none() && !token && !bound && !self.partial,
            "`message` doesn't contain {body}: anyone could change the body of a signed request; set `partial: true` if the provider signs \
             no more",
        );
        says(self.partial && (token || bound), "`partial`, but the signature covers the body: leave it out");
        match (self.algorithm, self.signature.encoding) {
            (Algorithm::Token, Encoding::Text | Encoding::Base64) | (Algorithm::Jwt, Encoding::Text) => {}
            (Algorithm::Jwt | Algorithm::Token, _) | (_, Encoding::Text) => {
                says(true, "`encoding` is text for a token, and hex, base64 or base64url for a signature");
            }
            (_, Encoding::Hex | Encoding::Base64 | Encoding::Base64url) => {}
        }
        says(
            self.algorithm == Algorithm::Sha256 && !self.holds(&Reference::Secret),
            "anyone can make a plain digest whose `message` doesn't contain {secret}",
        );
        let is_event = self.jwt.as_ref().is_some_and(|jwt| jwt.is_event);
        let place = |r: &Reference| r.is_place() || (is_event && *r == Reference::Body);
        says(
            self.signature.from.is_empty() || !self.signature.from.0.iter().all(place),
            "`signature.from` can't hold a signature; allowed: header:NAME, query:NAME, json:PATH, form:FIELD",
        );
        if let Some(each) = &self.each {
            let paths = self.signature.from.0.iter().chain(self.message.iter().flat_map(Template::references));
            says(each.each_count() == 0, "`each` has no [*]: `each` is the list of events that are signed one by one");
            says(
                paths.filter_map(Reference::json).any(|path| path.each_count() > 0 && !path.follows(each)),
                "a path has a [*] that isn't one of `each`'s",
            );
        }
        problems
    }
}

impl Canonical {
    /// Whether the URL that is registered with the provider is part of the signed text.
    const fn needs_url(self) -> bool {
        match self {
            Self::Contentful | Self::HttpMessage => true,
            Self::AwsSns | Self::VonageForm => false,
        }
    }

    /// Whether two different values of this field always give two different texts.
    fn covers_field(self, path: &JsonPath) -> bool {
        match (self, path.0.as_slice()) {
            (Self::AwsSns, [Step::Key(field)]) => AWS_SNS_FIELDS.contains(&field.as_str()),
            (Self::AwsSns, _) => false,
            (Self::Contentful | Self::VonageForm | Self::HttpMessage, _) => false,
        }
    }
}

/// The header in which Contentful lists the signed headers. A request that doesn't list this header itself is refused.
pub const CONTENTFUL_TIMESTAMP: &str = "x-contentful-timestamp";

/// The fields that SNS signs, in SNS's order. Only the message and the subject may contain a line feed, so the end of
/// each field is found from the end of the text.
pub const AWS_SNS_FIELDS: [&str; 8] =
    ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{KeyPreparation, Signature, SignedTimestamp, TimeUnit, UrlForm};

    fn scheme(message: &str, timestamp: Option<&str>) -> Scheme {
        Scheme {
            algorithm: Algorithm::HmacSha256,
            signature: Signature {
                from: OneOrMany(vec!["header:x-signature".parse().unwrap()]),
                encoding: Encoding::Hex,
                written: Written::Plain,
            },
            key: KeyPreparation::default(),
            message: Some(message.parse().unwrap()),
            each: None,
            body_sha256: None,
            url_sha256: None,
            urls: UrlForm::Given,
            expect: Default::default(),
            jwt: None,
            http_message: None,
            remote_key: None,
            partial: false,
            timestamp: timestamp.map(|from| SignedTimestamp {
                from: from.parse().unwrap(),
                unit: TimeUnit::S,
                tolerance_seconds: 300,
            }),
        }
    }

    #[test]
    fn the_message_decides_what_a_signature_covers() {
        let scheme = scheme("{header:X-Time}.{body}", None);
        let covers = |reference: &str| scheme.covers(&reference.parse().unwrap());
        assert!(covers("body") && covers("json:id") && covers("header:x-time"));
        assert!(!covers("header:x-id") && !covers("url") && !covers("query:a") && !covers("method") && !covers("sig:t"));
        assert!(!scheme.covers_all(&"{json:id}{header:x-id}".parse().unwrap()));
    }

    #[test]
    fn unsafe_schemes_are_refused() {
        for (message, timestamp, said) in [
            ("{header:x-time}", None, "doesn't contain {body}"),
            ("{body}{json:id}", None, "raw bytes"),
            ("{url}{body}", None, "public_url"),
            ("{sig:t}.{body}", None, "isn't a list of fields"),
            ("{body}", Some("header:x-time"), "an attacker could choose it"),
        ] {
            let problems = scheme(message, timestamp).problems(false);
            assert!(problems.iter().any(|p| p.contains(said)), "{message}: {problems:?}");
        }
        assert_eq!(scheme("{header:x-time}.{body}", Some("header:X-Time")).problems(false), Vec::<String>::new());
        assert_eq!(scheme("{url}{body}", None).problems(true), Vec::<String>::new());
    }

    #[test]
    fn algorithm_message_and_encoding_must_fit_together() {
        let with = |algorithm, message: Option<&str>, encoding| {
            let mut scheme = scheme("{body}", None);
            scheme.algorithm = algorithm;
            scheme.message = message.map(|m| m.parse().unwrap());
            scheme.signature.encoding = encoding;
            scheme.problems(false).join("; ")
        };
        assert_eq!(with(Algorithm::Token, None, Encoding::Text), "");
        assert_eq!(with(Algorithm::Sha256, Some("{secret}{body}"), Encoding::Hex), "");
        assert!(with(Algorithm::Token, Some("{body}"), Encoding::Text).contains("has no signature"));
        assert!(with(Algorithm::Token, None, Encoding::Hex).contains("text for a token"));
        assert!(with(Algorithm::HmacSha256, Some("{body}"), Encoding::Text).contains("base64url for a signature"));
        assert!(with(Algorithm::HmacSha256, None, Encoding::Hex).contains("doesn't contain {body}"));
        assert!(with(Algorithm::HmacSha256, Some("{secret}{body}"), Encoding::Hex).contains("only a plain digest"));
        assert!(with(Algorithm::Sha256, Some("{body}"), Encoding::Hex).contains("anyone can make"));
    }

    #[test]
    fn a_form_covers_no_field_and_a_hash_covers_the_body() {
        let form = scheme("{url}{form}", None);
        assert_eq!(form.problems(true), Vec::<String>::new());
        assert!(!form.covers(&"json:MessageSid".parse().unwrap()), "ab=c and a=bc are signed alike");
        let mut hash = scheme("{url}", None);
        assert!(hash.problems(true).join("").contains("doesn't contain {body}"));
        hash.body_sha256 = Some("query:bodySHA256".parse().unwrap());
        assert_eq!(hash.problems(true), Vec::<String>::new());
        assert!(hash.covers(&"json:id".parse().unwrap()));
        hash.body_sha256 = Some("header:x-hash".parse().unwrap());
        assert!(!hash.covers(&Reference::Body), "a hash that isn't signed covers nothing");
    }

    #[test]
    fn a_token_covers_nothing() {
        let mut scheme = scheme("{body}", None);
        (scheme.algorithm, scheme.message) = (Algorithm::Token, None);
        assert!(!scheme.covers(&"json:id".parse().unwrap()) && !scheme.covers(&"header:x-id".parse().unwrap()));
    }

    #[test]
    fn tolerance_is_bounded_on_both_sides() {
        for (seconds, allowed) in [(0, false), (1, true), (MAX_TOLERANCE.as_secs(), true), (MAX_TOLERANCE.as_secs() + 1, false)] {
            let mut scheme = scheme("{header:x-time}.{body}", Some("header:x-time"));
            scheme.timestamp.as_mut().unwrap().tolerance_seconds = seconds;
            assert_eq!(scheme.problems(false).is_empty(), allowed, "{seconds}");
        }
    }
}
