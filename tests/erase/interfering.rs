//! A client that runs a function at its n-th call.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Refused = Box<dyn std::error::Error + Send + Sync>;

/// Called before the call of this number. `Err`: the call isn't made.
type AtCall = dyn Fn(usize) -> Result<(), Refused> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Interfering {
    calls: Arc<AtomicUsize>,
    at: Arc<AtCall>,
}

impl Interfering {
    pub(crate) fn new(at: impl Fn(usize) -> Result<(), Refused> + Send + Sync + 'static) -> Self {
        Self { calls: Arc::default(), at: Arc::new(at) }
    }

    pub(crate) fn client(&self, client: &Client) -> Client {
        Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Interfering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interfering")
    }
}

impl Intercept for Interfering {
    fn name(&self) -> &'static str {
        "interfering"
    }

    fn read_before_execution(&self, _: &BeforeSerializationInterceptorContextRef<'_>, _: &mut ConfigBag) -> Result<(), Refused> {
        (self.at)(self.calls.fetch_add(1, Ordering::SeqCst))
    }
}
