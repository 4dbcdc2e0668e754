//! The publisher with its dependencies.

use crate::book::Book;
use crate::ports::{DeliveryStore, EndpointStore};
use crate::secrets::SecretBook;
use crate::select::Conditions;
use crate::sink::Sinks;
use std::sync::Arc;
use tidings_config::endpoint::Endpoint;
use tidings_config::time::Clock;
use tidings_core::ports::{HttpsCall, Publish, SecretStore, TimerQueue};
use tidings_outgoing::{AwsIdentity, ConfiguredSink};

/// The ports that the publisher needs.
#[derive(Clone, Debug)]
pub struct Ports {
    pub endpoints: Arc<dyn EndpointStore>,
    pub deliveries: Arc<dyn DeliveryStore>,
    /// The deliveries queue.
    pub queue: Arc<dyn TimerQueue>,
    /// The published queue, for notices of our own.
    pub published: Arc<dyn Publish>,
    pub https: Arc<dyn HttpsCall>,
    pub secrets: Arc<dyn SecretStore>,
    pub clock: Arc<dyn Clock>,
}

/// The publisher.
#[derive(Debug)]
pub struct Publisher {
    pub(crate) book: Book,
    pub(crate) deliveries: Arc<dyn DeliveryStore>,
    pub(crate) queue: Arc<dyn TimerQueue>,
    pub(crate) published: Arc<dyn Publish>,
    pub(crate) https: Arc<dyn HttpsCall>,
    pub(crate) secrets: SecretBook,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) conditions: Conditions,
    pub(crate) sinks: Sinks,
}

impl Publisher {
    /// `endpoints`: those of the project's file.
    pub fn new(endpoints: Vec<Endpoint>, ports: Ports) -> Self {
        let Ports { endpoints: store, deliveries, queue, published, https, secrets, clock } = ports;
        Self {
            book: Book::new(endpoints, store, Arc::clone(&clock)),
            deliveries,
            queue,
            published,
            https,
            secrets: SecretBook::new(secrets, Arc::clone(&clock)),
            clock,
            conditions: Conditions::default(),
            sinks: Sinks::default(),
        }
    }

    /// With the sinks of the project's file. `role` signs requests to them; `kafka_queue` is the ARN of the queue from which
    /// Kafka's function takes events, if the stack has one.
    #[must_use]
    pub fn with_sinks(self, sinks: Vec<ConfiguredSink>, role: Option<AwsIdentity>, kafka_queue: Option<&str>) -> Self {
        let book = self.book.and(sinks.iter().map(|sink| sink.endpoint.clone()));
        Self { book, sinks: Sinks::new(sinks, role, kafka_queue), ..self }
    }

    /// Reads the endpoints for each event, instead of every 15 seconds.
    #[must_use]
    pub fn reading_endpoints_each_time(self) -> Self {
        Self { book: self.book.read_each_time(), ..self }
    }

    /// The endpoints, for operators.
    pub fn endpoints(&self) -> &Book {
        &self.book
    }
}
