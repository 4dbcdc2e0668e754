//! A program as Lambda starts it: the environment that the template and the platform set, and nothing else.

use crate::aws::Aws;
use crate::cases::Case;
use crate::failure::Failure;
use crate::programs::{Language, Program};
use crate::tls::Tls;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidings_lambda::runtime::{Answered, Runtime};
use tidings_lambda::serve::{Port, serve};

/// Lines of a program's log that are shown when it fails.
const LOG_LINES: usize = 10;
/// Of each of them.
const LINE_CHARACTERS: usize = 500;

/// What all programs of a run share.
#[derive(Debug)]
pub(crate) struct World {
    folder: PathBuf,
    tls: Option<Tls>,
    /// What counts our functions' allocations.
    counter: Option<PathBuf>,
}

impl World {
    pub(crate) fn new(folder: &Path, tls: bool, counter: Option<&Path>) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
        let folder = fs::canonicalize(folder).map_err(|error| Failure::file(folder, error))?;
        let tls = if tls { Some(Tls::new(&folder)?) } else { None };
        let counter = counter.map(|library| fs::canonicalize(library).map_err(|error| Failure::file(library, error)));
        Ok(Self { folder, tls, counter: counter.transpose()? })
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A program that runs. It is killed when this is dropped.
pub(crate) struct Child<'p> {
    pub(crate) program: &'p Program,
    process: std::process::Child,
    runtime: Runtime,
    pub(crate) aws: Arc<Aws>,
    /// DynamoDB, SQS and Secrets Manager: an address each, so that a program has connections of its own to each of them.
    _ports: [Port; 3],
    log: PathBuf,
    /// Where its allocations are counted.
    allocations: PathBuf,
    /// From starting the process to its first `/next`.
    pub(crate) init: Duration,
    events: u64,
}

impl Drop for Child<'_> {
    fn drop(&mut self) {
        // It may have ended itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl<'p> Child<'p> {
    /// Starts a program and waits for its first `/next`. What stands in `before` goes before its command.
    pub(crate) async fn start(world: &World, program: &'p Program, before: &[OsString]) -> Result<Self, Failure> {
        let aws = Arc::new(Aws::default());
        let tls = || world.tls.as_ref().map(|tls| tls.acceptor.clone());
        let ports =
            [serve(Arc::clone(&aws), tls()).await?, serve(Arc::clone(&aws), tls()).await?, serve(Arc::clone(&aws), tls()).await?];
        let mut runtime = Runtime::new().await?;
        let log = world.file(&format!("{}-{}.log", program.name.replace(' ', "-"), program.role.as_str()));
        let output = File::create(&log).map_err(|error| Failure::file(&log, error))?;
        let errors = output.try_clone()?;
        let allocations = log.with_extension("allocations");
        fs::write(&allocations, 0_u64.to_ne_bytes()).map_err(|error| Failure::file(&allocations, error))?;
        let command: Vec<&OsString> = before.iter().chain(&program.command).collect();
        let started = Instant::now();
        let process = Command::new(command[0])
            .args(&command[1..])
            .env_clear()
            .envs(environment(world, program, &runtime, &ports))
            .envs(if before.is_empty() { counting(world, program, &allocations) } else { Vec::new() })
            .current_dir(&program.task_root)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| Failure::file(Path::new(command[0]), error))?;
        let ready = runtime.ready().await;
        let mut child = Self { program, process, runtime, aws, _ports: ports, log, allocations, init: Duration::ZERO, events: 0 };
        child.init = ready.map_err(|what| child.failure(&what))? - started;
        Ok(child)
    }

    /// One event of a case, and its answer, which is as expected.
    pub(crate) async fn invoke(&mut self, case: &Case) -> Result<Answered, Failure> {
        self.aws.set_known(case.known());
        self.events += 1;
        let answered = self.runtime.invoke(case.event(self.events)).await.map_err(|what| self.failure(&what))?;
        case.expect(self.program, &answered.body).map_err(|what| self.failure(&what))?;
        if let Some(problem) = self.aws.problems().first() {
            return Err(self.failure(problem));
        }
        Ok(answered)
    }

    fn failure(&self, what: &str) -> Failure {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].iter();
        let log = last.map(|line| shortened(line)).collect::<Vec<_>>().join("\n");
        Failure::Program { program: self.program.title(), what: shortened(what), log }
    }

    /// Time on a processor of all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.process.id()));
        let mut total = 0;
        for task in fs::read_dir(&tasks).map_err(|error| Failure::file(&tasks, error))? {
            let path = task?.path().join("schedstat");
            // A thread that has ended since is missed; none of the programs' do.
            let Ok(said) = fs::read_to_string(&path) else { continue };
            total += said.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(Duration::from_nanos(total))
    }

    /// The most memory that it ever had.
    pub(crate) fn peak_rss(&self) -> Result<u64, Failure> {
        let path = PathBuf::from(format!("/proc/{}/status", self.process.id()));
        let status = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak.map(|kib| kib * 1024).ok_or_else(|| Failure::Other(format!("{} has no VmHWM", path.display())))
    }

    /// Allocations so far.
    pub(crate) fn allocations(&self) -> Result<u64, Failure> {
        let said = fs::read(&self.allocations).map_err(|error| Failure::file(&self.allocations, error))?;
        let number = said.try_into().map(u64::from_ne_bytes).unwrap_or_default();
        if number == 0 { Err(self.failure("no allocation was counted; --allocations names the library")) } else { Ok(number) }
    }

    /// Bytes that it has written to its log.
    pub(crate) fn log_bytes(&self) -> u64 {
        fs::metadata(&self.log).map(|file| file.len()).unwrap_or_default()
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn terminate(mut self) -> Result<(), Failure> {
        Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status()?;
        self.process.wait()?;
        Ok(())
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LINE_CHARACTERS).collect()
}

/// The counter of allocations, for our functions alone.
fn counting(world: &World, program: &Program, file: &Path) -> Vec<(&'static str, OsString)> {
    match (&world.counter, program.language) {
        (Some(library), Language::Tidings) => vec![("LD_PRELOAD", library.into()), ("ALLOCATIONS", file.into())],
        (_, Language::Hello | Language::Tidings | Language::Python | Language::Node) => Vec::new(),
    }
}

fn environment(world: &World, program: &Program, runtime: &Runtime, ports: &[Port; 3]) -> BTreeMap<&'static str, OsString> {
    let scheme = if world.has_tls() { "https" } else { "http" };
    let [dynamodb, sqs, secrets] = ports.each_ref().map(|port| format!("{scheme}://localhost:{}", port.address.port()));
    let mut environment: BTreeMap<&'static str, OsString> = BTreeMap::new();
    let mut set = |pairs: &[(&'static str, &str)]| environment.extend(pairs.iter().map(|(name, value)| (*name, value.into())));
    // The platform's.
    set(&[
        ("AWS_LAMBDA_RUNTIME_API", &runtime.address()),
        ("AWS_LAMBDA_FUNCTION_NAME", "tidings-bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/tidings-bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/20/[1]0f1e2d3c4b5a"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_SESSION_TOKEN", &"EXAMPLE/session+token/".repeat(32)),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ]);
    // The template's.
    set(&[
        ("CLAIMS_TABLE", "tidings-claims"),
        ("CONTEXT_TABLE", "tidings-context"),
        ("TIMERS_TABLE", "tidings-timers"),
        ("EVENTS_QUEUE_URL", &format!("{sqs}/123456789012/tidings-events")),
        ("ACTIONS_QUEUE_URL", &format!("{sqs}/123456789012/tidings-actions.fifo")),
        ("LINKS_QUEUE_ARN", "arn:aws:sqs:eu-central-1:123456789012:tidings-links"),
        ("SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tidings-AbCdEf"),
        ("KEEP_EVENTS", "false"),
        ("MAX_RECEIVE_COUNT", "5"),
        ("METRICS_NAMESPACE", "Tidings/tidings"),
        ("RUST_LOG", "info"),
        ("AWS_NEW_RETRIES_2026", "true"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb),
        ("AWS_ENDPOINT_URL_SQS", &sqs),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets),
    ]);
    match program.language {
        Language::Hello | Language::Tidings => {}
        Language::Python => set(&[("POWERTOOLS_METRICS_NAMESPACE", "Tidings"), ("POWERTOOLS_LOG_LEVEL", "INFO")]),
        // The SDK for JavaScript says so once for each process, to stderr, on Node 20.
        Language::Node => {
            set(&[("POWERTOOLS_METRICS_NAMESPACE", "Tidings"), ("POWERTOOLS_LOG_LEVEL", "INFO"), ("NODE_NO_WARNINGS", "1")])
        }
    }
    environment.insert("LAMBDA_TASK_ROOT", program.task_root.clone().into());
    environment.insert("HOME", world.folder.clone().into());
    environment.extend(std::env::var_os("PATH").map(|path| ("PATH", path)));
    if let Some(tls) = &world.tls {
        // Rust's functions and Node have the public authorities compiled in, and add ours. boto3 has the bundle instead of its own.
        let (name, file) = match program.language {
            Language::Hello | Language::Tidings => ("AWS_CA_BUNDLE", &tls.authority),
            Language::Python => ("AWS_CA_BUNDLE", &tls.bundle),
            Language::Node => ("NODE_EXTRA_CA_CERTS", &tls.authority),
        };
        environment.insert(name, file.clone().into());
    }
    environment
}
