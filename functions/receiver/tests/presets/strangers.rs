//! Unauthentic requests: one reply, no call and no panic for every content.

use crate::world::{NOW, World, header, said};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::Reference;
use tidings_project::presets;

/// Every preset with its first vector's secret.
fn world() -> World {
    let mut document = json!({});
    for provider in presets() {
        document[&provider.name] = Value::from(provider.vectors[0].secret.as_str());
    }
    World::new(document, NOW)
}

/// The names of headers and parameters that a preset's scheme looks at.
fn names(preset: &str) -> Vec<Reference> {
    let provider = presets().into_iter().find(|p| p.name == preset).unwrap();
    let message = provider.scheme.message.iter().flat_map(|m| m.references().cloned().collect::<Vec<_>>());
    provider.scheme.signature.from.0.iter().cloned().chain(message).collect()
}

/// Unsigned, signed by somebody, malformed, expired: one status, one body, the same headers, for all presets; none of both for those
/// that want none.
#[tokio::test]
async fn all_refusals_are_equal() {
    let world = world();
    let mut bodies = BTreeSet::new();
    let mut reasons = 0;
    for provider in presets() {
        let content_type = provider.delivery.content_types[0].clone();
        for value in ["", "x", "=", "sha256=00", "v1,AAAA", "t=1,v1=00", "Bearer a.b.c", "Basic eA==", "eyJhbGciOiJub25lIn0.e30."]
        {
            let mut headers = vec![("content-type".to_owned(), content_type.clone())];
            headers.extend(names(&provider.name).iter().filter_map(|r| Some((r.header()?.to_owned(), value.to_owned()))));
            let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = world.ask("POST", &provider.name, &headers, "{\"a\":1}").await;
            if answer.status() == 401 && provider.refusal.as_ref().is_some_and(|refusal| refusal.empty) {
                assert_eq!((said(&answer).1, answer.headers().len()), ("", 0), "{}", provider.name);
            } else if answer.status() == 401 {
                assert_eq!(header(&answer, "content-type"), "application/json");
                assert_eq!(answer.headers().len(), 1, "{answer:?}");
                bodies.insert(said(&answer).1.to_owned());
                reasons += 1;
            }
            assert!([400, 401].contains(&answer.status().as_u16()), "{}: {value}: {answer:?}", provider.name);
        }
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(reasons > 800, "{reasons}");
    assert_eq!((world.calls(), world.https.asked().len()), (0, 0));
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,64}",
        "(sha256=|v1=|v0=|t=[0-9]{0,12},v1=|Bearer |Basic |v1,)?[0-9a-fA-F]{0,130}",
        "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}",
        "[0-9]{0,24}",
        "([a-z0-9]{1,4}=[0-9a-f]{0,12}[,;& ]){0,40}",
    ]
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "[\\[{\"a:1,}\\]]{0,80}".prop_map(String::into_bytes),
        "([a-z_]{1,12}=[%+A-Za-z0-9]{0,20}&){0,12}".prop_map(String::into_bytes),
        "(<[a-z]{1,3}>|</[a-z]{1,3}>|&[a-z]{1,3};|[a-z ]){0,20}".prop_map(String::into_bytes),
        (0..200_usize).prop_map(|n| "[".repeat(n).into_bytes()),
    ]
}

proptest! {
    #[test]
    fn no_unsigned_request_panics_or_is_accepted(
        which in any::<Index>(), method in prop_oneof![Just("POST"), Just("GET"), Just("HEAD"), Just("OPTIONS"), Just("PUT")],
        values in proptest::collection::vec(any_value(), 8), query in "[a-zA-Z_.=&%?+0-9]{0,60}", body in any_body(),
        content_type in any::<Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let providers = presets();
        let provider = &providers[which.index(providers.len())];
        let types = &provider.delivery.content_types;
        let mut headers = vec![("content-type".to_owned(), types[content_type.index(types.len())].clone())];
        let names = names(&provider.name);
        headers.extend(names.iter().zip(&values).filter_map(|(r, value)| Some((r.header()?.to_owned(), value.clone()))));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let world = world();
        let answer = runtime.block_on(world.ask(method, &format!("{}?{query}", provider.name), &headers, body));
        let refused = [400, 401, 405, 413, 415, 503].contains(&answer.status().as_u16());
        let handshake = answer.status().is_success() && !provider.handshakes.is_empty();
        prop_assert!(refused || handshake, "{}: {:?}", provider.name, answer);
        prop_assert_eq!((world.calls(), world.queued().len()), (0, 0));
    }
}
