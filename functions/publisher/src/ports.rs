//! What the publisher needs from the outside beside [`tidings_core::ports`]. The traits mirror the IAM grants.

use crate::delivery::{Delivery, DeliveryKey, DeliveryState};
use crate::endpoint::EndpointRecord;
use async_trait::async_trait;
use std::fmt;
use tidings_config::endpoint::EndpointId;
use tidings_config::time::Timestamp;
use tidings_core::ports::{Replaced, Unavailable};

/// The endpoints table: `dynamodb:DeleteItem`, `dynamodb:GetItem`, `dynamodb:PutItem`, `dynamodb:Query`.
#[async_trait]
pub trait EndpointStore: Send + Sync + fmt::Debug {
    /// All records, in the order of their ids.
    async fn all(&self) -> Result<Vec<EndpointRecord>, Unavailable>;

    /// One record, read consistently. `None`: there is none.
    async fn get(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, Unavailable>;

    /// Writes the record if its version is the one that was read.
    async fn put(&self, record: &EndpointRecord) -> Result<Replaced, Unavailable>;

    /// Deletes the record. That there is none isn't an error.
    async fn delete(&self, id: &EndpointId) -> Result<(), Unavailable>;
}

/// What claiming a delivery found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    New,
    /// It was claimed before.
    Before(Box<Delivery>),
}

/// A delivery whose next attempt a sweep sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub key: DeliveryKey,
    pub due: Timestamp,
    /// Attempts that were made.
    pub attempts: u32,
}

/// A published message as it is stored: beside those of its conversation, so that they can be erased with it.
#[derive(Clone, Copy, Debug)]
pub struct StoredMessage<'a> {
    pub webhook_id: &'a str,
    pub conversation: Option<&'a str>,
    /// The sort key of its deliveries.
    pub delivery: &'a str,
    /// The endpoints that get it: at least one.
    pub endpoints: &'a [EndpointId],
    pub message: &'a str,
}

/// A page of deliveries, newest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins. `None`: this is the last.
    pub next: Option<String>,
}

/// The deliveries table: `dynamodb:GetItem`, `dynamodb:PutItem`, `dynamodb:Query`, `dynamodb:UpdateItem`.
#[async_trait]
pub trait DeliveryStore: Send + Sync + fmt::Debug {
    /// Stores a published message for all its deliveries, and to which endpoints they go. Repeated: the same, and to further
    /// endpoints.
    async fn put_event(&self, event: &StoredMessage<'_>, now: Timestamp) -> Result<(), Unavailable>;

    /// A delivery's published message. `None`: it has expired, or was erased.
    async fn event(&self, delivery: &Delivery) -> Result<Option<String>, Unavailable>;

    /// Writes a new delivery unless it exists.
    async fn claim(&self, delivery: &Delivery, now: Timestamp) -> Result<Claimed, Unavailable>;

    /// One delivery, read consistently.
    async fn get(&self, key: &DeliveryKey) -> Result<Option<Delivery>, Unavailable>;

    /// Writes the record if its version is the one that was read. If its next attempt is too far away for a queue, it is
    /// found by [`Self::due`] from then on.
    async fn replace(&self, delivery: &Delivery, now: Timestamp) -> Result<Replaced, Unavailable>;

    /// Deliveries of a partition of the index that are due by this time, the earliest first, at most `at_most`.
    async fn due(&self, partition: u8, by: Timestamp, at_most: usize) -> Result<Vec<Due>, Unavailable>;

    /// The next attempt was sent to the queue: [`Self::due`] finds it no more. A delivery that has changed since stays as it
    /// is, which isn't an error.
    async fn sent(&self, due: &Due) -> Result<(), Unavailable>;

    /// Deliveries of an endpoint, newest first, from a place on. For operators.
    async fn list(
        &self,
        endpoint: &EndpointId,
        state: Option<DeliveryState>,
        from: Option<&str>,
        at_most: usize,
    ) -> Result<Page, Unavailable>;
}
