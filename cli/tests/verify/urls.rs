//! The signed URL differs from the configured one, or from the one of the request.

use crate::support::{SECRET, ours, set, signed, url_of, verify};
use serde_json::json;

/// The hint if the provider has the URL `given` and `public_url` is `configured`.
fn hint(preset: &str, given: &str, configured: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut request = signed(preset, SECRET, |source, sample| {
        source.public_url = Some(given.split('?').next().unwrap().to_owned());
        sample.query = given.split_once('?').map_or("", |(_, query)| query).to_owned();
    });
    request.path = path.to_owned();
    headers.iter().for_each(|(name, value)| set(&mut request, name, value));
    let told = verify(preset, &json!({ preset: SECRET }), &ours(&request), &["--public-url", configured]);
    assert_eq!(told.code, 1, "{told:?}");
    told.hint(0).to_owned()
}

#[test]
fn each_differing_part_of_a_url_is_named() {
    for (preset, all) in [("twilio", true), ("square", false), ("hubspot-v2", false)] {
        let url = url_of(preset);
        let path = format!("/webhooks/{preset}");
        for (given, headers, said) in [
            (url.replace("https:", "http:"), &[][..], "with another scheme: http://hooks.example/"),
            (url.replace("hooks.", "abc123."), &[("host", "abc123.example")], "with another host: https://abc123.example/"),
            (url.replace("hooks.", "edge."), &[("x-forwarded-host", "edge.example")], "with another host"),
            (format!("https://hooks.example:8443{path}"), &[("x-forwarded-port", "8443")], "with another port"),
            (format!("https://hooks.example/prod{path}"), &[], "with another path: https://hooks.example/prod/"),
            (
                format!("https://hooks.example/v2{path}"),
                &[("x-forwarded-prefix", "/v2/")],
                "with another path: https://hooks.example/v2/",
            ),
            (format!("{url}/"), &[], "with another path"),
            (format!("https://hooks.example/{preset}"), &[], "with another path"),
            (
                url.replace("https://hooks.", "http://internal."),
                &[("host", "internal.example")],
                "with another scheme and host: http://internal.example/",
            ),
        ] {
            if !all && !given.starts_with("http:") {
                continue;
            }
            let seen = hint(preset, &given, &url, &path, headers);
            assert!(seen.contains("another URL than public_url") && seen.contains(said), "{preset}: {given}: {seen}");
        }
    }
}

#[test]
fn a_dropped_added_or_sorted_query_is_reported_without_its_text() {
    let (url, path) = (url_of("twilio"), "/webhooks/twilio");
    for (given, configured, sent) in [
        (format!("{url}?b=2&a=1"), url.clone(), format!("{path}?a=1&b=2&trace=3")),
        (url.clone(), url.clone(), format!("{path}?token=canary-in-a-query")),
        (format!("{url}?b=2"), url.clone(), format!("{path}?b=2&token=canary-in-a-query")),
        (format!("{url}?a=1&b=2"), url.clone(), format!("{path}?b=2&a=1")),
    ] {
        let seen = hint("twilio", &given, &configured, &sent, &[]);
        assert!(!seen.contains("canary-in-a-query"), "{seen}");
        let explained = seen.contains("with another query: ") && seen.contains("was changed or reordered on the way");
        // Two changes of one query at the same time aren't tried.
        assert_eq!(explained, given != format!("{url}?b=2&a=1"), "{given}: {seen}");
    }
}

#[test]
fn without_a_configured_url_that_of_the_request_is_tried() {
    let request = |path: &str, host: Option<&str>| {
        let mut request = signed("twilio", SECRET, |_, sample| sample.query = String::new());
        request.path = path.to_owned();
        host.into_iter().for_each(|host| set(&mut request, "host", host));
        ours(&request)
    };
    let secrets = json!({ "twilio": SECRET });
    let told = verify("twilio", &secrets, &request("/webhooks/twilio", Some("hooks.example")), &[]);
    assert!(told.hint(0).contains("set public_url, or --public-url, to https://hooks.example/webhooks/twilio"), "{told:?}");
    // Twilio signs the default port or omits it. The port of the request is equally valid.
    let told = verify("twilio", &secrets, &request("/prod/webhooks/twilio", Some("hooks.example:443")), &[]);
    assert!(
        told.hint(0).contains("another path than the request")
            && told.hint(0).ends_with("to https://hooks.example:443/webhooks/twilio"),
        "{told:?}"
    );
    let told = verify("twilio", &secrets, &request("/webhooks/twilio", None), &[]);
    assert!(told.hint(0).contains("give the URL that is configured at the provider with --public-url"), "{told:?}");
}

#[test]
fn a_token_for_another_address_names_both() {
    let request =
        signed("monday", SECRET, |source, _| source.public_url = Some("https://hooks.example/webhooks/monday/".to_owned()));
    let told = verify("monday", &json!({ "monday": SECRET }), &ours(&request), &["--public-url", &url_of("monday")]);
    assert!(told.hint(0).contains("with another path: https://hooks.example/webhooks/monday/"), "{told:?}");
    let request = signed("monday", SECRET, |source, _| source.public_url = Some("https://somebody.example".to_owned()));
    let told = verify("monday", &json!({ "monday": SECRET }), &ours(&request), &["--public-url", &url_of("monday")]);
    assert_eq!(told.hint(0), "jwt:aud must be https://hooks.example/webhooks/monday");
}
