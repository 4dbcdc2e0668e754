//! The language of rules, tested from outside: CEL's semantics, bounds, and no payload in errors.

mod bounds;
mod numbers;
mod optionals;
mod oracle;
mod random;
mod reasons;

use serde_json::{Value, json};
use tidings_expressions::{Expression, Scope, Variables};

/// The value, or the error of the parser or the evaluation.
fn value(text: &str, data: &Value) -> Result<Value, String> {
    let event = json!({"type": "order.paid", "subject": "order/1042"});
    Expression::parse(text, Scope::Event)
        .map_err(|error| error.to_string())?
        .evaluate(&Variables::of_event(data, &event))
        .map_err(|error| error.to_string())
}
