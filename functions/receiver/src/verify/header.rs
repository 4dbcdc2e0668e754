//! Reads a signed header.

use super::Rejection;
use http::HeaderMap;

/// A header that occurs at most once. With two, the signed one would be ambiguous.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h [u8]>, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Rejection::RepeatedHeader(name.to_owned())),
        (first, None) => Ok(first.map(http::HeaderValue::as_bytes)),
    }
}
