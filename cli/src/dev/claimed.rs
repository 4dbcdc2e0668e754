//! The events of a request to `dev`, as the receiver claims them: noted for the inspector, in the task of the request.

use super::cloud::Cloud;
use async_trait::async_trait;
use std::cell::RefCell;
use std::future::Future;
use tidings_config::time::Timestamp;
use tidings_core::aws::DynamoClaims;
use tidings_core::claim::decide::Recorded;
use tidings_core::claim::{ClaimKey, NewClaim, Sha256Hex};
use tidings_core::ports::{ClaimStore, Unavailable};

/// An event that a request contained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) key: ClaimKey,
    pub(crate) event_type: String,
}

tokio::task_local! {
    /// The events of the request that this task answers.
    static CLAIMED: RefCell<Vec<Claimed>>;
}

/// Answers a request, and returns the events that were claimed meanwhile, in that order.
pub(crate) async fn noting<T>(answer: impl Future<Output = T>) -> (T, Vec<Claimed>) {
    let noted = async {
        let answered = answer.await;
        (answered, CLAIMED.with(RefCell::take))
    };
    CLAIMED.scope(RefCell::default(), noted).await
}

/// The claims of the cloud. Each event that is claimed is noted.
#[derive(Debug)]
pub(crate) struct NotedClaims(DynamoClaims);

impl NotedClaims {
    pub(crate) fn of(cloud: &Cloud) -> Self {
        Self(cloud.claims())
    }
}

#[async_trait]
impl ClaimStore for NotedClaims {
    async fn record(&self, claim: &NewClaim) -> Recorded {
        let claimed = Claimed { key: claim.key.clone(), event_type: claim.event_type.clone() };
        // An error means that no request of `dev` is answered here, as in `tidings capture`.
        let _ = CLAIMED.try_with(|all| all.borrow_mut().push(claimed));
        self.0.record(claim).await
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        self.0.mark_enqueued(key, at).await
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        self.0.note_body(key, other).await
    }
}
