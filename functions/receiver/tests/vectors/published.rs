//! The vectors, unchanged.

use crate::changes::is_of_url_alone;
use crate::requests::Case;
use receiver::verify::{Key, KeyError, Rejection};
use std::collections::BTreeMap;
use tidings_config::provider::Vector;
use tidings_project::presets;

/// The published vectors of our providers, by the preset that has them, so that none can be lost with a preset's rewrite.
const PUBLISHED: &[(&str, &str)] = &[
    ("adyen-standard", "item_backslash"),
    ("adyen-standard", "item_colon"),
    ("adyen-standard", "item_forwardslash"),
    ("adyen-standard", "item_mixed"),
    ("aws-sns", "functional_1_v1"),
    ("aws-sns", "functional_2_v2"),
    ("aws-sns", "functional_3_v1_subject"),
    ("bitbucket", "docs_hello_world"),
    ("box", "carriage_return_as_signed"),
    ("box", "emoji_as_signed"),
    ("box", "japanese_as_signed"),
    ("box", "made_with_openssl"),
    ("box", "primary"),
    ("circleci", "docs_an_important_request_payload"),
    ("circleci", "docs_foo"),
    ("circleci", "docs_hello_world"),
    ("coinbase-commerce", "sdk_test"),
    ("github", "docs_hello_world"),
    ("github", "octokit_escaped_backslash"),
    ("github", "octokit_sign"),
    ("hubspot-v1", "v1"),
    ("hubspot-v2", "v2"),
    ("hubspot-v2", "v2_get"),
    ("line", "sdk_test"),
    ("messagebird", "jwt_03"),
    ("messagebird", "jwt_08"),
    ("messagebird", "jwt_13"),
    ("meta-messenger", "hexdocs_example"),
    ("openai", "sdk_test"),
    ("paddle-billing", "rotation_two_h1"),
    ("paddle-billing", "special_chars_payload"),
    ("plaid", "published_request"),
    ("razorpay", "sdk_test"),
    ("sanity", "toolkit_test"),
    ("sendgrid", "sdk_test"),
    ("slack", "docs_slash_command"),
    ("slack-slash", "docs_slash_command"),
    ("square", "sdk_test"),
    ("standard-webhooks", "mixed_v1_v1a_header"),
    ("standard-webhooks", "multi_signature_header"),
    ("standard-webhooks", "sdk_test"),
    ("standard-webhooks-asymmetric", "mixed_v1_v1a_header"),
    ("standard-webhooks-asymmetric", "sign_asymmetric_v1a"),
    ("svix", "standard_webhooks_with_svix_headers"),
    ("vonage-sms-md5", "check_signature"),
    ("whatsapp", "hexdocs_example"),
];

#[test]
fn every_vector_of_every_preset_verifies() {
    for case in Case::all() {
        let key = case.key().unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let verified = case.verify_with(&[key]).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert_eq!((verified.body(), verified.secret_index()), (case.delivery.body.as_slice(), 0), "{}", case.name);
    }
}

#[test]
fn a_vector_has_a_clock_if_its_scheme_checks_one() {
    for provider in presets() {
        let scheme = &provider.scheme;
        let clock = scheme.timestamp.is_some() || scheme.jwt.as_ref().is_some_and(|jwt| !jwt.lasting);
        for vector in &provider.vectors {
            assert!(vector.at.is_some() || !clock, "{}/{}: `at` is missing", provider.name, vector.name);
            assert_eq!(vector.fetched.is_empty(), scheme.remote_key.is_none(), "{}/{}: `fetched`", provider.name, vector.name);
        }
    }
}

#[test]
fn a_vector_verifies_with_its_own_secret_only() {
    let of_url: Vec<&str> = Case::all().iter().filter(|case| is_of_url_alone(case)).map(|case| case.name.as_str()).collect();
    assert_eq!(of_url, ["google-chat/endpoint_url"], "the address is what is agreed on there");
    for case in Case::all().iter().filter(|case| !is_of_url_alone(case)) {
        let seen = case.verify_with(&[Key::stranger()]).unwrap_err();
        // Where the secret says whose key it is, another one is nobody's.
        assert!([Rejection::Mismatch, Rejection::ForeignKeyAddress].contains(&seen), "{}: {seen}", case.name);
    }
}

#[test]
fn every_published_vector_is_in_its_preset() {
    let providers = presets();
    for (preset, name) in PUBLISHED {
        let provider = providers.iter().find(|p| p.name == *preset).unwrap_or_else(|| panic!("no preset {preset}"));
        assert!(provider.vectors.iter().any(|v| v.name == *name), "providers/{preset}.toml has no vector {name}");
    }
}

/// `standard_webhooks/sign_asymmetric_v1a`, which is published: that preset is a preset of its own, so this one lets it not through.
#[test]
fn an_asymmetric_signature_alone_is_refused() {
    let provider = presets().into_iter().find(|p| p.name == "standard-webhooks").unwrap();
    let mut vector = provider.vectors[0].clone();
    vector.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
    vector.at = Some("2021-02-25T15:02:10Z".to_owned());
    vector.body = r#"{"test": 2432232314}"#.to_owned();
    vector.headers = BTreeMap::from(
        [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let case = Case::of(&provider, &vector);
    assert_eq!(case.verify_with(&[case.key().unwrap()]).unwrap_err(), Rejection::MalformedSignature);

    let public = Key::prepare(&case.source.scheme, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    assert_eq!(public.unwrap_err(), KeyError::NotBase64, "a public key is no HMAC secret");
}

/// MessageBird's published vectors of requests that mustn't verify: another body, and none where there was one.
#[test]
fn a_token_with_another_bodys_hash_is_refused() {
    let provider = presets().into_iter().find(|p| p.name == "messagebird").unwrap();
    let published = provider.vectors.iter().find(|v| v.name == "jwt_13").unwrap();
    let case = Case::of(&provider, published);
    for body in ["Hello, world!", ""] {
        let mut changed = case.clone();
        changed.delivery.body = body.as_bytes().to_vec().into();
        assert_eq!(changed.verify_with(&[case.key().unwrap()]).unwrap_err(), Rejection::Mismatch, "{body:?}");
    }
    // jwt_03 was sent without a body, and its token has no hash of one.
    let without = provider.vectors.iter().find(|v| v.name == "jwt_03").unwrap();
    let mut added = Case::of(&provider, without);
    added.delivery.body = b"Hello, World!".to_vec().into();
    let refused = added.verify_with(&[added.key().unwrap()]).unwrap_err();
    assert_eq!(refused, Rejection::MissingValue("jwt:payload_hash".parse().unwrap()));
}

/// Otherwise a source without `public_url` would refuse every genuine delivery, and nothing would have said so before.
#[test]
fn a_preset_whose_vectors_verify_only_with_the_url_is_refused_without_public_url() {
    let mut needing = Vec::new();
    for provider in presets() {
        let verifies_only_with_url = |vector: &Vector| {
            let mut case = Case::of(&provider, vector);
            let with_url = case.verifies();
            case.source.public_url = None;
            with_url && !case.verifies()
        };
        if provider.vectors.iter().all(verifies_only_with_url) {
            let problems = provider.scheme.problems(false);
            assert!(problems.iter().any(|problem| problem.contains("public_url")), "{}: {problems:?}", provider.name);
            needing.push(provider.name);
        }
    }
    assert!(["contentful", "twilio"].iter().all(|name| needing.iter().any(|needs| needs == name)), "{needing:?}");
}
