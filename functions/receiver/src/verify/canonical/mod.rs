//! Texts to be signed that are no templates: a file each.

mod aws_sns;
mod contentful;
mod vonage_form;

use super::Rejection;
use super::message::Values;
use tidings_config::Canonical;

/// Gives the text to `sink`.
pub(super) fn feed(form: Canonical, values: &Values<'_>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Rejection> {
    match form {
        Canonical::AwsSns => aws_sns::feed(values.json, sink),
        Canonical::Contentful => contentful::feed(values, sink),
        Canonical::VonageForm => {
            vonage_form::feed(&values.delivery.body, sink);
            Ok(())
        }
    }
}
