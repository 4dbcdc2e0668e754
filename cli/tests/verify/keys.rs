//! Providers with a published public key: `verify` asks for it after all other checks pass, and fetches it only on
//! request.

use crate::support::{File, ours, preset, verify};
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use tidings_config::provider::Vector;
use tidings_events::SignedRequest;

/// A vector as a captured request, with the options for its time and URL.
fn captured(name: &str) -> (Vector, SignedRequest, Vec<String>) {
    let vector = preset(name).vectors.swap_remove(0);
    let mut headers = HeaderMap::new();
    for (name, value) in &vector.headers {
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let body = vector.body.clone().into_bytes();
    let request = SignedRequest { source: name.to_owned(), method: "POST", path: format!("/webhooks/{name}"), headers, body };
    let mut options = Vec::new();
    options.extend(vector.at.iter().flat_map(|at| ["--at".to_owned(), at.clone()]));
    options.extend(vector.url.iter().flat_map(|url| ["--public-url".to_owned(), url.clone()]));
    (vector, request, options)
}

fn borrowed(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

#[test]
fn a_missing_key_is_reported_with_its_address_and_read_from_a_file() {
    for name in ["aws-sns", "paypal", "gcp-pubsub-push", "google-chat", "ms-bot-framework", "kinde"] {
        let (vector, request, options) = captured(name);
        let secrets = json!({ name: vector.secret });
        let told = verify(name, &secrets, &ours(&request), &borrowed(&options));
        assert_eq!(told.code, 2, "{name}: without the key it isn't decided");
        assert!(told.json["why"].as_str().unwrap().contains("the provider's key isn't loaded"), "{told:?}");
        let (address, document) = vector.fetched.first_key_value().unwrap();
        // Kinde's address comes from the secret.
        let shown = if name == "kinde" { "{secret}/.well-known/jwks.json" } else { address };
        assert!(told.hint(0).contains(shown) && told.hint(0).contains("--fetch-keys, or give it with --key FILE"), "{told:?}");

        let key = File::new(document);
        let with_key = [&borrowed(&options)[..], &["--key", key.path()]].concat();
        assert_eq!(verify(name, &secrets, &ours(&request), &with_key).code, 0, "{name}");
        let mut changed = request.clone();
        changed.headers.insert("x-other", "1".parse().unwrap());
        let no_key = File::new("neither a certificate nor a key set");
        let without = [&borrowed(&options)[..], &["--key", no_key.path()]].concat();
        let told = verify(name, &secrets, &ours(&changed), &without);
        assert!(told.people.contains("the provider's key: the document "), "{}", told.people);
    }
}

#[test]
fn a_key_that_cannot_be_fetched_is_reported() {
    let (_, request, options) = captured("kinde");
    // The name doesn't exist (RFC 2606), and the address is a secret.
    let secrets = json!({ "kinde": "https://nobody.invalid/canary-of-an-address" });
    let told = verify("kinde", &secrets, &ours(&request), &[&borrowed(&options)[..], &["--fetch-keys"]].concat());
    assert_eq!((told.code, &told.json), (2, &Value::Null));
    assert!(
        told.people.contains("the provider's key couldn't be fetched") && told.people.contains("--key FILE"),
        "{}",
        told.people
    );
}

#[test]
fn another_topic_or_audience_is_reported_with_and_without_the_key() {
    for (name, place) in [("aws-sns", "json:TopicArn"), ("google-chat", "jwt:aud"), ("gcp-pubsub-push", "jwt:email")] {
        let (vector, request, options) = captured(name);
        let secrets = json!({ name: format!("{}-of-another", vector.secret) });
        let key = File::new(vector.fetched.values().next().unwrap());
        let with_key = [&borrowed(&options)[..], &["--key", key.path()]].concat();
        for options in [&borrowed(&options), &with_key] {
            let told = verify(name, &secrets, &ours(&request), options);
            assert!(told.hint(0).contains(&format!("{place} must be the source's secret")), "{name}: {told:?}");
        }
        let swapped = json!({ name: format!("{}-of-another", vector.secret), "staging": vector.secret });
        let told = verify(name, &swapped, &ours(&request), &borrowed(&options));
        assert_eq!(told.hint(0), "it is signed with the secret of \"staging\"", "{name}");
    }
}

#[test]
fn a_certificate_of_another_origin_or_time_is_reported() {
    let (vector, mut request, options) = captured("aws-sns");
    let secrets = json!({ "aws-sns": vector.secret });
    let key = File::new(vector.fetched.values().next().unwrap());
    let late = verify("aws-sns", &secrets, &ours(&request), &["--key", key.path(), "--at", "2046-01-01T00:00:00Z"]);
    assert!(late.hint(0).contains("its time with --at"), "{late:?}");
    let body = String::from_utf8(request.body).unwrap();
    request.body = body.replace("https://sns.", "https://sns.evil.").into_bytes();
    let told = verify("aws-sns", &secrets, &ours(&request), &borrowed(&options));
    assert!(told.hint(0).contains("https://sns.{secret:3}.amazonaws.com/SimpleNotificationService-{hex}.pem"), "{told:?}");
}
