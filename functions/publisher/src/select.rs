//! Which endpoints get what was published: by the patterns that they subscribe to, and by their condition.

use crate::body::{cloud_event, webhook_id};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tidings_config::endpoint::{Endpoint, Subscription};
use tidings_config::limits::MAX_ENDPOINTS;
use tidings_core::published::Published;
use tidings_expressions::{Expression, Scope, Variables};

/// Conditions, each compiled once.
#[derive(Debug, Default)]
pub struct Conditions(Mutex<HashMap<String, Option<Arc<Expression>>>>);

/// What conditions see.
#[allow(missing_debug_implementations, reason = "it holds a payload, which mustn't be logged")]
pub struct Seen {
    event: Value,
    data: Value,
}

impl Seen {
    pub fn of(published: &Published) -> Self {
        match published {
            Published::Event(event) => Self {
                event: cloud_event(event, &webhook_id(published)),
                data: serde_json::from_str(event.data.get()).unwrap_or(Value::Null),
            },
            Published::Action(action) => {
                let mut event = action.message.clone();
                let data = event.as_object_mut().and_then(|object| object.shift_remove("data")).unwrap_or(Value::Null);
                Self { event, data }
            }
        }
    }
}

/// Whether a pattern matches.
pub fn subscribes(endpoint: &Endpoint, published: &Published) -> bool {
    endpoint.events.iter().any(|subscription| match (subscription, published) {
        (Subscription::Events(pattern), Published::Event(event)) => pattern.matches(&event.event_type),
        (Subscription::Actions(pattern), Published::Action(action)) => pattern.matches(&action.action_type),
        (Subscription::Events(_), Published::Action(_)) | (Subscription::Actions(_), Published::Event(_)) => false,
    })
}

impl Conditions {
    /// Whether the condition holds. One without a value for this event doesn't: most often the event lacks a field.
    pub fn hold(&self, endpoint: &Endpoint, seen: &Seen) -> bool {
        let Some(text) = &endpoint.when else { return true };
        // Each endpoint has all the work that an event may cause: no condition takes it from another.
        let holds =
            self.compiled(text).and_then(|expression| expression.evaluate(&Variables::of_event(&seen.data, &seen.event)).ok());
        match holds {
            Some(Value::Bool(holds)) => holds,
            Some(_) | None => {
                tracing::debug!(endpoint = %endpoint.id, "the condition has no truth value for this event");
                false
            }
        }
    }

    /// `None`: it isn't an expression, which was checked when it was registered.
    fn compiled(&self, text: &str) -> Option<Arc<Expression>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(expression) = known.get(text) {
            return expression.clone();
        }
        if known.len() >= MAX_ENDPOINTS {
            known.clear();
        }
        let expression = Expression::parse(text, Scope::Event).ok().map(Arc::new);
        known.insert(text.to_owned(), expression.clone());
        expression
    }
}
