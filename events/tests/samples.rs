//! The sample files are parsed strictly, and each shipped one is valid.

use tidings_config::provider::Provider;
use tidings_config::written_by::PointerStep;
use tidings_events::Identity;
use tidings_events::samples::{PresetSample, SampleEvent, SampleKey, SamplesError, kinds, of_preset, presets, read};
use tidings_events::signable::Signable;

const ISSUES: &str = r#"
[[sample]]
name = "issue_opened"
headers = { "X-GitHub-Event" = "issues", "X-GitHub-Delivery" = "72d3162e-cc78-11e3-81ab-4c9367dc0958" }
body = '''
{"action":"opened","issue":{"number":7}}
'''

[[sample.event]]
type = "issues.opened"
subject = "acme/web/issues/7"
time = "2026-11-29T18:00:00.000Z"
sequence = 7
key = "content+delivery"

[[sample.other]]
what = "another issue under another delivery id"
change = [["72d3162e", "72d3162f"], ["7}", "8}"]]
same = false
"#;

const MESSAGES: &str = r#"
[[sample]]
name = "message_text"
query = "hub=1"
content_type = "application/json; charset=utf-8"
body = '{"id":"wamid.1"}'

[[sample.event]]
type = "message.text"
conversation = "whatsapp:15550000001"
key = "wamid.1"

[[sample]]
name = "signed_by_the_provider"
vector = "published"
"#;

fn only(samples: Vec<PresetSample>) -> PresetSample {
    assert_eq!(samples.len(), 1);
    samples.into_iter().next().unwrap()
}

fn refusal(text: &str) -> String {
    let error = read(text).unwrap_err();
    assert!(!matches!(error, SamplesError::Form(_)), "{error}");
    error.to_string()
}

#[test]
fn a_file_contains_the_request_and_its_expected_events() {
    let sample = only(read(ISSUES).unwrap());
    assert_eq!(sample.body, r#"{"action":"opened","issue":{"number":7}}"#);
    let expected = SampleEvent {
        event_type: "issues.opened".to_owned(),
        subject: Some("acme/web/issues/7".to_owned()),
        time: Some(tidings_config::time::Timestamp::from_unix_ms(1_795_975_200_000)),
        sequence: Some(7),
        conversation: None,
        dataschema: None,
        key: SampleKey::ContentAndDelivery,
    };
    assert_eq!(sample.events, [expected]);
    let messages = read(MESSAGES).unwrap();
    assert_eq!(messages[0].events[0].key, SampleKey::Id("wamid.1".to_owned()));
    assert_eq!(messages[1].vector.as_deref(), Some("published"));
}

#[test]
fn a_request_has_its_headers_or_the_presets_content_type() {
    let github = tidings_project::presets().into_iter().find(|provider| provider.name == "github").unwrap();
    let request = only(read(ISSUES).unwrap()).request(&github).unwrap();
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["x-github-event"], "issues");
    let request = read(MESSAGES).unwrap()[0].request(&github).unwrap();
    assert_eq!(request.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!((request.query.as_str(), request.body.as_slice()), ("hub=1", r#"{"id":"wamid.1"}"#.as_bytes()));
}

#[test]
fn another_request_differs_wherever_the_old_text_occurred() {
    let sample = only(read(ISSUES).unwrap());
    let other = sample.changed(&sample.others[0]);
    assert_eq!(other.headers["X-GitHub-Delivery"], "72d3162f-cc78-11e3-81ab-4c9367dc0958");
    assert_eq!(other.body, r#"{"action":"opened","issue":{"number":8}}"#);
}

#[test]
fn an_inconsistent_sample_is_refused() {
    assert!(matches!(read("[[sample]]\nname = \"a\"\nbodi = \"\""), Err(SamplesError::Form(_))));
    assert!(refusal(&ISSUES.replace("issue_opened", "Issue opened")).contains("a-z"));
    assert!(refusal(&format!("{ISSUES}{ISSUES}")).contains("the file has issue_opened twice"));
    assert!(refusal(&ISSUES.replace("\"7}\"", "\"9}\"")).contains("replaces \"9}\""));
    assert!(
        refusal(&ISSUES.replace("[[\"72d3162e\", \"72d3162f\"], [\"7}\", \"8}\"]]", "[[\"7}\", \"7}\"]]"))
            .contains("changes nothing")
    );
    assert!(refusal(&MESSAGES.replace("query = ", "vector = \"published\"\nquery = ")).contains("whole request"));
}

fn preset(name: &str) -> Provider {
    tidings_project::presets().into_iter().find(|provider| provider.name == name).unwrap()
}

#[test]
fn a_type_is_shown_once_with_the_data_that_rules_see() {
    let text = MESSAGES.replace("vector = \"published\"", "body = '{}'").replace(
        "body = '{\"id\":\"wamid.1\"}'",
        r#"body = '{"object":"o","entry":[{"changes":[{"value":{"metadata":1,"messages":[{"id":"a","type":"text"},{"id":"b","type":"image"}]}}]}]}'"#,
    );
    let event =
        "[[sample.event]]\ntype = \"message.image\"\nkey = \"b\"\n[[sample.event]]\ntype = \"message.text\"\nkey = \"c\"\n";
    let samples = read(&text.replace("[[sample]]\nname = \"signed", &format!("{event}[[sample]]\nname = \"signed"))).unwrap();
    let (whatsapp, kinds) = (preset("whatsapp"), kinds(&samples));
    let types: Vec<&str> = kinds.iter().map(|kind| kind.event.event_type.as_str()).collect();
    assert_eq!(types, ["message.text", "message.image"]);
    let data: serde_json::Value = serde_json::from_str(kinds[1].data(&Signable::of(whatsapp)).unwrap().get()).unwrap();
    assert_eq!((&data["id"], &data["metadata"]), (&"b".into(), &1.into()), "with what the preset keeps beside it");
}

/// The page must describe what the receiver does.
#[test]
fn the_description_of_a_presets_keys_matches_its_samples() {
    for preset in tidings_project::presets() {
        let samples = of_preset(&preset.name);
        let Identity { known_by, retried, merged, .. } = Identity::of(&preset, &samples);
        assert!(!known_by.is_empty() && !retried.is_empty() && !merged.is_empty(), "{}", preset.name);
        for event in samples.iter().flat_map(|sample| &sample.events) {
            let said = match &event.key {
                SampleKey::Id(_) => known_by.iter().any(|by| !by.starts_with("the hash")),
                SampleKey::ContentAndDelivery => known_by.iter().any(|by| by.starts_with("the hash") && by.contains(" and of ")),
                // A part of an id may be missing.
                SampleKey::Content | SampleKey::Unreadable => true,
            };
            assert!(said, "{}: {} is known by {}, and that isn't in {known_by:?}", preset.name, event.event_type, event.key);
        }
    }
}

#[test]
fn the_parts_of_a_key_are_named_as_in_the_element() {
    let mut provider = preset("whatsapp");
    provider.events = toml::from_str::<toml::Table>(
        r#"
        [[event]]
        each = "entry[*].messages[*]"
        id = "{json:entry[*].messages[*].id}:{json:entry[*].id}"
        type = "message"
        [[event]]
        type = "other"
        delivery_id = ["{header:x-id}", "{header:x-request}"]
        retry_fields = ["json:attempt"]
        [[event]]
        type = "ping"
        coalesce_seconds = 60
        "#,
    )
    .unwrap()
    .remove("event")
    .unwrap()
    .try_into()
    .unwrap();
    let identity = Identity::of(&provider, &[]);
    assert_eq!(
        identity.known_by,
        [
            "`{id}:{entry[*].id}`",
            "the hash of the signed bytes without `json:attempt` and of `{header:x-id}` or `{header:x-request}`",
            "the hash of the signed bytes",
        ]
    );
    assert_eq!(identity.merged[2], "the same bytes within 60 s");
    assert_eq!(
        identity.retried[1],
        "the same bytes without `json:attempt`, with the same `{header:x-id}` or `{header:x-request}`"
    );
    let stripe = preset("stripe");
    let timed = Identity::of(&Provider { events: vec![provider.events[2].clone()], ..stripe }, &[]);
    assert_eq!(timed.retried, ["the same bytes, with the same `sig:t`"], "signed again a minute later it is another message");
}

#[test]
fn every_file_belongs_to_a_preset_and_is_valid() {
    let providers = tidings_project::presets();
    for preset in presets() {
        let provider = providers.iter().find(|provider| provider.name == preset);
        let provider = provider.unwrap_or_else(|| panic!("events/samples/{preset}.toml is of no preset"));
        for sample in of_preset(preset) {
            let has_request = sample.vector.is_none() || sample.vector_of(provider).is_some();
            assert!(has_request, "{preset}: {} names a vector that the preset hasn't", sample.name);
            sample.request(provider).unwrap_or_else(|error| panic!("{preset}: {}: {error}", sample.name));
        }
    }
}

/// The values at a place: `*` is each element of a list.
fn values_at<'v>(value: &'v serde_json::Value, steps: &[PointerStep], found: &mut Vec<&'v serde_json::Value>) {
    match steps {
        [] => found.push(value),
        [PointerStep::Field(name), rest @ ..] => {
            value.get(name).into_iter().for_each(|value| values_at(value, rest, found));
        }
        [PointerStep::Each, rest @ ..] => {
            value.as_array().into_iter().flatten().for_each(|value| values_at(value, rest, found));
        }
    }
}

/// An id, an amount, a time or a word: no text that a person could have written into a field.
fn is_no_prose(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => true,
        serde_json::Value::String(text) => !text.contains(char::is_whitespace) && text.is_ascii(),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => false,
    }
}

/// The bodies of the corpus, which have every field. A body without a type is one of a provider that sends it in a header.
fn corpus_of(source: &str) -> Vec<(String, serde_json::Value)> {
    let cases = tidings_events::corpus().cases.iter().filter(|case| case.source == source);
    let bodies: std::collections::BTreeSet<&String> = cases.map(|case| &case.body).collect();
    let read = |name: &String| {
        let path = format!("{}/bodies/{name}", env!("CARGO_MANIFEST_DIR"));
        let body: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
        Some((body["type"].as_str().unwrap_or("of.a.header").to_owned(), body))
    };
    bodies.into_iter().filter_map(read).collect()
}

#[test]
fn every_place_that_a_preset_marks_is_in_a_sample_and_holds_no_prose_in_any() {
    let (mut absent, mut prose, mut marked) = (Vec::new(), Vec::new(), 0);
    for provider in tidings_project::presets().into_iter().filter(|provider| !provider.by_provider.is_empty()) {
        let samples = of_preset(&provider.name);
        let signable = Signable::of(provider.clone());
        let sampled = kinds(&samples)
            .into_iter()
            .filter_map(|kind| Some((kind.event.event_type.clone(), serde_json::from_str(kind.data(&signable)?.get()).unwrap())));
        let payloads: Vec<(String, serde_json::Value)> = sampled.chain(corpus_of(&provider.name)).collect();
        for marks in &provider.by_provider {
            for pointer in &marks.at {
                marked += 1;
                let mut seen = 0;
                for (event_type, data) in
                    payloads.iter().filter(|(event_type, _)| marks.on.0.iter().any(|on| on.matches(event_type)))
                {
                    let mut found = Vec::new();
                    values_at(data, pointer.steps(), &mut found);
                    seen += found.len();
                    let place = || format!("{} {event_type} {pointer}", provider.name);
                    prose.extend(found.into_iter().filter(|value| !is_no_prose(value)).map(|_| place()));
                }
                if seen == 0 {
                    absent.push(format!("{} {pointer}", provider.name));
                }
            }
        }
    }
    assert!(marked > 50, "{marked}");
    assert_eq!((absent, prose), (Vec::<String>::new(), Vec::<String>::new()), "unknown places, and places with prose");
}
