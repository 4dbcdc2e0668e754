//! Recording from a running `tidings capture`, and replaying to a running `tidings dev`.

use crate::support::{Dev, command, err, golden, json, out, run, run_at_root};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A running `tidings capture` on a free port.
struct Capture {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    head: String,
    url: String,
}

impl Capture {
    fn start(arguments: &[&str]) -> Self {
        let mut process = command()
            .arg("capture")
            .args(arguments)
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut head = String::new();
        while !head.contains("http://") {
            assert!(output.read_line(&mut head).expect("text") > 0, "it ended: {head}");
        }
        let url = head[head.find("http://").unwrap()..].split("/webhooks").next().unwrap().trim_end_matches(['"', '\n']);
        let url = url.split('"').next().unwrap().to_owned();
        Self { process, output, head, url }
    }

    fn send(&self, arguments: &[&str]) -> Output {
        run(&[&["send", "--url", &self.url], arguments].concat())
    }

    /// Waits for its end and returns its output.
    fn ended(mut self) -> Output {
        let mut stdout = self.head.into_bytes();
        self.output.read_to_end(&mut stdout).expect("text");
        let mut stderr = Vec::new();
        self.process.stderr.take().expect("it is piped").read_to_end(&mut stderr).expect("text");
        Output { status: self.process.wait().expect("its end"), stdout, stderr }
    }

    fn interrupt(self) -> Output {
        assert!(Command::new("kill").args(["-INT", &self.process.id().to_string()]).status().expect("kill").success());
        self.ended()
    }
}

/// The path of a folder that doesn't exist.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn file(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn verified_deliveries_are_recorded_and_others_are_reported() {
    let folder = folder("captured");
    let into = folder.display().to_string();
    let capture = Capture::start(&["orders", "slack", "stripe", "--into", &into, "--count", "4", "--mask", "favourite_tea"]);
    let hello = file("hello.json", r#"{"type":"url_verification","challenge":"abc123","token":"t"}"#);
    let planted = file(
        "planted.json",
        r#"{"id":"ord-evt-1","type":"order.noted","occurred_at":"2026-11-20T10:00:00Z","customer":{"name":"Zofia Kowalczyk"},
           "log":["password=hunter2","zofia.k@poczta.example.com"],"favourite_tea":"earl grey","x":"for Zofia"}"#,
    );
    assert!(capture.send(&["--case", "orders-delivered-early"]).status.success());
    assert!(capture.send(&["--case", "orders-delivered-early"]).status.success(), "a duplicate");
    for tamper in ["signature", "body"] {
        assert!(!capture.send(&["stripe", "--tamper", tamper]).status.success());
    }
    assert!(!capture.send(&["shopify"]).status.success(), "it wasn't asked for");
    assert!(capture.send(&["slack", "--file", &hello]).status.success(), "a handshake");
    assert!(!capture.send(&["orders", "--file", &file("typeless.json", "{\"id\":\"1\"}"), "--tamper", "body"]).status.success());
    assert!(!capture.send(&["--case", "orders-oversized"]).status.success());
    let sent =
        capture.send(&["orders", "--file", &planted, "--header", "Authorization=Bearer hunter2", "--header", "Cookie=a=hunter2"]);
    assert!(sent.status.success(), "{}", out(&sent));
    assert!(capture.send(&["stripe", "--same"]).status.success());
    assert!(capture.send(&["slack", "--same"]).status.success(), "{}", capture.url);
    let ended = capture.ended();
    let told = Output {
        stdout: out(&ended).replace(&into, "<folder>").into_bytes(),
        stderr: ended.stderr.clone(),
        status: ended.status,
    };
    golden("capture", &told, 0);
    assert_eq!(files(&folder), ["0001-orders.json", "0002-orders.json", "0003-stripe.json", "0004-slack.json"]);
    let text = std::fs::read_to_string(folder.join("0002-orders.json")).unwrap().to_lowercase();
    for canary in ["zofia", "kowalczyk", "hunter2", "earl grey", "poczta", "v1="] {
        assert!(!text.contains(canary), "{canary} is left in {text}");
    }
    assert!(text.contains("\"ord-evt-") && !text.contains("ord-evt-1\"") && text.contains("order.noted"), "{text}");

    // Another capture never writes into it.
    let again = run(&["capture", "orders", "--into", &into, "--port", "0"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("give a folder that doesn't exist"), "{}", err(&again));
    assert_eq!(files(&folder).len(), 4);

    let replayed = json(&run_at_root(&["replay", &into, "--json"]));
    let statuses: Vec<&Value> = replayed["deliveries"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [202, 202, 202, 202]);
}

#[test]
fn a_capture_without_deliveries_fails_and_leaves_no_folder() {
    let folder = folder("nothing");
    let capture = Capture::start(&["orders", "--into", &folder.display().to_string(), "--json"]);
    assert!(!capture.send(&["orders", "--tamper", "signature"]).status.success());
    let ended = capture.interrupt();
    assert_eq!(ended.status.code(), Some(1), "{}", err(&ended));
    let lines: Vec<Value> = out(&ended).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[1]["became"], "refused");
    assert_eq!(lines[1]["detail"], "the signature doesn't match any secret");
    assert_eq!((&lines[2]["recorded"], &lines[2]["refused"]), (&0.into(), &1.into()));
    assert!(!folder.exists());
}

#[test]
fn captures_are_replayed_to_a_running_receiver() {
    let dev = Dev::start(&[]);
    let captures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");
    let replay = |more: &[&str]| {
        let output = run(&[&["replay", captures, "--url", &dev.webhooks, "--rate", "100"], more].concat());
        Output { stdout: out(&output).replace(captures, "captures").into_bytes(), ..output }
    };
    golden("replay-url", &replay(&[]), 0);
    dev.claim("orders#ord-evt-3002", "processed");
    golden("replay-url-again", &replay(&[]), 0);
    let secrets = file("others.json", r#"{"orders":"another","stripe":"whsec_YW5vdGhlcg==","whatsapp":"another"}"#);
    let refused = replay(&["--secrets", &secrets, "--json"]);
    assert_eq!((refused.status.code(), &json(&refused)["answers"]["401 unauthentic"]), (Some(1), &5.into()));
}
