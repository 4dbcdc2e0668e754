//! What a source checks before a request is verified: the origin, the address, and how often it asks.
//!
//! Promises: no call, no byte of the body, and no secret is read for a request that is stopped here. Strangers are
//! counted by address and before verification, the provider by source and after it: a stranger uses up nothing that the
//! provider needs. The address is the front door's word, never a header. Never: an address in a log.
//!
//! A source without an `Edge` doesn't come here.

mod buckets;
mod sampled;

use self::buckets::Buckets;
use self::sampled::Sampled;
use crate::caller::Caller;
use crate::reply::Reply;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use subtle::{Choice, ConstantTimeEq};
use tidings_config::edge::Edge;
use tidings_config::limits::{MAX_RATE_BUCKETS, RATE_IPV6_PREFIX_BITS};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::telemetry::Metric;

/// The header by which CloudFront proves that it sent a request (`infra/edge.yaml`). API Gateway writes it in lower case.
pub const ORIGIN_HEADER: &str = "x-tidings-origin";

/// A longer value isn't hashed: the secret has 64 characters.
const MAX_ORIGIN_SECRET_BYTES: usize = 256;

/// Why a request was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// It doesn't have the secret of the origin.
    NotFromOrigin,
    /// Its address isn't in `allow_from`.
    NotAllowed,
    /// Its address sent too many requests that couldn't be verified.
    AddressRate,
    /// It is authentic, and there were too many of them.
    SourceRate,
}

impl Stop {
    /// The word in metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFromOrigin => "not_from_origin",
            Self::NotAllowed => "not_allowed",
            Self::AddressRate => "rate_of_address",
            Self::SourceRate => "rate_of_source",
        }
    }

    /// Whether nothing of the request was read before.
    const fn is_first(self) -> bool {
        match self {
            Self::NotFromOrigin | Self::NotAllowed | Self::AddressRate => true,
            Self::SourceRate => false,
        }
    }
}

/// A request that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) why: Stop,
    pub(crate) reply: Reply,
}

/// A request that came in. It took a token of its address.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    edge: &'a Edge,
    place: usize,
    network: Option<Network>,
}

/// A caller as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    V4(u32),
    /// Its first bits, as many as a customer of a network has in common.
    V6(u128),
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address.into()),
            IpAddr::V6(address) => Self::V6(u128::from(address) >> (u128::BITS - RATE_IPV6_PREFIX_BITS)),
        }
    }
}

/// What one execution environment knows of the requests before.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    addresses: Buckets<(usize, Network)>,
    /// By the source's place: never more than there are sources, so none is ever dropped.
    sources: Buckets<usize>,
    sampled: Sampled,
}

impl Gate {
    pub(crate) fn of(sources: usize) -> Self {
        let (addresses, sources) = (Buckets::new(MAX_RATE_BUCKETS), Buckets::new(sources.max(1)));
        Self(Mutex::new(Counts { addresses, sources, sampled: Sampled::default() }))
    }

    /// Lets a request in that nobody has verified yet. `place`: the source's, among the sources.
    pub(crate) fn enter<'a>(
        &self,
        edge: &'a Edge,
        place: usize,
        caller: Caller,
        headers: &mut HeaderMap,
        now: Timestamp,
    ) -> Result<Entry<'a>, Stopped> {
        let stopped = |why, reply| Err(Stopped { why, reply });
        // The secret goes no further than this.
        let shown = headers.remove(ORIGIN_HEADER);
        let address = match caller {
            Caller::NoFrontDoor => return Ok(Entry { edge, place, network: None }),
            Caller::Address(address) => Some(address),
            Caller::Unknown => None,
        };
        if !edge.origin.is_empty() && !is_origin(edge, shown.as_ref().map(http::HeaderValue::as_bytes)) {
            return stopped(Stop::NotFromOrigin, Reply::Unauthentic);
        }
        let is_allowed = |address: IpAddr| edge.allow_from.iter().any(|network| network.contains(&address));
        if !edge.allow_from.is_empty() && !address.is_some_and(is_allowed) {
            return stopped(Stop::NotAllowed, Reply::Unauthentic);
        }
        let mut entry = Entry { edge, place, network: None };
        // Without an address nobody could be told from anybody: then nobody is limited.
        if let Some((bucket, address)) = edge.rate.as_ref().and_then(|rate| rate.address_bucket()).zip(address) {
            let network = Network::from(address);
            if let Err(wait_ns) = self.counts().addresses.take((place, network), bucket, now) {
                return stopped(Stop::AddressRate, too_many(wait_ns));
            }
            entry.network = Some(network);
        }
        Ok(entry)
    }

    /// Gives the token of an authentic request's address back, and takes one of its source.
    pub(crate) fn verified(&self, entry: &Entry<'_>, now: Timestamp) -> Result<(), Stopped> {
        let Some(rate) = &entry.edge.rate else { return Ok(()) };
        let mut counts = self.counts();
        if let Some((bucket, network)) = rate.address_bucket().zip(entry.network) {
            counts.addresses.give_back((entry.place, network), bucket);
        }
        let Some(bucket) = rate.source_bucket() else { return Ok(()) };
        let taken = counts.sources.take(entry.place, bucket, now);
        taken.map_err(|wait_ns| Stopped { why: Stop::SourceRate, reply: too_many(wait_ns) })
    }

    /// Counts a stopped request, and tells of it if it is time to.
    pub(crate) fn count(&self, source: &Source, place: usize, why: Stop, now: Timestamp) {
        let requests = self.counts().sampled.count(place, why, now);
        requests.into_iter().for_each(|requests| tell(source, why, requests));
    }

    /// Tells of the last minute's requests that nobody was told of.
    pub(crate) fn tell_due(&self, source: &Source, place: usize, now: Timestamp) {
        let due = self.counts().sampled.due(place, now);
        due.into_iter().for_each(|(why, requests)| tell(source, why, requests));
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().expect("nothing panics while it holds this")
    }
}

/// Every digest is compared, over its whole length.
fn is_origin(edge: &Edge, shown: Option<&[u8]>) -> bool {
    let Some(shown) = shown.filter(|shown| shown.len() <= MAX_ORIGIN_SECRET_BYTES) else { return false };
    let digest: [u8; 32] = Sha256::digest(shown).into();
    edge.origin.iter().fold(Choice::from(0), |fits, one| fits | one.bytes().ct_eq(&digest)).into()
}

/// Whole seconds until the next token: at least one.
fn too_many(wait_ns: i64) -> Reply {
    let seconds = u32::try_from(wait_ns.saturating_add(999_999_999) / 1_000_000_000);
    Reply::TooMany { retry_after_s: seconds.unwrap_or(u32::MAX).max(1) }
}

fn tell(source: &Source, why: Stop, requests: u64) {
    if why.is_first() {
        Metric::Received.record(&source.name, requests);
    }
    Metric::Refused.record_as(&source.name, why.reason(), requests);
    tracing::info!(source = source.name, outcome = "stopped", reason = why.reason(), requests, "stopped");
}
