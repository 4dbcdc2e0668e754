//! `tidings verify` names common mistakes in the sender's own code, for a source with its own scheme.

use crate::support::{Folder, KITCHEN, json, said};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// 32 bytes in base64.
const SECRET: &str = "a2l0Y2hlbi1raXRjaGVuLWtpdGNoZW4ta2l0Y2hlbiE=";

const BODY: &str = r#"{"id":"1","kind":"pizza.baked"}"#;

fn hex(key: &[u8]) -> String {
    let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), BODY.as_bytes());
    made.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first hint about a request with this signature, and all of the output.
fn hint(folder: &Folder, signature: &str) -> (String, String) {
    let request = format!("POST /webhooks/kitchen HTTP/1.1\ncontent-type: application/json\nx-kitchen: {signature}\n\n{BODY}");
    folder.write("request.txt", request);
    let verify = ["verify", "kitchen", "request.txt", "--secrets", "secrets.json"];
    let found = json(&folder.run(&[&verify[..], &["--json"]].concat()));
    let output = folder.run(&verify);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    (found["hints"][0].as_str().unwrap_or_default().to_owned(), said(&output))
}

#[test]
fn a_prefix_that_the_scheme_does_not_name_is_named() {
    let folder = Folder::new("prefix");
    folder.write("sources.yaml", KITCHEN);
    folder.write("rules.yaml", "version: 1\n");
    folder.write("secrets.json", format!("{{ \"kitchen\": \"{SECRET}\" }}"));
    let right = hex(SECRET.as_bytes());
    for prefix in ["sha256=", "hmac-sha256=", "HMAC ", "v1:"] {
        let (hint, _) = hint(&folder, &format!("{prefix}{right}"));
        assert!(hint.contains(&format!("signature.written: {{ prefix: {prefix:?} }}")), "{prefix}: {hint}");
    }
    let (hint, all) = hint(&folder, "sha256=zz");
    assert!(hint.contains("`signature` of the source's scheme"), "{hint}");
    assert!(!all.contains("providers show"), "the source has no preset: {all}");
}

#[test]
fn another_form_of_the_secret_is_named_as_it_is() {
    let folder = Folder::new("forms");
    folder.write("sources.yaml", KITCHEN);
    folder.write("rules.yaml", "version: 1\n");
    folder.write("secrets.json", format!("{{ \"kitchen\": \"{SECRET}\" }}"));
    let decoded = STANDARD.decode(SECRET).expect("base64");
    for (key, expected) in [
        (format!("{SECRET}\n").into_bytes(), "ends with a line feed"),
        (format!("{SECRET}\r\n").into_bytes(), "ends with a line end (CRLF)"),
        (format!(" {SECRET}").into_bytes(), "begins with a space"),
        (format!("\"{SECRET}\"").into_bytes(), "has quotation marks around it"),
        (decoded, "decodes the secret from base64"),
    ] {
        let (hint, all) = hint(&folder, &hex(&key));
        assert!(hint.contains(expected), "{expected}: {hint}");
        assert!(!hint.contains("whsec_") && !all.contains(SECRET), "{all}");
    }
}
