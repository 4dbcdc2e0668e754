//! Files that would exhaust memory, stack or time. Each command says what it saw and what is allowed, within 1.5 GB of
//! address space and within minutes.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// In kilobytes, as `ulimit -v` expects. The program's own code takes a fifth of it.
const MEMORY_KB: u32 = 1_500_000;

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(300);

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tidings-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tidings(arguments: &[&str]) -> Output {
    let started = Instant::now();
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY_KB}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_tidings")])
        .args(arguments)
        .env_remove("TIDINGS_SECRETS")
        .env("TIDINGS_PROJECT", "events/project")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder"))
        .output()
        .expect("a shell");
    assert!(started.elapsed() < PATIENCE, "{arguments:?} took {:?}", started.elapsed());
    output
}

/// Runs a command that must end with one of our own errors.
fn refused(arguments: &[&str]) -> String {
    let output = tidings(arguments);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?} {}: {said:.2000}", output.status);
    assert!(!said.contains("a bug in tidings") && said.len() < 20_000, "{arguments:?}: {said:.2000}");
    said
}

/// Every command that reads a file, with this file for each of its arguments.
fn everywhere(file: &str) -> Vec<Vec<&str>> {
    const REQUEST: &str = "cli/tests/verify/request.txt";
    vec![
        vec!["verify", "github", file],
        vec!["verify", "twilio", file, "--preset"],
        vec!["verify", "github", REQUEST, "--secrets", file],
        vec!["send", "orders", "--secrets", file, "--dry-run"],
        vec!["send", "--capture", file, "--dry-run"],
        vec!["replay", file],
        vec!["rules", "test", file],
        vec!["rules", "check", "--rules", file],
        vec!["rules", "check", "--sources", file],
        vec!["rules", "explain", file],
        vec!["rules", "diff", "--against", file],
        vec!["rules", "diff", "--against", "events/project/rules.yaml", "--events", file],
    ]
}

#[test]
fn endless_files_and_non_files_are_refused() {
    let folder = Folder::new("ends");
    let inside = folder.0.display().to_string();
    for (file, said) in
        [("/dev/zero", "allowed: "), (inside.as_str(), ""), ("/proc/self/mem", ""), ("nowhere.json", "No such file")]
    {
        for arguments in everywhere(file) {
            let told = refused(&arguments);
            // `explain` may take a name that isn't a file as the name of a case.
            assert!(told.contains(said) || arguments[1] == "explain", "{arguments:?}: {told}");
        }
    }
    let told = refused(&["send", "orders", "--file", "/dev/zero", "--dry-run"]);
    assert!(told.contains("/dev/zero has more than 16777216 bytes, allowed: 16777216"), "{told}");
}

#[test]
fn no_bomb_takes_more_than_the_limits() {
    let folder = Folder::new("bombs");
    let laughs = (1..12).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "))).collect::<String>();
    let mut named = String::from("version: 1\ntests:\n");
    (0..120_000).for_each(|n| named += &format!("  - &a{n} x\n"));
    for (name, text) in [
        ("deep-json", "[".repeat(4 << 20)),
        ("deep-object", "{\"a\":".repeat(2 << 20)),
        ("wide-json", format!("[{}0]", "0,".repeat((16 << 20) / 2 - 8))),
        ("wide-object", format!("{{{}\"z\":0}}", (0..700_000).map(|n| format!("\"{n}\":0,")).collect::<String>())),
        ("wide-har", format!("{{\"log\":{{\"entries\":[{}0]}}}}", "{},".repeat(5_000_000))),
        ("laughs.yaml", format!("a0: &a0 [lol, lol]\n{laughs}version: 1\n")),
        (
            "laughing-test.yaml",
            format!(
                "version: 1\ntests:\n  - name: a\n    given:\n      - event: a\n        source: orders\n        data:\n          a0: &a0 [lol, lol]\n{}    expect: {{}}\n",
                laughs.lines().map(|line| format!("          {line}\n")).collect::<String>()
            ),
        ),
        ("deep.yaml", format!("version: {}", "[".repeat(1 << 19))),
        ("stairs.yaml", (0..1_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("anchors.yaml", named),
        ("curl", format!("curl{}", " a".repeat((8 << 20) - 8))),
        ("many-headers", format!("{}\nbody", "a:b\n".repeat(4_000_000))),
        ("no-head", "a:b\n".repeat(4_000_000)),
    ] {
        let file = folder.file(name, &text);
        for arguments in everywhere(&file) {
            refused(&arguments);
        }
    }
}

#[test]
fn a_request_within_the_limits_is_verified_with_the_same_memory_and_time() {
    let folder = Folder::new("fits");
    let body = format!("{}{}0{}", "[".repeat(100), "0,".repeat(500_000), "]".repeat(100));
    let events = format!("[{}]", vec!["{}"; 300_000].join(","));
    let secrets = (0..1_500).map(|n| format!("\"s{n}\":\"x\",")).collect::<String>();
    let secrets = folder.file("secrets", format!("{{{secrets}\"github\":\"x\",\"twilio\":\"x\"}}"));
    for (name, text) in [
        ("deep", format!("X-Hub-Signature-256: sha256={}\n\n{body}", "0".repeat(64))),
        ("events", format!("X-Hub-Signature-256: sha256={}\n\n{events}", "0".repeat(64))),
        ("query", format!("POST /a?{} HTTP/1.1\nhost: x\nX-Twilio-Signature: aGk=\n\na=b", "&a".repeat(8_000))),
    ] {
        let request = folder.file(name, text);
        for preset in ["github", "twilio"] {
            let told = refused(&["verify", preset, &request, "--preset", "--secrets", &secrets]);
            assert!(told.contains(preset) && told.contains('✗'), "it was looked at: {told}");
        }
    }
}
