//! The real binary, and a running `tidings dev`.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_tidings");

/// A running `tidings dev` on two free ports.
pub(crate) struct Dev {
    process: Child,
    pub(crate) webhooks: String,
    dynamodb: String,
    pub(crate) token: String,
    reader: Option<thread::JoinHandle<()>>,
    said: Arc<Mutex<String>>,
}

impl Dev {
    pub(crate) fn start(more: &[&str]) -> Self {
        Self::start_with(more, |_| {})
    }

    pub(crate) fn start_with(more: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        Self::watched(more, change, drop)
    }

    /// Starts it with a changed command. `heard` gets each line of its output.
    pub(crate) fn watched(
        more: &[&str],
        change: impl FnOnce(&mut Command),
        mut heard: impl FnMut(String) + Send + 'static,
    ) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["dev", "--port", "0"]).args(more).stdout(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().expect("the binary");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut address = |name: &str| {
            let line = lines.by_ref().map_while(Result::ok).find(|line| line.trim().starts_with(name)).expect("the banner");
            line.split_whitespace().nth(1).expect("an address").trim_end_matches("/webhooks/{source}").to_owned()
        };
        let (webhooks, dynamodb, token) = (address("webhooks"), address("DynamoDB"), address("token"));
        // The output must be read, because a full pipe would block the process.
        let said = Arc::new(Mutex::new(String::new()));
        let keep = Arc::clone(&said);
        let reader = thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                keep.lock().expect("no panic").push_str(&format!("{line}\n"));
                heard(line);
            }
        });
        Self { process, webhooks, dynamodb, token, reader: Some(reader), said }
    }

    /// Its output since the banner.
    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    pub(crate) fn send(&self, arguments: &[&str]) -> Output {
        run(&[&["send", "--url", &self.webhooks], arguments].concat())
    }

    pub(crate) fn dynamodb(&self) -> &str {
        &self.dynamodb
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        run_at_root(&[arguments, &["--endpoint-url", &self.dynamodb]].concat())
    }

    /// Sends twice, the second time after the first is processed.
    pub(crate) fn send_twice(&self, arguments: &[&str]) -> [Value; 2] {
        let first = json(&self.send(arguments));
        self.claim(first["claim_keys"][0].as_str().expect("a claim key"), "processed");
        [first, json(&self.send(arguments))]
    }

    /// The claim, once it has this state.
    pub(crate) fn claim(&self, key: &str, state: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let asked = self.ask(&["events", "show", key, "--json"]);
            // Our own events have no claim before they are processed.
            let claim = if asked.status.success() { json(&asked) } else { Value::Null };
            if claim["state"] == state {
                return claim;
            }
            assert!(Instant::now() < until, "{key} is still {claim}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it like Ctrl-C.
    pub(crate) fn stop(mut self) {
        self.signal("INT");
        assert!(self.process.wait().expect("its end").success());
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its standard error, if it was started with a pipe for it.
    pub(crate) fn stderr(&mut self) -> ChildStderr {
        self.process.stderr.take().expect("a pipe")
    }

    /// Its exit status, once it has ended and all its output was read.
    pub(crate) fn end(mut self) -> std::process::ExitStatus {
        let end = self.process.wait().expect("its end");
        self.reader.take().expect("one end").join().expect("no panic");
        end
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the binary in a folder without a project.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command().current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("TIDINGS_PROJECT").args(arguments).output().expect("the binary")
}

/// Runs the binary with the project events/project.
pub(crate) fn run_at_root(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("the binary")
}

/// The binary with a clean environment, at the root of the repository and with the demo's project.
pub(crate) fn command() -> Command {
    let mut command = Command::new(BINARY);
    for name in
        ["TIDINGS_URL", "TIDINGS_STACK", "TIDINGS_ENDPOINT_URL", "TIDINGS_SECRETS", "TIDINGS_DEV_TOKEN", "TIDINGS_PROJECT"]
    {
        command.env_remove(name);
    }
    command.current_dir(root()).env("TIDINGS_PROJECT", "events/project");
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}{}", out(output), err(output)))
}

/// Compares the output and the exit status with `cli/tests/dev/*.txt`. `UPDATE=1` writes the file again.
pub(crate) fn golden(name: &str, output: &Output, status: i32) {
    let seen = timeless(&(out(output) + &err(output)));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/dev/{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &seen).expect("the file");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(seen == expected, "{name}: `UPDATE=1 cargo test -p tidings` writes it anew; it is now:\n{seen}");
    assert_eq!(output.status.code(), Some(status), "{name}");
}

/// Replaces our times, their differences and the ports, which vary.
fn timeless(text: &str) -> String {
    let is_time = |word: &&str| word.len() == 24 && word.ends_with('Z') && word.starts_with("20");
    let times: Vec<&str> = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | ',')).filter(is_time).collect();
    let text = times.iter().fold(text.to_owned(), |text, time| text.replace(time, "<time>"));
    const APART: &str = " s after it was received";
    let mut parts: Vec<&str> = text.split(APART).collect();
    let last = parts.pop().unwrap_or_default();
    let apart = |part: &str| part.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned() + "<some>" + APART;
    let text = parts.into_iter().map(apart).collect::<String>() + last;
    // Other tests check the configuration.
    let hashed = |text: String, name: &str| {
        let mut parts = text.split(name);
        let first = parts.next().unwrap_or_default().to_owned();
        let is_hex = |c: char| c.is_ascii_hexdigit();
        parts.fold(first, |text, part| text + name + "<hash>" + part.trim_start_matches(is_hex))
    };
    let text = hashed(text, "configuration ");
    let text = text.replace(concat!("version ", env!("CARGO_PKG_VERSION")), "version <version>");
    let mut parts = text.split("http://127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "<here>" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}
