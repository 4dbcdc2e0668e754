//! Vonage's SMS API: `&{field}={value}` for a form's fields except `sig`, sorted by name, with `&` and `=` in values
//! replaced by `_` (Vonage/vonage-python-sdk, http_client/auth.py; Vonage's page on signing messages).

use std::collections::BTreeMap;

/// The field of the signature itself.
const SIGNATURE: &str = "sig";

pub(super) fn feed(body: &[u8], sink: &mut dyn FnMut(&[u8])) {
    let fields: BTreeMap<_, _> = form_urlencoded::parse(body).filter(|(name, _)| name != SIGNATURE).collect();
    for (name, value) in fields {
        for piece in ["&", &*name, "=", &value.replace(['&', '='], "_")] {
            sink(piece.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_are_sorted_and_separators_are_replaced() {
        let mut text = Vec::new();
        super::feed(b"to=1&b=x%26y%3Dz&sig=0f&a=", &mut |bytes| text.extend_from_slice(bytes));
        assert_eq!(text, b"&a=&b=x_y_z&to=1");
    }
}
