//! Lambda's runtime API for one program: it asks for the next event, and answers it.

use crate::serve::{Answer, Port, Service, serve};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, Response, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// Until a program has started or answered. Under valgrind both take their time.
const PATIENCE: Duration = Duration::from_secs(120);
/// The functions' timeout, as the template sets the receiver's and the processor's.
const TIMEOUT: Duration = Duration::from_secs(30);
const PREFIX: &str = "/2018-06-01/runtime/";
pub const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:tidings-bench";

/// What a program did.
enum Seen {
    /// It asks for an event.
    Asked(Instant),
    /// It was given one.
    Handed(Instant),
    Answered {
        at: Instant,
        body: Bytes,
    },
    /// It says that it failed.
    Failed(String),
}

struct Invocation {
    id: String,
    event: Bytes,
}

struct Api {
    invocations: Mutex<mpsc::Receiver<Invocation>>,
    seen: mpsc::UnboundedSender<Seen>,
}

/// The side of the harness.
#[derive(Debug)]
pub struct Runtime {
    port: Port,
    invocations: mpsc::Sender<Invocation>,
    seen: mpsc::UnboundedReceiver<Seen>,
    number: u64,
}

/// An event's answer, and the time from handing the event out to having the answer.
#[derive(Debug)]
pub struct Answered {
    pub took: Duration,
    pub body: Bytes,
}

impl Runtime {
    pub async fn new() -> std::io::Result<Self> {
        let (invocations, next) = mpsc::channel(1);
        let (sender, seen) = mpsc::unbounded_channel();
        let port = serve(Arc::new(Api { invocations: Mutex::new(next), seen: sender }), None).await?;
        Ok(Self { port, invocations, seen, number: 0 })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.port.address.to_string()
    }

    /// When the program asked for its first event: the end of INIT.
    pub async fn ready(&mut self) -> Result<Instant, String> {
        match self.next().await? {
            Seen::Asked(at) => Ok(at),
            Seen::Handed(_) | Seen::Answered { .. } => Err("it answered before it was asked".to_owned()),
            Seen::Failed(what) => Err(what),
        }
    }

    /// Hands an event out, and waits until it is answered and the program asks for the next one: then it has nothing more to do.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Answered, String> {
        self.number += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012x}", self.number);
        self.invocations.send(Invocation { id, event }).await.map_err(|_| "it asks for nothing".to_owned())?;
        let (mut handed, mut answered) = (None, None);
        loop {
            match self.next().await? {
                Seen::Handed(at) => handed = Some(at),
                Seen::Answered { at, body } => answered = handed.map(|handed| Answered { took: at - handed, body }),
                Seen::Failed(what) => return Err(what),
                Seen::Asked(_) => return answered.ok_or_else(|| "it asked again without an answer".to_owned()),
            }
        }
    }

    async fn next(&mut self) -> Result<Seen, String> {
        match timeout(PATIENCE, self.seen.recv()).await {
            Ok(Some(seen)) => Ok(seen),
            Ok(None) => Err("its runtime API is gone".to_owned()),
            Err(_) => Err(format!("nothing came of it in {} s", PATIENCE.as_secs())),
        }
    }
}

impl Api {
    fn note(&self, seen: Seen) {
        // The harness may have ended.
        drop(self.seen.send(seen));
    }

    async fn next(&self) -> Answer {
        self.note(Seen::Asked(Instant::now()));
        let Some(Invocation { id, event }) = self.invocations.lock().await.recv().await else {
            return status(StatusCode::GONE);
        };
        let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + TIMEOUT;
        let trace = format!("Root=1-5bef4de7-{};Parent=dc5b5c7f3a1f2b40;Sampled=0", &id.replace('-', "")[8..]);
        let answer = Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", &id)
            .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", ARN)
            .header("Lambda-Runtime-Trace-Id", trace)
            .body(Full::new(event));
        self.note(Seen::Handed(Instant::now()));
        answer.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

impl Service for Api {
    async fn answer(&self, request: Request<Bytes>) -> Answer {
        let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let end = path.rsplit('/').next().unwrap_or_default();
        match (request.method(), end) {
            (&Method::GET, "next") => self.next().await,
            (&Method::POST, "response") => {
                self.note(Seen::Answered { at: Instant::now(), body: request.into_body() });
                status(StatusCode::ACCEPTED)
            }
            (&Method::POST, "error") => {
                self.note(Seen::Failed(String::from_utf8_lossy(request.body()).into_owned()));
                status(StatusCode::ACCEPTED)
            }
            _ => status(StatusCode::NOT_FOUND),
        }
    }
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
