//! Whatever a value is, what replaces it has its shape: as many bytes, for each character one of its class, always the same, and never
//! the value itself.

use super::class::{Class, of_its_class};
use super::pseudonyms::Pseudonyms;
use super::{Redactor, patterns};
use crate::sources;
use proptest::prelude::*;
use receiver::delivery::Delivery;
use serde_json::{Value, json};

/// What people and machines write: any text at all, texts of one script, and what has a form of its own.
fn texts() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        any::<String>(),
        "[\\PC]{0,40}",
        "[а-яА-ЯёЁ ]{1,30}",
        "[α-ωΑ-Ωάέ ,.]{1,30}",
        "[א-ת ]{1,20}",
        "[ء-ي٠-٩ ]{1,20}",
        "[一-龥ぁ-んァ-ン。]{1,20}",
        "[가-힣]{1,12}",
        "[क-हा-ौ्ं ]{1,20}",
        "[ａ-ｚＡ-Ｚ０-９]{1,12}",
        "[ａｱｲＡ李]{1,8}",
        "(e\u{301}|n\u{303}|👩\u{200d}👧|🏳\u{fe0f}|🇩🇪|𐐨|𝓐|x){1,8}",
        "[ßſKÅİıǅǆﬁÿ]{1,8}",
    ];
    let formed = prop_oneof![
        "[a-zA-Z.+]{1,12}@([a-zA-Z0-9-]{1,8}\\.){1,3}[a-zA-Z]{2,12}",
        "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}",
        "([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}",
        "2001:db8:[0-9a-f]{1,4}::[0-9a-f]{1,4}",
        "https?://[a-z]{1,10}\\.example/[a-zA-Z0-9/]{0,20}(%[0-9A-F]{2}){0,3}\\?[a-z]=[0-9]{1,9}",
        "\\+?0{0,3}[0-9 ()-]{7,18}",
        "-?0?\\.?[0-9]{1,18}",
        "(sk_live_|evt_|whsec_)[A-Za-z0-9]{16,40}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[A-Za-z0-9+/]{20,60}={0,2}",
        "password=[^ ]{1,12}",
        "DE[0-9]{2}( [0-9]{4}){4} [0-9]{2}",
    ];
    prop_oneof![2 => words.clone(), 2 => formed.clone(), 1 => (words, formed).prop_map(|(a, b)| format!("{a} {b} {a}"))]
}

fn classes(text: &str) -> Vec<Class> {
    text.chars().map(Class::of).collect()
}

/// Each way to replace a text.
fn replaced(pseudonyms: &mut Pseudonyms, text: &str) -> [String; 5] {
    [
        pseudonyms.text(text),
        pseudonyms.opaque(text),
        pseudonyms.words(text),
        pseudonyms.number(text),
        patterns::rewrite(text, pseudonyms, |between, pseudonyms| pseudonyms.words(between)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_keeps_its_length_and_the_class_of_each_character(text in texts()) {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        let new = replaced(&mut pseudonyms, &text);
        for (way, new) in new.iter().enumerate() {
            prop_assert_eq!(new.len(), text.len(), "way {}: {:?}", way, new);
            prop_assert_eq!(classes(new), classes(&text), "way {}: {:?}", way, new);
        }
        prop_assert_eq!(&replaced(&mut pseudonyms, &text), &new, "the same value has the same one");
    }

    #[test]
    fn no_text_of_letters_is_left_as_it_was(text in texts()) {
        let mut pseudonyms = Pseudonyms::new().unwrap();
        let replaceable = |c: char| c.is_alphabetic() && (c.is_ascii() || of_its_class(c, 0) != c);
        // The scheme of a URL and what is percent-encoded stay.
        if !text.contains(['%', ':']) && text.chars().any(replaceable) {
            prop_assert!(pseudonyms.text(&text) != text && pseudonyms.opaque(&text) != text && pseudonyms.words(&text) != text);
        }
    }

    #[test]
    fn a_value_is_as_long_in_a_capture_as_it_was(text in texts(), number in -1_000_000_000_i64..1_000_000_000) {
        let source = sources::configured("orders").unwrap();
        let inner = format!("{{ \"name\" : {}, \"n\": {number} }}", json!(text));
        let body = json!({
            "id": "e1", "type": "order.shipped", "message": text, "first_name": text, "password": text, "title": text,
            "phone": number, "raw": inner,
        });
        let headers = [(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))];
        let delivery = Delivery {
            method: "POST".to_owned(),
            query: String::new(),
            headers: headers.into_iter().collect(),
            body: body.to_string().into(),
        };
        let mut redactor = Redactor::new(vec!["hunter2".to_owned()], &[]).unwrap();
        let redacted = redactor.redact(&delivery, &source).unwrap();
        let redacted: Value = serde_json::from_slice(&redacted.body).unwrap();
        // By place: a word that is a person's elsewhere has a pseudonym in the names of fields too.
        let values = |value: &Value| value.as_object().unwrap().values().cloned().collect::<Vec<_>>();
        for (was, is) in values(&body).iter().zip(values(&redacted)) {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (was, is) = (text(was), text(&is));
            prop_assert_eq!(is.len(), was.len(), "{:?}: {:?}", was, is);
            prop_assert_eq!(is.chars().count(), was.chars().count(), "{:?}: {:?}", was, is);
        }
    }
}
