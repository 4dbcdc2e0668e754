//! Common mistakes, each made on purpose.

use crate::support::{OTHER, SECRET, VerifyOutput, ours, set, signed, signed_at, verify};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::limits::MAX_SECRETS_PER_SOURCE;
use tidings_config::scheme::{Algorithm, Encoding, JwtAlgorithm, KeyEncoding, TimeUnit};
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_events::SignedRequest;

fn ask(preset: &str, request: &SignedRequest) -> VerifyOutput {
    let told = verify(preset, &json!({ preset: SECRET }), &ours(request), &[]);
    assert_eq!(told.code, 1, "{told:?}");
    // The text about the clock changes with each second.
    let beginning = told.hint(0).get(..14).unwrap_or_default();
    assert!(told.people.contains(beginning), "people are told as much: {}", told.people);
    told
}

/// The hint for a request whose body was changed in transit.
fn changed(preset: &str, sent: &[u8], seen: &[u8]) -> String {
    let mut request = signed(preset, SECRET, |_, sample| sample.body = sent.to_vec());
    request.body = seen.to_vec();
    ask(preset, &request).hint(0).to_owned()
}

#[test]
fn a_body_that_was_changed_on_its_way() {
    let stripe = b"{\n  \"id\": \"evt_1\",\n  \"url\": \"https:\\/\\/x\",\n  \"name\": \"J\\u00fcrgen\"\n}";
    for (sent, seen, said) in [
        (&stripe[..], r#"{"id":"evt_1","url":"https://x","name":"Jürgen"}"#.as_bytes(), "parsed and written again"),
        (br#"{"a":[1,2]}"#, b"{\n    \"a\": [\n        1,\n        2\n    ]\n}", "parsed and written again"),
        (br#"{"a": 1, "b": "\u003c"}"#, br#"{"a":1,"b":"<"}"#, "parsed and written again"),
        (b"{}\n", b"{}", "a line feed at the end of the body was removed"),
        (b"{}\r\n", b"{}", "a line end (CRLF) at the end of the body was removed"),
        (b"{}", b"{}\n", "a line feed was added at the end of the body"),
        (b"{}", b"\n  {}\n", "white space was added around the body"),
        (b"{\r\n}", b"{\n}", "from CRLF to LF"),
        (b"{\n}", b"{\r\n}", "from LF to CRLF"),
        (b"{\"a\": 1}", STANDARD.encode("{\"a\": 1}").as_bytes(), "still base64"),
        (b"{\"a\": 1}", br#""{\"a\": 1}""#, "encoded twice"),
        (b"{\"a\": 1}", "\u{feff}{\"a\": 1}".as_bytes(), "byte order mark"),
        ("{\"a\": \"é\"}".as_bytes(), "{\"a\": \"Ã©\"}".as_bytes(), "read as Latin-1"),
    ] {
        let hint = changed("stripe", sent, seen);
        assert!(hint.contains(said), "{}: {hint}", String::from_utf8_lossy(seen));
    }
    for (sent, seen, said) in [
        (
            &b"text=a+b&url=https%3A%2F%2Fx%7E"[..],
            &b"text=a%20b&url=https%3a%2f%2fx~"[..],
            "the form was parsed and encoded again",
        ),
        (b"text=a%20b%2f", b"text=a+b%2F", "the form was parsed and encoded again"),
        (b"text=a+b&x=%21", br#"{"text":"a b","x":"!"}"#, "turned into JSON"),
    ] {
        let hint = changed("slack-slash", sent, seen);
        assert!(hint.contains(said), "{}: {hint}", String::from_utf8_lossy(seen));
    }
}

#[test]
fn a_wrong_content_length_is_reported() {
    let mut request = signed("github", SECRET, |_, _| {});
    let length = request.body.len();
    set(&mut request, "content-length", &(length + 7).to_string());
    request.body[3] ^= 1;
    assert!(ask("github", &request).hints().contains("it was changed"));
    set(&mut request, "content-length", &length.to_string());
    assert!(!ask("github", &request).hints().contains("it was changed"));
}

#[test]
fn a_signature_in_another_place_or_encoding() {
    let mut renamed = signed("github", SECRET, |_, _| {});
    let value = renamed.headers.remove("x-hub-signature-256").unwrap();
    renamed.headers.insert("x-forwarded-signature", value.clone());
    assert!(ask("github", &renamed).hint(0).contains("in the header x-forwarded-signature, not in x-hub-signature-256"));

    let mut lost = renamed.clone();
    lost.headers.remove("x-forwarded-signature");
    let told = ask("github", &lost);
    assert_eq!(told.json["why"], "header x-hub-signature-256 is missing");
    assert!(told.hint(0).contains("its headers: content-type"), "{told:?}");

    let mut twice = renamed.clone();
    twice.headers.insert("x-hub-signature-256", value.clone());
    twice.headers.append("x-hub-signature-256", value.clone());
    let raw = twice.headers.iter().map(|(n, v)| format!("{n}: {}\n", v.to_str().unwrap())).collect::<String>();
    let raw = [raw.as_bytes(), b"\n", &twice.body].concat();
    assert!(verify("github", &json!({ "github": SECRET }), &raw, &[]).hint(0).contains("occurs more than once"));

    let mut bare = signed("github", SECRET, |_, _| {});
    set(&mut bare, "x-hub-signature-256", value.to_str().unwrap().trim_start_matches("sha256="));
    assert!(ask("github", &bare).hint(0).contains("without its prefix \"sha256=\""));

    let base64 = signed("bitbucket", SECRET, |source, _| source.scheme.signature.encoding = Encoding::Base64);
    assert!(ask("bitbucket", &base64).hint(0).contains("the signature is base64, but the scheme expects hexadecimal"));
    let hex = signed("shopify", SECRET, |source, _| source.scheme.signature.encoding = Encoding::Hex);
    assert!(ask("shopify", &hex).hint(0).contains("the signature is hexadecimal, but the scheme expects base64"));
    let sha1 = signed("bitbucket", SECRET, |source, _| source.scheme.algorithm = Algorithm::HmacSha1);
    assert!(ask("bitbucket", &sha1).hint(0).contains("made with hmac-sha1, but the scheme expects hmac-sha256"));
}

#[test]
fn a_value_that_is_signed_and_missing() {
    let mut request = signed("zoom", SECRET, |_, _| {});
    request.headers.remove("x-zm-request-timestamp");
    let told = ask("zoom", &request);
    assert!(told.hint(0).contains("header:x-zm-request-timestamp was removed on the way"), "{told:?}");
    let not_json = ask("mailgun", &SignedRequest { body: b"a=b".to_vec(), ..signed("mailgun", SECRET, |_, _| {}) });
    assert!(not_json.hint(0).contains("check that the request is from this provider"), "{not_json:?}");
}

#[test]
fn look_alike_secrets_are_told_apart() {
    let key = STANDARD.encode(SECRET);
    let whsec = format!("whsec_{key}");
    let key_is = |encoding: KeyEncoding, prefix: Option<&str>| {
        let prefix = prefix.map(str::to_owned);
        move |source: &mut tidings_config::source::Source, _: &mut tidings_events::Sample| {
            (source.scheme.key.encoding, source.scheme.key.strip_prefix) = (encoding, prefix);
        }
    };
    for (preset, secret, signing, said) in [
        ("svix", &whsec, key_is(KeyEncoding::Utf8, None), "uses the secret as text, without decoding it"),
        ("svix", &whsec, key_is(KeyEncoding::Utf8, Some("whsec_")), "after whsec_ as text"),
        ("stripe", &whsec, key_is(KeyEncoding::Base64, Some("whsec_")), "after whsec_ from base64"),
        ("github", &key, key_is(KeyEncoding::Base64, None), "from base64"),
        ("github", &"00ff10aa55cc33".to_owned(), key_is(KeyEncoding::Hex, None), "decodes the secret from hexadecimal"),
    ] {
        let request = signed(preset, secret, signing);
        let told = verify(preset, &json!({ preset: secret }), &ours(&request), &[]);
        assert!(told.hint(0).contains(said), "{preset}: {told:?}");
    }
}

#[test]
fn a_secret_stored_with_extra_characters() {
    for (preset, right, stored, said) in [
        ("github", SECRET.to_owned(), format!("{SECRET}\n"), "white space around it"),
        ("github", SECRET.to_owned(), format!("\"{SECRET}\""), "quotation marks around it"),
        ("postmark", STANDARD.encode(SECRET), SECRET.to_owned(), "stored as user:password"),
        ("freshdesk", SECRET.to_owned(), STANDARD.encode(SECRET), "stored as base64"),
        ("postmark", STANDARD.encode(SECRET), format!("Basic {}", STANDARD.encode(SECRET)), "stored with the prefix \"Basic \""),
    ] {
        let request = signed(preset, &right, |_, _| {});
        let told = verify(preset, &json!({ preset: stored }), &ours(&request), &[]);
        assert!(told.hint(0).contains(said), "{preset}: {told:?}");
    }
}

#[test]
fn another_environment_s_secret() {
    let request = ours(&signed("github", SECRET, |_, _| {}));
    let told = verify("github", &json!({ "github": OTHER, "staging": [OTHER, SECRET] }), &request, &[]);
    assert_eq!(told.hint(0), "it is signed with the secret of \"staging\"");
    let mut all: Vec<String> = (0..MAX_SECRETS_PER_SOURCE).map(|n| format!("{OTHER}-{n}")).collect();
    all[MAX_SECRETS_PER_SOURCE - 1] = SECRET.to_owned();
    let told = verify("github", &json!({ "github": all }), &request, &[]);
    assert_eq!((told.code, &told.json["secret"]), (0, &(MAX_SECRETS_PER_SOURCE - 1).into()), "the last that is tried");
    assert!(told.people.contains("with secret 7: an older one"), "{}", told.people);
    all.insert(0, OTHER.to_owned());
    let told = verify("github", &json!({ "github": all }), &request, &[]);
    assert!(told.hint(0).contains("after the first 8, and only those are used"), "{told:?}");
    let unusable = ours(&signed("svix", &format!("whsec_{}", STANDARD.encode(SECRET)), |_, _| {}));
    let told = verify("svix", &json!({ "svix": ["whsec_not!base64", "whsec_"] }), &unusable, &[]);
    assert!(told.hints().contains("secret 0 isn't used: the secret is not base64"), "{told:?}");
    assert!(told.hints().contains("secret 1 isn't used: the secret is empty"), "{told:?}");
}

#[test]
fn clocks_and_units() {
    let now = SystemClock.now();
    let ago = |seconds: i64| Timestamp::from_unix_ms(now.unix_ms() - seconds * 1_000);
    let hook = |at: Timestamp, unit: TimeUnit| {
        signed_at("zoom", SECRET, at, |source, _| source.scheme.timestamp.as_mut().unwrap().unit = unit)
    };
    for (unit, said) in
        [(TimeUnit::Ms, "in milliseconds, but the scheme expects seconds"), (TimeUnit::Rfc3339, "in RFC 3339, but the scheme")]
    {
        assert!(ask("zoom", &hook(now, unit)).hint(0).contains(said), "{said}");
    }
    let seconds = signed("front-app", SECRET, |source, _| source.scheme.timestamp.as_mut().unwrap().unit = TimeUnit::S);
    assert!(ask("front-app", &seconds).hint(0).contains("in seconds, but the scheme expects milliseconds"));

    let old = hook(ago(86_400), TimeUnit::S);
    let told = ask("zoom", &old);
    let at = told.hint(0).split("--at ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert!(told.hint(0).contains("the clock here is ahead"), "{told:?}");
    assert_eq!(verify("zoom", &json!({ "zoom": SECRET }), &ours(&old), &["--at", &at]).code, 0, "as it is told");
    let told = ask("zoom", &hook(ago(-7_200), TimeUnit::S));
    assert!(told.hint(0).contains("s behind the sender's; set it by NTP"), "{told:?}");
    let mut both = hook(ago(86_400), TimeUnit::S);
    both.body.push(b'\n');
    let told = ask("zoom", &both);
    assert!(told.hint(0).contains("a line feed was added") && told.hint(1).contains("--at "), "{told:?}");
    let bad = run_at("yesterday");
    assert!(bad.people.contains("allowed: RFC 3339"), "{bad:?}");
}

fn run_at(at: &str) -> VerifyOutput {
    verify("zoom", &json!({ "zoom": SECRET }), &ours(&signed("zoom", SECRET, |_, _| {})), &["--at", at])
}

#[test]
fn tokens_of_another_kind_time_or_issuer() {
    let other =
        signed("vonage-jwt", SECRET, |source, _| source.scheme.jwt.as_mut().unwrap().algorithms = vec![JwtAlgorithm::Hs512]);
    assert!(ask("vonage-jwt", &other).hint(0).contains("the token's algorithm is HS512, allowed: HS256"));
    let mut none = other.clone();
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": format!("{SECRET} or so") }).to_string());
    let rest = none.headers["authorization"].to_str().unwrap().split_once('.').unwrap().1.to_owned();
    set(&mut none, "authorization", &format!("Bearer {header}.{rest}"));
    assert!(ask("vonage-jwt", &none).hint(0).contains("the token's algorithm is unknown, allowed: HS256"));

    let hour_ago = Timestamp::from_unix_ms(SystemClock.now().unix_ms() - Duration::from_secs(3_600).as_millis() as i64);
    let expired = signed_at("vonage-jwt", SECRET, hour_ago, |_, _| {});
    let told = ask("vonage-jwt", &expired);
    let at = told.hint(0).split("--at ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(verify("vonage-jwt", &json!({ "vonage-jwt": SECRET }), &ours(&expired), &["--at", &at]).code, 0, "{told:?}");

    let issuer = signed("netlify", SECRET, |source, _| {
        source.scheme.expect = [("jwt:iss".parse().unwrap(), tidings_config::OneOrMany(vec!["nobody".parse().unwrap()]))].into();
    });
    assert_eq!(ask("netlify", &issuer).hint(0), "jwt:iss must be netlify");
    let mut body = signed("netlify", SECRET, |_, sample| sample.body = b"{\"a\": 1}".to_vec());
    body.body = b"{\"a\":1}".to_vec();
    assert!(ask("netlify", &body).hint(0).contains("parsed and written again"), "a body whose hash is in the token");
}

#[test]
fn of_events_signed_one_by_one_the_failing_one_is_named() {
    let secret = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
    let secrets = json!({ "adyen-standard": secret, "staging": "00112233445566778899aabbccddeeff" });
    let batch = |change: &dyn Fn(&mut Value)| {
        let mut request = signed("adyen-standard", secret, |_, sample| {
            let mut body: Value = serde_json::from_slice(&sample.body).unwrap();
            let item = body["notificationItems"][0].clone();
            body["notificationItems"] = json!([item, item, item]);
            sample.body = body.to_string().into_bytes();
        });
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        change(&mut body["notificationItems"]);
        request.body = body.to_string().into_bytes();
        verify("adyen-standard", &secrets, &ours(&request), &[])
    };
    assert_eq!(batch(&|_| {}).code, 0);
    let told = batch(&|items| items[1]["NotificationRequestItem"]["amount"]["value"] = 1.into());
    assert_eq!(told.hint(0), "event 2 of 3 fails: the signature doesn't match any secret");
    let told = batch(&|items| {
        for n in [0, 2] {
            drop(items[n]["NotificationRequestItem"]["additionalData"].as_object_mut().unwrap().remove("hmacSignature"));
        }
    });
    assert!(told.hint(0).starts_with("event 1 of 3 fails: ") && told.hint(1).starts_with("event 3 of 3 fails: "), "{told:?}");

    let staging = signed("adyen-standard", "00112233445566778899aabbccddeeff", |_, _| {});
    let told = verify("adyen-standard", &secrets, &ours(&staging), &[]);
    assert_eq!(
        (told.hint(0), told.hint(1)),
        ("event 1 of 1 fails: the signature doesn't match any secret", "it is signed with the secret of \"staging\"")
    );

    let mut graph = signed("ms-graph", SECRET, |_, _| {});
    graph.body = String::from_utf8(graph.body).unwrap().replacen(SECRET, "another", 1).into_bytes();
    assert!(ask("ms-graph", &graph).hint(0).starts_with("event 1 of 2 fails"));
}

#[test]
fn an_unsigned_handshake_is_reported() {
    let mut request = signed("asana", SECRET, |_, _| {});
    request.headers.clear();
    set(&mut request, "x-hook-secret", OTHER);
    let told = verify("asana", &json!({ "asana": SECRET, "staging": OTHER }), &ours(&request), &[]);
    assert!(told.hints().contains("it is a handshake, which this provider doesn't sign"), "{told:?}");
}

#[test]
fn an_unexplained_failure_is_reported_as_unexplained() {
    let forged = signed("github", OTHER, |_, _| {});
    let told = ask("github", &forged);
    assert_eq!(told.json["why"], "the signature doesn't match any secret");
    assert!(told.hint(0).contains("no known mistake explains it"), "{told:?}");
}
