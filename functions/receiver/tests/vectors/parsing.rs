//! When a body is parsed as JSON: once, where something needs it; before it is verified only where its fields are what is signed.

use crate::requests::Case;
use receiver::extract;
use receiver::verify::{Key, verify};
use std::ptr;
use tidings_config::scheme::Scheme;
use tidings_config::source::BodyFormat;

#[test]
fn a_forged_request_is_parsed_only_where_fields_of_its_body_are_signed() {
    let mut unparsed = 0;
    for case in Case::all().iter().cloned() {
        let forged = case.delivery.clone();
        let keys = [Key::stranger()];
        assert!(verify(&case.source, &keys, &forged, case.at).is_err(), "{}", case.name);
        let reads_first = case.source.schemes().any(|scheme| scheme.reads_json_first());
        assert!(reads_first || !forged.body.is_parsed(), "{}", case.name);
        unparsed += usize::from(!reads_first);
    }
    assert!(unparsed > 100, "{unparsed} cases");
}

#[test]
fn a_genuine_body_is_parsed_for_its_events_and_before_only_where_its_signature_or_its_time_is_in_it() {
    let (mut first, mut last) = (0, 0);
    for case in Case::all().iter().cloned() {
        let key = case.key().unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let verified = case.verify_with(&[key]).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let content = verified.content().expect("nothing was compressed");
        assert!(ptr::eq(content, &case.delivery.body), "{}: what was verified is what is read", case.name);
        let is_signed =
            |scheme: &Scheme| scheme.reads_json_first() || scheme.timestamp.iter().any(|time| time.from.json().is_some());
        let reads = case.source.schemes().any(is_signed);
        let content_type = case.delivery.content_type().unwrap_or_default();
        let is_json = verified.payload().is_none() && case.source.format_of(&content_type) == BodyFormat::Json;
        let was_parsed = content.is_parsed();
        assert!(reads || !was_parsed, "{}: parsed too early", case.name);
        drop(extract::events(&verified, case.at));
        assert_eq!(content.is_parsed(), was_parsed || (is_json && !content.is_empty()), "{}", case.name);
        (first, last) = (first + usize::from(was_parsed), last + usize::from(content.is_parsed()));
    }
    assert!(first > 5 && last > first, "{first} before they were verified, {last} at the end");
}

#[test]
fn changed_bytes_are_parsed_again() {
    let mut body = receiver::RawBody::from(r#"{"a":1}"#.to_owned());
    assert_eq!(body.json().expect("JSON")["a"], 1);
    *body.edit() = br#"{"a":2}"#.to_vec();
    assert!(!body.is_parsed());
    assert_eq!(body.json().expect("JSON")["a"], 2);
    assert!(!body.clone().is_parsed(), "a copy is of the bytes alone");
}
