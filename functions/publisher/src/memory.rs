//! The stores in memory, with faults that a test can turn on. Held to the adapters by the conformance suite in `tests/`.

use crate::delivery::{Delivery, DeliveryKey, DeliveryState};
use crate::endpoint::EndpointRecord;
use crate::ports::{Claimed, DeliveryStore, Due, EndpointStore, Page, StoredMessage};
use crate::secrets::locked;
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use tidings_config::endpoint::EndpointId;
use tidings_config::time::Timestamp;
use tidings_core::ports::{Replaced, Unavailable};

/// A call of one of the stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreCall {
    Endpoints,
    Endpoint,
    PutEndpoint,
    DeleteEndpoint,
    PutEvent,
    Event,
    Claim,
    Delivery,
    Replace,
    Due,
    Sent,
    List,
}

impl StoreCall {
    /// Those that the publisher makes.
    pub const ALL: [Self; 10] = [
        Self::Endpoints,
        Self::Endpoint,
        Self::PutEndpoint,
        Self::PutEvent,
        Self::Event,
        Self::Claim,
        Self::Delivery,
        Self::Replace,
        Self::Due,
        Self::Sent,
    ];
}

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It has no effect, and says that it failed.
    Refuse,
    /// It has its effect, and says that it failed.
    LoseAnswer,
    /// The function is stopped before the call has its effect. (It panics, which ends its message alone.)
    DieBefore,
    /// It is stopped after the effect.
    DieAfter,
}

impl Trouble {
    pub const ALL: [Self; 4] = [Self::Refuse, Self::LoseAnswer, Self::DieBefore, Self::DieAfter];
}

/// [`EndpointStore`] and [`DeliveryStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryDeliveries {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    endpoints: BTreeMap<EndpointId, (u64, EndpointRecord)>,
    deliveries: BTreeMap<DeliveryKey, (u64, Delivery)>,
    due: BTreeMap<DeliveryKey, Timestamp>,
    /// By conversation and webhook id.
    events: BTreeMap<(Option<String>, String), String>,
    /// Troubles to come: `None` is a call that succeeds.
    coming: HashMap<StoreCall, Vec<Option<Trouble>>>,
    counts: HashMap<StoreCall, u32>,
}

impl MemoryDeliveries {
    /// After `pass` calls that succeed, the next one fails.
    pub fn fail(&self, call: StoreCall, trouble: Trouble, pass: usize) {
        let mut state = locked(&self.state);
        let coming = state.coming.entry(call).or_default();
        coming.extend(std::iter::repeat_n(None, pass));
        coming.push(Some(trouble));
    }

    pub fn count(&self, call: StoreCall) -> u32 {
        locked(&self.state).counts.get(&call).copied().unwrap_or_default()
    }

    pub fn total(&self) -> u32 {
        locked(&self.state).counts.values().sum()
    }

    /// All deliveries, in the order of their keys.
    pub fn deliveries(&self) -> Vec<Delivery> {
        locked(&self.state).deliveries.values().map(|(_, delivery)| delivery.clone()).collect()
    }

    /// The earliest delivery that waits for a sweep.
    pub fn first_due(&self) -> Option<Timestamp> {
        locked(&self.state).due.values().min().copied()
    }

    fn call<T>(&self, call: StoreCall, effect: impl FnOnce(&mut State) -> T) -> Result<T, Unavailable> {
        let mut state = locked(&self.state);
        *state.counts.entry(call).or_default() += 1;
        let coming = state.coming.entry(call).or_default();
        let trouble = if coming.is_empty() { None } else { coming.remove(0) };
        let failed = || Unavailable { call: "memory", cause: format!("{call:?} {trouble:?}") };
        match trouble {
            None => Ok(effect(&mut state)),
            Some(Trouble::Refuse) => Err(failed()),
            Some(Trouble::LoseAnswer) => {
                effect(&mut state);
                Err(failed())
            }
            Some(Trouble::DieBefore) => panic!("the function is stopped before {call:?}"),
            Some(Trouble::DieAfter) => {
                effect(&mut state);
                panic!("the function is stopped after {call:?}")
            }
        }
    }
}

#[async_trait]
impl EndpointStore for MemoryDeliveries {
    async fn all(&self) -> Result<Vec<EndpointRecord>, Unavailable> {
        let versioned = |(version, record): &(u64, EndpointRecord)| EndpointRecord { version: Some(*version), ..record.clone() };
        self.call(StoreCall::Endpoints, |state| state.endpoints.values().map(versioned).collect())
    }

    async fn get(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, Unavailable> {
        let versioned = |(version, record): &(u64, EndpointRecord)| EndpointRecord { version: Some(*version), ..record.clone() };
        self.call(StoreCall::Endpoint, |state| state.endpoints.get(id).map(versioned))
    }

    async fn put(&self, record: &EndpointRecord) -> Result<Replaced, Unavailable> {
        self.call(StoreCall::PutEndpoint, |state| {
            let stored = state.endpoints.get(&record.id).map(|(version, _)| *version);
            if stored != record.version {
                return Replaced::Changed;
            }
            state.endpoints.insert(record.id.clone(), (stored.map_or(0, |version| version + 1), record.clone()));
            Replaced::Yes
        })
    }

    async fn delete(&self, id: &EndpointId) -> Result<(), Unavailable> {
        self.call(StoreCall::DeleteEndpoint, |state| drop(state.endpoints.remove(id)))
    }
}

#[async_trait]
impl DeliveryStore for MemoryDeliveries {
    async fn put_event(&self, event: &StoredMessage<'_>, _now: Timestamp) -> Result<(), Unavailable> {
        let place = (event.conversation.map(str::to_owned), event.webhook_id.to_owned());
        self.call(StoreCall::PutEvent, |state| drop(state.events.insert(place, event.message.to_owned())))
    }

    async fn event(&self, delivery: &Delivery) -> Result<Option<String>, Unavailable> {
        let place = (delivery.conversation.clone(), delivery.webhook_id.clone());
        self.call(StoreCall::Event, |state| state.events.get(&place).cloned())
    }

    async fn claim(&self, delivery: &Delivery, _now: Timestamp) -> Result<Claimed, Unavailable> {
        self.call(StoreCall::Claim, |state| match state.deliveries.get(&delivery.key) {
            Some((version, before)) => Claimed::Before(Box::new(Delivery { version: Some(*version), ..before.clone() })),
            None => {
                state.deliveries.insert(delivery.key.clone(), (0, delivery.clone()));
                Claimed::New
            }
        })
    }

    async fn get(&self, key: &DeliveryKey) -> Result<Option<Delivery>, Unavailable> {
        let versioned = |(version, delivery): &(u64, Delivery)| Delivery { version: Some(*version), ..delivery.clone() };
        self.call(StoreCall::Delivery, |state| state.deliveries.get(key).map(versioned))
    }

    async fn replace(&self, delivery: &Delivery, now: Timestamp) -> Result<Replaced, Unavailable> {
        self.call(StoreCall::Replace, |state| {
            let stored = state.deliveries.get(&delivery.key).map(|(version, _)| *version);
            if stored != delivery.version {
                return Replaced::Changed;
            }
            state.due.remove(&delivery.key);
            if delivery.is_swept(now) {
                state.due.extend(delivery.due.map(|due| (delivery.key.clone(), due)));
            }
            state.deliveries.insert(delivery.key.clone(), (stored.map_or(0, |version| version + 1), delivery.clone()));
            Replaced::Yes
        })
    }

    async fn due(&self, partition: u8, by: Timestamp, at_most: usize) -> Result<Vec<Due>, Unavailable> {
        self.call(StoreCall::Due, |state| {
            let of_partition = state.due.iter().filter(|(key, due)| key.partition() == partition && **due <= by);
            let found = of_partition.map(|(key, due)| {
                let attempts = state.deliveries.get(key).map_or(0, |(_, delivery)| delivery.attempts);
                Due { key: key.clone(), due: *due, attempts }
            });
            let mut found: Vec<Due> = found.collect();
            found.sort_by_key(|due| due.due);
            found.truncate(at_most);
            found
        })
    }

    async fn sent(&self, due: &Due) -> Result<(), Unavailable> {
        self.call(StoreCall::Sent, |state| {
            if state.due.get(&due.key) == Some(&due.due) {
                state.due.remove(&due.key);
            }
        })
    }

    async fn list(
        &self,
        endpoint: &EndpointId,
        state: Option<DeliveryState>,
        from: Option<&str>,
        at_most: usize,
    ) -> Result<Page, Unavailable> {
        self.call(StoreCall::List, |stored| {
            let of_endpoint = stored.deliveries.values().rev().filter(|(_, delivery)| delivery.key.endpoint == *endpoint);
            let from_there = of_endpoint.filter(|(_, delivery)| from.is_none_or(|from| delivery.key.delivery.as_str() < from));
            let mut page = Page::default();
            for (n, (version, delivery)) in from_there.enumerate() {
                if n == at_most {
                    break;
                }
                page.next = (n + 1 == at_most).then(|| delivery.key.delivery.clone());
                if state.is_none_or(|state| delivery.state == state) {
                    page.deliveries.push(Delivery { version: Some(*version), ..delivery.clone() });
                }
            }
            page
        })
    }
}
