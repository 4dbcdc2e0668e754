//! Signs requests and runs `tidings verify` on them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidings_config::provider::Provider;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_events::{Sample, SignedRequest};
use tidings_project::presets;

/// A secret that must not appear in any output.
pub(crate) const SECRET: &str = "canary-4f1d9c3e7a52b806";
pub(crate) const OTHER: &str = "canary-0b7e6d5c4a392817";

pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.env_remove("TIDINGS_SECRETS").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("the binary");
    // A command that needs no input may end before it reads any.
    let _ = process.stdin.take().expect("its input").write_all(input);
    process.wait_with_output().expect("its end")
}

/// A file that is deleted at the end of the test.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("tidings-verify-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).expect("a file");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The output of `verify`.
#[derive(Debug)]
pub(crate) struct VerifyOutput {
    pub(crate) code: i32,
    /// Null if the command failed with an error message.
    pub(crate) json: Value,
    pub(crate) people: String,
}

impl VerifyOutput {
    pub(crate) fn hint(&self, n: usize) -> &str {
        self.json["hints"][n].as_str().unwrap_or_default()
    }

    /// All output except `why`.
    pub(crate) fn hints(&self) -> String {
        self.json["hints"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Verifies a request to a preset. No secret of the document may appear in the output.
pub(crate) fn verify(preset: &str, secrets: &Value, request: &[u8], more: &[&str]) -> VerifyOutput {
    let file = File::new(secrets.to_string());
    let options = [&["verify", preset, "-", "--preset", "--secrets", file.path()], more].concat();
    let people = run(&options, request);
    let machines = run(&[&options[..], &["--json"]].concat(), request);
    assert_eq!(people.status, machines.status);
    let text = |output: &Output| String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).expect("UTF-8");
    for shown in [text(&people), text(&machines)] {
        for secret in secrets.as_object().unwrap().values().flat_map(texts) {
            let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
            let bare = secret.trim().trim_start_matches("whsec_").to_owned();
            for form in [secret.clone(), bare, STANDARD.encode(&secret), hex].iter().filter(|form| form.len() > 7) {
                assert!(!shown.contains(form.as_str()), "{preset}: a secret was printed: {shown}");
            }
        }
        assert!(!shown.contains('\u{1b}'), "colour is for terminals");
    }
    let json = serde_json::from_slice(&machines.stdout).unwrap_or_default();
    VerifyOutput { code: people.status.code().expect("an exit"), json, people: text(&people) }
}

fn texts(secrets: &Value) -> Vec<String> {
    let all = secrets.as_array().cloned().unwrap_or_else(|| vec![secrets.clone()]);
    all.iter().filter_map(|secret| secret.as_str().map(str::to_owned)).collect()
}

pub(crate) fn preset(name: &str) -> Provider {
    static ALL: LazyLock<Vec<Provider>> = LazyLock::new(presets);
    ALL.iter().find(|provider| provider.name == name).cloned().unwrap_or_else(|| panic!("no preset {name}"))
}

/// The URL that every preset here is configured with.
pub(crate) fn url_of(name: &str) -> String {
    format!("https://hooks.example/webhooks/{name}")
}

/// A preset's typical request, signed now, after `change` was applied.
pub(crate) fn signed(name: &str, secret: &str, change: impl FnOnce(&mut Source, &mut Sample)) -> SignedRequest {
    signed_at(name, secret, SystemClock.now(), change)
}

pub(crate) fn signed_at(name: &str, secret: &str, at: Timestamp, change: impl FnOnce(&mut Source, &mut Sample)) -> SignedRequest {
    let provider = preset(name);
    let mut source = Source { public_url: Some(url_of(name)), ..provider.source(name) };
    let mut sample = Sample::of_preset(&provider).unwrap();
    change(&mut source, &mut sample);
    sample.sign(&source, secret, at, None).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A request as `send --dry-run --json` prints it.
pub(crate) fn ours(request: &SignedRequest) -> Vec<u8> {
    let headers: Value = request.headers.iter().map(|(n, v)| (n.as_str().to_owned(), json!(v.to_str().unwrap()))).collect();
    let body = STANDARD.encode(&request.body);
    json!({ "method": request.method, "path": request.path, "headers": headers, "body_base64": body }).to_string().into_bytes()
}

pub(crate) fn set(request: &mut SignedRequest, name: &str, value: &str) {
    request.headers.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
}
