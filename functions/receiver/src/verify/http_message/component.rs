//! The components of a signature, and their values (RFC 9421, section 2).

use super::super::Rejection;
use super::field;
use crate::delivery::Delivery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sfv::{FieldType, Item};
use tidings_config::{Component, Reference};

/// The characters that the URL standard escapes in a form's fields, with a space as `%20`.
const FORM_ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// The longest name of a component in an error, in bytes.
const MAX_SHOWN_BYTES: usize = 64;

/// Why a component of a signature can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComponentFault {
    #[error("isn't a component of a request")]
    Unknown,
    #[error("has a parameter that a request's component can't have")]
    Parameter,
    #[error("is listed twice")]
    Repeated,
    #[error("doesn't have the form that its parameters require")]
    Unreadable,
    #[error("occurs more than once in the query")]
    Ambiguous,
    #[error("makes the signed text too long")]
    TooLong,
}

/// One entry of a signature's list.
#[derive(Debug)]
pub(super) struct Identifier {
    /// `None`: `@query-param`, which no source can require.
    pub(super) component: Option<Component>,
    pub(super) form: Form,
    /// The decoded name of a query parameter.
    parameter: Option<String>,
    /// As it stands in the signed text: the name in quotes, with parameters.
    pub(super) text: String,
}

/// How a header's value is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As sent.
    Raw,
    /// `sf`: as the strict form of a structured field.
    Strict,
    /// `key`: one member of a dictionary.
    Member(String),
    /// `bs`: each line as a byte sequence.
    Bytes,
}

impl Identifier {
    pub(super) fn read(item: &Item) -> Result<Self, Rejection> {
        let name = item.bare_item.as_string().ok_or(Rejection::MalformedSignature)?.as_str();
        let mut read = Self { component: None, form: Form::Raw, parameter: None, text: item.serialize() };
        let (mut strict, mut bytes, mut member, mut parameter) = (false, false, None, None);
        for (param, value) in &item.params {
            let is_flag = value.as_boolean() == Some(true);
            match param.as_str() {
                "sf" if is_flag => strict = true,
                "bs" if is_flag => bytes = true,
                "key" => member = value.as_string().map(|key| key.as_str().to_owned()),
                "name" => parameter = value.as_string().map(|name| name.as_str().to_owned()),
                // `req` is for responses, `tr` for trailers, which no event has.
                _ => return Err(read.fault(ComponentFault::Parameter)),
            }
        }
        let (has_key, has_name) = (item.params.contains_key("key"), item.params.contains_key("name"));
        if name == "@query-param" {
            let decoded = parameter.and_then(|name| percent_decode_str(&name).decode_utf8().ok().map(|name| name.into_owned()));
            if decoded.is_none() || strict || bytes || has_key {
                return Err(read.fault(ComponentFault::Parameter));
            }
            read.parameter = decoded;
            return Ok(read);
        }
        let component: Component = name.parse().map_err(|_| read.fault(ComponentFault::Unknown))?;
        let is_field = matches!(component, Component::Field(_));
        read.component = Some(component);
        read.form = match (strict, bytes, member) {
            (false, false, None) if !has_key && !has_name => Form::Raw,
            // A member is strict, with or without saying so.
            (_, false, Some(key)) if is_field && !has_name => Form::Member(key),
            (true, false, None) if is_field && !has_key && !has_name => Form::Strict,
            (false, true, None) if is_field && !has_key && !has_name => Form::Bytes,
            (_, _, _) => return Err(read.fault(ComponentFault::Parameter)),
        };
        Ok(read)
    }

    /// Whether both stand for the same value: parameters have no order.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.component == other.component && self.form == other.form && self.parameter == other.parameter
    }

    /// The value in the signed text.
    pub(super) fn value(&self, url: Option<&str>, delivery: &Delivery) -> Result<String, Rejection> {
        let address = || url.ok_or(Rejection::MissingValue(Reference::Url));
        Ok(match &self.component {
            Some(Component::Method) => delivery.method.clone(),
            Some(Component::TargetUri) => address()?.to_owned(),
            Some(Component::Scheme) => Address::of(address()?).scheme,
            Some(Component::Authority) => Address::of(address()?).authority,
            Some(Component::Path) => Address::of(address()?).path,
            Some(Component::Query) => format!("?{}", Address::of(address()?).query.unwrap_or_default()),
            Some(Component::RequestTarget) => {
                let Address { path, query, .. } = Address::of(address()?);
                query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
            }
            Some(Component::Field(name)) => {
                let value = field::value(&delivery.headers, name, &self.form)?;
                value.ok_or_else(|| self.fault(ComponentFault::Unreadable))?
            }
            None => self.query_parameter(delivery)?,
        })
    }

    /// The only parameter with this name, encoded again. With two, the signed one would be ambiguous.
    fn query_parameter(&self, delivery: &Delivery) -> Result<String, Rejection> {
        let wanted = self.parameter.as_deref().unwrap_or_default();
        let mut values = form_urlencoded::parse(delivery.query.as_bytes()).filter(|(name, _)| name == wanted);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(utf8_percent_encode(&value, FORM_ENCODED).to_string()),
            (Some(_), Some(_)) => Err(self.fault(ComponentFault::Ambiguous)),
            (None, _) => Err(Rejection::MissingValue(Reference::Query(shortened(wanted)))),
        }
    }

    pub(super) fn fault(&self, fault: ComponentFault) -> Rejection {
        Rejection::Component { name: shortened(&self.text), fault }
    }
}

/// A stranger's name for the log: bounded, and without what isn't printable ASCII.
fn shortened(name: &str) -> String {
    name.chars().filter(|c| (' '..='~').contains(c)).take(MAX_SHOWN_BYTES).collect()
}

/// The parts of the registered URL.
struct Address {
    scheme: String,
    /// In lower case, without a port that is the scheme's own.
    authority: String,
    path: String,
    query: Option<String>,
}

impl Address {
    fn of(url: &str) -> Self {
        let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query.to_owned())));
        let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
        let scheme = scheme.to_ascii_lowercase();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let own = if scheme == "http" { ":80" } else { ":443" };
        let authority = authority.to_ascii_lowercase();
        let authority = authority.strip_suffix(own).unwrap_or(&authority).to_owned();
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Self { scheme, authority, path, query }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw_body::RawBody;
    use http::HeaderMap;
    use sfv::Parser;

    fn value(identifier: &str, url: &str) -> Result<String, Rejection> {
        let item: Item = Parser::new(identifier).parse().unwrap();
        let query = url.split_once('?').map_or("", |(_, query)| query).to_owned();
        let delivery = Delivery { method: "POST".to_owned(), query, headers: HeaderMap::new(), body: RawBody::default() };
        Identifier::read(&item)?.value(Some(url), &delivery)
    }

    /// The examples of RFC 9421, section 2.2.
    #[test]
    fn derived_components_are_those_of_the_rfc() {
        let url = "https://www.example.com/path?param=value";
        for (identifier, expected) in [
            ("\"@method\"", "POST"),
            ("\"@target-uri\"", url),
            ("\"@authority\"", "www.example.com"),
            ("\"@scheme\"", "https"),
            ("\"@request-target\"", "/path?param=value"),
            ("\"@path\"", "/path"),
            ("\"@query\"", "?param=value"),
        ] {
            assert_eq!(value(identifier, url).as_deref(), Ok(expected), "{identifier}");
        }
        assert_eq!(value("\"@query\"", "https://www.example.com/path").as_deref(), Ok("?"));
        assert_eq!(value("\"@query\"", "https://www.example.com/path?queryString").as_deref(), Ok("?queryString"));
        assert_eq!(value("\"@request-target\"", "https://www.example.com/path").as_deref(), Ok("/path"));
        assert_eq!(value("\"@path\"", "https://www.example.com").as_deref(), Ok("/"));
    }

    #[test]
    fn an_authority_has_no_capitals_and_not_its_schemes_port() {
        for (url, authority) in [
            ("https://Hooks.Example:443/a", "hooks.example"),
            ("https://hooks.example:8443/a", "hooks.example:8443"),
            ("http://hooks.example:80", "hooks.example"),
            ("http://hooks.example:443", "hooks.example:443"),
        ] {
            assert_eq!(value("\"@authority\"", url).as_deref(), Ok(authority));
        }
    }

    /// The examples of RFC 9421, section 2.2.8.
    #[test]
    fn a_query_parameter_is_decoded_and_encoded_again() {
        let url = "https://www.example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace\
                   &fa%C3%A7ade%22%3A%20=something&qux=&two=1&%74wo=2";
        for (name, expected) in [
            ("var", "this%20is%20a%20big%0Amultiline%20value"),
            ("bar", "with%20plus%20whitespace"),
            ("fa%C3%A7ade%22%3A%20", "something"),
            ("qux", ""),
        ] {
            assert_eq!(value(&format!("\"@query-param\";name=\"{name}\""), url).as_deref(), Ok(expected), "{name}");
        }
        let twice = value("\"@query-param\";name=\"two\"", url).unwrap_err();
        assert!(matches!(twice, Rejection::Component { fault: ComponentFault::Ambiguous, .. }), "{twice}");
        let none = value("\"@query-param\";name=\"no\"", url).unwrap_err();
        assert_eq!(none, Rejection::MissingValue(Reference::Query("no".to_owned())));
    }

    #[test]
    fn what_a_request_does_not_have_is_refused() {
        for (identifier, expected) in [
            ("\"@status\"", ComponentFault::Unknown),
            ("\"@signature-params\"", ComponentFault::Unknown),
            ("\"Content-Type\"", ComponentFault::Unknown),
            ("\"x-a\";req", ComponentFault::Parameter),
            ("\"@method\";req", ComponentFault::Parameter),
            ("\"x-a\";tr", ComponentFault::Parameter),
            ("\"x-a\";sf;bs", ComponentFault::Parameter),
            ("\"x-a\";bs;key=\"a\"", ComponentFault::Parameter),
            ("\"x-a\";key=1", ComponentFault::Parameter),
            ("\"x-a\";name=\"a\"", ComponentFault::Parameter),
            ("\"@path\";sf", ComponentFault::Parameter),
            ("\"@query-param\"", ComponentFault::Parameter),
            ("\"@query-param\";name=\"a\";sf", ComponentFault::Parameter),
            ("\"x-a\";sf=?0", ComponentFault::Parameter),
            ("\"x-a\";unknown", ComponentFault::Parameter),
        ] {
            let item: Item = Parser::new(identifier).parse().unwrap();
            let seen = Identifier::read(&item).unwrap_err();
            assert!(matches!(&seen, Rejection::Component { fault, .. } if *fault == expected), "{identifier}: {seen}");
        }
    }

    #[test]
    fn a_strangers_name_is_shortened_in_the_log() {
        let item: Item = Parser::new(&format!("\"@{}\"", "a".repeat(500))).parse().unwrap();
        assert!(Identifier::read(&item).unwrap_err().to_string().len() < 120);
    }
}
