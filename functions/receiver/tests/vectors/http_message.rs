//! The vectors of RFC 9421: every signature of a request in its appendix B.2, and the two signatures of its section 4.3.
//! B.2.4 signs a response, which nobody sends here.

use crate::requests::{headers, post};
use receiver::delivery::Delivery;
use receiver::extract;
use receiver::verify::{ComponentFault, DigestFault, Key, Rejection, sign, signed_message, verify};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::OneOrMany;
use tidings_config::limits::{JWT_LEEWAY, MAX_COMPONENTS, MAX_SIGNATURES};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;

// The keys of appendix B.1, as SPKI or as the bare key; they are public.
const RSA: &str = concat!(
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhAKYdtoeoy8zcAcR874L8cnZxKzAGwd7v36APp7Pv6Q2jdsPBRrwWEBnez6d0UDKDw",
    "Gbc6nxfEXAy5mbhgajzrw3MOEt8uA5txSKobBpKDeBLOsdJKFqMGmXCQvEG7YemcxDTRPxAleIAgYYRjTSd/QBwVW9OwNFhekro3RtlinV0a75",
    "jfZgkne/YiktSvLG34lw2zqXBDTC5NHROUqGTlML4PlNZS5Ri2U4aCNx2rUPRcKIlE0PuKxI4T+HIaFpv8+rdV6eUgOrB2xeI1dSFFn/nnv5Oo",
    "ZJEIB+VmuKn3DCUcCZSFlQPSXSfBDiUGhwOw76WuSSsf1D4b/vLoJ10wIDAQAB",
);
const RSA_PSS: &str = concat!(
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh",
    "1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuY",
    "LPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb",
    "4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB",
);
const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";
const ED25519: &str = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
const SHARED: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

// The signatures.
const B_2_1: &str = concat!(
    "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7C",
    "hG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsf",
    "xVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C",
    "8ssinQ98Xw9Q==",
);
const B_2_2: &str = concat!(
    "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxC",
    "mT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2",
    "fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaV",
    "e4bXTugEjHSw==",
);
const B_2_3: &str = concat!(
    "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0",
    "fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xM",
    "y7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIz",
    "tsDZKEgM4cUA==",
);
const B_2_5: &str = "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=";
const B_2_6: &str = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
const CLIENT_4_3: &str = "X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSaHD3A==";
const PROXY_4_3: &str = concat!(
    "S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+CM5g92iHgxtRPz+MjniOaYmdkDcnL9cCpXJleXsOck",
    "pURl49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9vVcasqOWAEObtNKKZd8tSFu7LB5YAv0RAGhB8tmpv7sFnIm9y+7X5kXQfi8NMaZa",
    "A8i2ZHwpBdg7a6CMfwnnrtflzvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vfJvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9ddzirrs",
    "wsE1w5o0LV/g==",
);

const CREATED: i64 = 1_618_884_473;
const BODY: &str = r#"{"hello": "world"}"#;
const DIGEST: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

/// A change of a request on its way.
type Change = fn(&mut Case);

/// A request with its source.
#[derive(Clone)]
struct Case {
    source: Source,
    delivery: Delivery,
    secret: String,
    at: Timestamp,
}

/// A source whose signatures must cover these components.
fn source(algorithm: &str, components: &[&str]) -> Source {
    let scheme = json!({
        "algorithm": algorithm,
        "message": "{canonical:http-message}",
        "signature": { "from": "header:signature", "encoding": "base64" },
        "key": { "encoding": "base64" },
        "http_message": { "components": components },
        "timestamp": { "from": "sig:created" },
        "partial": !["@method", "@authority", "@path", "content-digest"].iter().all(|needed| components.contains(needed)),
    });
    serde_json::from_value(json!({
        "name": "x", "provider": "own", "scheme": scheme, "events": [{ "id": "{json:id}", "type": "a" }],
        "content_types": "application/json", "public_url": "https://example.com/foo",
    }))
    .unwrap()
}

impl Case {
    /// The request of appendix B.2, with this signature.
    fn of(algorithm: &str, secret: &str, components: &[&str], input: &str, signature: &str) -> Self {
        let all = [
            ("host", "example.com"),
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("content-type", "application/json"),
            ("content-digest", DIGEST),
            ("content-length", "18"),
            ("signature-input", &format!("sig={input}")),
            ("signature", &format!("sig=:{signature}:")),
        ];
        let all: BTreeMap<String, String> = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut delivery = post(headers(&all), BODY.into());
        delivery.query = "param=Value&Pet=dog".to_owned();
        let at = Timestamp::from_unix_s(CREATED).unwrap();
        Self { source: source(algorithm, components), delivery, secret: secret.to_owned(), at }
    }

    /// A request that is signed here with the shared secret of appendix B.1.5.
    fn signed(components: &[&str]) -> Self {
        let mut case = Self::of("hmac-sha256", SHARED, components, "()", "");
        case.resign();
        case
    }

    fn resign(&mut self) {
        sign(&self.source, &self.key(), &mut self.delivery, self.at).unwrap();
    }

    fn key(&self) -> Key {
        Key::prepare(&self.source.scheme, &self.secret).unwrap()
    }

    fn verify(&self) -> Result<(), Rejection> {
        verify(&self.source, &[self.key()], &self.delivery, self.at).map(drop)
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.delivery.headers.insert(name, value.parse().unwrap());
    }

    fn header(&self, name: &str) -> String {
        self.delivery.headers[name].to_str().unwrap().to_owned()
    }

    /// The same with other components, which are signed with the right key.
    fn covering(&self, components: &str, params: &str) -> Self {
        let mut covering = self.clone();
        covering.set("signature-input", &format!("sig1=({components});created={CREATED}{params}"));
        let base = match signed_message(&covering.source, &covering.delivery) {
            Some(Ok(base)) => base,
            Some(Err(_)) | None => Vec::new(),
        };
        let mac = receiver::verify::mac_of(&self.source, &self.key(), &base, tidings_config::scheme::Encoding::Base64);
        covering.set("signature", &format!("sig1=:{mac}:"));
        covering
    }
}

/// Each signature of a request in appendix B.2, with the components that its text says.
fn published() -> Vec<(Case, String)> {
    let full = ["date", "@method", "@path", "@query", "@authority", "content-type", "content-digest", "content-length"];
    let of = |algorithm, secret, components: &[&str], listed: &str, params: &str, signature| {
        let input = format!("({listed});created={CREATED}{params}");
        let base = format!("\"@signature-params\": {input}");
        (Case::of(algorithm, secret, components, &input, signature), base)
    };
    let quoted = |components: &[&str]| components.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" ");
    let (hmac, ed25519) =
        (["date", "@authority", "content-type"], ["date", "@method", "@path", "@authority", "content-type", "content-length"]);
    let selective = "\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\"";
    let pss = ";keyid=\"test-key-rsa-pss\"";
    vec![
        of("rsa-pss-sha512", RSA_PSS, &[], "", &format!("{pss};nonce=\"b3k2pp5k7z-50gnwp.yemd\""), B_2_1),
        of(
            "rsa-pss-sha512",
            RSA_PSS,
            &["@authority", "content-digest"],
            selective,
            &format!("{pss};tag=\"header-example\""),
            B_2_2,
        ),
        of("rsa-pss-sha512", RSA_PSS, &full, &quoted(&full), pss, B_2_3),
        of("hmac-sha256", SHARED, &hmac, &quoted(&hmac), ";keyid=\"test-shared-secret\"", B_2_5),
        of("ed25519", ED25519, &ed25519, &quoted(&ed25519), ";keyid=\"test-key-ed25519\"", B_2_6),
    ]
}

#[test]
fn every_request_of_appendix_b_verifies_and_no_changed_one_does() {
    for (case, params) in published() {
        let base = String::from_utf8(signed_message(&case.source, &case.delivery).unwrap().unwrap()).unwrap();
        assert!(base.ends_with(&params), "{base}");
        assert_eq!(case.verify(), Ok(()), "{base}");
        assert_eq!(case.source.scheme.problems(true), Vec::<String>::new());
        let changes: [(&str, Change); 6] = [
            ("\"@method\"", |c| c.delivery.method = "PUT".to_owned()),
            ("\"@authority\"", |c| c.source.public_url = Some("https://example.org/foo".to_owned())),
            ("\"@path\"", |c| c.source.public_url = Some("https://example.com/fop".to_owned())),
            ("\"@query\"", |c| c.delivery.query = "param=value&Pet=dog".to_owned()),
            ("\"date\"", |c| c.set("date", "Tue, 20 Apr 2021 02:07:56 GMT")),
            ("\"content-type\"", |c| c.set("content-type", "application/xml")),
        ];
        for (component, change) in changes {
            assert_eq!(case.with(change).verify().is_ok(), !base.contains(component), "{component} of {base}");
        }
        let other = case.with(|c| c.delivery.body = b"{}".to_vec().into());
        let expected =
            if base.contains("\"content-digest\"") { Err(Rejection::ContentDigest(DigestFault::Sha512)) } else { Ok(()) };
        assert_eq!(other.verify(), expected, "{base}");
        let shift = |by: char| case.header("signature").replacen("=:", &format!("=:{by}"), 1);
        assert!(case.with(|c| c.set("signature", &shift('A'))).verify().is_err());
    }
}

/// Section 4.3: a client signs with ECDSA P-256, and a proxy with RSA v1.5 over another authority.
#[test]
fn a_request_with_two_signatures_is_verified_by_the_one_for_us() {
    let listed = "\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-type\" \"content-length\"";
    let client = format!("({listed});created=1618884475;keyid=\"test-key-ecc-p256\"");
    let proxy =
        format!("({listed} \"forwarded\");created=1618884480;keyid=\"test-key-rsa\";alg=\"rsa-v1_5-sha256\";expires=1618884540");
    let required = ["@method", "@authority", "@path", "content-digest"];
    let first = Case::of("ecdsa-p256-sha256", P256, &required, &client, CLIENT_4_3);
    let first = first.with(|c| c.at = Timestamp::from_unix_s(1_618_884_475).unwrap());
    assert_eq!(first.verify(), Ok(()));

    let both = first.with(|c| {
        c.source.scheme.algorithm = serde_json::from_value(json!("rsa-sha256")).unwrap();
        c.source.public_url = Some("https://origin.host.internal.example/foo".to_owned());
        c.secret = RSA.to_owned();
        c.at = Timestamp::from_unix_s(1_618_884_480).unwrap();
        c.set("forwarded", "for=192.0.2.123;host=example.com;proto=https");
        c.set("signature-input", &format!("sig1={client}, proxy_sig={proxy}"));
        c.set("signature", &format!("sig1=:{CLIENT_4_3}:, proxy_sig=:{PROXY_4_3}:"));
    });
    assert_eq!(both.verify(), Ok(()));
    // Two lines of a header are one list.
    let lines = both.with(|c| {
        c.set("signature-input", &format!("sig1={client}"));
        c.delivery.headers.append("signature-input", format!("proxy_sig={proxy}").parse().unwrap());
    });
    assert_eq!(lines.verify(), Ok(()));
    let label =
        |label: &str| both.with(|c| c.source.scheme.http_message.as_mut().unwrap().label = Some(label.to_owned())).verify();
    assert_eq!((label("proxy_sig"), label("sig1")), (Ok(()), Err(Rejection::Mismatch)));
    assert_eq!(label("sig2"), Err(Rejection::NoLabel("sig2".to_owned())));
    // It ends, with the leeway of any clock.
    let both = both.with(|c| c.source.scheme.http_message.as_mut().unwrap().label = Some("proxy_sig".to_owned()));
    let at =
        |seconds: u64| both.with(|c| c.at = Timestamp::from_unix_s(1_618_884_540).unwrap().plus(Duration::from_secs(seconds)));
    assert_eq!(at(JWT_LEEWAY.as_secs()).verify(), Ok(()));
    assert!(matches!(at(JWT_LEEWAY.as_secs() + 1).verify(), Err(Rejection::TooOld { .. })));
}

const WHOLE: [&str; 4] = ["@method", "@authority", "@path", "content-digest"];
const LISTED: &str = "\"@method\" \"@authority\" \"@path\" \"content-digest\"";

#[test]
fn a_signature_that_leaves_out_a_required_component_is_refused() {
    let case = Case::signed(&WHOLE);
    assert_eq!(case.covering(LISTED, "").verify(), Ok(()));
    for left_out in WHOLE {
        let rest: Vec<&str> = LISTED.split(' ').filter(|listed| listed.trim_matches('"') != left_out).collect();
        let refused = case.covering(&rest.join(" "), "").verify();
        assert_eq!(refused, Err(Rejection::NotCovered(left_out.parse().unwrap())), "{left_out}");
    }
    let target = "\"@method\" \"@target-uri\" \"content-digest\"";
    assert_eq!(case.covering(target, "").verify(), Ok(()), "the target URI contains authority and path");
}

#[test]
fn a_part_or_another_form_of_a_header_does_not_cover_it() {
    let mut case = Case::signed(&WHOLE).with(|c| c.set("x-event", "a"));
    case.source.scheme.http_message.as_mut().unwrap().components.push("x-event".parse().unwrap());
    let covering = |header: &str| case.covering(&format!("{LISTED} {header}"), "").verify();
    assert_eq!((covering("\"x-event\""), covering("\"x-event\";bs")), (Ok(()), Ok(())));
    let not_covered = Err(Rejection::NotCovered("x-event".parse().unwrap()));
    assert_eq!(
        case.with(|c| c.set("x-event", "a=1")).covering(&format!("{LISTED} \"x-event\";key=\"a\""), "").verify(),
        not_covered
    );
    let digest = |form: &str| case.covering(&LISTED.replace("\"content-digest\"", form), "");
    let member = digest("\"content-digest\";key=\"sha-512\"").verify();
    assert_eq!(member, Err(Rejection::NotCovered("content-digest".parse().unwrap())));
    // Only a digest is read by its meaning, so its strict form is the whole of it.
    let strict = case.covering(&format!("{} \"x-event\"", LISTED.replace("digest\"", "digest\";sf")), "");
    assert_eq!(strict.verify(), Ok(()));
}

/// Two lines `a` and `b` are signed like one line `a, b`: who has the one request could send the other.
#[test]
fn a_required_header_has_one_spelling() {
    let mut case = Case::signed(&WHOLE).with(|c| c.set("x-event", "a, b"));
    case.source.scheme.http_message.as_mut().unwrap().components.push("x-event".parse().unwrap());
    case.resign();
    assert_eq!(case.verify(), Ok(()));
    let split = case.with(|c| {
        c.set("x-event", "a");
        c.delivery.headers.append("x-event", "b".parse().unwrap());
    });
    assert_eq!(split.verify(), Err(Rejection::RepeatedHeader("x-event".to_owned())));
    assert_eq!(case.with(|c| c.set("x-event", " a, b")).verify(), Err(Rejection::MalformedSignature));
    assert_eq!(case.with(|c| c.set("x-event", "a,b")).verify(), Err(Rejection::Mismatch));
}

#[test]
fn a_component_of_a_response_or_an_unknown_parameter_is_refused() {
    let case = Case::signed(&WHOLE);
    for (component, expected) in [
        ("\"@status\"", ComponentFault::Unknown),
        ("\"content-type\";req", ComponentFault::Parameter),
        ("\"content-type\";tr", ComponentFault::Parameter),
        ("\"@method\";req", ComponentFault::Parameter),
        ("\"@method\"", ComponentFault::Repeated),
        ("\"date\";sf", ComponentFault::Unreadable),
        ("\"date\";key=\"a\"", ComponentFault::Unreadable),
        ("\"@query-param\";name=\"two\"", ComponentFault::Ambiguous),
    ] {
        let case = case.with(|c| c.delivery.query = "two=1&t%77o=2".to_owned());
        let seen = case.covering(&format!("{LISTED} {component}"), "").verify().unwrap_err();
        assert!(matches!(&seen, Rejection::Component { fault, .. } if *fault == expected), "{component}: {seen}");
    }
    let missing = case.covering(&format!("{LISTED} \"x-no\""), "").verify();
    assert_eq!(missing, Err(Rejection::MissingHeader("x-no".to_owned())));
}

#[test]
fn what_a_signature_says_about_itself_is_checked() {
    let case = Case::signed(&WHOLE);
    let with = |params: &str| case.covering(LISTED, params);
    assert_eq!(with(";alg=\"hmac-sha256\"").verify(), Ok(()));
    assert_eq!(with(";alg=\"ed25519\"").verify(), Err(Rejection::ForeignAlgorithm));
    assert_eq!(with(";alg=hmac").verify(), Err(Rejection::MalformedSignature));
    assert_eq!(with(";expires=\"soon\"").verify(), Err(Rejection::MalformedSignature));
    assert!(matches!(with(&format!(";expires={}", CREATED - 61)).verify(), Err(Rejection::TooOld { .. })));
    assert_eq!(with(&format!(";expires={}", CREATED - 60)).verify(), Ok(()));

    let late = |seconds: u64| case.with(|c| c.at = c.at.plus(Duration::from_secs(seconds))).verify();
    assert_eq!(late(300), Ok(()));
    assert!(matches!(late(301), Err(Rejection::TooOld { .. })));
    let early = case.with(|c| c.at = c.at.minus(Duration::from_secs(301))).verify();
    assert!(matches!(early, Err(Rejection::TooFarAhead { .. })));
    let without = case.with(|c| c.set("signature-input", &format!("sig1=({LISTED})")));
    assert_eq!(without.verify(), Err(Rejection::MissingValue("sig:created".parse().unwrap())));
}

#[test]
fn a_tag_and_a_key_id_may_be_expected() {
    let mut case = Case::signed(&WHOLE);
    case.source.scheme.expect.insert("sig:tag".parse().unwrap(), OneOrMany(vec!["tidings".parse().unwrap()]));
    assert_eq!(case.covering(LISTED, ";tag=\"tidings\"").verify(), Ok(()));
    let unexpected = Err(Rejection::Unexpected("sig:tag".parse().unwrap()));
    assert_eq!(case.covering(LISTED, ";tag=\"other\"").verify(), unexpected);
    assert_eq!(case.covering(LISTED, "").verify(), Err(Rejection::MissingValue("sig:tag".parse().unwrap())));
    case.resign();
    assert!(case.header("signature-input").contains(";tag=\"tidings\"") && case.verify().is_ok());

    let mut named = Case::signed(&WHOLE);
    named.source.scheme.key.named_by = Some("|".to_owned());
    named.secret = format!("key-1|{SHARED}");
    assert_eq!(named.covering(LISTED, ";keyid=\"key-1\"").verify(), Ok(()));
    assert_eq!(named.covering(LISTED, ";keyid=\"key-2\"").verify(), Err(Rejection::Mismatch));
    assert_eq!(named.covering(LISTED, "").verify(), Ok(()), "a signature needn't name its key");
}

#[test]
fn signatures_and_components_are_bounded() {
    let case = Case::signed(&WHOLE);
    let (input, signature) = (case.header("signature-input"), case.header("signature"));
    let more = |count: usize| {
        let list = |one: &str, rest: &str| {
            let more = (1..count).map(|n| format!("n{n}={rest}"));
            std::iter::once(one.to_owned()).chain(more).collect::<Vec<_>>().join(", ")
        };
        case.with(|c| {
            c.set("signature-input", &list(&input, "()"));
            c.set("signature", &list(&signature, ":AA==:"));
        })
    };
    assert_eq!(more(MAX_SIGNATURES).verify(), Ok(()));
    assert_eq!(more(MAX_SIGNATURES + 1).verify(), Err(Rejection::TooManySignatures));

    let fields = |count: usize| {
        let mut many = case.clone();
        let names: Vec<String> = (0..count - WHOLE.len()).map(|n| format!("\"x-{n}\"")).collect();
        for name in &names {
            many.delivery.headers.insert(name.trim_matches('"').parse::<http::HeaderName>().unwrap(), "a".parse().unwrap());
        }
        many.covering(&format!("{LISTED} {}", names.join(" ")), "")
    };
    assert_eq!(fields(MAX_COMPONENTS).verify(), Ok(()));
    assert_eq!(fields(MAX_COMPONENTS + 1).verify(), Err(Rejection::TooManySignatures));

    let long = case.with(|c| c.set("x-long", &"a".repeat(70_000))).covering(&format!("{LISTED} \"x-long\""), "").verify();
    assert!(matches!(long, Err(Rejection::Component { fault: ComponentFault::TooLong, .. })), "{long:?}");
    let long = case.with(|c| c.set("signature", &format!("sig1=:{}:", "A".repeat(4_096)))).verify();
    assert!(matches!(long, Err(Rejection::LongSignature(_))), "{long:?}");
}

#[test]
fn a_malformed_header_is_refused() {
    let case = Case::signed(&WHOLE);
    for (name, value) in
        [("signature-input", "sig1"), ("signature-input", "("), ("signature", "sig1=text"), ("signature", "x=:AA==:")]
    {
        let seen = case.with(|c| c.set(name, value)).verify();
        assert_eq!(seen, Err(Rejection::MalformedSignature), "{name}: {value}");
    }
    for name in ["signature", "signature-input", "content-digest"] {
        let seen = case.with(|c| drop(c.delivery.headers.remove(name))).verify();
        assert_eq!(seen, Err(Rejection::MissingHeader(name.to_owned())));
    }
    let no_url = case.with(|c| c.source.public_url = None).verify();
    assert_eq!(no_url, Err(Rejection::MissingValue("url".parse().unwrap())));
}

/// What isn't required isn't trusted, even if this signature covers it.
#[test]
fn an_id_counts_only_if_every_signature_must_cover_it() {
    let keys = |case: &Case| {
        let key = case.key();
        let verified = verify(&case.source, std::slice::from_ref(&key), &case.delivery, case.at).unwrap();
        let events = extract::events(&verified, case.at).unwrap();
        events.into_iter().map(|event| event.envelope().claimkey.to_string()).collect::<Vec<_>>()
    };
    let mut case = Case::signed(&WHOLE).with(|c| {
        c.source.events = serde_json::from_value(json!([{ "id": "{header:x-event}", "type": "a" }])).unwrap();
        c.set("x-event", "evt_1");
    });
    let unsigned = keys(&case);
    assert!(unsigned[0].starts_with("x#sha256:"), "{unsigned:?}");
    assert_eq!(keys(&case.with(|c| c.set("x-event", "evt_2"))), unsigned, "an id that isn't signed makes no other event");
    // A retry is signed at its own time, and is the same event.
    let again = case.with(|c| {
        c.at = c.at.plus(Duration::from_secs(60));
        c.resign();
    });
    assert_ne!(again.header("signature"), case.header("signature"));
    assert_eq!(keys(&again), unsigned);
    // A parameter of the query has more than one spelling with one signature.
    case.source.events = serde_json::from_value(json!([{ "id": "{query:Pet}", "type": "a" }])).unwrap();
    let spelled = case.covering(&format!("{LISTED} \"@query-param\";name=\"Pet\""), "");
    let other = spelled.with(|c| c.delivery.query = "param=Value&Pet=d%6Fg".to_owned());
    assert_eq!((spelled.verify(), other.verify()), (Ok(()), Ok(())));
    assert_eq!(keys(&spelled), keys(&other));

    let mut covered = case.with(|c| {
        c.source.events = serde_json::from_value(json!([{ "id": "{header:x-event}", "type": "a" }])).unwrap();
        c.source.scheme.http_message.as_mut().unwrap().components.push("x-event".parse().unwrap());
    });
    covered.resign();
    assert_eq!(keys(&covered), ["x#evt_1"]);
}

#[test]
fn a_scheme_that_covers_less_than_a_request_says_so() {
    let problems = |components: &[&str], partial: bool| {
        let mut scheme = source("hmac-sha256", components).scheme;
        scheme.partial = partial;
        scheme.problems(true).join("; ")
    };
    assert_eq!(problems(&WHOLE, false), "");
    assert_eq!(problems(&["@method", "@target-uri", "content-digest"], false), "");
    assert!(problems(&["@method", "@target-uri"], false).contains("content-digest"));
    assert!(problems(&["@authority", "@path", "content-digest"], false).contains("must contain @method"));
    assert_eq!(problems(&["@authority"], true), "");
    assert!(problems(&WHOLE, true).contains("leave it out"));
    let many: Vec<String> = (0..MAX_COMPONENTS).map(|n| format!("x-{n}")).collect();
    let many: Vec<&str> = WHOLE.into_iter().chain(many.iter().map(String::as_str)).collect();
    assert!(problems(&many, false).contains("more components"));

    let mut other = source("hmac-sha256", &WHOLE).scheme;
    other.algorithm = serde_json::from_value(json!("hmac-sha1")).unwrap();
    assert!(other.problems(true).join("").contains("is made with hmac-sha256"));
    let mut plain = source("hmac-sha256", &WHOLE).scheme;
    plain.message = Some("{body}".parse().unwrap());
    assert!(plain.problems(true).join("").contains("used together"));
    let mut elsewhere = source("hmac-sha256", &WHOLE).scheme;
    elsewhere.signature.from = OneOrMany(vec!["header:x-signature".parse().unwrap()]);
    assert!(elsewhere.problems(true).join("").contains("from: header:signature"));
    assert!(source("hmac-sha256", &WHOLE).scheme.problems(false).join("").contains("public_url"));
}
