//! A deployed program under Lambda's runtime API, and how it is killed.

use hyper::body::Bytes;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use tidings_cli::dev::cloud::Cloud;
use tidings_lambda::runtime::Runtime;
use tidings_tests::wire::{Disturbance, Extent, Fault, Wire};

/// A random time until the kill is shorter than this. An invocation takes less, and then it isn't killed.
const SOON: Duration = Duration::from_millis(40);
/// A start that is killed is killed within this time.
const START: Duration = Duration::from_millis(15);
/// One start of so many is killed.
const KILLED_STARTS: u32 = 10;
/// A call is one of so many; few invocations make more.
const CALLS: usize = 6;

/// Where a function was killed, and how often: `init`, `anywhere`, or a call of AWS and whether it had its effect.
#[derive(Debug, Default)]
pub(crate) struct Kills(Mutex<BTreeMap<String, u64>>);

impl Kills {
    fn note(&self, role: &str, point: &str) {
        *self.0.lock().unwrap().entry(format!("{role}: {point}")).or_default() += 1;
    }

    pub(crate) fn all(&self) -> u64 {
        self.0.lock().unwrap().values().sum()
    }

    pub(crate) fn by_point(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap().clone()
    }
}

/// When an invocation is killed.
enum Kill {
    Never,
    In(Duration),
    /// At a call of AWS, before or after its effect.
    AtCall(Disturbance),
}

impl Kill {
    /// One of two invocations: half of them at a call.
    fn choose() -> Self {
        match fastrand::u8(..4) {
            0 => Self::In(SOON.mul_f64(fastrand::f64())),
            1 => {
                let fault = if fastrand::bool() { Fault::Silent } else { Fault::SilentAfter };
                Self::AtCall(Disturbance { call: fastrand::usize(..CALLS), fault, extent: Extent::Call })
            }
            _ => Self::Never,
        }
    }
}

/// What runs it.
#[derive(Debug)]
pub(crate) struct Program<'w> {
    pub(crate) role: &'static str,
    pub(crate) cloud: &'w Cloud,
    /// The folder with `tidings.json`.
    pub(crate) task_root: &'w Path,
    pub(crate) kills: &'w Kills,
}

/// An execution environment.
pub(crate) struct Function<'w> {
    program: Program<'w>,
    process: Child,
    runtime: Runtime,
    wire: Wire,
}

impl Drop for Function<'_> {
    fn drop(&mut self) {
        // It may have ended itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl<'w> Function<'w> {
    pub(crate) async fn start(program: Program<'w>) -> Self {
        let wire = Wire::to(&program.cloud.endpoint).await;
        let (process, runtime) = running(&program, &wire).await;
        Self { program, process, runtime, wire }
    }

    /// The answer. `None`: the function was killed, and another one has started.
    pub(crate) async fn invoke(&mut self, event: Bytes, may_be_killed: bool) -> Option<Bytes> {
        let kill = if may_be_killed { Kill::choose() } else { Kill::Never };
        let (disturbance, time) = match kill {
            Kill::Never => (None, Duration::MAX),
            Kill::In(time) => (None, time),
            Kill::AtCall(disturbance) => (Some(disturbance), Duration::MAX),
        };
        self.wire.disturb(disturbance);
        let point = tokio::select! {
            answered = self.runtime.invoke(event) => return Some(answered.expect("an answer").body),
            () = tokio::time::sleep(time) => "anywhere".to_owned(),
            () = self.wire.holds() => {
                let calls = self.wire.calls();
                let Disturbance { call, fault, .. } = disturbance.expect("what holds it");
                format!("{} {}", if fault == Fault::Silent { "before" } else { "after" }, calls[call].operation)
            }
        };
        self.process.kill().expect("it runs");
        self.process.wait().expect("it has ended");
        self.program.kills.note(self.program.role, &point);
        self.wire.disturb(None);
        (self.process, self.runtime) = running(&self.program, &self.wire).await;
        None
    }
}

/// Starts the program, and waits until it asks for an event.
async fn running(program: &Program<'_>, wire: &Wire) -> (Child, Runtime) {
    loop {
        let mut runtime = Runtime::new().await.expect("a port");
        let mut process = spawn(program, wire, &runtime.address());
        if fastrand::u32(..KILLED_STARTS) == 0 {
            tokio::time::sleep(START.mul_f64(fastrand::f64())).await;
            process.kill().expect("it runs");
            process.wait().expect("it has ended");
            program.kills.note(program.role, "init");
            continue;
        }
        runtime.ready().await.unwrap_or_else(|what| panic!("{}: {what}", program.role));
        return (process, runtime);
    }
}

fn spawn(program: &Program<'_>, wire: &Wire, runtime: &str) -> Child {
    let binary = binaries().join(program.role);
    assert!(binary.exists(), "{} isn't built: cargo build --workspace --bins", binary.display());
    let log = program.task_root.join(format!("{}.log", program.role));
    let log = File::options().create(true).append(true).open(log).expect("a log");
    Command::new(binary)
        .env_clear()
        .envs(program.cloud.environment(&wire.endpoint))
        .env("AWS_LAMBDA_RUNTIME_API", runtime)
        .env("AWS_LAMBDA_FUNCTION_NAME", program.role)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/kill")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "kill")
        .env("LAMBDA_TASK_ROOT", program.task_root)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("it starts")
}

/// Cargo builds the programs beside the folder of this test.
fn binaries() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    test.ancestors().nth(2).expect("target/PROFILE").to_owned()
}
