//! `GET /events/{token}`: how far the events of a delivery are (asynchronous request and reply).
//!
//! A token that isn't ours and one whose events are no longer known get the same 404.

use super::FeedApi;
use super::reply::FeedReply;
use crate::Request;
use serde_json::json;
use tidings_core::claim::ClaimState;
use tidings_core::kept::Unknown;
use tidings_core::ports::EventStatus;
use tidings_core::status_url::STATUS_PATH;

impl FeedApi {
    /// The answer, if the path is a status URL.
    pub(super) async fn status(&self, request: &Request) -> Option<Result<FeedReply, FeedReply>> {
        let token = request.path.strip_prefix(STATUS_PATH)?;
        Some(if request.method == "GET" { self.status_of(token).await } else { Err(FeedReply::MethodNotAllowed) })
    }

    async fn status_of(&self, token: &str) -> Result<FeedReply, FeedReply> {
        let Some((key, claims)) = &self.status else { return Err(FeedReply::NotFound) };
        let events = match key.find(|keys| keys.iter().find_map(|key| key.open(token))).await {
            Ok(Some(events)) => events,
            Ok(None) => return Err(FeedReply::NotFound),
            Err(Unknown) => return Err(FeedReply::Unavailable),
        };
        let mut found = Vec::new();
        for event in &events {
            match claims.event_status(event).await {
                Ok(Some(status)) => found.push(status),
                Ok(None) => return Err(FeedReply::NotFound),
                Err(error) => {
                    tracing::error!(cause = %error, "the status of an event could not be read");
                    return Err(FeedReply::Unavailable);
                }
            }
        }
        Ok(told(&found))
    }
}

/// One status for all: dead-lettered if one is, else that of the event that has come least far.
fn told(found: &[EventStatus]) -> FeedReply {
    let rank = |state: ClaimState| match state {
        ClaimState::Dead => 0,
        ClaimState::Received => 1,
        ClaimState::Enqueued => 2,
        ClaimState::Processed => 3,
    };
    let state = found.iter().map(|event| event.state).min_by_key(|state| rank(*state)).unwrap_or(ClaimState::Received);
    let processed = found.iter().filter(|event| event.state == ClaimState::Processed).count();
    let body = json!({ "status": state.as_str(), "events": found.len(), "processed": processed });
    let ends = matches!(state, ClaimState::Processed | ClaimState::Dead);
    let result = found.iter().find_map(|event| event.result.clone()).filter(|_| state == ClaimState::Processed);
    FeedReply::Status { body: body.to_string(), ends, result }
}
