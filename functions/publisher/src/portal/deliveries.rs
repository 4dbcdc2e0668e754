//! The deliveries of an endpoint: what their attempts came to, a retry, and a test event.

use super::admit::Caller;
use super::bodies::{Retry, ShownDelivery, read};
use super::endpoints::limit;
use super::reply::Reply;
use super::{Portal, unavailable};
use crate::delivery::{Delivery, DeliveryKey, DeliveryState};
use crate::limits::{MAX_PORTAL_READS, MAX_PORTAL_RETRIES};
use crate::operate::{self, Retried};
use serde_json::json;
use std::collections::BTreeMap;
use tidings_config::endpoint::EndpointId;
use tidings_config::time::Timestamp;

impl Portal {
    pub(super) async fn attempts(
        &self,
        caller: &Caller,
        id: &EndpointId,
        query: &BTreeMap<String, String>,
    ) -> Result<Reply, Reply> {
        let limit = limit(query)?;
        let state = query.get("state").map(|word| DeliveryState::ALL.into_iter().find(|state| state.as_str() == word));
        if state == Some(None) {
            let words = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
            return Err(Reply::BadRequest(vec![format!("state: allowed: {words}")]));
        }
        self.seen(caller, id).await?;
        let (found, next) = self.page(id, state.flatten(), None, query.get("after").map(String::as_str), limit).await?;
        let mut answer = json!({ "deliveries": found.iter().map(ShownDelivery::of).collect::<Vec<_>>() });
        if let Some(next) = next {
            answer["next"] = json!(next);
        }
        Ok(Reply::Found(answer))
    }

    /// Deliveries, newest first, and where the next page begins. A page may be shorter than the limit, and have a next one.
    async fn page(
        &self,
        id: &EndpointId,
        state: Option<DeliveryState>,
        since: Option<Timestamp>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Delivery>, Option<String>), Reply> {
        let (mut found, mut next) = (Vec::new(), after.map(str::to_owned));
        for _ in 0..MAX_PORTAL_READS {
            let page = self.deliveries.list(id, state, next.as_deref(), limit - found.len()).await.map_err(unavailable)?;
            found.extend(page.deliveries.into_iter().filter(|one| since.is_none_or(|since| one.created >= since)));
            next = page.next;
            if next.is_none() || found.len() >= limit {
                break;
            }
        }
        Ok((found, next))
    }

    pub(super) async fn retry(&self, caller: &Caller, id: &EndpointId, body: &str) -> Result<Reply, Reply> {
        let Retry { delivery, state, since, after } = read(body)?;
        self.seen(caller, id).await?;
        let (found, next) = match (delivery, state) {
            (Some(delivery), None) => {
                let key = DeliveryKey { endpoint: id.clone(), delivery };
                (vec![self.deliveries.get(&key).await.map_err(unavailable)?.ok_or(Reply::NotFound)?], None)
            }
            (None, Some(state @ (DeliveryState::Failed | DeliveryState::Held))) => {
                self.page(id, Some(state), since, after.as_deref(), MAX_PORTAL_RETRIES).await?
            }
            (Some(_) | None, _) => {
                let said = "send delivery, or state: failed or held, with since and after if you like";
                return Err(Reply::BadRequest(vec![said.to_owned()]));
            }
        };
        let (mut queued, mut busy) = (0, 0);
        for delivery in &found {
            match operate::retry(&*self.deliveries, &*self.queue, delivery, self.clock.now()).await.map_err(unavailable)? {
                Retried::Yes => queued += 1,
                Retried::Busy => busy += 1,
            }
        }
        let mut answer = json!({ "queued": queued, "busy": busy });
        if let Some(next) = next {
            answer["next"] = json!(next);
        }
        Ok(Reply::Accepted(answer))
    }

    pub(super) async fn test(&self, caller: &Caller, id: &EndpointId) -> Result<Reply, Reply> {
        let to = self.seen(caller, id).await?;
        let key = operate::test(&*self.deliveries, &*self.queue, &to, self.clock.now()).await.map_err(unavailable)?;
        Ok(Reply::Accepted(json!({ "delivery": key.delivery })))
    }
}
