//! The formats in which `verify` accepts a request, and inputs that aren't requests.

use crate::support::{File, SECRET, ours, run, signed, url_of, verify};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidings_config::limits::MAX_BODY_BYTES;
use tidings_config::time::{Clock, SystemClock};
use tidings_events::{SignedRequest, api_gateway_event};

/// As browsers copy it: `escapeString` of Chrome's `NetworkLogView.ts`.
fn copied(text: &str) -> String {
    let special = |c: char| matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '!' | '\'');
    if !text.contains(special) {
        return format!("'{text}'");
    }
    let escaped = text.chars().map(|c| match c {
        '\\' => "\\\\".to_owned(),
        '\'' => "\\'".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        other if special(other) => format!("\\u{:04x}", u32::from(other)),
        other => other.to_string(),
    });
    format!("$'{}'", escaped.collect::<String>())
}

fn headers(request: &SignedRequest) -> Vec<(String, String)> {
    request.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned())).collect()
}

/// The request in every format, each with its name.
fn forms(request: &SignedRequest) -> Vec<(&'static str, Vec<u8>)> {
    let body = String::from_utf8(request.body.clone()).unwrap();
    let url = format!("https://hooks.example{}", request.path);
    let lines = |end: &str| headers(request).iter().map(|(name, value)| format!("{name}: {value}{end}")).collect::<String>();
    let pairs: Vec<Value> = headers(request).iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let har = |content: Value| {
        let get = json!({ "request": { "method": "GET", "url": "https://elsewhere.example", "headers": [] } });
        let post = json!({ "request": { "method": "POST", "url": url, "headers": pairs, "postData": content } });
        json!({ "log": { "entries": [get, post] } }).to_string().into_bytes()
    };
    let options = headers(request)
        .iter()
        .map(|(name, value)| format!(" \\\n  -H {}", copied(&format!("{name}: {value}"))))
        .collect::<String>();
    let short = headers(request).iter().map(|(name, value)| format!(" -H\"{name}: {value}\"")).collect::<String>();
    let quoted = body.replace('\'', "'\\''");
    let ours: serde_json::Map<String, Value> = headers(request).into_iter().map(|(name, value)| (name, json!(value))).collect();
    let path = &request.path;
    vec![
        ("raw request", format!("POST {path} HTTP/1.1\r\n{}\r\n{body}", lines("\r\n")).into_bytes()),
        ("raw request", format!(":method: POST\n:path: {path}\n:authority: hooks.example\n{}\n{body}", lines("\n")).into_bytes()),
        ("HAR", har(json!({ "text": body }))),
        ("HAR", har(json!({ "text": STANDARD.encode(&body), "encoding": "base64" }))),
        ("curl command", format!("curl '{url}'{options} \\\n  --data-raw {} \\\n  --compressed", copied(&body)).into_bytes()),
        ("curl command", format!("curl -sS -XPOST {short} -d '{quoted}' -o /dev/null \"{url}\"\n").into_bytes()),
        ("JSON of `tidings send`", json!({ "path": path, "headers": ours, "body": body }).to_string().into_bytes()),
        ("API Gateway event", api_gateway_event(request, SystemClock.now()).to_string().into_bytes()),
    ]
}

#[test]
fn a_request_verifies_in_every_format() {
    let github = signed("github", SECRET, |_, sample| {
        sample.body = "{\"text\":\"it's \\\"new\\\"!\\\\ 😀 é\",\n \"n\":1}".as_bytes().to_vec();
    });
    let slash = signed("slack-slash", SECRET, |_, _| {});
    let twilio = signed("twilio", SECRET, |_, _| {});
    for (preset, request) in [("github", &github), ("slack-slash", &slash), ("twilio", &twilio)] {
        for (form, bytes) in forms(request) {
            let told = verify(preset, &json!({ preset: SECRET }), &bytes, &["--public-url", &url_of(preset)]);
            assert_eq!((told.code, &told.json["verified"]), (0, &true.into()), "{preset}, {form}: {told:?}");
            assert_eq!(
                (&told.json["request"]["form"], &told.json["request"]["bytes"]),
                (&form.into(), &request.body.len().into())
            );
            assert!(told.people.contains(form), "{}", told.people);
        }
    }
    let bare = [headers(&github).iter().map(|(n, v)| format!("{n}: {v}\n")).collect::<String>().as_bytes(), b"\n", &github.body]
        .concat();
    assert_eq!(verify("github", &json!({ "github": SECRET }), &bare, &[]).code, 0, "pasted headers and body");
}

#[test]
fn the_verified_entry_of_a_har_is_named() {
    let request = signed("github", SECRET, |_, _| {});
    let secrets = json!({ "github": SECRET });
    let har = forms(&request).into_iter().find(|(form, _)| *form == "HAR").unwrap().1;
    let told = verify("github", &secrets, &har, &[]);
    assert_eq!((&told.json["request"]["entry"], &told.json["request"]["entries"]), (&2.into(), &2.into()));
    assert!(told.people.contains("HAR, entry 2 of 2: POST"), "{}", told.people);
    assert_eq!(verify("github", &secrets, &har, &["--entry", "2"]).code, 0);
    assert!(verify("github", &secrets, &har, &["--entry", "1"]).hints().contains("x-hub-signature-256 was removed"));
    for entry in ["0", "3"] {
        assert!(verify("github", &secrets, &har, &["--entry", entry]).people.contains("allowed: 1 to 2"));
    }
    let only_get = json!({ "log": { "entries": [{ "request": { "method": "GET", "headers": [] } }] } }).to_string();
    let told = verify("github", &secrets, only_get.as_bytes(), &[]);
    assert!(told.people.contains("none of the HAR's 1 entries is a POST") && told.people.contains("--entry NUMBER"));
    let told = verify("github", &secrets, b"{\"headers\": {}}", &["--entry", "1"]);
    assert!(told.people.contains("--entry requires a HAR"));
}

#[test]
fn a_har_with_a_parsed_form_is_joined_again() {
    let request = signed("slack-slash", SECRET, |_, sample| sample.body = b"token=a+b%2Fc&text=~x*".to_vec());
    let pairs: Vec<Value> = headers(&request).iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let params = json!([{ "name": "token", "value": "a b/c" }, { "name": "text", "value": "~x*" }]);
    let entry =
        json!({ "request": { "method": "POST", "url": "https://x", "headers": pairs, "postData": { "params": params } } });
    let told = verify(
        "slack-slash",
        &json!({ "slack-slash": SECRET }),
        json!({ "log": { "entries": [entry] } }).to_string().as_bytes(),
        &[],
    );
    // RFC 3986 keeps ~ and escapes *; forms do the opposite. Neither gives the body that was sent.
    assert_eq!(told.code, 1, "{told:?}");
    let request = signed("slack-slash", SECRET, |_, sample| sample.body = b"token=a%20b%2fc".to_vec());
    let pairs: Vec<Value> = headers(&request).iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let params = json!([{ "name": "token", "value": "a b/c" }]);
    let entry =
        json!({ "request": { "method": "POST", "url": "https://x", "headers": pairs, "postData": { "params": params } } });
    let told = verify(
        "slack-slash",
        &json!({ "slack-slash": SECRET }),
        json!({ "log": { "entries": [entry] } }).to_string().as_bytes(),
        &[],
    );
    assert!(told.hint(0).contains("the form was parsed and encoded again"), "{told:?}");
}

#[test]
fn an_input_without_a_request_is_reported_with_a_remedy_and_never_shown() {
    let secrets = json!({ "github": SECRET });
    for (input, said) in [
        (SECRET.to_owned(), "no empty line"),
        (format!("{{\"github\": \"{SECRET}\"}}"), "JSON without `headers`"),
        (format!("{SECRET}\n\nbody"), "line 1 before the body isn't a header"),
        (format!("a {SECRET}: x\n\nbody"), "header 1 is malformed"),
        (format!("curl '{SECRET}"), "an unclosed quotation mark"),
        (format!("curl -d @{SECRET}"), "-d reads a file"),
        (format!("curl --data-binary @{SECRET}"), "--data-binary reads a file"),
        (format!("curl -H @{SECRET}"), "-H reads a file"),
        (format!("curl --data-urlencode a={SECRET}"), "for which curl generates the body"),
        (format!("curl -F a={SECRET}"), "for which curl generates the body"),
        (format!("curl -v --{SECRET}"), "whose word 3 is an unknown option"),
        (format!("curl ^\"https://x^\" -H ^\"{SECRET}^\""), "copy it as cURL (bash)"),
        ("curl -H".to_owned(), "-H without a value"),
        (format!("{{\"headers\": {{}}, \"body_base64\": \"{SECRET}!\"}}"), "`body_base64` isn't base64"),
    ] {
        let told = verify("github", &secrets, input.as_bytes(), &[]);
        assert_eq!((told.code, &told.json), (2, &Value::Null), "nothing is known of {input}");
        assert!(told.people.contains(said), "{input}: {}", told.people);
    }
    let nobody = run(&["verify", "nobody", "-"], b"");
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("or use any preset with --preset"));
    for not_looked in [&["verify", "nobody", "-"][..], &["verify", "github", "no/such/file"], &["verify", "github"]] {
        assert_eq!(run(not_looked, b"").status.code(), Some(2), "{not_looked:?}: it couldn't look");
    }
}

#[test]
fn a_refused_request_exits_1_and_an_unverifiable_one_exits_2() {
    let secrets = File::new(json!({ "github": SECRET }).to_string());
    let request = File::new(String::from_utf8(ours(&signed("github", SECRET, |_, _| {}))).unwrap());
    let (secrets, request, folder) = (secrets.path(), request.path(), std::env::temp_dir().display().to_string());
    let forged = File::new(String::from_utf8(ours(&signed("github", "another", |_, _| {}))).unwrap());
    for (arguments, code) in [
        (&["github", request, "--preset", "--secrets", secrets][..], 0),
        (&["github", forged.path(), "--preset", "--secrets", secrets], 1),
        (&["github", "/no/such/file", "--preset", "--secrets", secrets], 2),
        (&["github", &folder, "--preset", "--secrets", secrets], 2),
        (&["github", request, "--preset", "--secrets", "/no/such/file"], 2),
        (&["github", request, "--preset", "--secrets", request], 2),
        (&["stripe", request, "--preset", "--secrets", secrets], 2),
        (&["nobody", request, "--secrets", secrets], 2),
        (&["github", request, "--preset", "--secrets", secrets, "--at", "yesterday"], 2),
        (&["github", request, "--preset", "--secrets", secrets, "--entry", "1"], 2),
        (&["github", request, "--preset", "--secrets", secrets, "--key", "/no/such/file"], 2),
        (&["github", request, "--nonsense"], 2),
    ] {
        for json in [&[][..], &["--json"]] {
            let output = run(&[&["verify"], arguments, json].concat(), b"");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
            assert_eq!(said.is_empty(), code < 2, "{arguments:?}: {said}");
        }
    }
    assert!(String::from_utf8_lossy(&run(&["verify", "--help"], b"").stdout).contains("2 it couldn't be checked"));
}

#[test]
fn a_body_over_the_limit_is_refused_before_anything_is_tried() {
    let secrets = json!({ "github": SECRET });
    for (bytes, code, said) in [(MAX_BODY_BYTES, 0, "verifies"), (MAX_BODY_BYTES + 1, 1, "allowed: 1048576")] {
        let request = signed("github", SECRET, |_, sample| sample.body.resize(bytes, b' '));
        let raw = forms(&request).swap_remove(0).1;
        let told = verify("github", &secrets, &raw, &[]);
        assert_eq!(told.code, code, "{bytes}: {}", told.people);
        assert!(told.people.contains(said), "{}", told.people);
    }
}
