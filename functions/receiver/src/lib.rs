//! request → verify → claim → enqueue → reply.
//!
//! Promises: a 2xx means that SQS has every event of the delivery. A request that can't be verified causes no AWS
//! call and learns only that it failed. Never: a body, a secret or a signature in a log or a reply; work after the
//! reply.
//!
//! `GET /health` calls nothing of AWS; `GET /ready` calls what an event needs, rarely: [`ready`].
//!
//! The flow, one file each: [`lambda`] → [`route`] → [`gate`] → [`delivery`] → `encoding` → [`secrets`] → [`remote`] →
//! [`verify`] → [`handshake`] → [`extract`] → [`accept`] → [`reply`] → `answers`. Refusals are counted, and
//! `refusals` decides which are logged.

pub mod accept;
mod answers;
mod caller;
mod capture;
pub mod delivery;
mod encoding;
pub mod extract;
pub mod gate;
pub mod handshake;
mod json;
pub mod lambda;
mod raw_body;
pub mod ready;
mod refusals;
pub mod remote;
pub mod reply;
pub mod route;
pub mod secrets;
mod status;
pub mod verify;

pub use crate::caller::Caller;
pub use crate::encoding::unpacked;
pub use crate::raw_body::RawBody;

use crate::accept::Acceptor;
use crate::delivery::{AsSent, Delivery};
use crate::encoding::Opened;
use crate::gate::{Entry, Gate, Stop, Stopped};
use crate::ready::Readiness;
use crate::refusals::Refusals;
use crate::remote::{Fetch, RemoteKeys};
use crate::reply::Reply;
use crate::route::Route;
use crate::secrets::SecretBook;
use crate::status::StatusUrls;
use crate::verify::{Keys, Rejection, VerifiedRequest};
use http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::Value;
use std::sync::Arc;
use tidings_config::handshake::Handshake;
use tidings_config::limits::RECEIVE_RESERVE;
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp, millis};
use tidings_core::claim::ClaimKey;
use tidings_core::ports::{ClaimStore, EventQueue, HandshakeSecrets, HttpsGet, Probe, SecretStore};
use tidings_core::telemetry::{self, Metric, STEP, UNKNOWN};
use tidings_core::trace::Trace;

/// The receiver with its dependencies.
#[derive(Debug)]
pub struct Receiver {
    sources: Vec<Source>,
    secrets: SecretBook,
    remote: RemoteKeys,
    https: Arc<dyn HttpsGet>,
    acceptor: Acceptor,
    gate: Gate,
    refusals: Refusals,
    readiness: Readiness,
    configuration: Option<String>,
    clock: Arc<dyn Clock>,
    signers_clock: Option<Arc<dyn Clock>>,
    status_urls: Option<StatusUrls>,
}

/// A request that gets no 2xx.
#[derive(Debug)]
pub struct Refusal {
    pub reply: Reply,
    /// The reason, which the sender doesn't learn.
    pub rejection: Option<Rejection>,
    /// Why it was stopped before it was verified, or after it because there are too many.
    pub stopped: Option<Stop>,
}

/// The response, and the reason if it isn't a 2xx.
#[derive(Debug)]
pub struct Answered {
    pub response: Response<Body>,
    pub refusal: Option<Refusal>,
    /// Whether the request is authentic, whatever was done with it.
    pub is_authentic: bool,
}

impl From<Response<Body>> for Answered {
    fn from(response: Response<Body>) -> Self {
        Self { response, refusal: None, is_authentic: false }
    }
}

impl From<Reply> for Refusal {
    fn from(reply: Reply) -> Self {
        Self { reply, rejection: None, stopped: None }
    }
}

impl From<Stopped> for Refusal {
    fn from(Stopped { why, reply }: Stopped) -> Self {
        Self { reply, rejection: None, stopped: Some(why) }
    }
}

/// The ports that the receiver needs.
#[derive(Clone, Debug)]
pub struct Ports {
    pub claims: Arc<dyn ClaimStore>,
    pub queue: Arc<dyn EventQueue>,
    pub secrets: Arc<dyn SecretStore>,
    /// `None`: handshake secrets aren't accepted.
    pub captured: Option<Arc<dyn HandshakeSecrets>>,
    pub https: Arc<dyn HttpsGet>,
    pub clock: Arc<dyn Clock>,
}

impl Receiver {
    pub fn new(sources: Vec<Source>, ports: Ports) -> Self {
        Self {
            gate: Gate::of(sources.len()),
            sources,
            secrets: SecretBook::new(ports.secrets, ports.captured, Arc::clone(&ports.clock)),
            remote: RemoteKeys::new(Arc::clone(&ports.https), Arc::clone(&ports.clock)),
            https: ports.https,
            acceptor: Acceptor::new(ports.claims, ports.queue, Arc::clone(&ports.clock)),
            refusals: Refusals::default(),
            readiness: Readiness::default(),
            configuration: None,
            clock: ports.clock,
            signers_clock: None,
            status_urls: None,
        }
    }

    /// Adds the dependencies that `GET /ready` checks, beside the secrets.
    #[must_use]
    pub fn probing(self, probes: Vec<Arc<dyn Probe>>) -> Self {
        Self { readiness: Readiness::of(probes), ..self }
    }

    /// Adds the configuration to `/health` and `/ready`: the hash of its artefact.
    #[must_use]
    pub fn configured_by(self, hash: &str) -> Self {
        Self { configuration: Some(hash.to_owned()), ..self }
    }

    /// Adds a second clock by which a signature may be fresh: for `tidings dev`, whose own clock people move ahead.
    #[must_use]
    pub fn verifying_by(self, clock: Arc<dyn Clock>) -> Self {
        Self { signers_clock: Some(clock), ..self }
    }

    /// Answers deliveries of sources with `reply: async` with the URL of their status, by the key in this secret.
    #[must_use]
    pub fn telling_status_by(self, secret: Arc<dyn SecretStore>) -> Self {
        Self { status_urls: Some(StatusUrls::new(secret)), ..self }
    }

    /// Loads the secrets before the first request. A failure is logged, and retried with the first request.
    pub async fn warm_up(&self) {
        self.secrets.load(&self.sources).await;
        if let Some(urls) = self.status_urls.as_ref().filter(|_| self.sources.iter().any(|source| source.status_url)) {
            let _ = urls.key(self.clock.now()).await;
        }
    }

    /// Answers one request. A failure is a reply as well.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        self.answer(request).await.response
    }

    /// As [`Self::handle`], with the reason, for tools.
    pub async fn answer(&self, request: Request) -> Answered {
        let answered = match Route::of(&request, &self.sources) {
            Ok(Route::Health) => Reply::Healthy.with(&self.about()).into(),
            Ok(Route::Ready) => self.readiness.answer(&self.secrets, &self.sources, self.about(), self.clock.now()).await.into(),
            Ok(Route::Webhook(source)) => self.receive(source, request).await,
            Err(reply) => {
                Metric::Refused.count_as(UNKNOWN, reply.reason());
                Answered { response: reply.into_response(), refusal: Some(reply.into()), is_authentic: false }
            }
        };
        telemetry::flush(self.clock.now());
        answered
    }

    /// Public facts about this receiver.
    fn about(&self) -> Vec<(&'static str, Value)> {
        let version = ("version", Value::from(env!("CARGO_PKG_VERSION")));
        std::iter::once(version).chain(self.configuration.iter().map(|hash| ("configuration", hash.as_str().into()))).collect()
    }

    /// Answers an event that isn't a request.
    fn refuse(&self, reply: Reply) -> Response<Body> {
        Metric::Refused.count_as(UNKNOWN, reply.reason());
        telemetry::flush(self.clock.now());
        reply.into_response()
    }

    async fn receive(&self, source: &Source, mut request: Request) -> Answered {
        let received = self.clock.now();
        let trace = request.lambda_context_ref().and_then(|context| Trace::parse(context.xray_trace_id.as_deref()?));
        let until = request.lambda_context_ref().map(until);
        let mut is_authentic = false;
        let answered = async {
            let entry = self.enter(source, &mut request, received)?;
            Metric::Received.count(&source.name);
            let opened = Opened::of(Delivery::read(request)?)?;
            let delivery = opened.content();
            if let Some(handshake) = handshake::find(source, delivery, false) {
                return Ok(self.shake(handshake, source, delivery).await?);
            }
            if delivery.method != "POST" {
                return Err(Reply::MethodNotAllowed { allow: "POST" }.into());
            }
            delivery.expect_type(source)?;
            let verified = self.verify(source, &opened).await?;
            is_authentic = true;
            if source.expect_every.is_some() {
                Metric::Heard.count(&source.name);
            }
            if let Some(entry) = &entry {
                self.gate.verified(entry, received)?;
            }
            if let Some(handshake) = handshake::find(source, delivery, true) {
                return Ok(self.shake(handshake, source, delivery).await?);
            }
            let document = extract::read(&verified);
            let events = document.events(received)?;
            let asynchronous = self.status_urls.as_ref().filter(|_| source.status_url);
            let keys: Vec<ClaimKey> = match asynchronous {
                Some(_) => events.iter().map(|event| event.envelope().claimkey.clone()).collect(),
                None => Vec::new(),
            };
            let reply = self.acceptor.accept(source, events, delivery, received, trace.as_ref(), until).await?;
            let mut response = answers::success(reply, &document);
            if let (Some(urls), Reply::Accepted | Reply::Duplicate) = (asynchronous, reply) {
                // A duplicate has the URL of the first delivery.
                *response.status_mut() = StatusCode::ACCEPTED;
                urls.add(&mut response, &keys, received).await;
            }
            Ok(response)
        };
        let answered = answered.await.map(Answered::from).unwrap_or_else(|refusal: Refusal| {
            self.log(source, &refusal, received, trace.as_ref());
            let response = answers::refusal(refusal.reply, source.refusal.as_ref());
            Answered { response, refusal: Some(refusal), is_authentic: false }
        });
        Answered { is_authentic, ..answered }
    }

    /// Lets a request in, if its source checks anything before it verifies. `None`: it doesn't.
    fn enter<'a>(&self, source: &'a Source, request: &mut Request, now: Timestamp) -> Result<Option<Entry<'a>>, Stopped> {
        let Some(edge) = source.edge.as_deref() else { return Ok(None) };
        let (place, caller) = (self.place(source), AsSent::caller(request));
        self.gate.tell_due(source, place, now);
        self.gate.enter(edge, place, caller, request.headers_mut(), now).map(Some)
    }

    /// The place of one of the sources among them.
    fn place(&self, source: &Source) -> usize {
        self.sources.iter().position(|one| std::ptr::eq(one, source)).unwrap_or(self.sources.len())
    }

    /// Counts every refusal, and logs as many as the flood limit allows.
    fn log(&self, source: &Source, refusal: &Refusal, received: Timestamp, trace: Option<&Trace>) {
        let Refusal { reply, rejection, stopped } = refusal;
        if let Some(why) = stopped {
            return self.gate.count(source, self.place(source), *why, received);
        }
        Metric::Refused.count_as(&source.name, rejection.as_ref().map_or_else(|| reply.reason(), Rejection::code));
        let reason = rejection.as_ref().map_or_else(|| reply.reason().to_owned(), ToString::to_string);
        tracing::debug!(target: STEP, step = "refused", source = source.name, reason);
        let now = self.clock.now();
        if let Some(unlogged) = self.refusals.admit(now) {
            let (outcome, status, duration_ms) = (reply.code(), reply.status().as_u16(), millis(now.since(received)));
            let trace_id = trace.map(Trace::id);
            tracing::info!(source = source.name, outcome, reason, status, duration_ms, unlogged, trace_id, "refused");
        }
    }

    async fn shake(&self, handshake: &Handshake, source: &Source, delivery: &Delivery) -> Result<Response<Body>, Reply> {
        let keys = if handshake.needs_secrets() { self.secrets.keys(&self.sources, source).await } else { None };
        let response = handshake::answer(handshake, source, delivery, keys.as_deref(), &self.secrets)?;
        if let Some(confirm) = &handshake.confirm {
            handshake::confirm(confirm, source, delivery, keys.as_deref(), &*self.https).await?;
        }
        if let Some(place) = &handshake.capture {
            let secret = handshake::captured(place, delivery)?;
            self.secrets.capture(&self.sources, source, delivery.query_parameter(capture::PARAMETER), secret).await?;
        }
        tracing::info!(source = source.name, outcome = "handshake", status = response.status().as_u16(), "answered");
        tracing::debug!(target: STEP, step = "handshake", source = source.name);
        Ok(response)
    }

    /// Verifies with the present secrets and keys, and again if newer ones could be fetched.
    async fn verify<'a>(&self, source: &'a Source, delivery: &'a Opened) -> Result<VerifiedRequest<'a>, Refusal> {
        let mut verified = self.try_verify(source, delivery).await?;
        if let Err(Rejection::KeyNeeded(needed)) = &verified {
            match self.remote.fetch(source, needed).await {
                Fetch::Done => verified = self.try_verify(source, delivery).await?,
                Fetch::NoSuchKey => {}
                Fetch::Unavailable => return Err(Reply::NoKey.into()),
            }
        } else if matches!(verified, Err(Rejection::Mismatch)) && self.secrets.refresh_on_mismatch(&self.sources).await {
            verified = self.try_verify(source, delivery).await?;
        }
        if matches!(verified, Err(Rejection::Mismatch)) && self.secrets.may_lack(source) {
            return Err(Reply::NoSecret.into());
        }
        Metric::Unauthentic.share(&source.name, verified.is_err());
        match verified {
            Ok(verified) => {
                let index = verified.secret_index();
                if index > 0 {
                    Metric::SecretAgeIndex.record(&source.name, index as u64);
                }
                tracing::debug!(target: STEP, step = "verified", source = source.name, secret = index);
                Ok(verified)
            }
            Err(rejection) => Err(Refusal { reply: Reply::Unauthentic, rejection: Some(rejection), stopped: None }),
        }
    }

    async fn try_verify<'a>(
        &self,
        source: &'a Source,
        delivery: &'a Opened,
    ) -> Result<Result<VerifiedRequest<'a>, Rejection>, Reply> {
        let secrets = self.secrets.keys(&self.sources, source).await.ok_or(Reply::NoSecret)?;
        let public = self.remote.of(source).await;
        let keys = Keys { secrets: &secrets, public: &public };
        let mut rejection = Rejection::Mismatch;
        // Tried in reverse order, so that the rejection of the likelier candidate is reported.
        for clock in self.signers_clock.iter().chain([&self.clock]) {
            for signed in delivery.signed(source.signed_body).into_iter().rev() {
                match verify::verify(source, keys, signed, clock.now()) {
                    Ok(verified) => return Ok(Ok(verified.holding(delivery.inside()))),
                    Err(why) => rejection = why,
                }
            }
        }
        Ok(Err(rejection))
    }
}

/// The time until which events may be claimed. After that the function must respond.
fn until(context: &lambda_http::Context) -> Timestamp {
    let ends = Timestamp::from_unix_ms(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    ends.minus(RECEIVE_RESERVE)
}
