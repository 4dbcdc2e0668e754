//! What is between a function and AWS: an endpoint in front of the embedded cloud that disturbs the attempts of one call.

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::http::response::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Later than an attempt waits, and sooner than the test ends.
const NEVER: Duration = Duration::from_secs(30);
/// An answer that is late, and that an attempt still waits for.
const SLOW: Duration = Duration::from_millis(400);

/// What happens to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// AWS takes no more calls for a moment.
    Throttled,
    /// AWS fails, before it has done anything.
    Failed,
    /// AWS fails after it has done what it was asked.
    FailedAfter,
    /// The request is lost.
    Silent,
    /// The answer is lost.
    SilentAfter,
    /// The connection is reset before the request arrives.
    Reset,
    /// The connection is reset before the answer arrives.
    ResetAfter,
    /// The answer is late.
    Slow,
    /// The answer's head arrives, and the body doesn't.
    Stalled,
    /// Something in between answers, with a page and status 200. The request never arrives.
    Malformed,
    /// The answer is a page; the request has arrived.
    MalformedAfter,
    /// The answer ends in the middle.
    Cut,
}

impl Fault {
    pub const ALL: [Self; 12] = [
        Self::Throttled,
        Self::Failed,
        Self::FailedAfter,
        Self::Silent,
        Self::SilentAfter,
        Self::Reset,
        Self::ResetAfter,
        Self::Slow,
        Self::Stalled,
        Self::Malformed,
        Self::MalformedAfter,
        Self::Cut,
    ];

    /// Whether AWS does what it is asked.
    fn has_effect(self) -> bool {
        match self {
            Self::Throttled | Self::Failed | Self::Silent | Self::Reset | Self::Malformed => false,
            Self::FailedAfter
            | Self::SilentAfter
            | Self::ResetAfter
            | Self::Slow
            | Self::Stalled
            | Self::MalformedAfter
            | Self::Cut => true,
        }
    }

    /// Whether the SDK tries again after it: a page that isn't AWS's is no error that it knows.
    pub fn is_retried(self) -> bool {
        !matches!(self, Self::Malformed | Self::MalformedAfter)
    }
}

/// Which attempts are disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The first attempt of the call.
    FirstAttempt,
    /// Every attempt of the call.
    Call,
    /// The call and all that come after it.
    Outage,
}

impl Extent {
    pub const ALL: [Self; 3] = [Self::FirstAttempt, Self::Call, Self::Outage];
}

/// Calls are numbered in the order of their first attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disturbance {
    pub call: usize,
    pub fault: Fault,
    pub extent: Extent,
}

/// A call that was seen: all attempts have one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    id: String,
    /// As in `x-amz-target`.
    pub operation: String,
    pub attempts: usize,
}

#[derive(Debug, Default)]
struct Seen {
    disturbance: Option<Disturbance>,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct State {
    cloud: String,
    client: Client<HttpConnector, Full<Bytes>>,
    seen: Mutex<Seen>,
    /// An attempt is held; AWS has done what it was asked if the fault says so.
    held: Notify,
}

/// The connection ends here.
#[derive(Debug, thiserror::Error)]
#[error("the connection is ended on purpose")]
struct Ended;

type Body = UnsyncBoxBody<Bytes, Ended>;

#[derive(Debug)]
pub struct Wire {
    pub endpoint: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Wire {
    /// In front of the cloud at this endpoint.
    pub async fn to(cloud: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let state = Arc::new(State { cloud: cloud.to_owned(), client, seen: Mutex::default(), held: Notify::new() });
        let of_connections = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // What ends early ends with a reset.
                stream.set_zero_linger().expect("a connection");
                let state = Arc::clone(&of_connections);
                let answer = service_fn(move |request| respond(Arc::clone(&state), request));
                tokio::spawn(async move { drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await) });
            }
        });
        Self { endpoint, state, accepting }
    }

    /// Disturbs from now on, and counts calls from 0.
    pub fn disturb(&self, disturbance: Option<Disturbance>) {
        *self.state.seen.lock().unwrap() = Seen { disturbance, calls: Vec::new() };
    }

    /// Waits until an attempt is [`Fault::Silent`], or [`Fault::SilentAfter`].
    pub async fn holds(&self) {
        self.state.held.notified().await;
    }

    /// The calls since then.
    pub fn calls(&self) -> Vec<Call> {
        self.state.seen.lock().unwrap().calls.clone()
    }
}

impl State {
    /// Counts an attempt, and says what happens to it.
    fn meets(&self, headers: &HeaderMap) -> Option<Fault> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).expect("a header of every SDK call");
        let (id, target) = (text("amz-sdk-invocation-id"), text("x-amz-target"));
        let mut seen = self.seen.lock().unwrap();
        let number = seen.calls.iter().position(|call| call.id == id).unwrap_or_else(|| {
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            seen.calls.push(Call { id: id.to_owned(), operation, attempts: 0 });
            seen.calls.len() - 1
        });
        seen.calls[number].attempts += 1;
        let attempt = seen.calls[number].attempts;
        let Disturbance { call, fault, extent } = seen.disturbance?;
        let meets = match extent {
            Extent::FirstAttempt => number == call && attempt == 1,
            Extent::Call => number == call,
            Extent::Outage => number >= call,
        };
        meets.then_some(fault)
    }

    async fn forward(&self, head: hyper::http::request::Parts, body: Bytes) -> Answer {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::new(Full::new(body));
        *request.uri_mut() = format!("{}{path}", self.cloud).parse().expect("an address");
        *request.method_mut() = head.method;
        *request.headers_mut() = head.headers;
        request.headers_mut().remove(HOST);
        let answer = self.client.request(request).await.expect("the embedded cloud answers");
        let (head, body) = answer.into_parts();
        Answer { head, body: body.collect().await.expect("a whole answer").to_bytes() }
    }
}

struct Answer {
    head: Parts,
    body: Bytes,
}

impl Answer {
    fn of(status: StatusCode, content_type: &str, body: &str) -> Self {
        let head = Response::builder().status(status).header("content-type", content_type);
        let (head, ()) = head.body(()).expect("an answer").into_parts();
        Self { head, body: Bytes::from(body.to_owned()) }
    }

    /// As AWS's JSON protocols say it.
    fn error(status: StatusCode, code: &str) -> Self {
        let body = format!(r#"{{"__type":"com.amazonaws#{code}","message":"said on purpose"}}"#);
        Self::of(status, "application/x-amz-json-1.0", &body)
    }

    fn whole(self) -> Response<Body> {
        self.then(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync())
    }

    /// Half of it, and then what `rest` does: the head has announced all of it.
    fn half(self, rest: impl Future<Output = Result<Frame<Bytes>, Ended>> + Send + 'static) -> Response<Body> {
        self.then(|body| {
            let half = body.slice(..body.len() / 2);
            let frames = futures::stream::once(async move { Ok(Frame::data(half)) });
            let frames = futures::StreamExt::chain(frames, futures::stream::once(rest));
            StreamBody::new(frames).boxed_unsync()
        })
    }

    fn then(mut self, body: impl FnOnce(Bytes) -> Body) -> Response<Body> {
        self.head.headers.remove(TRANSFER_ENCODING);
        self.head.headers.insert(CONTENT_LENGTH, self.body.len().into());
        Response::from_parts(self.head, body(self.body))
    }
}

const PAGE: &str = "<html><body><h1>Please log in to the network</h1></body></html>";

async fn respond(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Ended> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Ended)?.to_bytes();
    let Some(fault) = state.meets(&head.headers) else { return Ok(state.forward(head, body).await.whole()) };
    let answer = if fault.has_effect() { Some(state.forward(head, body).await) } else { None };
    let page = || Answer::of(StatusCode::OK, "text/html", PAGE).whole();
    let failed = || Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError").whole();
    match (fault, answer) {
        (Fault::Throttled, _) => Ok(Answer::error(StatusCode::BAD_REQUEST, "ThrottlingException").whole()),
        (Fault::Failed | Fault::FailedAfter, _) => Ok(failed()),
        (Fault::Silent | Fault::SilentAfter, _) => {
            state.held.notify_one();
            tokio::time::sleep(NEVER).await;
            Err(Ended)
        }
        (Fault::Slow, Some(answer)) => {
            tokio::time::sleep(SLOW).await;
            Ok(answer.whole())
        }
        (Fault::Stalled, Some(answer)) => Ok(answer.half(async {
            tokio::time::sleep(NEVER).await;
            Err(Ended)
        })),
        (Fault::Cut, Some(answer)) => Ok(answer.half(async { Err(Ended) })),
        (Fault::Malformed | Fault::MalformedAfter, _) => Ok(page()),
        (Fault::Reset | Fault::ResetAfter | Fault::Slow | Fault::Stalled | Fault::Cut, _) => Err(Ended),
    }
}
