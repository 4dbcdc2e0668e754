//! Hostile text in every command that shows text of others: no control character of it reaches a terminal.
//!
//! The binary writes its colours although its output is a pipe, so that nothing is filtered out before this test sees
//! it.

use crate::stack::Stack;
use crate::support::{Dev, command};
use axum::Router;
use axum::http::StatusCode;
use clap::CommandFactory as _;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use tidings_cli::Arguments;
use tidings_config::rules::TypePattern;
use tidings_config::time::{Clock as _, SystemClock};
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::telemetry::is_displayable;

/// Another colour, a clipboard sequence, C1 (CSI, DCS), DEL, a line break, text directions, a zero-width character, a
/// tag.
const HOSTILE: &str = "h\u{1b}[38;5;201m\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{90}\u{7f}\r\nFORGED\t\u{202e}\u{2066}\u{200f}\u{61c}\u{200b}\u{2028}\u{2029}\u{feff}\u{e0041}z";

/// The program's own styles, and those of usage errors.
const STYLES: [&str; 8] =
    ["\u{1b}[4m", "\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[36m"];

fn scan(what: &str, bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let plain = STYLES.iter().fold(text.to_owned(), |text, style| text.replace(style, ""));
    let raw = plain.chars().find(|c| *c != '\n' && !is_displayable(*c));
    assert_eq!(raw, None, "{what} wrote it raw: {plain:?}");
    assert!(!plain.lines().any(|line| line.trim_start().starts_with("FORGED")), "{what} wrote a line of theirs: {plain}");
    plain
}

/// The folder for the commands, and the commands that were run.
struct CommandRuns {
    folder: PathBuf,
    commands: BTreeSet<String>,
    /// The commands whose output contained hostile text.
    shown: BTreeSet<String>,
}

impl CommandRuns {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self { folder, commands: BTreeSet::new(), shown: BTreeSet::new() }
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// Runs a command, for people and for programs.
    fn tell(&mut self, words: usize, arguments: &[&str]) -> String {
        let name = arguments[..words].join(" ");
        let people = self.output(arguments);
        let plain = scan(&name, &[people.stdout, people.stderr].concat());
        if plain.contains("h\\u{1b}[") || plain.contains("h\\u001b[") {
            self.shown.insert(name.clone());
        }
        self.commands.insert(name);
        plain
    }

    /// The same for a command with `--json`, whose JSON contains the text unchanged.
    fn both(&mut self, words: usize, arguments: &[&str]) -> Value {
        self.tell(words, arguments);
        let output = self.output(&[arguments, &["--json"]].concat());
        let name = arguments[..words].join(" ");
        let plain = scan(&name, &output.stdout);
        scan(&name, &output.stderr);
        serde_json::from_str(&plain).unwrap_or(Value::Null)
    }

    fn output(&self, arguments: &[&str]) -> Output {
        command()
            .env("CLICOLOR_FORCE", "1")
            .envs([("AWS_ACCESS_KEY_ID", "none"), ("AWS_SECRET_ACCESS_KEY", "none"), ("AWS_EC2_METADATA_DISABLED", "true")])
            .envs([("AWS_MAX_ATTEMPTS", "1"), ("AWS_REGION", "eu-central-1")])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder"))
            .args(arguments)
            .output()
            .expect("the binary")
    }
}

impl Drop for CommandRuns {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A server with only hostile responses.
struct HostileServer {
    url: String,
    _runtime: tokio::runtime::Runtime,
}

impl HostileServer {
    fn new() -> Self {
        let body = json!({
            "__type": format!("Denied{HOSTILE}"), "message": HOSTILE, "Message": HOSTILE, "status": HOSTILE, "error": HOSTILE,
            "checks": { HOSTILE: HOSTILE }
        });
        Self::answering(StatusCode::BAD_REQUEST, body.to_string())
    }

    fn answering(status: StatusCode, body: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let answer = move || {
            let body = body.clone();
            async move { (status, [("content-type", "application/json")], body) }
        };
        runtime.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { url, _runtime: runtime }
    }
}

/// A body of `orders`.
fn order(id: &str, event_type: &str) -> String {
    let order = json!({
        "id": HOSTILE, "customer_phone": format!("+49{HOSTILE}"), "status": "delivered", "carrier": HOSTILE, "tracking": HOSTILE
    });
    json!({ "id": id, "type": event_type, "occurred_at": "2026-11-21T09:30:00Z", "sequence": 4, "order": order, HOSTILE: HOSTILE })
        .to_string()
}

fn envelope(id: &str) -> String {
    Envelope::new(NewEnvelope {
        id: id.to_owned(),
        source: "orders".to_owned(),
        event_type: format!("order.{HOSTILE}"),
        subject: Some(HOSTILE.to_owned()),
        time: None,
        conversation: Some(HOSTILE.to_owned()),
        sequence: None,
        claim_key: ClaimKey::new("orders", id),
        received: SystemClock.now(),
        traceparent: None,
        payload: Payload::Json(RawValue::from_string(json!({ HOSTILE: HOSTILE }).to_string()).expect("JSON")),
    })
    .encode()
}

fn capture(id: &str) -> String {
    json!({
        "tidings_capture": 1, "source": "orders", "received": "2026-11-24T21:06:06.493Z", "types": [HOSTILE], "method": "POST",
        "path": "/webhooks/orders", "headers": { "content-type": "application/json", "x-orders-timestamp": "1795554366" },
        "body": serde_json::from_str::<Value>(&order(id, &format!("order.{HOSTILE}"))).expect("JSON")
    })
    .to_string()
}

/// A text as a double-quoted scalar, because YAML allows no raw control characters.
fn in_yaml(text: &str) -> String {
    format!(
        "\"{}\"",
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\U{:08x}", u32::from(c)) })
            .collect::<String>()
    )
}

/// Rules that make actions and facts from hostile text. Their comments and names are as hostile as YAML allows.
fn rules() -> String {
    let text = in_yaml(HOSTILE);
    format!(
        "version: 1\nconversations:\n  - {{ on: \"*\", conversation: \"data.order.id\" }}\nrules:\n  \
         - {{ name: noted, on: \"*\", set: {{ carrier: data.order.carrier }}, notify: {{ text: \"{{data.order.id}}\" }} }}\n  \
         - {{ name: {text}, on: {text}, when: {text} }}\n"
    )
}

/// All commands without subcommands.
fn leaves(command: &clap::Command, words: &str, found: &mut BTreeSet<String>) {
    for sub in command.get_subcommands() {
        let words = format!("{words} {}", sub.get_name()).trim().to_owned();
        if sub.has_subcommands() {
            leaves(sub, &words, found);
        } else {
            found.insert(words);
        }
    }
}

/// Waits until all sent events are processed or dead-lettered.
fn settled(driven: &mut CommandRuns, dev: &Dev, events: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let listed = driven.both(2, &["events", "list", "--endpoint-url", dev.dynamodb()]);
        let listed = listed.as_array().cloned().unwrap_or_default();
        let ended = listed.iter().filter(|claim| matches!(claim["state"].as_str(), Some("processed" | "dead"))).count();
        if ended >= events {
            // Once more for people: the previous list was read a moment earlier, possibly before there was a
            // conversation.
            return driven.both(2, &["events", "list", "--endpoint-url", dev.dynamodb()]).as_array().cloned().unwrap_or_default();
        }
        assert!(Instant::now() < until, "{listed:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn no_command_writes_text_of_others_raw() {
    let mut driven = CommandRuns::new("hostile");
    let dev = Dev::start(&["--keep-events"]);
    live(&mut driven, &dev);
    endpoints(&mut driven, &dev);
    attacked(&mut driven);
    files(&mut driven, &dev);
    stack(&mut driven, &dev);
    answers(&mut driven);
    captured(&mut driven);
    said_by_dev(&mut driven, dev);

    let mut all = BTreeSet::new();
    leaves(&Arguments::command(), "", &mut all);
    // Their output is part of the program, and they take no text except the name of a command.
    for own in ["completions", "man", "providers list", "dev advance", "dev env"] {
        assert!(all.remove(own), "{own}");
    }
    let driven = std::mem::take(&mut driven.commands);
    assert!(all.is_subset(&driven), "not tried with hostile text: {:?}", all.difference(&driven).collect::<Vec<_>>());
}

/// Endpoints that nobody has, and one that says hostile things of itself.
fn endpoints(driven: &mut CommandRuns, dev: &Dev) {
    let at = ["--endpoint-url", dev.dynamodb()];
    let add = ["endpoints", "add", "https://example.com/hooks", "--event", "order.*"];
    driven.both(2, &[&add[..], &["--description", HOSTILE], &at[..]].concat());
    driven.both(2, &[&["endpoints", "add", HOSTILE, "--event", HOSTILE], &at[..]].concat());
    for command in ["attempts", "disable", "enable", "remove", "retry", "rotate", "show", "test"] {
        driven.both(2, &[&["endpoints", command, HOSTILE], &at[..]].concat());
    }
    driven.both(2, &[&["endpoints", "list"], &at[..]].concat());
    driven.both(2, &[&["endpoints", "portal-token", "--owner", HOSTILE], &at[..]].concat());
    driven.both(2, &[&["dlq", "actions", "--reason", HOSTILE], &at[..]].concat());
    for command in ["add", "disable", "enable", "remove", "rotate", "show"] {
        driven.both(2, &[&["tenants", command, HOSTILE, "acme"], &at[..]].concat());
        driven.both(2, &[&["tenants", command, "orders", HOSTILE], &at[..]].concat());
    }
    driven.both(2, &[&["tenants", "list", HOSTILE], &at[..]].concat());
    for queue in ["published", "deliveries"] {
        driven.both(2, &[&["dlq", "outgoing", queue, "--id", HOSTILE, "--to", HOSTILE], &at[..]].concat());
    }
}

/// A receiver whose refusals are hostile text, and names that nobody has.
fn attacked(driven: &mut CommandRuns) {
    let server = HostileServer::answering(StatusCode::OK, HOSTILE.to_owned());
    driven.both(1, &["attack", "orders", "--url", &server.url, "--only", "another-key", "--rate", "5000"]);
    for arguments in [["attack", HOSTILE], ["attack", "--url"], ["attack", "--only"]] {
        driven.tell(1, &[&arguments[..], &[HOSTILE][..usize::from(arguments[1].starts_with('-'))]].concat());
    }
}

/// A provider's list with hostile entries, and one that is an error.
fn reconciled(driven: &mut CommandRuns, dev: &Dev) {
    let token = driven.file("token.txt", "a-token");
    let created = SystemClock.now().unix_s() - 60;
    let event =
        json!({ "id": format!("evt_{HOSTILE}"), "type": format!("x.{HOSTILE}"), "created": created, "data": { "object": {} } });
    let list = json!({ "data": [event], "has_more": false }).to_string();
    let refused = json!({ "error": { "message": HOSTILE } }).to_string();
    for (status, body) in [(StatusCode::OK, list), (StatusCode::UNAUTHORIZED, refused)] {
        let api = HostileServer::answering(status, body);
        let at = ["--url", &dev.webhooks, "--endpoint-url", dev.dynamodb(), "--api", &api.url, "--token-file", &token];
        driven.both(1, &[&["reconcile", "stripe", "--since", "1h"][..], &at].concat());
    }
    assert!(driven.shown.contains("reconcile"), "{:?}", driven.shown);
}

/// Events of a `dev`, and commands about them.
fn live(driven: &mut CommandRuns, dev: &Dev) {
    // A list cuts a long conversation, and types are normalised for rules.
    let phone = |text: &str| json!(text).to_string();
    let short = order("evt-2", "order.delivered").replace(&phone(&format!("+49{HOSTILE}")), &phone("+h\u{1b}[2J"));
    let files = [
        driven.file("delivered.json", order("evt-1", "order.delivered")),
        driven.file("noted.json", order(HOSTILE, &format!("order.{HOSTILE}"))),
        driven.file("short.json", short),
    ];
    for file in &files {
        let sent = driven.both(1, &["send", "orders", "--file", file, "--url", &dev.webhooks]);
        assert!(sent["status"] == 200 || sent["status"] == 202, "a duplicate once it is processed: {sent}");
        driven.tell(1, &["send", "orders", "--file", file, "--dry-run"]);
        driven.tell(1, &["send", "orders", "--file", file, "--lambda"]);
    }
    let listed = settled(driven, dev, files.len());
    reconciled(driven, dev);
    let dynamodb = ["--endpoint-url", dev.dynamodb()];
    for claim in &listed {
        let key = claim["key"].as_str().expect("a key");
        driven.both(2, &["events", "show", key, "--payload", dynamodb[0], dynamodb[1]]);
        driven.both(2, &["rules", "explain", key, dynamodb[0], dynamodb[1]]);
    }
    let nameable = TypePattern::nameable(&format!("order.{HOSTILE}"));
    assert!(listed.iter().any(|claim| claim["type"] == nameable), "JSON says what it says: {listed:?}");
    let conversation = format!("whatsapp:49{HOSTILE}");
    for command in ["show", "export", "erase"] {
        driven.both(2, &["context", command, &conversation, dynamodb[0], dynamodb[1]]);
    }
    let hostile = format!("note={HOSTILE}");
    let by = ["--create", "--by", HOSTILE, "--reason", HOSTILE, dynamodb[0], dynamodb[1]];
    driven.both(2, &[&["context", "set", &conversation, HOSTILE, &hostile][..], &by, &["--yes"]].concat());
    driven.both(2, &[&["context", "unset", &conversation, HOSTILE, "note"][..], &by[1..]].concat());
    driven.both(2, &["context", "show", &conversation, dynamodb[0], dynamodb[1]]);
    driven.tell(2, &["context", "show", &conversation, "--for-llm", dynamodb[0], dynamodb[1]]);
    driven.both(1, &[&["replay", "--apply", "--type", "order.*"][..], &by[1..]].concat());
    driven.both(2, &["events", "tail", "--once", dynamodb[0], dynamodb[1]]);
    driven.both(2, &["events", "list", "--conversation", &conversation, dynamodb[0], dynamodb[1]]);
    driven.both(1, &["status", "--url", &dev.webhooks, dynamodb[0], dynamodb[1]]);
    driven.both(1, &["doctor", "--url", &dev.webhooks, dynamodb[0], dynamodb[1]]);
    driven.both(1, &["link", HOSTILE, &conversation, "--url", &dev.webhooks]);
    for named in [
        "events show",
        "events list",
        "events tail",
        "context show",
        "context set",
        "context unset",
        "context export",
        "context erase",
        "rules explain",
    ] {
        assert!(driven.shown.contains(named), "{named} shows none of it, so nothing is proven: {:?}", driven.shown);
    }
}

/// Files of others, with hostile names.
fn files(driven: &mut CommandRuns, dev: &Dev) {
    let delivery = driven.file(&format!("{}.json", HOSTILE.replace('/', "_")), capture("evt-7"));
    let message = driven.file("message.json", envelope(HOSTILE));
    let (broken, ruled) = (
        driven.file("broken.yaml", rules()),
        driven.file("ruled.yaml", rules().lines().take(5).map(|line| format!("{line}\n")).collect::<String>()),
    );
    let test = driven.file("test.yaml", format!(
        "version: 1\ntests:\n  - name: {0}\n    given: [{{ capture: {1} }}]\n    expect: {{ contexts: {{ {0}: {{ facts: {{ {0}: {{ {0}: {0} }} }} }} }}, actions: [] }}\n",
        in_yaml(HOSTILE), in_yaml(&delivery),
    ));
    driven.both(2, &["rules", "test", &test, "--rules", &ruled]);
    driven.both(2, &["rules", "check", "--rules", &broken]);
    driven.both(2, &["rules", "check", "--rules", &ruled]);
    driven.both(2, &["rules", "explain", &message, "--rules", &ruled]);
    driven.both(2, &["rules", "diff", "--against", &ruled, "--events", &delivery]);
    driven.both(2, &["rules", "diff", "--against", &broken, "--events", &delivery]);
    driven.tell(2, &["rules", "diff", &delivery]);
    driven.both(1, &["replay", &delivery, "--rules", &ruled]);
    driven.both(1, &["replay", &delivery, "--rules", &ruled, "--against", "events/project/rules.yaml", "--diff"]);
    driven.both(1, &["replay", &delivery, "--url", &dev.webhooks, "--yes"]);
    driven.both(1, &["send", "--capture", &delivery, "--url", &dev.webhooks]);
    let url = "https://hooks.example/\u{9b}2J\u{202e}FORGED";
    let entry = json!({ "request": { "method": format!("POST{HOSTILE}"), "url": url, "headers": [{ "name": "host", "value": HOSTILE }] } });
    let post = json!({ "request": { "method": "POST", "url": url, "headers": [{ "name": "x-forwarded-prefix", "value": "/\u{85}FORGED" }] } });
    let secrets = driven.file("secrets.json", json!({ "twilio": "x", "github": HOSTILE, HOSTILE: HOSTILE }).to_string());
    for (name, text) in [
        ("har", json!({ "log": { "entries": [post] } }).to_string()),
        ("get", json!({ "log": { "entries": [entry] } }).to_string()),
        ("curl", format!("curl '{url}' -H 'x: \u{9b}FORGED' --{HOSTILE}")),
        ("raw", format!("POST /{HOSTILE} HTTP/1.1\nhost: \u{9b}FORGED\n\nbody")),
    ] {
        let request = driven.file(name, text);
        driven.both(1, &["verify", "twilio", &request, "--preset", "--entry", "1", "--secrets", &secrets]);
        driven.both(1, &["verify", "github", &request, "--preset", "--secrets", &secrets]);
        driven.both(1, &["verify", "twilio", &request, "--preset", "--secrets", &secrets, "--public-url", url]);
    }
    driven.both(1, &["build", "--project", HOSTILE]);
    driven.both(1, &["check", "--project", HOSTILE]);
    driven.both(1, &["upgrade", "--project", HOSTILE]);
    driven.both(1, &["build", "--functions", HOSTILE]);
    driven.both(1, &["init", HOSTILE, "--with", HOSTILE]);
    driven.both(1, &["verify", HOSTILE, HOSTILE]);
    driven.both(1, &["verify", "github", HOSTILE]);
    driven.both(2, &["providers", "show", HOSTILE]);
    driven.tell(1, &["man", HOSTILE]);
    for named in ["rules test", "rules check", "rules diff", "replay", "send", "verify"] {
        assert!(driven.shown.contains(named), "{named} shows none of it, so nothing is proven: {:?}", driven.shown);
    }
}

/// A stack's dead letters and secret.
fn stack(driven: &mut CommandRuns, dev: &Dev) {
    let stack = Stack::around(dev, &json!({ "orders": "x", HOSTILE: HOSTILE }).to_string());
    let at = ["--stack", "shop", "--region", "eu-central-1", "--endpoint-url", &stack.endpoint];
    let key = format!("orders#{HOSTILE}");
    for arguments in [
        &["dlq", "list"][..],
        &["dlq", "list", "--each"],
        &["dlq", "redrive"],
        &["dlq", "drop"],
        &["dlq", "show", &key, "--payload"],
    ] {
        for json in [&[][..], &["--json"]] {
            for message in [envelope(HOSTILE), HOSTILE.to_owned(), json!({ HOSTILE: HOSTILE }).to_string()] {
                stack.dead_letter(&message);
                driven.tell(2, &[arguments, &at, json].concat());
            }
        }
    }
    let dead = envelope(HOSTILE);
    stack.dead_letter(&dead);
    driven.both(1, &["replay", "--dlq", at[0], at[1], at[2], at[3], at[4], at[5]]);
    let secret = driven.file("secret", format!("{HOSTILE}\n"));
    for more in [&["--secret-file", &secret][..], &["--drop-old"]] {
        driven.both(1, &[&["rotate", "orders"], more, &at].concat());
    }
    driven.both(1, &[&["status"], &at[..]].concat());
    driven.both(1, &[&["doctor"], &at[..]].concat());
    driven.both(1, &[&["cost"], &at[..]].concat());
    for named in ["dlq list", "dlq show"] {
        assert!(driven.shown.contains(named), "{named} shows none of it, so nothing is proven: {:?}", driven.shown);
    }
}

/// Responses of impostors: AWS's errors, an endpoint's pages.
fn answers(driven: &mut CommandRuns) {
    let stranger = HostileServer::new();
    let url = stranger.url.as_str();
    let said = driven.both(1, &["send", "stripe", "--url", url]);
    assert_eq!(said["reply"]["status"], HOSTILE, "JSON says what it says");
    driven.both(1, &["doctor", "--url", url, "--endpoint-url", url]);
    driven.both(1, &["doctor", "--url", url, "--endpoint-url", url, "--send"]);
    driven.both(1, &["status", "--url", url, "--endpoint-url", url]);
    let stack = ["--stack", HOSTILE, "--region", "eu-central-1", "--endpoint-url", url];
    for arguments in [
        &["status"][..],
        &["doctor", "--url", url],
        &["dlq", "list"],
        &["events", "list"],
        &["context", "show", HOSTILE],
        &["rotate", "orders", "--drop-old"],
        &["link", HOSTILE, "whatsapp:1"],
        // Its pages are tested in a browser: tests/inspector/run.
        &["inspect", "--port", "0"],
    ] {
        driven.both(
            if arguments.len() > 1 && !arguments[1].starts_with('-') && arguments[0] != "rotate" && arguments[0] != "link" {
                2
            } else {
                1
            },
            &[arguments, &stack].concat(),
        );
    }
    // Its answers are tested with a client: mcp.rs.
    driven.tell(1, &[&["mcp"][..], &stack].concat());
    driven.both(2, &["events", "list", "--endpoint-url", url]);
    assert!(driven.shown.contains("status") && driven.shown.contains("doctor"), "{:?}", driven.shown);
}

/// `tidings capture` and its file.
fn captured(driven: &mut CommandRuns) {
    let body = driven.file("captured.json", order("evt-9", &format!("order.{HOSTILE}")));
    let into = driven.folder.join(HOSTILE.replace('/', "_")).display().to_string();
    for json in [&[][..], &["--json"]] {
        let into = format!("{into}{}", json.len());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder");
        let arguments = [&["capture", "orders", "--into", &into, "--count", "1", "--port", "0"], json].concat();
        let process = command()
            .env("CLICOLOR_FORCE", "1")
            .current_dir(folder)
            .args(&arguments)
            .stdout(std::process::Stdio::piped())
            .spawn();
        let mut process = process.expect("the binary");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(process.stdout.take().expect("its output")));
        let mut told = String::new();
        let url = loop {
            told.push_str(&lines.next().expect("it goes on").expect("UTF-8"));
            told.push('\n');
            if let Some(at) = told.find("http://") {
                break told[at..]
                    .split("/webhooks")
                    .next()
                    .expect("a part")
                    .split(['"', '\n'])
                    .next()
                    .expect("a part")
                    .to_owned();
            }
        };
        driven.tell(1, &["send", "orders", "--file", &body, "--url", &url]);
        lines.for_each(|line| told += &(line.expect("UTF-8") + "\n"));
        assert!(process.wait().expect("its end").success(), "{told}");
        assert!(scan("capture", told.as_bytes()).contains("FORGED"), "{told}");
        let written = std::fs::read(Path::new(&into).join("0001-orders.json")).expect("a file");
        scan("a capture", &written);
    }
    driven.commands.insert("capture".to_owned());
}

/// The output of `tidings dev` itself.
fn said_by_dev(driven: &mut CommandRuns, dev: Dev) {
    let said = dev.said();
    dev.stop();
    let plain = scan("dev", said.as_bytes());
    // Escape sequences are removed from output to a pipe. Escaped text is still there.
    assert!(plain.contains("h\\u{1b}[38;5;201m") && plain.contains("\\nFORGED"), "{plain}");
    driven.commands.insert("dev".to_owned());
}
