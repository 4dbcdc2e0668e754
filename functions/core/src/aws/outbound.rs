//! Requests to servers that users name. They trust whom the calls of AWS trust, and share nothing else with them.
//!
//! Promises: only what [`Reach`] allows is connected to. The address is checked where the connection is made, so a name that
//! leads elsewhere a moment later changes nothing. The whole call is bounded in time, the answer in size. An error says whether
//! a byte of the request was written. Never: a redirect that is followed, a proxy from the environment, a header's value in an
//! error.
//!
//! Each request has a connection of its own. A pooled one that a frozen function comes back to is often closed, and then
//! nobody knows whether the request arrived.

use super::http::source;
use super::{Http, chain};
use crate::ports::{Answered, Call, CallError, HttpsCall};
use async_trait::async_trait;
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec;
use tidings_config::reach::{Reach, Target};
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

/// The time for a TCP connection, over all addresses of a name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The answer's status line and headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The answer's headers.
const MAX_HEADERS: usize = 100;

/// Headers that the connection needs, or that would say something else about it than is the case.
const OURS: [&str; 9] =
    ["connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

/// [`HttpsCall`].
#[derive(Clone)]
pub struct Outbound {
    connector: HttpsConnector<Tcp<Checked>>,
    reach: Reach,
}

impl Outbound {
    /// Reaches public addresses by `https`.
    pub fn new(http: &Http) -> Self {
        Self::reaching(http, Reach::Public, Names::System(GaiResolver::new()))
    }

    /// Reaches this machine's loopback addresses as well. For `tidings dev` and tests: deployed binaries don't have it.
    #[cfg(feature = "memory")]
    pub fn with_loopback(http: &Http) -> Self {
        Self::reaching(http, Reach::Loopback, Names::System(GaiResolver::new()))
    }

    fn reaching(http: &Http, reach: Reach, names: Names) -> Self {
        let mut tcp = Tcp::new_with_resolver(Checked { names, reach });
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(http.tls()).https_or_http().enable_http1().wrap_connector(tcp);
        Self { connector, reach }
    }

    async fn exchange(&self, call: &Call, until: Instant, written: &Arc<AtomicBool>) -> Result<Answered, CallError> {
        let target = self.reach.target(&call.url).map_err(CallError::Forbidden)?;
        let request = request(call, &target)?;
        let mut connector = self.connector.clone();
        let connected = async {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(uri(&target)?).await
        };
        let stream = in_time(until, call, connected).await?.map_err(|error| refused(error.as_ref()))?;
        let stream = Watched { stream, written: Arc::clone(written) };
        let mut settings = http1::Builder::new();
        settings.max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
        let (mut sender, connection) =
            in_time(until, call, settings.handshake(stream)).await?.map_err(|error| CallError::NotSent(chain(&error)))?;
        let mut connection = Some(Box::pin(connection));
        let answer = while_connected(&mut connection, sender.send_request(request));
        let (head, body) = match timeout_at(until, answer).await {
            Ok(Ok(answer)) => answer.into_parts(),
            Ok(Err(error)) => return Err(lost(chain(&error), written)),
            Err(_) => return Err(lost(too_late(call), written)),
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let body = read(body, &mut connection, call.at_most, until).await;
        Ok(Answered { status: head.status.as_u16(), headers, body })
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("reach", &self.reach).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpsCall for Outbound {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        let written = Arc::new(AtomicBool::new(false));
        self.exchange(call, Instant::now() + call.within, &written).await
    }
}

fn request(call: &Call, target: &Target) -> Result<Request<Full<Bytes>>, CallError> {
    let unusable = |what: &str| CallError::NotSent(what.to_owned());
    let mut request = Request::builder().method(call.method).uri(&target.path);
    request = request.header(HOST, target.authority()).header(CONNECTION, "close");
    for (name, value) in &call.headers {
        let name =
            HeaderName::try_from(name).map_err(|_| unusable("a header's name contains characters that it can't contain"))?;
        if OURS.contains(&name.as_str()) {
            return Err(CallError::NotSent(format!("the header {name} can't be set")));
        }
        let value = HeaderValue::from_str(&value.0);
        let mut value =
            value.map_err(|_| CallError::NotSent(format!("the header {name} contains characters that it can't contain")))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    request.body(Full::from(call.body.clone())).map_err(|_| unusable("the method or the path isn't valid"))
}

/// Where to connect to. The path isn't part of it.
fn uri(target: &Target) -> Result<Uri, Box<dyn Error + Send + Sync>> {
    let scheme = if target.is_https { "https" } else { "http" };
    Ok(Uri::builder().scheme(scheme).authority(target.authority()).path_and_query("/").build()?)
}

/// A step before anything is written.
async fn in_time<T>(until: Instant, call: &Call, step: impl Future<Output = T>) -> Result<T, CallError> {
    timeout_at(until, step).await.map_err(|_| CallError::NotSent(too_late(call)))
}

fn too_late(call: &Call) -> String {
    format!("no answer within {} ms", call.within.as_millis())
}

/// Why there is no connection.
fn refused(error: &(dyn Error + 'static)) -> CallError {
    match source::<NotAllowed>(error) {
        Some(not_allowed) => CallError::Forbidden(not_allowed.to_string()),
        None => CallError::NotSent(chain(error)),
    }
}

/// Why there is no answer.
fn lost(cause: String, written: &AtomicBool) -> CallError {
    if written.load(Ordering::SeqCst) { CallError::NoAnswer(cause) } else { CallError::NotSent(cause) }
}

/// Does the work while the connection does its own. There is no other task: a frozen function would leave it behind.
async fn while_connected<C: Future, T>(connection: &mut Option<Pin<Box<C>>>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let step = |context: &mut Context<'_>| {
        if connection.as_mut().is_some_and(|connection| connection.as_mut().poll(context).is_ready()) {
            *connection = None;
        }
        work.as_mut().poll(context)
    };
    poll_fn(step).await
}

/// The body as far as it comes in time, has room and isn't broken off: the status says what became of the request.
async fn read<C: Future>(mut body: Incoming, connection: &mut Option<Pin<Box<C>>>, at_most: usize, until: Instant) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < at_most {
        let Ok(Some(Ok(frame))) = timeout_at(until, while_connected(connection, body.frame())).await else { break };
        let Ok(data) = frame.into_data() else { continue };
        bytes.extend_from_slice(&data[..data.len().min(at_most - bytes.len())]);
    }
    bytes
}

/// Notes that the request was written, at least in part.
struct Watched<S> {
    stream: S,
    written: Arc<AtomicBool>,
}

impl<S: Read + Unpin> Read for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        if taken.as_ref().is_ok_and(|bytes| *bytes > 0) {
            self.written.store(true, Ordering::SeqCst);
        }
        Poll::Ready(taken)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Resolves names to allowed addresses. The connection is made to one of these, so nothing can change in between. An address
/// in the URL isn't resolved: [`Reach::target`] has checked it.
#[derive(Clone, Debug)]
struct Checked {
    names: Names,
    reach: Reach,
}

#[derive(Clone, Debug)]
enum Names {
    System(GaiResolver),
    #[cfg(test)]
    Fixed(Vec<std::net::IpAddr>),
}

/// A name has addresses, and none that is allowed. It doesn't say which, so that nobody can ask us for others' names.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the host's address isn't public")]
struct NotAllowed;

impl Service<Name> for Checked {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { names, reach } = self.clone();
        Box::pin(async move {
            let all: Vec<SocketAddr> = match names {
                Names::System(mut resolver) => resolver.call(name).await?.collect(),
                #[cfg(test)]
                Names::Fixed(addresses) => addresses.into_iter().map(|address| (address, 0).into()).collect(),
            };
            let allowed: Vec<SocketAddr> = all.iter().copied().filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() && !all.is_empty() { Err(NotAllowed.into()) } else { Ok(allowed.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    async fn called(names: Names, reach: Reach, url: &str) -> CallError {
        let call = Call {
            method: "POST",
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            within: Duration::from_secs(5),
            at_most: 10,
        };
        Outbound::reaching(&Http::default(), reach, names).call(&call).await.expect_err(url)
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
        let private: [IpAddr; 6] = [
            [127, 0, 0, 1].into(),
            [169, 254, 169, 254].into(),
            [10, 0, 0, 1].into(),
            "::1".parse().unwrap(),
            "::ffff:169.254.169.254".parse().unwrap(),
            "64:ff9b::a9fe:a9fe".parse().unwrap(),
        ];
        for address in private {
            let refused = called(Names::Fixed(vec![address]), Reach::Public, "https://rebound.example.com/").await;
            assert_eq!(refused, CallError::Forbidden("the host's address isn't public".to_owned()), "{address}");
        }
        let refused = called(Names::Fixed(private.to_vec()), Reach::Public, "https://rebound.example.com/").await;
        assert!(matches!(refused, CallError::Forbidden(_)), "{refused}");
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_not_a_private_one() {
        let refused = called(Names::Fixed(Vec::new()), Reach::Public, "https://nowhere.example.com/").await;
        assert!(matches!(refused, CallError::NotSent(_)), "{refused}");
    }

    #[tokio::test]
    async fn a_forbidden_url_is_not_resolved() {
        for url in ["http://example.com/", "https://127.0.0.1/", "https://a@example.com/", "https://[::ffff:7f00:1]/"] {
            let refused = called(Names::Fixed(vec![[8, 8, 8, 8].into()]), Reach::Public, url).await;
            assert!(matches!(refused, CallError::Forbidden(_)), "{url}: {refused}");
        }
    }
}
