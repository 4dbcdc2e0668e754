//! With `--data`: how it ends, its behaviour on a full disk, and the permissions of its files.

use crate::support::{BINARY, Dev, command, err, json, run};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

struct Data(PathBuf);

impl Data {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidings-durable-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn both_signals_end_it_in_order_and_acknowledged_events_are_there_at_the_next_start() {
    let data = Data::new("signals");
    for (signal, case, key) in [
        ("INT", "stripe-checkout-completed", "stripe#evt_1TidingsCheckout1042"),
        ("TERM", "orders-delivered-early", "orders#ord-evt-3002"),
    ] {
        let dev = Dev::start(&["--data", data.path()]);
        assert!(dev.send(&["--case", case]).status.success());
        dev.signal(signal);
        assert!(dev.end().success(), "{signal}");
        let dev = Dev::start(&["--data", data.path()]);
        dev.claim(key, "processed");
        assert_eq!(json(&dev.send(&["--case", case, "--json"]))["status"], 200, "still a duplicate");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let dev = Dev::start(&[]);
        // Half a request, for whose rest it waits.
        let mut half = std::net::TcpStream::connect(dev.webhooks.trim_start_matches("http://")).expect("a connection");
        std::io::Write::write_all(&mut half, b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").unwrap();
        thread::sleep(Duration::from_millis(200));
        dev.signal(signal);
        thread::sleep(Duration::from_millis(200));
        dev.signal(signal);
        let end = dev.end();
        assert_eq!((end.code(), end.signal()), (Some(code), None), "{signal}");
    }
}

#[test]
fn an_unfinished_request_does_not_keep_it_from_ending() {
    let dev = Dev::start(&[]);
    let mut half = std::net::TcpStream::connect(dev.webhooks.trim_start_matches("http://")).expect("a connection");
    std::io::Write::write_all(&mut half, b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").unwrap();
    thread::sleep(Duration::from_millis(200));
    dev.signal("TERM");
    // The test is that it ends at all.
    assert!(dev.end().success());
}

#[test]
fn a_folder_in_use_is_refused_and_free_after_a_kill() {
    let data = Data::new("lock");
    let dev = Dev::start(&["--data", data.path()]);
    let second = run(&["dev", "--port", "0", "--data", data.path()]);
    assert_eq!(second.status.code(), Some(1));
    assert!(err(&second).contains("is in use by another `tidings dev` (process "), "{}", err(&second));
    dev.signal("KILL");
    dev.end();
    Dev::start(&["--data", data.path()]).stop();
}

#[test]
fn its_files_are_private_whatever_the_umask_says() {
    let data = Data::new("private");
    let inner = data.0.join("a/b");
    let script = format!("umask 000; exec {BINARY} dev --demo --exit --port 0 --data {}", inner.display());
    let demo = Command::new("sh").args(["-c", &script]).output().expect("sh");
    assert!(demo.status.success(), "{}", err(&demo));
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&inner).expect("the folder") {
        let entry = entry.expect("an entry");
        seen.push(entry.file_name().into_string().expect("UTF-8"));
        assert_eq!(mode(&entry.path()), 0o600, "{seen:?}");
    }
    assert!(["dynamodb.sqlite", "queues.sqlite", "dev.lock"].iter().all(|name| seen.iter().any(|file| file == name)), "{seen:?}");
    assert_eq!((mode(&inner), mode(&data.0)), (0o700, 0o700));
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// A small disk.
#[derive(Clone, Copy)]
enum SmallDisk {
    /// A mounted file system.
    Mounted,
    /// A limit on each file's size. It is a soft limit, which can be lifted from outside.
    Limited,
}

/// Larger than SQLite's files before the first message.
const SMALL_BYTES: u64 = 1_572_864;
const SMALL_FILE_BYTES: u64 = SMALL_BYTES / 3;

impl SmallDisk {
    /// The shell command that starts the binary.
    fn shell(self) -> String {
        match self {
            Self::Mounted => "exec".to_owned(),
            // The unit is a block of 512 bytes.
            Self::Limited => format!("ulimit -S -f {}; exec", SMALL_FILE_BYTES / 512),
        }
    }

    fn make_room(self, path: &Path, process: u32) {
        let made = match self {
            Self::Mounted => Command::new("mount").args(["-o", "remount,size=64m"]).arg(path).status(),
            Self::Limited => Command::new("prlimit").args(["--pid", &process.to_string(), "--fsize=unlimited"]).status(),
        };
        assert!(made.expect("a tool of util-linux").success());
    }
}

struct MountGuard(PathBuf);

impl Drop for MountGuard {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that did not run says so")]
fn a_full_disk_is_answered_503_and_reported_until_there_is_room() {
    let data = Data::new("full");
    std::fs::create_dir_all(&data.0).expect("a folder");
    let size = format!("size={SMALL_BYTES}");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&data.0).output().expect("mount");
    if !mounted.status.success() {
        eprintln!("NOT RUN, a disk can't be mounted here: {}", err(&mounted));
        return;
    }
    let _unmounted = MountGuard(data.0.clone());
    fills_and_goes_on(&data, SmallDisk::Mounted);
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk() {
    fills_and_goes_on(&Data::new("limited"), SmallDisk::Limited);
}

fn fills_and_goes_on(data: &Data, small: SmallDisk) {
    let mut dev = Dev::start_with(&[], |started| {
        let script = format!("{} {BINARY} dev --port 0 --data {}", small.shell(), data.path());
        *started = Command::new("sh");
        started.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped());
    });
    let mut stderr = dev.stderr();
    let complaints = thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let body = |n: usize| {
        let filling = "x".repeat(40_000);
        format!(
            r#"{{"id":"full-{n}","type":"order.delivered","occurred_at":"2026-11-21T09:30:00Z","sequence":1,"order":{{"id":"{n}","customer_phone":"+4917{n:09}","status":"delivered","carrier":"DHL","tracking":"JJD"}},"unused":"{filling}"}}"#
        )
    };
    let file = std::env::temp_dir().join(format!("{}-body", data.0.file_name().expect("a name").display()));
    let send = |dev: &Dev, n: usize| {
        std::fs::write(&file, body(n)).expect("a body");
        json(&dev.send(&["orders", "--file", file.to_str().expect("UTF-8"), "--json"]))["status"].as_u64().expect("a status")
    };
    let (mut accepted, mut refused) = (Vec::new(), 0);
    // Bounded: at most a hundred fit.
    for n in 0..200 {
        match send(&dev, n) {
            202 => accepted.push(n),
            503 => refused += 1,
            other => panic!("{n}: {other}"),
        }
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3, "{} were accepted on a disk of {SMALL_BYTES} bytes", accepted.len());
    assert!(!accepted.is_empty());

    small.make_room(&data.0, dev.id());
    let until = Instant::now() + Duration::from_secs(60);
    while send(&dev, 1_000) == 503 {
        assert!(Instant::now() < until, "it doesn't go on");
    }
    accepted.push(1_000);
    for n in &accepted {
        dev.claim(&format!("orders#full-{n}"), "processed");
    }
    dev.signal("KILL");
    dev.end();
    let said = complaints.join().expect("no panic");
    assert!(said.contains("can't write") && said.contains("answered 503"), "{said}");
    assert!(said.contains("processing continues"), "{said}");

    let dev = Dev::start(&["--data", data.path()]);
    for n in &accepted {
        dev.claim(&format!("orders#full-{n}"), "processed");
    }
    let _ = std::fs::remove_file(file);
}

#[test]
fn a_folder_of_the_previous_version_opens_with_the_messages_of_its_queues() {
    let data = Data::new("before");
    std::fs::create_dir_all(&data.0).expect("a folder");
    let dev = Dev::start(&["--data", data.path()]);
    assert!(dev.send(&["stripe", "--same"]).status.success());
    dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
    dev.stop();
    std::fs::remove_file(data.0.join("queues.sqlite")).expect("the queues");
    let link = r#"{"specversion":"1.0","tidingsversion":1,"id":"left-1","source":"/tidings","type":"tidings.link","time":"2026-11-20T10:00:00.000Z","data":{"identity":"order:7","conversation":"whatsapp:7"}}"#;
    let left = serde_json::json!({ "events": [link], "dead": [] });
    std::fs::write(data.0.join("queues.json"), left.to_string()).expect("what was left");
    let dev = Dev::start(&["--data", data.path()]);
    dev.claim("@link#left-1", "processed");
    assert_eq!(json(&dev.send(&["stripe", "--same", "--json"]))["status"], 200, "the claims are those of before");
    assert!(!data.0.join("queues.json").exists());
}

#[test]
fn help_describes_the_guarantees() {
    let help = command().args(["dev", "--help"]).output().expect("the binary");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for said in ["kill -9", "503", "SIGTERM", "token"] {
        assert!(help.contains(said), "{said}: {help}");
    }
}
