//! `tidings verify` and `tidings providers`, as a person calls them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_tidings");

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(BINARY);
    command.env_remove("TIDINGS_SECRETS").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the binary");
    // A command that needs no input may have ended before it reads any.
    let _ = process.stdin.take().expect("its input").write_all(input);
    process.wait_with_output().expect("its end")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// A signed request, as `send` prints it.
fn signed(source: &str) -> Value {
    json_of(&run(&["send", source, "--dry-run", "--json"], b""))
}

fn body(request: &Value) -> Vec<u8> {
    STANDARD.decode(request["body_base64"].as_str().unwrap()).unwrap()
}

fn with_body(request: &Value, body: &[u8]) -> Value {
    let mut changed = request.clone();
    changed["body_base64"] = STANDARD.encode(body).into();
    changed
}

fn verify(source: &str, request: &[u8]) -> (Option<i32>, Value) {
    let output = run(&["verify", source, "-", "--json"], request);
    let shown = [output.stdout.clone(), output.stderr.clone()].concat();
    assert!(!String::from_utf8_lossy(&shown).contains("tidings-demo"), "a secret was printed");
    (output.status.code(), json_of(&output))
}

#[test]
fn a_request_verifies_in_every_form_in_which_people_have_it() {
    for source in ["github", "stripe", "slack", "shopify", "svix", "orders", "whatsapp"] {
        let request = signed(source);
        let headers = request["headers"].as_object().unwrap();
        let text =
            |separator: &str| headers.iter().map(|(n, v)| format!("{n}: {}{separator}", v.as_str().unwrap())).collect::<String>();
        let raw = [format!("POST /webhooks/{source} HTTP/1.1\r\n{}\r\n", text("\r\n")).into_bytes(), body(&request)].concat();
        let bare = [format!("{}\n", text("\n")).into_bytes(), body(&request)].concat();
        let pairs: Vec<Value> = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let content = json!({ "text": String::from_utf8(body(&request)).unwrap() });
        let entry = json!({ "request": { "method": "POST", "url": "https://x.example/webhooks", "headers": pairs, "postData": content } });
        let har = json!({ "log": { "entries": [entry] } });
        let options: String = headers.iter().map(|(n, v)| format!(" -H '{n}: {}'", v.as_str().unwrap())).collect();
        let quoted = String::from_utf8(body(&request)).unwrap().replace('\'', "'\\''");
        let curl = format!("curl -X POST https://x.example/webhooks{options} --data-raw '{quoted}'");
        for form in [request.to_string().into_bytes(), raw, bare, har.to_string().into_bytes(), curl.into_bytes()] {
            let (code, seen) = verify(source, &form);
            assert_eq!((code, &seen["verified"]), (Some(0), &true.into()), "{source}: {seen}");
        }
    }
}

#[test]
fn the_mistakes_that_people_make_are_named() {
    let hint = |source: &str, request: &Value| {
        let (code, seen) = verify(source, request.to_string().as_bytes());
        assert_eq!(code, Some(1), "{seen}");
        seen["hints"][0].as_str().unwrap().to_owned()
    };
    let stripe = signed("stripe");
    let sent = body(&stripe);
    assert!(hint("stripe", &with_body(&stripe, &[&sent[..], b"\n"].concat())).contains("got a line feed"));
    assert!(hint("stripe", &with_body(&stripe, STANDARD.encode(&sent).as_bytes())).contains("still base64"));
    let again = serde_json::from_slice::<Value>(&sent).unwrap().to_string();
    assert!(hint("stripe", &with_body(&stripe, again.as_bytes())).contains("parsed and written again"));

    let whatsapp = signed("whatsapp");
    let again = serde_json::from_slice::<Value>(&body(&whatsapp)).unwrap();
    let spaced = format!("{again:#}");
    assert!(hint("whatsapp", &with_body(&whatsapp, spaced.as_bytes())).contains("parsed and written again"));

    let mut renamed = signed("github");
    let headers = renamed["headers"].as_object_mut().unwrap();
    let signature = headers.remove("x-hub-signature-256").unwrap();
    headers.insert("x-forwarded-signature".to_owned(), signature);
    assert!(hint("github", &renamed).contains("x-forwarded-signature"));

    let stale = json_of(&run(&["send", "--case", "stripe-stale", "--dry-run", "--json"], b""));
    assert!(hint("stripe", &stale).contains("--at"));
    let forged = json_of(&run(&["send", "--case", "github-forged", "--dry-run", "--json"], b""));
    assert!(hint("github", &forged).contains("none of the usual mistakes"));
}

#[test]
fn look_alike_secrets_are_told_apart() {
    let folder = std::env::temp_dir().join(format!("tidings-verify-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("secrets.json");
    let hint = |source: &str, secrets: Value| {
        std::fs::write(&file, secrets.to_string()).unwrap();
        let output =
            run(&["verify", source, "-", "--json", "--secrets", file.to_str().unwrap()], signed(source).to_string().as_bytes());
        json_of(&output)["hints"][0].as_str().unwrap_or_default().to_owned()
    };
    assert!(hint("github", json!({ "github": "tidings-demo-github-secret\n" })).contains("white space"));
    let swapped = json!({ "github": "another", "staging": "tidings-demo-github-secret" });
    assert!(hint("github", swapped).contains("signed with the secret of \"staging\""));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_captured_request_is_judged_by_the_clock_of_its_time() {
    let event = br#"{"headers": {"Stripe-Signature": "t=1795168800,v1=SIGNATURE"}, "body": "BODY"}"#;
    let vector = json_of(&run(&["providers", "show", "stripe", "--json"], b""))["vector"][0].clone();
    let mut request: Value = serde_json::from_slice(event).unwrap();
    request["headers"] = vector["headers"].clone();
    request["body"] = vector["body"].clone();
    let secrets = std::env::temp_dir().join(format!("tidings-at-{}.json", std::process::id()));
    std::fs::write(&secrets, json!({ "stripe": vector["secret"] }).to_string()).unwrap();
    let options = ["verify", "stripe", "-", "--preset", "--secrets", secrets.to_str().unwrap(), "--json"];
    assert_eq!(json_of(&run(&options, request.to_string().as_bytes()))["verified"], false);
    let at = [&options[..], &["--at", vector["at"].as_str().unwrap()]].concat();
    assert_eq!(json_of(&run(&at, request.to_string().as_bytes()))["verified"], true);
    std::fs::remove_file(&secrets).unwrap();
}

#[test]
fn what_is_no_request_is_told_with_what_is_allowed() {
    for (input, said) in [
        (&b"hello"[..], "no empty line"),
        (b"{}", "JSON without `headers`"),
        (b"curl 'open", "an open quote"),
        (b"not a header\n\nbody", "no header"),
    ] {
        let output = run(&["verify", "github", "-"], input);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(complaint.contains(said) && complaint.contains("a HAR, a curl command"), "{complaint}");
    }
    let nobody = run(&["verify", "nobody", "-"], b"");
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("or take any preset with --preset"));
}

#[test]
fn providers_are_listed_and_shown() {
    let list = String::from_utf8(run(&["providers", "list"], b"").stdout).unwrap();
    assert!(list.lines().count() >= 60, "{list}");
    let shown = String::from_utf8(run(&["providers", "show", "github"], b"").stdout).unwrap();
    assert!(
        shown.contains("{header:x-github-delivery} (not signed)") && shown.contains("the event key is a hash instead"),
        "{shown}"
    );
    let unknown = run(&["providers", "show", "nobody"], b"");
    assert_eq!(unknown.status.code(), Some(1));
}
