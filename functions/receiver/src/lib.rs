//! request → verify → claim → enqueue → reply.
//!
//! Promises: a 2xx means that SQS has every event of the delivery. A request that can't be verified causes no AWS
//! call and learns only that it failed. Never: a body, a secret or a signature in a log or a reply; work after the
//! reply.
//!
//! `GET /health` calls nothing of AWS; `GET /ready` calls what an event needs, rarely: [`ready`].
//!
//! The flow, one file each: [`lambda`] → [`route`] → [`delivery`] → `encoding` → [`secrets`] or [`tenants`] → [`remote`] →
//! [`verify`] → [`handshake`] → [`extract`] → [`accept`] → [`reply`] → `answers`. Refusals are counted, and
//! `refusals` decides which are logged.

pub mod accept;
mod answers;
mod capture;
pub mod delivery;
mod encoding;
pub mod extract;
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
pub mod tenants;
pub mod verify;

pub use crate::encoding::unpacked;
pub use crate::raw_body::RawBody;

use crate::accept::Acceptor;
use crate::delivery::Delivery;
use crate::encoding::Opened;
use crate::ready::Readiness;
use crate::refusals::Refusals;
use crate::remote::{Fetch, RemoteKeys};
use crate::reply::Reply;
use crate::route::{Addressed, Route};
use crate::secrets::SecretBook;
use crate::status::StatusUrls;
use crate::tenants::{Seen, TenantBook};
use crate::verify::{Key, Keys, Rejection, VerifiedRequest};
use http::StatusCode;
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::Value;
use std::sync::Arc;
use tidings_config::handshake::Handshake;
use tidings_config::limits::RECEIVE_RESERVE;
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_config::time::{Clock, Timestamp, millis};
use tidings_core::claim::ClaimKey;
use tidings_core::ports::{ClaimStore, EventQueue, HandshakeSecrets, HttpsGet, Probe, SecretStore, TenantReader};
use tidings_core::telemetry::{self, Metric, STEP, UNKNOWN};
use tidings_core::tenant::TenantKey;
use tidings_core::trace::Trace;

/// The receiver with its dependencies.
#[derive(Debug)]
pub struct Receiver {
    sources: Vec<Source>,
    secrets: SecretBook,
    tenants: TenantBook,
    remote: RemoteKeys,
    https: Arc<dyn HttpsGet>,
    acceptor: Acceptor,
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
        Self { reply, rejection: None }
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
            sources,
            secrets: SecretBook::new(ports.secrets, ports.captured, Arc::clone(&ports.clock)),
            tenants: TenantBook::new(None, Arc::clone(&ports.clock)),
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

    /// Takes requests of tenants, whose secrets are in this table.
    #[must_use]
    pub fn with_tenants(self, table: Arc<dyn TenantReader>) -> Self {
        let tenants = TenantBook::new(Some(table), Arc::clone(&self.clock));
        Self { tenants, ..self }
    }

    /// The tenants as last read.
    pub fn tenants(&self) -> &TenantBook {
        &self.tenants
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
            Ok(Route::Webhook(source, addressed)) => self.receive(source, &addressed, request).await,
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

    async fn receive(&self, source: &Source, addressed: &Addressed, request: Request) -> Answered {
        let received = self.clock.now();
        Metric::Received.count(&source.name);
        let trace = request.lambda_context_ref().and_then(|context| Trace::parse(context.xray_trace_id.as_deref()?));
        let until = request.lambda_context_ref().map(until);
        let mut is_authentic = false;
        let answered = async {
            let opened = Opened::of(Delivery::read(request)?)?;
            let delivery = opened.content();
            if let Some(handshake) = handshake::find(source, delivery, false) {
                return self.shake(handshake, source, addressed, delivery).await;
            }
            if delivery.method != "POST" {
                return Err(Reply::MethodNotAllowed { allow: "POST" }.into());
            }
            delivery.expect_type(source)?;
            let verified = self.verify(source, addressed, &opened).await?;
            is_authentic = true;
            if source.expect_every.is_some() {
                Metric::Heard.count(&source.name);
            }
            if let Some(handshake) = handshake::find(source, delivery, true) {
                return self.shake(handshake, source, addressed, delivery).await;
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
            self.log(source, addressed, &refusal, received, trace.as_ref());
            let response = answers::refusal(refusal.reply, source.refusal.as_ref());
            Answered { response, refusal: Some(refusal), is_authentic: false }
        });
        Answered { is_authentic, ..answered }
    }

    /// Counts every refusal, and logs as many as the flood limit allows.
    fn log(&self, source: &Source, addressed: &Addressed, refusal: &Refusal, received: Timestamp, trace: Option<&Trace>) {
        let Refusal { reply, rejection } = refusal;
        Metric::Refused.count_as(&source.name, rejection.as_ref().map_or_else(|| reply.reason(), Rejection::code));
        let reason = rejection.as_ref().map_or_else(|| reply.reason().to_owned(), ToString::to_string);
        tracing::debug!(target: STEP, step = "refused", source = source.name, reason);
        let now = self.clock.now();
        if let Some(unlogged) = self.refusals.admit(now) {
            let (outcome, status, duration_ms) = (reply.code(), reply.status().as_u16(), millis(now.since(received)));
            let (trace_id, tenant) = (trace.map(Trace::id), addressed.tenant().map(TenantName::as_str));
            tracing::info!(source = source.name, tenant, outcome, reason, status, duration_ms, unlogged, trace_id, "refused");
        }
    }

    async fn shake(
        &self,
        handshake: &Handshake,
        source: &Source,
        addressed: &Addressed,
        delivery: &Delivery,
    ) -> Result<Response<Body>, Refusal> {
        let keys = match (handshake.needs_secrets(), addressed) {
            (false, _) => None,
            (true, Addressed::Source) => self.secrets.keys(&self.sources, source).await,
            (true, Addressed::Tenant(_) | Addressed::NoTenant) => {
                if handshake.verify_token.is_some() {
                    // The agreed token is the source's, and all its tenants have it.
                    self.secrets.load_if_due(&self.sources).await;
                }
                if handshake.needs_keys() { Some(self.keys_of_tenant(source, addressed).await?) } else { None }
            }
        };
        let response = handshake::answer(handshake, source, delivery, keys.as_deref(), &self.secrets)?;
        if let Some(confirm) = &handshake.confirm {
            handshake::confirm(confirm, source, delivery, keys.as_deref(), &*self.https).await?;
        }
        if let Some(place) = &handshake.capture {
            let secret = handshake::captured(place, delivery)?;
            self.secrets.capture(&self.sources, source, delivery.query_parameter(capture::PARAMETER), secret).await?;
        }
        let tenant = addressed.tenant().map(TenantName::as_str);
        tracing::info!(source = source.name, tenant, outcome = "handshake", status = response.status().as_u16(), "answered");
        tracing::debug!(target: STEP, step = "handshake", source = source.name);
        Ok(response)
    }

    /// Verifies with the present secrets and keys, and again if newer ones could be fetched.
    async fn verify<'a>(
        &self,
        source: &'a Source,
        addressed: &Addressed,
        delivery: &'a Opened,
    ) -> Result<VerifiedRequest<'a>, Refusal> {
        let verified = match addressed {
            Addressed::Source => self.verify_source(source, delivery).await?,
            Addressed::Tenant(name) => self.verify_tenant(source, name, delivery).await?,
            Addressed::NoTenant => {
                let _ = self.try_verify(source, (&self.tenants.stand_in(source), None), delivery).await;
                Err(Rejection::UnknownTenant)
            }
        };
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
            Err(rejection) => {
                let reply = if source.tenants { self.tenants.refusing().reply() } else { Reply::Unauthentic };
                Err(Refusal { reply, rejection: Some(rejection) })
            }
        }
    }

    async fn verify_source<'a>(
        &self,
        source: &'a Source,
        delivery: &'a Opened,
    ) -> Result<Result<VerifiedRequest<'a>, Rejection>, Reply> {
        let keys = self.secrets.keys(&self.sources, source).await.ok_or(Reply::NoSecret)?;
        let mut verified = self.fetch_and_verify(source, (&keys, None), delivery).await?;
        if matches!(verified, Err(Rejection::Mismatch)) && self.secrets.refresh_on_mismatch(&self.sources).await {
            let keys = self.secrets.keys(&self.sources, source).await.ok_or(Reply::NoSecret)?;
            verified = self.try_verify(source, (&keys, None), delivery).await;
        }
        if matches!(verified, Err(Rejection::Mismatch)) && self.secrets.may_lack(source) {
            return Err(Reply::NoSecret);
        }
        Ok(verified)
    }

    /// The work is the same for every name, so that the time doesn't tell which tenants there are. A request of an unknown
    /// one is verified with other keys, and refused whatever the result.
    async fn verify_tenant<'a>(
        &self,
        source: &'a Source,
        name: &TenantName,
        delivery: &'a Opened,
    ) -> Result<Result<VerifiedRequest<'a>, Rejection>, Reply> {
        let key = TenantKey { source: source.name.clone(), name: name.clone() };
        let absent = match self.tenants.look_up(source, &key).await {
            Seen::Active(keys) => {
                let verified = self.fetch_and_verify(source, (&keys, Some(name)), delivery).await?;
                if !matches!(verified, Err(Rejection::Mismatch)) {
                    return Ok(verified);
                }
                match self.tenants.refresh_on_mismatch(source, &key).await {
                    None => return Ok(verified),
                    Some(Seen::Active(keys)) => return Ok(self.try_verify(source, (&keys, Some(name)), delivery).await),
                    Some(absent) => absent,
                }
            }
            absent @ (Seen::Unknown | Seen::Disabled | Seen::Unread) => {
                let _ = self.try_verify(source, (&self.tenants.stand_in(source), None), delivery).await;
                absent
            }
        };
        match absent {
            Seen::Active(_) | Seen::Unread => Err(Reply::NoSecret),
            Seen::Unknown => Ok(Err(Rejection::UnknownTenant)),
            Seen::Disabled => Ok(Err(Rejection::DisabledTenant)),
        }
    }

    /// The keys of a tenant for a handshake.
    async fn keys_of_tenant(&self, source: &Source, addressed: &Addressed) -> Result<Arc<[Key]>, Refusal> {
        let seen = match addressed.tenant() {
            Some(name) => {
                let key = TenantKey { source: source.name.clone(), name: name.clone() };
                self.tenants.look_up(source, &key).await
            }
            None => Seen::Unknown,
        };
        let refused = |rejection| Refusal { reply: self.tenants.refusing().reply(), rejection: Some(rejection) };
        match seen {
            Seen::Active(keys) => Ok(keys),
            Seen::Unknown => Err(refused(Rejection::UnknownTenant)),
            Seen::Disabled => Err(refused(Rejection::DisabledTenant)),
            Seen::Unread => Err(Reply::NoSecret.into()),
        }
    }

    /// Verifies, and again if a public key was needed and could be fetched.
    async fn fetch_and_verify<'a>(
        &self,
        source: &'a Source,
        keys: (&[Key], Option<&TenantName>),
        delivery: &'a Opened,
    ) -> Result<Result<VerifiedRequest<'a>, Rejection>, Reply> {
        let verified = self.try_verify(source, keys, delivery).await;
        let Err(Rejection::KeyNeeded(needed)) = &verified else { return Ok(verified) };
        match self.remote.fetch(source, needed).await {
            Fetch::Done => Ok(self.try_verify(source, keys, delivery).await),
            Fetch::NoSuchKey => Ok(verified),
            Fetch::Unavailable => Err(Reply::NoKey),
        }
    }

    async fn try_verify<'a>(
        &self,
        source: &'a Source,
        (secrets, tenant): (&[Key], Option<&TenantName>),
        delivery: &'a Opened,
    ) -> Result<VerifiedRequest<'a>, Rejection> {
        let public = self.remote.of(source).await;
        let keys = Keys { secrets, public: &public, tenant };
        let mut rejection = Rejection::Mismatch;
        // Tried in reverse order, so that the rejection of the likelier candidate is reported.
        for clock in self.signers_clock.iter().chain([&self.clock]) {
            for signed in delivery.signed(source.signed_body).into_iter().rev() {
                match verify::verify(source, keys, signed, clock.now()) {
                    Ok(verified) => return Ok(verified.holding(delivery.inside())),
                    Err(why) => rejection = why,
                }
            }
        }
        Err(rejection)
    }
}

/// The time until which events may be claimed. After that the function must respond.
fn until(context: &lambda_http::Context) -> Timestamp {
    let ends = Timestamp::from_unix_ms(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    ends.minus(RECEIVE_RESERVE)
}
