//! Kills the real binary repeatedly during concurrent deliveries. Every acknowledged event is processed in the end, has
//! one effect, and its action is shown.
//!
//! A few kills by default. The variables set the number and the seed; standard error lists the kills and their times:
//! error:
//! `TIDINGS_KILLS=200 TIDINGS_KILL_SEED=7 cargo test --test dev kills -- --nocapture`

use crate::support::{BINARY, Dev, json};
use http::HeaderMap;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tidings_config::time::{Clock, SystemClock};
use tidings_events::Sample;

const KILLS: u64 = 6;
const SENDERS: usize = 8;

/// Below the rules' limit on notifications for a conversation in a day.
const EVENTS_PER_CONVERSATION: usize = 5;

/// xorshift64*, so that a seed gives the same times.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % n
    }
}

fn of_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value:?}")))
}

/// The state shared by the senders and the killer.
struct World {
    url: Mutex<String>,
    next: AtomicUsize,
    /// The number of events that may be sent so far.
    allowed: AtomicUsize,
    over: AtomicBool,
    acknowledged: Mutex<Vec<usize>>,
    tries: AtomicUsize,
    /// All lines that all processes have printed.
    said: Mutex<Vec<String>>,
}

impl World {
    /// Sends events one after the other, each until it is acknowledged.
    fn send_all(&self) {
        loop {
            let over = self.over.load(Ordering::SeqCst);
            let allowed = self.allowed.load(Ordering::SeqCst);
            let next = self.next.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |next| (next < allowed).then_some(next + 1));
            let Ok(n) = next else {
                if over {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            while !self.is_acknowledged(n) {
                thread::sleep(Duration::from_millis(20));
            }
            self.acknowledged.lock().expect("no panic").push(n);
        }
    }

    fn is_acknowledged(&self, n: usize) -> bool {
        self.tries.fetch_add(1, Ordering::SeqCst);
        let url = self.url.lock().expect("no panic").clone();
        let (headers, body) = delivery(n);
        let mut post = ureq::post(format!("{url}/webhooks/orders"))
            .config()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build();
        for (name, value) in &headers {
            post = post.header(name, value);
        }
        match post.send(&body[..]).map(|answer| answer.status().as_u16()) {
            Ok(200 | 202) => true,
            Ok(503) | Err(_) => false,
            Ok(other) => panic!("{n}: {other}"),
        }
    }

    fn listen(self: &Arc<Self>) -> impl FnMut(String) + Send + 'static {
        let world = Arc::clone(self);
        move |line| world.said.lock().expect("no panic").push(line)
    }

    fn start(self: &Arc<Self>, folder: &Path) -> Dev {
        let dev = Dev::watched(&["--data", folder.to_str().expect("UTF-8")], |_| {}, self.listen());
        self.url.lock().expect("no panic").clone_from(&dev.webhooks);
        dev
    }
}

fn conversation(n: usize) -> String {
    format!("49171{:08}", n / EVENTS_PER_CONVERSATION)
}

/// A delivered order, signed now.
fn delivery(n: usize) -> (HeaderMap, Vec<u8>) {
    let order = serde_json::json!({ "id": format!("K{n}"), "customer_phone": format!("+{}", conversation(n)), "status": "delivered",
        "carrier": "DHL", "tracking": "JJD0099887766" });
    let body = serde_json::json!({ "id": format!("kill-{n}"), "type": "order.delivered", "occurred_at": "2026-11-21T09:30:00Z",
        "sequence": n + 1, "order": order });
    let sources = tidings_events::project::sources();
    let source = sources.iter().find(|source| source.name == "orders").expect("the source");
    let secrets = tidings_events::secrets_of(&tidings_events::demo_secrets(&sources), "orders").expect("its secrets");
    let sample = Sample::of_body(source, body.to_string().into_bytes());
    let request = sample.sign(source, &secrets[0], SystemClock.now(), None).expect("it can be signed");
    (request.headers, request.body)
}

/// Kills a process at a random moment of its start. Its output until then counts.
fn kill_a_start(folder: &Path, chances: &mut Random, heard: impl FnMut(String)) {
    let mut command = Command::new(BINARY);
    command.args(["dev", "--port", "0", "--data"]).arg(folder).stdout(Stdio::piped());
    let mut process = command.spawn().expect("the binary");
    thread::sleep(Duration::from_millis(chances.below(400)));
    process.kill().expect("it is ours");
    let output = process.wait_with_output().expect("its end");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).for_each(heard);
}

#[test]
#[allow(clippy::print_stderr, reason = "what was counted is the result")]
fn acknowledged_events_are_applied_once_and_shown_however_often_dev_is_killed() {
    let (kills, seed) = (of_environment("TIDINGS_KILLS", KILLS), of_environment("TIDINGS_KILL_SEED", 7));
    let folder: PathBuf = std::env::temp_dir().join(format!("tidings-kills-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let started = Instant::now();
    let mut chances = Random(seed | 1);
    let world = Arc::new(World {
        url: Mutex::default(),
        next: AtomicUsize::new(0),
        allowed: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        acknowledged: Mutex::default(),
        tries: AtomicUsize::new(0),
        said: Mutex::default(),
    });
    let mut dev = world.start(&folder);
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.send_all())
        })
        .collect();
    let mut by_signal: BTreeMap<&str, u64> = BTreeMap::new();
    for _ in 0..kills {
        let more = usize::try_from(5 + chances.below(15)).expect("few");
        world.allowed.fetch_add(more, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50 + chances.below(1_000)));
        let signal = if chances.below(3) == 0 { "TERM" } else { "KILL" };
        dev.signal(signal);
        assert_eq!(dev.end().success(), signal == "TERM");
        *by_signal.entry(signal).or_default() += 1;
        if chances.below(5) == 0 {
            kill_a_start(&folder, &mut chances, world.listen());
            *by_signal.entry("KILL at its start").or_default() += 1;
        }
        dev = world.start(&folder);
    }
    world.over.store(true, Ordering::SeqCst);
    senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
    let mut acknowledged = world.acknowledged.lock().expect("no panic").clone();
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, (0..world.allowed.load(Ordering::SeqCst)).collect::<Vec<_>>(), "all were sent until they were");

    let (processed, lost) = processed(&dev, &acknowledged);
    assert_eq!(lost, Vec::<String>::new(), "acknowledged, and never processed");
    let actions = wait_until_said(&world, &acknowledged);
    dev.stop();
    let (mut doubled, mut repeated) = (Vec::new(), 0);
    for (order, marks) in &actions {
        repeated += marks.len() - 1;
        if marks[1..].iter().any(|marked| !marked) {
            doubled.push(order.clone());
        }
    }
    assert_eq!(doubled, Vec::<String>::new(), "said twice without saying so");
    let _ = std::fs::remove_dir_all(&folder);
    eprintln!(
        "seed {seed}: {by_signal:?}; {} acknowledged in {} tries, {processed} processed once, 0 lost, {} said, {repeated} of them \
         perhaps again and marked so, in {:.0} s",
        acknowledged.len(),
        world.tries.load(Ordering::SeqCst),
        actions.len(),
        started.elapsed().as_secs_f64(),
    );
}

/// The number of processed events, and the keys of the unprocessed ones.
fn processed(dev: &Dev, acknowledged: &[usize]) -> (usize, Vec<String>) {
    let mut by_conversation: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for n in acknowledged {
        by_conversation.entry(conversation(*n)).or_default().push(format!("orders#kill-{n}"));
    }
    let until = Instant::now() + Duration::from_secs(60);
    let (mut processed, mut lost) = (0, Vec::new());
    for (conversation, keys) in by_conversation {
        loop {
            let shown = json(&dev.ask(&["context", "show", &format!("whatsapp:{conversation}"), "--json"]));
            let timeline = shown["timeline"].as_array().cloned().unwrap_or_default();
            let times = |key: &String| {
                timeline.iter().filter(|claim| claim["key"] == key.as_str() && claim["state"] == "processed").count()
            };
            if keys.iter().all(|key| times(key) == 1) {
                processed += keys.len();
                break;
            }
            if Instant::now() > until {
                lost.extend(keys.iter().filter(|key| times(key) != 1).cloned());
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
    (processed, lost)
}

/// By order: for each time its action was shown, whether it was marked as shown again.
fn wait_until_said(world: &World, acknowledged: &[usize]) -> BTreeMap<String, Vec<bool>> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let mut actions: BTreeMap<String, Vec<bool>> = BTreeMap::new();
        for line in world.said.lock().expect("no panic").iter() {
            if let Some(order) = line.split_once("“Order ").and_then(|(_, rest)| rest.split(' ').next()) {
                actions.entry(order.to_owned()).or_default().push(line.contains("perhaps shown before"));
            }
        }
        let unsaid: Vec<usize> = acknowledged.iter().copied().filter(|n| !actions.contains_key(&format!("K{n}"))).collect();
        if unsaid.is_empty() {
            return actions;
        }
        assert!(Instant::now() < until, "never said: {unsaid:?}");
        thread::sleep(Duration::from_millis(100));
    }
}
