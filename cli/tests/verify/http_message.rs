//! HTTP message signatures: which component, which digest.

use crate::support::{VerifyOutput, ours, set, signed, url_of, verify};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tidings_events::SignedRequest;

const PRESET: &str = "http-message-signatures";

fn secret() -> String {
    STANDARD.encode([7; 32])
}

fn request() -> SignedRequest {
    signed(PRESET, &secret(), |_, _| {})
}

fn ask(request: &SignedRequest) -> VerifyOutput {
    verify(PRESET, &json!({ PRESET: secret() }), &ours(request), &["--public-url", &url_of(PRESET), "--show-signed"])
}

fn header(request: &SignedRequest, name: &str) -> String {
    request.headers[name].to_str().unwrap().to_owned()
}

#[test]
fn a_request_that_verifies_shows_what_is_signed() {
    let told = ask(&request());
    assert_eq!(told.code, 0, "{told:?}");
    let signed = told.json["signed"].as_str().unwrap();
    assert!(signed.starts_with("\"@method\": POST\n\"@authority\": hooks.example\n"), "{signed}");
    assert!(signed.contains("\n\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"content-digest\")"), "{signed}");
}

#[test]
fn a_changed_body_is_named_as_the_digests_fault() {
    let mut changed = request();
    changed.body.push(b' ');
    let told = ask(&changed);
    assert_eq!(told.json["why"], "the body has another sha-256 than content-digest");
    assert!(told.hint(0).contains("the signature is right"), "{told:?}");
    let mut old = request();
    set(&mut old, "content-digest", "md5=:AAAA:");
    assert_ne!(ask(&old).code, 0);
}

#[test]
fn a_component_that_is_left_out_is_named() {
    let mut less = request();
    let input = header(&less, "signature-input").replace(" \"content-digest\"", "");
    set(&mut less, "signature-input", &input);
    let told = ask(&less);
    assert!(told.json["why"].as_str().unwrap().contains("doesn't cover content-digest"), "{told:?}");
    assert!(told.hint(0).contains("covers \"@method\", \"@authority\", \"@path\""), "{told:?}");
}

#[test]
fn a_component_that_a_request_does_not_have_is_named() {
    for (component, said) in [
        ("\"@status\"", "isn't one of a request's"),
        ("\"date\";req", "allowed are sf, bs and key"),
        ("\"@method\"", "listed twice"),
    ] {
        let mut odd = request();
        let input = header(&odd, "signature-input").replace("\"content-digest\"", &format!("\"content-digest\" {component}"));
        set(&mut odd, "signature-input", &input);
        let told = ask(&odd);
        assert!(told.hints().contains(said), "{component}: {told:?}");
    }
}

#[test]
fn another_algorithm_is_named() {
    let mut other = request();
    let input = format!("{};alg=\"ed25519\"", header(&other, "signature-input"));
    set(&mut other, "signature-input", &input);
    assert!(ask(&other).hint(0).contains("isn't hmac-sha256"));
}
