//! Signed texts that a template can't express, with one file each.

mod aws_sns;
mod contentful;
mod vonage_form;

use super::parsed::ParsedSignature;
use super::{Rejection, http_message};
use crate::delivery::Delivery;
use serde_json::Value;
use tidings_config::Canonical;

/// Passes the text to `sink`.
pub(super) fn feed(
    form: Canonical,
    json: Option<&Value>,
    url: Option<&str>,
    signature: Option<&ParsedSignature>,
    delivery: &Delivery,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), Rejection> {
    match form {
        Canonical::AwsSns => aws_sns::feed(json, sink),
        Canonical::Contentful => contentful::feed(delivery, url, sink),
        Canonical::HttpMessage => http_message::feed(signature.and_then(|s| s.covered.as_ref()), url, delivery, sink),
        Canonical::VonageForm => {
            vonage_form::feed(&delivery.body, sink);
            Ok(())
        }
    }
}
