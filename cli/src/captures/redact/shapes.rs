//! Property tests: no word of any value remains, and its replacement has the same shape: the same number of bytes, each
//! character of the same class, always the same result.

use super::class::{Class, of_its_class};
use super::pseudonyms::Pseudonyms;
use super::{Redactor, Vocabulary, forms};
use crate::sources;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use receiver::delivery::Delivery;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;
use tidings_config::source::{BodyFormat, FORM, Source};
use tidings_events::Sample;

/// Arbitrary text, text of one script, and values with a fixed form.
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

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(HashSet::new(), BTreeSet::new()).unwrap()
}

fn rewritten(text: &str, pseudonyms: &mut Pseudonyms) -> String {
    forms::rewrite(text, &Vocabulary::default(), pseudonyms)
}

fn redactor() -> Redactor {
    static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
        let sources = [sources::configured("orders").unwrap()];
        Vocabulary::of(Some(tidings_events::project::configuration()), &sources)
    });
    Redactor::new(VOCABULARY.clone(), vec!["hunter2".to_owned()], &[], &[]).unwrap()
}

fn redacted(redactor: &mut Redactor, content_type: &'static str, body: String) -> Sample {
    static ORDERS: LazyLock<Source> = LazyLock::new(|| sources::configured("orders").unwrap());
    let mut source = ORDERS.clone();
    source.body = Some(if content_type == FORM { BodyFormat::Form } else { BodyFormat::Json });
    let headers = [(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type))];
    let headers = headers.into_iter().collect();
    let delivery = Delivery { method: "POST".to_owned(), query: String::new(), headers, body: body.into_bytes().into() };
    redactor.redact(&delivery, &source).unwrap()
}

/// Names of fields as providers write them.
fn fields() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}(_[a-z]{1,8}){0,2}", "[a-z]{1,6}([A-Z][a-z]{1,6}){0,2}", "(title|name|status|amount|kind|id|data|x)"]
}

/// Documents of strings and numbers, also nested as JSON in strings.
fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => texts().prop_map(Value::from),
        2 => "[A-Z]?[a-z]{3,12}( [A-Z][a-z]{3,12}){0,3}".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (-1e9..1e9_f64).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((fields(), inner.clone()), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            inner.clone().prop_map(|value| json!({ "raw": value }).to_string().into()),
            inner.prop_map(|value| STANDARD.encode(json!({ "raw": value }).to_string()).into()),
        ]
    })
}

/// Each identifying word in a document's values, in lower case.
fn words(value: &Value, into: &mut HashSet<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => words_of(&number.to_string(), into),
        Value::String(text) => {
            let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            match serde_json::from_str(decoded.as_deref().unwrap_or(text)) {
                Ok(nested @ (Value::Object(_) | Value::Array(_))) => words(&nested, into),
                _ => words_of(&percent_encoding::percent_decode_str(text).decode_utf8_lossy(), into),
            }
        }
        Value::Array(list) => list.iter().for_each(|value| words(value, into)),
        Value::Object(fields) => fields.values().for_each(|value| words(value, into)),
    }
}

fn words_of(text: &str, into: &mut HashSet<String>) {
    let other = |c: char| c.is_ascii() || of_its_class(c, 0) != c;
    let replaceable = |c: char| other(c) && c.to_lowercase().all(other);
    let known = |word: &str| word.chars().count() < 6 || word.chars().all(|c| c == '0') || ["https"].contains(&word);
    let all = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().all(replaceable));
    into.extend(all.map(str::to_lowercase).filter(|word| !known(word)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_keeps_its_length_and_the_class_of_each_character(text in texts()) {
        let mut pseudonyms = pseudonyms();
        let new = [pseudonyms.words(&text), pseudonyms.number(&text), rewritten(&text, &mut pseudonyms)];
        for (way, new) in new.iter().enumerate() {
            prop_assert_eq!(new.len(), text.len(), "way {}: {:?}", way, new);
            prop_assert_eq!(classes(new), classes(&text), "way {}: {:?}", way, new);
        }
        prop_assert_eq!(&rewritten(&text, &mut pseudonyms), &new[2], "the same value has the same one");
    }

    #[test]
    fn no_word_of_a_value_is_left(document in documents()) {
        let mut redactor = redactor();
        let mut before = HashSet::new();
        words(&document, &mut before);
        let body = json!({ "id": "ord-evt-1", "type": "order.noted", "order": document });
        let after: Value = serde_json::from_slice(&redacted(&mut redactor, "application/json", body.to_string()).body).unwrap();
        let mut left = HashSet::new();
        words(&after["order"], &mut left);
        let left: Vec<&String> = before.intersection(&left).filter(|word| !redactor.vocabulary.has_word(word)).collect();
        prop_assert!(left.is_empty(), "{:?} of {} in {}", left, body, after);
    }

    #[test]
    fn no_word_of_a_form_is_left(fields in proptest::collection::vec((fields(), texts()), 0..6)) {
        let mut redactor = redactor();
        let mut before = HashSet::new();
        fields.iter().for_each(|(_, text)| words(&text.as_str().into(), &mut before));
        let form = |bytes: &[u8]| form_urlencoded::parse(bytes).map(|(n, v)| (n.into_owned(), v.into_owned())).collect::<Vec<_>>();
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let mut left = HashSet::new();
        for (name, text) in form(&redacted(&mut redactor, FORM, body).body) {
            // Types and times of events.
            if !["id", "type"].contains(&name.as_str()) {
                words(&text.into(), &mut left);
            }
        }
        let left: Vec<&String> = before.intersection(&left).filter(|word| !redactor.vocabulary.has_word(word)).collect();
        prop_assert!(left.is_empty(), "{:?} of {:?}", left, fields);
    }

    #[test]
    fn a_redacted_value_keeps_its_length(text in texts(), number in -1_000_000_000_i64..1_000_000_000) {
        let inner = format!("{{ \"name\" : {}, \"n\": {number} }}", json!(text));
        let body = json!({
            "id": "e1", "type": "order.shipped", "message": text, "first_name": text, "password": text, "title": text,
            "phone": number, "raw": inner,
        });
        let redacted = redacted(&mut redactor(), "application/json", body.to_string());
        let redacted: Value = serde_json::from_slice(&redacted.body).unwrap();
        for (name, was) in body.as_object().unwrap() {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (was, is) = (text(was), text(&redacted[name]));
            prop_assert_eq!(is.len(), was.len(), "{:?}: {:?}", was, is);
            prop_assert_eq!(is.chars().count(), was.chars().count(), "{:?}: {:?}", was, is);
        }
    }
}
