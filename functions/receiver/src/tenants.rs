//! The keys of tenants, in memory: bounded in number and in age, read from the tenants table when a request needs them.
//!
//! Promises: INIT reads nothing. A tenant is read once in five minutes; a name without an active tenant at most once a
//! minute, and all such names together at most [`MAX_UNKNOWN_TENANTS`] times a minute. Who sends names at random can't make
//! a known tenant leave. Keys stay in use while the table can't be read. Never: a secret in a log, an error or a Debug.

use crate::reply::Reply;
use crate::verify::{Key, KeyError};
use futures::lock::Mutex as AsyncMutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::limits::{MAX_TENANTS_HELD, MAX_UNKNOWN_TENANTS, TENANT_REFRESH, TENANT_RETRY, TENANT_RETRY_FAILED};
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::ports::{TenantReader, Unavailable};
use tidings_core::telemetry::Metric;
use tidings_core::tenant::{TenantKey, TenantRecord};

/// The tenants as last read.
#[derive(Debug)]
pub struct TenantBook {
    /// `None`: this deployment has no tenants.
    reader: Option<Arc<dyn TenantReader>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// One unknown name is read at a time: requests for the same one wait for its answer.
    reading: AsyncMutex<()>,
}

/// What is known about a tenant's name.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// It is active, and these are its keys, newest first.
    Active(Arc<[Key]>),
    /// It isn't in the table.
    Unknown,
    /// It is in the table, and its requests are refused.
    Disabled,
    /// It isn't known: it couldn't be read, or too many unknown names were read just now. A retry may help.
    Unread,
}

/// How a refused request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusing {
    /// As every forged request.
    AsForged,
    /// Not every name can be read now: another answer would tell which ones are known.
    TryAgain,
}

#[derive(Default)]
struct State {
    active: HashMap<TenantKey, Active>,
    /// Names without an active tenant, and those that couldn't be read.
    absent: HashMap<TenantKey, Absent>,
    /// The last read that failed.
    failed: Option<Timestamp>,
}

/// An active tenant.
struct Active {
    keys: Arc<[Key]>,
    /// From then on only the newest key is valid. `None`: all are.
    newest_alone: Option<Timestamp>,
    read: Timestamp,
    /// The last try to read it.
    tried: Timestamp,
    used: Timestamp,
}

/// A name that has no keys.
#[derive(Clone, Copy)]
struct Absent {
    why: Why,
    at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Unknown,
    Disabled,
    /// It is being read, or the read failed.
    Unread,
}

/// The call that fails where there is no table.
const READ: &str = "dynamodb:GetItem";

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("active", &self.active.len()).field("absent", &self.absent.len()).finish()
    }
}

impl Active {
    fn keys(&self, now: Timestamp) -> Arc<[Key]> {
        match (self.newest_alone, self.keys.first()) {
            (Some(since), Some(newest)) if now >= since => Arc::from([newest.clone()]),
            _ => Arc::clone(&self.keys),
        }
    }
}

impl Absent {
    fn is_over(self, now: Timestamp) -> bool {
        now.since(self.at) >= TENANT_RETRY
    }
}

impl State {
    /// Makes room for one more tenant: the one that was used longest ago leaves.
    fn hold(&mut self, key: TenantKey, active: Active) {
        if self.active.len() >= MAX_TENANTS_HELD
            && !self.active.contains_key(&key)
            && let Some(oldest) = self.active.iter().min_by_key(|(_, one)| one.used).map(|(key, _)| key.clone())
        {
            self.active.remove(&oldest);
        }
        self.active.insert(key, active);
    }

    /// Forgets what is older than a minute. Returns whether another unknown name may be read.
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.absent.len() >= MAX_UNKNOWN_TENANTS {
            self.absent.retain(|_, absent| !absent.is_over(now));
        }
        self.absent.len() < MAX_UNKNOWN_TENANTS
    }
}

impl TenantBook {
    pub(crate) fn new(reader: Option<Arc<dyn TenantReader>>, clock: Arc<dyn Clock>) -> Self {
        Self { reader, clock, state: Mutex::default(), reading: AsyncMutex::default() }
    }

    /// The keys of a tenant, read if they must be.
    pub(crate) async fn look_up(&self, source: &Source, key: &TenantKey) -> Seen {
        let now = self.clock.now();
        let known = {
            let mut state = self.state();
            state.active.get_mut(key).map(|active| {
                active.used = now;
                let is_due = now.since(active.read) >= TENANT_REFRESH && now.since(active.tried) >= TENANT_RETRY;
                (active.keys(now), is_due)
            })
        };
        match known {
            Some((keys, false)) => Seen::Active(keys),
            Some((keys, true)) => self.read_again(source, key, now).await.unwrap_or(Seen::Active(keys)),
            None => self.first_read(source, key, now).await,
        }
    }

    /// The keys of a known tenant, read again because a signature didn't match. `None`: they were read or tried less than a
    /// minute ago, or couldn't be read.
    pub(crate) async fn refresh_on_mismatch(&self, source: &Source, key: &TenantKey) -> Option<Seen> {
        let now = self.clock.now();
        let waited = self.state().active.get(key).is_some_and(|active| now.since(active.tried) >= TENANT_RETRY);
        if waited { self.read_again(source, key, now).await } else { None }
    }

    /// How a request of a tenant that doesn't verify is answered now, whatever its name.
    pub(crate) fn refusing(&self) -> Refusing {
        let (mut state, now) = (self.state(), self.clock.now());
        let fails = state.failed.is_some_and(|at| now.since(at) < TENANT_RETRY);
        if fails || !state.has_room(now) { Refusing::TryAgain } else { Refusing::AsForged }
    }

    /// Keys of another tenant of the source, with which a request of an unknown one takes as long as a forged one.
    pub(crate) fn stand_in(&self, source: &Source) -> Arc<[Key]> {
        let state = self.state();
        let of_source = state.active.iter().find(|(key, _)| key.source == source.name);
        of_source.map_or_else(|| Arc::from([Key::stranger()]), |(_, active)| active.keys(self.clock.now()))
    }

    /// Reads a tenant that is known. `None`: it couldn't be read, and what is known stays.
    async fn read_again(&self, source: &Source, key: &TenantKey, now: Timestamp) -> Option<Seen> {
        if let Some(active) = self.state().active.get_mut(key) {
            active.tried = now;
        }
        match self.read(key).await {
            Ok(record) => Some(self.learn(source, key, record, now)),
            Err(_) => None,
        }
    }

    /// Reads a name that isn't known, within the bound of such reads.
    async fn first_read(&self, source: &Source, key: &TenantKey, now: Timestamp) -> Seen {
        let _one_at_a_time = self.reading.lock().await;
        {
            let mut state = self.state();
            if let Some(active) = state.active.get(key) {
                return Seen::Active(active.keys(now));
            }
            match state.absent.get(key) {
                Some(Absent { why: Why::Unread, at }) if now.since(*at) < TENANT_RETRY_FAILED => return Seen::Unread,
                Some(Absent { why: Why::Unknown, at }) if now.since(*at) < TENANT_RETRY => return Seen::Unknown,
                Some(Absent { why: Why::Disabled, at }) if now.since(*at) < TENANT_RETRY => return Seen::Disabled,
                Some(_) => drop(state.absent.remove(key)),
                None => {}
            }
            if !state.has_room(now) {
                return Seen::Unread;
            }
            // Counted before it is read, whatever the result.
            state.absent.insert(key.clone(), Absent { why: Why::Unread, at: now });
        }
        match self.read(key).await {
            Ok(record) => self.learn(source, key, record, now),
            Err(_) => Seen::Unread,
        }
    }

    /// Errors are logged, and remembered for [`Self::refusing`].
    async fn read(&self, key: &TenantKey) -> Result<Option<TenantRecord>, Unavailable> {
        let record = match &self.reader {
            Some(reader) => reader.tenant(key).await,
            None => {
                Err(Unavailable { call: READ, cause: "the stack has no tenants table: deploy it with Tenants=true".to_owned() })
            }
        };
        record.inspect_err(|unavailable| {
            Metric::SecretsUnavailable.measure(1);
            let (source, tenant) = (&key.source, key.name.as_str());
            tracing::error!(source, tenant, cause = %unavailable, "a tenant could not be read; keys that were read before stay in use");
            self.state().failed = Some(self.clock.now());
        })
    }

    fn learn(&self, source: &Source, key: &TenantKey, record: Option<TenantRecord>, now: Timestamp) -> Seen {
        let (seen, why) = match record {
            None => (Seen::Unknown, Why::Unknown),
            Some(record) if !record.is_active() => (Seen::Disabled, Why::Disabled),
            Some(record) => match prepared(source, &record) {
                Ok(active) => {
                    let active = Active { read: now, tried: now, used: now, ..active };
                    let keys = active.keys(now);
                    let mut state = self.state();
                    state.absent.remove(key);
                    state.hold(key.clone(), active);
                    return Seen::Active(keys);
                }
                Err(why) => {
                    tracing::error!(source = source.name, tenant = key.name.as_str(), %why, "this tenant's secret can't be used");
                    (Seen::Unread, Why::Unread)
                }
            },
        };
        let mut state = self.state();
        state.active.remove(key);
        // A name that was read first has its place. One that was active until now gets one if there is room.
        if state.absent.contains_key(key) || state.has_room(now) {
            state.absent.insert(key.clone(), Absent { why, at: now });
        }
        seen
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }

    /// How many tenants and how many names without one are held, for tests of the bounds.
    pub fn held(&self) -> (usize, usize) {
        let state = self.state();
        (state.active.len(), state.absent.len())
    }
}

/// The keys of a record. Errors: its newest secret can't be used.
fn prepared(source: &Source, record: &TenantRecord) -> Result<Active, KeyError> {
    let newest = Key::prepare(&source.scheme, record.secret.expose())?;
    let previous = record.previous.as_ref();
    let before = previous.and_then(|previous| Key::prepare(&source.scheme, previous.secret.expose()).ok());
    let keys: Arc<[Key]> = std::iter::once(newest).chain(before).collect();
    let never = Timestamp::from_unix_ms(0);
    Ok(Active { keys, newest_alone: previous.map(|previous| previous.until), read: never, tried: never, used: never })
}

impl Refusing {
    /// The reply to a request that isn't authentic.
    pub(crate) const fn reply(self) -> Reply {
        match self {
            Self::AsForged => Reply::Unauthentic,
            Self::TryAgain => Reply::NoSecret,
        }
    }
}
